//! The ID token: who signed it, and whether it was made for this attempt (OpenID Connect Core §3.1.3.7,
//! RFC 7515, RFC 8725).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Attempt;
use super::error::{Check, OidcError, Whose, shown};
use super::exchange::Tokens;
use super::json;
use super::keys::KeySet;
use super::settings::{Algorithm, Settings};

/// How far the provider's clock may differ from ours, in milliseconds.
const LEEWAY: i64 = 60 * 1000;
/// Tokens with ten thousand groups stay below this.
const LONGEST_TOKEN: usize = 512 * 1024;
const LONGEST_HEADER: usize = 4 * 1024;

/// A token whose header was judged and whose signature was not yet.
pub(super) struct Unverified<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// What a token has to say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// What `at_hash` is about.
    pub(super) access_token: Option<&'a str>,
    /// The algorithm of the signature, which decides on the hash.
    pub(super) algorithm: Algorithm,
}

impl<'a> Expected<'a> {
    pub(super) fn of(
        settings: &'a Settings,
        attempt: &'a Attempt,
        tokens: &'a Tokens,
        token: &Unverified,
    ) -> Self {
        Self {
            issuer: &settings.issuer,
            client_id: &settings.client_id,
            nonce: &attempt.nonce,
            access_token: tokens.access_token.as_deref(),
            algorithm: token.algorithm,
        }
    }
}

/// A token that passed every check.
#[derive(Debug)]
pub(super) struct IdToken {
    pub(super) claims: Map<String, Value>,
    pub(super) subject: String,
    /// Unix seconds.
    pub(super) issued_at: i64,
    /// Unix seconds.
    pub(super) expires_at: i64,
}

impl<'a> Unverified<'a> {
    /// Reads the header. Keys and addresses of keys in it (`jwk`, `jku`, `x5u`, `x5c`) are not looked at.
    pub(super) fn parse(token: &'a str, allowed: &[Algorithm]) -> Result<Self, OidcError> {
        if token.len() > LONGEST_TOKEN {
            return Err(malformed("is too large"));
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return Err(not_three_parts(parts.len()));
        };
        let signed = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let header = read_header(header)?;
        is_id_token(&header)?;
        let algorithm = algorithm(&header, allowed)?;
        let key_id = key_id(&header)?;
        Ok(Self {
            algorithm,
            key_id,
            signed,
            payload,
            signature,
        })
    }

    /// Looks for the key that signed it, and returns what was signed.
    pub(super) fn verify(&self, keys: &KeySet) -> Result<Map<String, Value>, OidcError> {
        let mut candidates = keys.candidates(self.key_id.as_deref(), self.algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(self.unknown_key());
        }
        let algorithm = match self.algorithm {
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        };
        let signed = self.signed.as_bytes();
        // An error is a key or signature of the wrong form: not verified either.
        let fits = |key| {
            matches!(
                jsonwebtoken::crypto::verify(self.signature, signed, key, algorithm),
                Ok(true)
            )
        };
        if !candidates.any(fits) {
            let sentence = "The signature of the ID token is not the provider's. If it happens again, compare \
                            the issuer with the provider's settings.";
            return Err(OidcError::new(Check::Signature, sentence));
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|error| not_base64(&error))?;
        json::object(&bytes).map_err(|why| malformed(&format!("has a payload that can't be read: {why}")))
    }

    fn unknown_key(&self) -> OidcError {
        let key = self
            .key_id
            .as_deref()
            .map(|id| format!(" “{}”", shown(id)))
            .unwrap_or_default();
        let sentence = format!(
            "The ID token is signed with the key{key} for {}, which the provider does not publish. If it \
             changed its keys just now, try again in a minute.",
            self.algorithm.as_str()
        );
        OidcError::new(Check::KeyUnknown, sentence)
    }
}

