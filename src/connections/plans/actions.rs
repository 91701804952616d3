//! What is done with planned switches. Each takes a transaction that holds the organization, and is told to the audit log
//! and by it to the owners.

use serde_json::json;

use super::model::{Plan, State, Switch, marks, word};
use super::queries;
use crate::audit::Actor;
use crate::connections::actions::{self as verbs, record};
use crate::connections::{self, Connection};
use crate::store::time::{Timestamp, exact};
use crate::store::{Conn, id};
use crate::web::Problem;

/// What somebody wants to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// What is switched.
    pub switch: Switch,
    /// On, or off.
    pub on: bool,
    /// When; none for now.
    pub at: Option<Timestamp>,
    /// It makes itself back where more people than these are denied within an hour.
    pub most_denied: Option<i64>,
    /// How many days back the preview looked.
    pub days: i64,
}

/// Plans a switch, or makes it now and watches it. `kept_out` are the addresses that the page named as kept out.
///
/// # Errors
/// `Conflict` where one is planned already, or the connection changed meanwhile.
pub fn make<'a>(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    wish: Wish,
    kept_out: impl Iterator<Item = &'a str>,
) -> Result<Plan, Problem> {
    if let Some(open) = queries::open(conn, &known.id, wish.switch)? {
        return Err(Problem::Conflict(format!(
            "{} planned this switch already, or it is being watched. Cancel that on the page of {} first.",
            open.by_name, known.name
        )));
    }
    let mut plan = Plan {
        id: id::new_id(),
        organization: known.organization.clone(),
        connection: known.id.clone(),
        switch: wish.switch,
        on: wish.on,
        at: wish.at.unwrap_or(now),
        most_denied: wish.most_denied,
        days: wish.days,
        named: marks(kept_out),
        state: State::Waiting,
        by: actor.id.clone(),
        by_name: actor.name.clone(),
        made_at: now,
        ended_at: None,
        told: String::new(),
    };
    queries::insert(conn, &plan)?;
    if wish.at.is_some() {
        let when = format!("{} on {}.", plan.deed(), exact(plan.at));
        tell(
            conn,
            now,
            actor,
            known,
            &plan,
            ("connection.switch_planned", &when),
        )?;
        return Ok(plan);
    }
    set(conn, now, actor, known, &plan, plan.on)?;
    begin_watch(conn, now, &mut plan)?;
    Ok(plan)
}

fn set(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    plan: &Plan,
    on: bool,
) -> Result<Connection, Problem> {
    match plan.switch {
        Switch::Jit => verbs::set_jit(conn, now, actor, known, on),
        Switch::Scim => verbs::set_scim(conn, now, actor, known, on),
    }
}

/// It is made: where nobody wants it watched, that is all.
fn begin_watch(conn: &mut Conn, now: Timestamp, plan: &mut Plan) -> Result<(), Problem> {
    plan.at = now;
    plan.named = String::new();
    plan.state = State::Watched;
    if plan.most_denied.is_none() {
        plan.state = State::Done;
        plan.ended_at = Some(now);
    }
    Ok(queries::update(conn, plan)?)
}

/// Makes a switch whose time has come.
///
/// # Errors
/// `Conflict` where the connection changed meanwhile.
pub fn switch(conn: &mut Conn, now: Timestamp, known: &Connection, plan: &Plan) -> Result<Plan, Problem> {
    let mut plan = plan.clone();
    let actor = by(&plan);
    let done = set(conn, now, &actor, known, &plan, plan.on)?;
    plan.told = format!("{}, as {} planned.", plan.deed(), plan.by_name);
    begin_watch(conn, now, &mut plan)?;
    tell(
        conn,
        now,
        &actor,
        &done,
        &plan,
        ("connection.switched_as_planned", &plan.told),
    )?;
    Ok(plan)
}

