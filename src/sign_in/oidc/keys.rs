//! The provider's public keys (RFC 7517), and which of them may have signed a token.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};
use url::Url;

use super::error::{Check, OidcError};
use super::json;
use super::settings::Algorithm;
use crate::outbound::{Answer, Outbound};

/// The keys of a provider that can be used; others are left out (RFC 7517 §5).
#[derive(Debug)]
pub(super) struct KeySet {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm that the key is for, if it says so.
    algorithm: Option<String>,
    kind: Kind,
    decoding: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    Ed25519,
}

/// How many keys are tried for a token that does not name one.
const MOST_TRIES: usize = 10;

/// Fetches the key set.
pub(super) async fn fetch(outbound: &Outbound, address: &Url) -> Result<KeySet, OidcError> {
    let what = "The provider's keys could not be fetched";
    let answer = outbound
        .get(address, "application/jwk-set+json, application/json", None)
        .await
        .map_err(|error| OidcError::outbound(Check::Keys, what, &error))?;
    KeySet::of(address, &answer)
}

impl KeySet {
    fn of(address: &Url, answer: &Answer) -> Result<Self, OidcError> {
        let unusable = |why: &str| {
            let sentence =
                format!("The provider's keys at {address} can't be used: {why}. Tell the provider.");
            OidcError::new(Check::Keys, sentence)
        };
        if answer.status != 200 {
            return Err(unusable(&format!("the provider answered {}", answer.status)));
        }
        Self::parse(&answer.body).map_err(|why| unusable(&why))
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document = json::object(bytes)?;
        let entries = document
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("there is no list of keys")?;
        let keys: Vec<_> = entries
            .iter()
            .filter_map(Value::as_object)
            .filter_map(Key::parse)
            .collect();
        if keys.is_empty() {
            return Err(
                "none is an RSA key of 2048 to 8192 bits, a P-256 key or an Ed25519 key for signatures"
                    .to_owned(),
            );
        }
        Ok(Self { keys })
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys that may have signed a token with this header. A token without a key identifier may be
    /// signed by any key that fits its algorithm.
    pub(super) fn candidates(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        self.keys
            .iter()
            .filter(move |key| id.is_none_or(|id| key.id.as_deref() == Some(id)) && key.fits(algorithm))
            .map(|key| &key.decoding)
            .take(MOST_TRIES)
    }
}

impl Key {
    fn parse(jwk: &Map<String, Value>) -> Option<Self> {
        if !is_for_verification(jwk) {
            return None;
        }
        let (kind, decoding) = match (json::text(jwk, "kty")?, json::text(jwk, "crv")) {
            ("RSA", _) => (Kind::Rsa, rsa(jwk)?),
            ("EC", Some("P-256")) => (Kind::P256, p256(jwk)?),
            ("OKP", Some("Ed25519")) => (Kind::Ed25519, ed25519(jwk)?),
            _ => return None,
        };
        let id = json::text(jwk, "kid").map(str::to_owned);
        let algorithm = json::text(jwk, "alg").map(str::to_owned);
        Some(Self {
            id,
            algorithm,
            kind,
            decoding,
        })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Kind::Rsa,
            Algorithm::Es256 => Kind::P256,
            Algorithm::EdDsa => Kind::Ed25519,
        };
        self.kind == kind
            && self
                .algorithm
                .as_deref()
                .is_none_or(|only| only == algorithm.as_str())
    }
}

/// `use` and `key_ops` (RFC 7517 §4.2, §4.3): a key for encryption signs nothing.
fn is_for_verification(jwk: &Map<String, Value>) -> bool {
    let used = jwk.get("use").is_none_or(|purpose| purpose == "sig");
    let operations = jwk.get("key_ops").is_none_or(|operations| {
        operations
            .as_array()
            .is_some_and(|list| list.iter().any(|operation| operation == "verify"))
    });
    used && operations
}

