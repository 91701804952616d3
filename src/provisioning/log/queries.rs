//! SQL of the log of SCIM requests.

use diesel::prelude::*;

use super::{Kept, Wanted};
use crate::store::schema::{scim_requests, scim_users};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, containing};
use crate::web::Paging;

#[derive(Queryable, Selectable)]
#[diesel(table_name = scim_requests)]
struct Row {
    id: String,
    token_name: String,
    at: i64,
    method: String,
    path: String,
    status: i64,
    duration_us: i64,
    person_key: String,
    decision: String,
    body: String,
    answer: String,
}

impl From<Row> for Kept {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            token_name: row.token_name,
            at: row.at,
            method: row.method,
            path: row.path,
            status: row.status,
            duration_us: row.duration_us,
            person: row.person_key,
            decision: row.decision,
            body: row.body,
            answer: row.answer,
        }
    }
}

pub fn insert(conn: &mut Conn, organization: &str, connection: &str, entry: &Kept) -> Result<()> {
    diesel::insert_into(scim_requests::table)
        .values((
            scim_requests::id.eq(&entry.id),
            scim_requests::organization_id.eq(organization),
            scim_requests::connection_id.eq(connection),
            scim_requests::token_name.eq(&entry.token_name),
            scim_requests::at.eq(entry.at),
            scim_requests::method.eq(&entry.method),
            scim_requests::path.eq(&entry.path),
            scim_requests::status.eq(entry.status),
            scim_requests::duration_us.eq(entry.duration_us),
            scim_requests::person_key.eq(&entry.person),
            scim_requests::decision.eq(&entry.decision),
            scim_requests::body.eq(&entry.body),
            scim_requests::answer.eq(&entry.answer),
        ))
        .execute(conn)
        .map(drop)
}

/// The user name of one of the directory's people.
pub fn user_name(conn: &mut Conn, connection: &str, id: &str) -> Result<Option<String>> {
    scim_users::table
        .find(id)
        .filter(scim_users::connection_id.eq(connection))
        .select(scim_users::user_name_key)
        .first(conn)
        .optional()
}

/// One entry of the connection.
///
/// # Errors
/// When the database refuses.
pub fn one(conn: &mut Conn, connection: &str, id: &str) -> Result<Option<Kept>> {
    let row: Option<Row> = scim_requests::table
        .find(id)
        .filter(scim_requests::connection_id.eq(connection))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Kept::from))
}

/// One page of the connection's requests, newest first, and one more if there are more.
///
/// # Errors
/// When the database refuses.
pub fn page(conn: &mut Conn, connection: &str, wanted: &Wanted, paging: &Paging) -> Result<Vec<Kept>> {
    let mut query = scim_requests::table
        .filter(scim_requests::connection_id.eq(connection))
        .select(Row::as_select())
        .limit(Paging::limit())
        .into_boxed();
    if let Some(person) = &wanted.person {
        let pattern = containing(person);
        let named = scim_requests::person_key.like(pattern.clone()).escape('\\');
        query = query.filter(named.or(scim_requests::path.like(pattern).escape('\\')));
    }
    if let Some(method) = wanted.method {
        query = query.filter(scim_requests::method.eq(method));
    }
    if let Some((from, below)) = wanted.statuses {
        query = query.filter(
            scim_requests::status
                .ge(from)
                .and(scim_requests::status.lt(below)),
        );
    }
    if let Some(key) = paging.key() {
        query = if paging.is_backwards() {
            query.filter(scim_requests::id.gt(key.to_owned()))
        } else {
            query.filter(scim_requests::id.lt(key.to_owned()))
        };
    }
    query = if paging.is_backwards() {
        query.order(scim_requests::id.asc())
    } else {
        query.order(scim_requests::id.desc())
    };
    let rows: Vec<Row> = query.load(conn)?;
    Ok(rows.into_iter().map(Kept::from).collect())
}

/// What was answered with 429 since then, newest first, a hundred at most.
///
/// # Errors
/// When the database refuses.
pub fn refused_by_guard(conn: &mut Conn, connection: &str, since: Timestamp) -> Result<Vec<Kept>> {
    let rows: Vec<Row> = scim_requests::table
        .filter(scim_requests::connection_id.eq(connection))
        .filter(scim_requests::status.eq(429))
        .filter(scim_requests::at.ge(since))
        .order(scim_requests::id.desc())
        .limit(100)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Kept::from).collect())
}

/// Takes away the requests from before then; answers how many that were.
///
/// # Errors
/// When the database refuses.
pub fn sweep(conn: &mut Conn, before: Timestamp) -> Result<usize> {
    diesel::delete(scim_requests::table.filter(scim_requests::at.lt(before))).execute(conn)
}
