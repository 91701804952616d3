use aws_lc_rs::hmac;
use serde_json::json;

use super::testing::{Signer, key_set};
use super::*;

const ISSUER: &str = "https://idp.example";
const NOW: i64 = 1_700_000_000;

fn good() -> Value {
    json!({
        "iss": ISSUER, "aud": "client", "sub": "s1", "nonce": "n1", "iat": NOW - 1, "exp": NOW + 300,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn keys(signers: &[&Signer]) -> KeySet {
    KeySet::parse(&key_set(signers)).unwrap()
}

fn judge_with(token: &str, keys: &KeySet, allowed: &[Algorithm]) -> Result<IdToken, Check> {
    let expected = |algorithm| Expected {
        issuer: ISSUER,
        client_id: "client",
        nonce: "n1",
        access_token: Some("access"),
        algorithm,
    };
    let judged = Unverified::parse(token, allowed).and_then(|unverified| {
        let claims = unverified.verify(keys)?;
        check(claims, &expected(unverified.algorithm), NOW * 1000)
    });
    judged.map_err(|error| {
        assert!(
            error.sentence.ends_with('.') && error.sentence.len() < 800,
            "{}",
            error.sentence
        );
        error.check
    })
}

fn judge(token: &str, keys: &KeySet) -> Result<IdToken, Check> {
    judge_with(token, keys, &Algorithm::ALL)
}

/// OIDC-047.
#[test]
fn a_token_of_each_algorithm_is_taken_where_it_is_allowed() {
    for signer in Signer::of_each_kind() {
        let keys = keys(&[&signer]);
        let token = signer.token(&good());
        assert_eq!(judge(&token, &keys).unwrap().subject, "s1");
        let own = Algorithm::parse(signer.algorithm).unwrap();
        let others: Vec<_> = Algorithm::ALL.into_iter().filter(|other| *other != own).collect();
        assert_eq!(
            judge_with(&token, &keys, &others).unwrap_err(),
            Check::Algorithm,
            "{}",
            signer.algorithm
        );
    }
}

/// OIDC-007, OIDC-016 to OIDC-020, OIDC-022.
#[test]
fn claims_that_are_not_for_this_sign_in_are_refused() {
    let signer = Signer::ed25519("a");
    let keys = keys(&[&signer]);
    for (claims, expected) in [
        (with("iss", json!("https://evil.example")), Check::Issuer),
        (with("iss", json!("https://idp.example/")), Check::Issuer),
        (with("iss", json!("https://IDP.example")), Check::Issuer),
        (with("iss", json!([ISSUER])), Check::Malformed),
        (without("iss"), Check::Malformed),
        (with("aud", json!("other")), Check::Audience),
        (with("aud", json!(["client", "other"])), Check::Audience),
        (with("aud", json!([])), Check::Audience),
        (with("aud", json!(["Client"])), Check::Audience),
        (without("aud"), Check::Malformed),
        (with("azp", json!("other")), Check::Audience),
        (with("azp", Value::Null), Check::Audience),
        (with("exp", json!(NOW - 60)), Check::Expired),
        (with("exp", json!(NOW - 61)), Check::Expired),
        (with("exp", json!("1800000000")), Check::Malformed),
        (with("exp", json!(i64::MIN)), Check::Expired),
        (without("exp"), Check::Malformed),
        (with("iat", json!(NOW + 61)), Check::NotYetValid),
        (with("iat", json!(i64::MAX)), Check::NotYetValid),
        (with("iat", Value::Null), Check::Malformed),
        (without("iat"), Check::Malformed),
        (with("nbf", json!(NOW + 61)), Check::NotYetValid),
        (with("nbf", json!("soon")), Check::Malformed),
        (with("nonce", json!("n2")), Check::Nonce),
        (with("nonce", json!("n11")), Check::Nonce),
        (with("nonce", json!(["n1"])), Check::Nonce),
        (without("nonce"), Check::Nonce),
        (with("sub", json!("")), Check::Subject),
        (with("sub", json!(7)), Check::Subject),
        (with("sub", json!("a".repeat(256))), Check::Subject),
        (with("sub", json!("é")), Check::Subject),
        (with("sub", json!("a\n")), Check::Subject),
        (without("sub"), Check::Subject),
        (with("at_hash", json!("AAAA")), Check::AccessTokenHash),
        (with("at_hash", json!(1)), Check::AccessTokenHash),
    ] {
        assert_eq!(
            judge(&signer.token(&claims), &keys).unwrap_err(),
            expected,
            "{claims}"
        );
    }
}

/// OIDC-018.
#[test]
fn claims_within_the_limits_are_taken() {
    let signer = Signer::ed25519("a");
    let keys = keys(&[&signer]);
    for claims in [
        with("aud", json!(["client"])),
        with("azp", json!("client")),
        with("exp", json!(NOW - 59)),
        with("exp", json!(i64::MAX)),
        with("iat", json!(NOW + 59)),
        with("iat", json!(f64::from(i32::MAX / 2) + 0.5)),
        with("nbf", json!(NOW + 59)),
        with("sub", json!("a".repeat(255))),
    ] {
        assert!(judge(&signer.token(&claims), &keys).is_ok(), "{claims}");
    }
}

#[test]
fn the_hash_of_the_access_token_follows_the_algorithm() {
    let hash = |algorithm, bytes: usize| {
        let whole = digest::digest(algorithm, b"access");
        json!(URL_SAFE_NO_PAD.encode(&whole.as_ref()[..bytes]))
    };
    let sha256 = with("at_hash", hash(&digest::SHA256, 16));
    let sha512 = with("at_hash", hash(&digest::SHA512, 32));
    let (ec, ed) = (Signer::p256("a"), Signer::ed25519("b"));
    let keys = keys(&[&ec, &ed]);
    assert!(judge(&ec.token(&sha256), &keys).is_ok() && judge(&ed.token(&sha512), &keys).is_ok());
    assert_eq!(
        judge(&ec.token(&sha512), &keys).unwrap_err(),
        Check::AccessTokenHash
    );
    assert!(judge(&ed.token(&sha256), &keys).is_ok());
}

/// OIDC-008, OIDC-015, OIDC-021, OIDC-049.
#[test]
fn headers_that_ask_for_something_else_are_refused() {
    let signer = Signer::ed25519("a");
    let keys = keys(&[&signer]);
    let good = good().to_string();
    let long = format!(r#"{{"alg":"EdDSA","x":"{}"}}"#, "a".repeat(LONGEST_HEADER));
    for (header, expected) in [
        (r#"{"alg":"none"}"#, Check::Algorithm),
        (r#"{"alg":"None"}"#, Check::Algorithm),
        (r#"{"alg":"nOnE"}"#, Check::Algorithm),
        (r#"{"alg":""}"#, Check::Algorithm),
        (r#"{"alg":"eddsa"}"#, Check::Algorithm),
        (r#"{"alg":"RS512"}"#, Check::Algorithm),
        (r#"{"alg":"HS256"}"#, Check::Algorithm),
        (r#"{"alg":7}"#, Check::Malformed),
        (r#"{"kid":"a"}"#, Check::Malformed),
        (
            r#"{"alg":"EdDSA","kid":"a","crit":["exp"],"exp":1}"#,
            Check::CriticalHeader,
        ),
        (r#"{"alg":"EdDSA","kid":"a","crit":[]}"#, Check::CriticalHeader),
        (r#"{"alg":"EdDSA","kid":"a","zip":"DEF"}"#, Check::CriticalHeader),
        (r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt"}"#, Check::TokenKind),
        (
            r#"{"alg":"EdDSA","kid":"a","typ":"application/AT+JWT"}"#,
            Check::TokenKind,
        ),
        (
            r#"{"alg":"EdDSA","kid":"a","typ":"logout+jwt"}"#,
            Check::TokenKind,
        ),
        (r#"{"alg":"EdDSA","kid":"a","typ":1}"#, Check::Malformed),
        (r#"{"alg":"EdDSA","kid":7}"#, Check::Malformed),
        (r#"{"alg":"EdDSA","alg":"EdDSA","kid":"a"}"#, Check::Malformed),
        (r#"{"alg":"EdDSA","kid":"b"}"#, Check::KeyUnknown),
        (r#"{"alg":"RS256","kid":"a"}"#, Check::KeyUnknown),
        (&long, Check::Malformed),
        ("[]", Check::Malformed),
        ("", Check::Malformed),
    ] {
        assert_eq!(
            judge(&signer.raw(header, &good), &keys).unwrap_err(),
            expected,
            "{header}"
        );
    }
}

/// OIDC-014.
#[test]
fn keys_in_the_header_are_not_looked_at() {
    let (ours, theirs) = (Signer::ed25519("a"), Signer::ed25519("a"));
    let keys = keys(&[&ours]);
    for (name, value) in [
        ("jwk", theirs.jwk()),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = json!({ "alg": "EdDSA", "kid": "a" });
        header[name] = value;
        let token = |signer: &Signer| signer.raw(&header.to_string(), &good().to_string());
        assert_eq!(
            judge(&token(&theirs), &keys).unwrap_err(),
            Check::Signature,
            "{name}"
        );
        assert!(judge(&token(&ours), &keys).is_ok(), "{name}");
    }
}

/// OIDC-012, OIDC-013.
#[test]
fn a_token_without_a_key_identifier_is_tried_with_the_keys_that_fit() {
    let (one, two, rsa) = (Signer::ed25519("a"), Signer::ed25519("b"), Signer::rsa("c"));
    let stranger = Signer::ed25519("d");
    let token = |signer: &Signer| signer.raw(r#"{"alg":"EdDSA"}"#, &good().to_string());
    assert!(judge(&token(&one), &keys(&[&one])).is_ok());
    assert!(judge(&token(&two), &keys(&[&one, &two, &rsa])).is_ok());
    assert_eq!(
        judge(&token(&stranger), &keys(&[&one, &two])).unwrap_err(),
        Check::Signature
    );
    assert_eq!(
        judge(&token(&one), &keys(&[&rsa])).unwrap_err(),
        Check::KeyUnknown
    );
}

/// OIDC-009.
#[test]
fn a_public_key_or_the_client_secret_signs_nothing() {
    let signer = Signer::rsa("a");
    let keys = keys(&[&signer]);
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"a"}"#),
        URL_SAFE_NO_PAD.encode(good().to_string())
    );
    for secret in [signer.jwk()["n"].as_str().unwrap().as_bytes(), b"secret"] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(judge(&token, &keys).unwrap_err(), Check::Algorithm);
    }
}

/// OIDC-010.
#[test]
fn a_token_that_was_changed_is_refused() {
    let signer = Signer::p256("a");
    let keys = keys(&[&signer]);
    let token = signer.token(&good());
    let parts: Vec<_> = token.split('.').collect();
    let other = URL_SAFE_NO_PAD.encode(with("sub", json!("s2")).to_string());
    for (bad, expected) in [
        (format!("{}.{other}.{}", parts[0], parts[2]), Check::Signature),
        (format!("{}.{}.", parts[0], parts[1]), Check::Signature),
        (format!("{}.{}.AAAA", parts[0], parts[1]), Check::Signature),
        (format!("{}.{}.!", parts[0], parts[1]), Check::Signature),
        (
            format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode([0; 64])),
            Check::Signature,
        ),
        (format!("{token}="), Check::Signature),
        (format!("{}.{}", parts[0], parts[1]), Check::Malformed),
        (format!("{token}.a.b"), Check::TokenKind),
        (format!("{token}.a"), Check::Malformed),
        (format!("{}.{}", "a".repeat(LONGEST_TOKEN), "b"), Check::Malformed),
        (String::new(), Check::Malformed),
    ] {
        assert_eq!(
            judge(&bad, &keys).unwrap_err(),
            expected,
            "{}",
            &bad[..bad.len().min(300)]
        );
    }
}

/// OIDC-050.
#[test]
fn a_payload_that_two_readers_could_see_differently_is_refused() {
    let signer = Signer::ed25519("a");
    let keys = keys(&[&signer]);
    let header = r#"{"alg":"EdDSA","kid":"a"}"#;
    let twice = good().to_string().replacen('{', r#"{"sub":"other","#, 1);
    let marked = format!("\u{feff}{}", good());
    let nan = good().to_string().replacen('{', r#"{"x":NaN,"#, 1);
    for payload in [twice.as_str(), &marked, &nan, "", "[]", "null"] {
        assert_eq!(
            judge(&signer.raw(header, payload), &keys).unwrap_err(),
            Check::Malformed,
            "{payload}"
        );
    }
}
