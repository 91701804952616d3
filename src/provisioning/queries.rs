//! SQL of the directory at a glance.

use diesel::prelude::*;

use crate::store::schema::{members, scim_blocks, scim_counts, scim_users};
use crate::store::{Conn, Result};

/// How many people and groups the connection's directory has here.
pub fn counts(conn: &mut Conn, connection: &str) -> Result<(i64, i64)> {
    let users: Vec<i64> = scim_blocks::table
        .filter(scim_blocks::connection_id.eq(connection))
        .select(scim_blocks::users)
        .load(conn)?;
    let groups: Option<i64> = scim_counts::table
        .find(connection)
        .select(scim_counts::groups)
        .first(conn)
        .optional()?;
    Ok((users.iter().sum(), groups.unwrap_or_default()))
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
