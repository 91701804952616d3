//! SQL of the audit log.

use diesel::prelude::*;

use super::entry::Entry;
use super::model::{Actor, Event};
use super::pages::Wanted;
use crate::store::schema::audit_events;
use crate::store::text::{part, tame};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, id};
use crate::web::Paging;

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

/// A row as it is read.
#[derive(Queryable)]
struct Row {
    id: String,
    at: Timestamp,
    actor_kind: String,
    actor_name: String,
    action: String,
    subject_kind: String,
    subject_id: String,
    subject_name: String,
    ip: String,
    before_json: String,
    after_json: String,
}

/// The columns of [`Row`].
type Columns = (
    audit_events::id,
    audit_events::at,
    audit_events::actor_kind,
    audit_events::actor_name,
    audit_events::action,
    audit_events::subject_kind,
    audit_events::subject_id,
    audit_events::subject_name,
    audit_events::ip,
    audit_events::before_json,
    audit_events::after_json,
);

const COLUMNS: Columns = (
    audit_events::id,
    audit_events::at,
    audit_events::actor_kind,
    audit_events::actor_name,
    audit_events::action,
    audit_events::subject_kind,
    audit_events::subject_id,
    audit_events::subject_name,
    audit_events::ip,
    audit_events::before_json,
    audit_events::after_json,
);

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_name: row.actor_name,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            subject_name: row.subject_name,
            ip: row.ip,
            before_json: row.before_json,
            after_json: row.after_json,
        }
    }
}

/// The entry of this id in this organization.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Entry>> {
    let row: Option<Row> = audit_events::table
        .filter(audit_events::organization_id.eq(organization))
        .filter(audit_events::id.eq(id))
        .select(COLUMNS)
        .first(conn)
        .optional()?;
    Ok(row.map(Entry::from))
}

/// The rows of one page, in the direction that `paging` asks for.
pub fn page(conn: &mut Conn, organization: &str, wanted: &Wanted, paging: &Paging) -> Result<Vec<Entry>> {
    let mut query = audit_events::table
        .filter(audit_events::organization_id.eq(organization))
        .select(COLUMNS)
        .limit(Paging::limit())
        .into_boxed();
    if let Some(actor) = &wanted.actor {
        query = query.filter(audit_events::actor_key.like(part(actor)).escape('\\'));
    }
    if let Some(action) = &wanted.action {
        query = query.filter(audit_events::action.eq(action.clone()));
    }
    if let Some(subject) = &wanted.subject {
        let named = audit_events::subject_key.like(part(subject)).escape('\\');
        query = query.filter(audit_events::subject_id.eq(subject.clone()).or(named));
    }
    if let Some(from) = wanted.from {
        query = query.filter(audit_events::at.ge(from));
    }
    if let Some(until) = wanted.until {
        query = query.filter(audit_events::at.lt(until));
    }
    let backwards = paging.is_backwards();
    if let Some(key) = paging.key().map(str::to_owned) {
        query = if backwards {
            query.filter(audit_events::id.gt(key))
        } else {
            query.filter(audit_events::id.lt(key))
        };
    }
    query = if backwards {
        query.order(audit_events::id.asc())
    } else {
        query.order(audit_events::id.desc())
    };
    let rows: Vec<Row> = query.load(conn)?;
    Ok(rows.into_iter().map(Entry::from).collect())
}
