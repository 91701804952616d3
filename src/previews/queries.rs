//! SQL of previews: who was seen, who was denied, who is invited, who is a member.

use diesel::prelude::*;

use crate::connections::Connection;
use crate::store::schema::{
    accounts, audit_events, connection_domains, connections, denials, domains, identities, invitations,
    members, sign_ins, team_members,
};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// A recorded sign-in, as far as a replay needs it.
#[derive(Queryable)]
pub struct Seen {
    pub id: String,
    pub at: Timestamp,
    pub person_key: String,
    pub account: Option<String>,
    pub issuer: String,
    pub subject: String,
    pub email: String,
    pub email_verified: Option<bool>,
    pub name: String,
    pub groups_json: String,
}

const SEEN: (
    sign_ins::id,
    sign_ins::at,
    sign_ins::person_key,
    sign_ins::account_id,
    sign_ins::issuer,
    sign_ins::subject,
    sign_ins::email,
    sign_ins::email_verified,
    sign_ins::name,
    sign_ins::groups_json,
) = (
    sign_ins::id,
    sign_ins::at,
    sign_ins::person_key,
    sign_ins::account_id,
    sign_ins::issuer,
    sign_ins::subject,
    sign_ins::email,
    sign_ins::email_verified,
    sign_ins::name,
    sign_ins::groups_json,
);

/// Judged sign-ins by this connection since then, newest first, after the moment and id of the last one.
pub fn seen(
    conn: &mut Conn,
    connection: &Connection,
    since: Timestamp,
    after: Option<&(Timestamp, String)>,
    most: i64,
) -> Result<Vec<Seen>> {
    let mut query = sign_ins::table
        .filter(sign_ins::organization_id.eq(&connection.organization))
        .filter(sign_ins::at.ge(since))
        .filter(sign_ins::connection_id.eq(&connection.id))
        .filter(sign_ins::outcome.ne("rejected"))
        .into_boxed();
    if let Some((at, id)) = after {
        query = query
            .filter(sign_ins::at.le(*at))
            .filter(sign_ins::at.lt(*at).or(sign_ins::id.lt(id)));
    }
    query
        .order((sign_ins::at.desc(), sign_ins::id.desc()))
        .limit(most)
        .select(SEEN)
        .load(conn)
}

/// How many sign-ins the organization has since then, counted up to `most`.
pub fn count_seen(conn: &mut Conn, organization: &str, since: Timestamp, most: i64) -> Result<usize> {
    let found: Vec<Timestamp> = sign_ins::table
        .filter(sign_ins::organization_id.eq(organization))
        .filter(sign_ins::at.ge(since))
        .select(sign_ins::at)
        .limit(most)
        .load(conn)?;
    Ok(found.len())
}

/// How many people may sign in, counted up to `most`.
pub fn count_members(conn: &mut Conn, organization: &str, most: i64) -> Result<usize> {
    let found: Vec<String> = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .select(members::state)
        .limit(most)
        .load(conn)?;
    Ok(found.len())
}

/// How many people were denied last before `before` and wait, counted up to `most`.
pub fn count_denied(conn: &mut Conn, organization: &str, before: Timestamp, most: i64) -> Result<usize> {
    let found: Vec<Timestamp> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::last_at.lt(before))
        .filter(denials::state.ne("settled"))
        .select(denials::last_at)
        .limit(most)
        .load(conn)?;
    Ok(found.len())
}

/// A denial that is not settled: the last attempt where it is still kept, and what the row itself knows.
pub type Denied = (String, Timestamp, String, String, String, Option<Seen>);

/// Those by this connection whose last attempt was before then, newest first, after the moment and id of the last one.
pub fn denied(
    conn: &mut Conn,
    connection: &Connection,
    before: Timestamp,
    after: Option<&(Timestamp, String)>,
    most: i64,
) -> Result<Vec<Denied>> {
    let mut query = denials::table
        .left_join(sign_ins::table.on(sign_ins::id.eq(denials::last_sign_in_id)))
        .filter(denials::organization_id.eq(&connection.organization))
        .filter(denials::connection_id.eq(&connection.id))
        .filter(denials::last_at.lt(before))
        .filter(denials::state.ne("settled"))
        .into_boxed();
    if let Some((at, id)) = after {
        query = query
            .filter(denials::last_at.le(*at))
            .filter(denials::last_at.lt(*at).or(denials::id.lt(id)));
    }
    query
        .order((denials::last_at.desc(), denials::id.desc()))
        .limit(most)
        .select((
            denials::id,
            denials::last_at,
            denials::person_key,
            denials::email,
            denials::name,
            SEEN.nullable(),
        ))
        .load(conn)
}

