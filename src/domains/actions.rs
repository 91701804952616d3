//! Adding a domain, answering for one, keeping what a look-up found, and removing one.

use serde_json::{Value, json};

use super::model::{Domain, Finding};
use super::{is_public_mail, queries};
use crate::access::DomainName;
use crate::audit::{self, Actor, Event, Subject};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result as Stored, id};
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
    match queries::find_by_name(conn, organization, name.as_str())? {
        None => added(conn, now, actor, organization, name),
        Some(known) if known.verified => Err(Problem::Conflict(format!("{name} is verified already."))),
        Some(known) => {
            renewed(conn, now, actor, &known)?;
            Ok(known.id)
        }
    }
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
        created_at: now,
        waiting_since: now,
        next_check_at: Some(now),
        ..Domain::default()
    };
    queries::insert(conn, &domain)?;
    record(conn, now, actor, "domain.added", None, Some(&domain))?;
    Ok(domain.id)
}

fn renewed(conn: &mut Conn, now: Timestamp, actor: &Actor, known: &Domain) -> Stored<()> {
    let next = Domain {
        token: id::new_token(),
        waiting_since: now,
        next_check_at: Some(now),
        last: None,
        ..known.clone()
    };
    queries::update(conn, &next)?;
    record(conn, now, actor, "domain.token_renewed", Some(known), Some(&next))
}

/// The operator answers for a domain (its id) without a TXT record. Answers whether that is new.
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
    let known = queries::find(conn, organization, domain)?.ok_or(Problem::NotFound)?;
    if known.verified && known.vouched {
        return Ok(false);
    }
    refuse_if_taken(conn, organization, &known.name)?;
    let next = Domain {
        verified: true,
        vouched: true,
        vouched_by: actor.name.clone(),
        verified_at: known.verified_at.or(Some(now)),
        lost_at: None,
        lapsed_at: None,
        next_check_at: None,
        ..known.clone()
    };
    release(conn, now, &known)?;
    queries::update(conn, &next)?;
    record(conn, now, actor, "domain.vouched", Some(&known), Some(&next))?;
    Ok(true)
}

/// The operator no longer answers for a domain (its id): it waits for its TXT record. Answers whether that is new.
///
/// # Errors
/// `NotFound` when the organization has no such domain.
pub fn stop_vouching(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    domain: &str,
) -> Result<bool, Problem> {
    let known = queries::find(conn, organization, domain)?.ok_or(Problem::NotFound)?;
    if !known.vouched {
        return Ok(false);
    }
    let next = Domain {
        verified: false,
        vouched: false,
        vouched_by: String::new(),
        verified_at: None,
        waiting_since: now,
        next_check_at: Some(now),
        ..known.clone()
    };
    queries::update(conn, &next)?;
    record(conn, now, actor, "domain.unvouched", Some(&known), Some(&next))?;
    Ok(true)
}

/// Keeps what a look-up of this token found: verifies, notes a loss, or heals one. Answers the domain as it is
/// now, or none where it is gone or has another token meanwhile.
///
/// # Errors
/// When the database refuses; a collision when another organization verified the domain at the same moment.
pub fn settle(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    looked_up: &Domain,
    finding: Finding,
) -> Stored<Option<Domain>> {
    let known = queries::find(conn, &looked_up.organization, &looked_up.id)?;
    let Some(known) = known.filter(|known| known.token == looked_up.token) else {
        return Ok(None);
    };
    let taken = finding == Finding::Present
        && !known.verified
        && queries::is_verified_elsewhere(conn, &known.organization, &known.name)?;
    let next = known.after(now, if taken { Finding::Taken } else { finding });
    let (was, is) = (&known, &next);
    if is.verified && !was.verified {
        release(conn, now, was)?;
    }
    queries::update(conn, is)?;
    let news = [
        (is.verified && !was.verified, "domain.verified"),
        (is.lost_at.is_some() && was.lost_at.is_none(), "domain.lost"),
        (is.lapsed_at.is_some() && was.lapsed_at.is_none(), "domain.lapsed"),
        (is.lost_at.is_none() && was.lost_at.is_some(), "domain.regained"),
    ];
    for (_, action) in news.into_iter().filter(|(happened, _)| *happened) {
        record(conn, now, actor, action, Some(was), Some(is))?;
        tell(is, action);
    }
    Ok(Some(next))
}

/// Removes a domain: nobody of it joins by itself any longer, and its addresses are no longer proven by it.
///
/// # Errors
/// `NotFound` when the organization has no such domain.
pub fn remove(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    domain: &str,
) -> Result<Domain, Problem> {
    let known = queries::find(conn, organization, domain)?.ok_or(Problem::NotFound)?;
    queries::delete(conn, organization, domain)?;
    record(conn, now, actor, "domain.removed", Some(&known), None)?;
    Ok(known)
}

fn refuse_if_taken(conn: &mut Conn, organization: &str, name: &str) -> Result<(), Problem> {
    if queries::is_verified_elsewhere(conn, organization, name)? {
        return Err(Problem::Conflict(format!(
            "Another organization here has verified {name}. A domain belongs to one organization."
        )));
    }
    Ok(())
}

/// Whoever lost the proof of a domain for good loses the domain to whoever proves it now.
fn release(conn: &mut Conn, now: Timestamp, winner: &Domain) -> Stored<()> {
    let Some(lapsed) = queries::lapsed_elsewhere(conn, &winner.organization, &winner.name)? else {
        return Ok(());
    };
    if queries::take_away(conn, &lapsed.id)? {
        let gone = Domain {
            verified: false,
            ..lapsed.clone()
        };
        let system = Actor::system();
        record(conn, now, &system, "domain.taken", Some(&lapsed), Some(&gone))?;
        tell(&gone, "domain.taken");
    }
    Ok(())
}

/// Tells whoever reads the log what became of a domain.
fn tell(domain: &Domain, action: &str) {
    tracing::info!(domain = %domain.name, organization = %domain.organization, action, "a domain changed");
}

fn record(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    action: &str,
    before: Option<&Domain>,
    after: Option<&Domain>,
) -> Stored<()> {
    let Some(domain) = after.or(before) else {
        return Ok(());
    };
    let event = Event {
        organization: Some(&domain.organization),
        action,
        subject: Subject {
            kind: "domain",
            id: &domain.id,
            name: &domain.name,
        },
        before: before.map(told),
        after: after.map(told),
    };
    audit::record(conn, now, actor, &event)
}

/// What the log keeps of a domain: how it stands, and where that is so, that its proof is missing.
fn told(domain: &Domain) -> Value {
    let mut told = json!({ "verified": domain.verified });
    if let Value::Object(facts) = &mut told {
        if domain.vouched {
            facts.insert("vouched_by".to_owned(), json!(domain.vouched_by));
        }
        if domain.lost_at.is_some() {
            facts.insert("lets_in_newcomers".to_owned(), json!(domain.lets_in_newcomers()));
        }
    }
    told
}
