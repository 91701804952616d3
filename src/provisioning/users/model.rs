//! A person as the directory describes them, and as they are described to it.

use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::belongs::Belongs;
use crate::access::{EmailAddress, PersonName, Role};
use crate::members::State;
use crate::provisioning::request::Context;
use crate::scim::schema::{ENTERPRISE_URN, OWN_URN, USER_URN};
use crate::scim::{ScimError, ScimType, date};
use crate::store::time::Timestamp;

/// The longest user name, in characters.
const LONGEST_NAME: usize = 256;
/// The longest key of the directory, in bytes.
const LONGEST_KEY: usize = 1_024;
/// The most e-mail addresses of one person.
const MOST_ADDRESSES: usize = 50;
/// The most that is kept of a person, in bytes.
const MOST: usize = 65_536;

/// A person of the directory as they are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Our key.
    pub id: String,
    /// The membership, once there is an address.
    pub member: Option<Seat>,
    /// The directory's last word on whether the person may come in. It counts while there is no membership.
    pub active: bool,
    /// What the directory said, without `active` and whatever we know better. Of the role there is only a mark
    /// that the directory said one.
    pub attributes: Map<String, Value>,
    /// When the directory made it.
    pub created_at: Timestamp,
    /// When the directory last changed it.
    pub modified_at: Timestamp,
    /// Counts the changes.
    pub version: i64,
}

/// A person of the directory as their row says it: the attributes are a text of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Our key.
    pub id: String,
    /// The membership, once there is an address.
    pub member: Option<Seat>,
    /// The directory's last word on whether the person may come in. It counts while there is no membership.
    pub active: bool,
    /// As [`Person::attributes`].
    pub attributes: String,
    /// When the directory made it.
    pub created_at: Timestamp,
    /// When the directory last changed it.
    pub modified_at: Timestamp,
    /// Counts the changes.
    pub version: i64,
    /// Whether the person is in a group of the directory.
    pub has_groups: bool,
    /// Whether the member is in a team.
    pub has_teams: bool,
}

impl Kept {
    /// As [`Person::is_active`].
    pub fn is_active(&self) -> bool {
        is_active(self.active, self.member.as_ref())
    }

    /// As [`Person::etag`].
    pub fn etag(&self, belongs: &Belongs) -> String {
        etag(self.version, self.member.as_ref(), belongs)
    }
}

impl From<Kept> for Person {
    fn from(kept: Kept) -> Self {
        let attributes = match serde_json::from_str(&kept.attributes) {
            Ok(Value::Object(attributes)) => attributes,
            // Nothing else is ever written.
            _ => Map::new(),
        };
        Self {
            id: kept.id,
            member: kept.member,
            active: kept.active,
            attributes,
            created_at: kept.created_at,
            modified_at: kept.modified_at,
            version: kept.version,
        }
    }
}

fn is_active(said: bool, member: Option<&Seat>) -> bool {
    member.map_or(said, |member| member.state == State::Active)
}

fn etag(version: i64, member: Option<&Seat>, belongs: &Belongs) -> String {
    let member = member.map_or(0, |member| member.version);
    let mark = belongs.mark();
    let dot = if mark.is_empty() { "" } else { "." };
    format!("W/\"{version}.{member}{dot}{mark}\"")
}

/// The membership of a person of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Its id.
    pub id: String,
    /// The account's id.
    pub account: String,
    /// Whether the person may enter.
    pub state: State,
    /// What the person may do.
    pub role: Role,
    /// Counts the changes.
    pub version: i64,
}

impl Person {
    /// Whether the person may come in: by the membership, which an administrator may have changed after the
    /// directory; while there is none, by the directory's word.
    pub fn is_active(&self) -> bool {
        is_active(self.active, self.member.as_ref())
    }

    /// The version, of what the directory said, of the membership, and of what the person belongs to.
    pub fn etag(&self, belongs: &Belongs) -> String {
        etag(self.version, self.member.as_ref(), belongs)
    }

    /// Whether the directory said a role, and did not take it back.
    pub fn has_said_role(&self) -> bool {
        self.attributes.contains_key(OWN_URN)
    }

    /// The role as the directory sees it: one that it said, or one that is more than everybody's. An owner's is
    /// no business of the directory.
    pub fn shown_role(&self) -> Option<Role> {
        let role = self.member.as_ref()?.role;
        let shown = role < Role::Owner && (self.has_said_role() || role > Role::Member);
        shown.then_some(role)
    }

    /// What the directory may change, as it stands.
    pub fn writable(&self) -> Map<String, Value> {
        let mut fields = self.attributes.clone();
        fields.insert("active".to_owned(), self.is_active().into());
        fields.remove(OWN_URN);
        if let Some(role) = self.shown_role() {
            fields.insert(OWN_URN.to_owned(), json!({ "role": role.as_str() }));
        }
        fields
    }

    /// The resource (RFC 7643 §4.1), without groups and teams.
    pub fn resource(&self, context: &Context, belongs: &Belongs) -> Map<String, Value> {
        let mut fields = self.writable();
        let mut schemas = vec![USER_URN];
        schemas.extend(
            [ENTERPRISE_URN, OWN_URN]
                .into_iter()
                .filter(|urn| fields.contains_key(*urn)),
        );
        let meta = json!({
            "resourceType": "User",
            "created": date::format(self.created_at),
            "lastModified": date::format(self.modified_at),
            "location": context.location("Users", &self.id),
            "version": self.etag(belongs),
        });
        fields.insert("schemas".to_owned(), json!(schemas));
        fields.insert("id".to_owned(), self.id.clone().into());
        fields.insert("meta".to_owned(), meta);
        fields
    }
}

