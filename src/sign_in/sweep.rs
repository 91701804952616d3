//! What has had its time is taken away: attempts, sessions, counters, accounts that were never let in.

use std::time::Duration;

use super::{queries, throttle};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, Result, Store, old};
use crate::web::Site;
use crate::{factors, mail, provisioning};

/// Takes away what has had its time, and accounts that were never let in anywhere for `stranger_days`; answers how many
/// rows that were.
///
/// # Errors
/// When the database refuses; what was taken before stays away.
pub async fn sweep(store: &Store, now: Timestamp, stranger_days: i64) -> Result<usize> {
    let mut all = 0;
    old::in_parts(async || {
        let rows = store.writing(move |conn| some(conn, now, stranger_days)).await?;
        all += rows;
        Ok(rows > 0)
    })
    .await
    .map(|()| all)
}

/// A few rows of each kind.
fn some(conn: &mut Conn, now: Timestamp, stranger_days: i64) -> Result<usize> {
    Ok(queries::sweep(conn, now, now - throttle::FORGET_AFTER)?
        + queries::sweep_accounts(conn, now - stranger_days * DAY)?
        + factors::actions::sweep(conn, now)?
        + provisioning::sweep(conn, now)?
        + mail::actions::sweep(conn, now)?)
}

/// Sweeps a minute after the start, when whoever waited for the server has been answered, and every ten minutes, until
/// the server stops.
pub async fn sweep_for_ever(site: Site) {
    tokio::time::sleep(Duration::from_mins(1)).await;
    loop {
        match sweep(&site.store, site.now(), site.config.stranger_days).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "swept"),
            Err(error) => tracing::warn!(%error, "sweeping failed"),
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
}
