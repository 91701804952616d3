//! SQL of the home page: everything that may need somebody in one statement, and a member's own standing.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::needs::{Fact, INVITATION_SOON, Kind, PAST, SOON};
use crate::store::schema::{members, organizations};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, rows};

/// $1 the organization, $2 now, $3 until when invitations, $4 until when certificates and tokens, $5 since when
/// tokens that are over and letters that were given up. Each number occurs first in its order: SQLite numbers them so.
const FACTS: &str = "
SELECT 'seats' AS kind, '' AS id, '' AS name, o.seats AS at,
       (SELECT CAST(COALESCE(SUM(c.people), 0) AS BIGINT) FROM member_counts c
        WHERE c.organization_id = $1 AND c.facet >= 'active ' AND c.facet < 'active!')
       + (SELECT CAST(COALESCE(SUM(c.invitations), 0) AS BIGINT) FROM invitation_counts c
          WHERE c.organization_id = $1 AND c.state = 'pending' AND c.hour > $2 / 3600000)
       + (SELECT COUNT(*) FROM invitations i WHERE i.organization_id = $1 AND i.state = 'pending'
          AND i.expires_at > $2 AND i.expires_at < ($2 / 3600000 + 1) * 3600000) AS n
FROM organizations o WHERE o.id = $1 AND o.seats IS NOT NULL
UNION ALL
SELECT 'invitations', '', '', COALESCE(MIN(soon.expires_at), 0), COUNT(*)
FROM (SELECT i.expires_at FROM invitations i
      WHERE i.organization_id = $1 AND i.state = 'pending' AND i.expires_at > $2 AND i.expires_at <= $3
      ORDER BY i.expires_at LIMIT 1000) AS soon
UNION ALL
SELECT 'denials', '', '', COALESCE(SUM(CASE WHEN newest.asked_at >= newest.state_at THEN 1 ELSE 0 END), 0), COUNT(*)
FROM (SELECT d.asked_at, d.state_at FROM denials d WHERE d.organization_id = $1 AND d.state = 'open'
      ORDER BY d.last_at DESC, d.id DESC LIMIT 1000) AS newest
UNION ALL
SELECT 'certificate', c.id, c.name, MAX(k.not_after), COUNT(*)
FROM connections c JOIN saml_certificates k ON k.connection_id = c.id
WHERE c.organization_id = $1 AND c.state = 'on' GROUP BY c.id, c.name HAVING MAX(k.not_after) <= $4
UNION ALL
SELECT 'moved', c.id, c.name, c.keys_moved_at, 1 FROM connections c
WHERE c.organization_id = $1 AND c.state = 'on' AND c.keys_moved_at IS NOT NULL
UNION ALL
SELECT 'key', c.id, c.name, k.not_after, 1 FROM connections c JOIN saml_keys k ON k.connection_id = c.id
WHERE c.organization_id = $1 AND c.state = 'on' AND k.state = 'current' AND k.not_after <= $4
UNION ALL
SELECT 'token', c.id, t.name, t.expires_at, 1 FROM connections c JOIN scim_tokens t ON t.connection_id = c.id
WHERE c.organization_id = $1 AND c.scim AND t.revoked_at IS NULL AND t.expires_at <= $4 AND t.expires_at > $5
UNION ALL
SELECT 'lost', d.id, d.name, COALESCE(d.lapsed_at, d.lost_at), CASE WHEN d.lapsed_at IS NULL THEN 0 ELSE 1 END
FROM domains d WHERE d.organization_id = $1 AND d.lost_at IS NOT NULL
UNION ALL
SELECT 'restored', c.id, c.name, f.at, 1 FROM connections c JOIN installation_facts f ON f.name = 'restored'
WHERE c.organization_id = $1 AND c.scim AND f.at > $2 - 14 * 86400000
UNION ALL
SELECT 'letters', '', '', COALESCE(MAX(l.settled_at), 0), COUNT(*) FROM letters l
WHERE l.organization_id = $1 AND l.state = 'dead' AND l.settled_at > $5
UNION ALL
SELECT 'draft', c.id, c.name, c.created_at, 1 FROM connections c
WHERE c.organization_id = $1 AND c.state = 'draft' AND NOT c.scim
UNION ALL
SELECT CASE v.kind WHEN 'draft' THEN 'prepared' ELSE 'changed' END, c.id, c.name, v.at, 1
FROM connections c JOIN connection_versions v ON v.connection_id = c.id
WHERE c.organization_id = $1 AND (v.kind = 'draft' OR v.at > $5)
UNION ALL
SELECT 'connections', '', '', COALESCE(SUM(CASE WHEN c.state = 'on' THEN 1 ELSE 0 END), 0), COUNT(*)
FROM connections c WHERE c.organization_id = $1
UNION ALL
SELECT 'domains', '', '', COALESCE(SUM(CASE WHEN d.verified THEN 1 ELSE 0 END), 0), COUNT(*)
FROM domains d WHERE d.organization_id = $1
UNION ALL
SELECT 'emergency', u.account_id, u.name, MAX(u.at), COUNT(*) FROM break_glass_uses u
WHERE u.organization_id = $1 AND u.kind = 'sign_in' AND u.at > $5 GROUP BY u.account_id, u.name
UNION ALL
SELECT 'drill', '', '', COALESCE((SELECT MAX(u.at) FROM break_glass_uses u WHERE u.organization_id = $1), 0), COUNT(*)
FROM connections c WHERE c.organization_id = $1 AND c.enforce AND c.state = 'on'";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Everything that may need somebody.
pub fn facts(conn: &mut Conn, organization: &str, now: Timestamp) -> Result<Vec<Fact>> {
    let wanted = diesel::sql_query(FACTS)
        .bind::<Text, _>(organization)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(now + INVITATION_SOON)
        .bind::<BigInt, _>(now + SOON)
        .bind::<BigInt, _>(now - PAST);
    let found: Vec<Row> = rows(conn, wanted)?;
    let facts = found.into_iter().filter_map(|row| {
        Some(Fact {
            kind: Kind::parse(&row.kind)?,
            id: row.id,
            name: row.name,
            at: row.at,
            n: row.n,
        })
    });
    Ok(facts.collect())
}

/// Since when somebody is a member, and whom the organization says to ask.
pub fn membership(conn: &mut Conn, organization: &str, member: &str) -> Result<(Timestamp, String)> {
    members::table
        .inner_join(organizations::table)
        .filter(organizations::id.eq(organization))
        .filter(members::id.eq(member))
        .select((members::joined_at, organizations::contact))
        .first(conn)
}
