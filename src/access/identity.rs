//! Who the provider says is here, when the protocol is forgotten.

use serde::{Deserialize, Serialize};

use super::email::EmailAddress;

/// What one authentication produced, by OIDC or SAML alike. Everything in it is a statement of the
/// provider; what it proves is for [`super::decide`] to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The id of the connection that the person came through.
    pub connection: String,
    /// The provider's own name: `iss` in OIDC, the entity id in SAML.
    pub issuer: String,
    /// The person's name at the provider that never changes: `sub`, or the `NameID`.
    pub subject: String,
    /// The address, when the provider sent one that is well-formed.
    pub email: Option<EmailAddress>,
    /// The e-mail-verified claim; `None` when the provider said nothing.
    pub email_verified: Option<bool>,
    /// The person's name, as far as it was sent.
    pub name: PersonName,
    /// The groups. `None`: the provider sent no such claim, which is not the same as an empty list.
    pub groups: Option<Vec<String>>,
}

/// The parts of a person's name, each of which a provider may leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonName {
    /// The whole name as the person writes it.
    pub full: Option<String>,
    /// The given name.
    pub given: Option<String>,
    /// The family name.
    pub family: Option<String>,
}

impl PersonName {
    /// The name to show: the full one, else given and family name. Blank parts count as absent.
    #[must_use]
    pub fn display(&self) -> Option<String> {
        if let Some(full) = written(self.full.as_deref()) {
            return Some(full.to_owned());
        }
        match (written(self.given.as_deref()), written(self.family.as_deref())) {
            (Some(given), Some(family)) => Some(format!("{given} {family}")),
            (one, other) => one.or(other).map(str::to_owned),
        }
    }
}

fn written(part: Option<&str>) -> Option<&str> {
    part.map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::PersonName;

    #[test]
    fn a_name_shows_the_full_one_else_its_parts() {
        let shown = [
            (Some("Ada King"), Some("Ada"), Some("Lovelace"), Some("Ada King")),
            (None, Some("Ada"), Some("Lovelace"), Some("Ada Lovelace")),
            (Some("  "), Some(" Ada "), Some(""), Some("Ada")),
            (None, None, Some("Lovelace"), Some("Lovelace")),
            (None, None, None, None),
        ];
        for (full, given, family, display) in shown {
            let owned = |part: Option<&str>| part.map(str::to_owned);
            let name = PersonName {
                full: owned(full),
                given: owned(given),
                family: owned(family),
            };
            assert_eq!(name.display().as_deref(), display, "{name:?}");
        }
    }
}
