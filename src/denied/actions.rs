//! What happens to denials. Each takes a transaction that holds the organization's lock.

use serde_json::json;

use super::model::{self, Denial, State};
use super::queries;
use crate::audit::{self, Actor, Event, Subject};
use crate::sign_ins::Record;
use crate::store::text::tame;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, id};
use crate::web::Problem;

/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 500;

/// Notes one more denied attempt of this person and answers the denial's id. One that was invited or
/// settled opens again; a dismissed one stays dismissed.
///
/// # Errors
/// When the database refuses; the attempt must then have no other effect.
pub fn note(conn: &mut Conn, record: &Record) -> Result<String> {
    let before = queries::find_by_person(conn, &record.organization, &model::key(record))?;
    let known = before.is_some();
    let denial = model::after(before, record, id::new_id);
    if known {
        queries::update(conn, &denial)?;
    } else {
        queries::insert(conn, &denial)?;
    }
    Ok(denial.id)
}

/// Settles what was open or invited, because this sign-in admitted the person. Answers how many rows.
///
/// # Errors
/// When the database refuses.
pub fn settle(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    person_key: &str,
    sign_in_id: &str,
) -> Result<usize> {
    queries::settle(conn, now, organization, person_key, sign_in_id)
}

/// Marks a denial as answered by this invitation. Nothing happens, and the answer is `false`, when there
/// is no such denial here, when it is settled, or when the invitation is for another address.
///
/// # Errors
/// When the database refuses.
pub fn invited(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    denial_id: &str,
    invitation_id: &str,
) -> Result<bool> {
    let Some(denial) = queries::find(conn, organization, denial_id)? else {
        return Ok(false);
    };
    let address = queries::address_of_invitation(conn, organization, invitation_id)?;
    if denial.state == State::Settled || address.as_deref() != Some(&denial.email_key) {
        return Ok(false);
    }
    let changed = Denial {
        invitation: Some(invitation_id.to_owned()),
        ..moved(&denial, State::Invited, now, actor)
    };
    write(conn, now, actor, "denial.invited", &denial, &changed)?;
    Ok(true)
}

/// Notes that the person asks to be let in. Its row is the newest again; a dismissed one stays dismissed.
///
/// # Errors
/// When there is no such denial, the message is too long, the person has asked within a day, or is in already.
pub fn ask(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    denial_id: &str,
    message: &str,
) -> std::result::Result<Denial, Problem> {
    if message.chars().count() > LONGEST_NOTE {
        return Err(Problem::Invalid(format!(
            "The message has more than {LONGEST_NOTE} characters. Shorten it."
        )));
    }
    let denial = queries::find(conn, organization, denial_id)?.ok_or(Problem::NotFound)?;
    if denial.state == State::Settled {
        return Err(Problem::Conflict(
            "You have been let in since. Sign in again.".to_owned(),
        ));
    }
    if !denial.may_ask(now) {
        return Err(Problem::Conflict(
            "You have asked within the last day. The administrators see your request; ask again tomorrow."
                .to_owned(),
        ));
    }
    let changed = Denial {
        asked_at: Some(now),
        asked: tame(message, LONGEST_NOTE),
        last_at: now.max(denial.last_at),
        version: denial.version + 1,
        ..denial.clone()
    };
    write(conn, now, actor, "denial.asked", &denial, &changed)?;
    Ok(changed)
}

/// Lets a denial be, with a note why.
///
/// # Errors
/// When it is gone or changed since `version`, is not open or invited, or the note is too long.
pub fn dismiss(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    (denial_id, version): (&str, i64),
    note: &str,
) -> std::result::Result<Denial, Problem> {
    if note.chars().count() > LONGEST_NOTE {
        return Err(Problem::Invalid(format!(
            "The note has more than {LONGEST_NOTE} characters. Shorten it."
        )));
    }
    let denial = unchanged(conn, organization, denial_id, version)?;
    if !matches!(denial.state, State::Open | State::Invited) {
        return Err(Problem::Conflict(format!(
            "This denial is {} already.",
            denial.state.as_str()
        )));
    }
    let changed = Denial {
        note: tame(note, LONGEST_NOTE),
        ..moved(&denial, State::Dismissed, now, actor)
    };
    write(conn, now, actor, "denial.dismissed", &denial, &changed)?;
    Ok(changed)
}

/// Puts a dismissed denial back among the open ones.
///
/// # Errors
/// When it is gone, changed since `version`, or not dismissed.
pub fn reopen(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    (denial_id, version): (&str, i64),
) -> std::result::Result<Denial, Problem> {
    let denial = unchanged(conn, organization, denial_id, version)?;
    if denial.state != State::Dismissed {
        return Err(Problem::Conflict(
            "Only a dismissed denial can be reopened.".to_owned(),
        ));
    }
    let changed = moved(&denial, State::Open, now, actor);
    write(conn, now, actor, "denial.reopened", &denial, &changed)?;
    Ok(changed)
}

fn unchanged(
    conn: &mut Conn,
    organization: &str,
    denial_id: &str,
    version: i64,
) -> std::result::Result<Denial, Problem> {
    let denial = queries::find(conn, organization, denial_id)?.ok_or(Problem::NotFound)?;
    if denial.version == version {
        return Ok(denial);
    }
    Err(Problem::Conflict(
        "This denial changed since you opened the page. Go back, reload it, and decide again.".to_owned(),
    ))
}

fn moved(denial: &Denial, state: State, now: Timestamp, actor: &Actor) -> Denial {
    Denial {
        state,
        state_at: now,
        state_by: actor.name.clone(),
        version: denial.version + 1,
        ..denial.clone()
    }
}

fn write(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    action: &str,
    before: &Denial,
    after: &Denial,
) -> Result<()> {
    queries::update(conn, after)?;
    let facts = |denial: &Denial| {
        Some(json!({ "state": denial.state.as_str(), "note": denial.note, "invitation": denial.invitation }))
    };
    let event = Event {
        organization: Some(&after.organization),
        action,
        subject: Subject {
            kind: "denial",
            id: &after.id,
            name: after.person(),
        },
        before: facts(before),
        after: facts(after),
    };
    audit::record(conn, now, actor, &event)
}
