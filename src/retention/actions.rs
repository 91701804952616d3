//! Changing the setting.

use serde_json::json;

use super::model::Retention;
use super::queries;
use crate::audit::{self, Actor, Event, Subject};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::Problem;

/// Sets for how long things are kept, where they were shown as `version`. Wants a transaction that holds the
/// organization.
///
/// # Errors
/// `Invalid` where a time is out of bounds, `Conflict` where somebody else changed it meanwhile.
pub fn change(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    wanted: &Retention,
    version: i64,
) -> Result<(), Problem> {
    if let Some((_, sentence)) = wanted.check().all().first() {
        return Err(Problem::Invalid(sentence.clone()));
    }
    let before = queries::find(conn, organization)?;
    if before.version != version {
        return Err(Problem::Conflict(
            "Somebody else changed this meanwhile. Go back, reload the page and try again.".to_owned(),
        ));
    }
    if (before.record_days, before.claim_days, before.denial_days)
        == (wanted.record_days, wanted.claim_days, wanted.denial_days)
    {
        return Ok(());
    }
    queries::set(conn, organization, wanted, version + 1)?;
    let event = Event {
        organization: Some(organization),
        action: "retention.changed",
        subject: Subject {
            kind: "organization",
            id: organization,
            name: "",
        },
        before: Some(json!(before)),
        after: Some(json!(wanted)),
    };
    Ok(audit::record(conn, now, actor, &event)?)
}
