//! What happens to denials. Each takes a transaction that holds the organization's lock.

use std::collections::BTreeMap;

use serde_json::{Value, json};

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

/// Notes that the person asks to be let in. Its row is the newest again, and a dismissed one is open again: whoever let an
/// attempt be has not answered a request.
///
/// # Errors
/// When there is no such denial, the message is too long, the person has asked within a day, or was
/// invited or let in since.
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
    if let Some(sentence) = denial.why_not_ask(now) {
        return Err(Problem::Conflict(sentence.to_owned()));
    }
    let open = match denial.state {
        State::Dismissed => moved(&denial, State::Open, now, actor),
        _ => Denial {
            version: denial.version + 1,
            ..denial.clone()
        },
    };
    let words: Vec<&str> = message.split_whitespace().collect();
    let changed = Denial {
        asked_at: Some(now),
        // In one line, as lists show it.
        asked: tame(&words.join(" "), LONGEST_NOTE),
        last_at: now.max(denial.last_at),
        ..open
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

/// Lets these denials be, with one note why; those that wait no longer or changed since their version are passed over.
/// Answers the others as they were before.
///
/// # Errors
/// When the note is too long, or the database refuses.
pub fn dismiss_many(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    shown: &BTreeMap<String, i64>,
    note: &str,
) -> std::result::Result<Vec<Denial>, Problem> {
    let ids: Vec<String> = shown.keys().cloned().collect();
    let mut dismissed = Vec::new();
    for denial in queries::find_many(conn, organization, &ids)? {
        let waits = matches!(denial.state, State::Open | State::Invited);
        if waits && shown.get(&denial.id) == Some(&denial.version) {
            dismiss(conn, now, actor, organization, (&denial.id, denial.version), note)?;
            dismissed.push(denial);
        }
    }
    Ok(dismissed)
}

/// Gives a denial to an admin or owner, or to nobody.
///
/// # Errors
/// When it is gone or changed since `version`, or the account is none of an active admin or owner here.
pub fn assign(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    (denial_id, version): (&str, i64),
    account: &str,
) -> std::result::Result<Denial, Problem> {
    let denial = unchanged(conn, organization, denial_id, version)?;
    let name = if account.is_empty() {
        String::new()
    } else {
        let carers = queries::carers(conn, organization)?;
        let carer = carers.into_iter().find(|(id, _)| id == account);
        let (_, name) = carer.ok_or_else(|| {
            Problem::Conflict("Only admins and owners of this organization take care of denials.".to_owned())
        })?;
        name
    };
    let changed = Denial {
        assigned_account: account.to_owned(),
        assigned_name: tame(&name, 200),
        version: denial.version + 1,
        ..denial.clone()
    };
    queries::update(conn, &changed)?;
    let told = |denial: &Denial| Some(json!({ "to": denial.assigned_name }));
    tell(
        conn,
        now,
        actor,
        "denial.assigned",
        &changed,
        (told(&denial), told(&changed)),
    )?;
    Ok(changed)
}

/// Keeps a note beside a denial, for colleagues.
///
/// # Errors
/// When there is no such denial, or the note is empty or too long.
pub fn add_note(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    denial_id: &str,
    text: &str,
) -> std::result::Result<Denial, Problem> {
    if text.is_empty() || text.chars().count() > LONGEST_NOTE {
        return Err(Problem::Invalid(format!(
            "Write a note of 1 to {LONGEST_NOTE} characters."
        )));
    }
    let denial = queries::find(conn, organization, denial_id)?.ok_or(Problem::NotFound)?;
    let text = tame(text, LONGEST_NOTE);
    queries::insert_note(conn, now, denial_id, (&actor.id, &actor.name), &text)?;
    tell(
        conn,
        now,
        actor,
        "denial.noted",
        &denial,
        (None, Some(json!({ "note": text }))),
    )?;
    Ok(denial)
}

/// Marks the denials of these addresses (folded) as answered by their invitations: those that wait, and those that were let be.
/// Answers how many.
///
/// # Errors
/// When the database refuses.
pub fn invited_addresses(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    invited_by_key: &BTreeMap<String, &str>,
) -> Result<usize> {
    let keys: Vec<&str> = invited_by_key.keys().map(String::as_str).collect();
    let mut answered = 0;
    for denial in queries::of_addresses(conn, organization, &keys)? {
        if let Some(invitation) = invited_by_key.get(&denial.email_key) {
            answered += usize::from(invited(conn, now, actor, organization, &denial.id, invitation)?);
        }
    }
    Ok(answered)
}

/// Notes that the person's request was answered: they may come again. It is settled by their next sign-in.
///
/// # Errors
/// When the database refuses.
pub fn answered(conn: &mut Conn, now: Timestamp, denial: &Denial) -> Result<()> {
    let actor = Actor::system();
    let changed = moved(denial, State::Open, now, &actor);
    write(conn, now, &actor, "denial.answered", denial, &changed)
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
    tell(conn, now, actor, action, after, (facts(before), facts(after)))
}

fn tell(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    action: &str,
    denial: &Denial,
    (before, after): (Option<Value>, Option<Value>),
) -> Result<()> {
    let event = Event {
        organization: Some(&denial.organization),
        action,
        subject: Subject {
            kind: "denial",
            id: &denial.id,
            name: denial.person(),
        },
        before,
        after,
    };
    audit::record(conn, now, actor, &event)
}
