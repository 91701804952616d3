//! SQL of the log of SCIM requests.

use diesel::prelude::*;

use super::{Entry, Kept, Wanted};
use crate::store::old::Old;
use crate::store::schema::{scim_requests, scim_users};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, Run as _, Sql, containing};
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

/// How many entries one statement writes.
const AT_ONCE: usize = 20;

/// Writes entries with their organizations and connections.
pub fn insert(conn: &mut Conn, all: &[(&Entry, Kept)]) -> Result<()> {
    let mut full = all.chunks_exact(AT_ONCE);
    for some in full.by_ref() {
        insert_some(conn, some)?;
    }
    full.remainder()
        .chunks(1)
        .try_for_each(|one| insert_some(conn, one))
}

/// The texts of this are two: for one, and for [`AT_ONCE`].
fn insert_some(conn: &mut Conn, some: &[(&Entry, Kept)]) -> Result<()> {
    let values = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; some.len()].join(", ");
    let statement = Sql::new(format!(
        "INSERT INTO scim_requests (id, organization_id, connection_id, token_name, at, method, path, status, \
         duration_us, person_key, decision, body, answer) VALUES {values}"
    ));
    let with = |statement: Sql, (entry, kept): &(&Entry, Kept)| {
        statement
            .text(&kept.id)
            .text(&entry.organization)
            .text(&entry.connection)
            .text(&kept.token_name)
            .number(kept.at)
            .text(&kept.method)
            .text(&kept.path)
            .number(kept.status)
            .number(kept.duration_us)
            .text(&kept.person)
            .text(&kept.decision)
            .text(&kept.body)
            .text(&kept.answer)
    };
    some.iter().fold(statement, with).run(conn).map(drop)
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

/// Takes away some of the requests from before then; answers how many that were.
///
/// # Errors
/// When the database refuses.
pub fn sweep(conn: &mut Conn, before: Timestamp) -> Result<usize> {
    Old::of("scim_requests", "id", "at").take_away(conn, before)
}