/// What there is of somebody whom the directory sends for the first time.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stranger {
    /// Whether another user of the organization's directories has the name.
    pub is_named: bool,
    /// Whether the address has an account.
    pub has_account: bool,
    /// Whether the organization ever invited the address.
    pub is_invited: bool,
    /// Whether the organization may have as many people as it likes.
    pub has_no_limit: bool,
}

/// What the directory wants a person to be, read from a resource in its normal form.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Whether the person may come in; none: unsaid.
    pub active: Option<bool>,
    /// The role in our extension; none: unsaid.
    pub role: Option<Role>,
    /// The address by which the person is known here: the primary e-mail address, or else the user name
    /// where it is one.
    pub address: Option<EmailAddress>,
    /// Everything else, to be kept.
    pub attributes: Map<String, Value>,
}

impl Wanted {
    /// Takes a resource apart and checks it.
    ///
    /// # Errors
    /// 400 `invalidValue` with what is wrong.
    pub fn read(mut fields: Map<String, Value>) -> Result<Self, ScimError> {
        for ours in ["schemas", "id", "meta", "groups"] {
            fields.remove(ours);
        }
        let active = match fields.remove("active") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(active)) => Some(active),
            Some(_) => return Err(invalid("“active” is true or false.")),
        };
        let role = role_in(fields.remove(OWN_URN).as_ref())?;
        if role.is_some() {
            fields.insert(OWN_URN.to_owned(), json!({}));
        }
        let wanted = Self {
            active,
            role,
            address: None,
            attributes: fields,
        };
        let address = wanted.check()?;
        Ok(Self { address, ..wanted })
    }

    /// A description that says no role leaves it as it was.
    pub fn keep_role(&mut self, known: &Person) {
        if self.role.is_none() && known.has_said_role() {
            self.attributes.insert(OWN_URN.to_owned(), json!({}));
        }
    }

    /// Of a resource that was changed in part: a role that was taken away falls back to everybody's, and one that
    /// was only seen is not said.
    pub fn compare_role(&mut self, known: &Person) {
        let shown = known.shown_role();
        if self.role.is_none() && shown.is_some() {
            self.role = Some(Role::Member);
        } else if self.role == shown && !known.has_said_role() {
            self.attributes.remove(OWN_URN);
        }
    }

    fn check(&self) -> Result<Option<EmailAddress>, ScimError> {
        let name = self.user_name();
        if name.trim().is_empty() {
            return Err(invalid(
                "A user has a userName, and it is a text that is not empty.",
            ));
        }
        if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(invalid(format!(
                "A userName has at most {LONGEST_NAME} characters, and no control characters."
            )));
        }
        if self.external_id().len() > LONGEST_KEY {
            return Err(invalid(format!("An externalId has at most {LONGEST_KEY} bytes.")));
        }
        let mut primary = None;
        for (index, email) in self.emails().enumerate() {
            let address = email.get("value").and_then(Value::as_str).unwrap_or_default();
            let address = EmailAddress::parse(address).map_err(|error| {
                invalid(format!(
                    "The e-mail address “{}” is none: {error}",
                    shown(address)
                ))
            })?;
            let is_primary = email.get("primary") == Some(&Value::Bool(true));
            if index >= MOST_ADDRESSES {
                return Err(invalid("A user has at most 50 e-mail addresses."));
            }
            if primary.is_none() || is_primary {
                primary = Some(address);
            }
        }
        if self.attributes_text().len() > MOST {
            return Err(invalid("A user has at most 64 KiB of attributes."));
        }
        Ok(primary.or_else(|| EmailAddress::parse(name).ok()))
    }

    /// The attributes as they are kept.
    pub fn attributes_text(&self) -> String {
        serde_json::to_string(&self.attributes).unwrap_or_default()
    }

    fn text(&self, name: &str) -> &str {
        self.attributes
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The user name.
    pub fn user_name(&self) -> &str {
        self.text("userName")
    }

    /// The directory's own key; empty where there is none.
    pub fn external_id(&self) -> &str {
        self.text("externalId")
    }

    /// The name as it is shown, folded; empty where there is none.
    pub fn display_key(&self) -> String {
        self.text("displayName").to_lowercase()
    }

    fn emails(&self) -> impl Iterator<Item = &Value> {
        self.attributes
            .get("emails")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }

    /// All addresses, folded, each once.
    pub fn email_keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .emails()
            .filter_map(|email| email.get("value").and_then(Value::as_str))
            .map(str::to_lowercase)
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The person's name for an account; empty where the directory gave none.
    pub fn full_name(&self) -> String {
        let part = |name: &str| {
            let value = self.attributes.get("name").and_then(|all| all.get(name));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        let name = PersonName {
            full: None,
            given: part("givenName"),
            family: part("familyName"),
        };
        let whole = [part("formatted"), Some(self.text("displayName").to_owned())];
        let both = (name.given.is_some() && name.family.is_some())
            .then(|| name.display())
            .flatten();
        let found = both.into_iter().chain(whole.into_iter().flatten());
        let found = found.chain(name.display()).find(|name| !name.trim().is_empty());
        crate::store::text::tame(found.unwrap_or_default().trim(), 200)
    }
}

/// The user name in the form in which no two of an organization are the same: composed, in lower case,
/// without blanks around it.
pub fn name_key(name: &str) -> String {
    name.nfkc().collect::<String>().trim().to_lowercase()
}

fn role_in(extension: Option<&Value>) -> Result<Option<Role>, ScimError> {
    match extension.and_then(|fields| fields.get("role")) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("member") => Ok(Some(Role::Member)),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("admin") => Ok(Some(Role::Admin)),
        Some(_) => Err(invalid(
            "A directory gives the role “member” or “admin”. Owners are made by owners.",
        )),
    }
}

fn invalid(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, detail)
}

fn shown(text: &str) -> String {
    crate::store::text::tame(text, 100)
}
