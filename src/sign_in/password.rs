//! Sign-in by address and password: owners, and guests where an organization allows them.

use serde_json::json;

use super::throttle::{self, Counter};
use super::{half, letters};
use crate::access::EmailAddress;
use crate::accounts::{self, Account};
use crate::audit::{self, Actor, Event, Subject};
use crate::break_glass;
use crate::connections;
use crate::factors;
use crate::mail::Post;
use crate::members;
use crate::session::{self, NewSession, Strength};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Client, Problem, Site};

/// What became of a password.
#[derive(Debug)]
pub enum Outcome {
    /// In: the session's id.
    In(String),
    /// Address and password don't fit together, or there is no such account: nobody is told which.
    Wrong,
    /// They fit, and the second factor is asked for: the key of what waits for it.
    Second(String),
    /// They fit, but the person has to come by single sign-on.
    Refused(&'static str),
}

/// Somebody who guesses at a password.
pub struct Guess {
    /// The address as it was typed.
    pub email: String,
    /// What was typed.
    pub password: String,
    /// The browser.
    pub client: Client,
    /// What the browser is known by to this account, if it is.
    pub known: Option<String>,
    /// Where the person goes afterwards.
    pub return_to: String,
    /// The way of letters.
    pub post: Post,
}

/// What a person is told of a sign-in at a browser that is new to the account.
pub const NEW_BROWSER: &str = "You signed in from a browser that is new here";

impl Guess {
    /// Whose counters count: the address in one spelling.
    fn account(&self) -> String {
        EmailAddress::parse(&self.email).map_or_else(|_none| String::new(), |email| email.key().to_owned())
    }

