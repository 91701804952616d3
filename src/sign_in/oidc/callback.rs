//! What the browser brings back from the provider (RFC 6749 §4.1.2, OpenID Connect Core §3.1.2.5).

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use url::form_urlencoded;

use super::discovery::Metadata;
use super::error::{Check, OidcError, Whose, shown};
use super::{Attempt, Settings};

/// The answer of the provider, as it came in the query of the callback address.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// Which attempt it answers.
    pub state: String,
    /// Who says that it answers (RFC 9207), if it says so.
    pub iss: Option<String>,
    /// The answer itself.
    pub answer: Answer,
}

/// A code to redeem, or the provider's refusal.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// The code; a secret until it is redeemed.
    Code(String),
    /// The error (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
    Error {
        /// The error's name, capped and without control characters.
        code: String,
        /// What the provider says about it, capped and without control characters.
        description: Option<String>,
    },
}

/// Codes of large providers have up to three thousand characters.
const LONGEST_QUERY: usize = 16 * 1024;

impl Callback {
    /// Reads the raw query string.
    ///
    /// # Errors
    /// `state` when it is missing. `malformed` when it is too long, a parameter appears twice, there is
    /// neither a code nor an error or there are both, or it carries a token, which only the token endpoint
    /// may hand out.
    pub fn parse(query: &str) -> Result<Self, OidcError> {
        let mut parameters = parameters(query)?;
        if ["id_token", "access_token"]
            .iter()
            .any(|name| parameters.contains_key(*name))
        {
            return Err(malformed(
                "carries a token, which is accepted from the token endpoint only",
            ));
        }
        let state = parameters
            .remove("state")
            .filter(|state| !state.is_empty())
            .ok_or_else(no_state)?;
        let iss = parameters.remove("iss");
        let answer = match (parameters.remove("code"), parameters.remove("error")) {
            (Some(code), None) if !code.is_empty() => Answer::Code(code),
            (None, Some(error)) => Answer::Error {
                code: shown(&error),
                description: parameters.get("error_description").map(|text| shown(text)),
            },
            (Some(_), Some(_)) => return Err(malformed("carries both a code and an error")),
            _ => return Err(malformed("carries neither a code nor an error")),
        };
        Ok(Self { state, iss, answer })
    }

    /// The code, once the state and the issuer (if named) are those of the attempt.
    pub(super) fn code(&self, settings: &Settings, attempt: &Attempt) -> Result<&str, OidcError> {
        verify_slices_are_equal(self.state.as_bytes(), attempt.state.as_bytes())
            .map_err(|_unequal| no_state())?;
        if self.iss.as_ref().is_some_and(|iss| *iss != settings.issuer) {
            return Err(other_issuer(settings, self.iss.as_deref()));
        }
        match &self.answer {
            Answer::Code(code) => Ok(code),
            Answer::Error { code, description } => Err(refused(code, description.as_deref())),
        }
    }

    /// An issuer that is announced but missing may have been taken off on the way (RFC 9207 §2.4).
    pub(super) fn require_issuer(&self, settings: &Settings, metadata: &Metadata) -> Result<(), OidcError> {
        if metadata.names_issuer_in_response && self.iss.is_none() {
            return Err(other_issuer(settings, None));
        }
        Ok(())
    }
}

fn parameters(query: &str) -> Result<BTreeMap<String, String>, OidcError> {
    if query.len() > LONGEST_QUERY {
        return Err(malformed("is too long"));
    }
    let mut found = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if found.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(malformed("carries a parameter twice"));
        }
    }
    Ok(found)
}

fn malformed(how: &str) -> OidcError {
    OidcError::new(
        Check::Malformed,
        format!("The provider's answer {how}. Start the sign-in again."),
    )
}

fn no_state() -> OidcError {
    let sentence = "The provider's answer does not belong to a sign-in that this browser began. \
                    Start the sign-in again.";
    OidcError::new(Check::State, sentence)
}

fn other_issuer(settings: &Settings, iss: Option<&str>) -> OidcError {
    let who = iss.map_or_else(
        || "does not say who it is from".to_owned(),
        |iss| format!("is from “{}”", shown(iss)),
    );
    let sentence = format!(
        "The provider's answer {who}, and this connection expects “{}”. If this happens again, check the issuer.",
        settings.issuer
    );
    OidcError::new(Check::ResponseIssuer, sentence)
}

