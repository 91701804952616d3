//! What has had its time is taken away: attempts, sessions, counters, accounts that were never let in.

use std::time::Duration;

use super::{queries, throttle};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Result, Store};
use crate::web::Site;
use crate::{factors, mail, provisioning};

/// Takes away what has had its time, and accounts that were never let in anywhere for `stranger_days`; answers how many rows that were.
///
/// # Errors
/// When the database refuses.
pub fn sweep(store: &Store, now: Timestamp, stranger_days: i64) -> Result<usize> {
    store.write(|conn| {
        Ok(queries::sweep(conn, now, now - throttle::FORGET_AFTER)?
            + queries::sweep_accounts(conn, now - stranger_days * DAY)?
            + factors::actions::sweep(conn, now)?
            + provisioning::sweep(conn, now)?
            + mail::actions::sweep(conn, now)?)
    })
}

/// Sweeps a minute after the start, when whoever waited for the server has been answered, and every ten minutes, until
/// the server stops.
pub async fn sweep_for_ever(site: Site) {
    tokio::time::sleep(Duration::from_mins(1)).await;
    loop {
        let (store, now, days) = (site.store.clone(), site.now(), site.config.stranger_days);
        match actix_web::web::block(move || sweep(&store, now, days)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(rows)) => tracing::debug!(rows, "swept"),
            Ok(Err(error)) => tracing::warn!(%error, "sweeping failed"),
            Err(error) => tracing::warn!(%error, "sweeping was cut short"),
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
}
