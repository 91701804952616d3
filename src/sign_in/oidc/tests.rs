//! The whole exchange, against a provider of a few lines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::token::testing::{Signer, key_set};
use super::*;

const NOW: i64 = 1_700_000_000_000;
const HOUR: i64 = 60 * 60 * 1000;

/// A provider that answers each path with what the test put there, and remembers what it was asked.
struct Provider {
    issuer: String,
    signer: Signer,
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self {
            issuer,
            signer: Signer::ed25519("a"),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        let (answers, asked) = (Arc::clone(&provider.answers), Arc::clone(&provider.asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&answers), Arc::clone(&asked)));
            }
        });
        provider.behave();
        provider
    }

    fn behave(&self) {
        let at = |path: &str| format!("{}/{path}", self.issuer);
        self.set("/.well-known/openid-configuration", 200, &json!({
            "issuer": self.issuer, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
            "jwks_uri": at("keys"), "userinfo_endpoint": at("userinfo"),
        }));
        self.set_text(
            "/keys",
            200,
            &String::from_utf8(key_set(&[&self.signer])).unwrap(),
        );
        self.give(&self.signer, &self.claims());
        self.set(
            "/userinfo",
            200,
            &json!({ "sub": "s1", "email": "u@corp.example", "name": "U" }),
        );
    }

    fn claims(&self) -> Value {
        let second = NOW / 1000;
        json!({
            "iss": self.issuer, "aud": "client", "sub": "s1", "nonce": "n1", "iat": second, "exp": second + 86_400,
            "email": "ada@corp.example", "name": "Ada", "groups": [],
        })
    }

    /// The token endpoint hands out these claims, signed by this key.
    fn give(&self, signer: &Signer, claims: &Value) {
        let token = signer.token(claims);
        self.set(
            "/token",
            200,
            &json!({ "id_token": token, "access_token": "at1", "token_type": "Bearer" }),
        );
    }

    fn give_without(&self, name: &str) {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(name);
        self.give(&self.signer, &claims);
    }

    fn set(&self, path: &str, status: u16, body: &Value) {
        self.set_text(path, status, &body.to_string());
    }

    fn set_text(&self, path: &str, status: u16, body: &str) {
        self.answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), (status, body.to_owned()));
    }

    fn asked(&self, path: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|request| request.contains(&format!(" {path} ")))
            .count()
    }

    fn settings(&self) -> Settings {
        Settings::new(&self.issuer, "client", "s:e%c", "https://us.example/cb")
    }
}

async fn answer(
    mut stream: TcpStream,
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    let request = read(&mut stream).await;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(request);
    let (status, body) = answers
        .lock()
        .unwrap()
        .get(&path)
        .cloned()
        .unwrap_or((404, String::new()));
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // The client hangs up on an answer that is too large.
    let _sent = stream.write_all((head + &body).as_bytes()).await;
}

