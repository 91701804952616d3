//! SQL of seats.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::Seats;
use crate::store::schema::organizations;
use crate::store::time::{HOUR, Timestamp};
use crate::store::{self, Conn, DbError, Result, Sql};

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

/// Members and invitations as the database keeps count of them; of those that end within this hour each is looked at.
/// This hour, now, the beginning of the next hour, and the organization.
const COUNT: &str = "
SELECT o.seats AS seats,
  (SELECT CAST(COALESCE(SUM(c.people), 0) AS BIGINT) FROM member_counts c
   WHERE c.organization_id = o.id AND c.facet >= 'active ' AND c.facet < 'active!') AS members,
  (SELECT CAST(COALESCE(SUM(c.invitations), 0) AS BIGINT) FROM invitation_counts c
   WHERE c.organization_id = o.id AND c.state = 'pending' AND c.hour > ?)
  + (SELECT COUNT(*) FROM invitations i WHERE i.organization_id = o.id AND i.state = 'pending'
     AND i.expires_at > ? AND i.expires_at < ?) AS invited
FROM organizations o WHERE o.id = ?";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Nullable<BigInt>)]
    seats: Option<i64>,
    #[diesel(sql_type = BigInt)]
    members: i64,
    #[diesel(sql_type = BigInt)]
    invited: i64,
}

/// The organization's seats as they stand now.
///
/// # Errors
/// When the database refuses, or there is no such organization.
pub fn count(conn: &mut Conn, organization: &str, now: Timestamp) -> Result<Seats> {
    let hour = now.div_euclid(HOUR);
    let asked = Sql::new(COUNT).number(hour).number(now).number((hour + 1) * HOUR);
    let counted: Vec<Counted> = store::rows(conn, asked.text(organization))?;
    let counted = counted.into_iter().next().ok_or(DbError::NotFound)?;
    Ok(Seats {
        limit: counted.seats,
        members: counted.members,
        invited: counted.invited,
    })
}
