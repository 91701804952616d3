//! SQL of the people of a directory.

use diesel::deserialize::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use serde_json::Value;

use super::filter::{Bound, Condition};
use super::model::{Kept, Person, Seat, Stranger, Wanted, name_key};
use crate::access::Role;
use crate::members::State;
use crate::provisioning::tokens::Caller;
use crate::store::schema::{
    connection_domains, domains, scim_emails, scim_group_members, scim_groups, scim_users, team_members,
    teams,
};
use crate::store::time::Timestamp;
use crate::store::{Conn, DbError, Result, Run as _, Sql, rows, rows_of_many};

/// What is read of a person.
const COLUMNS: &str = "scim_users.id, scim_users.active, scim_users.attributes, scim_users.created_at, \
     scim_users.modified_at, scim_users.version, members.id AS seat_id, members.account_id AS seat_account, \
     members.state AS seat_state, members.role AS seat_role, members.version AS seat_version, \
     EXISTS (SELECT 1 FROM scim_group_members WHERE scim_group_members.user_id = scim_users.id) AS has_groups, \
     EXISTS (SELECT 1 FROM team_members WHERE team_members.member_id = scim_users.member_id) AS has_teams";

/// One person of the connection's directory.
pub fn find(conn: &mut Conn, connection: &str, id: &str) -> Result<Option<Kept>> {
    let statement = Sql::new(format!(
        "SELECT {COLUMNS} FROM scim_users LEFT JOIN members ON members.id = scim_users.member_id \
         WHERE scim_users.id = ? AND scim_users.connection_id = ?"
    ));
    let found: Vec<Listed> = rows(conn, statement.text(id).text(connection))?;
    Ok(found.into_iter().next().map(Kept::from))
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Bool)]
    taken: bool,
    #[diesel(sql_type = Bool)]
    has_account: bool,
    #[diesel(sql_type = Bool)]
    is_invited: bool,
    #[diesel(sql_type = Bool)]
    has_no_limit: bool,
}

/// What there is of somebody new.
pub fn facts(conn: &mut Conn, organization: &str, user_name_key: &str, email_key: &str) -> Result<Stranger> {
    let statement = Sql::new(
        "SELECT EXISTS (SELECT 1 FROM scim_users WHERE organization_id = ? AND user_name_key = ?) AS taken, \
         EXISTS (SELECT 1 FROM accounts WHERE email_key = ?) AS has_account, \
         EXISTS (SELECT 1 FROM invitations WHERE organization_id = ? AND email_key = ?) AS is_invited, \
         EXISTS (SELECT 1 FROM organizations WHERE id = ? AND seats IS NULL) AS has_no_limit",
    );
    let values = statement
        .text(organization)
        .text(user_name_key)
        .text(email_key)
        .text(organization)
        .text(email_key)
        .text(organization);
    let found: Vec<Facts> = rows(conn, values)?;
    let facts = found.into_iter().next().ok_or(DbError::NotFound)?;
    Ok(Stranger {
        is_named: facts.taken,
        has_account: facts.has_account,
        is_invited: facts.is_invited,
        has_no_limit: facts.has_no_limit,
    })
}

/// Who of the organization's directories has this user name.
pub fn named(conn: &mut Conn, organization: &str, user_name_key: &str) -> Result<Option<String>> {
    scim_users::table
        .filter(scim_users::organization_id.eq(organization))
        .filter(scim_users::user_name_key.eq(user_name_key))
        .select(scim_users::id)
        .first(conn)
        .optional()
}

/// Who of the organization's directories is this member.
pub fn of_member(conn: &mut Conn, member: &str) -> Result<Option<String>> {
    scim_users::table
        .filter(scim_users::member_id.eq(member))
        .select(scim_users::id)
        .first(conn)
        .optional()
}

