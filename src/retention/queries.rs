//! SQL of the setting, and of what it takes away.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::model::Retention;
use crate::store::schema::{denials, organizations, retentions, sign_ins};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// The organization's setting, or the default.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str) -> Result<Retention> {
    let row: Option<(i64, i64, i64, i64)> = retentions::table
        .find(organization)
        .select((
            retentions::record_days,
            retentions::claim_days,
            retentions::denial_days,
            retentions::version,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map_or_else(
        Retention::default,
        |(record_days, claim_days, denial_days, version)| Retention {
            record_days,
            claim_days,
            denial_days,
            version,
        },
    ))
}

/// Writes it.
pub fn set(conn: &mut Conn, organization: &str, wanted: &Retention, version: i64) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO retentions (organization_id, record_days, claim_days, denial_days, version) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (organization_id) DO UPDATE SET \
         record_days = excluded.record_days, claim_days = excluded.claim_days, \
         denial_days = excluded.denial_days, version = excluded.version",
    )
    .bind::<Text, _>(organization)
    .bind::<BigInt, _>(wanted.record_days)
    .bind::<BigInt, _>(wanted.claim_days)
    .bind::<BigInt, _>(wanted.denial_days)
    .bind::<BigInt, _>(version)
    .execute(conn)
    .map(drop)
}

/// Every organization.
pub fn organizations(conn: &mut Conn) -> Result<Vec<String>> {
    organizations::table
        .order(organizations::id)
        .select(organizations::id)
        .load(conn)
}

/// Deletes up to `most` of the oldest sign-ins before then.
pub fn delete_sign_ins(conn: &mut Conn, organization: &str, before: Timestamp, most: i64) -> Result<usize> {
    let ids: Vec<String> = sign_ins::table
        .filter(sign_ins::organization_id.eq(organization))
        .filter(sign_ins::at.lt(before))
        .order((sign_ins::at, sign_ins::id))
        .limit(most)
        .select(sign_ins::id)
        .load(conn)?;
    if ids.is_empty() {
        return Ok(0);
    }
    diesel::delete(sign_ins::table.filter(sign_ins::id.eq_any(ids))).execute(conn)
}

/// Deletes up to `most` rows of the queue whose last attempt was before then.
pub fn delete_denials(conn: &mut Conn, organization: &str, before: Timestamp, most: i64) -> Result<usize> {
    let ids: Vec<String> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::last_at.lt(before))
        .order((denials::last_at, denials::id))
        .limit(most)
        .select(denials::id)
        .load(conn)?;
    if ids.is_empty() {
        return Ok(0);
    }
    diesel::delete(denials::table.filter(denials::id.eq_any(ids))).execute(conn)
}

/// Takes the claims out of up to `most` sign-ins before then, from where it was left off; answers how many.
pub fn take_claims(conn: &mut Conn, organization: &str, before: Timestamp, most: i64) -> Result<usize> {
    let mark: Option<(Timestamp, String)> = retentions::table
        .find(organization)
        .select((retentions::claims_at, retentions::claims_id))
        .first(conn)
        .optional()?;
    let (at, id) = mark.unwrap_or_default();
    let rows: Vec<(Timestamp, String)> = sign_ins::table
        .filter(sign_ins::organization_id.eq(organization))
        .filter(sign_ins::at.lt(before))
        .filter(sign_ins::at.ge(at))
        .filter(sign_ins::at.gt(at).or(sign_ins::id.gt(id)))
        .order((sign_ins::at, sign_ins::id))
        .limit(most)
        .select((sign_ins::at, sign_ins::id))
        .load(conn)?;
    let Some((at, id)) = rows.last().cloned() else {
        return Ok(0);
    };
    let ids = rows.iter().map(|(_, id)| id);
    let taken = diesel::update(sign_ins::table.filter(sign_ins::id.eq_any(ids)))
        .set((
            sign_ins::name.eq(""),
            sign_ins::groups_json.eq(""),
            sign_ins::evidence_json.eq("{}"),
            sign_ins::ip.eq(""),
            sign_ins::user_agent.eq(""),
        ))
        .execute(conn)?;
    keep_mark(conn, organization, at, &id)?;
    Ok(taken)
}

/// Remembers up to which record claims were taken.
fn keep_mark(conn: &mut Conn, organization: &str, at: Timestamp, id: &str) -> Result<()> {
    let default = Retention::default();
    diesel::sql_query(
        "INSERT INTO retentions (organization_id, record_days, claim_days, denial_days, claims_at, claims_id, version) \
         VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (organization_id) DO UPDATE SET \
         claims_at = excluded.claims_at, claims_id = excluded.claims_id",
    )
    .bind::<Text, _>(organization)
    .bind::<BigInt, _>(default.record_days)
    .bind::<BigInt, _>(default.claim_days)
    .bind::<BigInt, _>(default.denial_days)
    .bind::<BigInt, _>(at)
    .bind::<Text, _>(id)
    .execute(conn)
    .map(drop)
}