/// Makes a switch back, because so many people were denied.
///
/// # Errors
/// `Conflict` where the connection changed meanwhile.
pub fn switch_back(
    conn: &mut Conn,
    now: Timestamp,
    known: &Connection,
    plan: &Plan,
    denied: i64,
) -> Result<Plan, Problem> {
    let actor = Actor::system();
    let done = set(conn, now, &actor, known, plan, !plan.on)?;
    let most = plan.most_denied.unwrap_or_default();
    let told = format!(
        "{} is turned {} again by itself: {denied} {} denied within an hour, and {} said that more than {most} are too many.",
        plan.switch.title(),
        word(!plan.on),
        if denied == 1 { "person was" } else { "people were" },
        plan.by_name
    );
    let plan = end(conn, now, plan, State::Back, &told)?;
    tell(
        conn,
        now,
        &actor,
        &done,
        &plan,
        ("connection.switched_back", &told),
    )?;
    Ok(plan)
}

/// Lets a switch be that can't be made, and says why.
///
/// # Errors
/// When the database refuses.
pub fn refuse(
    conn: &mut Conn,
    now: Timestamp,
    known: &Connection,
    plan: &Plan,
    why: &str,
) -> Result<Plan, Problem> {
    let told = format!(
        "{} was not turned {} as {} planned. {why}",
        plan.switch.title(),
        word(plan.on),
        plan.by_name
    );
    let plan = end(conn, now, plan, State::Refused, &told)?;
    let actor = Actor::system();
    tell(
        conn,
        now,
        &actor,
        known,
        &plan,
        ("connection.plan_refused", &told),
    )?;
    Ok(plan)
}

/// The hour of a switch is over, or somebody switched by hand.
///
/// # Errors
/// When the database refuses.
pub fn finish(conn: &mut Conn, now: Timestamp, plan: &Plan) -> Result<Plan, Problem> {
    let told = plan.told.clone();
    end(conn, now, plan, State::Done, &told)
}

/// Takes a plan back; or lets a switch that is watched be as it is.
///
/// # Errors
/// `NotFound` where there is no such plan, `Conflict` where nothing is left to cancel.
pub fn cancel(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    plan: &str,
) -> Result<Plan, Problem> {
    let plan = queries::find(conn, organization, plan)?.ok_or(Problem::NotFound)?;
    if !plan.state.is_open() {
        return Err(Problem::Conflict(
            "Nothing is left to cancel: see on the page of the connection what became of it.".to_owned(),
        ));
    }
    let known = connections::find_in(conn, organization, &plan.connection)?.ok_or(Problem::NotFound)?;
    let told = match plan.state {
        State::Waiting => format!("{} cancelled the switch before its time.", actor.name),
        _ => format!("{} no longer lets the switch make itself back.", actor.name),
    };
    let plan = end(conn, now, &plan, State::Cancelled, &told)?;
    tell(
        conn,
        now,
        actor,
        &known,
        &plan,
        ("connection.plan_cancelled", &told),
    )?;
    Ok(plan)
}

fn end(conn: &mut Conn, now: Timestamp, plan: &Plan, state: State, told: &str) -> Result<Plan, Problem> {
    let ended = Plan {
        state,
        named: String::new(),
        ended_at: Some(now),
        told: told.to_owned(),
        ..plan.clone()
    };
    queries::update(conn, &ended)?;
    Ok(ended)
}

/// The product by itself, at somebody's word.
fn by(plan: &Plan) -> Actor {
    Actor {
        name: format!("Vestibule, as {} planned", plan.by_name),
        ..Actor::system()
    }
}

fn tell(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    plan: &Plan,
    (action, told): (&str, &str),
) -> Result<(), Problem> {
    let after = json!({
        "switch": plan.switch.as_str(), "to": word(plan.on), "at": plan.at, "most_denied": plan.most_denied,
        "planned_by": plan.by_name, "told": told,
    });
    Ok(record(conn, now, actor, known, action, None, after)?)
}
