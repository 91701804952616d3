//! Looking up the proofs: by themselves when their time has come, and when somebody asks.
//!
//! Each look-up is claimed in the database first, so that of several instances one makes it, and nobody can
//! make us ask the DNS more than every few seconds.

use std::time::Duration;

use super::actions;
use super::model::{Domain, Finding};
use super::queries;
use crate::audit::Actor;
use crate::outbound::dns::{Dns, LookupError};
use crate::store::time::{MINUTE, SECOND};
use crate::store::{self, Conn, DbError};
use crate::web::{Problem, Site};

/// How long after one look-up the next one can be asked for, in milliseconds.
pub const REST: i64 = 10 * SECOND;
/// How often it is asked which are due.
const PAUSE: Duration = Duration::from_secs(30);
/// How many are looked up at once.
const AT_ONCE: usize = 8;
/// How many are taken up before it is asked anew which are due.
const BATCH: i64 = 64;
/// How often it is tried to keep what was found, when another transaction came first.
const TRIES: usize = 3;

/// What came of a look-up that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The domain as it is now.
    pub domain: Domain,
    /// Why there is no answer, if there is none.
    pub fault: Option<LookupError>,
    /// Where the record stands instead, if it was found at a wrong name.
    pub misplaced: Option<String>,
}

/// Looks a domain up because somebody asked. One that is no longer looked up by itself is again from now on.
///
/// # Errors
/// `NotFound` when the organization has no such domain, or it was removed or given another token meanwhile;
/// `TooMany` when it was looked up a moment ago.
pub async fn now(
    site: &Site,
    dns: &Dns,
    actor: Actor,
    organization: &str,
    id: &str,
) -> Result<Looked, Problem> {
    let (at, own, wanted) = (site.now(), organization.to_owned(), id.to_owned());
    let domain = site
        .store
        .writing_in(organization, move |conn| asked(conn, at, &own, &wanted))
        .await?;
    let found = dns.txt(&domain.record_name()).await;
    let finding = Finding::of(&found, &domain.record_value());
    let misplaced = match finding {
        Finding::None | Finding::Other(_) => misplaced(dns, &domain).await,
        _ => None,
    };
    let domain = keep(site, actor, domain, finding)
        .await?
        .ok_or(Problem::NotFound)?;
    Ok(Looked {
        domain,
        fault: found.err(),
        misplaced,
    })
}

fn asked(conn: &mut Conn, at: i64, organization: &str, id: &str) -> Result<Domain, Problem> {
    let domain = queries::find(conn, organization, id)?.ok_or(Problem::NotFound)?;
    if !queries::claim_asked(conn, id, at, at - REST)? {
        return Err(Problem::TooMany(rest_of(&domain, at)));
    }
    if domain.verified || domain.next_check_at.is_some() {
        return Ok(domain);
    }
    let again = Domain {
        waiting_since: at,
        next_check_at: Some(at),
        ..domain
    };
    queries::update(conn, &again)?;
    Ok(again)
}

/// How many seconds of the rest are left.
fn rest_of(domain: &Domain, at: i64) -> u64 {
    let since = domain.last.map_or(0, |last| at - last.at).clamp(0, REST - SECOND);
    let left = (REST - since + SECOND - 1) / SECOND;
    u64::try_from(left).unwrap_or(10)
}

/// Where people put the record by mistake: at the domain itself, or where their provider added the domain to a
/// name that had it already. It proves nothing there.
async fn misplaced(dns: &Dns, domain: &Domain) -> Option<String> {
    let value = domain.record_value();
    for place in [
        domain.name.clone(),
        format!("{}.{}", domain.record_name(), domain.name),
    ] {
        if Finding::of(&dns.txt(&place).await, &value) == Finding::Present {
            return Some(place);
        }
    }
    None
}

/// Looks up every domain whose time has come; answers how many those were.
///
/// # Errors
/// When the database refuses. An outage of the DNS is no error: it is kept beside the domain.
pub async fn due(site: &Site, dns: &Dns) -> Result<usize, Problem> {
    let now = site.now();
    let due = site
        .store
        .reading(move |conn| -> store::Result<_> { queries::due(conn, now, BATCH) })
        .await?;
    for chunk in due.chunks(AT_ONCE) {
        let looks: Vec<_> = chunk
            .iter()
            .cloned()
            .map(|(id, organization)| {
                let (site, dns) = (site.clone(), dns.clone());
                actix_web::rt::spawn(async move { by_itself(&site, &dns, id, organization).await })
            })
            .collect();
        for look in looks {
            look.await.map_err(Problem::internal)??;
        }
    }
    Ok(due.len())
}

async fn by_itself(site: &Site, dns: &Dns, id: String, organization: String) -> Result<(), Problem> {
    let (now, own) = (site.now(), organization.clone());
    let claimed = site
        .store
        .writing_in(&organization, move |conn| -> store::Result<_> {
            if queries::claim_due(conn, &id, now, now + 5 * MINUTE)? {
                queries::find(conn, &own, &id)
            } else {
                Ok(None)
            }
        })
        .await?;
    let Some(domain) = claimed else {
        return Ok(());
    };
    let found = dns.txt(&domain.record_name()).await;
    if let Err(fault) = &found {
        tracing::info!(domain = %domain.name, %fault, "a domain could not be looked up");
    }
    let finding = Finding::of(&found, &domain.record_value());
    keep(site, Actor::system(), domain, finding).await.map(drop)
}

async fn keep(
    site: &Site,
    actor: Actor,
    looked_up: Domain,
    finding: Finding,
) -> Result<Option<Domain>, Problem> {
    let mut tries = 0;
    loop {
        let (now, actor, this) = (site.now(), actor.clone(), looked_up.clone());
        let organization = looked_up.organization.clone();
        let kept = site
            .store
            .writing_in(&organization, move |conn| {
                actions::settle(conn, now, &actor, &this, finding)
            })
            .await;
        match kept {
            // Another organization verified it at the same moment: the next try sees that.
            Err(error) if store::is_collision(&error) && tries < TRIES => tries += 1,
            kept => return kept.map_err(|error: DbError| Problem::from(error)),
        }
    }
}

/// Looks again and again, until the server stops.
pub async fn for_ever(site: Site, dns: Dns) {
    loop {
        match due(&site, &dns).await {
            Ok(0) => {}
            Ok(looked) => tracing::debug!(looked, "domains looked up"),
            Err(problem) => tracing::warn!(%problem, "domains could not be looked up"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
