//! SQL of the guard.

use diesel::prelude::*;

use super::Guard;
use crate::store::old::Old;
use crate::store::schema::{members, scim_deactivations, scim_guards};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, Run as _};

#[derive(Queryable, Selectable)]
#[diesel(table_name = scim_guards)]
struct Row {
    share: i64,
    least: i64,
    members: i64,
    counted_at: Option<i64>,
    paused_at: Option<i64>,
    resumed_at: Option<i64>,
}

/// The connection's guard; none where it stands as it stood at first.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, connection: &str) -> Result<Option<Guard>> {
    let row: Option<Row> = scim_guards::table
        .find(connection)
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(|row| Guard {
        share: row.share,
        least: row.least,
        members: row.members,
        counted_at: row.counted_at,
        paused_at: row.paused_at,
        resumed_at: row.resumed_at,
    }))
}

/// Whoever writes holds the organization, so that no two insert the same row.
pub fn save(conn: &mut Conn, connection: &str, guard: &Guard) -> Result<()> {
    let values = (
        scim_guards::share.eq(guard.share),
        scim_guards::least.eq(guard.least),
        scim_guards::members.eq(guard.members),
        scim_guards::counted_at.eq(guard.counted_at),
        scim_guards::paused_at.eq(guard.paused_at),
        scim_guards::resumed_at.eq(guard.resumed_at),
    );
    let there = diesel::update(scim_guards::table.find(connection))
        .set(values)
        .run(conn)?;
    if there == 0 {
        diesel::insert_into(scim_guards::table)
            .values((scim_guards::connection_id.eq(connection), values))
            .run(conn)?;
    }
    Ok(())
}

/// How many were deactivated since then. There is one row for each minute of the hour.
pub fn within(conn: &mut Conn, connection: &str, since: Timestamp) -> Result<i64> {
    let minutes: Vec<i64> = scim_deactivations::table
        .filter(scim_deactivations::connection_id.eq(connection))
        .filter(scim_deactivations::minute.gt(since))
        .select(scim_deactivations::people)
        .load(conn)?;
    Ok(minutes.iter().sum())
}

pub fn add(conn: &mut Conn, connection: &str, minute: Timestamp) -> Result<()> {
    let there = diesel::update(scim_deactivations::table.find((connection, minute)))
        .set(scim_deactivations::people.eq(scim_deactivations::people + 1))
        .run(conn)?;
    if there == 0 {
        diesel::insert_into(scim_deactivations::table)
            .values((
                scim_deactivations::connection_id.eq(connection),
                scim_deactivations::minute.eq(minute),
                scim_deactivations::people.eq(1),
            ))
            .run(conn)?;
    }
    Ok(())
}

/// Forgets what the connection deactivated so far.
pub fn forget(conn: &mut Conn, connection: &str) -> Result<()> {
    diesel::delete(scim_deactivations::table.filter(scim_deactivations::connection_id.eq(connection)))
        .run(conn)
        .map(drop)
}

/// Takes away some of the counts from before then; answers how many rows that were.
///
/// # Errors
/// When the database refuses.
pub fn sweep(conn: &mut Conn, before: Timestamp) -> Result<usize> {
    let counts = Old::of("scim_deactivations", "connection_id, minute", "minute");
    counts.take_away(conn, before)
}

/// How many people may sign in to the organization.
///
/// # Errors
/// When the database refuses.
pub fn active_members(conn: &mut Conn, organization: &str) -> Result<i64> {
    members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .count()
        .get_result(conn)
}
