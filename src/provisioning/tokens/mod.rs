//! The tokens by which a directory speaks to a connection: several at a time, each with a name, so that a
//! new one can take over before the old one is revoked. A token acts in its own organization only.

pub(super) mod queries;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::audit::{self, Actor, ActorKind, Event, Subject};
use crate::connections::{self, Connection};
use crate::store::time::{self, Timestamp};
use crate::store::{Conn, Result, id};
use crate::web::Problem;

pub use queries::list;

/// What each token begins with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "vscim_";
/// How much of a token is shown afterwards, to tell it from others.
const HINT: usize = PREFIX.len() + 4;
/// How many live tokens a connection may have.
const MOST: usize = 20;

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its key.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How it begins.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom, as the name was then.
    pub created_by: String,
    /// From when on it is refused; none: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Whether it is accepted.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it ends within two weeks.
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.is_live(now) && self.expires_at.is_some_and(|end| end - now < 14 * time::DAY)
    }
}

/// Who speaks SCIM: a live token, with its connection as it stands now.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token's id.
    pub token_id: String,
    /// The token's name.
    pub token_name: String,
    /// The organization's id. Every query takes it.
    pub organization: String,
    /// The connection. Its SCIM may be off: then nothing is done for it.
    pub connection: Connection,
}

impl Caller {
    /// The token as the audit log names it.
    pub fn actor(&self, ip: &str) -> Actor {
        Actor {
            kind: ActorKind::Scim,
            id: self.token_id.clone(),
            name: format!("{} ({})", self.token_name, self.connection.name),
            ip: ip.to_owned(),
        }
    }
}

/// Whose token this is, if it is live and the organization is on. Tokens are looked up by their SHA-256, so
/// that no comparison tells by its time how much of a guess was right.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, now: Timestamp, bearer: &str) -> Result<Option<Caller>> {
    if !bearer.starts_with(PREFIX) {
        return Ok(None);
    }
    let found = connections::find_by_token(conn, now, &id::hash_token(bearer))?;
    Ok(found.map(|(token_id, token_name, connection)| Caller {
        token_id,
        token_name,
        organization: connection.organization.clone(),
        connection,
    }))
}

/// How long a token that was found is remembered, and how many are.
const REMEMBERED: (i64, usize) = (time::MINUTE, 1_000);

/// Whose the tokens are that were used lately: enough to read a request and to name it in the log, before its
/// transaction looks at the token itself. Nobody is let in by it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<HashMap<String, Found>>>);

/// When a token was found, and whose it was.
type Found = (Timestamp, Arc<Caller>);

impl Seen {
    /// Whose the token was when it was found last.
    pub fn find(&self, now: Timestamp, bearer: &str) -> Option<Arc<Caller>> {
        let seen = self.lock();
        let (at, caller) = seen.get(&id::hash_token(bearer))?;
        (now - at < REMEMBERED.0).then(|| Arc::clone(caller))
    }

    /// Remembers whose it is.
    pub fn keep(&self, now: Timestamp, bearer: &str, caller: &Arc<Caller>) {
        let mut seen = self.lock();
        if seen.len() >= REMEMBERED.1 {
            seen.clear();
        }
        seen.insert(id::hash_token(bearer), (now, Arc::clone(caller)));
    }

    /// Forgets a token that was refused.
    pub fn forget(&self, bearer: &str) {
        self.lock().remove(&id::hash_token(bearer));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, Arc<Caller>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a token. The secret is answered here and nowhere again.
///
/// # Errors
/// `Invalid` when the name or the end can't be taken, `Conflict` when there are too many or one of this name
/// is live.
pub fn create(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    name: &str,
    expires_at: Option<Timestamp>,
) -> std::result::Result<(Token, String), Problem> {
    let name = name.trim();
    check(conn, now, connection, name, expires_at)?;
    let secret = format!("{PREFIX}{}", id::new_token());
    let token = Token {
        id: id::new_id(),
        name: name.to_owned(),
        hint: secret.chars().take(HINT).collect(),
        created_at: now,
        created_by: actor.name.clone(),
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    queries::insert(conn, connection, &token, &id::hash_token(&secret))?;
    let after =
        json!({"name": token.name, "begins_with": token.hint, "expires": expires_at.map(time::machine)});
    record(conn, now, actor, connection, "scim_token.created", &token, after)?;
    Ok((token, secret))
}

/// Reads a lifetime such as `90d`, `12h` or `52w`, in milliseconds.
///
/// # Errors
/// A sentence for whoever typed it.
pub fn lifetime(text: &str) -> std::result::Result<i64, String> {
    let refused =
        || format!("“{text}” is no time to live. Write a number and a letter, such as 90d, 12h or 52w.");
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(refused)?;
    let unit = match unit {
        "h" => time::HOUR,
        "d" => time::DAY,
        "w" => 7 * time::DAY,
        _ => return Err(refused()),
    };
    let number: i64 = number
        .parse()
        .ok()
        .filter(|number| (1..=36_500).contains(number))
        .ok_or_else(refused)?;
    Ok(number * unit)
}

fn check(
    conn: &mut Conn,
    now: Timestamp,
    connection: &Connection,
    name: &str,
    expires_at: Option<Timestamp>,
) -> std::result::Result<(), Problem> {
    if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        return Err(Problem::Invalid(
            "A token’s name has 1 to 60 characters, such as “entra”.".to_owned(),
        ));
    }
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::Invalid(
            "The token would have expired already.".to_owned(),
        ));
    }
    let live: Vec<Token> = list(conn, &connection.id)?
        .into_iter()
        .filter(|token| token.is_live(now))
        .collect();
    if live.iter().any(|token| token.name == name) {
        return Err(Problem::Conflict(format!(
            "A token called “{name}” is in use. Give the new one another name, so that the log tells them apart."
        )));
    }
    if live.len() >= MOST {
        return Err(Problem::Conflict(format!(
            "This connection has {MOST} tokens. Revoke one that is no longer used."
        )));
    }
    Ok(())
}

/// Ends a token at once. One that was revoked before stays so.
///
/// # Errors
/// `NotFound` when the connection has no such token.
pub fn revoke(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    token: &str,
) -> std::result::Result<Token, Problem> {
    let known = queries::one(conn, &connection.id, token)?.ok_or(Problem::NotFound)?;
    if queries::revoke(conn, now, &known.id)? > 0 {
        let after = json!({"name": known.name, "begins_with": known.hint, "revoked": true});
        record(conn, now, actor, connection, "scim_token.revoked", &known, after)?;
    }
    Ok(Token {
        revoked_at: known.revoked_at.or(Some(now)),
        ..known
    })
}

fn record(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    action: &str,
    token: &Token,
    after: serde_json::Value,
) -> Result<()> {
    let event = Event {
        organization: Some(&connection.organization),
        action,
        subject: Subject {
            kind: "scim_token",
            id: &token.id,
            name: &format!("{} ({})", token.name, connection.name),
        },
        before: None,
        after: Some(after),
    };
    audit::record(conn, now, actor, &event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_and_a_letter() {
        for (text, days) in [("90d", 90), ("2w", 14), ("24h", 1)] {
            assert_eq!(lifetime(text), Ok(days * time::DAY), "{text}");
        }
        for text in [
            "",
            "d",
            "90",
            "0d",
            "-1d",
            "90m",
            "9é",
            "99999999999999999999d",
            "1 d",
        ] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }
}
