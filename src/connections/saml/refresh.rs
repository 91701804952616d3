//! The provider's metadata, fetched again: daily and on demand. What it says otherwise waits for somebody's
//! yes; nothing changes by itself.

use std::time::Duration;

use url::Url;

use super::{actions, queries};
use crate::audit::Actor;
use crate::connections::{self, Connection};
use crate::outbound::Outbound;
use crate::saml::{ProviderMetadata, read_provider_metadata};
use crate::store::DbError;
use crate::store::time::{DAY, Timestamp};
use crate::web::{Problem, Site};

/// How often each is fetched, in milliseconds.
const EVERY: i64 = DAY;
/// How often it is asked which are due.
const PAUSE: Duration = Duration::from_mins(15);

/// Fetches and reads the metadata at an address. `wanted` is the entity id of the provider, if it is known.
///
/// # Errors
/// A sentence.
pub async fn fetch(
    outbound: &Outbound,
    address: &str,
    wanted: Option<&str>,
    now: Timestamp,
) -> Result<ProviderMetadata, String> {
    let url = Url::parse(address).map_err(|error| format!("The metadata address is none: {error}."))?;
    let accept = "application/samlmetadata+xml, application/xml, text/xml, */*;q=0.1";
    let answer = outbound
        .get(&url, accept, None)
        .await
        .map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!(
            "{address} answered {} instead of 200. Check the address.",
            answer.status
        ));
    }
    let text =
        String::from_utf8(answer.body).map_err(|error| format!("The metadata is not in UTF-8 ({error})."))?;
    read_provider_metadata(&text, wanted, now)
}

/// Looks at the metadata of one connection now. Answers what was wrong, or whether something waits to be
/// confirmed.
///
/// # Errors
/// `NotFound` when the organization has no such SAML connection; when the database refuses.
pub async fn look(
    site: &Site,
    outbound: &Outbound,
    actor: Actor,
    organization: &str,
    id: &str,
) -> Result<Result<bool, String>, Problem> {
    let wanted = id.to_owned();
    let settings = site
        .store
        .reading(move |conn| queries::find(conn, &wanted))
        .await
        .map_err(|error: DbError| Problem::from(error))?
        .ok_or(Problem::NotFound)?;
    let now = site.now();
    let found = fetch(outbound, &settings.metadata_url, Some(&settings.entity_id), now).await;
    let fault = found.as_ref().err().cloned();
    let (within, id) = (organization.to_owned(), id.to_owned());
    let waits = site
        .store
        .writing_in(organization, move |conn| {
            let known: Connection = connections::find_in(conn, &within, &id)?.ok_or(Problem::NotFound)?;
            actions::found(conn, now, &actor, &known, found)
        })
        .await?;
    Ok(fault.map_or(Ok(waits), Err))
}

/// Looks at the metadata of every connection that is due; answers how many those were.
///
/// # Errors
/// When the database refuses. A provider that does not answer is no error: it is kept beside the connection.
pub async fn refresh_stale(site: &Site, outbound: &Outbound) -> Result<usize, Problem> {
    let before = site.now() - EVERY;
    let due = site
        .store
        .reading(move |conn| queries::stale(conn, before))
        .await
        .map_err(|error: DbError| Problem::from(error))?;
    for (id, organization) in &due {
        match look(site, outbound, Actor::system(), organization, id).await {
            Ok(Err(fault)) => tracing::info!(connection = %id, %fault, "metadata could not be read"),
            Ok(Ok(waits)) => tracing::debug!(connection = %id, waits, "metadata read"),
            Err(problem) => tracing::warn!(connection = %id, %problem, "metadata could not be kept"),
        }
    }
    Ok(due.len())
}

/// Looks again and again, until the server stops.
pub async fn refresh_for_ever(site: Site, outbound: Outbound) {
    loop {
        if let Err(problem) = refresh_stale(&site, &outbound).await {
            tracing::warn!(%problem, "metadata could not be refreshed");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
