//! SQL of the set-up: all of it in one statement.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::model::{Facts, Path};
use crate::store::{Conn, Result};

/// $1 the organization.
const FACTS: &str = "
SELECT (SELECT COUNT(*) FROM domains d WHERE d.organization_id = $1) AS domains,
       (SELECT COUNT(*) FROM domains d WHERE d.organization_id = $1 AND d.verified) AS verified,
       (SELECT COUNT(*) FROM connections c WHERE c.organization_id = $1) AS connections,
       (SELECT COUNT(*) FROM connections c WHERE c.organization_id = $1 AND EXISTS (
          SELECT 1 FROM connection_domains a JOIN domains d ON d.id = a.domain_id
          WHERE a.connection_id = c.id AND d.verified)) AS vouching,
       (SELECT COUNT(*) FROM connections c WHERE c.organization_id = $1 AND EXISTS (
          SELECT 1 FROM connection_tests t WHERE t.connection_id = c.id AND t.passed)) AS tested,
       (SELECT COUNT(*) FROM connections c WHERE c.organization_id = $1 AND c.state = 'on') AS live,
       (SELECT COUNT(*) FROM connections c WHERE c.organization_id = $1 AND c.jit) AS joining,
       (SELECT COUNT(*) FROM connections c WHERE c.organization_id = $1 AND c.jit_changed_at IS NOT NULL) AS decided,
       (SELECT COUNT(*) FROM (SELECT 1 FROM members m WHERE m.organization_id = $1 AND m.state = 'active' LIMIT 2) AS two)
       + (SELECT COUNT(*) FROM (SELECT 1 FROM invitations i WHERE i.organization_id = $1 LIMIT 1) AS one) AS people,
       COALESCE((SELECT c.id FROM connections c WHERE c.organization_id = $1
          ORDER BY CASE c.state WHEN 'on' THEN 0 WHEN 'draft' THEN 1 ELSE 2 END, c.id DESC LIMIT 1), '') AS connection,
       COALESCE((SELECT c.name FROM connections c WHERE c.organization_id = $1
          ORDER BY CASE c.state WHEN 'on' THEN 0 WHEN 'draft' THEN 1 ELSE 2 END, c.id DESC LIMIT 1), '') AS name";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    domains: i64,
    #[diesel(sql_type = BigInt)]
    verified: i64,
    #[diesel(sql_type = BigInt)]
    connections: i64,
    #[diesel(sql_type = BigInt)]
    vouching: i64,
    #[diesel(sql_type = BigInt)]
    tested: i64,
    #[diesel(sql_type = BigInt)]
    live: i64,
    #[diesel(sql_type = BigInt)]
    joining: i64,
    #[diesel(sql_type = BigInt)]
    decided: i64,
    #[diesel(sql_type = BigInt)]
    people: i64,
    #[diesel(sql_type = Text)]
    connection: String,
    #[diesel(sql_type = Text)]
    name: String,
}

/// How far an organization is.
///
/// # Errors
/// When the database refuses.
pub fn path(conn: &mut Conn, organization: &str) -> Result<Path> {
    let row: Row = diesel::sql_query(FACTS)
        .bind::<Text, _>(organization)
        .get_result(conn)?;
    Ok(Path::of(&Facts {
        domains: row.domains,
        verified: row.verified,
        connections: row.connections,
        vouching: row.vouching,
        tested: row.tested,
        on: row.live,
        joining: row.joining,
        decided: row.decided,
        people: row.people,
        connection: row.connection,
        name: row.name,
    }))
}
