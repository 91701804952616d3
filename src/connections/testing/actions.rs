//! Keeping what a test found.

use serde_json::json;

use super::{Test, queries};
use crate::audit::Actor;
use crate::connections::Connection;
use crate::connections::actions::record;
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::Problem;

/// Keeps a test and tells the audit log that there was one. Nothing else changes by it.
///
/// # Errors
/// When the database refuses.
pub fn keep(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    test: &Test,
) -> Result<(), Problem> {
    queries::insert(conn, &connection.id, test)?;
    let after = json!({"settings": test.kind.as_str(), "passed": test.passed});
    Ok(record(
        conn,
        now,
        actor,
        connection,
        "connection.tested",
        None,
        after,
    )?)
}
