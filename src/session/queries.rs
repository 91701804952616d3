//! SQL of sessions, and the one question that every request of a signed-in person asks.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::model::{NewSession, Open};
use crate::store::schema::{connections, denials, kept_forms, members, organizations, scim_guards, sessions};
use crate::store::time::Timestamp;
use crate::store::{self, Conn, Result, Run as _, Sql, id};

/// A session with its account, and the active membership in the organization of the page, if it is one's and there is one.
#[derive(Debug, QueryableByName)]
pub struct Row {
    #[diesel(sql_type = Text)]
    pub session: String,
    #[diesel(sql_type = Text)]
    pub account: String,
    /// The organization whose connection the person came by.
    #[diesel(sql_type = Nullable<Text>)]
    pub came_by: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub last_seen_at: Timestamp,
    #[diesel(sql_type = BigInt)]
    pub proved_at: Timestamp,
    #[diesel(sql_type = Text)]
    pub full_name: String,
    #[diesel(sql_type = Text)]
    pub email: String,
    #[diesel(sql_type = Text)]
    pub username: String,
    #[diesel(sql_type = Bool)]
    pub operator: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub organization: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub organization_name: Option<String>,
    /// Whether the organization lets anybody in at present: `on` or `off`.
    #[diesel(sql_type = Nullable<Text>)]
    pub organization_state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub member: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub role: Option<String>,
    /// Whether the account's own password opens the organization.
    #[diesel(sql_type = Bool)]
    pub by_password: bool,
    /// How many denials are open, counted up to 100; none for those whom they don't concern.
    #[diesel(sql_type = BigInt)]
    pub denials: i64,
    /// How many directories wait for an owner; likewise.
    #[diesel(sql_type = BigInt)]
    pub paused: i64,
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
            sessions::proved_at.eq(new.proved_at),
            sessions::strength.eq(new.strength.as_str()),
        ))
        .run(conn)
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
        .run(conn)
}

pub fn set_state(conn: &mut Conn, key_hash: &str, state: &str) -> Result<usize> {
    diesel::update(sessions::table.find(key_hash))
        .set(sessions::state.eq(state))
        .run(conn)
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
    diesel::delete(sessions::table.find(key_hash)).run(conn)
}

pub fn touch(conn: &mut Conn, id: &str, now: Timestamp) -> Result<usize> {
    diesel::update(sessions::table.filter(sessions::id.eq(id)))
        .set(sessions::last_seen_at.eq(now))
        .run(conn)
}

pub fn end(conn: &mut Conn, account: &str, id: &str) -> Result<usize> {
    diesel::delete(
        sessions::table
            .filter(sessions::account_id.eq(account))
            .filter(sessions::id.eq(id)),
    )
    .run(conn)
}

pub fn end_all(conn: &mut Conn, account: &str) -> Result<usize> {
    diesel::delete(sessions::table.filter(sessions::account_id.eq(account))).run(conn)
}

pub fn end_others(conn: &mut Conn, account: &str, keep: &str) -> Result<usize> {
    diesel::delete(
        sessions::table
            .filter(sessions::account_id.eq(account))
            .filter(sessions::id.ne(keep)),
    )
    .run(conn)
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
    .run(conn)
}

pub fn end_single_sign_on(conn: &mut Conn, account: &str, organization: &str) -> Result<usize> {
    diesel::delete(
        sessions::table
            .filter(sessions::account_id.eq(account))
            .filter(sessions::organization_id.eq(organization)),
    )
    .run(conn)
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

/// The session and its account, if both still stand, and its active membership in the organization with this slug, if
/// the page is about one: in one statement, as every page asks it.
pub fn signed(conn: &mut Conn, id: &str, slug: Option<&str>, now: Timestamp) -> Result<Option<Row>> {
    let asked = Sql::new(
        "SELECT s.id AS session, a.id AS account, s.organization_id AS came_by, s.last_seen_at AS last_seen_at, \
           s.proved_at AS proved_at, a.full_name AS full_name, a.email AS email, a.username AS username, \
           a.operator AS operator, \
           o.id AS organization, o.name AS organization_name, o.state AS organization_state, m.id AS member, m.role AS role, \
           COALESCE(m.by_password, FALSE) AS by_password, \
           CASE WHEN m.role <> 'member' THEN (SELECT COUNT(*) FROM (SELECT 1 AS one FROM denials d \
             WHERE d.organization_id = o.id AND d.state = 'open' LIMIT 100) AS few) ELSE 0 END AS denials, \
           CASE WHEN m.role <> 'member' THEN (SELECT COUNT(*) FROM connections c \
             JOIN scim_guards g ON g.connection_id = c.id \
             WHERE c.organization_id = o.id AND g.paused_at IS NOT NULL) ELSE 0 END AS paused \
         FROM sessions s JOIN accounts a ON a.id = s.account_id \
         LEFT JOIN organizations o ON o.slug = ? \
         LEFT JOIN members m ON m.organization_id = o.id AND m.account_id = a.id AND m.state = 'active' \
         WHERE s.id = ? AND s.expires_at > ? AND s.last_seen_at + s.idle_ms > ? AND a.state = 'active'",
    );
    // No organization has an empty slug.
    let asked = asked
        .text(slug.unwrap_or_default())
        .text(id)
        .number(now)
        .number(now);
    Ok(store::rows(conn, asked)?.pop())
}

/// How many denials are open here, counted up to 100: for a page that answers what has just changed it.
///
/// # Errors
/// When the database refuses.
pub fn open_denials(conn: &mut Conn, organization: &str) -> Result<usize> {
    let open: Vec<Timestamp> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::state.eq("open"))
        .select(denials::last_at)
        .limit(100)
        .load(conn)?;
    Ok(open.len())
}

