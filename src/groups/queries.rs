//! SQL of the tables of groups, of the groups that were seen, and of who is in the directory's groups.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::model::{Line, MOST_NAMES, People};
use crate::access::{MappedGroup, Role};
use crate::connections::Connection;
use crate::store::schema::{
    accounts, group_mappings, members, scim_group_members, scim_groups, scim_users, seen_groups,
    team_members, teams,
};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, id, rows_of_many, text};
use crate::teams::Source;

/// The connection's table, in its order.
///
/// # Errors
/// When the database refuses.
pub fn lines(conn: &mut Conn, connection: &str) -> Result<Vec<Line>> {
    let rows: Vec<(String, String, String, String)> = group_mappings::table
        .filter(group_mappings::connection_id.eq(connection))
        .order((
            group_mappings::position,
            group_mappings::group_name,
            group_mappings::team_id,
        ))
        .select((
            group_mappings::group_name,
            group_mappings::team_id,
            group_mappings::role,
            group_mappings::scim_group_id,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(group, team, role, scim_group)| Line {
            group,
            team,
            role: role_of(&role),
            scim_group,
        })
        .collect())
}

/// The table as the rules of entry read it.
///
/// # Errors
/// When the database refuses.
pub fn mapping(conn: &mut Conn, connection: &str) -> Result<Vec<MappedGroup>> {
    Ok(lines(conn, connection)?.iter().map(MappedGroup::from).collect())
}

/// The table's CHECK knows no other words; should one come all the same, it gives the least.
fn role_of(word: &str) -> Role {
    Role::parse(word).unwrap_or(Role::Member).min(Role::Admin)
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

pub fn insert(conn: &mut Conn, connection: &str, position: i64, line: &Line) -> Result<()> {
    diesel::insert_into(group_mappings::table)
        .values((
            group_mappings::id.eq(id::new_id()),
            group_mappings::connection_id.eq(connection),
            group_mappings::group_name.eq(&line.group),
            group_mappings::team_id.eq(&line.team),
            group_mappings::role.eq(line.role.as_str()),
            group_mappings::position.eq(position),
            group_mappings::scim_group_id.eq(&line.scim_group),
        ))
        .execute(conn)
        .map(drop)
}

/// The directory's group that a line of this name means: by id, external id or display name.
pub fn scim_group_called(conn: &mut Conn, connection: &str, name: &str) -> Result<Option<String>> {
    let found: Vec<(String, String)> = scim_groups::table
        .filter(scim_groups::connection_id.eq(connection))
        .filter(
            scim_groups::id
                .eq(name)
                .or(scim_groups::external_id.eq(name))
                .or(scim_groups::display_name.eq(name)),
        )
        .order(scim_groups::id)
        .select((scim_groups::id, scim_groups::display_name))
        .load(conn)?;
    // A group may be called like another one's id: the id is the surer name.
    let by_id = found.iter().find(|(_, display)| display != name);
    Ok(by_id.or(found.first()).map(|(id, _)| id.clone()))
}

/// Lets the lines that were written for this group, and follow none yet, follow it.
pub fn bind(conn: &mut Conn, connection: &str, group: &str, display_name: &str) -> Result<usize> {
    let external: Option<String> = scim_groups::table
        .find(group)
        .filter(scim_groups::external_id.ne(""))
        .select(scim_groups::external_id)
        .first(conn)
        .optional()?;
    let mut names = vec![group, display_name];
    names.extend(external.as_deref());
    diesel::update(
        group_mappings::table
            .filter(group_mappings::connection_id.eq(connection))
            .filter(group_mappings::scim_group_id.eq(""))
            .filter(group_mappings::group_name.eq_any(names)),
    )
    .set(group_mappings::scim_group_id.eq(group))
    .execute(conn)
}

/// Whether a line follows this group of the directory.
pub fn is_followed(conn: &mut Conn, connection: &str, group: &str) -> Result<bool> {
    diesel::select(exists(
        group_mappings::table
            .filter(group_mappings::connection_id.eq(connection))
            .filter(group_mappings::scim_group_id.eq(group)),
    ))
    .get_result(conn)
}

/// Teams and roles of the lines whose groups the member is in, in the order of the table.
pub fn lines_of_member(conn: &mut Conn, connection: &str, member: &str) -> Result<Vec<(String, Role)>> {
    let groups = scim_group_members::table
        .inner_join(scim_users::table)
        .filter(scim_users::connection_id.eq(connection))
        .filter(scim_users::member_id.eq(member))
        .select(scim_group_members::group_id);
    let rows: Vec<(String, String)> = group_mappings::table
        .filter(group_mappings::connection_id.eq(connection))
        .filter(group_mappings::scim_group_id.eq_any(groups))
        .order((group_mappings::position, group_mappings::role.desc()))
        .select((group_mappings::team_id, group_mappings::role))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(team, role)| (team, role_of(&role)))
        .collect())
}

