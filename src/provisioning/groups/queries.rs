//! SQL of the groups of a directory.

use diesel::deserialize::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::filter::Condition;
use super::{Group, display_key};
use crate::provisioning::tokens::Caller;
use crate::provisioning::users::sql::Bound;
use crate::store::schema::{scim_counts, scim_group_members, scim_groups, scim_users};
use crate::store::sql::Sql;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, Run as _, rows_of_many};

/// How many ids one statement names.
const AT_ONCE: usize = 500;

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = scim_groups)]
struct Row {
    id: String,
    display_name: String,
    external_id: String,
    created_at: i64,
    modified_at: i64,
    version: i64,
}

impl From<Row> for Group {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            display_name: row.display_name,
            external_id: row.external_id,
            created_at: row.created_at,
            modified_at: row.modified_at,
            version: row.version,
        }
    }
}

/// One group of the connection's directory.
pub fn find(conn: &mut Conn, connection: &str, id: &str) -> Result<Option<Group>> {
    let row: Option<Row> = scim_groups::table
        .filter(scim_groups::id.eq(id))
        .filter(scim_groups::connection_id.eq(connection))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Group::from))
}

/// The connection's group of this name.
pub fn named(conn: &mut Conn, connection: &str, name: &str) -> Result<Option<String>> {
    scim_groups::table
        .filter(scim_groups::connection_id.eq(connection))
        .filter(scim_groups::display_key.eq(display_key(name)))
        .select(scim_groups::id)
        .first(conn)
        .optional()
}

/// Keeps a new group.
pub fn insert(conn: &mut Conn, caller: &Caller, group: &Group) -> Result<()> {
    let connection = caller.connection.id.as_str();
    diesel::insert_into(scim_groups::table)
        .values((
            scim_groups::id.eq(&group.id),
            scim_groups::organization_id.eq(&caller.organization),
            scim_groups::connection_id.eq(connection),
            scim_groups::display_name.eq(&group.display_name),
            scim_groups::display_key.eq(display_key(&group.display_name)),
            scim_groups::external_id.eq(&group.external_id),
            scim_groups::created_at.eq(group.created_at),
            scim_groups::modified_at.eq(group.modified_at),
        ))
        .run(conn)?;
    count(conn, connection, 1)
}

/// Keeps a changed group: its names, and that it changed.
pub fn update(conn: &mut Conn, now: Timestamp, group: &Group) -> Result<()> {
    diesel::update(scim_groups::table.find(&group.id))
        .set((
            scim_groups::display_name.eq(&group.display_name),
            scim_groups::display_key.eq(display_key(&group.display_name)),
            scim_groups::external_id.eq(&group.external_id),
            scim_groups::modified_at.eq(now),
            scim_groups::version.eq(scim_groups::version + 1),
        ))
        .run(conn)
        .map(drop)
}

/// Forgets a group and who was in it.
pub fn delete(conn: &mut Conn, connection: &str, group: &str) -> Result<()> {
    diesel::delete(scim_group_members::table.filter(scim_group_members::group_id.eq(group))).run(conn)?;
    diesel::delete(scim_groups::table.find(group)).run(conn)?;
    count(conn, connection, -1)
}

/// One more or one less. Whoever calls this holds the organization.
fn count(conn: &mut Conn, connection: &str, more: i64) -> Result<()> {
    let counted = diesel::update(scim_counts::table.find(connection))
        .set(scim_counts::groups.eq(scim_counts::groups + more))
        .run(conn)?;
    if counted == 0 {
        diesel::insert_into(scim_counts::table)
            .values((
                scim_counts::connection_id.eq(connection),
                scim_counts::groups.eq(more),
            ))
            .run(conn)?;
    }
    Ok(())
}

