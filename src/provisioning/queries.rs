//! SQL of the directory at a glance.

use diesel::prelude::*;

use crate::store::schema::{members, scim_counts, scim_users};
use crate::store::{Conn, Result};

/// How many people and groups the connection's directory has here.
pub fn counts(conn: &mut Conn, connection: &str) -> Result<(i64, i64)> {
    let counts = scim_counts::table
        .find(connection)
        .select((scim_counts::users, scim_counts::groups))
        .first(conn)
        .optional()?;
    Ok(counts.unwrap_or_default())
}

/// How many of the organization's active members no directory made or adopted.
pub fn unmanaged(conn: &mut Conn, organization: &str) -> Result<i64> {
    let managed = scim_users::table.filter(scim_users::member_id.eq(members::id.nullable()));
    members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .filter(diesel::dsl::not(diesel::dsl::exists(managed)))
        .count()
        .get_result(conn)
}
