//! Keeping what a test found.

use serde_json::json;

use super::{Test, queries};
use crate::audit::Actor;
use crate::connections::actions::record;
use crate::connections::{Connection, versions};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};
use crate::web::Problem;

/// Whether the settings that hold passed their last test.
///
/// # Errors
/// When the database refuses.
pub fn live_passed(conn: &mut Conn, connection: &Connection) -> Result<bool> {
    let live = versions::live(conn, connection)?;
    queries::passed(conn, &connection.id, &live.print())
}

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
) -> std::result::Result<(), Problem> {
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
