//! The ID token: an honest draft, bent by the faults, then signed by whoever they say.

use aws_lc_rs::digest::{self, SHA256, SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::keys::{self, ATTACKER, CURRENT, EC, ED25519, Key, NEXT};
use super::weak;

/// What an ID token is about, apart from the person.
pub struct Occasion<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub secret: &'a str,
    pub nonce: Option<&'a str>,
    pub access_token: &'a str,
    /// Unix seconds.
    pub now: i64,
}

struct Draft<'a> {
    occasion: &'a Occasion<'a>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    /// What becomes of the claims' text before it is signed.
    respell: fn(String) -> String,
    signer: Signer,
    verbatim: Option<String>,
}

enum Signer {
    Key(&'static Key, Algorithm),
    Secret(Vec<u8>),
    Nobody,
    WeakRsa,
    ExponentOne,
    /// Signs these claims and then says others.
    BeforeTheChange,
}

/// The token that says `about` a person on this occasion.
pub fn id_token(occasion: &Occasion<'_>, about: Map<String, Value>, faults: &[Fault]) -> String {
    let mut draft = Draft::honest(occasion, about);
    for fault in faults {
        draft.bend_header(fault);
        draft.bend_key(fault);
        draft.bend_claims(fault);
        draft.bend_text(fault);
    }
    draft.finish()
}

impl<'a> Draft<'a> {
    fn honest(occasion: &'a Occasion<'a>, about: Map<String, Value>) -> Self {
        let mut draft = Self {
            occasion,
            header: Map::new(),
            claims: about,
            respell: |text| text,
            signer: Signer::Key(&CURRENT, Algorithm::RS256),
            verbatim: None,
        };
        draft.signed_by(&CURRENT, Algorithm::RS256);
        draft.head("typ", "JWT");
        draft.say("iss", occasion.issuer);
        draft.say("aud", occasion.client);
        draft.say("iat", occasion.now);
        draft.say("exp", occasion.now + 300);
        draft.say("at_hash", half_hash(&SHA256, occasion.access_token));
        if let Some(nonce) = occasion.nonce {
            draft.say("nonce", nonce);
        }
        draft
    }

    fn bend_header(&mut self, fault: &Fault) {
        let attacker = format!("{}/attacker", self.occasion.issuer);
        match fault {
            Fault::AttackerJwk => self.forged("jwk", ATTACKER.public()),
            Fault::AttackerJku => self.forged("jku", attacker),
            Fault::AttackerX5u => self.forged("x5u", attacker),
            Fault::AttackerX5c => self.forged("x5c", json!([keys::attacker_certificate()])),
            Fault::UnknownKid => self.forged("kid", "never-published"),
            Fault::KidAbsentSingle | Fault::KidAbsentMany => drop(self.header.remove("kid")),
            Fault::KidOfAnotherKind => self.head("kid", EC.kid),
            Fault::TypAccessToken => self.head("typ", "at+jwt"),
            Fault::CritUnknown => {
                self.head("crit", json!(["urn:example:must-understand"]));
                self.head("urn:example:must-understand", true);
            }
            Fault::TypLogoutToken => {
                self.head("typ", "logout+jwt");
                self.say(
                    "events",
                    json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
                );
            }
            _ => {}
        }
    }

    fn bend_key(&mut self, fault: &Fault) {
        match fault {
            Fault::AlgNone(spelling) => {
                self.signer = Signer::Nobody;
                self.head("alg", *spelling);
            }
            Fault::EmptySignature => self.signer = Signer::Nobody,
            Fault::Hs256WithPublicKey => self.signed_with(keys::PUBLIC_PEM),
            Fault::Hs256WithClientSecret => self.signed_with(self.occasion.secret.as_bytes()),
            Fault::JwksSymmetric => self.signed_with(keys::SYMMETRIC),
            Fault::BadSignature => self.signer = Signer::Key(&ATTACKER, Algorithm::RS256),
            Fault::ClaimsChangedAfterSigning => self.signer = Signer::BeforeTheChange,
            Fault::Es256 | Fault::JwksInvalidPoint => self.signed_by(&EC, Algorithm::ES256),
            Fault::Ps256 => self.signed_by(&CURRENT, Algorithm::PS256),
            Fault::EdDsa => {
                self.signed_by(&ED25519, Algorithm::EdDSA);
                self.say("at_hash", half_hash(&SHA512, self.occasion.access_token));
            }
            Fault::KeyRotated | Fault::KeyRotatedWithOverlap => self.signed_by(&NEXT, Algorithm::RS256),
            Fault::JwksWeakRsa => self.signer = Signer::WeakRsa,
            Fault::JwksExponentOne => self.signer = Signer::ExponentOne,
            _ => {}
        }
    }

