//! The letter that carries a set-up link to whoever gets it.

use super::model::Link;
use crate::access::EmailAddress;
use crate::connections::Connection;
use crate::mail::{self, Kind, Letter, Post};
use crate::orgs;
use crate::store::Conn;
use crate::store::time::{DAY, Timestamp, date};
use crate::web::Problem;

/// What these letters are about.
pub const ABOUT: &str = "connection_link";

/// How many of these letters leave an organization within a day: addresses of anybody may be written there.
const A_DAY: i64 = 50;

/// Puts the letter into the outbox, with the token that nobody else is told.
///
/// # Errors
/// `Conflict` when too many went out of late or no mail is sent from here.
pub(super) fn send(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    connection: &Connection,
    (link, to): (&Link, &EmailAddress),
    token: &str,
) -> Result<(), Problem> {
    if mail::since(conn, &connection.organization, Kind::SetupLink, now - DAY)? >= A_DAY {
        return Err(Problem::Conflict(format!(
            "{A_DAY} set-up links went out by mail within a day. Leave the address out, and copy the link."
        )));
    }
    let organization = orgs::find(conn, &connection.organization)?.ok_or(Problem::NotFound)?;
    let letter = letter(&organization, connection, (link, to), token);
    match mail::actions::queue(conn, now, post, &letter)? {
        Some(_) => Ok(()),
        None => Err(Problem::Conflict(
            "No mail is sent from here. Leave the address out, and copy the link.".to_owned(),
        )),
    }
}

fn letter(
    organization: &orgs::Organization,
    connection: &Connection,
    (link, to): (&Link, &EmailAddress),
    token: &str,
) -> Letter {
    let name = &organization.settings.name;
    let letter = Letter::new(Kind::SetupLink, to, &format!("Set up single sign-on for {name}"))
        .of(&organization.id, name)
        .about(ABOUT, &link.id)
        .useful_until(link.expires_at)
        .say(format!(
            "You are asked to set up how people of {name} sign in by their identity provider. You need no account for it."
        ))
        .fact("Asked by", &link.created_by)
        .fact("For", &link.name)
        .fact("Connection", &connection.name)
        .fact("Until", &format!("{} (UTC)", date(link.expires_at)))
        .act("Begin to set it up", &format!("/connect/open/{token}"));
    letter
        .say("The link is for you alone. The browser that begins with it first holds it, and no other: pass it on to nobody.")
        .because(&format!(
            "You get this once, because an owner of {name} wrote down your address. If you expected nothing of the \
             kind, do nothing, or ask them."
        ))
}

/// Takes the letter back if it is not sent yet: its link opens nothing any more.
///
/// # Errors
/// When the database refuses.
pub(super) fn withdraw(conn: &mut Conn, now: Timestamp, link: &str) -> crate::store::Result<usize> {
    mail::actions::withdraw(conn, now, ABOUT, &[link])
}
