//! SQL of teams and of who is in them.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::model::{Belonging, Person, Source, Team, Uses, name_key, tidy};
use crate::access::Role;
use crate::store::schema::{
    accounts, connections, group_mappings, invitation_teams, invitations, members, team_members, teams,
};
use crate::store::sql::Sql;
use crate::store::time::Timestamp;
use crate::store::{self, Conn, Result};
use crate::web::Paging;

/// Up to how many people are read and sorted, where a team or a word finds that many.
const FEW: i64 = 2_000;

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

type PersonRow = (String, String, String, String, String, String);

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

/// What the page of a team shows.
#[derive(Debug)]
pub struct Whole {
    /// The team.
    pub team: Team,
    /// One page of its people, by name, and one more if there are more.
    pub people: Vec<Person>,
    /// Who could be added, by name.
    pub candidates: Vec<Person>,
    /// Whether nobody is offered, because there are so many that they are to be looked for first.
    pub beyond: bool,
}

#[derive(QueryableByName)]
struct Begin {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    people: i64,
    /// How many members the organization has who were not removed.
    #[diesel(sql_type = BigInt)]
    members: i64,
    /// How many accounts the longest word finds, counted up to one more than few.
    #[diesel(sql_type = BigInt)]
    hits: i64,
}

/// One of the organization's teams with a page of its people, and up to `most` members who could be added. `text` is
/// how words of their names, addresses or usernames begin.
pub fn whole(
    conn: &mut Conn,
    organization: &str,
    id: &str,
    (text, most): (&str, i64),
    paging: &Paging,
) -> Result<Option<Whole>> {
    let words = crate::accounts::wanted(text);
    let Some(begin) = begin(conn, organization, id, words.first())? else {
        return Ok(None);
    };
    let team = team((begin.id, begin.name, begin.version, begin.people));
    let here = people(conn, organization, &team, paging)?;
    let beyond = words.is_empty() && begin.members >= most;
    let outside = if beyond {
        Vec::new()
    } else {
        let few = begin.hits <= FEW;
        candidates(conn, organization, id, (&words, few), most)?
    };
    let everybody = [here.as_slice(), outside.as_slice()].concat();
    let (mut people, candidates): (Vec<_>, Vec<_>) = by_ids(conn, &everybody)?
        .into_iter()
        .partition(|person| here.contains(&person.member));
    if !people.is_empty() {
        add_sources(conn, id, &mut people)?;
    }
    Ok(Some(Whole {
        team,
        people,
        candidates,
        beyond,
    }))
}

fn begin(
    conn: &mut Conn,
    organization: &str,
    id: &str,
    word: Option<&(String, String)>,
) -> Result<Option<Begin>> {
    let mut sql = Sql::new(
        "SELECT t.id AS id, t.name AS name, t.version AS version, t.people AS people, \
         (SELECT CAST(COALESCE(SUM(c.people), 0) AS BIGINT) FROM member_counts c \
         WHERE c.facet < 'removed' AND c.organization_id = t.organization_id) AS members, ",
    );
    match word {
        Some((from, to)) => sql
            .add("(SELECT COUNT(*) FROM (SELECT w.account_id FROM account_words w WHERE w.word >= ")
            .bind(from)
            .add(" AND w.word < ")
            .bind(to)
            .add(&format!(" LIMIT {}) AS few)", FEW + 1)),
        None => sql.add("CAST(0 AS BIGINT)"),
    };
    sql.add(" AS hits FROM teams t WHERE t.organization_id = ")
        .bind(organization)
        .add(" AND t.id = ")
        .bind(id);
    Ok(sql.load(conn)?.pop())
}