/// The claims of a verified token. `now` in Unix milliseconds.
pub(super) fn check(
    claims: Map<String, Value>,
    expected: &Expected<'_>,
    now: i64,
) -> Result<IdToken, OidcError> {
    check_issuer(&claims, expected.issuer)?;
    check_audience(&claims, expected.client_id)?;
    let (issued_at, expires_at) = check_times(&claims, now)?;
    check_nonce(&claims, expected.nonce)?;
    check_access_token(&claims, expected)?;
    let subject = subject(&claims)?;
    Ok(IdToken {
        claims,
        subject,
        issued_at,
        expires_at,
    })
}

fn not_three_parts(parts: usize) -> OidcError {
    if parts == 5 {
        let sentence = "The ID token is encrypted, which is not supported. Turn off the encryption of ID tokens \
                        at the provider.";
        return OidcError::new(Check::TokenKind, sentence);
    }
    malformed("does not have three parts")
}

fn read_header(text: &str) -> Result<Map<String, Value>, OidcError> {
    if text.len() > LONGEST_HEADER {
        return Err(malformed("has too large a header"));
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| not_base64(&error))?;
    json::object(&bytes).map_err(|why| malformed(&format!("has a header that can't be read: {why}")))
}

/// Other kinds of tokens name themselves (RFC 8725 §3.11): `at+jwt` (RFC 9068), `logout+jwt` and so on.
fn is_id_token(header: &Map<String, Value>) -> Result<(), OidcError> {
    if header.contains_key("crit") || header.contains_key("zip") {
        let sentence =
            "The ID token demands an extension that is not supported. Turn it off at the provider.";
        return Err(OidcError::new(Check::CriticalHeader, sentence));
    }
    let Some(kind) = header.get("typ") else {
        return Ok(());
    };
    let kind = kind
        .as_str()
        .ok_or_else(|| malformed("has a “typ” that is not text"))?;
    if kind.to_ascii_lowercase().ends_with("+jwt") {
        let sentence = format!(
            "The provider sent a token of the kind “{}” in place of an ID token. Check the application's kind \
             at the provider.",
            shown(kind)
        );
        return Err(OidcError::new(Check::TokenKind, sentence));
    }
    Ok(())
}

fn algorithm(header: &Map<String, Value>, allowed: &[Algorithm]) -> Result<Algorithm, OidcError> {
    let name = json::text(header, "alg").ok_or_else(|| malformed("does not name its algorithm"))?;
    Algorithm::parse(name).filter(|algorithm| allowed.contains(algorithm)).ok_or_else(|| {
        let names: Vec<_> = allowed.iter().map(|algorithm| algorithm.as_str()).collect();
        let sentence = format!(
            "The ID token is signed with “{}”, and this connection accepts {}. Choose one of these at the \
             provider.",
            shown(name),
            names.join(", ")
        );
        OidcError::new(Check::Algorithm, sentence)
    })
}

fn key_id(header: &Map<String, Value>) -> Result<Option<String>, OidcError> {
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(id)) => Ok(Some(id.clone())),
        Some(_) => Err(malformed("has a “kid” that is not text")),
    }
}

fn check_issuer(claims: &Map<String, Value>, expected: &str) -> Result<(), OidcError> {
    let found = json::text(claims, "iss").ok_or_else(|| lacks("iss"))?;
    if found == expected {
        return Ok(());
    }
    let sentence = format!(
        "The ID token is from “{}”, and this connection expects “{expected}”. Copy the issuer exactly as the \
         provider writes it.",
        shown(found)
    );
    Err(OidcError::new(Check::Issuer, sentence))
}

/// No audience is trusted but this client (§3.1.3.7, 3 to 5).
fn check_audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), OidcError> {
    let refused = |what: &str| {
        let sentence = format!(
            "The ID token is {what}, and not for the client “{client_id}” alone. Check the client identifier, \
             and that the provider adds no other audience to the ID token."
        );
        Err(OidcError::new(Check::Audience, sentence))
    };
    let ours = |value: &Value| value.as_str() == Some(client_id);
    let only_us = match claims.get("aud").ok_or_else(|| lacks("aud"))? {
        Value::Array(list) => !list.is_empty() && list.iter().all(ours),
        value => ours(value),
    };
    if !only_us {
        return refused("for another or more than one audience");
    }
    match claims.get("azp") {
        Some(azp) if !ours(azp) => refused("issued to another party"),
        _ => Ok(()),
    }
}

