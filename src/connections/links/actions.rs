//! Making, taking and revoking set-up links.

use serde_json::json;

use super::letters;
use super::model::{Link, Wanted, term};
use super::queries::{self, Held};
use crate::audit::Actor;
use crate::connections::Connection;
use crate::connections::actions::record;
use crate::mail::Post;
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::Problem;

/// How many links of a connection may be open at once.
const MOST: usize = 10;

/// Makes a link, and answers it with its token, which is kept as a hash only. The letter with it, where one is wanted,
/// goes into the outbox.
///
/// # Errors
/// `Invalid` when the name or the term can't be, `Conflict` when there are too many.
pub fn create(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    post: &Post,
    connection: &Connection,
    wanted: &Wanted,
) -> Result<(Link, String), Problem> {
    let life = judge(wanted)?;
    let open = queries::list(conn, &connection.id)?;
    if open.iter().filter(|link| link.state(now).is_live()).count() >= MOST {
        return Err(Problem::Conflict(format!(
            "{MOST} links of this connection are open. Revoke one first."
        )));
    }
    let link = link(now, actor, connection, wanted, life);
    let token = id::new_token();
    queries::insert(conn, &connection.organization, &link, &id::hash_token(&token))?;
    if let Some(to) = &wanted.email {
        letters::send(conn, now, post, connection, (&link, to), &token)?;
    }
    let after = json!({
        "link": wanted.name, "days": wanted.days, "may_turn_on": wanted.may_switch, "mailed_to": link.email,
    });
    record(conn, now, actor, connection, "connection.link_made", None, after)?;
    Ok((link, token))
}

/// For how long the link lives, in milliseconds, if it can be as it is wanted.
fn judge(wanted: &Wanted) -> Result<i64, Problem> {
    if !(1..=100).contains(&wanted.name.chars().count()) {
        return Err(Problem::Invalid(
            "Write who gets the link, in 1 to 100 characters.".to_owned(),
        ));
    }
    term(&wanted.days).ok_or_else(|| Problem::Invalid("Choose how long the link is good for.".to_owned()))
}

fn link(now: Timestamp, actor: &Actor, connection: &Connection, wanted: &Wanted, life: i64) -> Link {
    Link {
        id: id::new_id(),
        connection: connection.id.clone(),
        name: wanted.name.clone(),
        may_switch: wanted.may_switch,
        created_at: now,
        created_by: actor.name.clone(),
        expires_at: now + life,
        begun_at: None,
        begun_ip: String::new(),
        seen_at: None,
        revoked_at: None,
        email: wanted
            .email
            .as_ref()
            .map(|email| email.as_str().to_owned())
            .unwrap_or_default(),
    }
}

/// Gives the link to the browser that holds this key. Answers whether that is so now.
///
/// # Errors
/// `NotFound` when its connection is gone.
pub fn begin(conn: &mut Conn, now: Timestamp, held: &Held, browser: &str, ip: &str) -> Result<bool, Problem> {
    let link = &held.link;
    let connection = crate::connections::find_in(conn, &held.organization, &link.connection)?;
    let connection = connection.ok_or(Problem::NotFound)?;
    if !queries::begin(conn, &link.id, &id::hash_token(browser), ip, now)? {
        return Ok(false);
    }
    let actor = actor(&link.name, ip);
    let after = json!({"link": link.name});
    record(
        conn,
        now,
        &actor,
        &connection,
        "connection.link_opened",
        None,
        after,
    )?;
    Ok(true)
}

/// Revokes a link: it opens nothing from now on.
///
/// # Errors
/// `NotFound` when the connection has no such link.
pub fn revoke(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    id: &str,
) -> Result<Link, Problem> {
    let links = queries::list(conn, &connection.id)?;
    let link = links
        .into_iter()
        .find(|link| link.id == id)
        .ok_or(Problem::NotFound)?;
    if queries::revoke(conn, &link.id, now)? {
        letters::withdraw(conn, now, &link.id)?;
        let before = json!({"link": link.name});
        let nothing = serde_json::Value::Null;
        record(
            conn,
            now,
            actor,
            connection,
            "connection.link_revoked",
            Some(before),
            nothing,
        )?;
    }
    Ok(link)
}

/// Who acts by a link.
pub(super) fn actor(name: &str, ip: &str) -> Actor {
    Actor::person("", &format!("Set-up link “{name}”"), ip)
}
