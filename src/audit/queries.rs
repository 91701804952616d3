//! SQL of the audit log.

use diesel::prelude::*;

use super::model::{Actor, Event};
use crate::store::schema::audit_events;
use crate::store::text::tame;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, id};

/// The longest name that is kept.
const LONGEST: usize = 320;

pub fn insert(conn: &mut Conn, now: Timestamp, actor: &Actor, event: &Event<'_>) -> Result<()> {
    let json =
        |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(id::new_id()),
            audit_events::organization_id.eq(event.organization),
            audit_events::at.eq(now),
            audit_events::actor_kind.eq(actor.kind.as_str()),
            audit_events::actor_id.eq(&actor.id),
            audit_events::actor_name.eq(tame(&actor.name, LONGEST)),
            audit_events::actor_key.eq(tame(&actor.name.to_lowercase(), LONGEST)),
            audit_events::action.eq(event.action),
            audit_events::subject_kind.eq(event.subject.kind),
            audit_events::subject_id.eq(event.subject.id),
            audit_events::subject_name.eq(tame(event.subject.name, LONGEST)),
            audit_events::subject_key.eq(tame(&event.subject.name.to_lowercase(), LONGEST)),
            audit_events::ip.eq(&actor.ip),
            audit_events::before_json.eq(json(&event.before)),
            audit_events::after_json.eq(json(&event.after)),
        ))
        .execute(conn)
        .map(drop)
}