/// Whose turn it is follows from the error's name; a name that we don't know is the provider's matter.
fn refused(code: &str, description: Option<&str>) -> OidcError {
    let (whose, remedy) = match code {
        "access_denied" => (
            Whose::Person,
            "Allow the person to use this application at the provider.",
        ),
        "login_required" | "interaction_required" | "account_selection_required" | "consent_required" => (
            Whose::Person,
            "The person has to sign in at the provider and agree there.",
        ),
        "invalid_request" | "unauthorized_client" | "unsupported_response_type" | "invalid_scope" => (
            Whose::Ours,
            "Check the client identifier, the scopes and the redirect address of the connection.",
        ),
        _ => (
            Whose::Provider,
            "Try again later, or look into the provider's own record.",
        ),
    };
    let said = description.map(|text| format!(" (“{text}”)")).unwrap_or_default();
    let sentence = format!("The provider refused the sign-in with “{code}”{said}. {remedy}");
    OidcError::new(Check::ProviderRefused, sentence).blame(whose)
}

/// The code is a secret, so it is not shown.
impl fmt::Debug for Callback {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = match &self.answer {
            Answer::Code(_) => "code",
            Answer::Error { code, .. } => code,
        };
        out.debug_struct("Callback")
            .field("iss", &self.iss)
            .field("answer", &answer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new("https://idp.example", "client", "secret", "https://us.example/cb")
    }

    fn attempt() -> Attempt {
        Attempt {
            state: "st".to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
        }
    }

    fn check(query: &str) -> Check {
        Callback::parse(query).unwrap_err().check
    }

    #[test]
    fn a_code_is_taken_with_its_state_and_issuer() {
        let callback =
            Callback::parse("code=a%2Bb&state=st&iss=https%3A%2F%2Fidp.example&session_state=x").unwrap();
        assert_eq!(callback.code(&settings(), &attempt()), Ok("a+b"));
        assert!(!format!("{callback:?}").contains("a+b"));
    }

    /// OIDC-026, OIDC-027.
    #[test]
    fn an_answer_that_can_be_read_in_two_ways_is_refused() {
        for query in [
            "code=a&code=b&state=st",
            "code=a&state=st&state=st",
            "code=a&state=st&x=1&x=2",
            "code=a&state=st&id_token=e30.e30.",
            "code=a&state=st&access_token=x",
            "code=a&error=access_denied&state=st",
            "state=st",
            "code=&state=st",
            &format!("state=st&code={}", "a".repeat(LONGEST_QUERY)),
        ] {
            assert_eq!(
                check(query),
                Check::Malformed,
                "{}",
                &query[..query.len().min(60)]
            );
        }
        for query in ["code=a", "code=a&state=", ""] {
            assert_eq!(check(query), Check::State, "{query}");
        }
    }

    /// OIDC-003, OIDC-023.
    #[test]
    fn the_state_and_the_issuer_must_be_those_of_the_attempt() {
        for (query, expected) in [
            ("code=a&state=other", Check::State),
            ("code=a&state=st2", Check::State),
            ("code=a&state=st&iss=https://evil.example", Check::ResponseIssuer),
            ("code=a&state=st&iss=https://idp.example/", Check::ResponseIssuer),
            (
                "error=access_denied&state=st&iss=https://evil.example",
                Check::ResponseIssuer,
            ),
            ("error=access_denied&state=st", Check::ProviderRefused),
        ] {
            let callback = Callback::parse(query).unwrap();
            assert_eq!(
                callback.code(&settings(), &attempt()).unwrap_err().check,
                expected,
                "{query}"
            );
        }
    }

    /// OIDC-025.
    #[test]
    fn the_provider_s_words_are_capped_and_lose_their_control_characters() {
        let query = format!(
            "state=st&error=access_denied&error_description=<b>%0d%0aX%e2%80%ae{}",
            "y".repeat(999)
        );
        let error = Callback::parse(&query)
            .unwrap()
            .code(&settings(), &attempt())
            .unwrap_err();
        assert_eq!(
            (error.check, error.whose, error.http_status()),
            (Check::ProviderRefused, Whose::Person, 403)
        );
        assert!(
            error.sentence.contains("<b>Xyyy") && error.sentence.len() < 400,
            "{}",
            error.sentence
        );
    }

    #[test]
    fn an_error_of_our_request_is_our_matter() {
        let callback = Callback::parse("state=st&error=invalid_scope").unwrap();
        assert_eq!(
            callback.code(&settings(), &attempt()).unwrap_err().whose,
            Whose::Ours
        );
    }
}
