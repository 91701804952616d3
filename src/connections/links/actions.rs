//! Making, taking and revoking set-up links.

use serde_json::json;

use super::model::{Link, term};
use super::queries::{self, Held};
use crate::audit::Actor;
use crate::connections::Connection;
use crate::connections::actions::record;
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::Problem;

/// How many links of a connection may be open at once.
const MOST: usize = 10;

/// Makes a link, and answers it with its token, which is kept as a hash only. `days` is one of [`super::TERMS`].
///
/// # Errors
/// `Invalid` when the name or the term can't be, `Conflict` when there are too many.
pub fn create(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    (name, days): (&str, &str),
    may_switch: bool,
) -> Result<(Link, String), Problem> {
    if !(1..=100).contains(&name.chars().count()) {
        return Err(Problem::Invalid(
            "Write who gets the link, in 1 to 100 characters.".to_owned(),
        ));
    }
    let life =
        term(days).ok_or_else(|| Problem::Invalid("Choose how long the link is good for.".to_owned()))?;
    let open = queries::list(conn, &connection.id)?;
    if open.iter().filter(|link| link.state(now).is_live()).count() >= MOST {
        return Err(Problem::Conflict(format!(
            "{MOST} links of this connection are open. Revoke one first."
        )));
    }
    let link = Link {
        id: id::new_id(),
        connection: connection.id.clone(),
        name: name.to_owned(),
        may_switch,
        created_at: now,
        created_by: actor.name.clone(),
        expires_at: now + life,
        begun_at: None,
        begun_ip: String::new(),
        seen_at: None,
        revoked_at: None,
    };
    let token = id::new_token();
    queries::insert(conn, &connection.organization, &link, &id::hash_token(&token))?;
    let after = json!({"link": name, "days": days, "may_turn_on": may_switch});
    record(conn, now, actor, connection, "connection.link_made", None, after)?;
    Ok((link, token))
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
