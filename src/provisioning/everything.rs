//! `/.search` at the root: people first, then groups (RFC 7644 §3.4.3).

use serde_json::Value;

use super::request::{Answer, Context, Request};
use super::tokens::Caller;
use super::{groups, users};
use crate::scim::list::{self, ListQuery};
use crate::scim::{ScimError, ScimType};
use crate::store::Conn;

/// Searches everything.
///
/// # Errors
/// As a search among people or groups, where neither can be searched so.
pub fn search(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    request: &Request,
) -> Result<Answer, ScimError> {
    let query = ListQuery::from_search(&Value::Object(request.object()?.clone()))?;
    let people = offered(users::found(conn, context, caller, &query))?;
    let shown = people.as_ref().map_or(0, |(_, shown)| shown.len());
    let before = people.as_ref().map_or(0, |(total, _)| *total);
    let rest = ListQuery {
        start_index: (query.start_index - before).max(1),
        count: query.count - i64::try_from(shown).unwrap_or(query.count),
        ..query.clone()
    };
    let found = offered(groups::found(conn, context, caller, &rest))?;
    if people.is_none() && found.is_none() {
        return Err(ScimError::bad(
            ScimType::InvalidFilter,
            "Neither people nor groups are searched or sorted so.",
        ));
    }
    let (total, mut resources) = people.unwrap_or_default();
    let (more, further) = found.unwrap_or_default();
    resources.extend(further);
    let body = list::response(total + more, query.start_index, &resources);
    Ok(Answer::new(200, Some(body)))
}

/// A filter or an order that one kind does not know finds nothing of that kind.
fn offered(found: Result<(i64, Vec<Value>), ScimError>) -> Result<Option<(i64, Vec<Value>)>, ScimError> {
    match found {
        Err(error) if matches!(error.kind, Some(ScimType::InvalidFilter | ScimType::InvalidPath)) => Ok(None),
        found => found.map(Some),
    }
}