    fn counters(&self) -> Vec<Counter> {
        let account = self.account();
        match &self.known {
            Some(mark) => vec![Counter::here("password", &account, &format!("known-{mark}"))],
            None => vec![
                Counter::here("password", &account, &self.client.ip),
                Counter::everywhere("password", &account),
            ],
        }
    }
}

/// Judges address and password, and opens a session where they fit.
///
/// # Errors
/// `TooMany` where this account was tried too often from here.
pub async fn try_password(site: &Site, guess: Guess) -> Result<Outcome, Problem> {
    check_length(&guess.password)?;
    let (store, now) = (&site.store, site.now());
    let counters = guess.counters();
    throttle::count(store, now, &guess.account(), counters.clone()).await?;
    let wanted = EmailAddress::parse(&guess.email).ok();
    let account = store
        .reading(move |conn| match wanted {
            Some(email) => accounts::find_by_email(conn, &email),
            None => Ok(None),
        })
        .await
        .map_err(Problem::from)?;
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    if !verify(site, guess.password, hash.clone()).await? {
        return Ok(Outcome::Wrong);
    }
    let Some(account) = account.filter(|account| account.is_active) else {
        return Ok(Outcome::Wrong);
    };
    let (client, return_to, post) = (guess.client, guess.return_to, guess.post);
    let is_new = guess.known.is_none();
    store
        .writing(move |conn| {
            if accounts::hold_by_password(conn, &account.id, hash.as_deref())?.is_none() {
                return Ok(Outcome::Wrong);
            }
            throttle::right(conn, &counters)?;
            if matches!(enforced(conn, &account)?, Enforced::Yes) {
                return Ok(Outcome::Refused(SINGLE_SIGN_ON));
            }
            if factors::factors(conn, &account.id)?.any() {
                return Ok(Outcome::Second(half::begin(conn, now, &account.id, &return_to)?));
            }
            let outcome = let_in(conn, now, &account.id, &client, Strength::Password)?;
            if is_new && matches!(outcome, Outcome::In(_)) {
                letters::told(conn, now, &post, &account, (NEW_BROWSER, &client))?;
            }
            Ok(outcome)
        })
        .await
}

/// Whether this is the password of somebody who is signed in by one.
///
/// # Errors
/// `TooMany` where it was guessed too often.
pub async fn fits(site: &Site, account: &str, password: String) -> Result<bool, Problem> {
    check_length(&password)?;
    let (store, now) = (&site.store, site.now());
    let counters = vec![Counter::here("proof", account, "signed-in")];
    throttle::count(store, now, account, counters.clone()).await?;
    let id = account.to_owned();
    let known = store
        .reading(move |conn| accounts::find(conn, &id))
        .await
        .map_err(Problem::from)?;
    let fits = verify(site, password, known.and_then(|account| account.password_hash)).await?;
    if fits {
        store
            .writing(move |conn| throttle::right(conn, &counters))
            .await
            .map_err(Problem::from)?;
    }
    Ok(fits)
}

/// What is too long for any password is not hashed.
fn check_length(password: &str) -> Result<(), Problem> {
    if password.chars().count() > accounts::MAX_PASSWORD {
        return Err(Problem::Invalid(format!(
            "A password has at most {} characters.",
            accounts::MAX_PASSWORD
        )));
    }
    Ok(())
}

async fn verify(site: &Site, password: String, hash: Option<String>) -> Result<bool, Problem> {
    let _turn = site.hashing.take().await?;
    actix_web::web::block(move || accounts::verify(&password, hash.as_deref()))
        .await
        .map_err(Problem::internal)
}

/// The hash of a new password, when it is its turn.
///
/// # Errors
/// `TooMany` where too many wait for theirs.
pub async fn hash(site: &Site, password: String) -> Result<String, Problem> {
    let _turn = site.hashing.take().await?;
    actix_web::web::block(move || accounts::hash(&password))
        .await
        .map_err(Problem::internal)?
        .map_err(Problem::Internal)
}

const SINGLE_SIGN_ON: &str =
    "Your organization asks you to use single sign-on. Start with your address, without a password.";

/// Opens a session for somebody who has shown all that is asked of them. What may stand against it is read again.
///
/// # Errors
/// When the database refuses.
pub fn let_in(
    conn: &mut Conn,
    now: Timestamp,
    account: &str,
    client: &Client,
    strength: Strength,
) -> Result<Outcome, Problem> {
    // Without a password there is no way in of one's own, whatever may be left of it.
    conn.lock_account(account)?;
    let fits = |account: &Account| account.is_active && account.password_hash.is_some();
    let Some(account) = accounts::find(conn, account)?.filter(fits) else {
        return Ok(Outcome::Wrong);
    };
    let emergencies = match enforced(conn, &account)? {
        Enforced::Yes => return Ok(Outcome::Refused(SINGLE_SIGN_ON)),
        Enforced::Emergency(organizations) => organizations,
        Enforced::No => Vec::new(),
    };
    let organizations = session::organizations_of(conn, &account.id, None)?;
    let new = NewSession {
        account: &account.id,
        organization: None,
        connection: None,
        strength,
        proved_at: now,
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
        note(conn, now, &actor, Some(organization), (&account, strength))?;
    }
    for organization in &emergencies {
        break_glass::actions::used(conn, now, &actor, organization, &account)?;
    }
    if organizations.is_empty() {
        note(conn, now, &actor, None, (&account, strength))?;
    }
    Ok(Outcome::In(id))
}

fn note(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: Option<&str>,
    (account, strength): (&Account, Strength),
) -> Result<(), Problem> {
    let subject = Subject {
        kind: "account",
        id: &account.id,
        name: &account.email,
    };
    let event = Event {
        organization,
        action: if strength == Strength::Passkey {
            "sign_in.by_passkey"
        } else {
            "sign_in.by_password"
        },
        subject,
        after: Some(json!({"by": strength.as_str()})),
        ..Event::default()
    };
    Ok(audit::record(conn, now, actor, &event)?)
}

/// What single sign-on that is asked of everybody means for an account's own password.
enum Enforced {
    /// None is asked of them.
    No,
    /// It is, and they are there for emergencies of these organizations.
    Emergency(Vec<String>),
    /// It is.
    Yes,
}

/// Whether a connection of the address's domain is enforced. Owners for emergencies may still come by password, so
/// that a broken provider locks nobody out for good; and so may whoever runs the installation, for whom no provider
/// speaks.
fn enforced(conn: &mut Conn, account: &Account) -> Result<Enforced, Problem> {
    let Ok(email) = EmailAddress::parse(&account.email) else {
        return Ok(Enforced::No);
    };
    let mut organizations: Vec<String> = connections::for_domain(conn, email.domain())?
        .into_iter()
        .filter(|connection| connection.enforce)
        .map(|connection| connection.organization)
        .collect();
    organizations.dedup();
    let mut emergencies = Vec::new();
    for organization in &organizations {
        if break_glass::actions::may_come_in(conn, organization, &account.id)? {
            emergencies.push(organization.clone());
        }
    }
    Ok(if !emergencies.is_empty() {
        Enforced::Emergency(emergencies)
    } else if organizations.is_empty() || account.operator {
        Enforced::No
    } else {
        Enforced::Yes
    })
}
