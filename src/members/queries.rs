//! SQL of members.

use diesel::prelude::*;

use super::Joining;
use super::model::{Membership, Source, State};
use crate::access::Role;
use crate::store::schema::{accounts, members};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

#[derive(Queryable, Selectable)]
#[diesel(table_name = members)]
struct Row {
    id: String,
    organization_id: String,
    account_id: String,
    role: String,
    state: String,
    source: String,
    invited_by: String,
    joined_at: i64,
    state_changed_at: i64,
    last_sign_in_at: Option<i64>,
    version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct Person {
    full_name: String,
    email: String,
    email_key: String,
}

fn membership((row, person): (Row, Person)) -> Membership {
    let name = if person.full_name.is_empty() {
        person.email.clone()
    } else {
        person.full_name
    };
    Membership {
        name,
        email: person.email,
        email_key: person.email_key,
        // The table's CHECKs know no other words; should one come all the same, it gives the least.
        role: Role::parse(&row.role).unwrap_or(Role::Member),
        state: State::parse(&row.state).unwrap_or(State::Deactivated),
        source: Source::parse(&row.source).unwrap_or(Source::Setup),
        id: row.id,
        organization: row.organization_id,
        account: row.account_id,
        invited_by: row.invited_by,
        joined_at: row.joined_at,
        state_changed_at: row.state_changed_at,
        last_sign_in_at: row.last_sign_in_at,
        version: row.version,
    }
}

/// One of the organization's memberships, whatever its state.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Membership>> {
    let found = members::table
        .inner_join(accounts::table)
        .filter(members::id.eq(id))
        .filter(members::organization_id.eq(organization))
        .select((Row::as_select(), Person::as_select()))
        .first(conn)
        .optional()?;
    Ok(found.map(membership))
}

/// The account's membership in the organization, whatever its state.
///
/// # Errors
/// When the database refuses.
pub fn find_by_account(conn: &mut Conn, organization: &str, account: &str) -> Result<Option<Membership>> {
    let found = members::table
        .inner_join(accounts::table)
        .filter(members::account_id.eq(account))
        .filter(members::organization_id.eq(organization))
        .select((Row::as_select(), Person::as_select()))
        .first(conn)
        .optional()?;
    Ok(found.map(membership))
}

/// How many owners beside this member can act: active, by an account that is.
pub fn other_owners(conn: &mut Conn, organization: &str, member: &str) -> Result<i64> {
    members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::id.ne(member))
        .filter(members::role.eq(Role::Owner.as_str()))
        .filter(members::state.eq(State::Active.as_str()))
        .filter(accounts::state.eq("active"))
        .count()
        .get_result(conn)
}

pub fn insert(conn: &mut Conn, now: Timestamp, id: &str, new: &Joining<'_>) -> Result<()> {
    diesel::insert_into(members::table)
        .values((
            members::id.eq(id),
            members::organization_id.eq(new.organization),
            members::account_id.eq(new.account),
            members::role.eq(new.role.as_str()),
            members::state.eq(State::Active.as_str()),
            members::source.eq(new.source.as_str()),
            members::invited_by.eq(new.invited_by),
            members::joined_at.eq(now),
            members::state_changed_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

/// A removed member begins anew.
pub fn begin_anew(conn: &mut Conn, now: Timestamp, id: &str, new: &Joining<'_>) -> Result<usize> {
    diesel::update(members::table.find(id))
        .set((
            members::role.eq(new.role.as_str()),
            members::state.eq(State::Active.as_str()),
            members::source.eq(new.source.as_str()),
            members::invited_by.eq(new.invited_by),
            members::joined_at.eq(now),
            members::state_changed_at.eq(now),
            members::version.eq(members::version + 1),
        ))
        .execute(conn)
}

pub fn set_last_sign_in(conn: &mut Conn, now: Timestamp, id: &str) -> Result<()> {
    diesel::update(members::table.find(id))
        .set(members::last_sign_in_at.eq(now))
        .execute(conn)
        .map(drop)
}

/// Counts the version up, and touches nothing when somebody else did so first.
pub fn set_state(conn: &mut Conn, now: Timestamp, id: &str, version: i64, state: State) -> Result<usize> {
    diesel::update(members::table.find(id).filter(members::version.eq(version)))
        .set((
            members::state.eq(state.as_str()),
            members::state_changed_at.eq(now),
            members::version.eq(version + 1),
        ))
        .execute(conn)
}

/// Counts the version up, and touches nothing when somebody else did so first.
pub fn set_role(conn: &mut Conn, id: &str, version: i64, role: Role) -> Result<usize> {
    diesel::update(members::table.find(id).filter(members::version.eq(version)))
        .set((members::role.eq(role.as_str()), members::version.eq(version + 1)))
        .execute(conn)
}
