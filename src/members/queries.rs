//! SQL of members.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::Joining;
use super::model::{Linked, Managed, Membership, Source, State};
use crate::access::Role;
use crate::store::schema::{accounts, connections, identities, members, scim_users};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, Run as _};

/// Who gave a role that no mapping may take away.
const BY_HAND: &str = "hand";

/// A row of the table, for [`membership`].
#[derive(Queryable, Selectable)]
#[diesel(table_name = members)]
pub struct MemberRow {
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
    role_given_by: String,
}

/// What a membership tells of its account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub struct Person {
    full_name: String,
    email: String,
    email_key: String,
}

/// Both made one.
pub fn membership((row, person): (MemberRow, Person)) -> Membership {
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
        role_given_by: Some(row.role_given_by).filter(|by| by != BY_HAND),
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
        .select((MemberRow::as_select(), Person::as_select()))
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
        .select((MemberRow::as_select(), Person::as_select()))
        .first(conn)
        .optional()?;
    Ok(found.map(membership))
}

/// The memberships of these accounts in the organization, whatever their states.
///
/// # Errors
/// When the database refuses.
pub fn of_accounts(conn: &mut Conn, organization: &str, account_ids: &[&str]) -> Result<Vec<Membership>> {
    let theirs = members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .select((MemberRow::as_select(), Person::as_select()))
        .into_boxed();
    let found = match account_ids {
        [id] => theirs.filter(members::account_id.eq(*id)).load(conn)?,
        _ => theirs
            .filter(members::account_id.eq_any(account_ids))
            .load(conn)?,
    };
    Ok(found.into_iter().map(membership).collect())
}

/// The account's identities at this organization's connections, newest first. What it is elsewhere is
/// nobody's business here.
pub fn identities_of(conn: &mut Conn, organization: &str, account: &str) -> Result<Vec<Linked>> {
    let rows: Vec<(String, String, String, i64)> = identities::table
        .inner_join(connections::table)
        .filter(connections::organization_id.eq(organization))
        .filter(identities::account_id.eq(account))
        .order((identities::linked_at.desc(), identities::id))
        .select((
            connections::name,
            identities::issuer,
            identities::subject,
            identities::linked_at,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(connection, issuer, subject, since)| Linked {
            connection,
            issuer,
            subject,
            since,
        })
        .collect())
}

/// Whether a directory writes into the organization.
pub fn has_directory(conn: &mut Conn, organization: &str) -> Result<bool> {
    diesel::select(exists(
        connections::table
            .filter(connections::organization_id.eq(organization))
            .filter(connections::scim),
    ))
    .get_result(conn)
}

/// Those of these members whom a directory knows.
pub fn managed(conn: &mut Conn, ids: &[&String]) -> Result<Vec<Managed>> {
    let rows: Vec<(Option<String>, String, bool, String, bool)> = scim_users::table
        .inner_join(connections::table)
        .filter(scim_users::member_id.eq_any(ids))
        .select((
            scim_users::member_id,
            connections::name,
            connections::scim,
            scim_users::user_name,
            scim_users::adopted,
        ))
        .load(conn)?;
    let managed =
        |(member, connection, is_synchronised, user_name, adopted): (Option<String>, _, _, _, _)| {
            member.map(|member| Managed {
                member,
                connection,
                is_synchronised,
                user_name,
                adopted,
            })
        };
    Ok(rows.into_iter().filter_map(managed).collect())
}

/// The name of one of the organization's connections.
pub fn connection_name(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<String>> {
    connections::table
        .find(id)
        .filter(connections::organization_id.eq(organization))
        .select(connections::name)
        .first(conn)
        .optional()
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
            members::by_password.eq(new.by_password),
        ))
        .run(conn)
        .map(drop)
}

/// A removed member begins anew.
pub fn begin_anew(conn: &mut Conn, now: Timestamp, id: &str, new: &Joining<'_>) -> Result<usize> {
    diesel::update(members::table.find(id))
        .set((
            members::role.eq(new.role.as_str()),
            members::role_given_by.eq(BY_HAND),
            members::state.eq(State::Active.as_str()),
            members::source.eq(new.source.as_str()),
            members::invited_by.eq(new.invited_by),
            members::joined_at.eq(now),
            members::state_changed_at.eq(now),
            members::by_password.eq(new.by_password),
            members::version.eq(members::version + 1),
        ))
        .run(conn)
}

/// The account's own password no longer opens the organization.
pub fn distrust_password(conn: &mut Conn, id: &str) -> Result<()> {
    diesel::update(members::table.find(id))
        .set(members::by_password.eq(false))
        .run(conn)
        .map(drop)
}

/// The account's own password opens every organization that it owns. Answers how many it did not open before.
pub fn trust_password_of_owner(conn: &mut Conn, account: &str) -> Result<usize> {
    diesel::update(
        members::table
            .filter(members::account_id.eq(account))
            .filter(members::role.eq(Role::Owner.as_str()))
            .filter(members::state.eq(State::Active.as_str()))
            .filter(members::by_password.eq(false)),
    )
    .set(members::by_password.eq(true))
    .run(conn)
}

/// Whether the account is an active owner of any organization.
///
/// # Errors
/// When the database refuses.
pub fn owns_something(conn: &mut Conn, account: &str) -> Result<bool> {
    let owned = members::table
        .filter(members::account_id.eq(account))
        .filter(members::role.eq(Role::Owner.as_str()))
        .filter(members::state.eq(State::Active.as_str()));
    diesel::select(exists(owned)).get_result(conn)
}

pub fn set_last_sign_in(conn: &mut Conn, now: Timestamp, id: &str) -> Result<()> {
    diesel::update(members::table.find(id))
        .set(members::last_sign_in_at.eq(now))
        .run(conn)
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
        .run(conn)
}

/// Counts the version up, and touches nothing when somebody else did so first.
/// `connection` is the one whose mapping gives the role, if any does.
pub fn set_role(
    conn: &mut Conn,
    id: &str,
    version: i64,
    role: Role,
    connection: Option<&str>,
) -> Result<usize> {
    diesel::update(members::table.find(id).filter(members::version.eq(version)))
        .set((
            members::role.eq(role.as_str()),
            members::role_given_by.eq(connection.unwrap_or(BY_HAND)),
            members::version.eq(version + 1),
        ))
        .run(conn)
}

/// Notes that this connection's mapping gave the role that the member has.
pub fn set_role_given_by(conn: &mut Conn, id: &str, connection: &str) -> Result<usize> {
    diesel::update(members::table.find(id))
        .set(members::role_given_by.eq(connection))
        .run(conn)
}
