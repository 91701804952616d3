//! A connection and the words for its states.

use serde_json::{Value, json};
use url::Url;

use crate::access::{DomainStanding, MappedGroup, Policy, Role};
use crate::store::time::Timestamp;

/// One organization's single sign-on to one identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The id of its row; part of the redirect address.
    pub id: String,
    /// The organization's id.
    pub organization: String,
    /// How the sign-in address names it, unique in the organization.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What is spoken with the provider.
    pub protocol: Protocol,
    /// Whether people can sign in by it.
    pub state: State,
    /// Just-in-time provisioning.
    pub jit: bool,
    /// SCIM provisioning.
    pub scim: bool,
    /// Whether people of its domains may use no password.
    pub enforce: bool,
    /// The role of a member who comes in by just-in-time provisioning.
    pub default_role: Role,
    /// The id of the team of such a member when no mapped group applies.
    pub default_team: Option<String>,
    /// OIDC: the issuer, exactly as the provider writes it.
    pub issuer: String,
    /// OIDC: our name at the provider.
    pub client_id: String,
    /// OIDC: our secret at the provider, sealed for [`secret_place`]; empty for a public client.
    pub client_secret_sealed: String,
    /// OIDC: what is asked for, separated by spaces.
    pub scopes: String,
    /// The claim that holds the groups; empty where none is read.
    pub groups_claim: String,
    /// OIDC: where the provider's keys are, as an owner confirmed it or the first sign-in found it; empty until then.
    pub confirmed_jwks_uri: String,
    /// OIDC: since when people are refused because the provider publishes its keys elsewhere than there.
    pub keys_moved_at: Option<Timestamp>,
    /// When just-in-time provisioning was last switched.
    pub jit_changed_at: Option<Timestamp>,
    /// By whom, as the name was then.
    pub jit_changed_by: String,
    /// Counts the changes; a form carries the one that it was made from.
    pub version: i64,
}

/// What is spoken with the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OpenID Connect.
    Oidc,
    /// SAML 2.0.
    Saml,
}

impl Protocol {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "oidc" => Some(Self::Oidc),
            "saml" => Some(Self::Saml),
            _ => None,
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Oidc => "OpenID Connect",
            Self::Saml => "SAML 2.0",
        }
    }
}

/// Whether people can sign in by a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet: it was never turned on.
    Draft,
    /// Yes.
    On,
    /// No longer.
    Off,
}

impl State {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "draft" => Some(Self::Draft),
            "on" => Some(Self::On),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// The word for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::On => "On",
            Self::Off => "Off",
        }
    }
}

impl Connection {
    /// Whether people can sign in by it.
    pub fn is_on(&self) -> bool {
        self.state == State::On
    }

    /// Whether people can’t sign in by it yet.
    pub fn is_draft(&self) -> bool {
        self.state == State::Draft
    }

    /// Why it can’t be deleted; nothing, if the answer is `None`. What was in use is kept: people are known by it.
    pub fn why_kept(&self, uses: Uses) -> Option<&'static str> {
        match self.state {
            State::On => Some("It is on. Only a draft can be deleted, by which nobody ever came in."),
            State::Off => Some("It was on. Only a draft can be deleted, by which nobody ever came in."),
            State::Draft if uses.people => Some("People came in by it once, and are known by it. It stays."),
            State::Draft if uses.directory || self.scim => {
                Some("A directory belongs to it, or did. A connection with a directory stays.")
            }
            State::Draft => None,
        }
    }
}

/// Who ever came by a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// Somebody is linked to it, or was admitted by it.
    pub people: bool,
    /// A directory spoke to it, or wrote people or groups.
    pub directory: bool,
}

/// A verified domain as somebody finds it who comes by a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingDomain {
    /// Lower-case A-labels.
    pub name: String,
    /// Its row, where it is the organization's own.
    pub id: Option<String>,
    /// Its proof has been missing for so long that it lets in members and nobody new.
    pub lapsed: bool,
    /// Whether it is attached to the connection.
    pub attached: bool,
}

impl StandingDomain {
    /// What it is good for.
    pub fn standing(&self) -> DomainStanding {
        match (&self.id, self.attached, self.lapsed) {
            (None, _, _) => DomainStanding::OtherOrganization,
            (Some(_), false, _) => DomainStanding::Unverified,
            (Some(_), true, false) => DomainStanding::Verified,
            (Some(_), true, true) => DomainStanding::Lapsed,
        }
    }
}