/// Keeps a new person.
pub fn insert(
    conn: &mut Conn,
    now: Timestamp,
    caller: &Caller,
    id: &str,
    wanted: &Wanted,
    (member, adopted): (Option<&str>, bool),
) -> Result<()> {
    let connection = caller.connection.id.as_str();
    diesel::insert_into(scim_users::table)
        .values((
            (
                scim_users::id.eq(id),
                scim_users::organization_id.eq(&caller.organization),
                scim_users::connection_id.eq(connection),
                scim_users::member_id.eq(member),
                scim_users::user_name.eq(wanted.user_name()),
                scim_users::user_name_key.eq(name_key(wanted.user_name())),
                scim_users::external_id.eq(wanted.external_id()),
            ),
            (
                scim_users::display_key.eq(wanted.display_key()),
                scim_users::email_key.eq(email_key(wanted)),
                scim_users::active.eq(wanted.active.unwrap_or(true)),
                scim_users::attributes.eq(wanted.attributes_text()),
                scim_users::adopted.eq(adopted),
                scim_users::created_at.eq(now),
                scim_users::modified_at.eq(now),
            ),
        ))
        .run(conn)?;
    insert_further_addresses(conn, id, connection, wanted)
}

/// Keeps what the directory says now.
pub fn update(
    conn: &mut Conn,
    now: Timestamp,
    caller: &Caller,
    known: &Person,
    wanted: &Wanted,
    (member, adopted): (Option<&str>, bool),
) -> Result<()> {
    let had_further = known
        .attributes
        .get("emails")
        .and_then(Value::as_array)
        .is_some_and(|all| all.len() > 1);
    diesel::update(scim_users::table.find(&known.id))
        .set((
            scim_users::member_id.eq(member),
            scim_users::user_name.eq(wanted.user_name()),
            scim_users::user_name_key.eq(name_key(wanted.user_name())),
            scim_users::external_id.eq(wanted.external_id()),
            scim_users::display_key.eq(wanted.display_key()),
            scim_users::email_key.eq(email_key(wanted)),
            scim_users::active.eq(wanted.active.unwrap_or(known.active)),
            scim_users::attributes.eq(wanted.attributes_text()),
            scim_users::modified_at.eq(now),
            scim_users::version.eq(known.version + 1),
        ))
        .run(conn)?;
    if adopted {
        diesel::update(scim_users::table.find(&known.id))
            .set(scim_users::adopted.eq(true))
            .run(conn)?;
    }
    if had_further {
        diesel::delete(scim_emails::table.filter(scim_emails::user_id.eq(&known.id))).run(conn)?;
    }
    insert_further_addresses(conn, &known.id, &caller.connection.id, wanted)
}

/// Gives the groups that the person is in their next version, for they are about to lose them.
pub fn touch_groups(conn: &mut Conn, now: Timestamp, user: &str) -> Result<()> {
    let theirs = scim_group_members::table
        .filter(scim_group_members::user_id.eq(user))
        .select(scim_group_members::group_id);
    diesel::update(scim_groups::table.filter(scim_groups::id.eq_any(theirs)))
        .set((
            scim_groups::modified_at.eq(now),
            scim_groups::version.eq(scim_groups::version + 1),
        ))
        .run(conn)
        .map(drop)
}

/// Forgets a person.
pub fn delete(conn: &mut Conn, id: &str) -> Result<()> {
    diesel::delete(scim_users::table.find(id)).run(conn).map(drop)
}

/// The first address stands beside the person; others, which few people have, in a table of their own.
fn email_key(wanted: &Wanted) -> String {
    wanted.email_keys().into_iter().next().unwrap_or_default()
}

fn insert_further_addresses(conn: &mut Conn, id: &str, connection: &str, wanted: &Wanted) -> Result<()> {
    for key in wanted.email_keys().iter().skip(1) {
        diesel::insert_into(scim_emails::table)
            .values((
                scim_emails::user_id.eq(id),
                scim_emails::connection_id.eq(connection),
                scim_emails::email_key.eq(key),
            ))
            .run(conn)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Text)]
    attributes: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    modified_at: i64,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<Text>)]
    seat_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    seat_account: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    seat_state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    seat_role: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    seat_version: Option<i64>,
    #[diesel(sql_type = Bool)]
    has_groups: bool,
    #[diesel(sql_type = Bool)]
    has_teams: bool,
}

