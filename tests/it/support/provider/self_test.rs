//! The provider tested as itself: an honest sign-in works, and each fault is really sent.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use reqwest::{Client, Response};
use serde_json::Value;
use url::Url;
use vestibule::store::time::Clock;

use super::{Fault, Person, Provider};

const BACK: &str = "http://127.0.0.1:1/callback";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Keeps no connection: the next test has a runtime of its own.
static BROWSER: LazyLock<Client> = LazyLock::new(|| {
    let browser = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0);
    browser.no_proxy().build().unwrap()
});

async fn get(provider: &Provider, path: &str) -> Response {
    BROWSER
        .get(format!("{}{path}", provider.issuer()))
        .send()
        .await
        .unwrap()
}

async fn json(provider: &Provider, path: &str) -> Value {
    get(provider, path).await.json().await.unwrap()
}

async fn authorize(provider: &Provider, hint: &str) -> Response {
    let parameters = [
        ("client_id", provider.client_id()),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "state"),
        ("nonce", "nonce"),
        ("login_hint", hint),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let address = Url::parse_with_params(&format!("{}/authorize", provider.issuer()), parameters).unwrap();
    BROWSER.get(address).send().await.unwrap()
}

fn sent_to(response: &Response) -> Url {
    Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
}

async fn answer(provider: &Provider, hint: &str) -> BTreeMap<String, String> {
    sent_to(&authorize(provider, hint).await)
        .query_pairs()
        .into_owned()
        .collect()
}

async fn exchange(provider: &Provider, code: &str) -> Response {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("client_id", provider.client_id()),
        ("client_secret", provider.client_secret()),
    ];
    BROWSER
        .post(format!("{}/token", provider.issuer()))
        .form(&form)
        .send()
        .await
        .unwrap()
}

async fn id_token(provider: &Provider) -> String {
    let answer = answer(provider, "").await;
    let tokens: Value = exchange(provider, &answer["code"]).await.json().await.unwrap();
    tokens["id_token"].as_str().unwrap().to_owned()
}

/// The claims, if the signature is right by the published keys.
async fn verified(provider: &Provider, token: &str) -> Option<Value> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let keys: JwkSet = serde_json::from_value(json(provider, "/jwks").await).ok()?;
    let key = keys.find(header.kid.as_deref()?)?;
    let mut rules = Validation::new(header.alg);
    rules.set_audience(&[provider.client_id()]);
    rules.set_issuer(&[provider.issuer()]);
    jsonwebtoken::decode(token, &DecodingKey::from_jwk(key).ok()?, &rules)
        .ok()
        .map(|token| token.claims)
}

#[actix_web::test]
async fn an_honest_provider_signs_in() {
    let provider = Provider::start().await;
    provider
        .person("sub-7", "grace@acme.example")
        .know(Person::new("sub-8", "alan@acme.example").verified(None));
    let answer = answer(&provider, "").await;
    assert_eq!(
        (answer["state"].as_str(), answer["iss"].as_str()),
        ("state", provider.issuer())
    );
    let tokens: Value = exchange(&provider, &answer["code"]).await.json().await.unwrap();
    assert_eq!(exchange(&provider, &answer["code"]).await.status(), 400);
    let claims = verified(&provider, tokens["id_token"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (&claims["sub"], &claims["name"], &claims["nonce"]),
        (&"sub-7".into(), &"Grace Example".into(), &"nonce".into())
    );
    let userinfo = BROWSER
        .get(format!("{}/userinfo", provider.issuer()))
        .bearer_auth(tokens["access_token"].as_str().unwrap());
    let person: Value = userinfo.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&person["email"], &person["email_verified"]),
        (&claims["email"], &true.into())
    );
}

#[actix_web::test]
async fn it_signs_in_whom_the_test_wants() {
    let provider = Provider::start().await;
    provider.know(Person::new("sub-8", "alan@acme.example").verified(None));
    provider.next(Person::new("sub-9", "joan@acme.example").in_groups(&["eng"]));
    let mut subjects = Vec::new();
    for hint in ["alan@acme.example", "", ""] {
        let answer = answer(&provider, hint).await;
        let tokens: Value = exchange(&provider, &answer["code"]).await.json().await.unwrap();
        let claims = verified(&provider, tokens["id_token"].as_str().unwrap())
            .await
            .unwrap();
        subjects.push((
            claims["sub"].as_str().unwrap().to_owned(),
            claims.get("email_verified").is_some(),
        ));
    }
    assert_eq!(
        subjects,
        [
            ("sub-8".into(), false),
            ("sub-9".into(), true),
            ("sub-1".into(), true)
        ]
    );
}

