//! SQL of the neighbourhood of a denial.

use diesel::prelude::*;

use super::{Around, Candidate, Known, Proof};
use crate::denied::Denial;
use crate::store::schema::{accounts, connection_domains, denials, domains, invitations, members};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// What is known of the neighbourhood of a denial.
pub fn around(conn: &mut Conn, denial: &Denial, now: Timestamp) -> Result<Around> {
    Ok(Around {
        candidates: candidates(conn, denial)?,
        domain: domain(conn, denial)?,
        of_domain: of_domain(conn, denial)?,
        expired: expired(conn, denial, now)?,
    })
}

/// Active members whose address is almost this one, has the same part before the `@`, or who have the same name.
fn candidates(conn: &mut Conn, denial: &Denial) -> Result<Vec<Candidate>> {
    const MOST: i64 = 50;
    let people = members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(&denial.organization))
        .filter(members::state.eq("active"))
        .select((members::id, accounts::full_name, accounts::email_key));
    let mut found: Vec<(String, String, String)> = Vec::new();
    if let Some((local, domain)) = denial.email_key.split_once('@') {
        let (start, end) = (format!("{local}@"), format!("{local}@\u{10ffff}"));
        let alike = accounts::email_key
            .eq_any(super::almost(local, domain))
            .or(accounts::email_key.ge(start).and(accounts::email_key.lt(end)));
        found.extend::<Vec<_>>(people.filter(alike).limit(MOST).load(conn)?);
    }
    let name = denial.name.to_lowercase();
    if !name.is_empty() {
        found.extend::<Vec<_>>(
            people
                .filter(accounts::name_key.eq(&name))
                .limit(MOST)
                .load(conn)?,
        );
    }
    Ok(found
        .into_iter()
        .map(|(member, name, email_key)| Candidate {
            member,
            name,
            email_key,
        })
        .collect())
}

fn domain(conn: &mut Conn, denial: &Denial) -> Result<Option<Known>> {
    let connection = denial.connection.as_deref().unwrap_or_default();
    let here = connection_domains::domain_id
        .eq(domains::id)
        .and(connection_domains::connection_id.eq(connection));
    let row: Option<(String, bool, bool, Option<String>)> = domains::table
        .left_join(connection_domains::table.on(here))
        .filter(domains::organization_id.eq(&denial.organization))
        .filter(domains::name.eq(&denial.domain))
        .select((
            domains::id,
            domains::verified,
            domains::lapsed_at.is_not_null(),
            connection_domains::domain_id.nullable(),
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(id, verified, lapsed, attached)| Known {
        id,
        proof: match (verified, lapsed) {
            (false, _) => Proof::Missing,
            (true, true) => Proof::Lapsed,
            (true, false) => Proof::Good,
        },
        attached: attached.is_some(),
    }))
}

/// How many people of the domain wait, counted up to a hundred.
fn of_domain(conn: &mut Conn, denial: &Denial) -> Result<i64> {
    if denial.reason != "domain_not_verified" {
        return Ok(0);
    }
    let found: Vec<Timestamp> = denials::table
        .filter(denials::organization_id.eq(&denial.organization))
        .filter(denials::state.eq("open"))
        .filter(denials::domain.eq(&denial.domain))
        .order((denials::last_at.desc(), denials::id.desc()))
        .limit(100)
        .select(denials::last_at)
        .load(conn)?;
    Ok(i64::try_from(found.len()).unwrap_or(100))
}

/// The latest invitation of the address whose time is over.
fn expired(conn: &mut Conn, denial: &Denial, now: Timestamp) -> Result<Option<(String, Timestamp)>> {
    invitations::table
        .filter(invitations::organization_id.eq(&denial.organization))
        .filter(invitations::email_key.eq(&denial.email_key))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.le(now))
        .order(invitations::expires_at.desc())
        .select((invitations::id, invitations::expires_at))
        .first(conn)
        .optional()
}
