//! What must hold for every input of a reader, whatever it is. The fuzz targets and the tests ask the same functions
//! (`tests/it/fuzz.rs` with the kept corpus and small changes to it).

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use vestibule::access::{DomainName, EmailAddress};
use vestibule::invitations::sheet;
use vestibule::saml::{self, Provider, SamlError, ServiceProvider, Verified};
use vestibule::scim::filter::{self, Filter, matches};
use vestibule::scim::path::{AttributePath, PatchPath};
use vestibule::scim::schema::Kind;
use vestibule::scim::{patch, resource};
use vestibule::sign_in::oidc::{self, Settings};
use vestibule::web::local_path;

/// A check of any input; it panics where something does not hold.
pub type Check = fn(&[u8]);

/// Every reader of what strangers send.
pub const ALL: [(&str, Check); 9] = [
    ("saml_response", saml_response),
    ("saml_metadata", saml_metadata),
    ("scim_filter", scim_filter),
    ("scim_path", scim_path),
    ("scim_patch", scim_patch),
    ("id_token", id_token),
    ("invitation_list", invitation_list),
    ("address", address),
    ("redirect_target", redirect_target),
];

/// 2026-11-24T01:02:03Z, when the SAML corpus was signed.
const NOW: i64 = 1_795_482_123_000;

/// Judges a response to the request and to the parties of the corpus.
///
/// # Errors
/// The check that failed.
pub fn judged(xml: &str) -> Result<Verified, SamlError> {
    let provider = Provider {
        entity_id: "https://idp.example/metadata".to_owned(),
        keys: vec![include_bytes!("parties/idp.spki").to_vec()],
        allow_cbc: true,
        ..Provider::default()
    };
    let ours = ServiceProvider {
        entity_id: "https://vestibule.example/sign-in/saml/c1/metadata".to_owned(),
        acs_url: "https://vestibule.example/sign-in/saml/c1/acs".to_owned(),
        keys: Vec::new(),
    };
    saml::verify(&provider, &ours, "c1", xml, Some("_request1"), NOW)
}

/// Who is believed is who the key has signed. The corpus begins with responses that the key of `parties/idp.spki`
/// signed, all about the same person.
pub fn saml_response(bytes: &[u8]) {
    let Ok(xml) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(verified) = judged(xml) {
        assert_eq!(verified.identity.subject, "email:ada@corp.example");
        assert_eq!(
            verified.identity.email.map(|email| email.to_string()).as_deref(),
            Some("ada@corp.example")
        );
        assert_eq!(verified.assertion_id, "_assertion1");
    }
    let _ = (
        saml::shown(xml),
        saml::in_response_to(xml),
        saml::issuer(xml),
        saml::decode(xml),
    );
}

/// What an administrator pastes or an address serves as metadata is read whole or refused.
pub fn saml_metadata(bytes: &[u8]) {
    let Ok(xml) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(read) = saml::read_provider_metadata(xml, None, NOW) {
        assert!(!read.entity_id.is_empty() && !read.certificates.is_empty());
    }
}

/// A person as SCIM keeps them.
fn ada() -> Value {
    json!({
        "schemas": [Kind::User.urn()], "id": "u1", "userName": "ada", "active": true, "title": "Countess",
        "name": {"givenName": "Ada", "familyName": "King"},
        "emails": [{"value": "ada@corp.example", "type": "work", "primary": true}, {"value": "a@home.example", "type": "home"}],
        "groups": [{"value": "g1"}],
        "meta": {"created": "2026-11-24T01:02:03Z", "version": "W/\"1\""},
    })
}

/// A filter that is read is written and read as the same filter, and it or its contrary fits.
pub fn scim_filter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(tree) = filter::parse(text) else {
        return;
    };
    let written = tree.to_string();
    if written.len() <= text.len() {
        assert_eq!(filter::parse(&written).ok().as_ref(), Some(&tree), "{written}");
    }
    let ada = ada();
    let contrary = Filter::Not(Box::new(tree.clone()));
    assert_ne!(matches(&tree, &ada), matches(&contrary, &ada), "{written}");
}

/// A path that is read is written and read as the same path.
pub fn scim_path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some(path) = AttributePath::read(text) {
        assert_eq!(AttributePath::read(&path.to_string()).as_ref(), Some(&path));
        let _ = (path.key(), Kind::User.resolve(&path), Kind::Group.resolve(&path));
    }
    if let Ok(path) = PatchPath::parse(text) {
        assert!(path.filter.is_none() || path.attribute.part.is_none(), "{path:?}");
    }
}

/// A PATCH applies whole or changes nothing, touches nothing that only the server writes, and leaves a resource in
/// its normal form.
pub fn scim_patch(bytes: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let group =
        json!({"schemas": [Kind::Group.urn()], "id": "g1", "displayName": "G", "members": [{"value": "u1"}]});
    for (kind, resource) in [(Kind::User, ada()), (Kind::Group, group)] {
        let Value::Object(before) = resource else {
            continue;
        };
        let mut after = before.clone();
        let changed = patch::apply(&mut after, &body, kind);
        if changed.is_ok_and(|changed| changed) {
            is_in_order(kind, &before, &after);
        } else {
            assert_eq!(after, before, "{body}");
        }
    }
}