/// How many groups the connection's directory has.
pub fn total(conn: &mut Conn, connection: &str) -> Result<i64> {
    let groups: Option<i64> = scim_counts::table
        .find(connection)
        .select(scim_counts::groups)
        .first(conn)
        .optional()?;
    Ok(groups.unwrap_or_default())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
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

/// How many groups fit.
pub fn count_fitting(conn: &mut Conn, condition: &Condition) -> Result<i64> {
    let text = format!(
        "SELECT count(*) AS count FROM scim_groups WHERE {}",
        condition.text
    );
    let row: Count = bound(text, condition).get_result(conn)?;
    Ok(row.count)
}

/// Those that fit, in order: so many, after so many. The columns of `order` are ours.
pub fn page(
    conn: &mut Conn,
    condition: &Condition,
    order: &str,
    (offset, limit): (i64, i64),
) -> Result<Vec<Group>> {
    let (first, second) = (condition.bound.len() + 1, condition.bound.len() + 2);
    let text = format!(
        "SELECT id, display_name, external_id, created_at, modified_at, version FROM scim_groups \
         WHERE {} ORDER BY {order} LIMIT ${first} OFFSET ${second}",
        condition.text,
    );
    let rows: Vec<Row> = bound(text, condition)
        .bind::<BigInt, _>(limit)
        .bind::<BigInt, _>(offset)
        .load(conn)?;
    Ok(rows.into_iter().map(Group::from).collect())
}

/// The people of these groups: group, person, user name.
pub fn members_of(conn: &mut Conn, groups: &[&str]) -> Result<Vec<(String, String, String)>> {
    scim_group_members::table
        .inner_join(scim_users::table)
        .filter(scim_group_members::group_id.eq_any(groups))
        .order((scim_group_members::group_id, scim_group_members::user_id))
        .select((
            scim_group_members::group_id,
            scim_group_members::user_id,
            scim_users::user_name,
        ))
        .load(conn)
}

/// Whether more people are in the group than this.
pub fn exceeds(conn: &mut Conn, group: &str, people: i64) -> Result<bool> {
    let beyond: Option<String> = scim_group_members::table
        .filter(scim_group_members::group_id.eq(group))
        .order(scim_group_members::user_id)
        .select(scim_group_members::user_id)
        .offset(people)
        .first(conn)
        .optional()?;
    Ok(beyond.is_some())
}

/// The ids of everybody in a group.
pub fn everybody(conn: &mut Conn, group: &str) -> Result<Vec<String>> {
    scim_group_members::table
        .filter(scim_group_members::group_id.eq(group))
        .select(scim_group_members::user_id)
        .load(conn)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Goes on with the group and these people. Each id has a place of its own: of an array PostgreSQL would not know how long
/// it is, take it for long, and rather read the whole group.
fn of_group(text: &mut Sql, group: &str, users: &[String]) {
    text.add(" FROM scim_group_members WHERE group_id = ")
        .bind(group)
        .add(" AND user_id IN ")
        .list(users);
}

/// Those of these people who are in the group.
pub fn present(conn: &mut Conn, group: &str, users: &[String]) -> Result<Vec<String>> {
    let mut present = Vec::new();
    for some in users.chunks(AT_ONCE) {
        let mut text = Sql::new("SELECT user_id AS id");
        of_group(&mut text, group, some);
        present.extend(text.load::<Id>(conn)?.into_iter().map(|one| one.id));
    }
    Ok(present)
}

/// Puts those of these people whom the connection's directory knows, and who are not in the group, into it;
/// answers how many that were.
pub fn add(conn: &mut Conn, connection: &str, group: &str, users: &[String]) -> Result<usize> {
    let mut added = 0;
    for some in users.chunks(AT_ONCE) {
        let mut text = Sql::new("INSERT INTO scim_group_members (group_id, user_id) SELECT ");
        text.bind(group)
            .add(", id FROM scim_users WHERE connection_id = ")
            .bind(connection)
            .add(" AND id IN ")
            .list(some);
        added += text.execute(conn)?;
    }
    Ok(added)
}

/// Takes these people out of the group.
pub fn remove(conn: &mut Conn, group: &str, users: &[String]) -> Result<()> {
    for some in users.chunks(AT_ONCE) {
        let mut text = Sql::new("DELETE");
        of_group(&mut text, group, some);
        text.execute(conn)?;
    }
    Ok(())
}

/// The user names of these people, and their memberships where they have one.
pub fn people(conn: &mut Conn, users: &[String]) -> Result<Vec<(String, Option<String>)>> {
    let mut people = Vec::with_capacity(users.len());
    for some in users.chunks(AT_ONCE) {
        let wanted = scim_users::table
            .filter(scim_users::id.eq_any(some))
            .order(scim_users::id)
            .select((scim_users::user_name, scim_users::member_id));
        people.extend(rows_of_many::<_, (String, Option<String>)>(conn, wanted)?);
    }
    Ok(people)
}
