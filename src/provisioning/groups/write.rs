//! Creating, replacing, changing and deleting groups.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::changes::{self, Change};
use super::{Group, display_key, member, one, queries};
use crate::audit::{self, Actor, Event, Subject};
use crate::groups::actions as mapping;
use crate::provisioning::request::{Answer, Context, Request};
use crate::provisioning::tokens::Caller;
use crate::scim::filter::{Filter, matches};
use crate::scim::patch::{self as patching, Step};
use crate::scim::path::AttributePath;
use crate::scim::schema::Kind;
use crate::scim::{Projection, ScimError, ScimType, resource};
use crate::store::{Conn, id};

/// The longest key of the directory, in bytes.
const LONGEST_KEY: usize = 1_024;
/// A larger group is not shown to whoever changed it: nobody needs 50,000 people for having added one.
const MOST_SHOWN: i64 = 200;
/// The most people whose names one audit entry has.
const NAMED: usize = 100;

/// One request at work in its transaction, which holds the organization.
pub struct Work<'a> {
    conn: &'a mut Conn,
    context: &'a Context,
    caller: &'a Caller,
    actor: Actor,
}

/// Who came into a group and who went.
#[derive(Default)]
struct Moved {
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Moved {
    fn come(&mut self, users: Vec<String>) {
        for user in users {
            if !self.removed.remove(&user) {
                self.added.insert(user);
            }
        }
    }

    fn go(&mut self, users: Vec<String>) {
        for user in users {
            if !self.added.remove(&user) {
                self.removed.insert(user);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl<'a> Work<'a> {
    /// Begins.
    pub fn new(conn: &'a mut Conn, context: &'a Context, caller: &'a Caller) -> Self {
        Self {
            actor: caller.actor(&context.ip),
            conn,
            context,
            caller,
        }
    }

    fn connection(&self) -> &'a str {
        &self.caller.connection.id
    }

    fn find(&mut self, request: &Request, id: &str) -> Result<Group, ScimError> {
        let group = queries::find(self.conn, self.connection(), id)?.ok_or_else(ScimError::not_found)?;
        request.check_version(&group.etag())?;
        Ok(group)
    }

    fn note(
        &mut self,
        action: &str,
        group: &Group,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), ScimError> {
        let event = Event {
            organization: Some(&self.caller.organization),
            action,
            subject: Subject {
                kind: "directory_group",
                id: &group.id,
                name: &group.display_name,
            },
            before,
            after,
        };
        audit::record(self.conn, self.context.now, &self.actor, &event)?;
        Ok(())
    }

    fn has_free_name(&mut self, name: &str) -> Result<(), ScimError> {
        if queries::named(self.conn, self.connection(), name)?.is_none() {
            return Ok(());
        }
        Err(ScimError {
            kind: Some(ScimType::Uniqueness),
            ..ScimError::new(409, "A group of this name is here already.")
        })
    }

    /// Does one change of a group's people, row by row.
    fn apply(&mut self, group: &str, change: Change, moved: &mut Moved) -> Result<(), ScimError> {
        match change {
            Change::Add(users) => self.add(group, users, moved),
            Change::Remove(users) => {
                let users = queries::present(self.conn, group, &users)?;
                self.remove(group, users, moved)
            }
            Change::Set(users) => {
                let wanted: HashSet<&String> = users.iter().collect();
                let all = queries::everybody(self.conn, group)?;
                let gone = all.into_iter().filter(|user| !wanted.contains(user)).collect();
                self.remove(group, gone, moved)?;
                self.add(group, users, moved)
            }
            Change::RemoveFitting(filter) => {
                let users = self.fitting(group, filter)?;
                self.remove(group, users, moved)
            }
        }
    }

    fn add(&mut self, group: &str, users: Vec<String>, moved: &mut Moved) -> Result<(), ScimError> {
        let present: HashSet<String> = queries::present(self.conn, group, &users)?.into_iter().collect();
        let new: Vec<String> = users.into_iter().filter(|user| !present.contains(user)).collect();
        let added = queries::add(self.conn, self.connection(), group, &new)?;
        if added != new.len() {
            return Err(ScimError::bad(
                ScimType::InvalidValue,
                "A member is the id of a user of this directory. One of them is none.",
            ));
        }
        moved.come(new);
        Ok(())
    }

    fn remove(&mut self, group: &str, users: Vec<String>, moved: &mut Moved) -> Result<(), ScimError> {
        queries::remove(self.conn, group, &users)?;
        moved.go(users);
        Ok(())
    }

    /// The people whom the filter fits: only here all of them are looked at.
    fn fitting(&mut self, group: &str, filter: Filter) -> Result<Vec<String>, ScimError> {
        let filter = Filter::Value(AttributePath::new("members", None), Box::new(filter));
        let all = queries::members_of(self.conn, &[group])?;
        let fits = |user: &str, name: &str| {
            let mut member = member(self.context, user);
            if let Some(fields) = member.as_object_mut() {
                fields.insert("display".to_owned(), name.into());
            }
            let one = json!({ "members": [member] });
            matches(&filter, &one)
        };
        Ok(all
            .into_iter()
            .filter(|(_, user, name)| fits(user, name))
            .map(|(_, user, _)| user)
            .collect())
    }

    /// Tells the audit log who moved, and lets teams and roles follow.
    fn moved(&mut self, group: &Group, moved: &Moved) -> Result<String, ScimError> {
        if moved.is_empty() {
            return Ok(String::new());
        }
        let (came, went): (Vec<_>, Vec<_>) = (
            moved.added.iter().cloned().collect(),
            moved.removed.iter().cloned().collect(),
        );
        let came = queries::people(self.conn, &came)?;
        let went = queries::people(self.conn, &went)?;
        let names = |people: &[(String, Option<String>)]| {
            let names: Vec<&str> = people.iter().take(NAMED).map(|(name, _)| name.as_str()).collect();
            json!(names)
        };
        let after = json!({
            "added": names(&came), "added_count": came.len(),
            "removed": names(&went), "removed_count": went.len(),
        });
        self.note("directory_group.members_changed", group, None, Some(after))?;
        let told = format!("{} came into the group, {} left it.", came.len(), went.len());
        let members: Vec<String> = came
            .into_iter()
            .chain(went)
            .filter_map(|(_, member)| member)
            .collect();
        self.follow(&members)?;
        Ok(told)
    }

    /// Lets teams and roles of these members follow their groups.
    fn follow(&mut self, members: &[String]) -> Result<(), ScimError> {
        let (now, connection) = (self.context.now, &self.caller.connection);
        mapping::sync_members(self.conn, now, &self.actor, connection, members)?;
        Ok(())
    }

    /// Lets lines of the mapping that wait for this name follow the group.
    fn met(&mut self, group: &Group) -> Result<(), ScimError> {
        let (now, connection) = (self.context.now, &self.caller.connection);
        if mapping::met(self.conn, connection, &group.id, &group.display_name)? {
            mapping::sync_all(self.conn, now, &self.actor, connection)?;
        }
        Ok(())
    }

    /// The group as the transaction leaves it.
    fn answer(&mut self, id: &str, projection: &Projection, status: u16) -> Result<Answer, ScimError> {
        let group = queries::find(self.conn, self.connection(), id)?.ok_or_else(ScimError::not_found)?;
        one(self.conn, self.context, &group, projection, status)
    }
}

/// POST: a new group.
pub fn create(work: &mut Work<'_>, request: &Request) -> Result<Answer, ScimError> {
    let projection = Projection::from_query(&request.query)?;
    let fields = normal(request)?;
    let (now, key) = (work.context.now, id::new_id());
    let group = Group {
        id: key,
        display_name: text(&fields, "displayName"),
        external_id: text(&fields, "externalId"),
        created_at: now,
        modified_at: now,
        version: 1,
    };
    check(&group)?;
    work.has_free_name(&group.display_name)?;
    queries::insert(work.conn, work.caller, &group)?;
    work.note(
        "directory_group.created",
        &group,
        None,
        Some(json!({ "name": group.display_name })),
    )?;
    let mut moved = Moved::default();
    work.add(&group.id, members(&fields)?, &mut moved)?;
    work.met(&group)?;
    let told = work.moved(&group, &moved)?;
    Ok(work.answer(&group.id, &projection, 201)?.decided(told))
}

/// PUT: a group described anew, with all of its people.
pub fn replace(work: &mut Work<'_>, request: &Request, id: &str) -> Result<Answer, ScimError> {
    let projection = Projection::from_query(&request.query)?;
    let group = work.find(request, id)?;
    let fields = normal(request)?;
    let wanted = described(&group, &fields);
    let told = change(work, &group, &wanted, vec![Change::Set(members(&fields)?)])?;
    Ok(work.answer(id, &projection, 200)?.decided(told))
}

/// PATCH: some of a group changed, all of it or nothing.
pub fn patch(work: &mut Work<'_>, request: &Request, id: &str) -> Result<Answer, ScimError> {
    let projection = Projection::from_query(&request.query)?;
    let group = work.find(request, id)?;
    let body = Value::Object(request.object()?.clone());
    let (people, rest): (Vec<Step>, Vec<Step>) = patching::read(&body, Kind::Group)?
        .into_iter()
        .partition(|step| step.target.attribute.name == "members");
    let mut fields = group.writable();
    patching::apply_steps(&mut fields, &rest, Kind::Group)?;
    let changes = people.iter().map(Change::read).collect::<Result<Vec<_>, _>>()?;
    let wanted = described(&group, &fields);
    let told = change(work, &group, &wanted, changes)?;
    if projection != Projection::All || !queries::exceeds(work.conn, id, MOST_SHOWN)? {
        return Ok(work.answer(id, &projection, 200)?.decided(told));
    }
    let after = queries::find(work.conn, work.connection(), id)?.ok_or_else(ScimError::not_found)?;
    Ok(Answer {
        location: Some(work.context.location("Groups", id)),
        etag: Some(after.etag()),
        ..Answer::new(204, None).decided(told)
    })
}

/// DELETE: the group goes, and with it what it gave.
pub fn delete(work: &mut Work<'_>, request: &Request, id: &str) -> Result<Answer, ScimError> {
    let group = work.find(request, id)?;
    let before = json!({ "name": group.display_name });
    work.note("directory_group.deleted", &group, Some(before), None)?;
    queries::delete(work.conn, work.connection(), id)?;
    let (now, connection) = (work.context.now, &work.caller.connection);
    mapping::gone(work.conn, now, &work.actor, connection, id)?;
    Ok(Answer::new(204, None).decided("The group is deleted."))
}

/// Makes a known group what is wanted. What is so already makes no version and no audit entry.
fn change(
    work: &mut Work<'_>,
    known: &Group,
    wanted: &Group,
    changes: Vec<Change>,
) -> Result<String, ScimError> {
    check(wanted)?;
    if display_key(&known.display_name) != display_key(&wanted.display_name) {
        work.has_free_name(&wanted.display_name)?;
    }
    let mut moved = Moved::default();
    for change in changes {
        work.apply(&known.id, change, &mut moved)?;
    }
    let described = known != wanted;
    if !described && moved.is_empty() {
        return Ok(String::new());
    }
    queries::update(work.conn, work.context.now, wanted)?;
    if described {
        let words =
            |group: &Group| Some(json!({ "name": group.display_name, "external_id": group.external_id }));
        work.note("directory_group.changed", wanted, words(known), words(wanted))?;
        work.met(wanted)?;
    }
    work.moved(wanted, &moved)
}

fn normal(request: &Request) -> Result<Map<String, Value>, ScimError> {
    resource::normalize(Kind::Group, Value::Object(request.object()?.clone()))
}

fn members(fields: &Map<String, Value>) -> Result<Vec<String>, ScimError> {
    changes::ids(fields.get("members").unwrap_or(&Value::Null))
}

fn described(group: &Group, fields: &Map<String, Value>) -> Group {
    Group {
        display_name: text(fields, "displayName"),
        external_id: text(fields, "externalId"),
        ..group.clone()
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    let text = fields.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn check(group: &Group) -> Result<(), ScimError> {
    let invalid = |detail: &str| Err(ScimError::bad(ScimType::InvalidValue, detail));
    if display_key(&group.display_name).is_empty() || group.display_name.chars().any(char::is_control) {
        return invalid("A group has a displayName without control characters.");
    }
    if group.external_id.len() > LONGEST_KEY {
        return invalid("An externalId has at most 1,024 bytes.");
    }
    Ok(())
}