/// When it was made, id and address of the invitations that wait, oldest first, after the moment and id of the last one.
pub fn invited(
    conn: &mut Conn,
    organization: &str,
    now: Timestamp,
    (at, id): (Timestamp, &str),
    most: i64,
) -> Result<Vec<(Timestamp, String, String)>> {
    invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(now))
        .filter(invitations::created_at.ge(at))
        .filter(invitations::created_at.gt(at).or(invitations::id.gt(id)))
        .order((invitations::created_at, invitations::id))
        .limit(most)
        .select((invitations::created_at, invitations::id, invitations::email))
        .load(conn)
}

/// Account, address and name of the active members; by account, after this one.
pub fn members(
    conn: &mut Conn,
    organization: &str,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String, String)>> {
    members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .filter(members::account_id.gt(after))
        .order(members::account_id)
        .limit(most)
        .select((accounts::id, accounts::email, accounts::full_name))
        .load(conn)
}

/// Account, issuer and subject of what links these accounts at a connection, the latest last.
pub fn identities(
    conn: &mut Conn,
    connection: &str,
    account_ids: &[&str],
) -> Result<Vec<(String, String, String)>> {
    identities::table
        .filter(identities::account_id.eq_any(account_ids))
        .filter(identities::connection_id.eq(connection))
        .order((identities::linked_at, identities::id))
        .select((identities::account_id, identities::issuer, identities::subject))
        .load(conn)
}

/// Names of the verified domains attached to a connection.
pub fn verified_domains(conn: &mut Conn, connection: &str) -> Result<Vec<String>> {
    connection_domains::table
        .inner_join(domains::table)
        .filter(connection_domains::connection_id.eq(connection))
        .filter(domains::verified)
        .order(domains::name)
        .select(domains::name)
        .load(conn)
}

/// Names of the organization's verified domains among these.
pub fn domain_names(conn: &mut Conn, organization: &str, ids: &[&String]) -> Result<Vec<String>> {
    domains::table
        .filter(domains::organization_id.eq(organization))
        .filter(domains::id.eq_any(ids))
        .filter(domains::verified)
        .order(domains::name)
        .select(domains::name)
        .load(conn)
}

/// Domains that another connection of the organization, which is on, enforces.
pub fn enforced_elsewhere(conn: &mut Conn, connection: &Connection) -> Result<Vec<String>> {
    connection_domains::table
        .inner_join(domains::table)
        .inner_join(connections::table)
        .filter(connections::organization_id.eq(&connection.organization))
        .filter(connections::id.ne(&connection.id))
        .filter(connections::enforce)
        .filter(connections::state.eq("on"))
        .filter(domains::verified)
        .select(domains::name)
        .load(conn)
}

/// Account, address and name of the active members with a password and an address at one of these domains who
/// do not run the installation. By account, after this one.
pub fn with_password(
    conn: &mut Conn,
    organization: &str,
    names: &[String],
    after: &str,
    most: i64,
) -> Result<Vec<(String, String, String)>> {
    members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .filter(members::account_id.gt(after))
        .filter(accounts::password_hash.is_not_null())
        .filter(accounts::operator.eq(false))
        .filter(accounts::email_domain.eq_any(names))
        .order(members::account_id)
        .limit(most)
        .select((accounts::id, accounts::email, accounts::full_name))
        .load(conn)
}

/// Those of these accounts that signed in by the connection since then.
pub fn seen_of(
    conn: &mut Conn,
    connection: &Connection,
    account_ids: &[&str],
    since: Timestamp,
) -> Result<Vec<Option<String>>> {
    sign_ins::table
        .filter(sign_ins::organization_id.eq(&connection.organization))
        .filter(sign_ins::connection_id.eq(&connection.id))
        .filter(sign_ins::outcome.eq("admitted"))
        .filter(sign_ins::at.ge(since))
        .filter(sign_ins::account_id.eq_any(account_ids))
        .select(sign_ins::account_id)
        .distinct()
        .load(conn)
}

