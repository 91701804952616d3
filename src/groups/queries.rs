//! SQL of the group tables.

use diesel::prelude::*;

use crate::access::MappedGroup;
use crate::store::schema::{group_mappings, teams};
use crate::store::{Conn, Result, id};

/// The connection's table, by group.
///
/// # Errors
/// When the database refuses.
pub fn mapping(conn: &mut Conn, connection: &str) -> Result<Vec<MappedGroup>> {
    let rows: Vec<(String, String)> = group_mappings::table
        .filter(group_mappings::connection_id.eq(connection))
        .order((group_mappings::group_name, group_mappings::team_id))
        .select((group_mappings::group_name, group_mappings::team_id))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(group, team)| MappedGroup { group, team })
        .collect())
}

/// Those of these teams that the organization has.
pub fn teams_of(conn: &mut Conn, organization: &str, wanted: &[&str]) -> Result<Vec<String>> {
    teams::table
        .filter(teams::organization_id.eq(organization))
        .filter(teams::id.eq_any(wanted))
        .select(teams::id)
        .load(conn)
}

pub fn clear(conn: &mut Conn, connection: &str) -> Result<usize> {
    diesel::delete(group_mappings::table.filter(group_mappings::connection_id.eq(connection))).execute(conn)
}

pub fn insert(conn: &mut Conn, connection: &str, line: &MappedGroup) -> Result<()> {
    diesel::insert_into(group_mappings::table)
        .values((
            group_mappings::id.eq(id::new_id()),
            group_mappings::connection_id.eq(connection),
            group_mappings::group_name.eq(&line.group),
            group_mappings::team_id.eq(&line.team),
        ))
        .execute(conn)
        .map(drop)
}
