//! The provider over HTTP, as an application and a person's browser see it.

use std::net::TcpListener;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::header::LOCATION;
use reqwest::{Client as Browser, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use crate::store::time::{Clock, MINUTE};

use super::{Client, Provider, people, run};

const SECRET: &str = "s:e%c ret";
const BACK: &str = "http://127.0.0.1:8080/sign-in/oidc/1/callback";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Running {
    issuer: String,
    clock: Clock,
    browser: Browser,
}

fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let clock = Clock::fixed(1_800_000_000_000);
    let provider = Provider::new(issuer.clone(), Vec::new(), people(), clock.clone()).unwrap();
    provider.register(Client {
        id: "app".into(),
        secret: SECRET.into(),
        redirect_uris: vec![BACK.into()],
    });
    actix_web::rt::spawn(run(&provider, listener).unwrap());
    let browser = Browser::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    Running {
        issuer,
        clock,
        browser: browser.build().unwrap(),
    }
}

impl Running {
    fn authorize(&self) -> Url {
        let parameters = [
            ("client_id", "app"),
            ("redirect_uri", BACK),
            ("response_type", "code"),
            ("scope", "openid email"),
            ("state", "st&ate"),
            ("nonce", "nonce"),
            ("login_hint", "sam@acme.example"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        Url::parse_with_params(&format!("{}/authorize", self.issuer), parameters).unwrap()
    }

    async fn answer(&self, name: &str, value: &str) -> Vec<(String, String)> {
        let request = self.browser.post(self.authorize()).form(&[(name, value)]);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 303);
        let to = Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
        assert!(to.as_str().starts_with(&format!("{BACK}?")));
        to.query_pairs().into_owned().collect()
    }

    async fn code(&self) -> String {
        let answer = self.answer("person", "sam").await;
        assert_eq!(answer[1..], pairs(&[("iss", &self.issuer), ("state", "st&ate")]));
        answer[0].1.clone()
    }

    fn exchange(&self, code: &str, verifier: &str) -> RequestBuilder {
        self.browser.post(format!("{}/token", self.issuer)).form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", verifier),
        ])
    }

    /// Basic credentials with both halves form-encoded.
    async fn exchanged(&self, code: &str) -> Response {
        let request = self
            .exchange(code, VERIFIER)
            .basic_auth("app", Some("s%3Ae%25c+ret"));
        request.send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let request = self.browser.get(format!("{}{path}", self.issuer));
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn claims(&self, id_token: &str) -> Value {
        let keys: JwkSet = serde_json::from_value(self.json("/jwks").await).unwrap();
        let kid = jsonwebtoken::decode_header(id_token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&["app"]);
        rules.set_issuer(&[&self.issuer]);
        rules.validate_exp = false; // the provider's clock stands still
        jsonwebtoken::decode(id_token, &key, &rules).unwrap().claims
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[actix_web::test]
async fn a_person_signs_in_and_is_described() {
    let provider = start();
    let response = provider.exchanged(&provider.code().await).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    let tokens: Value = response.json().await.unwrap();
    let claims = provider.claims(tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["nonce"], "nonce");
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        300
    );

    let access = tokens["access_token"].as_str().unwrap();
    let userinfo = provider
        .browser
        .get(format!("{}/userinfo", provider.issuer))
        .bearer_auth(access);
    let person: Value = userinfo.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&person["email"], &person["groups"][1]),
        (&"sam@acme.example".into(), &"eng".into())
    );
    for (name, value) in person.as_object().unwrap() {
        assert_eq!(&claims[name], value);
    }
}

#[actix_web::test]
async fn a_code_is_good_once_and_for_a_minute() {
    let provider = start();
    let (first, second) = (provider.code().await, provider.code().await);
    assert_eq!(provider.exchanged(&first).await.status(), 200);
    assert_eq!(provider.exchanged(&first).await.status(), 400);
    provider.clock.advance(MINUTE);
    assert_eq!(provider.exchanged(&second).await.status(), 400);
}

#[actix_web::test]
async fn a_code_is_given_only_to_whom_it_belongs() {
    let provider = start();
    let code = provider.code().await;
    let basic = |secret: &str| provider.exchange(&code, VERIFIER).basic_auth("app", Some(secret));
    assert_eq!(basic("wrong").send().await.unwrap().status(), 401);
    assert_eq!(
        provider.exchange(&code, VERIFIER).send().await.unwrap().status(),
        401
    );
    let another = provider
        .exchange(&code, &VERIFIER.to_lowercase())
        .basic_auth("app", Some("s%3Ae%25c+ret"));
    let refused: Value = another.send().await.unwrap().json().await.unwrap();
    assert_eq!(refused["error"], "invalid_grant");
}

#[actix_web::test]
async fn the_secret_may_be_posted() {
    let provider = start();
    let code = provider.code().await;
    let request = provider
        .browser
        .post(format!("{}/token", provider.issuer))
        .form(&[
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("client_secret", SECRET),
            ("code", &code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ]);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn the_page_lets_its_form_lead_back_to_the_application() {
    let provider = start();
    let response = provider.browser.get(provider.authorize()).send().await.unwrap();
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:8080;"),
        "{policy}"
    );
    let html = response.text().await.unwrap();
    assert_eq!(html.matches("name=\"person\"").count(), people().len());
    assert_eq!(html.matches("<h1>").count(), 1);
    assert_eq!(html.matches("The address you typed").count(), 1);
    assert!(!html.contains("<script") && !html.contains("style="));
}

#[actix_web::test]
async fn who_declines_goes_back_with_the_reason() {
    let provider = start();
    let answer = provider.answer("decline", "yes").await;
    assert_eq!(answer[0], ("error".to_owned(), "access_denied".to_owned()));
    assert_eq!(
        answer[2..],
        pairs(&[("iss", &provider.issuer), ("state", "st&ate")])
    );
}

#[actix_web::test]
async fn the_other_pages_answer() {
    let provider = start();
    for (path, status, words) in [
        ("/", 200, "Open http://127.0.0.1:8080/"),
        ("/app.css", 200, "@layer"),
        (
            "/authorize?client_id=app&redirect_uri=http://evil.example/",
            400,
            "You are sent nowhere",
        ),
        ("/userinfo", 401, ""),
    ] {
        let response = provider
            .browser
            .get(format!("{}{path}", provider.issuer))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert!(response.text().await.unwrap().contains(words), "{path}");
    }
    let described = provider.json("/.well-known/openid-configuration").await;
    assert_eq!(described["issuer"], provider.issuer.as_str());
    assert_eq!(described["authorization_response_iss_parameter_supported"], true);
}
