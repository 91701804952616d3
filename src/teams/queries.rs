//! SQL of teams and of who is in them.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::model::{Belonging, Source, Team, Uses, name_key, tidy};
use crate::store::schema::{
    accounts, connections, group_mappings, invitation_teams, invitations, members, team_members, teams,
};
use crate::store::time::Timestamp;
use crate::store::{self, Conn, Result};

type Row = (String, String, i64, i64);

const COLUMNS: (teams::id, teams::name, teams::version, teams::people) =
    (teams::id, teams::name, teams::version, teams::people);

fn team((id, name, version, people): Row) -> Team {
    Team {
        id,
        name,
        people,
        version,
    }
}

/// The organization's teams, by name.
///
/// # Errors
/// When the database refuses.
pub fn list(conn: &mut Conn, organization: &str) -> Result<Vec<Team>> {
    let rows: Vec<Row> = teams::table
        .filter(teams::organization_id.eq(organization))
        .order(teams::name_key)
        .select(COLUMNS)
        .load(conn)?;
    Ok(rows.into_iter().map(team).collect())
}

/// One of the organization's teams.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Team>> {
    let row = teams::table
        .find(id)
        .filter(teams::organization_id.eq(organization))
        .select(COLUMNS)
        .first(conn)
        .optional()?;
    Ok(row.map(team))
}

/// The organization's team of this name, whatever its case.
///
/// # Errors
/// When the database refuses.
pub fn find_by_name(conn: &mut Conn, organization: &str, name: &str) -> Result<Option<Team>> {
    let row = teams::table
        .filter(teams::organization_id.eq(organization))
        .filter(teams::name_key.eq(name_key(&tidy(name))))
        .select(COLUMNS)
        .first(conn)
        .optional()?;
    Ok(row.map(team))
}

/// The names of the teams of these members, by name.
///
/// # Errors
/// When the database refuses.
pub fn names_of(conn: &mut Conn, members: &[&str]) -> Result<HashMap<String, Vec<String>>> {
    let rows: Vec<(String, String)> = team_members::table
        .inner_join(teams::table)
        .filter(team_members::member_id.eq_any(members))
        .order(teams::name_key)
        .select((team_members::member_id, teams::name))
        .load(conn)?;
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for (member, name) in rows {
        let names = names.entry(member).or_default();
        // Several sources may say the same.
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Puts a member into teams. Being in one already by the same source changes nothing, and a team that is
/// gone or another organization's is passed over. The caller's own audit entry tells of it.
///
/// # Errors
/// When the database refuses.
pub fn give<'a>(
    conn: &mut Conn,
    now: Timestamp,
    member: &str,
    team_ids: impl IntoIterator<Item = &'a String>,
    source: Source,
    connection: &str,
) -> Result<()> {
    for team in team_ids {
        // `ON CONFLICT` is not to be had on both databases but in SQL.
        diesel::sql_query(
            "INSERT INTO team_members (team_id, member_id, source, connection_id, since) \
             SELECT teams.id, members.id, $1, $2, $3 FROM teams \
             JOIN members ON members.organization_id = teams.organization_id \
             WHERE members.id = $4 AND teams.id = $5 ON CONFLICT DO NOTHING",
        )
        .bind::<Text, _>(source.as_str())
        .bind::<Text, _>(connection)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(member)
        .bind::<Text, _>(team)
        .execute(conn)?;
    }
    Ok(())
}

/// The teams that this connection's groups put the member into, at a sign-in or by the directory: of the
/// two writers one is in force, and it keeps up what the other one left.
///
/// # Errors
/// When the database refuses.
pub fn mapped(conn: &mut Conn, member: &str, connection: &str) -> Result<BTreeSet<String>> {
    let mapped = team_members::table
        .filter(team_members::member_id.eq(member))
        .filter(team_members::source.eq_any(Source::MAPPED.map(Source::as_str)))
        .filter(team_members::connection_id.eq(connection))
        .select(team_members::team_id);
    let ids: Vec<String> = store::rows(conn, mapped)?;
    Ok(ids.into_iter().collect())
}

/// The same for several members: each with the id of one team.
///
/// # Errors
/// When the database refuses.
pub fn mapped_of(conn: &mut Conn, members: &[&str], connection: &str) -> Result<Vec<(String, String)>> {
    team_members::table
        .filter(team_members::member_id.eq_any(members))
        .filter(team_members::source.eq_any(Source::MAPPED.map(Source::as_str)))
        .filter(team_members::connection_id.eq(connection))
        .select((team_members::member_id, team_members::team_id))
        .load(conn)
}

/// Takes back what this connection's groups gave; other sources keep theirs.
///
/// # Errors
/// When the database refuses.
pub fn take_mapped<'a>(
    conn: &mut Conn,
    member: &str,
    connection: &str,
    team_ids: impl IntoIterator<Item = &'a String>,
) -> Result<()> {
    let ids: Vec<&String> = team_ids.into_iter().collect();
    diesel::delete(
        team_members::table
            .filter(team_members::member_id.eq(member))
            .filter(team_members::source.eq_any(Source::MAPPED.map(Source::as_str)))
            .filter(team_members::connection_id.eq(connection))
            .filter(team_members::team_id.eq_any(ids)),
    )
    .execute(conn)
    .map(drop)
}

/// Ids and names of those of these teams that the organization has.
pub fn names(conn: &mut Conn, organization: &str, ids: &[String]) -> Result<Vec<(String, String)>> {
    teams::table
        .filter(teams::organization_id.eq(organization))
        .filter(teams::id.eq_any(ids))
        .order(teams::name_key)
        .select((teams::id, teams::name))
        .load(conn)
}

