//! Sign-in by address and password: owners, and guests where an organization allows them.

use std::sync::LazyLock;

use tokio::sync::Semaphore;

use super::queries;
use crate::access::EmailAddress;
use crate::accounts::{self, Account};
use crate::audit::{self, Actor, Event, Subject};
use crate::connections;
use crate::members;
use crate::session::{self, NewSession};
use crate::store::time::{HOUR, MINUTE, SECOND, Timestamp};
use crate::store::{Conn, Store};
use crate::web::{Client, Problem};

/// Hashes at a time: each takes 19 MiB and a core.
static HASHES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)));

/// Failures that cost nothing; then each doubles the wait, up to [`LONGEST_WAIT`].
const FREE_FAILURES: i64 = 5;
const LONGEST_WAIT: i64 = 15 * MINUTE;
/// After how long without a failure a counter begins anew.
pub(super) const FORGET_AFTER: i64 = HOUR;

/// What became of a password.
#[derive(Debug)]
pub enum Outcome {
    /// In: the session's id.
    In(String),
    /// Address and password don't fit together, or there is no such account: nobody is told which.
    Wrong,
    /// They fit, but the person has to come by single sign-on.
    Refused(&'static str),
}

/// How long after `failures` failures, the last at `last_at`, the next try has to wait, in milliseconds.
fn wait(failures: i64, last_at: Timestamp, now: Timestamp) -> i64 {
    let over = failures - FREE_FAILURES;
    if over < 0 {
        return 0;
    }
    let pause = SECOND << over.min(20);
    (last_at + pause.min(LONGEST_WAIT) - now).max(0)
}

/// Counts this try before it is judged, so that tries at the same moment are all counted.
fn count(conn: &mut Conn, key: &str, now: Timestamp) -> Result<(), Problem> {
    let (failures, last_at) = queries::failures(conn, key)?
        .filter(|(_, at)| now - at < FORGET_AFTER)
        .unwrap_or((0, now));
    let left = wait(failures, last_at, now);
    if left > 0 {
        return Err(Problem::TooMany(u64::try_from(left / SECOND + 1).unwrap_or(1)));
    }
    Ok(queries::set_failures(conn, key, failures + 1, now)?)
}

/// Judges address and password, and opens a session where they fit.
///
/// # Errors
/// `TooMany` where this browser's network address tried this account too often.
pub async fn try_password(
    store: &Store,
    now: Timestamp,
    email: &str,
    password: String,
    client: Client,
) -> Result<Outcome, Problem> {
    let parsed = EmailAddress::parse(email).ok();
    // The account and where the guess comes from, together: a stranger can't lock somebody else out.
    let key = format!(
        "{}|{}",
        parsed.as_ref().map_or(email, EmailAddress::key),
        client.ip
    );
    let (counted, wanted) = (key.clone(), parsed.clone());
    let account = store
        .writing(move |conn| -> Result<_, Problem> {
            count(conn, &counted, now)?;
            match wanted {
                Some(email) => Ok(accounts::find_by_email(conn, &email)?),
                None => Ok(None),
            }
        })
        .await?;
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    if !verify(password, hash).await? {
        return Ok(Outcome::Wrong);
    }
    let Some(account) = account.filter(|account| account.is_active) else {
        return Ok(Outcome::Wrong);
    };
    store
        .writing(move |conn| enter(conn, now, &account, &client, &key))
        .await
}

async fn verify(password: String, hash: Option<String>) -> Result<bool, Problem> {
    let _turn = HASHES.acquire().await.map_err(Problem::internal)?;
    actix_web::web::block(move || accounts::verify(&password, hash.as_deref()))
        .await
        .map_err(Problem::internal)
}

/// The hash of a new password, when it is its turn.
///
/// # Errors
/// Only when the library fails.
pub async fn hash(password: String) -> Result<String, Problem> {
    let _turn = HASHES.acquire().await.map_err(Problem::internal)?;
    actix_web::web::block(move || accounts::hash(&password))
        .await
        .map_err(Problem::internal)?
        .map_err(Problem::Internal)
}

fn enter(
    conn: &mut Conn,
    now: Timestamp,
    account: &Account,
    client: &Client,
    key: &str,
) -> Result<Outcome, Problem> {
    // Read again: the account may have been deactivated while the hash was computed.
    let Some(account) = accounts::find(conn, &account.id)?.filter(|account| account.is_active) else {
        return Ok(Outcome::Wrong);
    };
    let organizations = session::organizations_of(conn, &account.id)?;
    if must_use_single_sign_on(conn, &account)? {
        return Ok(Outcome::Refused(
            "Your organization asks you to use single sign-on. Start with your address, without a password.",
        ));
    }
    queries::forget_failures(conn, key)?;
    let new = NewSession {
        account: &account.id,
        organization: None,
        connection: None,
        client,
        lifetime: session::LIFETIME,
        idle: session::IDLE,
    };
    let id = session::begin(conn, now, &new)?;
    let actor = Actor::person(&account.id, account.shown_name(), &client.ip);
    for (organization, ..) in &organizations {
        if let Some(member) = members::find_by_account(conn, organization, &account.id)? {
            members::actions::signed_in(conn, now, &member.id)?;
        }
        note(conn, now, &actor, Some(organization), &account)?;
    }
    if organizations.is_empty() {
        note(conn, now, &actor, None, &account)?;
    }
    Ok(Outcome::In(id))
}

fn note(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: Option<&str>,
    account: &Account,
) -> Result<(), Problem> {
    let subject = Subject {
        kind: "account",
        id: &account.id,
        name: &account.email,
    };
    let event = Event {
        organization,
        action: "sign_in.by_password",
        subject,
        ..Event::default()
    };
    Ok(audit::record(conn, now, actor, &event)?)
}

/// Whether a connection of the address's domain is enforced. Owners may still come by password, so that
/// a broken provider locks nobody out for good.
fn must_use_single_sign_on(conn: &mut Conn, account: &Account) -> Result<bool, Problem> {
    let Ok(email) = EmailAddress::parse(&account.email) else {
        return Ok(false);
    };
    let enforced = connections::for_domain(conn, email.domain())?
        .iter()
        .any(|connection| connection.enforce);
    Ok(enforced && !account.operator && !session::is_owner_anywhere(conn, &account.id)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOC-005.
    #[test]
    fn waiting_doubles_and_ends() {
        assert_eq!(wait(4, 0, 0), 0);
        assert_eq!(wait(5, 0, 0), SECOND);
        assert_eq!(wait(7, 0, 0), 4 * SECOND);
        assert_eq!(wait(7, 0, 4 * SECOND), 0);
        assert_eq!(wait(1_000, 0, 0), LONGEST_WAIT);
    }
}
