//! SQL of set-up links.

use diesel::prelude::*;

use super::Link;
use crate::store::schema::{connection_links, organizations};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

#[derive(Queryable, Selectable)]
#[diesel(table_name = connection_links)]
struct Row {
    id: String,
    connection_id: String,
    name: String,
    may_switch: bool,
    created_at: i64,
    created_by: String,
    expires_at: i64,
    begun_at: Option<i64>,
    begun_ip: String,
    seen_at: Option<i64>,
    revoked_at: Option<i64>,
    email: String,
}

impl From<Row> for Link {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            connection: row.connection_id,
            name: row.name,
            may_switch: row.may_switch,
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            begun_at: row.begun_at,
            begun_ip: row.begun_ip,
            seen_at: row.seen_at,
            revoked_at: row.revoked_at,
            email: row.email,
        }
    }
}

/// The links of a connection, newest first; the last hundred.
///
/// # Errors
/// When the database refuses.
pub fn list(conn: &mut Conn, connection: &str) -> Result<Vec<Link>> {
    let rows: Vec<Row> = connection_links::table
        .filter(connection_links::connection_id.eq(connection))
        .order(connection_links::id.desc())
        .limit(100)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// A link and what its pages name: the organization's id and name.
pub struct Held {
    pub link: Link,
    pub organization: String,
    pub organization_name: String,
}

type HeldRow = (Row, String, String);

fn held((row, organization, organization_name): HeldRow) -> Held {
    Held {
        link: Link::from(row),
        organization,
        organization_name,
    }
}

/// The link with this token, whatever its state, in an organization that is on.
///
/// # Errors
/// When the database refuses.
pub fn waiting(conn: &mut Conn, token_hash: &str) -> Result<Option<Held>> {
    let row: Option<HeldRow> = connection_links::table
        .inner_join(organizations::table)
        .filter(connection_links::token_hash.eq(token_hash))
        .filter(organizations::state.eq("on"))
        .select((Row::as_select(), organizations::id, organizations::name))
        .first(conn)
        .optional()?;
    Ok(row.map(held))
}

/// The link that this browser holds, whatever its state, in an organization that is on.
pub fn held_by(conn: &mut Conn, browser_hash: &str) -> Result<Option<Held>> {
    let row: Option<HeldRow> = connection_links::table
        .inner_join(organizations::table)
        .filter(connection_links::browser_hash.eq(browser_hash))
        .filter(organizations::state.eq("on"))
        .select((Row::as_select(), organizations::id, organizations::name))
        .first(conn)
        .optional()?;
    Ok(row.map(held))
}

pub fn insert(conn: &mut Conn, organization: &str, link: &Link, token_hash: &str) -> Result<()> {
    diesel::insert_into(connection_links::table)
        .values((
            connection_links::id.eq(&link.id),
            connection_links::organization_id.eq(organization),
            connection_links::connection_id.eq(&link.connection),
            connection_links::name.eq(&link.name),
            connection_links::token_hash.eq(token_hash),
            connection_links::may_switch.eq(link.may_switch),
            connection_links::created_at.eq(link.created_at),
            connection_links::created_by.eq(&link.created_by),
            connection_links::expires_at.eq(link.expires_at),
            connection_links::email.eq(&link.email),
        ))
        .execute(conn)
        .map(drop)
}

/// Gives the link to this browser, if no other has it and it has not ended. Answers whether it was this call that did.
pub fn begin(conn: &mut Conn, id: &str, browser_hash: &str, ip: &str, now: Timestamp) -> Result<bool> {
    let touched = diesel::update(
        connection_links::table
            .find(id)
            .filter(connection_links::browser_hash.is_null())
            .filter(connection_links::revoked_at.is_null())
            .filter(connection_links::expires_at.gt(now)),
    )
    .set((
        connection_links::browser_hash.eq(Some(browser_hash)),
        connection_links::begun_at.eq(Some(now)),
        connection_links::begun_ip.eq(ip),
        connection_links::seen_at.eq(Some(now)),
    ))
    .execute(conn)?;
    Ok(touched == 1)
}

pub fn touch(conn: &mut Conn, id: &str, now: Timestamp) -> Result<()> {
    diesel::update(connection_links::table.find(id))
        .set(connection_links::seen_at.eq(Some(now)))
        .execute(conn)
        .map(drop)
}

/// Answers whether there was something to revoke.
pub fn revoke(conn: &mut Conn, id: &str, now: Timestamp) -> Result<bool> {
    let touched = diesel::update(
        connection_links::table
            .find(id)
            .filter(connection_links::revoked_at.is_null()),
    )
    .set(connection_links::revoked_at.eq(Some(now)))
    .execute(conn)?;
    Ok(touched == 1)
}