/// The id and the [`crate::access::team_key`] of those of the organization's teams that have these keys.
///
/// # Errors
/// When the database refuses.
pub fn by_keys(conn: &mut Conn, organization: &str, keys: &[String]) -> Result<Vec<(String, String)>> {
    teams::table
        .filter(teams::organization_id.eq(organization))
        .filter(teams::name_key.eq_any(keys))
        .select((teams::name_key, teams::id))
        .load(conn)
}

/// Takes a member out of every team, whoever put them there.
///
/// # Errors
/// When the database refuses.
pub fn leave_all(conn: &mut Conn, member: &str) -> Result<usize> {
    diesel::delete(team_members::table.filter(team_members::member_id.eq(member))).execute(conn)
}

/// The teams of a member, by name; a team stands once for each of its sources.
///
/// # Errors
/// When the database refuses.
pub fn of_member(conn: &mut Conn, member: &str) -> Result<Vec<Belonging>> {
    let rows: Vec<(String, String, String, i64)> = team_members::table
        .inner_join(teams::table)
        .filter(team_members::member_id.eq(member))
        .order((teams::name_key, team_members::source))
        .select((teams::id, teams::name, team_members::source, team_members::since))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(team, name, source, since)| Belonging {
            team,
            name,
            // The table's CHECK knows no other words; what can't be read is not ours to take away.
            source: Source::parse(&source).unwrap_or(Source::Scim),
            since,
        })
        .collect())
}

pub fn insert(conn: &mut Conn, now: Timestamp, id: &str, organization: &str, name: &str) -> Result<()> {
    diesel::insert_into(teams::table)
        .values((
            teams::id.eq(id),
            teams::organization_id.eq(organization),
            teams::name.eq(name),
            teams::name_key.eq(name_key(name)),
            teams::created_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

/// Counts the version up, and touches nothing when somebody else did so first.
pub fn rename(conn: &mut Conn, id: &str, version: i64, name: &str) -> Result<usize> {
    diesel::update(teams::table.find(id).filter(teams::version.eq(version)))
        .set((
            teams::name.eq(name),
            teams::name_key.eq(name_key(name)),
            teams::version.eq(version + 1),
        ))
        .execute(conn)
}

pub fn delete(conn: &mut Conn, id: &str, version: i64) -> Result<usize> {
    diesel::delete(teams::table.find(id).filter(teams::version.eq(version))).execute(conn)
}

/// Takes away what an administrator may take: the rows that no directory keeps up.
pub fn take_out(conn: &mut Conn, team: &str, member: &str) -> Result<usize> {
    diesel::delete(
        team_members::table
            .filter(team_members::team_id.eq(team))
            .filter(team_members::member_id.eq(member))
            .filter(team_members::source.eq_any(Source::TAKEN_BY_HAND.map(Source::as_str))),
    )
    .execute(conn)
}

/// Whether the member is in the team, by whatever source.
pub fn is_in(conn: &mut Conn, team: &str, member: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        team_members::table
            .filter(team_members::team_id.eq(team))
            .filter(team_members::member_id.eq(member)),
    ))
    .get_result(conn)
}

/// The name of one of the organization's members who were not removed.
pub fn member_name(conn: &mut Conn, organization: &str, member: &str) -> Result<Option<String>> {
    let row: Option<(String, String)> = members::table
        .inner_join(accounts::table)
        .filter(members::id.eq(member))
        .filter(members::organization_id.eq(organization))
        .filter(members::state.ne("removed"))
        .select((accounts::full_name, accounts::email))
        .first(conn)
        .optional()?;
    Ok(row.map(|(name, email)| if name.is_empty() { email } else { name }))
}

/// Why people are in a team, by the member's id: each source once, in order.
type Reasons = HashMap<String, Vec<Source>>;

/// One of the organization's teams, and why each of these members is in it.
///
/// # Errors
/// When the database refuses.
pub fn with_sources(
    conn: &mut Conn,
    organization: &str,
    id: &str,
    members: &[String],
) -> Result<Option<(Team, Reasons)>> {
    let there = team_members::team_id
        .eq(teams::id)
        .and(team_members::member_id.eq_any(members));
    let wanted = teams::table
        .left_join(team_members::table.on(there))
        .filter(teams::id.eq(id))
        .filter(teams::organization_id.eq(organization))
        .select((
            COLUMNS,
            (team_members::member_id, team_members::source).nullable(),
        ))
        .distinct();
    let rows: Vec<(Row, Option<(String, String)>)> = store::rows_of_many(conn, wanted)?;
    let Some((row, _)) = rows.first().cloned() else {
        return Ok(None);
    };
    let mut sources = Reasons::new();
    for (member, source) in rows.into_iter().filter_map(|(_, of_one)| of_one) {
        sources.entry(member).or_default().extend(Source::parse(&source));
    }
    for of_one in sources.values_mut() {
        of_one.sort_unstable();
    }
    Ok(Some((team(row), sources)))
}

/// What names the team.
pub fn uses(conn: &mut Conn, team: &str) -> Result<Uses> {
    Ok(Uses {
        invitations: invitation_teams::table
            .inner_join(invitations::table)
            .filter(invitation_teams::team_id.eq(team))
            .filter(invitations::state.eq("pending"))
            .count()
            .get_result(conn)?,
        mappings: group_mappings::table
            .filter(group_mappings::team_id.eq(team))
            .count()
            .get_result(conn)?,
        defaults: connections::table
            .filter(connections::default_team_id.eq(team))
            .order(connections::name)
            .select(connections::name)
            .load(conn)?,
    })
}
