//! What is kept of one attempt.

use serde_json::Value;

use crate::access::{EmailAddress, Trace};
use crate::store::id;
use crate::store::text::tame;
use crate::store::time::Timestamp;
use crate::web::Client;

/// The longest person key that is written out; a longer one would not fit an index of PostgreSQL.
const LONGEST_KEY: usize = 600;

/// Under which name the evidence keeps the provider's message, shortened, where there is reason to show it.
pub const MESSAGE: &str = "message";

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The person came in.
    Admitted,
    /// The person is who they are, and was turned away.
    Denied,
    /// The provider's answer was not accepted: a technical failure, nobody's denial.
    Rejected,
}

impl Outcome {
    /// Every outcome, in the order of the filter.
    pub const ALL: [Self; 3] = [Self::Admitted, Self::Denied, Self::Rejected];

    /// The word in the database and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Denied => "denied",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// The word that people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Admitted => "Admitted",
            Self::Denied => "Denied",
            Self::Rejected => "Failed",
        }
    }

    /// The badge's variant.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Admitted => "good",
            Self::Denied => "bad",
            Self::Rejected => "warn",
        }
    }
}

/// How many attempts of one day ended alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The day, counted from 1970-01-01 UTC.
    pub day: i64,
    /// How they ended.
    pub outcome: Outcome,
    /// Why, as in [`Record::reason`].
    pub reason: String,
    /// How many they were.
    pub attempts: i64,
}

/// One attempt about to be recorded.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id, from [`id::new_id`].
    pub id: String,
    /// The organization whose door it was.
    pub organization: String,
    /// The connection; none for a password.
    pub connection: Option<String>,
    /// The connection's name as it was then.
    pub connection_name: String,
    /// `oidc`, `saml` or `password`.
    pub protocol: &'static str,
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// Why: a word of [`crate::access::AdmitReason`] or [`crate::access::Denial`], or of the protocol.
    pub reason: String,
    /// What more there is to say: a word of [`crate::access::DenialDetail`], or a sentence for administrators.
    pub detail: String,
    /// What the person can read out, such as `k7f2-91qd`.
    pub reference: String,
    /// The account, if there is one.
    pub account: Option<String>,
    /// The provider's own name.
    pub issuer: String,
    /// The person's name at the provider.
    pub subject: String,
    /// The address as it was presented.
    pub email: String,
    /// The e-mail-verified claim.
    pub email_verified: Option<bool>,
    /// The person's name as it was presented.
    pub name: String,
    /// The groups; none when the provider sent no such claim.
    pub groups: Option<Vec<String>>,
    /// Each rule that was asked.
    pub trace: Trace,
    /// Facts of the protocol by name (a flat JSON object). Never a secret.
    pub evidence: Value,
    /// The browser.
    pub client: Client,
}

/// By what the attempts of whoever has this address are known as one person's.
pub fn key_of(email: &EmailAddress) -> String {
    format!("email:{}", email.key())
}

impl Record {
    /// By what the attempts of one person are known as one person's: the address, else the subject at
    /// the provider, else empty.
    pub fn person_key(&self) -> String {
        if let Ok(email) = EmailAddress::parse(&self.email) {
            return key_of(&email);
        }
        if self.subject.is_empty() {
            return String::new();
        }
        let connection = self.connection.as_deref().unwrap_or("");
        let key = format!("subject:{connection}:{}:{}", self.issuer, self.subject);
        if key.len() > LONGEST_KEY {
            return format!("subject:{connection}:{}", id::hash_token(&key));
        }
        tame(&key, LONGEST_KEY)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn record(email: &str, issuer: &str, subject: &str) -> Record {
        Record {
            id: id::new_id(),
            organization: "o".into(),
            connection: Some("c".into()),
            connection_name: "Okta".into(),
            protocol: "oidc",
            at: 0,
            outcome: Outcome::Denied,
            reason: "not_invited".into(),
            detail: String::new(),
            reference: id::new_reference(),
            account: None,
            issuer: issuer.into(),
            subject: subject.into(),
            email: email.into(),
            email_verified: None,
            name: String::new(),
            groups: None,
            trace: Trace::default(),
            evidence: Value::Null,
            client: Client::default(),
        }
    }

    #[test]
    fn a_person_is_known_by_the_address_else_by_the_subject() {
        let key = |email, issuer, subject| record(email, issuer, subject).person_key();
        assert_eq!(
            key("Mary@Contoso.example", "i", "s"),
            "email:mary@contoso.example"
        );
        assert_eq!(
            key("mary@@contoso", "https://idp", "00u1"),
            "subject:c:https://idp:00u1"
        );
        assert_eq!(key("", "https://idp", ""), "");
    }

    #[test]
    fn a_long_subject_still_fits_an_index() {
        let long = "s".repeat(10_000);
        let key = record("", "i", &long).person_key();
        assert!(key.len() < 100);
        assert_ne!(key, record("", "i", &format!("{long}x")).person_key());
    }
}
