//! A person as JSON, written from what is kept: its attributes are passed on as they stand, not read and written anew.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use super::belongs::Belongs;
use super::model::Kept;
use crate::access::Role;
use crate::provisioning::request::Context;
use crate::scim::date;
use crate::scim::schema::{ENTERPRISE_URN, LIST_URN, OWN_URN, USER_URN};

/// A person with groups and teams, to be written whole. Says the same as [`super::model::Person::resource`] with what
/// is added there.
pub struct Shown<'a> {
    context: &'a Context,
    kept: &'a Kept,
    attributes: BTreeMap<&'a str, &'a RawValue>,
    belongs: &'a Belongs,
}

impl<'a> Shown<'a> {
    /// None where the attributes can't be passed on as they stand.
    pub fn new(context: &'a Context, kept: &'a Kept, belongs: &'a Belongs) -> Option<Self> {
        Some(Self {
            context,
            kept,
            attributes: serde_json::from_str(&kept.attributes).ok()?,
            belongs,
        })
    }

    fn own(&self) -> Option<Own<'_>> {
        let role = self.kept.member.as_ref()?.role;
        let said = self.attributes.contains_key(OWN_URN);
        let teams = self.belongs.teams.as_slice();
        let own = Own {
            role: (role < Role::Owner && (said || role > Role::Member)).then_some(role.as_str()),
            teams: (role < Role::Owner && !teams.is_empty()).then_some(teams),
        };
        (own.role.is_some() || own.teams.is_some()).then_some(own)
    }
}

/// Our extension.
#[derive(Serialize)]
struct Own<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    resource_type: &'static str,
    created: String,
    last_modified: String,
    location: String,
    version: String,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kept, own) = (self.kept, self.own());
        let mut schemas = vec![USER_URN];
        schemas.extend(
            self.attributes
                .contains_key(ENTERPRISE_URN)
                .then_some(ENTERPRISE_URN),
        );
        schemas.extend(own.as_ref().map(|_| OWN_URN));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &schemas)?;
        map.serialize_entry("id", &kept.id)?;
        for (name, value) in self.attributes.iter().filter(|(name, _)| **name != OWN_URN) {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("active", &kept.is_active())?;
        if !self.belongs.groups.is_empty() {
            map.serialize_entry("groups", &self.belongs.groups)?;
        }
        if let Some(own) = &own {
            map.serialize_entry(OWN_URN, own)?;
        }
        let created = date::format(kept.created_at);
        let meta = Meta {
            resource_type: "User",
            last_modified: if kept.modified_at == kept.created_at {
                created.clone()
            } else {
                date::format(kept.modified_at)
            },
            created,
            location: self.context.location("Users", &kept.id),
            version: kept.etag(self.belongs),
        };
        map.serialize_entry("meta", &meta)?;
        map.end()
    }
}

/// The body of an answer that lists people.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    schemas: [&'static str; 1],
    total_results: i64,
    start_index: i64,
    items_per_page: usize,
    #[serde(rename = "Resources")]
    resources: &'a [Shown<'a>],
}

/// Writes one person.
pub fn one(shown: &Shown<'_>) -> Option<String> {
    serde_json::to_string(shown).ok()
}

/// Writes a list.
pub fn list(total: i64, start_index: i64, resources: &[Shown<'_>]) -> Option<String> {
    let list = List {
        schemas: [LIST_URN],
        total_results: total,
        start_index,
        items_per_page: resources.len(),
        resources,
    };
    serde_json::to_string(&list).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::model::Seat;
    use super::super::resource;
    use super::*;
    use crate::members::State;
    use crate::scim::Projection;

    /// What is written from the text is what is made from the parsed person.
    #[test]
    fn both_ways_say_the_same() {
        let context = Context {
            now: 0,
            begun: std::time::Instant::now(),
            base: "https://id.example/scim/v2".into(),
            ip: String::new(),
        };
        let enterprise = json!({"userName": "a\"\u{e9}", ENTERPRISE_URN: {"department": "R"}, OWN_URN: {}});
        let texts = [
            json!({"userName": "ada", "emails": [{"value": "a@b.example"}]}),
            enterprise,
        ];
        let alone = Belongs::default();
        let belongs = Belongs {
            groups: vec![json!({"value": "g1", "display": "G"})],
            teams: vec!["Red".to_owned()],
        };
        for (text, role, state, belongs) in [
            (0, None, State::Active, &alone),
            (0, None, State::Active, &belongs),
            (0, Some(Role::Member), State::Active, &belongs),
            (1, Some(Role::Member), State::Deactivated, &alone),
            (0, Some(Role::Admin), State::Active, &alone),
            (1, Some(Role::Admin), State::Active, &belongs),
            (1, Some(Role::Owner), State::Active, &belongs),
        ] {
            let kept = Kept {
                id: "u1".into(),
                member: role.map(|role| Seat {
                    id: "m1".into(),
                    account: "a1".into(),
                    state,
                    role,
                    version: 3,
                }),
                active: true,
                attributes: texts[text].to_string(),
                created_at: 1_795_482_123_004,
                modified_at: 1_795_482_123_005,
                version: 2,
                has_groups: false,
                has_teams: false,
            };
            let written = one(&Shown::new(&context, &kept, belongs).unwrap()).unwrap();
            let made = resource(&context, kept, belongs, &Projection::All);
            assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), made);
        }
    }
}
