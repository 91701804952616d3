//! Why a request of the directory was refused, in the words of RFC 7644 §3.12.

use std::fmt;

use serde_json::{Value, json};

/// A refusal. Its text is fit to show an administrator of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// The kind of a 400 or 409, where RFC 7644 table 9 has one.
    pub kind: Option<ScimType>,
    /// What is wrong and what to do about it.
    pub detail: String,
    /// Whether it was only that two requests met, so that another try at once may well succeed.
    pub at_once: bool,
}

/// The kinds of errors of RFC 7644 table 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    /// The filter can't be read, or asks what is not offered.
    InvalidFilter,
    /// More than the server gives at once.
    TooMany,
    /// Taken already.
    Uniqueness,
    /// The attribute may not be changed.
    Mutability,
    /// The body can't be read.
    InvalidSyntax,
    /// The path can't be read.
    InvalidPath,
    /// The path leads nowhere.
    NoTarget,
    /// The value does not fit.
    InvalidValue,
    /// May not stand in an address.
    Sensitive,
}

impl ScimType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::Sensitive => "sensitive",
        }
    }
}

impl ScimError {
    /// A refusal with this status.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind: None,
            detail: detail.into(),
            at_once: false,
        }
    }

    /// A 400 of this kind.
    pub fn bad(kind: ScimType, detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: Some(kind),
            detail: detail.into(),
            at_once: false,
        }
    }

    /// There is no such resource here.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "There is no such resource in this directory.")
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(kind), Some(fields)) = (self.kind, body.as_object_mut()) {
            fields.insert("scimType".to_owned(), kind.as_str().into());
        }
        body
    }
}

impl fmt::Display for ScimError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.detail)
    }
}

impl std::error::Error for ScimError {}
