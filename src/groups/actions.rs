//! Setting a connection's table of groups.

use serde_json::json;

use super::queries;
use crate::access::MappedGroup;
use crate::audit::{self, Actor, Event, Subject};
use crate::connections::Connection;
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::Problem;

/// Makes these lines the whole table. Answers whether anything differed.
///
/// # Errors
/// `Invalid` when a line names no group, or a team of no use here.
pub fn set(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    table: &[MappedGroup],
) -> Result<bool, Problem> {
    let mut table = table.to_vec();
    table.sort_by(|one, two| (&one.group, &one.team).cmp(&(&two.group, &two.team)));
    table.dedup();
    let mut before = queries::mapping(conn, &connection.id)?;
    before.sort_by(|one, two| (&one.group, &one.team).cmp(&(&two.group, &two.team)));
    if before == table {
        return Ok(false);
    }
    check(conn, connection, &table)?;
    queries::clear(conn, &connection.id)?;
    for line in &table {
        queries::insert(conn, &connection.id, line)?;
    }
    let event = Event {
        organization: Some(&connection.organization),
        action: "connection.mapping_changed",
        subject: Subject {
            kind: "connection",
            id: &connection.id,
            name: &connection.name,
        },
        before: Some(json!({ "mapping": before })),
        after: Some(json!({ "mapping": table })),
    };
    audit::record(conn, now, actor, &event)?;
    Ok(true)
}

fn check(conn: &mut Conn, connection: &Connection, table: &[MappedGroup]) -> Result<(), Problem> {
    if table.iter().any(|line| line.group.is_empty()) {
        return Err(Problem::Invalid(
            "A line of the group table names no group.".to_owned(),
        ));
    }
    let wanted: Vec<&str> = table.iter().map(|line| line.team.as_str()).collect();
    let known = queries::teams_of(conn, &connection.organization, &wanted)?;
    if table.iter().all(|line| known.contains(&line.team)) {
        return Ok(());
    }
    Err(Problem::Invalid(
        "A line of the group table names a team that is gone.".to_owned(),
    ))
}