fn is_in_order(kind: Kind, before: &Map<String, Value>, after: &Map<String, Value>) {
    for ours in ["id", "meta", "groups"] {
        assert_eq!(before.get(ours), after.get(ours), "{ours}");
    }
    assert!(
        !after.contains_key("password") && !after.values().any(Value::is_null),
        "{after:?}"
    );
    let mut said = after.clone();
    for ours in ["id", "meta", "groups"] {
        said.remove(ours);
    }
    let again = resource::normalize(kind, Value::Object(said.clone()));
    assert_eq!(again.ok().as_ref(), Some(&said), "{after:?}");
}

const ISSUER: &str = "https://idp.example";
const CLIENT: &str = "vestibule";
const NONCE: &str = "n-0S6_WzA2Mj";

/// As a whole token: refused, for nobody has the key. As claims that the key has signed: what is believed is what an
/// ordinary reader of JSON sees in them.
#[expect(clippy::cast_precision_loss, reason = "seconds of our time have 32 bits")]
pub fn id_token(bytes: &[u8]) {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": public}]}).to_string();
    let settings = Settings::new(ISSUER, CLIENT, "", "https://vestibule.example/callback");
    let read = |token: &str| oidc::read_id_token(&settings, NONCE, keys.as_bytes(), token, NOW);
    if let Ok(token) = std::str::from_utf8(bytes) {
        assert!(read(token).is_err(), "a token that the key did not sign");
    }
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"k"}"#),
        URL_SAFE_NO_PAD.encode(bytes)
    );
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    let Ok(identity) = read(&format!("{signed}.{signature}")) else {
        return;
    };
    let claims: Value = serde_json::from_slice(bytes).expect("what was believed is JSON");
    let ours = |value: &Value| value.as_str() == Some(CLIENT);
    assert_eq!(
        (&claims["iss"], &claims["nonce"]),
        (&json!(ISSUER), &json!(NONCE))
    );
    assert!(ours(&claims["aud"]) || claims["aud"].as_array().is_some_and(|all| all.iter().all(ours)));
    assert!(
        claims["exp"]
            .as_f64()
            .is_some_and(|seconds| seconds * 1000.0 > (NOW - 61_000) as f64)
    );
    assert_eq!(claims["sub"], json!(identity.subject));
    if let Some(email) = identity.email {
        assert!(
            claims["email"]
                .as_str()
                .is_some_and(|text| text.eq_ignore_ascii_case(email.key()) || !text.is_ascii())
        );
    }
}

/// A list of people that is read is written as a table and read as the same people, line after line.
pub fn invitation_list(bytes: &[u8]) {
    let Ok(read) = sheet::read(&sheet::decode(bytes)) else {
        return;
    };
    let says =
        |line: &&sheet::Line| !(line.email.is_empty() && line.role.is_empty() && line.teams.is_empty());
    let lines: Vec<&sheet::Line> = read.lines.iter().filter(says).collect();
    assert!(lines.is_sorted_by_key(|line| line.number), "{lines:?}");
    let cells = |line: &sheet::Line| (line.email.clone(), line.role.clone(), line.teams.clone());
    let table = sheet::write(
        lines
            .iter()
            .map(|line| (line.email.as_str(), line.role.as_str(), line.teams.clone())),
    );
    let again = sheet::read(&table).expect("what was written is read");
    let (once, twice): (Vec<_>, Vec<_>) = (
        lines.into_iter().map(cells).collect(),
        again.lines.iter().map(cells).collect(),
    );
    assert_eq!(once, twice, "{table}");
}

/// An address has one reading: written and read again it is the same, and so is its domain.
pub fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(email) = EmailAddress::parse(text) {
        assert_eq!(email.as_str().matches('@').count(), 1, "{text:?}");
        assert!(
            email.as_str().bytes().all(|byte| byte.is_ascii_graphic()),
            "{text:?}"
        );
        assert_eq!(email.key(), email.as_str().to_ascii_lowercase());
        let again = EmailAddress::parse(email.as_str());
        assert_eq!(again.as_ref().map(EmailAddress::key), Ok(email.key()), "{text:?}");
        assert_eq!(
            email.key().split_once('@').map(|(_, domain)| domain),
            Some(email.domain())
        );
    }
    if let Ok(domain) = DomainName::parse(text) {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        assert!(domain.as_str().bytes().all(plain), "{text:?}");
        assert_eq!(
            DomainName::parse(domain.as_str())
                .as_ref()
                .map(DomainName::as_str),
            Ok(domain.as_str())
        );
    }
}

/// Where somebody is sent afterwards is a path of ours, and fits into a header.
pub fn redirect_target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let path = local_path(text);
    assert!(path == "/" || path == text);
    assert!(path.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
    let own = url::Url::parse("https://own.example/orgs/a").expect("an address");
    let to = own.join(path).expect("a path");
    assert_eq!(to.origin(), own.origin(), "{text:?}");
    assert!(!to.path().starts_with("//"), "{text:?}");
}
