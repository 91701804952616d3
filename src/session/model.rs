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

/// How somebody showed that it is them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// A password alone.
    Password,
    /// A password and a second factor.
    SecondFactor,
    /// A passkey.
    Passkey,
    /// An organization's identity provider.
    SingleSignOn,
}

impl Strength {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second_factor",
            Self::Passkey => "passkey",
            Self::SingleSignOn => "single_sign_on",
        }
    }
}

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
    /// How the person showed that it is them.
    pub strength: Strength,
    /// When they did, as far as that is known; else 0.
    pub proved_at: Timestamp,
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

impl Open {
    /// The browser in words, such as “Firefox on Linux”, as far as it can be told.
    pub fn browser(&self) -> String {
        let find = |known: &[(&str, &'static str)]| {
            let found = known.iter().find(|(mark, _)| self.user_agent.contains(mark));
            found.map(|(_, name)| *name)
        };
        // The first that fits: most browsers also name those whom they resemble.
        let program = find(&[
            ("Edg", "Edge"),
            ("OPR/", "Opera"),
            ("Firefox/", "Firefox"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ]);
        let system = find(&[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS X", "macOS"),
            ("Linux", "Linux"),
        ]);
        match (program, system) {
            (Some(program), Some(system)) => format!("{program} on {system}"),
            (Some(name), None) | (None, Some(name)) => name.to_owned(),
            (None, None) => "A browser without a name".to_owned(),
        }
    }
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
    go_on(session, id)?;
    csrf::renew(request);
    Ok(())
}

/// Gives this browser the session `id` under a fresh key. Its forms stay good: the same person goes on.
///
/// # Errors
/// When the session's state can't be written.
pub fn go_on(session: &Session, id: &str) -> std::result::Result<(), Problem> {
    session.clear();
    session.insert(STATE, id).map_err(Problem::internal)?;
    session.renew();
    Ok(())
}

/// The connection by which this session came, as paths name it and as people do: organization, connection, name.
/// None where it came by a password, or the connection is off.
///
/// # Errors
/// When the database refuses.
pub fn way_back(conn: &mut Conn, id: &str) -> Result<Option<(String, String, String)>> {
    queries::way_back(conn, id)
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

/// Ends the sessions that the account has by this organization's provider.
///
/// # Errors
/// When the database refuses.
pub fn end_single_sign_on(conn: &mut Conn, account: &str, organization: &str) -> Result<usize> {
    queries::end_single_sign_on(conn, account, organization)
}

/// The open sessions of an account, newest first; only those by this organization’s provider, if one is given.
///
/// # Errors
/// When the database refuses.
pub fn list(conn: &mut Conn, account: &str, organization: Option<&str>, now: Timestamp) -> Result<Vec<Open>> {
    queries::list(conn, account, organization, now)
}

#[cfg(test)]
mod tests {
    use super::Open;

    #[test]
    fn browsers_have_names() {
        let name = |user_agent: &str| {
            let open = Open {
                id: String::new(),
                ip: String::new(),
                user_agent: user_agent.into(),
                created_at: 0,
                last_seen_at: 0,
            };
            open.browser()
        };
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        assert_eq!(name(chrome), "Chrome on Linux");
        assert_eq!(name(&format!("{chrome} Edg/140")), "Edge on Linux");
        assert_eq!(
            name("Mozilla/5.0 (Windows NT 10.0; rv:143.0) Gecko/20100101 Firefox/143.0"),
            "Firefox on Windows"
        );
        assert_eq!(
            name("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Safari/604.1"),
            "Safari on iPhone"
        );
        assert_eq!(name("curl/8.0"), "A browser without a name");
        assert_eq!(name(""), "A browser without a name");
    }
}
