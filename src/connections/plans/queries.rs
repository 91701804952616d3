//! SQL of planned switches.

use diesel::prelude::*;

use super::model::{Plan, State, Switch};
use crate::store::schema::planned_switches;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

#[derive(Queryable, Selectable)]
#[diesel(table_name = planned_switches)]
struct Row {
    id: String,
    organization_id: String,
    connection_id: String,
    switch: String,
    to_on: bool,
    at: Timestamp,
    most_denied: Option<i64>,
    days: i64,
    named: String,
    state: String,
    made_by: String,
    made_by_name: String,
    made_at: Timestamp,
    ended_at: Option<Timestamp>,
    told: String,
}

/// None where this version does not know its words.
fn plan(row: Row) -> Option<Plan> {
    Some(Plan {
        switch: Switch::parse(&row.switch)?,
        state: State::parse(&row.state)?,
        id: row.id,
        organization: row.organization_id,
        connection: row.connection_id,
        on: row.to_on,
        at: row.at,
        most_denied: row.most_denied,
        days: row.days,
        named: row.named,
        by: row.made_by,
        by_name: row.made_by_name,
        made_at: row.made_at,
        ended_at: row.ended_at,
        told: row.told,
    })
}

/// A plan of the organization.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Plan>> {
    let row: Option<Row> = planned_switches::table
        .find(id)
        .filter(planned_switches::organization_id.eq(organization))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.and_then(plan))
}

/// The plans of a connection that are open, and those that something became of since then; newest first, the last ten.
///
/// # Errors
/// When the database refuses.
pub fn recent(conn: &mut Conn, connection: &str, since: Timestamp) -> Result<Vec<Plan>> {
    let open = planned_switches::state.eq_any(["waiting", "watched"]);
    let rows: Vec<Row> = planned_switches::table
        .filter(planned_switches::connection_id.eq(connection))
        .filter(open.or(planned_switches::ended_at.ge(since)))
        .order((planned_switches::made_at.desc(), planned_switches::id.desc()))
        .limit(10)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().filter_map(plan).collect())
}

/// Organization and id of the plans whose time has come, and of those that are watched; those that are due longest first.
///
/// # Errors
/// When the database refuses.
pub fn due(conn: &mut Conn, now: Timestamp) -> Result<Vec<(String, String)>> {
    planned_switches::table
        .filter(planned_switches::state.eq_any(["waiting", "watched"]))
        .filter(planned_switches::at.le(now))
        .order((planned_switches::at, planned_switches::id))
        .select((planned_switches::organization_id, planned_switches::id))
        .load(conn)
}

/// The open plan for this switch of a connection.
pub fn open(conn: &mut Conn, connection: &str, switch: Switch) -> Result<Option<Plan>> {
    let row: Option<Row> = planned_switches::table
        .filter(planned_switches::connection_id.eq(connection))
        .filter(planned_switches::switch.eq(switch.as_str()))
        .filter(planned_switches::state.eq_any(["waiting", "watched"]))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.and_then(plan))
}

/// Keeps a new one.
pub fn insert(conn: &mut Conn, plan: &Plan) -> Result<()> {
    diesel::insert_into(planned_switches::table)
        .values((
            planned_switches::id.eq(&plan.id),
            planned_switches::organization_id.eq(&plan.organization),
            planned_switches::connection_id.eq(&plan.connection),
            planned_switches::switch.eq(plan.switch.as_str()),
            planned_switches::to_on.eq(plan.on),
            planned_switches::at.eq(plan.at),
            planned_switches::most_denied.eq(plan.most_denied),
            planned_switches::days.eq(plan.days),
            planned_switches::named.eq(&plan.named),
            planned_switches::state.eq(plan.state.as_str()),
            planned_switches::made_by.eq(&plan.by),
            planned_switches::made_by_name.eq(&plan.by_name),
            planned_switches::made_at.eq(plan.made_at),
            planned_switches::ended_at.eq(plan.ended_at),
            planned_switches::told.eq(&plan.told),
        ))
        .execute(conn)
        .map(drop)
}

/// Keeps what became of it.
pub fn update(conn: &mut Conn, plan: &Plan) -> Result<()> {
    diesel::update(planned_switches::table.find(&plan.id))
        .set((
            planned_switches::at.eq(plan.at),
            planned_switches::named.eq(&plan.named),
            planned_switches::state.eq(plan.state.as_str()),
            planned_switches::ended_at.eq(plan.ended_at),
            planned_switches::told.eq(&plan.told),
        ))
        .execute(conn)
        .map(drop)
}