/// What the member's groups in the directory are called.
pub fn groups_of_member(conn: &mut Conn, connection: &str, member: &str) -> Result<Vec<String>> {
    scim_group_members::table
        .inner_join(scim_users::table)
        .inner_join(scim_groups::table)
        .filter(scim_users::connection_id.eq(connection))
        .filter(scim_users::member_id.eq(member))
        .order(scim_groups::id)
        .select(scim_groups::display_name)
        .load(conn)
}

/// The teams that this connection's groups put anybody into.
pub fn given_teams(conn: &mut Conn, connection: &str) -> Result<Vec<String>> {
    team_members::table
        .filter(team_members::connection_id.eq(connection))
        .filter(team_members::source.eq_any(Source::MAPPED.map(Source::as_str)))
        .select(team_members::team_id)
        .distinct()
        .load(conn)
}

/// Teams and groups of the lines whose group the directory has.
pub fn live_lines(conn: &mut Conn, connection: &str) -> Result<Vec<(String, String)>> {
    let groups = scim_groups::table
        .filter(scim_groups::connection_id.eq(connection))
        .select(scim_groups::id);
    group_mappings::table
        .filter(group_mappings::connection_id.eq(connection))
        .filter(group_mappings::scim_group_id.eq_any(groups))
        .order(group_mappings::position)
        .select((group_mappings::team_id, group_mappings::scim_group_id))
        .load(conn)
}

/// Ids and names of the directory's groups whose names begin so.
pub fn groups_called(conn: &mut Conn, connection: &str, start: &str) -> Result<Vec<(String, String)>> {
    let pattern = text::part(start);
    scim_groups::table
        .filter(scim_groups::connection_id.eq(connection))
        .filter(
            scim_groups::display_name
                .like(pattern.trim_start_matches('%').to_owned())
                .escape('\\'),
        )
        .order(scim_groups::id)
        .select((scim_groups::id, scim_groups::display_name))
        .load(conn)
}

/// One team and the directory's groups that give it.
pub struct Target<'a> {
    pub connection: &'a str,
    pub team: &'a str,
    pub groups: &'a [String],
}

/// The members who are in one of these groups.
#[diesel::dsl::auto_type(no_type_alias)]
fn people_of<'a>(groups: &'a [String]) -> _ {
    scim_group_members::table
        .inner_join(scim_users::table)
        .filter(scim_group_members::group_id.eq_any(groups))
        .filter(scim_users::member_id.is_not_null())
        .select(scim_users::member_id.assume_not_null())
}

/// Who is in a group and not yet in the team by it.
pub fn joining(conn: &mut Conn, target: &Target<'_>) -> Result<People> {
    if target.groups.is_empty() {
        return Ok(People::default());
    }
    let here = team_members::table
        .filter(team_members::team_id.eq(target.team))
        .filter(team_members::connection_id.eq(target.connection))
        .filter(team_members::source.eq_any(Source::MAPPED.map(Source::as_str)))
        .filter(team_members::member_id.eq(members::id));
    let query = members::table
        .inner_join(accounts::table)
        .filter(members::id.eq_any(people_of(target.groups)))
        .filter(members::state.ne("removed"))
        .filter(not(exists(here)));
    let count = query.clone().count().get_result(conn)?;
    if count == 0 {
        return Ok(People::default());
    }
    let rows = query
        .order((accounts::name_key, members::id))
        .limit(MOST_NAMES)
        .select((accounts::full_name, accounts::email))
        .load(conn)?;
    Ok(people(count, rows))
}

/// Who is in the team by this connection's groups and in none of them any longer. What a sign-in gave is
/// taken only from people whom the directory knows.
pub fn leaving(conn: &mut Conn, target: &Target<'_>) -> Result<People> {
    let known = scim_users::table
        .filter(scim_users::connection_id.eq(target.connection))
        .filter(scim_users::member_id.is_not_null())
        .select(scim_users::member_id.assume_not_null());
    let query = team_members::table
        .inner_join(members::table.inner_join(accounts::table))
        .filter(team_members::team_id.eq(target.team))
        .filter(team_members::connection_id.eq(target.connection))
        .filter(
            team_members::source
                .eq(Source::Scim.as_str())
                .or(team_members::source
                    .eq(Source::Mapping.as_str())
                    .and(team_members::member_id.eq_any(known))),
        )
        .filter(team_members::member_id.ne_all(people_of(target.groups)));
    let count = query.clone().count().get_result(conn)?;
    if count == 0 {
        return Ok(People::default());
    }
    let rows = query
        .order((accounts::name_key, members::id))
        .limit(MOST_NAMES)
        .select((accounts::full_name, accounts::email))
        .load(conn)?;
    Ok(people(count, rows))
}

