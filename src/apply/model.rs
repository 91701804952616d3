//! What a file describes, what is wrong with it, and where.

use std::fmt;
use std::path::Path;

use crate::access::{DomainName, EmailAddress, Role};
use crate::connections::State;
use crate::saml::{AttributeNames, Certificate};

/// Where something stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Such as `organization.connection.issuer`; empty where the text is no TOML at all.
    pub field: String,
}

impl Place {
    pub(super) fn at(text: &str, offset: usize, field: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        Self {
            line: 1 + before.matches('\n').count(),
            field: field.to_owned(),
        }
    }
}

/// One mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong and what to write instead. Never a secret.
    pub sentence: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, field } = &self.place;
        if field.is_empty() {
            write!(f, "{line}: {}", self.sentence)
        } else {
            write!(f, "{line}: {field}: {}", self.sentence)
        }
    }
}

/// Why a file was not applied. `Display` is for the person who wrote it; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyError {
    /// The file itself is wrong: its name, then each mistake, a line each.
    File(String, Vec<Fault>),
    /// The file can't be read, or the database refused.
    Other(String),
}

impl ApplyError {
    pub(super) fn file(path: &Path, faults: Vec<Fault>) -> Self {
        Self::File(path.display().to_string(), faults)
    }
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name, faults) => {
                let lines: Vec<String> = faults.iter().map(|fault| format!("{name}:{fault}")).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Other(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for ApplyError {}

/// A value and where it was read.
#[derive(Debug, Clone)]
pub struct Said<T> {
    pub value: T,
    pub place: Place,
}

/// What is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// An installation as a file describes it, each value fit for the verbs that will take it. `None` is what
/// the file does not mention: it takes its default when it is made, and stays as it is later.
#[derive(Debug)]
pub struct Description {
    pub(super) organizations: Vec<Organization>,
}

#[derive(Debug)]
pub struct Organization {
    pub slug: Said<String>,
    pub name: String,
    pub contact: Option<String>,
    /// `None`: no limit.
    pub seats: Option<i64>,
    pub invitation_days: Option<i64>,
    pub guests: Option<bool>,
    pub group_convention: Option<bool>,
    pub teams: Vec<Said<String>>,
    pub owners: Vec<Owner>,
    pub domains: Vec<Domain>,
    pub connections: Vec<Connection>,
    pub invitations: Vec<Invitation>,
}

#[derive(Debug)]
pub struct Owner {
    pub email: Said<EmailAddress>,
    pub name: String,
    pub password: Option<Secret>,
}

#[derive(Debug)]
pub struct Domain {
    pub name: Said<DomainName>,
    pub vouched: bool,
}

#[derive(Debug)]
pub struct Connection {
    pub slug: Said<String>,
    pub name: Option<String>,
    /// None where OpenID Connect is spoken; else issuer, client id and client secret are empty.
    pub saml: Option<Saml>,
    pub issuer: Said<String>,
    pub client_id: String,
    pub client_secret: Option<Secret>,
    pub domains: Vec<Said<DomainName>>,
    pub jit: Option<bool>,
    pub scim: Option<bool>,
    pub enforce: Option<bool>,
    pub default_role: Option<Role>,
    /// Empty: none.
    pub default_team: Option<Said<String>>,
    pub groups_claim: Option<String>,
    pub scopes: Option<String>,
    pub state: Option<State>,
    pub mapping: Option<Vec<Mapping>>,
}

/// What only a SAML connection has.
#[derive(Debug)]
pub struct Saml {
    pub source: Source,
    pub attributes: Option<AttributeNames>,
    pub idp_initiated: Option<bool>,
}

/// Where the provider's settings come from.
#[derive(Debug)]
pub enum Source {
    /// The text of its metadata.
    Metadata(Said<String>),
    /// The address of its metadata.
    Address(Said<String>),
    ByHand {
        entity_id: Said<String>,
        sso_url: Said<String>,
        certificates: Vec<Certificate>,
    },
}

#[derive(Debug)]
pub struct Mapping {
    pub group: String,
    pub team: Said<String>,
    pub role: Role,
}

#[derive(Debug)]
pub struct Invitation {
    pub email: Said<EmailAddress>,
    pub role: Option<Role>,
    pub teams: Option<Vec<Said<String>>>,
}
