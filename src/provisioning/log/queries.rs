//! SQL of the log of SCIM requests.

use diesel::prelude::*;

use super::Kept;
use crate::store::schema::scim_requests;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

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

/// Takes away the requests from before then; answers how many that were.
///
/// # Errors
/// When the database refuses.
pub fn sweep(conn: &mut Conn, before: Timestamp) -> Result<usize> {
    diesel::delete(scim_requests::table.filter(scim_requests::at.lt(before))).execute(conn)
}
