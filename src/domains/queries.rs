//! SQL of domains.

use diesel::prelude::*;

use super::model::{Domain, Finding, Look};
use crate::store::schema::{accounts, connection_domains, connections, domains, members, organizations};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// A row as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = domains)]
struct Row {
    id: String,
    organization_id: String,
    name: String,
    token: String,
    verified: bool,
    vouched: bool,
    verified_at: Option<Timestamp>,
    created_at: Timestamp,
    vouched_by: String,
    waiting_since: Timestamp,
    checked_at: Option<Timestamp>,
    finding: String,
    found: i64,
    confirmed_at: Option<Timestamp>,
    lost_at: Option<Timestamp>,
    lapsed_at: Option<Timestamp>,
    next_check_at: Option<Timestamp>,
}

impl From<Row> for Domain {
    fn from(row: Row) -> Self {
        let finding = Finding::read(&row.finding, row.found);
        Self {
            id: row.id,
            organization: row.organization_id,
            name: row.name,
            token: row.token,
            verified: row.verified,
            vouched: row.vouched,
            verified_at: row.verified_at,
            created_at: row.created_at,
            vouched_by: row.vouched_by,
            waiting_since: row.waiting_since,
            last: row
                .checked_at
                .zip(finding)
                .map(|(at, finding)| Look { at, finding }),
            confirmed_at: row.confirmed_at,
            lost_at: row.lost_at,
            lapsed_at: row.lapsed_at,
            next_check_at: row.next_check_at,
        }
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
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Domain::from).collect())
}

/// One of the organization's domains.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Domain>> {
    let row: Option<Row> = domains::table
        .find(id)
        .filter(domains::organization_id.eq(organization))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Domain::from))
}

/// The organization's domain of this name (lower-case A-labels).
///
/// # Errors
/// When the database refuses.
pub fn find_by_name(conn: &mut Conn, organization: &str, name: &str) -> Result<Option<Domain>> {
    let row: Option<Row> = domains::table
        .filter(domains::organization_id.eq(organization))
        .filter(domains::name.eq(name))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Domain::from))
}

/// Those of the organization's domains whose proof is lost, or that another organization has verified, by
/// name: what an owner has to look after.
///
/// # Errors
/// When the database refuses.
pub fn troubled(conn: &mut Conn, organization: &str) -> Result<Vec<Domain>> {
    let lost = domains::verified.and(domains::lost_at.is_not_null());
    let rows: Vec<Row> = domains::table
        .filter(domains::organization_id.eq(organization))
        .filter(lost.or(domains::finding.eq("taken")))
        .order(domains::name)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Domain::from).collect())
}

/// Domain id, connection id and connection name wherever a domain of the organization is attached.
///
/// # Errors
/// When the database refuses.
pub fn connections_of(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String, String)>> {
    connection_domains::table
        .inner_join(connections::table)
        .filter(connections::organization_id.eq(organization))
        .order(connections::name)
        .select((connection_domains::domain_id, connections::id, connections::name))
        .load(conn)
}

/// Id and name of the organization's connections, by name.
pub fn all_connections(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    connections::table
        .filter(connections::organization_id.eq(organization))
        .order(connections::name)
        .select((connections::id, connections::name))
        .load(conn)
}

/// Whether any organization but this one has verified the name, and not lost its proof for good.
pub fn is_verified_elsewhere(conn: &mut Conn, organization: &str, name: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        domains::table
            .filter(domains::name.eq(name))
            .filter(domains::verified)
            .filter(domains::lapsed_at.is_null())
            .filter(domains::organization_id.ne(organization)),
    ))
    .get_result(conn)
}

/// What another organization has verified by this name, and lost the proof of for good.
pub fn lapsed_elsewhere(conn: &mut Conn, organization: &str, name: &str) -> Result<Option<Domain>> {
    let row: Option<Row> = domains::table
        .filter(domains::name.eq(name))
        .filter(domains::verified)
        .filter(domains::lapsed_at.is_not_null())
        .filter(domains::organization_id.ne(organization))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Domain::from))
}

