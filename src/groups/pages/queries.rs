//! SQL of what the page of groups shows: groups that were seen, and who brought them.

use diesel::prelude::*;

use crate::connections::Connection;
use crate::store::schema::{
    accounts, members, scim_group_members, scim_groups, seen_groups, sign_ins, team_members,
};
use crate::store::{Conn, Result, text};
use crate::teams::Source;

/// A group of the directory.
pub struct Known {
    pub id: String,
    pub name: String,
    pub people: i64,
}

/// Groups of the directory whose names contain `text`, by name; at most `limit`.
pub fn directory_groups(conn: &mut Conn, connection: &str, part: &str, limit: i64) -> Result<Vec<Known>> {
    let rows: Vec<(String, String)> = scim_groups::table
        .filter(scim_groups::connection_id.eq(connection))
        .filter(
            scim_groups::display_key
                .like(text::part(&part.to_lowercase()))
                .escape('\\'),
        )
        .order((scim_groups::display_key, scim_groups::id))
        .limit(limit)
        .select((scim_groups::id, scim_groups::display_name))
        .load(conn)?;
    with_people(conn, rows)
}

/// Those of these groups that the directory has.
pub fn directory_groups_by_id(conn: &mut Conn, connection: &str, ids: &[&String]) -> Result<Vec<Known>> {
    let rows: Vec<(String, String)> = scim_groups::table
        .filter(scim_groups::connection_id.eq(connection))
        .filter(scim_groups::id.eq_any(ids))
        .select((scim_groups::id, scim_groups::display_name))
        .load(conn)?;
    with_people(conn, rows)
}

fn with_people(conn: &mut Conn, rows: Vec<(String, String)>) -> Result<Vec<Known>> {
    let ids: Vec<&String> = rows.iter().map(|(id, _)| id).collect();
    let counts: Vec<(String, i64)> = scim_group_members::table
        .filter(scim_group_members::group_id.eq_any(ids))
        .group_by(scim_group_members::group_id)
        .select((
            scim_group_members::group_id,
            diesel::dsl::count(scim_group_members::user_id),
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, name)| Known {
            people: counts
                .iter()
                .find(|(group, _)| *group == id)
                .map_or(0, |(_, count)| *count),
            id,
            name,
        })
        .collect())
}

/// Names of groups that sign-ins brought and that contain `part`, by name; at most `limit`.
pub fn seen(conn: &mut Conn, connection: &str, part: &str, limit: i64) -> Result<Vec<String>> {
    seen_groups::table
        .filter(seen_groups::connection_id.eq(connection))
        .filter(seen_groups::name.like(text::part(part)).escape('\\'))
        .order(seen_groups::name)
        .limit(limit)
        .select(seen_groups::name)
        .load(conn)
}

/// The account and the groups of the latest admitted sign-ins by the connection that brought groups, newest
/// first.
pub fn latest_groups(conn: &mut Conn, connection: &Connection, limit: i64) -> Result<Vec<(String, String)>> {
    sign_ins::table
        .filter(sign_ins::organization_id.eq(&connection.organization))
        .filter(sign_ins::connection_id.eq(&connection.id))
        .filter(sign_ins::outcome.eq("admitted"))
        .filter(sign_ins::account_id.is_not_null())
        .order(sign_ins::id.desc())
        .limit(limit)
        .select((sign_ins::account_id.assume_not_null(), sign_ins::groups_json))
        .load(conn)
}

/// One of the organization's members as a forecast needs them.
#[derive(Queryable)]
pub struct MemberRow {
    pub id: String,
    pub account: String,
    pub role: String,
    pub role_given_by: String,
    pub name: String,
    pub email: String,
}

/// The members of these accounts, by name; nobody who was removed.
pub fn members_of(conn: &mut Conn, organization: &str, account_ids: &[&String]) -> Result<Vec<MemberRow>> {
    members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::account_id.eq_any(account_ids))
        .filter(members::state.ne("removed"))
        .order((accounts::name_key, members::id))
        .select((
            members::id,
            members::account_id,
            members::role,
            members::role_given_by,
            accounts::full_name,
            accounts::email,
        ))
        .load(conn)
}

/// Member and team of everything that the connection's groups gave.
pub fn given(conn: &mut Conn, connection: &str) -> Result<Vec<(String, String)>> {
    team_members::table
        .filter(team_members::connection_id.eq(connection))
        .filter(team_members::source.eq_any(Source::MAPPED.map(Source::as_str)))
        .select((team_members::member_id, team_members::team_id))
        .distinct()
        .load(conn)
}
