//! The groups and teams of people, which are shown with them and are of their version.

use std::collections::HashMap;
use std::slice;

use serde_json::{Map, Value, json};

use super::model::Kept;
use super::queries;
use crate::access::Role;
use crate::provisioning::request::Context;
use crate::scim::path::AttributePath;
use crate::scim::schema::{Kind, OWN_URN};
use crate::scim::{Projection, ScimError};
use crate::store::{Conn, id};

/// How much of a digest tells two versions apart.
const LETTERS: usize = 12;

/// Who belongs to nothing.
static NOTHING: Belongs = Belongs {
    groups: Vec::new(),
    teams: Vec::new(),
};

/// What people belong to, by person; those who belong to nothing are left out.
#[derive(Default)]
pub struct All(HashMap<String, Belongs>);

impl All {
    /// What this one belongs to.
    pub fn one(&self, kept: &Kept) -> &Belongs {
        self.0.get(&kept.id).unwrap_or(&NOTHING)
    }
}

/// What a person belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Belongs {
    /// Their groups of the directory, as they are shown.
    pub groups: Vec<Value>,
    /// The names of their teams.
    pub teams: Vec<String>,
}

impl Belongs {
    /// Tells apart what people belong to; empty where that is nothing. Which groups and teams there are, and how they are
    /// called, changes without a word about the person: so it is counted nowhere, and told from what is shown.
    pub fn mark(&self) -> String {
        if self.groups.is_empty() && self.teams.is_empty() {
            return String::new();
        }
        let groups: Vec<_> = self
            .groups
            .iter()
            .map(|group| (&group["value"], &group["display"]))
            .collect();
        let mut mark = id::hash_token(&json!([groups, self.teams]).to_string());
        mark.truncate(LETTERS);
        mark
    }

    /// Adds to a resource what is wanted of it. An owner's teams are no business of the directory.
    pub fn show(&self, role: Option<Role>, fields: &mut Map<String, Value>, projection: &Projection) {
        if !self.groups.is_empty() {
            fields.insert("groups".to_owned(), Value::Array(self.groups.clone()));
        }
        let is_shown = role.is_some_and(|role| role < Role::Owner) && wants_teams(projection);
        if is_shown && !self.teams.is_empty() {
            show_teams(fields, &self.teams);
        }
    }
}

/// What these people belong to, as far as an answer needs it: what it shows, and for the version all.
pub fn of(
    conn: &mut Conn,
    context: &Context,
    people: &[Kept],
    projection: &Projection,
) -> Result<All, ScimError> {
    let mut all = All::default();
    let has_version = projection.wants(Kind::User, "meta");
    if has_version || projection.wants(Kind::User, "groups") {
        read_groups(conn, context, people, &mut all)?;
    }
    if has_version || wants_teams(projection) {
        read_teams(conn, people, &mut all)?;
    }
    Ok(all)
}

/// What one person belongs to.
pub fn of_one(conn: &mut Conn, context: &Context, kept: &Kept) -> Result<Belongs, ScimError> {
    let mut all = of(conn, context, slice::from_ref(kept), &Projection::All)?;
    Ok(all.0.remove(&kept.id).unwrap_or_default())
}

fn read_groups(
    conn: &mut Conn,
    context: &Context,
    people: &[Kept],
    All(all): &mut All,
) -> Result<(), ScimError> {
    let in_some = people.iter().filter(|kept| kept.has_groups);
    let ids: Vec<String> = in_some.map(|kept| kept.id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    for (person, group, name) in queries::groups_of(conn, &ids)? {
        let shown = json!({
            "value": group, "$ref": context.location("Groups", &group), "display": name, "type": "direct",
        });
        all.entry(person).or_default().groups.push(shown);
    }
    Ok(())
}

fn read_teams(conn: &mut Conn, people: &[Kept], All(all): &mut All) -> Result<(), ScimError> {
    let in_some = people.iter().filter(|kept| kept.has_teams);
    let members: HashMap<&str, &str> = in_some
        .filter_map(|kept| Some((kept.member.as_ref()?.id.as_str(), kept.id.as_str())))
        .collect();
    if members.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = members.keys().map(|id| (*id).to_owned()).collect();
    for (member, name) in queries::teams_of(conn, &ids)? {
        let Some(person) = members.get(member.as_str()) else {
            continue;
        };
        let names = &mut all.entry((*person).to_owned()).or_default().teams;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(())
}

/// Adds the teams to our extension, which is there already where the directory sees a role.
fn show_teams(fields: &mut Map<String, Value>, teams: &[String]) {
    if let Value::Object(own) = fields.entry(OWN_URN).or_insert_with(|| json!({})) {
        own.insert("teams".to_owned(), json!(teams));
    }
    if let Some(Value::Array(schemas)) = fields.get_mut("schemas")
        && !schemas.iter().any(|urn| urn == OWN_URN)
    {
        schemas.push(OWN_URN.into());
    }
}

/// Whether the answer shows the teams of our extension.
fn wants_teams(projection: &Projection) -> bool {
    let ours = |path: &AttributePath| {
        let is_own = path
            .schema
            .as_deref()
            .is_some_and(|schema| schema.eq_ignore_ascii_case(OWN_URN));
        is_own && (path.attribute.is_empty() || path.attribute.eq_ignore_ascii_case("teams"))
    };
    match projection {
        Projection::All => true,
        Projection::Only(paths) => paths.iter().any(ours),
        Projection::Without(paths) => !paths.iter().any(ours),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCIM-060.
    #[test]
    fn what_is_shown_differently_has_another_mark() {
        let belongs = |groups: &[(&str, &str)], teams: &[&str]| Belongs {
            groups: groups
                .iter()
                .map(|(id, name)| json!({"value": id, "display": name}))
                .collect(),
            teams: teams.iter().map(|&name| name.to_owned()).collect(),
        };
        let marks: Vec<String> = [
            belongs(&[], &[]),
            belongs(&[("a", "A")], &[]),
            belongs(&[("b", "A")], &[]),
            belongs(&[("a", "B")], &[]),
            belongs(&[("a", "A"), ("b", "B")], &[]),
            belongs(&[], &["A"]),
            belongs(&[], &["A", "B"]),
            belongs(&[], &["A\",\"B"]),
            belongs(&[("a", "A")], &["A"]),
        ]
        .iter()
        .map(Belongs::mark)
        .collect();
        for (at, mark) in marks.iter().enumerate() {
            assert_eq!(marks.iter().position(|other| other == mark), Some(at), "{at}");
        }
        assert_eq!(marks[0], "");
    }
}
