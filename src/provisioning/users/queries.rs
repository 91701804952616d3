//! SQL of the people of a directory.

use diesel::deserialize::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use serde_json::{Map, Value};

use super::filter::{Bound, Condition};
use super::model::{Person, Seat, Wanted, name_key};
use crate::access::Role;
use crate::members::State;
use crate::provisioning::tokens::Caller;
use crate::store::schema::{
    connection_domains, domains, members, scim_emails, scim_group_members, scim_groups, scim_users,
    team_members, teams,
};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

#[derive(Queryable, Selectable)]
#[diesel(table_name = scim_users)]
struct Row {
    id: String,
    active: bool,
    attributes: String,
    created_at: i64,
    modified_at: i64,
    version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = members)]
struct SeatRow {
    id: String,
    account_id: String,
    state: String,
    role: String,
    version: i64,
}

impl From<SeatRow> for Seat {
    fn from(row: SeatRow) -> Self {
        Self {
            id: row.id,
            account: row.account_id,
            // The table's CHECKs know no other words; should one come all the same, it gives the least.
            state: State::parse(&row.state).unwrap_or(State::Deactivated),
            role: Role::parse(&row.role).unwrap_or(Role::Member),
            version: row.version,
        }
    }
}

fn person((row, seat): (Row, Option<SeatRow>)) -> Person {
    let attributes = match serde_json::from_str(&row.attributes) {
        Ok(Value::Object(attributes)) => attributes,
        // Nothing else is ever written.
        _ => Map::new(),
    };
    Person {
        id: row.id,
        member: seat.map(Seat::from),
        active: row.active,
        attributes,
        created_at: row.created_at,
        modified_at: row.modified_at,
        version: row.version,
    }
}

/// One person of the connection's directory.
pub fn find(conn: &mut Conn, connection: &str, id: &str) -> Result<Option<Person>> {
    let row: Option<(Row, Option<SeatRow>)> = scim_users::table
        .left_join(members::table)
        .filter(scim_users::id.eq(id))
        .filter(scim_users::connection_id.eq(connection))
        .select((Row::as_select(), Option::<SeatRow>::as_select()))
        .first(conn)
        .optional()?;
    Ok(row.map(person))
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
        .execute(conn)?;
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
        .execute(conn)?;
    if adopted {
        diesel::update(scim_users::table.find(&known.id))
            .set(scim_users::adopted.eq(true))
            .execute(conn)?;
    }
    if had_further {
        diesel::delete(scim_emails::table.filter(scim_emails::user_id.eq(&known.id))).execute(conn)?;
    }
    insert_further_addresses(conn, &known.id, &caller.connection.id, wanted)
}

/// Forgets a person.
pub fn delete(conn: &mut Conn, id: &str) -> Result<()> {
    diesel::delete(scim_users::table.find(id)).execute(conn).map(drop)
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
            .execute(conn)?;
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
}

impl From<Listed> for Person {
    fn from(row: Listed) -> Self {
        let seat = match (
            row.seat_id,
            row.seat_account,
            row.seat_state,
            row.seat_role,
            row.seat_version,
        ) {
            (Some(id), Some(account_id), Some(state), Some(role), Some(version)) => Some(SeatRow {
                id,
                account_id,
                state,
                role,
                version,
            }),
            _ => None,
        };
        let kept = Row {
            id: row.id,
            active: row.active,
            attributes: row.attributes,
            created_at: row.created_at,
            modified_at: row.modified_at,
            version: row.version,
        };
        person((kept, seat))
    }
}

type Statement<'a> =
    diesel::query_builder::BoxedSqlQuery<'a, <Conn as Connection>::Backend, diesel::query_builder::SqlQuery>;

/// The statement with the condition's values.
fn bound<'a>(text: String, condition: &Condition) -> Statement<'a> {
    let statement = diesel::sql_query(text).into_boxed();
    condition
        .bound
        .iter()
        .fold(statement, |statement, value| match value {
            Bound::Text(text) => statement.bind::<Text, _>(text.clone()),
            Bound::Number(number) => statement.bind::<BigInt, _>(*number),
        })
}

/// How many people fit.
pub fn count_fitting(conn: &mut Conn, condition: &Condition) -> Result<i64> {
    let text = format!(
        "SELECT count(*) AS count FROM {} WHERE {}",
        condition.from(),
        condition.text
    );
    let row: Count = bound(text, condition).get_result(conn)?;
    Ok(row.count)
}

/// Those who fit, in order: so many, after so many. The columns of `order` are ours. Those who are passed over
/// are passed over in the index alone.
pub fn page(
    conn: &mut Conn,
    condition: &Condition,
    order: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<Person>> {
    let (first, second) = (condition.bound.len() + 1, condition.bound.len() + 2);
    let text = format!(
        "SELECT scim_users.id, scim_users.active, scim_users.attributes, scim_users.created_at, \
         scim_users.modified_at, scim_users.version, members.id AS seat_id, members.account_id AS seat_account, \
         members.state AS seat_state, members.role AS seat_role, members.version AS seat_version \
         FROM (SELECT scim_users.id AS chosen FROM {} WHERE {} ORDER BY {order} LIMIT ${first} OFFSET ${second}) \
         AS page JOIN scim_users ON scim_users.id = page.chosen \
         LEFT JOIN members ON members.id = scim_users.member_id ORDER BY {order}",
        condition.from(),
        condition.text,
    );
    let rows: Vec<Listed> = bound(text, condition)
        .bind::<BigInt, _>(limit)
        .bind::<BigInt, _>(offset)
        .load(conn)?;
    Ok(rows.into_iter().map(Person::from).collect())
}

/// The groups of these people: person, group, and the group's name.
pub fn groups_of(conn: &mut Conn, users: &[String]) -> Result<Vec<(String, String, String)>> {
    scim_group_members::table
        .inner_join(scim_groups::table)
        .filter(scim_group_members::user_id.eq_any(users))
        .order((scim_group_members::user_id, scim_groups::id))
        .select((
            scim_group_members::user_id,
            scim_groups::id,
            scim_groups::display_name,
        ))
        .load(conn)
}

/// The names of the teams of these members.
pub fn teams_of(conn: &mut Conn, members: &[String]) -> Result<Vec<(String, String)>> {
    team_members::table
        .inner_join(teams::table)
        .filter(team_members::member_id.eq_any(members))
        .order((team_members::member_id, teams::name_key))
        .select((team_members::member_id, teams::name))
        .load(conn)
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
