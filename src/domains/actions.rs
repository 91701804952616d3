//! Adding a domain, and answering for one.

use serde_json::json;

use super::model::{Domain, is_public_mail};
use super::queries;
use crate::access::DomainName;
use crate::audit::{self, Actor, Event, Subject};
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::Problem;

/// Adds a domain that waits for its TXT record, and answers its id. Adding one again that still waits
/// makes a new token.
///
/// # Errors
/// `Conflict` with a sentence when anybody can have an address there, when the organization has verified
/// it already, or another organization has.
pub fn add(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    name: &DomainName,
) -> Result<String, Problem> {
    if is_public_mail(name) {
        return Err(Problem::Conflict(format!(
            "Anybody can have an address at {name}, so no organization can answer for it. Invite such people one by one."
        )));
    }
    refuse_if_taken(conn, organization, name.as_str())?;
    let Some(known) = queries::find_by_name(conn, organization, name.as_str())? else {
        return added(conn, now, actor, organization, name);
    };
    if known.verified {
        return Err(Problem::Conflict(format!("{name} is verified already.")));
    }
    queries::set_token(conn, &known.id, &id::new_token())?;
    record(conn, now, actor, &known, "domain.token_renewed")?;
    Ok(known.id)
}

fn added(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    name: &DomainName,
) -> Result<String, Problem> {
    let domain = Domain {
        id: id::new_id(),
        organization: organization.to_owned(),
        name: name.as_str().to_owned(),
        token: id::new_token(),
        verified: false,
        vouched: false,
        verified_at: None,
        created_at: now,
    };
    queries::insert(conn, now, &domain)?;
    record(conn, now, actor, &domain, "domain.added")?;
    Ok(domain.id)
}

/// The operator answers for a domain without a TXT record. Answers whether that is new.
///
/// # Errors
/// `Conflict` when another organization has verified it; `NotFound` when the organization has no such domain.
pub fn vouch(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    domain: &str,
) -> Result<bool, Problem> {
    let domain = queries::find(conn, organization, domain)?.ok_or(Problem::NotFound)?;
    if domain.verified {
        return Ok(false);
    }
    refuse_if_taken(conn, organization, &domain.name)?;
    queries::vouch(conn, now, &domain.id)?;
    record(conn, now, actor, &domain, "domain.vouched")?;
    Ok(true)
}

fn refuse_if_taken(conn: &mut Conn, organization: &str, name: &str) -> Result<(), Problem> {
    if queries::is_verified_elsewhere(conn, organization, name)? {
        return Err(Problem::Conflict(format!(
            "Another organization here has verified {name}. A domain belongs to one organization."
        )));
    }
    Ok(())
}

fn record(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    domain: &Domain,
    action: &str,
) -> crate::store::Result<()> {
    let verified = action == "domain.vouched";
    let event = Event {
        organization: Some(&domain.organization),
        action,
        subject: Subject {
            kind: "domain",
            id: &domain.id,
            name: &domain.name,
        },
        before: (action != "domain.added").then(|| json!({ "verified": domain.verified })),
        after: Some(json!({ "verified": verified })),
    };
    audit::record(conn, now, actor, &event)
}
