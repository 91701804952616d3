//! Taking away what has had its time, a few rows in each transaction, so that nobody waits for it. With several servers
//! each row is taken once: a batch holds its organization.

use std::time::Duration;

use serde_json::json;

use super::queries;
use crate::audit::{self, Actor, Event, Subject};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, DbError, Result, Store, old};
use crate::web::Site;

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
pub async fn sweep(store: &Store, now: Timestamp) -> Result<Swept> {
    let mut all = Swept::default();
    for organization in store.reading(queries::organizations).await? {
        let mut here = Swept::default();
        old::in_parts(async || {
            let id = organization.clone();
            let step = store
                .writing_in(&organization, move |conn| batch(conn, now, &id))
                .await?;
            here.sign_ins += step.sign_ins;
            here.claims += step.claims;
            here.denials += step.denials;
            Ok::<_, DbError>(!step.is_nothing())
        })
        .await?;
        if !here.is_nothing() {
            let id = organization.clone();
            store
                .writing_in(&organization, move |conn| tell(conn, now, &id, here))
                .await?;
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
        sign_ins: queries::delete_sign_ins(
            conn,
            organization,
            before(retention.record_days),
            old::AT_A_TIME,
        )?,
        claims: queries::take_claims(conn, organization, before(retention.claim_days), old::AT_A_TIME)?,
        denials: queries::delete_denials(conn, organization, before(retention.denial_days), old::AT_A_TIME)?,
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
        match sweep(&site.store, site.now()).await {
            Ok(swept) if swept.is_nothing() => {}
            Ok(swept) => tracing::info!(?swept, "records had their time"),
            Err(error) => tracing::warn!(%error, "records could not be taken away"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