fn people(count: i64, rows: Vec<(String, String)>) -> People {
    let name = |(name, email): (String, String)| if name.is_empty() { email } else { name };
    People {
        count,
        names: rows.into_iter().map(name).collect(),
    }
}

pub fn join(conn: &mut Conn, now: Timestamp, target: &Target<'_>) -> Result<()> {
    for group in target.groups {
        diesel::sql_query(
            "INSERT INTO team_members (team_id, member_id, source, connection_id, since) \
             SELECT $1, members.id, 'scim', $2, $3 FROM members WHERE members.state <> 'removed' \
             AND members.id IN (SELECT scim_users.member_id FROM scim_group_members JOIN scim_users \
             ON scim_users.id = scim_group_members.user_id WHERE scim_group_members.group_id = $4) \
             AND NOT EXISTS (SELECT 1 FROM team_members AS here WHERE here.team_id = $5 \
             AND here.member_id = members.id AND here.connection_id = $6 \
             AND here.source IN ('scim', 'mapping'))",
        )
        .bind::<Text, _>(target.team)
        .bind::<Text, _>(target.connection)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(group)
        .bind::<Text, _>(target.team)
        .bind::<Text, _>(target.connection)
        .execute(conn)?;
    }
    Ok(())
}

pub fn leave(conn: &mut Conn, target: &Target<'_>) -> Result<usize> {
    let known = scim_users::table
        .filter(scim_users::connection_id.eq(target.connection))
        .filter(scim_users::member_id.is_not_null())
        .select(scim_users::member_id.assume_not_null());
    diesel::delete(
        team_members::table
            .filter(team_members::team_id.eq(target.team))
            .filter(team_members::connection_id.eq(target.connection))
            .filter(
                team_members::source
                    .eq(Source::Scim.as_str())
                    .or(team_members::source
                        .eq(Source::Mapping.as_str())
                        .and(team_members::member_id.eq_any(known))),
            )
            .filter(team_members::member_id.ne_all(people_of(target.groups))),
    )
    .execute(conn)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Members whose role is not what the table says: those to raise, and those to lower. The lowest of
/// `2 * position + is admin` tells by its last bit whether the first line is an admin's.
pub fn with_another_role(conn: &mut Conn, connection: &Connection) -> Result<Vec<String>> {
    const MAPPED_ADMINS: &str = "SELECT scim_users.member_id FROM group_mappings \
        JOIN scim_group_members ON scim_group_members.group_id = group_mappings.scim_group_id \
        JOIN scim_users ON scim_users.id = scim_group_members.user_id \
        WHERE group_mappings.connection_id = $2 AND scim_users.member_id IS NOT NULL \
        GROUP BY scim_users.member_id \
        HAVING MIN(2 * group_mappings.position + CASE group_mappings.role WHEN 'admin' THEN 1 ELSE 0 END) % 2 = 1";
    let query = format!(
        "SELECT members.id AS id FROM members WHERE members.organization_id = $1 AND members.state <> 'removed' \
         AND ((members.role = 'member' AND members.id IN ({MAPPED_ADMINS})) \
         OR (members.role = 'admin' AND members.role_given_by = $2 AND members.id NOT IN ({MAPPED_ADMINS}))) \
         ORDER BY members.id"
    );
    let rows: Vec<Id> = diesel::sql_query(query)
        .bind::<Text, _>(&connection.organization)
        .bind::<Text, _>(&connection.id)
        .load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Those of these groups that were noted after `after`.
pub fn seen_since(
    conn: &mut Conn,
    connection: &str,
    names: &[&String],
    after: Timestamp,
) -> Result<Vec<String>> {
    let seen = seen_groups::table
        .filter(seen_groups::connection_id.eq(connection))
        .filter(seen_groups::name.eq_any(names))
        .filter(seen_groups::last_at.gt(after))
        .select(seen_groups::name);
    rows_of_many(conn, seen)
}

pub fn count_seen(conn: &mut Conn, connection: &str) -> Result<i64> {
    seen_groups::table
        .filter(seen_groups::connection_id.eq(connection))
        .count()
        .get_result(conn)
}

pub fn note_seen(conn: &mut Conn, now: Timestamp, connection: &str, name: &str) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO seen_groups (connection_id, name, first_at, last_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (connection_id, name) DO UPDATE SET last_at = excluded.last_at",
    )
    .bind::<Text, _>(connection)
    .bind::<Text, _>(name)
    .bind::<BigInt, _>(now)
    .bind::<BigInt, _>(now)
    .execute(conn)
    .map(drop)
}
