//! `/Groups` of a connection's SCIM server: groups of people of the directory, which teams follow.
//!
//! A group may be large. What concerns one person of it touches one row, and the whole is read only for those
//! who ask to see it.

mod changes;
mod filter;
mod queries;
mod write;

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization as _;

use self::filter::Condition;
use super::request::{Answer, Context, Request, Verb};
use super::tokens::Caller;
use crate::scim::list::{self, ListQuery};
use crate::scim::schema::{GROUP_URN, Kind};
use crate::scim::{Projection, ScimError, date};
use crate::store::Conn;
use crate::store::time::Timestamp;

/// A group of the directory, without its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Our key.
    pub id: String,
    /// Its name.
    pub display_name: String,
    /// The directory's own key; empty where there is none.
    pub external_id: String,
    /// When the directory made it.
    pub created_at: Timestamp,
    /// When the directory last changed it or its people.
    pub modified_at: Timestamp,
    /// Counts the changes.
    pub version: i64,
}

impl Group {
    /// The version.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// What the directory may change, without people.
    fn writable(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("displayName".to_owned(), self.display_name.clone().into());
        if !self.external_id.is_empty() {
            fields.insert("externalId".to_owned(), self.external_id.clone().into());
        }
        fields
    }

    fn resource(&self, context: &Context) -> Map<String, Value> {
        let mut fields = self.writable();
        let meta = json!({
            "resourceType": "Group",
            "created": date::format(self.created_at),
            "lastModified": date::format(self.modified_at),
            "location": context.location("Groups", &self.id),
            "version": self.etag(),
        });
        fields.insert("schemas".to_owned(), json!([GROUP_URN]));
        fields.insert("id".to_owned(), self.id.clone().into());
        fields.insert("meta".to_owned(), meta);
        fields
    }
}

/// A group's name in the form in which no two of a connection are the same.
#[must_use]
pub fn display_key(name: &str) -> String {
    name.nfkc().collect::<String>().trim().to_lowercase()
}

/// Answers a request to `/Groups` or below it. One that writes wants a transaction that holds the organization.
///
/// # Errors
/// What is told to the directory; nothing is to be kept then.
pub fn handle(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    request: &Request,
) -> Result<Answer, ScimError> {
    let below: Vec<&str> = request.path.iter().skip(1).map(String::as_str).collect();
    match (request.verb, below.as_slice()) {
        (Verb::Get, []) => list(conn, context, caller, &ListQuery::from_query(&request.query)?),
        (Verb::Post, []) => write::create(&mut write::Work::new(conn, context, caller), request),
        (Verb::Post, [".search"]) => {
            let body = Value::Object(request.object()?.clone());
            list(conn, context, caller, &ListQuery::from_search(&body)?)
        }
        (Verb::Get, [id]) => get(conn, context, caller, request, id),
        (Verb::Put, [id]) => write::replace(&mut write::Work::new(conn, context, caller), request, id),
        (Verb::Patch, [id]) => write::patch(&mut write::Work::new(conn, context, caller), request, id),
        (Verb::Delete, [id]) => write::delete(&mut write::Work::new(conn, context, caller), request, id),
        _ => Err(ScimError::not_found()),
    }
}

fn get(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    request: &Request,
    id: &str,
) -> Result<Answer, ScimError> {
    let projection = Projection::from_query(&request.query)?;
    let group = queries::find(conn, &caller.connection.id, id)?.ok_or_else(ScimError::not_found)?;
    let etag = group.etag();
    if request.has_version(&etag) {
        return Ok(Answer {
            etag: Some(etag),
            ..Answer::new(304, None)
        });
    }
    one(conn, context, &group, &projection, 200)
}

/// The answer that shows one group.
fn one(
    conn: &mut Conn,
    context: &Context,
    group: &Group,
    projection: &Projection,
    status: u16,
) -> Result<Answer, ScimError> {
    let shown = shown(conn, context, std::slice::from_ref(group), projection)?;
    Ok(Answer {
        location: Some(context.location("Groups", &group.id)),
        etag: Some(group.etag()),
        ..Answer::new(status, shown.into_iter().next())
    })
}

fn list(conn: &mut Conn, context: &Context, caller: &Caller, query: &ListQuery) -> Result<Answer, ScimError> {
    let (total, resources) = found(conn, context, caller, query)?;
    let body = list::response(total, query.start_index, &resources);
    Ok(Answer::new(200, Some(body)))
}

/// The groups of a list or a search, and how many there are in all.
///
/// # Errors
/// 400 for what is not offered.
pub fn found(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    query: &ListQuery,
) -> Result<(i64, Vec<Value>), ScimError> {
    let condition = Condition::new(&caller.connection.id, query.filter.as_ref())?;
    let order = filter::order(query.sort_by.as_ref(), query.descending)?;
    let total = match &query.filter {
        None => queries::total(conn, &caller.connection.id)?,
        Some(_) => queries::count_fitting(conn, &condition)?,
    };
    if query.count == 0 || query.start_index > total {
        return Ok((total, Vec::new()));
    }
    let groups = queries::page(conn, &condition, order, (query.start_index - 1, query.count))?;
    Ok((total, shown(conn, context, &groups, &query.projection)?))
}

/// The groups as resources, with their people where those are wanted.
fn shown(
    conn: &mut Conn,
    context: &Context,
    groups: &[Group],
    projection: &Projection,
) -> Result<Vec<Value>, ScimError> {
    let mut members = if projection.wants(Kind::Group, "members") {
        members(conn, context, groups)?
    } else {
        HashMap::new()
    };
    let resource = |group: &Group| {
        let mut fields = group.resource(context);
        if let Some(members) = members.remove(&group.id) {
            fields.insert("members".to_owned(), Value::Array(members));
        }
        Value::Object(projection.project(Kind::Group, fields))
    };
    Ok(groups.iter().map(resource).collect())
}

fn members(
    conn: &mut Conn,
    context: &Context,
    groups: &[Group],
) -> Result<HashMap<String, Vec<Value>>, ScimError> {
    let ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    let mut members: HashMap<String, Vec<Value>> = HashMap::new();
    for (group, user, _) in queries::members_of(conn, &ids)? {
        members.entry(group).or_default().push(member(context, &user));
    }
    Ok(members)
}

/// A person as a group shows them: as the directory wrote them, so without a name.
fn member(context: &Context, user: &str) -> Value {
    json!({ "value": user, "$ref": context.location("Users", user), "type": "User" })
}
