//! `/Users` of a connection's SCIM server: the people whom the directory knows.

mod belongs;
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

use serde_json::Value;

use self::belongs::{All, Belongs};
use self::effects::Work;
use self::filter::{BY_ID, Condition, order};
use self::model::{Kept, Person};
use self::shown::Shown;
use super::request::{Answer, Context, Request, Verb};
use super::tokens::Caller;
use crate::scim::filter::{Filter, matches};
use crate::scim::list::{self, ListQuery};
use crate::scim::schema::Kind;
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
    let belongs = belongs::of_one(conn, context, &kept)?;
    let etag = kept.etag(&belongs);
    if request.has_version(&etag) {
        return Ok(Answer {
            etag: Some(etag),
            ..Answer::new(304, None)
        });
    }
    Ok(with(context, kept, &belongs, &projection, 200))
}

/// The answer that shows one person.
fn one(
    conn: &mut Conn,
    context: &Context,
    kept: Kept,
    projection: &Projection,
    status: u16,
) -> Result<Answer, ScimError> {
    let belongs = belongs::of_one(conn, context, &kept)?;
    Ok(with(context, kept, &belongs, projection, status))
}

/// The answer that shows one person with what they belong to.
fn with(context: &Context, kept: Kept, belongs: &Belongs, projection: &Projection, status: u16) -> Answer {
    let (location, etag) = (context.location("Users", &kept.id), kept.etag(belongs));
    let written = match projection {
        // Written as it is kept.
        Projection::All => Shown::new(context, &kept, belongs).and_then(|shown| shown::one(&shown)),
        _ => None,
    };
    let answer = match written {
        Some(text) => Answer::written(status, text),
        None => Answer::new(status, Some(resource(context, kept, belongs, projection))),
    };
    Answer {
        location: Some(location),
        etag: Some(etag),
        ..answer
    }
}

/// The answer that lists people.
fn list(conn: &mut Conn, context: &Context, caller: &Caller, query: &ListQuery) -> Result<Answer, ScimError> {
    let (total, people) = fitting(conn, context, caller, query)?;
    let all = belongs::of(conn, context, &people, &query.projection)?;
    if query.projection == Projection::All {
        let shown: Option<Vec<Shown<'_>>> = people
            .iter()
            .map(|kept| Shown::new(context, kept, all.one(kept)))
            .collect();
        if let Some(text) = shown.and_then(|shown| shown::list(total, query.start_index, &shown)) {
            return Ok(Answer::written(200, text));
        }
    }
    let resources = resources(context, people, &all, &query.projection);
    let body = list::response(total, query.start_index, &resources);
    Ok(Answer::new(200, Some(body)))
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
    let all = belongs::of(conn, context, &people, &query.projection)?;
    Ok((total, resources(context, people, &all, &query.projection)))
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
    let all = belongs::of(conn, context, &people, &Projection::All)?;
    let resources = resources(context, people.clone(), &all, &Projection::All);
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

fn resources(context: &Context, people: Vec<Kept>, all: &All, projection: &Projection) -> Vec<Value> {
    people
        .into_iter()
        .map(|kept| {
            let belongs = all.one(&kept);
            resource(context, kept, belongs, projection)
        })
        .collect()
}

/// A person as a resource, with groups and teams where they are wanted.
fn resource(context: &Context, kept: Kept, belongs: &Belongs, projection: &Projection) -> Value {
    let person = Person::from(kept);
    let mut fields = person.resource(context, belongs);
    let role = person.member.map(|member| member.role);
    belongs.show(role, &mut fields, projection);
    Value::Object(projection.project(Kind::User, fields))
}
