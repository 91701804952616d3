//! SQL of sessions, and the one question that every request of a signed-in person asks.

use diesel::prelude::*;

use super::model::{NewSession, Open};
use crate::store::schema::{accounts, connections, denials, members, organizations, scim_guards, sessions};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, id};

/// A session's row with its account.
#[derive(Debug, Clone, Queryable)]
pub struct Row {
    pub session: String,
    pub account: String,
    pub organization: Option<String>,
    pub last_seen_at: Timestamp,
    pub name: String,
    pub email: String,
    pub username: String,
    pub operator: bool,
}

pub fn insert(conn: &mut Conn, id: &str, now: Timestamp, new: &NewSession<'_>) -> Result<()> {
    diesel::insert_into(sessions::table)
        .values((
            // Nobody holds the key of this hash: `adopt` replaces it when the browser gets its own.
            sessions::key_hash.eq(id::hash_token(&id::new_token())),
            sessions::id.eq(id),
            sessions::account_id.eq(new.account),
            sessions::organization_id.eq(new.organization),
            sessions::connection_id.eq(new.connection),
            sessions::state.eq("{}"),
            sessions::ip.eq(&new.client.ip),
            sessions::user_agent.eq(&new.client.user_agent),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::idle_ms.eq(new.idle),
            sessions::expires_at.eq(now + new.lifetime),
        ))
        .execute(conn)
        .map(drop)
}

pub fn end_oldest(conn: &mut Conn, account: &str, keep: i64) -> Result<usize> {
    let oldest: Vec<String> = sessions::table
        .filter(sessions::account_id.eq(account))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .offset(keep)
        .limit(100)
        .select(sessions::id)
        .load(conn)?;
    if oldest.is_empty() {
        return Ok(0);
    }
    diesel::delete(sessions::table.filter(sessions::id.eq_any(oldest))).execute(conn)
}

/// Gives the row `id` the key of a browser. Answers how many rows there were: none if it has ended.
pub fn adopt(conn: &mut Conn, id: &str, key_hash: &str, state: &str) -> Result<usize> {
    diesel::update(sessions::table.filter(sessions::id.eq(id)))
        .set((sessions::key_hash.eq(key_hash), sessions::state.eq(state)))
        .execute(conn)
}

pub fn set_state(conn: &mut Conn, key_hash: &str, state: &str) -> Result<usize> {
    diesel::update(sessions::table.find(key_hash))
        .set(sessions::state.eq(state))
        .execute(conn)
}

pub fn state(conn: &mut Conn, key_hash: &str, now: Timestamp) -> Result<Option<String>> {
    sessions::table
        .find(key_hash)
        .filter(sessions::expires_at.gt(now))
        .filter((sessions::last_seen_at + sessions::idle_ms).gt(now))
        .select(sessions::state)
        .first(conn)
        .optional()
}

pub fn delete(conn: &mut Conn, key_hash: &str) -> Result<usize> {
    diesel::delete(sessions::table.find(key_hash)).execute(conn)
}

pub fn touch(conn: &mut Conn, id: &str, now: Timestamp) -> Result<usize> {
    diesel::update(sessions::table.filter(sessions::id.eq(id)))
        .set(sessions::last_seen_at.eq(now))
        .execute(conn)
}

pub fn end(conn: &mut Conn, account: &str, id: &str) -> Result<usize> {
    diesel::delete(
        sessions::table
            .filter(sessions::account_id.eq(account))
            .filter(sessions::id.eq(id)),
    )
    .execute(conn)
}

pub fn end_all(conn: &mut Conn, account: &str) -> Result<usize> {
    diesel::delete(sessions::table.filter(sessions::account_id.eq(account))).execute(conn)
}

pub fn end_others(conn: &mut Conn, account: &str, keep: &str) -> Result<usize> {
    diesel::delete(
        sessions::table
            .filter(sessions::account_id.eq(account))
            .filter(sessions::id.ne(keep)),
    )
    .execute(conn)
}

