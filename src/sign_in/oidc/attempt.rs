//! One attempt to sign in: what is sent with the browser to the provider, and kept here to compare.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::Settings;

/// The secrets of one attempt, each of 256 bits. They are kept on the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Ties the answer to this browser (RFC 6749 §10.12).
    pub state: String,
    /// Ties the ID token to this attempt (OpenID Connect Core §3.1.2.1).
    pub nonce: String,
    /// Ties the code to this attempt (RFC 7636).
    pub verifier: String,
}

impl Attempt {
    /// How many random bytes an attempt takes.
    pub const RANDOM: usize = 96;

    /// An attempt from random bytes that nobody can guess.
    #[must_use]
    pub fn new(random: &[u8; Self::RANDOM]) -> Self {
        let mut secrets = random.chunks_exact(32).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let mut next = || secrets.next().unwrap_or_default();
        Self {
            state: next(),
            nonce: next(),
            verifier: next(),
        }
    }

    /// The S256 challenge (RFC 7636 §4.2).
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.verifier.as_bytes()))
    }

    /// Where the browser goes: the endpoint, its own query, and the request (OpenID Connect Core §3.1.2.1).
    pub(super) fn authorization_url(
        &self,
        settings: &Settings,
        endpoint: &Url,
        login_hint: Option<&str>,
    ) -> Url {
        let mut url = endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &settings.redirect_uri)
            .append_pair("scope", &with_openid(&settings.scopes))
            .append_pair("state", &self.state)
            .append_pair("nonce", &self.nonce)
            .append_pair("code_challenge", &self.challenge())
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(login_hint.map(|hint| ("login_hint", hint)));
        url
    }
}

fn with_openid(scopes: &str) -> String {
    let others = scopes.split_whitespace().filter(|scope| *scope != "openid");
    std::iter::once("openid")
        .chain(others)
        .collect::<Vec<_>>()
        .join(" ")
}

impl fmt::Debug for Attempt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Attempt").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// OIDC-001.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let attempt = Attempt {
            state: String::new(),
            nonce: String::new(),
            verifier,
        };
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    /// OIDC-001.
    #[test]
    fn the_three_secrets_differ_and_have_256_bits() {
        let mut random = [0; Attempt::RANDOM];
        for (index, byte) in (0u8..).zip(random.iter_mut()) {
            *byte = index;
        }
        let attempt = Attempt::new(&random);
        let secrets = [&attempt.state, &attempt.nonce, &attempt.verifier];
        assert!(secrets.iter().all(|secret| secret.len() == 43));
        assert!(attempt.state != attempt.nonce && attempt.nonce != attempt.verifier);
        assert_eq!(format!("{attempt:?}"), "Attempt { .. }");
    }

    #[test]
    fn the_request_keeps_the_query_of_the_endpoint() {
        let mut settings = Settings::new("https://idp.example", "c&d", "s3cret", "https://us.example/cb");
        settings.scopes = "email  openid groups".to_owned();
        let attempt = Attempt::new(&[7; Attempt::RANDOM]);
        let endpoint = Url::parse("https://idp.example/authorize?tenant=x").unwrap();
        let url = attempt.authorization_url(&settings, &endpoint, Some("a+b@corp.example"));
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        for (name, value) in [
            ("tenant", "x"),
            ("response_type", "code"),
            ("client_id", "c&d"),
            ("redirect_uri", "https://us.example/cb"),
            ("scope", "openid email groups"),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge_method", "S256"),
            ("login_hint", "a+b@corp.example"),
        ] {
            assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!url.as_str().contains("s3cret"));
    }
}
