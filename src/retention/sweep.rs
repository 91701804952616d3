//! Taking away what has had its time, a few rows in each transaction, so that nobody waits for it. With several servers
//! each row is taken once: a batch holds its organization.

use std::time::Duration;

use serde_json::json;

use super::queries;
use crate::audit::{self, Actor, Event, Subject};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, Result, Store};
use crate::web::Site;

/// How many rows a transaction takes away.
const BATCH: i64 = 500;
/// How often it is looked.
const PAUSE: Duration = Duration::from_hours(1);

/// How many rows were taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sign-ins.
    pub sign_ins: usize,
    /// Sign-ins that lost their claims.
    pub claims: usize,
    /// Rows of the denied queue.
    pub denials: usize,
}

impl Swept {
    fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Takes away what has had its time in every organization, and tells the audit log of each where that was anything.
///
/// # Errors
/// When the database refuses; what was taken before stays away.
pub fn sweep(store: &Store, now: Timestamp) -> Result<Swept> {
    let mut all = Swept::default();
    for organization in store.read(queries::organizations)? {
        let mut here = Swept::default();
        loop {
            let step = store.write_in(&organization, |conn| batch(conn, now, &organization))?;
            here.sign_ins += step.sign_ins;
            here.claims += step.claims;
            here.denials += step.denials;
            if step.is_nothing() {
                break;
            }
        }
        if !here.is_nothing() {
            store.write_in(&organization, |conn| tell(conn, now, &organization, here))?;
        }
        all.sign_ins += here.sign_ins;
        all.claims += here.claims;
        all.denials += here.denials;
    }
    Ok(all)
}

fn batch(conn: &mut Conn, now: Timestamp, organization: &str) -> Result<Swept> {
    let retention = queries::find(conn, organization)?;
    let before = |days: i64| now - days * DAY;
    Ok(Swept {
        sign_ins: queries::delete_sign_ins(conn, organization, before(retention.record_days), BATCH)?,
        claims: queries::take_claims(conn, organization, before(retention.claim_days), BATCH)?,
        denials: queries::delete_denials(conn, organization, before(retention.denial_days), BATCH)?,
    })
}

fn tell(conn: &mut Conn, now: Timestamp, organization: &str, swept: Swept) -> Result<()> {
    let event = Event {
        organization: Some(organization),
        action: "retention.applied",
        subject: Subject {
            kind: "organization",
            id: organization,
            name: "",
        },
        before: None,
        after: Some(json!({"sign_ins": swept.sign_ins, "claims": swept.claims, "denials": swept.denials})),
    };
    audit::record(conn, now, &Actor::system(), &event)
}

/// Sweeps at the start and every hour, until the server stops.
pub async fn sweep_for_ever(site: Site) {
    loop {
        let (store, now) = (site.store.clone(), site.now());
        match actix_web::web::block(move || sweep(&store, now)).await {
            Ok(Ok(swept)) if swept.is_nothing() => {}
            Ok(Ok(swept)) => tracing::info!(?swept, "records had their time"),
            Ok(Err(error)) => tracing::warn!(%error, "records could not be taken away"),
            Err(error) => tracing::warn!(%error, "taking records away was cut short"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
