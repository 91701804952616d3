//! SQL of sign-ins.

use diesel::prelude::*;

use super::model::Record;
use crate::store::schema::sign_ins;
use crate::store::text::tame;
use crate::store::{Conn, DbError, Result};

/// Writes one record in the running transaction, with the denial that it belongs to. Long texts are
/// cut, so that nobody fills the database from outside.
///
/// # Errors
/// When the database refuses; then nothing else of the attempt may happen either.
pub fn insert(conn: &mut Conn, record: &Record, denial: Option<&str>) -> Result<()> {
    let json = |error: serde_json::Error| DbError::SerializationError(Box::new(error));
    let values = (
        sign_ins::id.eq(&record.id),
        sign_ins::organization_id.eq(&record.organization),
        sign_ins::connection_id.eq(&record.connection),
        sign_ins::connection_name.eq(&record.connection_name),
        sign_ins::protocol.eq(record.protocol),
        sign_ins::at.eq(record.at),
        sign_ins::outcome.eq(record.outcome.as_str()),
        sign_ins::reason.eq(tame(&record.reason, 100)),
        sign_ins::detail.eq(tame(&record.detail, 500)),
        sign_ins::reference.eq(&record.reference),
        sign_ins::person_key.eq(record.person_key()),
        sign_ins::account_id.eq(&record.account),
        sign_ins::denial_id.eq(denial),
        sign_ins::issuer.eq(tame(&record.issuer, 500)),
        sign_ins::subject.eq(tame(&record.subject, 300)),
        sign_ins::email.eq(tame(&record.email, 320)),
        sign_ins::email_verified.eq(record.email_verified),
        sign_ins::name.eq(tame(&record.name, 200)),
        sign_ins::groups_json.eq(groups(record).map_err(json)?),
        sign_ins::trace_json.eq(serde_json::to_string(&record.trace).map_err(json)?),
        sign_ins::evidence_json.eq(evidence(record)),
        sign_ins::ip.eq(tame(&record.client.ip, 100)),
        sign_ins::user_agent.eq(tame(&record.client.user_agent, 200)),
    );
    diesel::insert_into(sign_ins::table)
        .values(values)
        .execute(conn)
        .map(drop)
}

/// Up to 200 groups as a JSON list; empty when the provider sent no such claim.
fn groups(record: &Record) -> serde_json::Result<String> {
    let Some(groups) = &record.groups else {
        return Ok(String::new());
    };
    let tamed: Vec<String> = groups.iter().take(200).map(|group| tame(group, 200)).collect();
    serde_json::to_string(&tamed)
}

fn evidence(record: &Record) -> String {
    let text = record.evidence.to_string();
    if record.evidence.is_object() && text.len() <= 8_000 {
        text
    } else {
        "{}".to_owned()
    }
}
