//! SQL of the directory's tokens.

use diesel::prelude::*;

use super::Token;
use crate::connections::Connection;
use crate::store::schema::scim_tokens;
use crate::store::time::{MINUTE, Timestamp};
use crate::store::{Conn, Result, Run as _};

#[derive(Queryable, Selectable)]
#[diesel(table_name = scim_tokens)]
struct Row {
    id: String,
    name: String,
    hint: String,
    created_at: i64,
    created_by: String,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl From<Row> for Token {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            hint: row.hint,
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// Every token that the connection ever had, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn list(conn: &mut Conn, connection: &str) -> Result<Vec<Token>> {
    let rows: Vec<Row> = scim_tokens::table
        .filter(scim_tokens::connection_id.eq(connection))
        .order((scim_tokens::created_at.desc(), scim_tokens::id.desc()))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Token::from).collect())
}

/// One token of the connection.
///
/// # Errors
/// When the database refuses.
pub fn one(conn: &mut Conn, connection: &str, id: &str) -> Result<Option<Token>> {
    let row: Option<Row> = scim_tokens::table
        .find(id)
        .filter(scim_tokens::connection_id.eq(connection))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Token::from))
}

pub fn insert(conn: &mut Conn, connection: &Connection, token: &Token, hash: &str) -> Result<()> {
    diesel::insert_into(scim_tokens::table)
        .values((
            scim_tokens::id.eq(&token.id),
            scim_tokens::organization_id.eq(&connection.organization),
            scim_tokens::connection_id.eq(&connection.id),
            scim_tokens::name.eq(&token.name),
            scim_tokens::token_hash.eq(hash),
            scim_tokens::hint.eq(&token.hint),
            scim_tokens::created_at.eq(token.created_at),
            scim_tokens::created_by.eq(&token.created_by),
            scim_tokens::expires_at.eq(token.expires_at),
        ))
        .run(conn)
        .map(drop)
}

pub fn revoke(conn: &mut Conn, now: Timestamp, id: &str) -> Result<usize> {
    diesel::update(
        scim_tokens::table
            .find(id)
            .filter(scim_tokens::revoked_at.is_null()),
    )
    .set(scim_tokens::revoked_at.eq(now))
    .run(conn)
}

/// Notes the use, unless one was noted within the minute before.
pub fn used(conn: &mut Conn, id: &str, at: Timestamp) -> Result<usize> {
    diesel::update(
        scim_tokens::table.find(id).filter(
            scim_tokens::last_used_at
                .is_null()
                .or(scim_tokens::last_used_at.le(at - MINUTE)),
        ),
    )
    .set(scim_tokens::last_used_at.eq(at))
    .run(conn)
}