/// A modulus of 2048 to 8192 bits, and an odd exponent from 3 on that fits into 33 bits.
fn rsa(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let modulus = number(jwk, "n")?;
    let exponent = number(jwk, "e")?;
    let bits = modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    let small = exponent.len() <= 4 || (exponent.len() == 5 && exponent.first() == Some(&1));
    let odd = exponent.last().is_some_and(|last| last % 2 == 1);
    let good = (2048..=8192).contains(&bits) && small && odd && exponent != [1];
    good.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

/// A point that lies on the curve.
fn p256(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let point = [
        &[4],
        coordinate(jwk, "x")?.as_slice(),
        coordinate(jwk, "y")?.as_slice(),
    ]
    .concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).ok()?;
    Some(DecodingKey::from_ec_der(&point))
}

fn ed25519(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    coordinate(jwk, "x").map(|x| DecodingKey::from_ed_der(&x))
}

fn coordinate(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    decoded(jwk, name).filter(|bytes| bytes.len() == 32)
}

/// A positive number without leading zeros.
fn number(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = decoded(jwk, name)?
        .into_iter()
        .skip_while(|byte| *byte == 0)
        .collect();
    (!bytes.is_empty()).then_some(bytes)
}

fn decoded(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(json::text(jwk, name)?.trim_end_matches('='))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::token::testing::Signer;
    use super::*;

    fn usable(jwk: &Value) -> usize {
        KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).map_or(0, |keys| keys.len())
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn ones(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xff; bytes])
    }

    #[test]
    fn keys_of_each_kind_are_used() {
        for signer in Signer::of_each_kind() {
            assert_eq!(usable(&signer.jwk()), 1);
        }
    }

    /// OIDC-046.
    #[test]
    fn weak_and_foreign_keys_are_left_out() {
        let rsa = Signer::rsa("a").jwk();
        let ec = Signer::p256("a").jwk();
        let ed = Signer::ed25519("a").jwk();
        for bad in [
            with(rsa.clone(), "n", json!(ones(64))),
            with(rsa.clone(), "n", json!(ones(255))),
            with(rsa.clone(), "n", json!(ones(1025))),
            with(rsa.clone(), "n", json!(format!("AAAA{}", ones(255)))),
            with(rsa.clone(), "e", json!("AQ")),
            with(rsa.clone(), "e", json!("AAAB")),
            with(rsa.clone(), "e", json!("Ag")),
            with(rsa.clone(), "e", json!(ones(6))),
            with(rsa.clone(), "e", json!("")),
            with(rsa.clone(), "n", json!("!")),
            with(rsa.clone(), "use", json!("enc")),
            with(rsa.clone(), "use", json!(1)),
            with(rsa, "key_ops", json!(["encrypt"])),
            with(ec.clone(), "x", json!(ones(32))),
            with(ec.clone(), "x", json!(ones(31))),
            with(ec.clone(), "y", Value::Null),
            with(ec, "crv", json!("P-521")),
            with(ed, "x", json!(ones(31))),
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            json!({ "kty": "new" }),
            json!([]),
        ] {
            assert_eq!(usable(&bad), 0, "{bad}");
        }
    }

    /// OIDC-012.
    #[test]
    fn a_key_fits_its_own_algorithm_only() {
        let keys = |jwk: Value| KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        let fits = |keys: &KeySet, id, algorithm| keys.candidates(id, algorithm).count() == 1;
        let any = keys(Signer::rsa("a").jwk());
        assert!(fits(&any, Some("a"), Algorithm::Rs256) && fits(&any, None, Algorithm::Ps256));
        assert!(!fits(&any, Some("b"), Algorithm::Rs256) && !fits(&any, Some("a"), Algorithm::Es256));
        let one = keys(with(Signer::rsa("a").jwk(), "alg", json!("RS256")));
        assert!(fits(&one, Some("a"), Algorithm::Rs256) && !fits(&one, Some("a"), Algorithm::Ps256));
    }

    /// OIDC-046.
    #[test]
    fn keys_that_are_not_understood_do_not_hide_the_others() {
        let mut keys = vec![json!({ "kty": "new" }); 10_000];
        keys.push(Signer::ed25519("a").jwk());
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        assert_eq!(
            (set.len(), set.candidates(Some("a"), Algorithm::EdDsa).count()),
            (1, 1)
        );
        assert!(KeySet::parse(b"{}").is_err() && KeySet::parse(b"<html>").is_err());
    }
}
