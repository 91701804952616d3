//! Planned switches: looked at every minute. Who would be concerned is worked out first, beside everything else; then a
//! transaction that holds the organization looks whether that is still true, judges, and switches. So of several servers
//! one makes the switch, once.

use std::time::Duration;

use super::change::Change;
use super::guard::{Guard, still};
use super::queries;
use super::replay::{Progress, replay};
use crate::access::Denial;
use crate::connections::plans::{
    self, Facts, HOUR_OF_WATCH, Plan, Start, State, Switch, Watch, actions, judge_start, judge_watch,
};
use crate::connections::{self, Connection};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Problem, Site};

/// How often it is looked.
const PAUSE: Duration = Duration::from_mins(1);

/// Looks again and again, until the server stops.
pub async fn plans_for_ever(site: Site) {
    loop {
        tokio::time::sleep(PAUSE).await;
        match make_planned(&site).await {
            Ok(0) => {}
            Ok(plans) => tracing::info!(plans, "planned switches were looked after"),
            Err(problem) => tracing::warn!(%problem, "planned switches could not be looked at"),
        }
    }
}

/// Makes the switches whose time has come, and makes back those that deny too many. Answers of how many plans something
/// became.
///
/// # Errors
/// When the database refuses. What is wrong with one plan is logged, and keeps no other from its time.
pub async fn make_planned(site: &Site) -> Result<usize, Problem> {
    let now = site.now();
    let due = site.store.reading(move |conn| plans::due(conn, now)).await?;
    let mut settled = 0;
    for (organization, id) in due {
        match settle(site, organization, id).await {
            Ok(true) => settled += 1,
            Ok(false) | Err(Problem::NotFound) => {}
            Err(problem) => tracing::warn!(%problem, "a planned switch could not be looked at"),
        }
    }
    Ok(settled)
}

async fn settle(site: &Site, organization: String, id: String) -> Result<bool, Problem> {
    let found = site
        .store
        .reading(move |conn| plans::find(conn, &organization, &id))
        .await?;
    match found {
        Some(plan) if plan.state == State::Waiting => start(site, plan).await,
        Some(plan) if plan.state == State::Watched => watch(site, plan).await,
        _ => Ok(false),
    }
}

fn change(plan: &Plan) -> Change {
    let (connection, on) = (plan.connection.clone(), plan.on);
    match plan.switch {
        Switch::Jit => Change::Jit { connection, on },
        Switch::Scim => Change::Scim { connection, on },
    }
}

async fn start(site: &Site, plan: Plan) -> Result<bool, Problem> {
    let (now, seen) = (site.now(), plan.clone());
    let base = site
        .store
        .reading(move |conn| {
            let progress = Progress::default();
            replay(
                conn,
                now,
                &seen.organization,
                &change(&seen),
                seen.days,
                &progress,
            )
        })
        .await?;
    site.store
        .writing_in(&plan.organization.clone(), move |conn| {
            let Some((plan, known)) = still_in(conn, &plan, State::Waiting)? else {
                return Ok(false);
            };
            let (organization, digest) = (&plan.organization, &base.digest);
            let found = still(
                conn,
                now,
                organization,
                &change(&plan),
                plan.days,
                digest,
                Some(&base),
            )?;
            let facts = facts(conn, &plan, &known, &found)?;
            match judge_start(&plan, facts, now) {
                Start::Later => return Ok(false),
                Start::Switch => actions::switch(conn, now, &known, &plan)?,
                Start::Refuse(why) => actions::refuse(conn, now, &known, &plan, &why)?,
            };
            Ok(true)
        })
        .await
}

/// The plan and its connection as they are now, unless another server was faster.
fn still_in(conn: &mut Conn, plan: &Plan, state: State) -> Result<Option<(Plan, Connection)>, Problem> {
    let Some(plan) = plans::find(conn, &plan.organization, &plan.id)?.filter(|plan| plan.state == state)
    else {
        return Ok(None);
    };
    let known = connections::find_in(conn, &plan.organization, &plan.connection)?;
    Ok(known.map(|known| (plan, known)))
}

fn facts(conn: &mut Conn, plan: &Plan, known: &Connection, found: &Guard) -> Result<Facts, Problem> {
    Ok(Facts {
        is_so: plan.switch.is_on(known) == plan.on,
        by_an_owner: queries::is_owner(conn, &plan.organization, &plan.by)?,
        has_domain: !queries::verified_domains(conn, &plan.connection)?.is_empty(),
        unforeseen: match found {
            Guard::Holds(kept_out) => Some(plan.unforeseen(kept_out.iter().map(String::as_str))),
            Guard::Changed => None,
        },
    })
}

async fn watch(site: &Site, plan: Plan) -> Result<bool, Problem> {
    let now = site.now();
    site.store
        .writing_in(&plan.organization.clone(), move |conn| {
            let Some((plan, known)) = still_in(conn, &plan, State::Watched)? else {
                return Ok(false);
            };
            let denied = denied(conn, &plan, &known)?;
            let is_so = plan.switch.is_on(&known) == plan.on;
            match judge_watch(&plan, is_so, denied, now) {
                Watch::GoOn => return Ok(false),
                Watch::Held | Watch::Overtaken => actions::finish(conn, now, &plan)?,
                Watch::Back => actions::switch_back(conn, now, &known, &plan, denied)?,
            };
            Ok(true)
        })
        .await
}

/// How many people were denied within the hour: where just-in-time provisioning was turned off, for want of an invitation.
fn denied(conn: &mut Conn, plan: &Plan, known: &Connection) -> Result<i64, Problem> {
    let hour: (Timestamp, Timestamp) = (plan.at, plan.at + HOUR_OF_WATCH);
    let reason = (plan.switch == Switch::Jit && !plan.on).then(|| Denial::NotInvited.as_str());
    Ok(queries::denied_between(conn, known, hour, reason)?)
}
