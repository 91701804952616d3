//! Setting a connection's table of groups, and keeping teams and roles as the directory's groups say. Each
//! verb wants a transaction that holds the organization.

use std::collections::BTreeSet;

use serde_json::json;

use super::model::{Changes, Line};
use super::queries;
pub use super::sync::{sync_all, sync_member, sync_members};
use crate::access::{MappedGroup, Role};
use crate::audit::{self, Actor, Event, Subject};
use crate::connections::{self, Connection};
use crate::orgs;
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, Result as DbResult};
use crate::teams;
use crate::web::Problem;

/// How many groups of one sign-in are remembered, and how many of a connection.
const MOST_AT_ONCE: usize = 200;
const MOST_SEEN: i64 = 2_000;
/// The longest name that is remembered, in bytes.
const LONGEST: usize = 256;

/// Makes these lines the whole table, in this order. A line that stood there keeps the directory's group
/// that it follows; a new one follows the group of its name or id, if the directory has one. Answers
/// whether anything differed.
///
/// # Errors
/// `Invalid` when a line names no group, or a team of no use here, or gives the role of owner.
pub fn set(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    table: &[MappedGroup],
) -> Result<bool, Problem> {
    let before = queries::lines(conn, &connection.id)?;
    let mut lines: Vec<Line> = Vec::with_capacity(table.len());
    for MappedGroup { group, team, role } in table {
        let is_same = |line: &&Line| line.group == *group && line.team == *team;
        if lines.iter().any(|line| is_same(&line)) {
            continue;
        }
        let scim_group = match before.iter().find(is_same) {
            Some(line) => line.scim_group.clone(),
            None => queries::scim_group_called(conn, &connection.id, group)?.unwrap_or_default(),
        };
        lines.push(Line {
            group: group.clone(),
            team: team.clone(),
            role: *role,
            scim_group,
        });
    }
    Ok(replace(conn, now, actor, connection, &lines)?.is_some())
}

/// Makes these lines the whole table, and with SCIM on does at once what they say. Answers what that
/// changed for people, or nothing where the table is as it was.
///
/// # Errors
/// As [`set`]; `Conflict` where a line stands there twice.
pub fn replace(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    lines: &[Line],
) -> Result<Option<Changes>, Problem> {
    let before = queries::lines(conn, &connection.id)?;
    if before == lines {
        return Ok(None);
    }
    check(conn, connection, lines)?;
    queries::clear(conn, &connection.id)?;
    for (position, line) in (0..).zip(lines) {
        queries::insert(conn, &connection.id, position, line)?;
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
        after: Some(json!({ "mapping": lines })),
    };
    audit::record(conn, now, actor, &event)?;
    sync_all(conn, now, actor, connection).map(Some)
}

/// Makes these lines the whole table and turns the name convention on or off for the organization. With
/// SCIM on people follow at once, here and at the organization's other connections. Answers what that
/// changed for people of this one.
///
/// # Errors
/// As [`replace`].
pub fn save(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    lines: &[Line],
    convention: bool,
) -> Result<Changes, Problem> {
    let before = orgs::find(conn, &connection.organization)?.ok_or(Problem::NotFound)?;
    let switched = before.settings.group_convention != convention;
    if switched {
        let settings = orgs::Settings {
            group_convention: convention,
            ..before.settings.clone()
        };
        orgs::actions::change(conn, now, actor, &before, &settings, before.version)?;
    }
    let done = replace(conn, now, actor, connection, lines)?;
    if switched {
        for other in connections::list(conn, &connection.organization)? {
            if other.id != connection.id {
                sync_all(conn, now, actor, &other)?;
            }
        }
    }
    match done {
        None if switched => sync_all(conn, now, actor, connection),
        done => Ok(done.unwrap_or_default()),
    }
}

fn check(conn: &mut Conn, connection: &Connection, lines: &[Line]) -> Result<(), Problem> {
    let invalid = |sentence: &str| Err(Problem::Invalid(sentence.to_owned()));
    if lines.iter().any(|line| line.group.is_empty()) {
        return invalid("A line of the group table names no group.");
    }
    if lines.iter().any(|line| line.role == Role::Owner) {
        return invalid("No group makes owners. Choose member or admin.");
    }
    let wanted: BTreeSet<&str> = lines.iter().map(|line| line.team.as_str()).collect();
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let known = queries::teams_of(conn, &connection.organization, &wanted)?;
    if lines.iter().any(|line| !known.contains(&line.team)) {
        return invalid("A line of the group table names a team that is gone.");
    }
    let different: BTreeSet<_> = lines.iter().map(|line| (&line.group, &line.team)).collect();
    if different.len() < lines.len() {
        return Err(Problem::Conflict(
            "The group table has the same group and team twice.".to_owned(),
        ));
    }
    Ok(())
}

/// The directory has a group of this id and name, made or renamed just now: the lines that were written
/// for this name (or id, or external id) and follow no group yet follow it from now on, whatever it is
/// called later. A line whose group was deleted does not: a new group of the old name waits for an
/// administrator. Answers whether the caller is to sync everybody: a line follows it now that did not
/// before, or names of groups are teams here.
///
/// # Errors
/// When the database refuses.
pub fn met(conn: &mut Conn, connection: &Connection, group: &str, display_name: &str) -> DbResult<bool> {
    let is_bound = queries::bind(conn, &connection.id, group, display_name)? > 0;
    Ok(is_bound || super::sync::has_convention(conn, connection)?)
}

/// The directory deleted this group: what it gave is taken back. Its lines stay, and give nothing.
///
/// # Errors
/// When the database refuses.
pub fn gone(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    group: &str,
) -> Result<(), Problem> {
    if queries::is_followed(conn, &connection.id, group)? || super::sync::has_convention(conn, connection)? {
        sync_all(conn, now, actor, connection)?;
    }
    Ok(())
}

/// Makes the teams of these names that are missing, and answers the ids of all of them.
///
/// # Errors
/// When the database refuses.
pub fn make_teams<'a>(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<String>, Problem> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(match teams::find_by_name(conn, organization, name)? {
            Some(team) => team.id,
            None => teams::actions::create(conn, now, actor, organization, name)?,
        });
    }
    Ok(ids)
}

/// Remembers which groups a sign-in brought, for administrators to map. A group that was noted within a
/// day is not noted again.
///
/// # Errors
/// When the database refuses.
pub fn saw(conn: &mut Conn, now: Timestamp, connection: &str, groups: &[String]) -> DbResult<()> {
    let fits = |name: &&String| name.len() <= LONGEST && !name.is_empty() && !name.contains('\0');
    let names: Vec<&String> = groups.iter().filter(fits).take(MOST_AT_ONCE).collect();
    if names.is_empty() {
        return Ok(());
    }
    let known = queries::seen_since(conn, connection, &names, now - DAY)?;
    let stale: BTreeSet<&String> = names.into_iter().filter(|name| !known.contains(name)).collect();
    if stale.is_empty() || queries::count_seen(conn, connection)? >= MOST_SEEN {
        return Ok(());
    }
    stale
        .into_iter()
        .try_for_each(|name| queries::note_seen(conn, now, connection, name))
}