/// The head, and a form's body, whose end is known by its last field.
async fn read(stream: &mut TcpStream) -> String {
    let mut request = String::new();
    let mut bytes = [0; 4096];
    while !request.contains("\r\n\r\n")
        || request.starts_with("POST") && !request.contains("code_verifier=v1")
    {
        let length = stream.read(&mut bytes).await.unwrap();
        assert!(length > 0, "the client hung up");
        request.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
    request
}

fn oidc() -> Oidc {
    Oidc::new(Outbound::new(vec!["127.0.0.1".parse().unwrap()]).unwrap())
}

fn attempt() -> Attempt {
    Attempt {
        state: "st1".to_owned(),
        nonce: "n1".to_owned(),
        verifier: "v1".to_owned(),
    }
}

async fn sign_in(oidc: &Oidc, provider: &Provider, now: i64) -> Result<Verified, Check> {
    let callback = Callback::parse("code=c1&state=st1").unwrap();
    let result = oidc
        .verify(&provider.settings(), &attempt(), &callback, "conn1", now)
        .await;
    result.map_err(|error| error.check)
}

#[tokio::test]
async fn a_person_is_verified_with_evidence() {
    let provider = Provider::start().await;
    let oidc = oidc();
    let url = oidc
        .authorization_url(&provider.settings(), &attempt(), None, NOW)
        .await
        .unwrap();
    assert!(
        url.as_str()
            .starts_with(&format!("{}/authorize?", provider.issuer)),
        "{url}"
    );
    let found = sign_in(&oidc, &provider, NOW).await.unwrap();
    assert_eq!(
        (
            found.identity.connection.as_str(),
            found.identity.subject.as_str()
        ),
        ("conn1", "s1")
    );
    assert_eq!(found.identity.email.unwrap().as_str(), "ada@corp.example");
    assert_eq!(
        (found.evidence.key_id.as_deref(), found.evidence.algorithm),
        (Some("a"), "EdDSA")
    );
    let asked = provider.asked.lock().unwrap();
    let token = asked
        .iter()
        .find(|request| request.starts_with("POST /token "))
        .unwrap();
    // client:s%3Ae%25c
    assert!(token.contains("Basic Y2xpZW50OnMlM0FlJTI1Yw=="), "{token}");
    assert!(
        token.contains("code=c1&") && token.contains("code_verifier=v1"),
        "{token}"
    );
    assert!(!asked.iter().any(|request| request.contains("/userinfo")));
}

#[tokio::test]
async fn a_rotated_key_is_fetched_once_and_the_old_one_is_gone() {
    let provider = Provider::start().await;
    let oidc = oidc();
    sign_in(&oidc, &provider, NOW).await.unwrap();
    let next = Signer::p256("b");
    provider.set_text("/keys", 200, &String::from_utf8(key_set(&[&next])).unwrap());
    provider.give(&next, &provider.claims());
    sign_in(&oidc, &provider, NOW).await.unwrap();
    assert_eq!(provider.asked("/keys"), 2);
    provider.give(&provider.signer, &provider.claims());
    assert_eq!(
        sign_in(&oidc, &provider, NOW + 1000).await.unwrap_err(),
        Check::KeyUnknown
    );
    assert_eq!(provider.asked("/keys"), 2);
}

#[tokio::test]
async fn many_unknown_keys_at_once_do_not_become_many_requests() {
    let provider = Provider::start().await;
    let oidc = oidc();
    provider.give(&Signer::ed25519("x"), &provider.claims());
    let tries = (0..30).map(|_| {
        let (oidc, settings) = (oidc.clone(), provider.settings());
        tokio::spawn(async move {
            let callback = Callback::parse("code=c1&state=st1").unwrap();
            oidc.verify(&settings, &attempt(), &callback, "conn1", NOW)
                .await
                .unwrap_err()
                .check
        })
    });
    for one in tries.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), Check::KeyUnknown);
    }
    assert_eq!(
        (
            provider.asked("/keys"),
            provider.asked("/.well-known/openid-configuration")
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn known_keys_serve_for_a_day_while_the_provider_s_are_down() {
    let provider = Provider::start().await;
    let oidc = oidc();
    sign_in(&oidc, &provider, NOW).await.unwrap();
    provider.set_text("/keys", 500, "");
    provider.set_text("/.well-known/openid-configuration", 500, "");
    sign_in(&oidc, &provider, NOW + 2 * HOUR).await.unwrap();
    assert_eq!(
        sign_in(&oidc, &provider, NOW + 24 * HOUR).await.unwrap_err(),
        Check::Discovery
    );
}

#[tokio::test]
async fn userinfo_is_asked_for_what_is_missing_and_must_be_about_the_same_person() {
    let provider = Provider::start().await;
    let oidc = oidc();
    provider.give_without("email");
    let found = sign_in(&oidc, &provider, NOW).await.unwrap();
    assert_eq!(found.identity.email.unwrap().as_str(), "u@corp.example");
    assert_eq!(found.evidence.from_userinfo, ["email"]);
    provider.set_text("/userinfo", 200, "<html>");
    assert_eq!(sign_in(&oidc, &provider, NOW).await.unwrap_err(), Check::Userinfo);
    provider.give_without("name");
    let found = sign_in(&oidc, &provider, NOW).await.unwrap();
    assert!(found.identity.name.full.is_none() && found.evidence.userinfo_error.is_some());
    provider.set("/userinfo", 200, &json!({ "sub": "s2", "name": "U" }));
    assert_eq!(
        sign_in(&oidc, &provider, NOW).await.unwrap_err(),
        Check::UserinfoSubject
    );
}

#[tokio::test]
async fn a_promised_issuer_must_be_in_the_answer() {
    let provider = Provider::start().await;
    let path = "/.well-known/openid-configuration";
    let mut document: Value = serde_json::from_str(&provider.answers.lock().unwrap()[path].1).unwrap();
    document["authorization_response_iss_parameter_supported"] = json!(true);
    provider.set(path, 200, &document);
    assert_eq!(
        sign_in(&oidc(), &provider, NOW).await.unwrap_err(),
        Check::ResponseIssuer
    );
    assert_eq!(provider.asked("/token"), 0);
}

#[tokio::test]
async fn a_connection_s_test_asks_anew_and_names_the_key_set() {
    let provider = Provider::start().await;
    let oidc = oidc();
    let expected = Checked {
        jwks_uri: format!("{}/keys", provider.issuer),
        keys: 1,
    };
    assert_eq!(oidc.check(&provider.settings(), NOW).await, Ok(expected.clone()));
    provider.set_text("/keys", 200, r#"{"keys":[]}"#);
    assert_eq!(
        oidc.check(&provider.settings(), NOW).await.unwrap_err().check,
        Check::Keys
    );
    let mut settings = provider.settings();
    settings.issuer.push('/');
    assert_eq!(
        oidc.check(&settings, NOW).await.unwrap_err().check,
        Check::DiscoveryIssuerMismatch
    );
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_the_provider_s_matter() {
    let provider = Provider::start().await;
    let oidc = oidc();
    for (status, body) in [(500, "oops"), (200, "<html>"), (307, "")] {
        provider.set_text("/token", status, body);
        assert_eq!(
            sign_in(&oidc, &provider, NOW).await.unwrap_err(),
            Check::TokenEndpoint,
            "{status}"
        );
    }
    let huge = "a".repeat(2 * 1024 * 1024);
    provider.set_text("/token", 200, &huge);
    assert_eq!(
        sign_in(&oidc, &provider, NOW).await.unwrap_err(),
        Check::TokenEndpoint
    );
}