/// The organizations that are on, that this account is an active member of, and that a session opens which came by that
/// organization's provider, or by none: id, slug and name, by name.
pub fn organizations_of(
    conn: &mut Conn,
    account: &str,
    came_by: Option<&str>,
) -> Result<Vec<(String, String, String)>> {
    let mut theirs = members::table.inner_join(organizations::table).into_boxed();
    theirs = match came_by {
        Some(own) => theirs.filter(organizations::id.eq(own)),
        None => theirs.filter(members::by_password),
    };
    theirs
        .filter(members::account_id.eq(account))
        .filter(members::state.eq("active"))
        .filter(organizations::state.eq("on"))
        .order(organizations::name)
        .select((organizations::id, organizations::slug, organizations::name))
        .load(conn)
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

/// Gives the session another id, a key that nobody holds yet, and a proof of this moment. Answers how many rows there
/// were: none if it has ended.
pub fn move_session(conn: &mut Conn, old: &str, new: &str, now: Timestamp, strength: &str) -> Result<usize> {
    diesel::update(sessions::table.filter(sessions::id.eq(old)))
        .set((
            sessions::id.eq(new),
            sessions::key_hash.eq(id::hash_token(&id::new_token())),
            sessions::proved_at.eq(now),
            sessions::strength.eq(strength),
        ))
        .execute(conn)
}

/// Slugs of organization and connection, and the connection's name, if the session came by it and it is on.
pub fn way_back(conn: &mut Conn, id: &str) -> Result<Option<(String, String, String)>> {
    sessions::table
        .inner_join(connections::table.on(sessions::connection_id.eq(connections::id.nullable())))
        .inner_join(organizations::table.on(organizations::id.eq(connections::organization_id)))
        .filter(sessions::id.eq(id))
        .filter(connections::state.eq("on"))
        .select((organizations::slug, connections::slug, connections::name))
        .first(conn)
        .optional()
}

/// How many forms of one person are kept.
const MOST_FORMS: i64 = 5;

pub fn keep_form(
    conn: &mut Conn,
    key_hash: &str,
    account: &str,
    path: &str,
    sealed: &str,
    end: Timestamp,
) -> Result<()> {
    let oldest: Vec<String> = kept_forms::table
        .filter(kept_forms::account_id.eq(account))
        .order(kept_forms::expires_at.desc())
        .offset(MOST_FORMS - 1)
        .limit(100)
        .select(kept_forms::key_hash)
        .load(conn)?;
    diesel::delete(kept_forms::table.filter(kept_forms::key_hash.eq_any(oldest))).execute(conn)?;
    diesel::insert_into(kept_forms::table)
        .values((
            kept_forms::key_hash.eq(key_hash),
            kept_forms::account_id.eq(account),
            kept_forms::path.eq(path),
            kept_forms::body_sealed.eq(sealed),
            kept_forms::expires_at.eq(end),
        ))
        .execute(conn)
        .map(drop)
}

/// Path and sealed body of a form that this account left.
pub fn kept_form(
    conn: &mut Conn,
    key_hash: &str,
    account: &str,
    now: Timestamp,
) -> Result<Option<(String, String)>> {
    kept_forms::table
        .find(key_hash)
        .filter(kept_forms::account_id.eq(account))
        .filter(kept_forms::expires_at.gt(now))
        .select((kept_forms::path, kept_forms::body_sealed))
        .first(conn)
        .optional()
}

/// What opens an organization: sessions by its own provider, and those by password of its members.
macro_rules! opens {
    ($organization:expr) => {{
        let of_a_member = members::table
            .filter(members::organization_id.eq($organization))
            .filter(members::by_password)
            .filter(members::account_id.nullable().eq(sessions::account_id));
        let by_password = sessions::organization_id
            .is_null()
            .and(diesel::dsl::exists(of_a_member));
        by_password.or(sessions::organization_id.eq($organization))
    }};
}

/// How many sessions open the organization, but `keep`.
pub fn count_in_organization(conn: &mut Conn, organization: &str, keep: &str, now: Timestamp) -> Result<i64> {
    sessions::table
        .filter(opens!(organization))
        .filter(sessions::id.ne(keep))
        .filter(sessions::expires_at.gt(now))
        .filter((sessions::last_seen_at + sessions::idle_ms).gt(now))
        .count()
        .get_result(conn)
}

/// Ends what opens the organization, but `keep`. Answers how many those were.
pub fn end_everybody_in_organization(conn: &mut Conn, organization: &str, keep: &str) -> Result<usize> {
    diesel::delete(
        sessions::table
            .filter(opens!(organization))
            .filter(sessions::id.ne(keep)),
    )
    .execute(conn)
}
