use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

fn outbound(allow: &[&str]) -> Outbound {
    Outbound::new(allow.iter().map(|text| text.parse().unwrap()).collect()).unwrap()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// Answers one request with these bytes.
async fn server(answer: Vec<u8>) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = url(&format!(
        "http://127.0.0.1:{}/",
        listener.local_addr().unwrap().port()
    ));
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = vec![0; 4096];
        let length = stream.read(&mut seen).await.unwrap();
        // The client may hang up before it has read all.
        let _sent = stream.write_all(&answer).await;
        String::from_utf8_lossy(&seen[..length]).into_owned()
    });
    (address, task)
}

/// NET-001.
#[test]
fn only_https_addresses_are_kept_unless_a_network_is_allowed() {
    let strict = outbound(&[]);
    for bad in [
        "http://idp.example/",
        "file:///etc/passwd",
        "gopher://a/",
        "ftp://a/",
        "data:text/plain,a",
    ] {
        assert!(
            matches!(strict.check_url(&url(bad)), Err(OutboundError::Scheme { .. })),
            "{bad}"
        );
    }
    assert_eq!(strict.check_url(&url("https://idp.example/")), Ok(()));
    assert_eq!(
        strict.check_url(&url("https://a:b@idp.example/")),
        Err(OutboundError::Credentials)
    );
    assert_eq!(
        outbound(&["127.0.0.0/8"]).check_url(&url("http://127.0.0.1:9/")),
        Ok(())
    );
}

/// NET-003, NET-006.
#[test]
fn an_address_in_disguise_is_still_refused() {
    let strict = outbound(&["192.0.2.0/24"]);
    for bad in [
        "https://2130706433/",
        "https://0177.1/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://①②⑦.0.0.1/",
        "https://169.254.169.254/",
        "http://8.8.8.8/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00::1]/",
    ] {
        assert!(
            matches!(
                strict.check_url(&url(bad)),
                Err(OutboundError::RefusedAddress { .. })
            ),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_name_is_refused_by_the_address_it_resolves_to() {
    let answer = outbound(&[]).get(&url("https://localhost/"), "*/*", None).await;
    assert!(
        matches!(answer, Err(OutboundError::RefusedAddress { .. })),
        "{answer:?}"
    );
    // Whether this spelling resolves at all depends on the system.
    assert!(
        outbound(&[])
            .get(&url("https://localhost./"), "*/*", None)
            .await
            .is_err()
    );
    let answer = outbound(&["192.0.2.0/24"])
        .get(&url("http://localhost/"), "*/*", None)
        .await;
    assert!(
        matches!(answer, Err(OutboundError::RefusedAddress { .. })),
        "{answer:?}"
    );
}

/// NET-004.
#[test]
fn of_mixed_addresses_only_those_within_reach_are_connected_to() {
    let found = || vec!["10.0.0.1:0".parse().unwrap(), "8.8.8.8:0".parse().unwrap()];
    let none: Arc<[Network]> = Arc::new([]);
    let ten: Arc<[Network]> = Arc::new(["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(
        Reach::PublicOr(none).keep(found()),
        ["8.8.8.8:0".parse().unwrap()]
    );
    assert_eq!(Reach::PublicOr(Arc::clone(&ten)).keep(found()).len(), 2);
    assert!(Reach::Only(ten).keep(found()).is_empty());
}

#[tokio::test]
async fn an_answer_is_read_with_its_status_and_type() {
    let answer =
        b"HTTP/1.1 404 Not Found\r\nContent-Type: Application/JSON; a=b\r\nContent-Length: 2\r\n\r\n{}";
    let (address, task) = server(answer.to_vec()).await;
    let answer = outbound(&["127.0.0.1"])
        .get(&address, "application/json", Some("tok"))
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.content_type.as_deref()),
        (404, Some("application/json"))
    );
    assert_eq!(answer.body, b"{}");
    let seen = task.await.unwrap().to_ascii_lowercase();
    assert!(
        seen.contains("user-agent: vestibule\r\n") && seen.contains("authorization: bearer tok\r\n"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer =
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (address, _task) = server(answer.to_vec()).await;
    let answer = outbound(&["127.0.0.1"])
        .post_form(&address, Some(("a", "b")), &[("c", "d")])
        .await;
    assert!(
        matches!(answer, Err(OutboundError::Redirect { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(SIZE_LIMIT + 4096, b'a');
    let (address, _task) = server(answer).await;
    let answer = outbound(&["127.0.0.1"]).get(&address, "*/*", None).await;
    assert!(
        matches!(answer, Err(OutboundError::TooLarge { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_not_reachable() {
    let answer = outbound(&["127.0.0.1"])
        .get(&url("http://127.0.0.1:1/"), "*/*", None)
        .await;
    let error = answer.unwrap_err();
    assert!(matches!(error, OutboundError::NotReachable { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}