/// What an owner types about a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// What people call it.
    pub name: String,
    /// How the sign-in address names it.
    pub slug: String,
    /// The issuer, exactly as the provider writes it.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// Our secret at the provider in the clear; `None` keeps the one there is.
    pub client_secret: Option<String>,
    /// What is asked for, separated by spaces.
    pub scopes: String,
    /// The claim that holds the groups; empty where none is read.
    pub groups_claim: String,
    /// The role of a member who comes in by just-in-time provisioning; never owner.
    pub default_role: Role,
    /// The id of the team of such a member.
    pub default_team: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            slug: String::new(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret: None,
            scopes: "openid email profile".to_owned(),
            groups_claim: "groups".to_owned(),
            default_role: Role::Member,
            default_team: None,
        }
    }
}

impl From<&Connection> for Settings {
    fn from(connection: &Connection) -> Self {
        Self {
            name: connection.name.clone(),
            slug: connection.slug.clone(),
            issuer: connection.issuer.clone(),
            client_id: connection.client_id.clone(),
            client_secret: None,
            scopes: connection.scopes.clone(),
            groups_claim: connection.groups_claim.clone(),
            default_role: connection.default_role,
            default_team: connection.default_team.clone(),
        }
    }
}

/// Without the secret.
impl std::fmt::Debug for Settings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Settings {}", self.told())
    }
}

impl Settings {
    /// What the audit log keeps: everything but the secret.
    pub(super) fn told(&self) -> Value {
        json!({
            "name": self.name, "slug": self.slug, "issuer": self.issuer, "client_id": self.client_id,
            "scopes": self.scopes, "groups_claim": self.groups_claim,
            "default_role": self.default_role, "default_team": self.default_team,
        })
    }
}

/// A slug made from a connection's name: "Acme Okta (new)" becomes `acme-okta-new`. Empty where the name
/// has no letter or digit that an address can show.
pub fn suggested_slug(name: &str) -> String {
    let plain = |letter: char| match letter.to_ascii_lowercase() {
        fine if fine.is_ascii_alphanumeric() => fine,
        _ => '-',
    };
    let text: String = name.chars().map(plain).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    let slug: String = words.join("-").chars().take(40).collect();
    slug.trim_end_matches('-').to_owned()
}

/// Whether it can stand in an address: 1 to 40 lower-case letters, digits and hyphens within.
pub fn is_slug(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&text.len())
        && text.bytes().all(letter)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Reads an issuer (OpenID Connect Discovery 1.0 §4.1): an address with neither query nor fragment.
///
/// # Errors
/// A sentence for the person who typed it.
pub fn issuer_address(text: &str) -> Result<Url, &'static str> {
    if text.contains(['?', '#']) {
        return Err("An issuer has no question mark and no #. Copy it exactly as the provider writes it.");
    }
    let url = Url::parse(text).ok().filter(Url::has_host);
    url.ok_or("Copy the issuer from the provider: an address such as https://idp.example/tenant.")
}

/// The place that a client secret is sealed for.
pub fn secret_place(id: &str) -> String {
    format!("connections:{id}:client_secret")
}

/// A connection's rules of entry with its table of groups.
pub fn policy(connection: &Connection, mapping: Vec<MappedGroup>) -> Policy {
    Policy {
        jit: connection.jit,
        scim: connection.scim,
        default_role: connection.default_role,
        default_team: connection.default_team.clone(),
        mapping,
        convention: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for state in [State::Draft, State::On, State::Off] {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        for protocol in [Protocol::Oidc, Protocol::Saml] {
            assert_eq!(Protocol::parse(protocol.as_str()), Some(protocol));
        }
        assert_eq!(State::parse("ON"), None);
    }

    #[test]
    fn a_slug_is_made_from_the_name() {
        for (name, slug) in [
            ("Okta", "okta"),
            (" Acme  Okta (new) ", "acme-okta-new"),
            ("Büro", "b-ro"),
            ("日本", ""),
            ("---", ""),
        ] {
            assert_eq!(suggested_slug(name), slug);
            assert_eq!(is_slug(slug), !slug.is_empty());
        }
        let long = suggested_slug(&"ab ".repeat(30));
        assert!(is_slug(&long), "{long}");
        assert!(!is_slug("A") && !is_slug("-a") && !is_slug("a_b"));
    }

    #[test]
    fn an_issuer_is_an_address_alone() {
        assert!(issuer_address("https://idp.example/t").is_ok());
        for bad in [
            "",
            "idp.example",
            "https://idp.example/?a",
            "https://idp.example/#a",
            "mailto:a@b.example",
        ] {
            assert!(issuer_address(bad).is_err(), "{bad}");
        }
    }

    /// SEC-001.
    #[test]
    fn the_audit_log_never_sees_the_secret() {
        let settings = Settings {
            client_secret: Some("s3cret".to_owned()),
            ..Settings::default()
        };
        assert!(!settings.told().to_string().contains("s3cret"));
    }
}