/// Takes a lapsed domain from its organization. Answers whether it was lapsed still.
pub fn take_away(conn: &mut Conn, id: &str) -> Result<bool> {
    let lapsed = domains::table.find(id).filter(domains::lapsed_at.is_not_null());
    let touched = diesel::update(lapsed)
        .set((
            domains::verified.eq(false),
            domains::verified_at.eq(None::<Timestamp>),
            domains::lost_at.eq(None::<Timestamp>),
            domains::lapsed_at.eq(None::<Timestamp>),
            domains::next_check_at.eq(None::<Timestamp>),
            domains::finding.eq("taken"),
        ))
        .execute(conn)?;
    Ok(touched == 1)
}

pub fn insert(conn: &mut Conn, new: &Domain) -> Result<()> {
    diesel::insert_into(domains::table)
        .values((
            domains::id.eq(&new.id),
            domains::organization_id.eq(&new.organization),
            domains::name.eq(&new.name),
            domains::token.eq(&new.token),
            domains::created_at.eq(new.created_at),
            domains::waiting_since.eq(new.waiting_since),
            domains::next_check_at.eq(new.next_check_at),
        ))
        .execute(conn)
        .map(drop)
}

/// Writes all of a domain but its name, organization and age.
pub fn update(conn: &mut Conn, domain: &Domain) -> Result<()> {
    let (finding, found) = domain.last.map_or(("", 0), |last| last.finding.stored());
    diesel::update(domains::table.find(&domain.id))
        .set((
            (
                domains::token.eq(&domain.token),
                domains::verified.eq(domain.verified),
                domains::vouched.eq(domain.vouched),
                domains::verified_at.eq(domain.verified_at),
                domains::vouched_by.eq(&domain.vouched_by),
                domains::waiting_since.eq(domain.waiting_since),
            ),
            (
                domains::checked_at.eq(domain.last.map(|last| last.at)),
                domains::finding.eq(finding),
                domains::found.eq(found),
                domains::confirmed_at.eq(domain.confirmed_at),
                domains::lost_at.eq(domain.lost_at),
                domains::lapsed_at.eq(domain.lapsed_at),
                domains::next_check_at.eq(domain.next_check_at),
            ),
        ))
        .execute(conn)
        .map(drop)
}

pub fn delete(conn: &mut Conn, organization: &str, id: &str) -> Result<()> {
    let own = domains::table
        .find(id)
        .filter(domains::organization_id.eq(organization));
    diesel::delete(own).execute(conn).map(drop)
}

/// Id and organization of the domains whose time has come, the longest waiting first.
pub fn due(conn: &mut Conn, now: Timestamp, most: i64) -> Result<Vec<(String, String)>> {
    domains::table
        .inner_join(organizations::table)
        .filter(organizations::state.eq("on"))
        .filter(domains::next_check_at.le(now))
        .order((domains::next_check_at, domains::id))
        .limit(most)
        .select((domains::id, domains::organization_id))
        .load(conn)
}

/// Puts a look-up that is due off until then. Answers whether it was this call that did: who did, looks.
pub fn claim_due(conn: &mut Conn, id: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
    let due = domains::table.find(id).filter(domains::next_check_at.le(now));
    let touched = diesel::update(due)
        .set(domains::next_check_at.eq(until))
        .execute(conn)?;
    Ok(touched == 1)
}

/// Notes a look-up that somebody asked for. Answers whether none was made since `before`.
pub fn claim_asked(conn: &mut Conn, id: &str, now: Timestamp, before: Timestamp) -> Result<bool> {
    let rested = domains::checked_at.is_null().or(domains::checked_at.le(before));
    let touched = diesel::update(domains::table.find(id).filter(rested))
        .set(domains::checked_at.eq(now))
        .execute(conn)?;
    Ok(touched == 1)
}

/// How many active members of the organization have an address of this domain; `most` where there are more.
///
/// # Errors
/// When the database refuses.
pub fn members_of(conn: &mut Conn, organization: &str, name: &str, most: i64) -> Result<usize> {
    let found: Vec<String> = members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .filter(accounts::email_domain.eq(name))
        .limit(most)
        .select(members::id)
        .load(conn)?;
    Ok(found.len())
}
