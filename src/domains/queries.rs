//! SQL of domains.

use diesel::prelude::*;

use super::model::Domain;
use crate::store::schema::{connection_domains, connections, domains};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

type Row = (String, String, String, String, bool, bool, Option<i64>, i64);

fn domain(row: Row) -> Domain {
    let (id, organization, name, token, verified, vouched, verified_at, created_at) = row;
    Domain {
        id,
        organization,
        name,
        token,
        verified,
        vouched,
        verified_at,
        created_at,
    }
}

/// The organization's domains, by name.
///
/// # Errors
/// When the database refuses.
pub fn list(conn: &mut Conn, organization: &str) -> Result<Vec<Domain>> {
    let rows: Vec<Row> = domains::table
        .filter(domains::organization_id.eq(organization))
        .order(domains::name)
        .load(conn)?;
    Ok(rows.into_iter().map(domain).collect())
}

/// One of the organization's domains.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Domain>> {
    let row: Option<Row> = domains::table
        .find(id)
        .filter(domains::organization_id.eq(organization))
        .first(conn)
        .optional()?;
    Ok(row.map(domain))
}

/// The organization's domain of this name (lower-case A-labels).
///
/// # Errors
/// When the database refuses.
pub fn find_by_name(conn: &mut Conn, organization: &str, name: &str) -> Result<Option<Domain>> {
    let row: Option<Row> = domains::table
        .filter(domains::organization_id.eq(organization))
        .filter(domains::name.eq(name))
        .first(conn)
        .optional()?;
    Ok(row.map(domain))
}

/// Domain id and name of each connection that a domain of the organization is attached to.
pub fn connections_of(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    connection_domains::table
        .inner_join(connections::table)
        .filter(connections::organization_id.eq(organization))
        .order(connections::name)
        .select((connection_domains::domain_id, connections::name))
        .load(conn)
}

/// Whether any organization but this one has verified the name.
pub fn is_verified_elsewhere(conn: &mut Conn, organization: &str, name: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        domains::table
            .filter(domains::name.eq(name))
            .filter(domains::verified)
            .filter(domains::organization_id.ne(organization)),
    ))
    .get_result(conn)
}

pub fn insert(conn: &mut Conn, now: Timestamp, new: &Domain) -> Result<()> {
    diesel::insert_into(domains::table)
        .values((
            domains::id.eq(&new.id),
            domains::organization_id.eq(&new.organization),
            domains::name.eq(&new.name),
            domains::token.eq(&new.token),
            domains::created_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

pub fn set_token(conn: &mut Conn, id: &str, token: &str) -> Result<()> {
    diesel::update(domains::table.find(id))
        .set(domains::token.eq(token))
        .execute(conn)
        .map(drop)
}

pub fn vouch(conn: &mut Conn, now: Timestamp, id: &str) -> Result<()> {
    diesel::update(domains::table.find(id))
        .set((
            domains::verified.eq(true),
            domains::vouched.eq(true),
            domains::verified_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}
