//! What is left of a response when everything in it was believed.

use serde::Serialize;

use crate::access::Identity;

/// A response that a pinned key signed, for us, now.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who is here. The issuer is the provider's entity id; the subject is the `NameID` with its format and its
    /// qualifiers, so that one value in two formats is two people.
    pub identity: Identity,
    /// The assertion's id: the same one must never be taken twice.
    pub assertion_id: String,
    /// Until when the id must be remembered, in Unix milliseconds.
    pub expires_at: i64,
    /// When the provider wants the session to end, in Unix milliseconds.
    pub session_ends_at: Option<i64>,
    /// When the person proved themselves there (`AuthnInstant`), in Unix milliseconds.
    pub authenticated_at: i64,
    /// What the decision rests on, for the record.
    pub evidence: Evidence,
}

/// The facts of a verified response, as they are recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What was signed: `response`, `assertion` or both.
    pub signed: Vec<&'static str>,
    /// The SHA-256 of the public key that signed, in hexadecimal pairs.
    pub key: String,
    /// Whether the assertion was encrypted.
    pub encrypted: bool,
    /// Whether nobody had asked for the response.
    pub unsolicited: bool,
    /// The format of the `NameID`.
    pub name_id_format: String,
    /// The `NameID` itself.
    pub name_id: String,
    /// The assertion's id.
    pub assertion_id: String,
    /// The provider's name for the session there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_index: Option<String>,
    /// How the person proved themselves there, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<String>,
    /// The attributes with their values, cut to what fits into a record.
    pub attributes: Vec<Shown>,
    /// What an administrator should know although the response was believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One attribute as it is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}
