//! The keys of the tests, and how a provider publishes them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::fault::Fault;
use super::weak;

/// A key pair with its name.
pub struct Key {
    pub kid: &'static str,
    pub private: EncodingKey,
    algorithm: Algorithm,
}

/// The provider's own key, RS256.
pub static CURRENT: LazyLock<Key> =
    LazyLock::new(|| rsa("rsa-1", include_bytes!("../keys/provider-rsa.pem")));
/// The key that follows it.
pub static NEXT: LazyLock<Key> = LazyLock::new(|| rsa("rsa-2", include_bytes!("../keys/next-rsa.pem")));
/// A key that the provider never had.
pub static ATTACKER: LazyLock<Key> =
    LazyLock::new(|| rsa("attacker", include_bytes!("../keys/attacker-rsa.pem")));
/// ES256.
pub static EC: LazyLock<Key> = LazyLock::new(|| Key {
    kid: "ec-1",
    private: EncodingKey::from_ec_pem(include_bytes!("../keys/provider-ec.pem")).unwrap(),
    algorithm: Algorithm::ES256,
});
/// `EdDSA`.
pub static ED25519: LazyLock<Key> = LazyLock::new(|| Key {
    kid: "ed-1",
    private: EncodingKey::from_ed_pem(include_bytes!("../keys/provider-ed25519.pem")).unwrap(),
    algorithm: Algorithm::EdDSA,
});

/// The public half of [`CURRENT`] as everybody can have it, to be misused as a secret.
pub const PUBLIC_PEM: &[u8] = include_bytes!("../keys/provider-rsa-public.pem");
/// A secret that [`Fault::JwksSymmetric`] gives away.
pub const SYMMETRIC: &[u8] = b"thirty-two bytes that all can see";

/// The certificate of [`ATTACKER`], as `x5c` has it.
pub fn attacker_certificate() -> String {
    let pem = include_str!("../keys/attacker-certificate.pem");
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

fn rsa(kid: &'static str, pem: &[u8]) -> Key {
    let private = EncodingKey::from_rsa_pem(pem).unwrap();
    Key {
        kid,
        private,
        algorithm: Algorithm::RS256,
    }
}

impl Key {
    /// The public half (RFC 7517).
    pub fn public(&self) -> Value {
        let mut public =
            serde_json::to_value(Jwk::from_encoding_key(&self.private, self.algorithm).unwrap()).unwrap();
        public["kid"] = json!(self.kid);
        public["use"] = json!("sig");
        public
    }

    fn with(&self, member: &str, value: &str) -> Value {
        let mut public = self.public();
        public[member] = json!(value);
        public
    }
}

/// What `/jwks` publishes under these faults.
pub fn published(faults: &[Fault]) -> Vec<Value> {
    faults
        .iter()
        .find_map(published_instead)
        .unwrap_or_else(|| vec![CURRENT.public()])
}

fn published_instead(fault: &Fault) -> Option<Vec<Value>> {
    Some(match fault {
        Fault::KidAbsentMany | Fault::KidOfAnotherKind => vec![EC.public(), NEXT.public(), CURRENT.public()],
        Fault::Es256 => vec![CURRENT.public(), EC.public()],
        Fault::EdDsa => vec![CURRENT.public(), ED25519.public()],
        Fault::Ps256 => vec![CURRENT.with("alg", "PS256")],
        Fault::KeyRotatedWithOverlap => vec![CURRENT.public(), NEXT.public()],
        Fault::KeyRotated => vec![NEXT.public()],
        Fault::JwksEmpty => Vec::new(),
        Fault::JwksTenThousand => ten_thousand(),
        Fault::JwksWeakRsa => vec![CURRENT.with("n", &URL_SAFE_NO_PAD.encode(weak::bytes(weak::MODULUS)))],
        Fault::JwksGiantRsa => vec![CURRENT.with("n", &URL_SAFE_NO_PAD.encode([0xd5; 2048]))],
        Fault::JwksExponentOne => vec![CURRENT.with("e", "AQ")],
        Fault::JwksInvalidPoint => vec![EC.with("y", &URL_SAFE_NO_PAD.encode([7; 32]))],
        Fault::JwksUseEncryption => vec![CURRENT.with("use", "enc")],
        Fault::JwksSymmetric => vec![json!({
            "kty": "oct", "kid": CURRENT.kid, "alg": "HS256", "use": "sig", "k": URL_SAFE_NO_PAD.encode(SYMMETRIC),
        })],
        Fault::JwksUnknownKinds => vec![
            json!({ "kty": "LATTICE", "kid": "pq-1", "seed": "AAAA" }),
            json!({ "kty": "EC", "kid": "ec-0", "crv": "P-999", "x": "AA", "y": "AA" }),
            json!({ "kty": "RSA", "kid": "half" }),
            CURRENT.public(),
        ],
        _ => return None,
    })
}

fn ten_thousand() -> Vec<Value> {
    let useless = |number| json!({ "kty": "RSA", "kid": format!("k{number}"), "n": "AQ", "e": "AQAB" });
    (0..10_000).map(useless).chain([CURRENT.public()]).collect()
}
