//! Letters to people who are invited: the link, and a reminder before its end.

use std::collections::HashMap;

use super::model::{Invitation, Sent, State};
use super::{actions, queries};
use crate::access::EmailAddress;
use crate::mail::{self, Kind, Letter, Post};
use crate::orgs::{self, Organization};
use crate::store::time::{Timestamp, date};
use crate::store::{Conn, Result};

/// What letters about invitations are about.
pub const ABOUT: &str = "invitation";

/// Writes to each of these people. What was not sent yet about the same invitations is taken back, since its link is
/// dead. Answers how many letters those are: none where no mail is sent from here, and the links are to be copied.
///
/// # Errors
/// When the database refuses.
pub fn send(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &Organization,
    sent: &[Sent],
) -> Result<usize> {
    if !post.is_configured() || sent.is_empty() {
        return Ok(0);
    }
    let ids: Vec<String> = sent.iter().map(|one| one.id.clone()).collect();
    withdraw(conn, now, &ids)?;
    let found = queries::find_many(conn, &organization.id, &ids)?;
    let tokens: HashMap<&str, &str> = sent
        .iter()
        .map(|one| (one.id.as_str(), one.token.as_str()))
        .collect();
    let letters: Vec<Letter> = found
        .iter()
        .filter_map(|one| invitation(organization, one, tokens.get(one.id.as_str())?))
        .collect();
    mail::actions::queue_many(conn, now, post, &letters)
}

/// After fresh links were made: writes to their people where `mailed`; else only what was not sent yet is taken back,
/// because the links are copied by hand.
///
/// # Errors
/// When the database refuses.
pub(super) fn fresh(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &str,
    sent: &[Sent],
    mailed: bool,
) -> Result<()> {
    if !mailed {
        let ids: Vec<String> = sent.iter().map(|one| one.id.clone()).collect();
        return withdraw(conn, now, &ids).map(drop);
    }
    match orgs::find(conn, organization)? {
        Some(organization) => send(conn, now, post, &organization, sent).map(drop),
        None => Ok(()),
    }
}

/// Takes back what was not sent yet about these invitations: they wait no longer, or their link is another one.
///
/// # Errors
/// When the database refuses.
pub fn withdraw(conn: &mut Conn, now: Timestamp, ids: &[String]) -> Result<usize> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    mail::actions::withdraw(conn, now, ABOUT, &ids)
}

/// Reminds the people of these invitations that they end soon, each once, with a fresh link. Answers how many people
/// were reminded.
///
/// # Errors
/// When the database refuses.
pub fn remind(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &str,
    ids: &[String],
) -> Result<usize> {
    let Some(organization) = orgs::find(conn, organization)? else {
        return Ok(0);
    };
    let mut letters = Vec::new();
    for one in queries::find_many(conn, &organization.id, ids)? {
        if one.state(now) == State::Pending && queries::is_reminder_due(conn, &one)? {
            let sent = actions::renew_link(conn, now, &one)?;
            withdraw(conn, now, std::slice::from_ref(&one.id))?;
            letters.extend(reminder(&organization, &one, &sent.token));
        }
    }
    mail::actions::queue_many(conn, now, post, &letters)
}

/// The invitations that a reminder is due for, each with its organization, the ones that end first before the others.
///
/// # Errors
/// When the database refuses.
pub fn due(conn: &mut Conn, now: Timestamp, most: i64) -> Result<Vec<(String, String)>> {
    queries::reminders_due(conn, now, most)
}

fn invitation(organization: &Organization, one: &Invitation, token: &str) -> Option<Letter> {
    let name = &organization.settings.name;
    let subject = match who(one) {
        Some(who) => format!("{who} invites you to {name}"),
        None => format!("You are invited to {name}"),
    };
    let said = match who(one) {
        Some(who) => format!("{who} invites you to {name}."),
        None => format!("An administrator of {name} invites you."),
    };
    let letter = letter(Kind::Invitation, organization, one, &subject)?.say(said);
    Some(offer(letter, one, token).because(&format!(
        "You get this because your address was typed at {name}. If you did not expect it, do nothing: nobody comes \
         in without you, and the invitation ends by itself. At the link you can decline it."
    )))
}

fn reminder(organization: &Organization, one: &Invitation, token: &str) -> Option<Letter> {
    let name = &organization.settings.name;
    let subject = format!("Your invitation to {name} ends on {}", date(one.expires_at));
    let letter = letter(Kind::Reminder, organization, one, &subject)?.say(format!(
        "You were invited to {name} on {} and have not come yet. This link replaces the one of before.",
        date(one.created_at)
    ));
    Some(offer(letter, one, token).because(&format!(
        "You get this once, because an invitation to {name} waits for you. If you don\u{2019}t want to come, do nothing, \
         or decline it at the link."
    )))
}

/// None where the address is none that mail can go to; the table has only those that were read as one.
fn letter(kind: Kind, organization: &Organization, one: &Invitation, subject: &str) -> Option<Letter> {
    let to = EmailAddress::parse(&one.email).ok()?;
    Some(
        Letter::new(kind, &to, subject)
            .of(&organization.id, &organization.settings.name)
            .about(ABOUT, &one.id)
            .useful_until(one.expires_at),
    )
}

fn offer(letter: Letter, one: &Invitation, token: &str) -> Letter {
    let letter = match who(one) {
        Some(who) => letter.fact("Invited by", who),
        None => letter,
    };
    let letter = match EmailAddress::parse(&one.email) {
        Ok(address) => letter.address("For", &address),
        Err(_) => letter,
    };
    let teams: Vec<&str> = one.teams.iter().map(|team| team.name.as_str()).collect();
    let letter = letter.fact("Role", one.role.title());
    let letter = if teams.is_empty() {
        letter
    } else {
        letter.fact("Teams", &teams.join(", "))
    };
    letter
        .fact("Until", &format!("{} (UTC)", date(one.expires_at)))
        .act("See the invitation", &format!("/invitation/{token}"))
        .say("The link is for you alone. Whoever has it can come in your place: pass it on to nobody.")
}

/// Who invited, where that was a person.
fn who(one: &Invitation) -> Option<&str> {
    Some(one.invited_by_name.as_str()).filter(|name| !name.is_empty() && !one.invited_by.is_empty())
}
