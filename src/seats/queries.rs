//! SQL of seats.

use diesel::prelude::*;

use super::Seats;
use crate::store::schema::{invitations, members, organizations};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// Whether there is room for `more` people. Nobody is counted where there is no limit.
///
/// # Errors
/// When the database refuses, or there is no such organization.
pub fn has_room(conn: &mut Conn, organization: &str, now: Timestamp, more: i64) -> Result<bool> {
    let limit: Option<i64> = organizations::table
        .find(organization)
        .select(organizations::seats)
        .first(conn)?;
    if limit.is_none() {
        return Ok(true);
    }
    Ok(count(conn, organization, now)?.has_room(more))
}

/// The organization's seats as they stand now.
///
/// # Errors
/// When the database refuses, or there is no such organization.
pub fn count(conn: &mut Conn, organization: &str, now: Timestamp) -> Result<Seats> {
    let limit = organizations::table
        .find(organization)
        .select(organizations::seats)
        .first(conn)?;
    let active = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .count()
        .get_result(conn)?;
    let invited = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(now))
        .count()
        .get_result(conn)?;
    Ok(Seats {
        limit,
        members: active,
        invited,
    })
}