    fn bend_claims(&mut self, fault: &Fault) {
        let Occasion {
            issuer, client, now, ..
        } = *self.occasion;
        match fault {
            Fault::NonceMissing => self.omit("nonce"),
            Fault::NonceWrong => self.say("nonce", "another"),
            Fault::IssWrong => self.say("iss", "https://another.example"),
            Fault::IssTrailingSlash => self.say("iss", format!("{issuer}/")),
            Fault::IssOtherCase => self.say("iss", issuer.to_uppercase()),
            Fault::IssMissing => self.omit("iss"),
            Fault::AudWrong => self.say("aud", "another-client"),
            Fault::AudMissing => self.omit("aud"),
            Fault::AudListOfOne => self.say("aud", json!([client])),
            Fault::AudListUntrusted => self.say("aud", json!([client, "stranger"])),
            Fault::AzpWrong => {
                self.say("aud", json!([client, "stranger"]));
                self.say("azp", "stranger");
            }
            Fault::ExpAgo(seconds) => {
                self.say("iat", now - seconds - 300);
                self.say("exp", now - seconds);
            }
            Fault::NbfIn(seconds) => self.say("nbf", now + seconds),
            Fault::IatIn(seconds) => self.say("iat", now + seconds),
            Fault::ExpMissing => self.omit("exp"),
            Fault::ExpNotNumber => self.say("exp", "tomorrow"),
            Fault::IatMissing => self.omit("iat"),
            Fault::SubMissing => self.omit("sub"),
            Fault::SubEmpty => self.say("sub", ""),
            Fault::SubNotString => self.say("sub", 4711),
            Fault::SubTooLong => self.say("sub", "s".repeat(256)),
            Fault::SubNotAscii => self.say("sub", "søren"),
            Fault::AtHashWrong => self.say("at_hash", half_hash(&SHA256, "another access token")),
            _ => {}
        }
    }

    fn bend_text(&mut self, fault: &Fault) {
        match fault {
            Fault::DuplicateMember => self.respell = |text| text.replacen('{', r#"{"sub":"another","#, 1),
            Fault::ByteOrderMark => self.respell = |text| format!("\u{feff}{text}"),
            Fault::NotANumber => self.respell = |text| text.replacen('{', r#"{"level":NaN,"#, 1),
            Fault::NotJson => self.respell = |_| "sub=somebody".to_owned(),
            Fault::DeepNesting => {
                self.respell = |text| {
                    let depth = 20_000;
                    text.replacen(
                        '{',
                        &format!(r#"{{"deep":{}{},"#, "[".repeat(depth), "]".repeat(depth)),
                        1,
                    )
                }
            }
            Fault::NotAToken(words) => self.verbatim = Some((*words).to_owned()),
            Fault::Jwe => {
                let header = json!({ "alg": "RSA-OAEP", "enc": "A256GCM", "zip": "DEF", "kid": CURRENT.kid });
                let part = encoded([7; 64]);
                self.verbatim = Some(format!(
                    "{}.{part}.{part}.{part}.{part}",
                    encoded(header.to_string())
                ));
            }
            _ => {}
        }
    }

    /// Another header and the attacker's signature that fits it.
    fn forged(&mut self, member: &str, value: impl Into<Value>) {
        self.signer = Signer::Key(&ATTACKER, Algorithm::RS256);
        self.head(member, value);
    }

    fn signed_by(&mut self, key: &'static Key, algorithm: Algorithm) {
        self.head("alg", format!("{algorithm:?}"));
        self.head("kid", key.kid);
        self.signer = Signer::Key(key, algorithm);
    }

    fn signed_with(&mut self, secret: &[u8]) {
        self.head("alg", "HS256");
        self.signer = Signer::Secret(secret.to_vec());
    }

    fn head(&mut self, member: &str, value: impl Into<Value>) {
        self.header.insert(member.to_owned(), value.into());
    }

    fn say(&mut self, claim: &str, value: impl Into<Value>) {
        self.claims.insert(claim.to_owned(), value.into());
    }

    fn omit(&mut self, claim: &str) {
        self.claims.remove(claim);
    }

    fn finish(self) -> String {
        if let Some(words) = self.verbatim {
            return words;
        }
        let header = encoded(Value::Object(self.header).to_string());
        let claims = (self.respell)(Value::Object(self.claims).to_string());
        let message = format!("{header}.{}", encoded(&claims));
        let signature = self.signer.sign(message.as_bytes());
        if matches!(self.signer, Signer::BeforeTheChange) {
            let changed = claims.replacen('{', r#"{"admin":true,"#, 1);
            return format!("{header}.{}.{signature}", encoded(changed));
        }
        format!("{message}.{signature}")
    }
}

impl Signer {
    fn sign(&self, message: &[u8]) -> String {
        let sign = |key: &EncodingKey, algorithm| crypto::sign(message, key, algorithm).unwrap();
        match self {
            Self::Key(key, algorithm) => sign(&key.private, *algorithm),
            Self::Secret(secret) => sign(&EncodingKey::from_secret(secret), Algorithm::HS256),
            Self::Nobody => String::new(),
            Self::WeakRsa => encoded(weak::sign(message)),
            Self::ExponentOne => encoded(weak::padded(message, 256)),
            Self::BeforeTheChange => sign(&CURRENT.private, Algorithm::RS256),
        }
    }
}

/// `at_hash` by the hash that belongs to the signature (OpenID Connect Core §3.1.3.6); Ed25519's is SHA-512.
fn half_hash(algorithm: &'static digest::Algorithm, token: &str) -> String {
    let hash = digest::digest(algorithm, token.as_bytes());
    let (half, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    encoded(half)
}

fn encoded(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}
