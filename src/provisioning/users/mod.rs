//! `/Users` of a connection's SCIM server: the people whom the directory knows.

mod effects;
mod filter;
mod model;
mod places;
mod queries;
mod shown;
mod write;

/// Conditions in SQL, for other resources too.
pub(super) mod sql {
    pub use super::filter::{Bound, Part, column, moment, numbered};
}

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use self::effects::Work;
use self::filter::{BY_ID, Condition, order};
use self::model::{Kept, Person};
use self::shown::Shown;
use super::request::{Answer, Context, Request, Verb};
use super::tokens::Caller;
use crate::access::Role;
use crate::scim::filter::{Filter, matches};
use crate::scim::list::{self, ListQuery};
use crate::scim::path::AttributePath;
use crate::scim::schema::{Kind, OWN_URN};
use crate::scim::{Projection, ScimError, ScimType};
use crate::store::Conn;

/// How many people are looked at in memory for what no column tells.
const MOST_LOOKED_AT: usize = 1_000;

/// Answers a request to `/Users` or below it. One that writes wants a transaction that holds the organization.
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
        (Verb::Post, []) => write::create(&mut Work::new(conn, context, caller), request),
        (Verb::Post, [".search"]) => {
            let body = Value::Object(request.object()?.clone());
            list(conn, context, caller, &ListQuery::from_search(&body)?)
        }
        (Verb::Get, [id]) => get(conn, context, caller, request, id),
        (Verb::Put, [id]) => write::replace(&mut Work::new(conn, context, caller), request, id),
        (Verb::Patch, [id]) => write::patch(&mut Work::new(conn, context, caller), request, id),
        (Verb::Delete, [id]) => write::delete(&mut Work::new(conn, context, caller), request, id),
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
    let kept = queries::find(conn, &caller.connection.id, id)?.ok_or_else(ScimError::not_found)?;
    let etag = kept.etag();
    if request.has_version(&etag) {
        return Ok(Answer {
            etag: Some(etag),
            ..Answer::new(304, None)
        });
    }
    one(conn, context, kept, &projection, 200)
}

/// The answer that shows one person.
fn one(
    conn: &mut Conn,
    context: &Context,
    kept: Kept,
    projection: &Projection,
    status: u16,
) -> Result<Answer, ScimError> {
    let (location, etag) = (context.location("Users", &kept.id), kept.etag());
    let people = [kept];
    let written = match whole(conn, context, &people, projection)?.as_deref() {
        Some([shown]) => shown::one(shown),
        _ => None,
    };
    let answer = match written {
        Some(text) => Answer::written(status, text),
        None => Answer::new(
            status,
            shown(conn, context, people.to_vec(), projection)?
                .into_iter()
                .next(),
        ),
    };
    Ok(Answer {
        location: Some(location),
        etag: Some(etag),
        ..answer
    })
}

/// The answer that lists people.
fn list(conn: &mut Conn, context: &Context, caller: &Caller, query: &ListQuery) -> Result<Answer, ScimError> {
    let (total, people) = fitting(conn, context, caller, query)?;
    let written = whole(conn, context, &people, &query.projection)?
        .and_then(|all| shown::list(total, query.start_index, &all));
    if let Some(text) = written {
        return Ok(Answer::written(200, text));
    }
    let resources = shown(conn, context, people, &query.projection)?;
    let body = list::response(total, query.start_index, &resources);
    Ok(Answer::new(200, Some(body)))
}

/// The people to be written as they are kept, where everything of them is wanted.
fn whole<'a>(
    conn: &mut Conn,
    context: &'a Context,
    people: &'a [Kept],
    projection: &Projection,
) -> Result<Option<Vec<Shown<'a>>>, ScimError> {
    if *projection != Projection::All {
        return Ok(None);
    }
    let (mut groups, mut teams) = (groups(conn, context, people)?, teams(conn, people)?);
    let shown = |kept: &'a Kept| {
        let teams = kept.member.as_ref().and_then(|member| teams.remove(&member.id));
        Shown::new(context, kept, groups.remove(&kept.id), teams)
    };
    Ok(people.iter().map(shown).collect())
}

/// The people of a list or of a search, and how many there are in all.
///
/// # Errors
/// 400 for what is not offered.
pub fn found(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    query: &ListQuery,
) -> Result<(i64, Vec<Value>), ScimError> {
    let (total, people) = fitting(conn, context, caller, query)?;
    Ok((total, shown(conn, context, people, &query.projection)?))
}

fn fitting(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    query: &ListQuery,
) -> Result<(i64, Vec<Kept>), ScimError> {
    let order = order(query.sort_by.as_ref(), query.descending)?;
    let by_name = query.filter.is_none() && order.contains("user_name_key");
    let condition = Condition::new(caller, query.filter.as_ref(), by_name)?;
    match &query.filter {
        Some(filter) if !condition.exact => looked_through(conn, context, &condition, order, query, filter),
        Some(_) => paged(conn, &condition, order, query),
        None => everybody(conn, caller, condition, order, query),
    }
}

