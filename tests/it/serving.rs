//! What stands around the application: whether it is ready, ids of requests, numbers, limits, TLS of our own.

use std::net::TcpListener;

use reqwest::Method;
use vestibule::config::TlsFiles;

use crate::support::{Acme, Caller, Installation};

/// An address where nobody listens.
fn free() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

both_databases! {
    /// It runs, and it is ready: the second one asks the database, and whether it is up to date.
    async fn a_server_says_whether_it_is_ready(db: Database) {
        let acme = Acme::alone(db);
        let nobody = Caller::nobody();
        let elsewhere = [("host", "10.0.0.7:8080")];
        for path in ["/healthz", "/readyz"] {
            let answer = nobody.ask(Method::GET, &acme.installation.to(path), &elsewhere, "").await;
            assert_eq!(answer.status, 200, "{path}");
            let answer = nobody.ask(Method::HEAD, &acme.installation.to(path), &elsewhere, "").await;
            assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
        }
        acme.run("DELETE FROM __diesel_schema_migrations WHERE version = '20261128000060'");
        let answer = nobody.get(&acme.installation.to("/readyz")).await;
        assert_eq!((answer.status, answer.body.as_str()), (503, "the database is not up to date\n"));
        assert_eq!(nobody.get(&acme.installation.to("/healthz")).await.status, 200);
    }

    /// Each answer has the id of its request. What a stranger calls it is not taken; what a proxy of ours does, is.
    async fn each_request_has_an_id(db: Database) {
        let installation = Installation::start(db);
        let given = [("x-request-id", "from-the-proxy_1")];
        let nobody = Caller::nobody();
        let id = async |of: &Installation, headers: &[(&str, &str)]| {
            let answer = nobody.ask(Method::GET, &of.to("/sign-in"), headers, "").await;
            answer.headers["x-request-id"].to_str().unwrap().to_owned()
        };
        let (one, two) = (id(&installation, &given).await, id(&installation, &[]).await);
        assert!(one != two && one.len() == 32, "{one} {two}");
        let trusting = {
            let db = crate::support::Database::sqlite();
            Installation::start_with(db, |config| config.trusted_proxies = vec!["127.0.0.0/8".into()])
        };
        assert_eq!(id(&trusting, &given).await, "from-the-proxy_1");
        assert_ne!(id(&trusting, &[("x-request-id", "a b\"c")]).await, "a b\"c");
    }

    /// The numbers are told at an address of their own, and never at the public one; they hold no path.
    /// ADM-019.
    async fn numbers_are_told_apart_from_the_public(db: Database) {
        let address = free();
        let installation = Installation::start_with(db, |config| config.serving.metrics = Some(address));
        let nobody = Caller::nobody();
        assert_eq!(nobody.get(&installation.to("/metrics")).await.status, 404);
        assert!(nobody.get(&installation.to("/invitation/secret-token")).await.status < 500);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("http://{address}/metrics")).send().await.unwrap();
        let told = answer.text().await.unwrap();
        for name in ["vestibule_requests_total", "vestibule_request_seconds_bucket", "vestibule_database_connections "] {
            assert!(told.contains(name), "{name}: {told}");
        }
        assert!(!told.contains("secret-token"));
    }

    /// An address that is too long is told so; the server goes on.
    /// RES-003.
    async fn an_address_that_is_too_long_is_refused(db: Database) {
        let installation = Installation::start(db);
        let long = installation.to(&format!("/sign-in?x={}", "y".repeat(9_000)));
        assert_eq!(Caller::nobody().get(&long).await.status, 414);
        assert_eq!(Caller::nobody().get(&installation.to("/sign-in")).await.status, 200);
    }

    /// TLS of our own: with the certificate of the files, and nothing in plain text at that port.
    /// SEC-012.
    async fn a_server_may_speak_tls_itself(db: Database) {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let installation = Installation::start_with(db, |config| {
            config.serving.tls = Some(files);
            let url = format!("https://{}", config.listen);
            config.public_url = vestibule::config::PublicUrl::parse(&url).unwrap();
        });
        let url = installation.to("/sign-in").replace("http://", "https://");
        let known = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([known]).build().unwrap();
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["strict-transport-security"].to_str().unwrap().contains("max-age"));
        assert!(answer.headers()["set-cookie"].to_str().unwrap().starts_with("__Host-"));
        let stranger = reqwest::Client::builder().no_proxy().build().unwrap();
        assert!(stranger.get(&url).send().await.is_err());
        assert!(stranger.get(installation.to("/sign-in")).send().await.is_err());
    }
}
