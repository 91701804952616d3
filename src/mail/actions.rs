//! Queueing letters and taking them back, in the transaction of what they tell.

use serde_json::json;

use super::letter::Letter;
use super::post::{Post, failed};
use super::queries;
use super::settings::Settings;
use crate::access::{EmailAddress, Role};
use crate::audit::{self, Actor, Event, Subject};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, Result, id};

/// Puts a letter into the outbox. It leaves once the transaction is through. Answers its id; none where no mail is
/// sent from here.
///
/// # Errors
/// When the database refuses, or the letter can't be written; the change must then not happen either.
pub fn queue(conn: &mut Conn, now: Timestamp, post: &Post, letter: &Letter) -> Result<Option<String>> {
    let id = id::new_id();
    let Some(message_id) = post.message_id(&id) else {
        return Ok(None);
    };
    let body = letter.body(post.origin()).map_err(|error| failed(&error))?;
    let new = queries::New {
        id: &id,
        organization_id: letter.organization.as_deref(),
        kind: letter.kind.as_str(),
        recipient: letter.to.as_str(),
        from_name: &letter.from_name,
        subject: &letter.subject,
        about_kind: &letter.about.0,
        about_id: &letter.about.1,
        message_id: &message_id,
        body_sealed: &post.seal(&id, &body)?,
        queued_at: now,
        since_at: now,
        due_at: now,
        useful_until: letter.useful_until,
    };
    queries::insert(conn, &new)?;
    Ok(Some(id))
}

/// Puts these letters into the outbox. Answers how many those were.
///
/// # Errors
/// As [`queue`].
pub fn queue_many(conn: &mut Conn, now: Timestamp, post: &Post, letters: &[Letter]) -> Result<usize> {
    let mut queued = 0;
    for letter in letters {
        queued += usize::from(queue(conn, now, post, letter)?.is_some());
    }
    Ok(queued)
}

/// Takes back what is not sent yet about these things: what it tells is no longer so. Answers how many letters
/// those were.
///
/// # Errors
/// When the database refuses.
pub fn withdraw(conn: &mut Conn, now: Timestamp, about_kind: &str, about_ids: &[&str]) -> Result<usize> {
    if about_ids.is_empty() {
        return Ok(0);
    }
    queries::withdraw(conn, now, about_kind, about_ids)
}

/// The addresses of an organization's active people of this role or a higher one: whom warnings go to.
///
/// # Errors
/// When the database refuses.
pub fn addresses(conn: &mut Conn, organization: &str, least: Role) -> Result<Vec<EmailAddress>> {
    queries::people(conn, organization, least)
}

/// For how long it is kept that a letter was sent, given up or taken back.
const KEPT: i64 = 90 * DAY;
/// For how long the text of a letter is kept that was given up, so that it can be tried again.
const TEXT_KEPT: i64 = 14 * DAY;

/// Tries these letters again that were given up, of one organization or of whomever. Answers how many can be tried:
/// those whose text is still there and of use.
///
/// # Errors
/// When the database refuses.
pub fn again(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: Option<&str>,
    ids: &[String],
) -> Result<usize> {
    let mut tried = queries::again(conn, now, organization, ids)?;
    // Chains of the log are taken in this order.
    tried.sort_by(|one, other| one.organization.cmp(&other.organization));
    for letter in &tried {
        let event = Event {
            organization: letter.organization.as_deref(),
            action: "mail.retried",
            subject: Subject {
                kind: "letter",
                id: &letter.id,
                name: letter.kind(),
            },
            before: Some(json!({"state": "dead"})),
            after: Some(json!({"state": "waiting"})),
        };
        audit::record(conn, now, actor, &event)?;
    }
    Ok(tried.len())
}

/// Changes what an organization wants to be written about, unless somebody else did meanwhile. Answers whether it
/// was changed. The caller holds the organization.
///
/// # Errors
/// When the database refuses.
pub fn change_settings(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    wanted: &Settings,
) -> Result<bool> {
    let before = queries::settings(conn, organization)?;
    if before.version != wanted.version {
        return Ok(false);
    }
    queries::save_settings(conn, organization, wanted)?;
    let event = Event {
        organization: Some(organization),
        action: "mail.settings_changed",
        subject: Subject {
            kind: "organization",
            id: organization,
            name: "",
        },
        before: Some(json!(before)),
        after: Some(json!(wanted)),
    };
    audit::record(conn, now, actor, &event)?;
    Ok(true)
}

/// Forgets some of the letters that were settled long ago, and the text of some that were given up some time ago. Answers
/// how many rows that were.
///
/// # Errors
/// When the database refuses.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    queries::sweep(conn, now - KEPT, now - TEXT_KEPT)
}