#[actix_web::test]
async fn it_remembers_what_was_asked() {
    let provider = Provider::start().await;
    provider.client("vestibule", "p%:é");
    let code = answer(&provider, "").await["code"].clone();
    assert_eq!(exchange(&provider, &code).await.status(), 401);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    let request = BROWSER.post(format!("{}/token", provider.issuer())).form(&form);
    let response = request
        .basic_auth("vestibule", Some("p%25%3A%C3%A9"))
        .send()
        .await
        .unwrap();
    assert_eq!((response.status().as_u16(), provider.count("/token")), (200, 2));
    let last = provider.last("/token").unwrap();
    assert_eq!(last.basic().unwrap().1, "p%25%3A%C3%A9");
    assert_eq!(
        (last.method.as_str(), last.form().len(), last.header("cookie")),
        ("POST", 4, None)
    );
    assert_eq!(
        provider.last("/authorize").unwrap().parameter("state"),
        Some("state")
    );
    assert_eq!(provider.requests().len(), 3);
    assert!(provider.forget().requests().is_empty());
}

#[actix_web::test]
async fn its_clock_can_be_wrong() {
    let provider = Provider::start_with(Clock::fixed(1_800_000_000_000)).await;
    let issued = async || {
        let token = id_token(&provider).await;
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["iat"]
            .as_i64()
            .unwrap()
    };
    provider.skew(-61);
    assert_eq!(issued().await, 1_799_999_939);
    provider.honest();
    assert_eq!(issued().await, 1_800_000_000);
}

#[actix_web::test]
async fn a_faulty_id_token_is_not_the_honest_one() {
    let provider = Provider::start_with(Clock::fixed(4_000_000_000_000)).await;
    let honest = id_token(&provider).await;
    let (header, rest) = honest.split_once('.').unwrap();
    let mut faults = Fault::in_the_id_token();
    faults.extend([Fault::Es256, Fault::Ps256, Fault::EdDsa, Fault::KidAbsentMany]);
    for fault in faults {
        let token = id_token(provider.honest().fault(fault.clone())).await;
        let part = |place| token.split('.').nth(place);
        let differs = part(0) != Some(header)
            || part(1) != rest.split('.').next()
                && (fault == Fault::AtHashWrong || claims_differ(&honest, &token))
            || fault == Fault::EmptySignature && token.ends_with('.')
            || fault == Fault::BadSignature && verified(&provider, &token).await.is_none();
        assert!(differs, "{fault:?} is not sent");
    }
}

/// Whether more than the hash of the access token, which is new each time, differs.
fn claims_differ(one: &str, other: &str) -> bool {
    let claims = |token: &str| {
        let text = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let mut claims: Value = serde_json::from_slice(&text).ok()?;
        claims.as_object_mut()?.remove("at_hash");
        Some((claims, text.len()))
    };
    claims(one) != claims(other)
}

#[actix_web::test]
async fn other_algorithms_verify_by_the_published_keys() {
    let provider = Provider::start().await;
    for fault in [
        Fault::Es256,
        Fault::Ps256,
        Fault::EdDsa,
        Fault::KeyRotated,
        Fault::KeyRotatedWithOverlap,
    ] {
        let token = id_token(provider.honest().fault(fault.clone())).await;
        assert!(verified(&provider, &token).await.is_some(), "{fault:?}");
    }
}