/// A page of everybody, and how many there are. In the order of their ids, only those of one block are passed over.
fn everybody(
    conn: &mut Conn,
    caller: &Caller,
    condition: Condition,
    order: &str,
    query: &ListQuery,
) -> Result<(i64, Vec<Kept>), ScimError> {
    let offset = query.start_index - 1;
    let place = places::find(conn, &caller.connection.id, offset)?;
    if query.count == 0 || offset >= place.total {
        return Ok((place.total, Vec::new()));
    }
    let people = if order == BY_ID {
        let rest = condition.beginning_at(&place.from);
        queries::page(conn, &rest, order, (place.passed, query.count))?
    } else {
        queries::page(conn, &condition, order, (offset, query.count))?
    };
    Ok((place.total, people))
}

/// A page of those who fit, and how many there are.
fn paged(
    conn: &mut Conn,
    condition: &Condition,
    order: &str,
    query: &ListQuery,
) -> Result<(i64, Vec<Kept>), ScimError> {
    let offset = query.start_index - 1;
    let people = if query.count > 0 {
        queries::page(conn, condition, order, (offset, query.count))?
    } else {
        Vec::new()
    };
    let shown = i64::try_from(people.len()).unwrap_or(i64::MAX);
    // A page that is not full is the last one: what stands before it is all there is.
    let is_last = shown < query.count && (shown > 0 || offset == 0);
    let total = if is_last {
        offset + shown
    } else {
        queries::count_fitting(conn, condition)?
    };
    Ok((total, people))
}

/// Looks in memory at those whom the columns let through.
fn looked_through(
    conn: &mut Conn,
    context: &Context,
    condition: &Condition,
    order: &str,
    query: &ListQuery,
    filter: &Filter,
) -> Result<(i64, Vec<Kept>), ScimError> {
    let most = i64::try_from(MOST_LOOKED_AT).unwrap_or(i64::MAX);
    let people = queries::page(conn, condition, order, (0, most + 1))?;
    if people.len() > MOST_LOOKED_AT {
        return Err(ScimError::bad(
            ScimType::TooMany,
            "Too many people are to be looked at for this filter. Add userName, externalId or an e-mail address.",
        ));
    }
    let resources = shown(conn, context, people.clone(), &Projection::All)?;
    let fitting: Vec<Kept> = people
        .into_iter()
        .zip(resources)
        .filter(|(_, resource)| matches(filter, resource))
        .map(|(person, _)| person)
        .collect();
    let total = i64::try_from(fitting.len()).unwrap_or(i64::MAX);
    let skipped = usize::try_from(query.start_index - 1).unwrap_or(usize::MAX);
    let count = usize::try_from(query.count).unwrap_or_default();
    Ok((total, fitting.into_iter().skip(skipped).take(count).collect()))
}

/// The people as resources, with groups and teams where they are wanted.
fn shown(
    conn: &mut Conn,
    context: &Context,
    people: Vec<Kept>,
    projection: &Projection,
) -> Result<Vec<Value>, ScimError> {
    let mut groups = if projection.wants(Kind::User, "groups") {
        groups(conn, context, &people)?
    } else {
        HashMap::new()
    };
    let mut teams = if wants_teams(projection) {
        teams(conn, &people)?
    } else {
        HashMap::new()
    };
    let resource = |person: Person| {
        let mut fields = person.resource(context);
        if let Some(groups) = groups.remove(&person.id) {
            fields.insert("groups".to_owned(), Value::Array(groups));
        }
        let member = person.member.as_ref().filter(|member| member.role < Role::Owner);
        if let Some(teams) = member.and_then(|member| teams.remove(&member.id)) {
            show_teams(&mut fields, &teams);
        }
        Value::Object(projection.project(Kind::User, fields))
    };
    Ok(people.into_iter().map(Person::from).map(resource).collect())
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

fn groups(
    conn: &mut Conn,
    context: &Context,
    people: &[Kept],
) -> Result<HashMap<String, Vec<Value>>, ScimError> {
    let in_some = people.iter().filter(|kept| kept.has_groups);
    let ids: Vec<String> = in_some.map(|kept| kept.id.clone()).collect();
    let mut groups: HashMap<String, Vec<Value>> = HashMap::new();
    if ids.is_empty() {
        return Ok(groups);
    }
    for (person, group, name) in queries::groups_of(conn, &ids)? {
        let shown = json!({
            "value": group, "$ref": context.location("Groups", &group), "display": name, "type": "direct",
        });
        groups.entry(person).or_default().push(shown);
    }
    Ok(groups)
}

fn teams(conn: &mut Conn, people: &[Kept]) -> Result<HashMap<String, Vec<String>>, ScimError> {
    let in_some = people.iter().filter(|kept| kept.has_teams);
    let members: Vec<String> = in_some
        .filter_map(|kept| Some(kept.member.as_ref()?.id.clone()))
        .collect();
    let mut teams: HashMap<String, Vec<String>> = HashMap::new();
    if members.is_empty() {
        return Ok(teams);
    }
    for (member, name) in queries::teams_of(conn, &members)? {
        let names = teams.entry(member).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(teams)
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
