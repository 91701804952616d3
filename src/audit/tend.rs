//! What the log needs from time to time: places for entries that have none, an end to what was kept long enough, and
//! a line in the anchor file.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::model::record_in;
use super::verify::Anchor;
use super::{Actor, Event, Subject, chain, queries};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, DbError, Result, Store, old};
use crate::web::Site;

/// The action of an entry that tells how old ones were taken away.
pub const TRIMMED: &str = "audit.trimmed";
/// How many entries one transaction places or takes away at most.
const BATCH: i64 = 2_000;
/// How much older than their time entries may become: so their end is told once a week and not every hour.
const GRACE: i64 = 7 * DAY;

/// Gives each entry that was written without one its place, the oldest first. Answers how many that were.
///
/// # Errors
/// When the database refuses.
pub fn chain_up(store: &Store) -> Result<usize> {
    let mut placed = 0;
    // Most times there is nothing to do, and then nobody is made to wait.
    while !store.read(|conn| queries::without_place(conn, 1))?.is_empty() {
        placed += store.write_in("audit", |conn| {
            let entries = queries::without_place(conn, BATCH)?;
            for mut entry in entries.iter().cloned() {
                entry.chain = chain::name(conn, entry.organization_id.as_deref());
                let (seq, previous) = queries::next_place(conn, &entry.chain)?;
                entry.seq = Some(seq);
                entry.hash = chain::hash(&previous, &entry);
                queries::put_into_place(conn, &entry)?;
            }
            Ok::<_, DbError>(entries.len())
        })?;
    }
    Ok(placed)
}

/// Takes away entries that are more than `days` old, of each chain its beginning. The chain still verifies: its head
/// keeps the hash of the last entry that went, and an entry tells of it. Answers how many went.
///
/// # Errors
/// When the database refuses; what went before is gone.
pub async fn trim(store: &Store, now: Timestamp, days: i64) -> Result<usize> {
    let mut gone = 0;
    for head in store.reading(queries::heads).await? {
        old::in_parts(async || {
            let name = head.chain.clone();
            let part = move |conn: &mut Conn| trim_chain(conn, &name, now, now - days * DAY);
            let some = store.writing_in(&head.chain, part).await?;
            gone += some;
            Ok::<_, DbError>(some > 0)
        })
        .await?;
    }
    Ok(gone)
}

fn trim_chain(conn: &mut Conn, name: &str, now: Timestamp, before: Timestamp) -> Result<usize> {
    let (Some((Some(oldest), at)), Some(head)) = (queries::oldest(conn, name)?, queries::head(conn, name)?)
    else {
        return Ok(0);
    };
    let end = queries::first_since(conn, name, before)?.unwrap_or(head.seq);
    let first = end.min(oldest + BATCH);
    let unfinished = end > first || at < before - GRACE;
    if first <= oldest || !unfinished {
        return Ok(0);
    }
    let Some(hash) = queries::hash_at(conn, name, first - 1)? else {
        // There is a gap: verifying tells of it, and nothing may go before somebody has looked.
        return Ok(0);
    };
    let gone = queries::begin_at(conn, name, first, &hash)?;
    let event = Event {
        organization: (!chain::is_installation(name)).then_some(name),
        action: TRIMMED,
        subject: Subject {
            kind: "audit",
            id: name,
            name: "Audit log",
        },
        before: None,
        after: Some(json!({"chain": name, "entries": gone, "through": first - 1, "hash": hash})),
    };
    record_in(conn, now, &Actor::system(), name.to_owned(), &event)?;
    Ok(gone)
}

/// Appends where each chain ends to this file, a line of JSON for each chain that has gone on since the last time.
///
/// # Errors
/// A sentence, when the database or the file can't be read or written.
pub fn drop_anchor(store: &Store, path: &Path, now: Timestamp) -> std::result::Result<usize, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let known = if path.exists() {
        Anchor::read(path)?
    } else {
        Vec::new()
    };
    let heads = store.read(queries::heads).map_err(|error| error.to_string())?;
    let is_new = |anchor: &Anchor| {
        let last = known.iter().rev().find(|last| last.chain == anchor.chain);
        last.is_none_or(|last| last.seq < anchor.seq)
    };
    let lines: Vec<String> = heads
        .into_iter()
        .filter(|head| head.seq > 0)
        .map(|head| Anchor {
            at: now,
            chain: head.chain,
            seq: head.seq,
            hash: head.hash,
        })
        .filter(is_new)
        .map(|anchor| anchor.line())
        .collect();
    if lines.is_empty() {
        return Ok(0);
    }
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(told)?;
    file.write_all(lines.concat().as_bytes()).map_err(told)?;
    file.sync_all().map_err(told)?;
    Ok(lines.len())
}

/// Tends the log at the start and every hour, until the server stops.
pub async fn tend_for_ever(site: Site) {
    loop {
        if let Err(error) = tend(&site).await {
            tracing::error!(%error, "the audit log could not be tended");
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
}

async fn tend(site: &Site) -> std::result::Result<(), String> {
    let (store, now, settings) = (&site.store, site.now(), site.config.audit.clone());
    let own = store.clone();
    let placed = actix_web::web::block(move || chain_up(&own)).await;
    placed
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    if let Some(days) = settings.days {
        trim(store, now, days).await.map_err(|error| error.to_string())?;
    }
    if let Some(path) = settings.anchor {
        let own = store.clone();
        let dropped = actix_web::web::block(move || drop_anchor(&own, &path, now)).await;
        dropped.map_err(|error| error.to_string())??;
    }
    Ok(())
}