/// Returns `iat` and `exp` in seconds.
fn check_times(claims: &Map<String, Value>, now: i64) -> Result<(i64, i64), OidcError> {
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => json::seconds(value)
            .map(Some)
            .ok_or_else(|| malformed(&format!("has a bad “{name}”"))),
    };
    let expires = time("exp")?.ok_or_else(|| lacks("exp"))?;
    let issued = time("iat")?.ok_or_else(|| lacks("iat"))?;
    let starts = time("nbf")?.unwrap_or(issued);
    let clocks = "Start again; if it stays, compare the clocks of the provider and of this server";
    if expires.saturating_mul(1000).saturating_add(LEEWAY) <= now {
        let sentence = format!("The ID token expired before it arrived. {clocks}.");
        return Err(OidcError::new(Check::Expired, sentence));
    }
    if issued.max(starts).saturating_mul(1000) > now.saturating_add(LEEWAY) {
        let sentence = format!("The ID token is from the future. {clocks}.");
        return Err(OidcError::new(Check::NotYetValid, sentence));
    }
    Ok((issued, expires))
}

fn check_nonce(claims: &Map<String, Value>, expected: &str) -> Result<(), OidcError> {
    let found = json::text(claims, "nonce").unwrap_or_default();
    if expected.is_empty() || verify_slices_are_equal(found.as_bytes(), expected.as_bytes()).is_err() {
        let sentence =
            "The ID token was not made for this sign-in (its nonce differs). Start the sign-in again.";
        return Err(OidcError::new(Check::Nonce, sentence));
    }
    Ok(())
}

/// §3.1.3.8: the left half of the hash that belongs to the token's algorithm. For Ed25519 that is SHA-512,
/// but there are providers that take SHA-256, which ties the two tokens as well.
fn check_access_token(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), OidcError> {
    let Some(found) = claims.get("at_hash") else {
        return Ok(());
    };
    let hashes: &[&digest::Algorithm] = match expected.algorithm {
        Algorithm::EdDsa => &[&digest::SHA512, &digest::SHA256],
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &[&digest::SHA256],
    };
    let fits = |token: &str| {
        hashes
            .iter()
            .any(|hash| found.as_str() == Some(&half_hash(hash, token)))
    };
    if expected.access_token.is_some_and(fits) {
        return Ok(());
    }
    let sentence = "The ID token and the access token do not belong together. Start the sign-in again.";
    Err(OidcError::new(Check::AccessTokenHash, sentence))
}

fn half_hash(hash: &'static digest::Algorithm, token: &str) -> String {
    let whole = digest::digest(hash, token.as_bytes());
    let half: Vec<u8> = whole
        .as_ref()
        .iter()
        .take(hash.output_len() / 2)
        .copied()
        .collect();
    URL_SAFE_NO_PAD.encode(half)
}

/// §2: at most 255 ASCII characters, case-sensitive.
fn subject(claims: &Map<String, Value>) -> Result<String, OidcError> {
    let found = json::text(claims, "sub").unwrap_or_default();
    let printable = found.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if found.is_empty() || found.len() > 255 || !printable {
        let sentence = "The ID token does not say who signed in: its “sub” is missing, empty, longer than 255 \
                        characters or not ASCII text. Choose another source for it at the provider.";
        return Err(OidcError::new(Check::Subject, sentence));
    }
    Ok(found.to_owned())
}

fn malformed(how: &str) -> OidcError {
    let sentence = format!("The ID token {how}. Tell the provider's administrator.");
    OidcError::new(Check::Malformed, sentence).blame(Whose::Provider)
}

fn not_base64(error: &base64::DecodeError) -> OidcError {
    malformed(&format!("has a part that is not Base64url ({error})"))
}

fn lacks(claim: &str) -> OidcError {
    malformed(&format!("has no usable “{claim}”"))
}

#[cfg(test)]
pub(super) mod testing;

#[cfg(test)]
mod tests;