/// The ids of one page of a team's people, by name, and one more if there are more. A team of few begins with its
/// people; one of many with the organization's, in their order.
fn people(conn: &mut Conn, organization: &str, team: &Team, paging: &Paging) -> Result<Vec<String>> {
    let mut sql = Sql::default();
    if team.people <= FEW {
        sql.add("SELECT m.id AS id FROM (SELECT DISTINCT t.member_id AS one FROM team_members t WHERE t.team_id = ")
            .bind(&team.id)
            .add(") AS here CROSS JOIN members m WHERE m.id = here.one AND m.organization_id = ")
            .bind(organization);
    } else {
        sql.add("SELECT m.id AS id FROM members m WHERE m.organization_id = ")
            .bind(organization)
            .add(" AND EXISTS (SELECT 1 FROM team_members t WHERE t.member_id = m.id AND t.team_id = ")
            .bind(&team.id)
            .add(")");
    }
    let (sign, way) = if paging.is_backwards() {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    if let Some((last, name_key)) = paging.key().and_then(|key| key.split_once('.')) {
        sql.add(&format!(" AND m.name_key {sign}= "))
            .bind(name_key)
            .add(&format!(" AND (m.name_key {sign} "))
            .bind(name_key)
            .add(&format!(" OR m.id {sign} "))
            .bind(last)
            .add(")");
    }
    sql.add(&format!(
        " ORDER BY m.name_key {way}, m.id {way} LIMIT {}",
        Paging::limit()
    ));
    Ok(sql.load::<Id>(conn)?.into_iter().map(|one| one.id).collect())
}

/// These members, in this order.
fn by_ids(conn: &mut Conn, ids: &[String]) -> Result<Vec<Person>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = members::table
        .inner_join(accounts::table)
        .filter(members::id.eq_any(ids))
        .select((
            members::id,
            accounts::full_name,
            accounts::name_key,
            accounts::email,
            members::role,
            members::state,
        ));
    let rows: Vec<PersonRow> = store::rows_of_many(conn, wanted)?;
    let mut people: Vec<Person> = rows.into_iter().map(person).collect();
    people.sort_by_key(|person| ids.iter().position(|id| *id == person.member));
    Ok(people)
}

fn person((member, full_name, name_key, email, role, state): PersonRow) -> Person {
    Person {
        member,
        name: if full_name.is_empty() {
            email.clone()
        } else {
            full_name
        },
        name_key,
        email,
        role: Role::parse(&role).unwrap_or(Role::Member),
        is_active: state == "active",
        sources: Vec::new(),
    }
}

fn add_sources(conn: &mut Conn, team: &str, people: &mut [Person]) -> Result<()> {
    let ids: Vec<&String> = people.iter().map(|person| &person.member).collect();
    let wanted = team_members::table
        .filter(team_members::team_id.eq(team))
        .filter(team_members::member_id.eq_any(ids))
        .select((team_members::member_id, team_members::source))
        .distinct();
    let rows: Vec<(String, String)> = store::rows_of_many(conn, wanted)?;
    for person in people {
        let own = rows.iter().filter(|(member, _)| *member == person.member);
        person.sources = own.filter_map(|(_, source)| Source::parse(source)).collect();
        person.sources.sort_unstable();
    }
    Ok(())
}

/// The ids of members who are not in the team, by name. It begins with those whom the longest word finds, where they
/// are few.
fn candidates(
    conn: &mut Conn,
    organization: &str,
    team: &str,
    (words, few): (&[(String, String)], bool),
    most: i64,
) -> Result<Vec<String>> {
    let begins = words.first().filter(|_| few);
    let mut sql = Sql::new("SELECT m.id AS id FROM ");
    if let Some((from, to)) = begins {
        sql.add("(SELECT DISTINCT w.account_id AS one FROM account_words w WHERE w.word >= ")
            .bind(from)
            .add(" AND w.word < ")
            .bind(to)
            .add(") AS start CROSS JOIN members m WHERE m.account_id = start.one AND m.organization_id = ");
    } else {
        sql.add("members m WHERE m.organization_id = ");
    }
    sql.bind(organization).add(" AND m.state <> 'removed'");
    for (from, to) in words.iter().skip(usize::from(begins.is_some())) {
        sql.add(
            " AND EXISTS (SELECT 1 FROM account_words w WHERE w.account_id = m.account_id AND w.word >= ",
        )
        .bind(from)
        .add(" AND w.word < ")
        .bind(to)
        .add(")");
    }
    sql.add(" AND NOT EXISTS (SELECT 1 FROM team_members t WHERE t.member_id = m.id AND t.team_id = ")
        .bind(team)
        .add(&format!(") ORDER BY m.name_key, m.id LIMIT {most}"));
    Ok(sql.load::<Id>(conn)?.into_iter().map(|one| one.id).collect())
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
