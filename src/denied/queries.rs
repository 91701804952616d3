//! SQL of denials.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::model::{Denial, State};
use crate::store::schema::{denials, invitations};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// A row as it is stored: the columns of `denials`, in the table's order.
#[derive(Queryable)]
struct Row {
    id: String,
    organization: String,
    person_key: String,
    email: String,
    email_key: String,
    domain: String,
    name: String,
    search_key: String,
    connection: Option<String>,
    reason: String,
    detail: String,
    state: String,
    note: String,
    attempts: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    last_sign_in: String,
    reference: String,
    invitation: Option<String>,
    settled_by: String,
    state_at: Timestamp,
    state_by: String,
    version: i64,
}

impl From<Row> for Denial {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            organization: row.organization,
            person_key: row.person_key,
            email: row.email,
            email_key: row.email_key,
            domain: row.domain,
            name: row.name,
            search_key: row.search_key,
            connection: row.connection,
            reason: row.reason,
            detail: row.detail,
            // The table checks the word.
            state: State::parse(&row.state).unwrap_or(State::Open),
            note: row.note,
            attempts: row.attempts,
            first_at: row.first_at,
            last_at: row.last_at,
            last_sign_in: row.last_sign_in,
            reference: row.reference,
            invitation: row.invitation,
            settled_by: row.settled_by,
            state_at: row.state_at,
            state_by: row.state_by,
            version: row.version,
        }
    }
}

/// The denial of this id in this organization.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Denial>> {
    let row: Option<Row> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::id.eq(id))
        .select(denials::all_columns)
        .first(conn)
        .optional()?;
    Ok(row.map(Denial::from))
}

pub fn find_by_person(conn: &mut Conn, organization: &str, person_key: &str) -> Result<Option<Denial>> {
    let row: Option<Row> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::person_key.eq(person_key))
        .select(denials::all_columns)
        .first(conn)
        .optional()?;
    Ok(row.map(Denial::from))
}

pub fn insert(conn: &mut Conn, denial: &Denial) -> Result<()> {
    diesel::insert_into(denials::table)
        .values((
            denials::id.eq(&denial.id),
            denials::organization_id.eq(&denial.organization),
            denials::person_key.eq(&denial.person_key),
            denials::email.eq(&denial.email),
            denials::email_key.eq(&denial.email_key),
            denials::domain.eq(&denial.domain),
            denials::name.eq(&denial.name),
            denials::search_key.eq(&denial.search_key),
            denials::connection_id.eq(&denial.connection),
            denials::reason.eq(&denial.reason),
            denials::detail.eq(&denial.detail),
            denials::state.eq(denial.state.as_str()),
            denials::attempts.eq(denial.attempts),
            denials::first_at.eq(denial.first_at),
            denials::last_at.eq(denial.last_at),
            denials::last_sign_in_id.eq(&denial.last_sign_in),
            denials::reference.eq(&denial.reference),
            denials::state_at.eq(denial.state_at),
        ))
        .execute(conn)
        .map(drop)
}

pub fn update(conn: &mut Conn, denial: &Denial) -> Result<()> {
    diesel::update(denials::table.find(&denial.id))
        .set((
            denials::email.eq(&denial.email),
            denials::email_key.eq(&denial.email_key),
            denials::domain.eq(&denial.domain),
            denials::name.eq(&denial.name),
            denials::search_key.eq(&denial.search_key),
            denials::connection_id.eq(&denial.connection),
            denials::reason.eq(&denial.reason),
            denials::detail.eq(&denial.detail),
            denials::state.eq(denial.state.as_str()),
            denials::note.eq(&denial.note),
            denials::attempts.eq(denial.attempts),
            denials::last_at.eq(denial.last_at),
            denials::last_sign_in_id.eq(&denial.last_sign_in),
            denials::reference.eq(&denial.reference),
            denials::invitation_id.eq(&denial.invitation),
            denials::settled_by.eq(&denial.settled_by),
            denials::state_at.eq(denial.state_at),
            denials::state_by.eq(&denial.state_by),
            denials::version.eq(denial.version),
        ))
        .execute(conn)
        .map(drop)
}

pub fn settle(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    person_key: &str,
    sign_in: &str,
) -> Result<usize> {
    let waiting = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::person_key.eq(person_key))
        .filter(denials::state.eq_any(["open", "invited"]));
    diesel::update(waiting)
        .set((
            denials::state.eq(State::Settled.as_str()),
            denials::settled_by.eq(sign_in),
            denials::state_at.eq(now),
            denials::state_by.eq(""),
            denials::version.eq(denials::version + 1),
        ))
        .execute(conn)
}

/// One more denied attempt on this day. One statement, so that two at once both count.
pub fn count_day(conn: &mut Conn, organization: &str, day: i64) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO denied_days (organization_id, day, attempts) VALUES ($1, $2, 1) \
         ON CONFLICT (organization_id, day) DO UPDATE SET attempts = denied_days.attempts + 1",
    )
    .bind::<Text, _>(organization)
    .bind::<BigInt, _>(day)
    .execute(conn)
    .map(drop)
}

/// The folded address that an invitation of this organization is for.
pub fn address_of_invitation(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<String>> {
    invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::id.eq(id))
        .select(invitations::email_key)
        .first(conn)
        .optional()
}
