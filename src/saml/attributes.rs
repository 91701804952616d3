//! The person's attributes: by the names that the connection has, else by those in common use.

use super::message::quoted;
use super::names::SAML;
use super::subject::NameId;
use super::verified::Shown;
use super::xml::Element;
use super::{AttributeNames, SamlError};
use crate::access::{EmailAddress, PersonName};

/// Longer names are cut, in characters.
const LONGEST_NAME: usize = 200;
/// Further groups are left out.
const MOST_GROUPS: usize = 1000;
/// Groups with longer names are left out, in characters; cut, they would be other groups.
const LONGEST_GROUP: usize = 256;
/// How many attributes, and values of each, are recorded.
const MOST_SHOWN: usize = 50;

const EMAIL: [&str; 8] = [
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "http://schemas.xmlsoap.org/claims/EmailAddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "email",
    "mail",
    "Email",
    "emailAddress",
    "emailaddress",
];
/// Names that are an address as well at many providers.
const PRINCIPAL: [&str; 7] = [
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/claims/UPN",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
    "upn",
    "userPrincipalName",
    "eduPersonPrincipalName",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
];
const GIVEN: [&str; 8] = [
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "urn:oid:2.5.4.42",
    "givenName",
    "firstName",
    "FirstName",
    "given_name",
    "givenname",
    "first_name",
];
const FAMILY: [&str; 10] = [
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    "urn:oid:2.5.4.4",
    "sn",
    "surname",
    "lastName",
    "LastName",
    "familyName",
    "family_name",
    "last_name",
    "lastname",
];
const NAME: [&str; 7] = [
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "displayName",
    "DisplayName",
    "name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "cn",
];
const GROUPS: [&str; 8] = [
    "groups",
    "Group",
    "memberOf",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    "http://schemas.xmlsoap.org/claims/Group",
    "group",
    "Groups",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
];

/// The attributes of one assertion.
pub(super) struct Attributes<'a> {
    names: &'a AttributeNames,
    found: Vec<Attribute>,
}

struct Attribute {
    name: String,
    friendly: String,
    values: Vec<String>,
}

/// Reads all attributes of the assertion. A value that is not one plain text says nothing.
pub(super) fn read<'a>(assertion: &Element, names: &'a AttributeNames) -> Attributes<'a> {
    let statements = assertion.named(SAML, "AttributeStatement");
    let elements = statements.flat_map(|statement| statement.named(SAML, "Attribute"));
    let found = elements.map(|element| Attribute {
        name: element.attribute("Name").unwrap_or_default().to_owned(),
        friendly: element.attribute("FriendlyName").unwrap_or_default().to_owned(),
        values: element.named(SAML, "AttributeValue").filter_map(value).collect(),
    });
    Attributes {
        names,
        found: found.collect(),
    }
}

fn value(element: &Element) -> Option<String> {
    let text = element.text()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

impl Attributes<'_> {
    /// The values under the configured name, else under the first of the common names that is there.
    fn values(&self, configured: &str, common: &[&str]) -> Option<Vec<&str>> {
        let named = |name: &str| {
            self.named(|one| one.name == name)
                .or_else(|| self.named(|one| one.friendly == name))
        };
        if configured.is_empty() {
            common.iter().find_map(|name| self.named(|one| one.name == *name))
        } else {
            named(configured)
        }
    }

    fn named(&self, is: impl Fn(&Attribute) -> bool) -> Option<Vec<&str>> {
        let mut found = self.found.iter().filter(|one| is(one)).peekable();
        found.peek()?;
        Some(
            found
                .flat_map(|one| one.values.iter().map(String::as_str))
                .collect(),
        )
    }

    /// The address: the attribute, else a `NameID` that is one, else a principal name that is one.
    pub(super) fn email(&self, name_id: &NameId) -> Result<Option<EmailAddress>, SamlError> {
        let mut values = self.values(&self.names.email, &EMAIL).unwrap_or_default();
        values.dedup();
        match values.as_slice() {
            [] => {}
            [one] => return strict(one).map(Some),
            _ => return Err(malformed("there are several")),
        }
        if name_id.format == "email" {
            return strict(&name_id.value).map(Some);
        }
        let principal = self.values("", &PRINCIPAL).unwrap_or_default();
        let mut candidates = std::iter::once(name_id.value.as_str()).chain(principal.first().copied());
        Ok(candidates.find_map(|text| EmailAddress::parse(text).ok()))
    }

    /// The person's name, as far as it was sent. An address is not a name.
    pub(super) fn name(&self) -> PersonName {
        let first = |configured: &str, common: &[&str]| {
            let values = self.values(configured, common).unwrap_or_default();
            values.first().and_then(|text| name_part(text))
        };
        PersonName {
            full: first(&self.names.name, &NAME).filter(|name| !name.contains('@')),
            given: first(&self.names.given_name, &GIVEN),
            family: first(&self.names.family_name, &FAMILY),
        }
    }

    /// The groups; none when the provider sent no such attribute.
    pub(super) fn groups(&self) -> Option<Vec<String>> {
        let fits = |name: &&str| name.chars().count() <= LONGEST_GROUP;
        let values = self.values(&self.names.groups, &GROUPS)?;
        Some(
            values
                .into_iter()
                .filter(fits)
                .take(MOST_GROUPS)
                .map(str::to_owned)
                .collect(),
        )
    }

    /// What is recorded of them.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let shown = |one: &Attribute| Shown {
            name: quoted(&one.name),
            values: one
                .values
                .iter()
                .take(MOST_SHOWN)
                .map(|value| quoted(value))
                .collect(),
        };
        self.found.iter().take(MOST_SHOWN).map(shown).collect()
    }

    /// What an administrator should change although the response was believed.
    pub(super) fn note(&self, email: Option<&EmailAddress>) -> Option<String> {
        if email.is_some() {
            return None;
        }
        Some(match self.names.email.as_str() {
            "" => {
                "The identity provider sent no e-mail address: the NameID is not one, and there is no e-mail \
                   attribute. Let it send one, or name the attribute in the connection."
                    .to_owned()
            }
            name => format!(
                "The identity provider sent no e-mail address: the NameID is not one, and there is no attribute \
                 “{}”. Let it send one, or name another attribute in the connection.",
                quoted(name)
            ),
        })
    }
}

fn strict(text: &str) -> Result<EmailAddress, SamlError> {
    EmailAddress::parse(text).map_err(|error| malformed(error.to_string().trim_end_matches('.')))
}

fn malformed(why: &str) -> SamlError {
    let sentence = format!(
        "The e-mail address from the provider can't be used: {}. Correct it in the person's profile there.",
        quoted(why)
    );
    SamlError::unbelieved("email_malformed", sentence)
}

fn name_part(text: &str) -> Option<String> {
    let kept: String = quoted(text).chars().take(LONGEST_NAME).collect();
    let cut = kept.trim();
    (!cut.is_empty()).then(|| cut.to_owned())
}
