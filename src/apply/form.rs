//! The file as it is written. Every value that can be wrong in itself keeps its place ([`Spanned`]); what
//! does not belong there is refused by name.

use serde::Deserialize;
use toml::Spanned;

use super::model::{Fault, Place};

type Text = Spanned<String>;
type Texts = Vec<Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    #[serde(default)]
    pub organization: Vec<OrganizationForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationForm {
    pub slug: Text,
    pub name: Text,
    pub contact: Option<Text>,
    pub seats: Option<Spanned<i64>>,
    pub invitation_days: Option<Spanned<i64>>,
    pub guests: Option<bool>,
    pub group_convention: Option<bool>,
    #[serde(default)]
    pub teams: Texts,
    #[serde(default)]
    pub owner: Vec<OwnerForm>,
    #[serde(default)]
    pub domain: Vec<DomainForm>,
    #[serde(default)]
    pub connection: Vec<ConnectionForm>,
    #[serde(default)]
    pub invitation: Vec<InvitationForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerForm {
    pub email: Text,
    pub name: Option<Text>,
    pub password_env: Option<Text>,
    pub password_file: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainForm {
    pub name: Text,
    #[serde(default)]
    pub vouched: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionForm {
    pub slug: Text,
    pub protocol: Text,
    pub name: Option<Text>,
    pub issuer: Option<Text>,
    pub client_id: Option<Text>,
    pub client_secret_env: Option<Text>,
    pub client_secret_file: Option<Text>,
    #[serde(default)]
    pub domains: Texts,
    pub jit: Option<bool>,
    pub scim: Option<bool>,
    pub enforce: Option<bool>,
    pub default_role: Option<Text>,
    pub default_team: Option<Text>,
    pub groups_claim: Option<Text>,
    pub scopes: Option<Text>,
    pub state: Option<Text>,
    pub mapping: Option<Vec<MappingForm>>,
    // What only a SAML connection has.
    pub metadata_file: Option<Text>,
    pub metadata_url: Option<Text>,
    pub entity_id: Option<Text>,
    pub sso_url: Option<Text>,
    pub certificates: Option<Spanned<Texts>>,
    pub attributes: Option<Spanned<AttributesForm>>,
    pub idp_initiated: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributesForm {
    pub email: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub name: Option<String>,
    pub groups: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingForm {
    pub group: Text,
    pub team: Text,
    pub role: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationForm {
    pub email: Text,
    pub role: Option<Text>,
    pub teams: Option<Texts>,
}

/// Reads the text.
///
/// # Errors
/// The first thing in it that is no TOML, or does not belong to this form.
pub fn read(text: &str) -> Result<Form, Fault> {
    toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        Fault {
            place: Place::at(text, offset, &field_at(text, offset, error.message())),
            // The error's `Display` would quote the line, and with it a secret written there by mistake.
            sentence: sentence(error.message()),
        }
    })
}

fn sentence(message: &str) -> String {
    if message.starts_with("invalid type: map, expected a sequence") {
        return "There can be several of these: write the header in two brackets, such as [[organization]]."
            .to_owned();
    }
    let mut quoted = String::new();
    for (number, part) in message.split('`').enumerate() {
        if number > 0 {
            quoted.push(if number % 2 == 1 { '“' } else { '”' });
        }
        quoted.push_str(part);
    }
    format!("{quoted}.")
}

/// The field at this place, such as `organization.connection.jit`: the header of its table, the key of
/// its line, and what the message calls missing or unknown there.
fn field_at(text: &str, offset: usize, message: &str) -> String {
    let end = text
        .get(offset..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |length| offset + length);
    let (mut table, mut key) = ("", "");
    for line in text.get(..end).unwrap_or(text).lines().map(str::trim) {
        if let Some(found) = header(line) {
            (table, key) = (found, "");
        } else if let Some(found) = key_of(line) {
            key = found;
        }
    }
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next())
        .filter(|named| *named != key && header_ends_otherwise(table, key, named));
    let parts = [table, key, named.unwrap_or("")];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

/// An unknown table is named by its own header already.
fn header_ends_otherwise(table: &str, key: &str, named: &str) -> bool {
    !key.is_empty() || table.rsplit('.').next() != Some(named)
}

fn header(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('[')?.split(']').next()?;
    let name = inner.trim_start_matches('[').trim();
    is_key(name).then_some(name)
}

fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    is_key(key).then_some(key)
}

fn is_key(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !text.is_empty() && text.bytes().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_by_line_field_and_sentence() {
        let start = "[[organization]]\nslug = \"a\"\nname = \"A\"\n";
        let table = [
            ("name = 5", "4: organization.name: duplicate key."),
            (
                "seats = \"5\"",
                "4: organization.seats: invalid type: string \"5\", expected i64.",
            ),
            (
                "guests = maybe",
                "4: organization.guests: string values must be quoted",
            ),
            (
                "sets = 5",
                "4: organization.sets: unknown field “sets”, expected one of “slug”, “name”",
            ),
            (
                "teams = [\n\"a\",\n5]",
                "6: organization.teams: invalid type: integer “5”, expected a string.",
            ),
            (
                "[[organization.owner]]\nname = \"x\"",
                "4: organization.owner.email: missing field “email”.",
            ),
            (
                "domain = [{ vouched = true }]",
                "4: organization.domain.name: missing field “name”.",
            ),
            (
                "domain = [{ nam = \"x\" }]",
                "4: organization.domain.nam: unknown field “nam”",
            ),
            (
                "[[organization.owners]]\nname = \"x\"",
                "4: organization.owners: unknown field “owners”",
            ),
            (
                "[organization.owner]\nname = \"x\"",
                "4: organization.owner: There can be several",
            ),
        ];
        for (line, expected) in table {
            let fault = read(&format!("{start}{line}\n")).err().unwrap();
            let told = fault.to_string();
            assert!(told.starts_with(expected), "{line}: {told}");
        }
    }

    #[test]
    fn a_secret_written_by_mistake_is_not_repeated() {
        let fault = read("[[organization]]\n[[organization.owner]]\npassword = \"hunter2hunter2\"\n").err();
        let told = fault.unwrap().to_string();
        assert!(
            told.starts_with("3: organization.owner.password: unknown field"),
            "{told}"
        );
        assert!(!told.contains("hunter2"), "{told}");
    }
}
