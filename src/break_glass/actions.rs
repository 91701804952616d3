//! Naming owners for emergencies, and noting when they came in or tried to.

use serde_json::json;

use super::model::Keeper;
use super::queries;
use crate::accounts::Account;
use crate::audit::{self, Actor, Event, Subject};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::Problem;

/// The organization's owners, with those for emergencies marked; the first one first.
///
/// # Errors
/// When the database refuses.
pub fn owners(conn: &mut Conn, organization: &str) -> Result<Vec<Keeper>, Problem> {
    Ok(queries::owners(conn, organization)?)
}

/// Whether the account may come by password although single sign-on is asked of everybody there.
///
/// # Errors
/// When the database refuses.
pub fn may_come_in(conn: &mut Conn, organization: &str, account: &str) -> Result<bool, Problem> {
    let owners = queries::owners(conn, organization)?;
    Ok(owners
        .iter()
        .any(|owner| owner.is_keeper && owner.account == account))
}

/// Names these owners, and nobody else, as those for emergencies.
///
/// # Errors
/// A sentence where nobody is meant, or an owner who has no password: they never come by single sign-on, so they would
/// be shut out.
pub fn name(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    wanted: &[String],
) -> Result<Result<(), &'static str>, Problem> {
    let owners = queries::owners(conn, organization)?;
    let chosen: Vec<&Keeper> = owners
        .iter()
        .filter(|owner| wanted.contains(&owner.account))
        .collect();
    if chosen.is_empty() || chosen.iter().any(|owner| !owner.has_password) {
        return Ok(Err(
            "Choose at least one owner, and only owners who have a password: whoever is named comes in by nothing else.",
        ));
    }
    let names =
        |keepers: &[&Keeper]| -> Vec<String> { keepers.iter().map(|one| one.email.clone()).collect() };
    let before: Vec<&Keeper> = owners.iter().filter(|owner| owner.is_keeper).collect();
    let accounts: Vec<String> = chosen.iter().map(|owner| owner.account.clone()).collect();
    queries::set_named(conn, organization, &accounts, now, &actor.name)?;
    let event = Event {
        organization: Some(organization),
        action: "break_glass.named",
        subject: Subject {
            kind: "organization",
            id: organization,
            name: "",
        },
        before: Some(json!({"owners": names(&before)})),
        after: Some(json!({"owners": names(&chosen)})),
    };
    audit::record(conn, now, actor, &event)?;
    Ok(Ok(()))
}

/// The account came in by password where single sign-on is asked of everybody.
///
/// # Errors
/// When the database refuses.
pub fn used(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    account: &Account,
) -> Result<(), Problem> {
    note(
        conn,
        now,
        actor,
        organization,
        account,
        ("sign_in", "break_glass.used"),
    )
}

/// The account showed that it could come in.
///
/// # Errors
/// When the database refuses.
pub fn tried(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    account: &Account,
) -> Result<(), Problem> {
    note(
        conn,
        now,
        actor,
        organization,
        account,
        ("drill", "break_glass.tried"),
    )
}

fn note(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    account: &Account,
    (kind, action): (&str, &str),
) -> Result<(), Problem> {
    queries::insert_use(conn, organization, (&account.id, account.shown_name()), kind, now)?;
    let event = Event {
        organization: Some(organization),
        action,
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: &account.email,
        },
        ..Event::default()
    };
    Ok(audit::record(conn, now, actor, &event)?)
}