/// How many things were done in the organization since then, sign-ins left out.
pub fn deeds_since(conn: &mut Conn, organization: &str, since: Timestamp) -> Result<i64> {
    audit_events::table
        .filter(audit_events::organization_id.eq(organization))
        .filter(audit_events::at.ge(since))
        .filter(audit_events::action.not_like("sign_in.%"))
        .count()
        .get_result(conn)
}

/// How many invitations ran out after `from` and up to `to`.
pub fn ran_out(conn: &mut Conn, organization: &str, from: Timestamp, to: Timestamp) -> Result<i64> {
    invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(from))
        .filter(invitations::expires_at.le(to))
        .count()
        .get_result(conn)
}

/// How many people were denied here by the connection in this time, for this reason alone where one is named.
pub fn denied_between(
    conn: &mut Conn,
    connection: &Connection,
    (from, until): (Timestamp, Timestamp),
    reason: Option<&str>,
) -> Result<i64> {
    let mut query = sign_ins::table
        .filter(sign_ins::organization_id.eq(&connection.organization))
        .filter(sign_ins::at.ge(from))
        .filter(sign_ins::at.lt(until))
        .filter(sign_ins::connection_id.eq(&connection.id))
        .filter(sign_ins::outcome.eq("denied"))
        .into_boxed();
    if let Some(reason) = reason {
        query = query.filter(sign_ins::reason.eq(reason.to_owned()));
    }
    let people: Vec<String> = query.select(sign_ins::person_key).distinct().load(conn)?;
    Ok(i64::try_from(people.len()).unwrap_or(i64::MAX))
}

/// Whether the account is an active owner here.
pub fn is_owner(conn: &mut Conn, organization: &str, account: &str) -> Result<bool> {
    let owner = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::account_id.eq(account))
        .filter(members::role.eq("owner"))
        .filter(members::state.eq("active"));
    diesel::select(diesel::dsl::exists(owner)).get_result(conn)
}

/// How many people may sign in here.
pub fn active_members(conn: &mut Conn, organization: &str) -> Result<i64> {
    members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .count()
        .get_result(conn)
}

/// How many invitations wait and have not expired.
pub fn pending_invitations(conn: &mut Conn, organization: &str, now: Timestamp) -> Result<i64> {
    invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(now))
        .count()
        .get_result(conn)
}

/// How many people of this connection became members by just-in-time provisioning since then.
pub fn joined_by_jit(conn: &mut Conn, connection: &Connection, since: Timestamp) -> Result<i64> {
    let linked = identities::table
        .filter(identities::connection_id.eq(&connection.id))
        .select(identities::account_id);
    members::table
        .filter(members::organization_id.eq(&connection.organization))
        .filter(members::source.eq("jit"))
        .filter(members::joined_at.ge(since))
        .filter(members::account_id.eq_any(linked))
        .count()
        .get_result(conn)
}

/// How many people were denied here since then for want of an invitation alone, and come from a domain
/// by which just-in-time provisioning would let them in.
pub fn denied_but_for_jit(conn: &mut Conn, connection: &Connection, since: Timestamp) -> Result<i64> {
    let covered = connection_domains::table
        .inner_join(domains::table)
        .filter(connection_domains::connection_id.eq(&connection.id))
        .filter(domains::verified)
        .filter(domains::lapsed_at.is_null())
        .select(domains::name);
    denials::table
        .inner_join(sign_ins::table.on(sign_ins::id.eq(denials::last_sign_in_id)))
        .filter(denials::organization_id.eq(&connection.organization))
        .filter(denials::connection_id.eq(&connection.id))
        .filter(denials::reason.eq("not_invited"))
        .filter(denials::state.ne("settled"))
        .filter(denials::last_at.ge(since))
        .filter(denials::domain.eq_any(covered))
        .filter(
            sign_ins::email_verified
                .is_null()
                .or(sign_ins::email_verified.eq(true)),
        )
        .count()
        .get_result(conn)
}

/// How many team memberships a group of this connection gave.
pub fn mapped_memberships(conn: &mut Conn, connection: &str) -> Result<i64> {
    team_members::table
        .filter(team_members::connection_id.eq(connection))
        .filter(team_members::source.eq("mapping"))
        .count()
        .get_result(conn)
}