impl From<Listed> for Kept {
    fn from(row: Listed) -> Self {
        let seat = match (
            row.seat_id,
            row.seat_account,
            row.seat_state,
            row.seat_role,
            row.seat_version,
        ) {
            (Some(id), Some(account), Some(state), Some(role), Some(version)) => Some(Seat {
                id,
                account,
                // The table's CHECKs know no other words; should one come all the same, it gives the least.
                state: State::parse(&state).unwrap_or(State::Deactivated),
                role: Role::parse(&role).unwrap_or(Role::Member),
                version,
            }),
            _ => None,
        };
        Self {
            id: row.id,
            member: seat,
            active: row.active,
            attributes: row.attributes,
            created_at: row.created_at,
            modified_at: row.modified_at,
            version: row.version,
            has_groups: row.has_groups,
            has_teams: row.has_teams,
        }
    }
}

/// The statement with the condition's values.
fn bound(text: String, condition: &Condition) -> Sql {
    condition
        .bound
        .iter()
        .fold(Sql::new(text), |statement, value| match value {
            Bound::Text(text) => statement.text(text),
            Bound::Number(number) => statement.number(*number),
        })
}

/// How many people fit.
pub fn count_fitting(conn: &mut Conn, condition: &Condition) -> Result<i64> {
    let text = format!(
        "SELECT count(*) AS count FROM {} WHERE {}",
        condition.from(),
        condition.text
    );
    let found: Vec<Count> = bound(text, condition).rows_once(conn)?;
    Ok(found.first().map_or(0, |row| row.count))
}

/// Those who fit, in order: so many, after so many. The columns of `order` are ours. Those who are passed over
/// are passed over in the index alone.
pub fn page(
    conn: &mut Conn,
    condition: &Condition,
    order: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<Kept>> {
    let text = format!(
        "SELECT {COLUMNS} \
         FROM (SELECT scim_users.id AS chosen FROM {} WHERE {} ORDER BY {order} LIMIT ? OFFSET ?) \
         AS page JOIN scim_users ON scim_users.id = page.chosen \
         LEFT JOIN members ON members.id = scim_users.member_id ORDER BY {order}",
        condition.from(),
        condition.text,
    );
    let statement = bound(text, condition).number(limit).number(offset);
    let found: Vec<Listed> = if condition.usual {
        rows(conn, statement)?
    } else {
        statement.rows_once(conn)?
    };
    Ok(found.into_iter().map(Kept::from).collect())
}

/// The groups of these people: person, group, and the group's name.
pub fn groups_of(conn: &mut Conn, users: &[String]) -> Result<Vec<(String, String, String)>> {
    let groups = scim_group_members::table
        .inner_join(scim_groups::table)
        .filter(scim_group_members::user_id.eq_any(users))
        .order((scim_group_members::user_id, scim_groups::id))
        .select((
            scim_group_members::user_id,
            scim_groups::id,
            scim_groups::display_name,
        ));
    rows_of_many(conn, groups)
}

/// The names of the teams of these members.
pub fn teams_of(conn: &mut Conn, members: &[String]) -> Result<Vec<(String, String)>> {
    let teams = team_members::table
        .inner_join(teams::table)
        .filter(team_members::member_id.eq_any(members))
        .order((team_members::member_id, teams::name_key))
        .select((team_members::member_id, teams::name));
    rows_of_many(conn, teams)
}

/// Whether the person is in any group.
pub fn is_in_a_group(conn: &mut Conn, user: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        scim_group_members::table.filter(scim_group_members::user_id.eq(user)),
    ))
    .get_result(conn)
}

/// Whether the organization has verified this domain, has not lost its proof for good, and attached it to the
/// connection.
pub fn covers(conn: &mut Conn, caller: &Caller, domain: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        connection_domains::table
            .inner_join(domains::table)
            .filter(connection_domains::connection_id.eq(&caller.connection.id))
            .filter(domains::organization_id.eq(&caller.organization))
            .filter(domains::name.eq(domain))
            .filter(domains::verified)
            .filter(domains::lapsed_at.is_null()),
    ))
    .get_result(conn)
}