pub fn end_in_organization(conn: &mut Conn, account: &str, organization: &str) -> Result<usize> {
    let here = sessions::organization_id
        .is_null()
        .or(sessions::organization_id.eq(organization));
    diesel::delete(
        sessions::table
            .filter(sessions::account_id.eq(account))
            .filter(here),
    )
    .execute(conn)
}

pub fn end_single_sign_on(conn: &mut Conn, account: &str, organization: &str) -> Result<usize> {
    diesel::delete(
        sessions::table
            .filter(sessions::account_id.eq(account))
            .filter(sessions::organization_id.eq(organization)),
    )
    .execute(conn)
}

pub fn list(conn: &mut Conn, account: &str, organization: Option<&str>, now: Timestamp) -> Result<Vec<Open>> {
    let mut open = sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::expires_at.gt(now))
        .filter((sessions::last_seen_at + sessions::idle_ms).gt(now))
        .into_boxed();
    if let Some(organization) = organization {
        open = open.filter(sessions::organization_id.eq(organization));
    }
    let rows: Vec<(String, String, String, i64, i64)> = open
        .order(sessions::created_at.desc())
        .select((
            sessions::id,
            sessions::ip,
            sessions::user_agent,
            sessions::created_at,
            sessions::last_seen_at,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, ip, user_agent, created_at, last_seen_at)| Open {
            id,
            ip,
            user_agent,
            created_at,
            last_seen_at,
        })
        .collect())
}

/// The session and its account, if both still stand.
pub fn signed(conn: &mut Conn, id: &str, now: Timestamp) -> Result<Option<Row>> {
    sessions::table
        .inner_join(accounts::table)
        .filter(sessions::id.eq(id))
        .filter(sessions::expires_at.gt(now))
        .filter((sessions::last_seen_at + sessions::idle_ms).gt(now))
        .filter(accounts::state.eq("active"))
        .select((
            sessions::id,
            accounts::id,
            sessions::organization_id,
            sessions::last_seen_at,
            accounts::full_name,
            accounts::email,
            accounts::username,
            accounts::operator,
        ))
        .first(conn)
        .optional()
}

/// Organization (id, name), membership id and role of an active member, by the organization's slug.
pub fn membership(
    conn: &mut Conn,
    account: &str,
    slug: &str,
) -> Result<Option<(String, String, String, String)>> {
    members::table
        .inner_join(organizations::table)
        .filter(organizations::slug.eq(slug))
        .filter(members::account_id.eq(account))
        .filter(members::state.eq("active"))
        .select((organizations::id, organizations::name, members::id, members::role))
        .first(conn)
        .optional()
}

/// Slugs of the organizations that this account is an active member of, by name.
pub fn organizations_of(conn: &mut Conn, account: &str) -> Result<Vec<(String, String, String)>> {
    members::table
        .inner_join(organizations::table)
        .filter(members::account_id.eq(account))
        .filter(members::state.eq("active"))
        .order(organizations::name)
        .select((organizations::id, organizations::slug, organizations::name))
        .load(conn)
}

/// How many denials are open, counted up to 100.
pub fn open_denials(conn: &mut Conn, organization: &str) -> Result<usize> {
    let some: Vec<String> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::state.eq("open"))
        .select(denials::id)
        .limit(100)
        .load(conn)?;
    Ok(some.len())
}

/// Id and name of the connections whose directory deactivated too many and waits for an owner.
pub fn paused_directories(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    scim_guards::table
        .inner_join(connections::table.on(connections::id.eq(scim_guards::connection_id)))
        .filter(scim_guards::paused_at.is_not_null())
        .filter(connections::organization_id.eq(organization))
        .order(connections::name)
        .select((connections::id, connections::name))
        .load(conn)
}

/// Whether the account owns any organization.
pub fn is_owner_anywhere(conn: &mut Conn, account: &str) -> Result<bool> {
    let owned = members::table
        .filter(members::account_id.eq(account))
        .filter(members::state.eq("active"))
        .filter(members::role.eq("owner"));
    diesel::select(diesel::dsl::exists(owned)).get_result(conn)
}