#[actix_web::test]
async fn the_answer_to_the_browser_can_be_wrong() {
    let provider = Provider::start().await;
    let query = async |fault: Fault| {
        let to = sent_to(&authorize(provider.honest().fault(fault), "").await);
        to.query().unwrap_or_default().to_owned()
    };
    assert!(!query(Fault::StateMissing).await.contains("state="));
    assert!(query(Fault::StateWrong).await.contains("state=another"));
    assert_eq!(query(Fault::StateTwice).await.matches("state=state").count(), 2);
    assert_eq!(query(Fault::CodeTwice).await.matches("code=").count(), 2);
    assert!(!query(Fault::CodeMissing).await.contains("code="));
    assert!(
        query(Fault::IssParameterWrong)
            .await
            .contains("iss=https%3A%2F%2Fanother.example")
    );
    assert!(!query(Fault::IssParameterMissing).await.contains("iss="));
    assert!(
        query(Fault::Refuses("access_denied", "<b>\r\n"))
            .await
            .contains("error_description=%3Cb%3E%0D%0A")
    );
    assert!(query(Fault::IdTokenInQuery).await.contains("id_token=ey"));
    assert!(
        query(Fault::ForwardTo("http://h.example/a".into(), "x".into()))
            .await
            .starts_with("client_id=x&")
    );
    let fragment = sent_to(&authorize(provider.honest().fault(Fault::AnswerInFragment), "").await);
    assert!(fragment.fragment().unwrap().contains("code="));
    let posting = authorize(provider.honest().fault(Fault::AnswerByPost), "")
        .await
        .text()
        .await
        .unwrap();
    assert!(posting.contains(r#"name="code""#));
}

#[actix_web::test]
async fn the_token_endpoint_can_be_wrong() {
    let provider = Provider::start().await;
    let mut faults = Fault::in_the_token_answer();
    faults.extend([
        Fault::Token307("http://127.0.0.1:1/".into()),
        Fault::TokenWithoutAccessToken,
    ]);
    for fault in faults {
        let code = answer(provider.honest().fault(fault.clone()), "").await["code"].clone();
        let response = exchange(&provider, &code).await;
        let status = response.status().as_u16();
        let tokens: Value = response.json().await.unwrap_or_default();
        let good = status == 200 && tokens["id_token"].is_string() && tokens["access_token"].is_string();
        assert!(
            !good || tokens["padding"].as_str().unwrap().len() > 1024 * 1024,
            "{fault:?}"
        );
    }
    let code = answer(provider.honest().fault(Fault::CodeReusable), "").await["code"].clone();
    for _ in 0..2 {
        assert_eq!(exchange(&provider, &code).await.status(), 200);
    }
}

#[actix_web::test]
async fn it_can_be_slow_and_go_away() {
    let provider = Provider::start().await;
    let delay = Duration::from_millis(150);
    for (fault, path) in [
        (Fault::TokenSlow(delay), "/token"),
        (Fault::JwksSlow(delay), "/jwks"),
        (Fault::UserinfoSlow(delay), "/userinfo"),
        (Fault::DiscoverySlow(delay), "/.well-known/openid-configuration"),
    ] {
        provider.honest().fault(fault);
        assert!(
            tokio::time::timeout(delay / 2, get(&provider, path))
                .await
                .is_err(),
            "{path}"
        );
    }
    let trickle = get(provider.honest().fault(Fault::TokenTrickle), "/token").await;
    assert!(tokio::time::timeout(delay * 2, trickle.bytes()).await.is_err());
    provider.stop().await;
    let refused = BROWSER.get(provider.issuer()).send().await;
    assert!(refused.unwrap_err().is_connect());
}

#[actix_web::test]
async fn what_it_publishes_can_be_wrong() {
    let provider = Provider::start().await;
    let honest = (
        json(&provider, "/.well-known/openid-configuration").await,
        json(&provider, "/jwks").await,
    );
    let mut faults = Fault::in_the_keys();
    faults.extend([
        Fault::JwksTenThousand,
        Fault::JwksUnknownKinds,
        Fault::DiscoveryIssuerMismatch,
        Fault::Discovery404,
        Fault::DiscoveryIssuerTrailingSlash,
        Fault::DiscoveryHtml,
        Fault::DiscoveryHuge,
        Fault::DiscoveryRedirect,
        Fault::DiscoveryPrivateEndpoints,
        Fault::DiscoveryWithoutTokenEndpoint,
        Fault::DiscoveryWithoutUserinfo,
        Fault::DiscoveryOtherJwksUri,
        Fault::OnlyClientSecretPost,
        Fault::IssParameterUnknown,
    ]);
    for fault in faults {
        provider.honest().fault(fault.clone());
        let document = get(&provider, "/.well-known/openid-configuration")
            .await
            .json()
            .await
            .unwrap_or(Value::Null);
        let keys = get(&provider, "/jwks").await.json().await.unwrap_or(Value::Null);
        assert!((document, keys) != honest, "{fault:?} is not sent");
    }
    assert_eq!(json(&provider, "/attacker").await["keys"][0]["kid"], "attacker");
}

#[actix_web::test]
async fn what_it_says_of_a_person_can_be_wrong() {
    let person = Person::new("sub-1", "ada@acme.example").in_groups(&["eng"]);
    let honest = person.claims(&[]);
    let mut faults = Fault::in_the_email();
    faults.extend(
        Fault::not_really()
            .into_iter()
            .filter(|fault| format!("{fault:?}").starts_with(['N', 'G'])),
    );
    faults.retain(|fault| !matches!(fault, Fault::NbfIn(_)));
    faults.extend([
        Fault::EmailUnverified,
        Fault::EmailVerifiedMissing,
        Fault::EmailVerifiedString,
        Fault::EmailVerifiedNumber,
        Fault::EmailMissing,
        Fault::DistributedClaims,
        Fault::NoClaim("sub"),
        Fault::Claim("email", Value::Null),
    ]);
    for fault in faults {
        assert_ne!(person.claims(std::slice::from_ref(&fault)), honest, "{fault:?}");
    }
}

#[actix_web::test]
async fn userinfo_can_be_wrong() {
    let provider = Provider::start().await;
    let code = answer(&provider, "").await["code"].clone();
    let tokens: Value = exchange(&provider, &code).await.json().await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    for (fault, expected) in [
        (Fault::UserinfoOtherSub, "\"sub\":\"another\""),
        (Fault::UserinfoWithoutSub, "{\"email\":"),
        (Fault::UserinfoHtml, "<h1>"),
        (Fault::UserinfoSigned, "ey"),
        (Fault::Userinfo500, ""),
        (Fault::UserinfoHuge, "xxxxxxxx"),
    ] {
        provider.honest().fault(fault.clone());
        let request = BROWSER
            .get(format!("{}/userinfo", provider.issuer()))
            .bearer_auth(access);
        let text = request.send().await.unwrap().text().await.unwrap();
        assert!(text.contains(expected), "{fault:?}: {text:.200}");
    }
    let bare = id_token(provider.honest().fault(Fault::ClaimsOnlyAtUserinfo)).await;
    assert!(verified(&provider, &bare).await.unwrap().get("email").is_none());
}
