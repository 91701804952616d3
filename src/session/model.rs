//! Beginning and ending sessions, inside the transaction of whatever causes it.

use actix_session::Session;
use actix_web::HttpRequest;

use super::queries;
use crate::store::time::{HOUR, MINUTE, Timestamp};
use crate::store::{Conn, Result, id};
use crate::web::{Client, Problem, csrf};

/// The name under which the browser's session state keeps the id of its row.
pub(super) const STATE: &str = "id";

/// How many sessions a person may have; the oldest ends when one more begins.
const MOST: i64 = 20;

/// Lifetime and idle time where no organization sets them: 12 hours and 2 hours.
pub const LIFETIME: i64 = 12 * HOUR;
/// Idle time where no organization sets it.
pub const IDLE: i64 = 120 * MINUTE;

/// A session about to begin.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// The account that signed in.
    pub account: &'a str,
    /// The organization that single sign-on was for; none for a password.
    pub organization: Option<&'a str>,
    /// The connection that vouched; none for a password.
    pub connection: Option<&'a str>,
    /// The browser.
    pub client: &'a Client,
    /// Milliseconds until it ends in any case.
    pub lifetime: i64,
    /// Milliseconds without a request until it ends.
    pub idle: i64,
}

/// An open session as its owner sees it.
#[derive(Debug, Clone)]
pub struct Open {
    /// The id of its row; no secret.
    pub id: String,
    /// From where.
    pub ip: String,
    /// With which browser.
    pub user_agent: String,
    /// Since when.
    pub created_at: Timestamp,
    /// The last request, to the minute.
    pub last_seen_at: Timestamp,
}

/// Opens a session in the running transaction and answers its id. It is of no use until the answer
/// gives the browser its key ([`enter`]).
///
/// # Errors
/// When the database refuses.
pub fn begin(conn: &mut Conn, now: Timestamp, new: &NewSession<'_>) -> Result<String> {
    let id = id::new_id();
    queries::insert(conn, &id, now, new)?;
    queries::end_oldest(conn, new.account, MOST)?;
    Ok(id)
}

/// Gives this browser the session `id` under a fresh key, and fresh form tokens.
///
/// # Errors
/// When the session's state can't be written.
pub fn enter(request: &HttpRequest, session: &Session, id: &str) -> std::result::Result<(), Problem> {
    session.clear();
    session.insert(STATE, id).map_err(Problem::internal)?;
    session.renew();
    csrf::renew(request);
    Ok(())
}

/// Takes the session from this browser.
pub fn leave(request: &HttpRequest, session: &Session) {
    session.purge();
    csrf::renew(request);
}

/// Ends one session of this account.
///
/// # Errors
/// When the database refuses.
pub fn end(conn: &mut Conn, account: &str, id: &str) -> Result<usize> {
    queries::end(conn, account, id)
}

/// Ends every session of the account, and answers how many there were.
///
/// # Errors
/// When the database refuses.
pub fn end_all_of_account(conn: &mut Conn, account: &str) -> Result<usize> {
    queries::end_all(conn, account)
}

/// Ends every session of the account but the one named.
///
/// # Errors
/// When the database refuses.
pub fn end_others(conn: &mut Conn, account: &str, keep: &str) -> Result<usize> {
    queries::end_others(conn, account, keep)
}

/// Ends the sessions by which the account can act in this organization: its own by single sign-on, and
/// those by password.
///
/// # Errors
/// When the database refuses.
pub fn end_in_organization(conn: &mut Conn, account: &str, organization: &str) -> Result<usize> {
    queries::end_in_organization(conn, account, organization)
}

/// The open sessions of an account, newest first.
///
/// # Errors
/// When the database refuses.
pub fn list(conn: &mut Conn, account: &str, now: Timestamp) -> Result<Vec<Open>> {
    queries::list(conn, account, now)
}
