//! Adding, using and taking away second factors, inside a transaction.

use serde_json::json;

use super::model::{self, MOST_PASSKEYS, Named};
use super::passkeys::{self, Asked, Purpose, Unfit};
use super::queries;
use super::totp::{self, Enrolment};
use crate::accounts::Account;
use crate::audit::{self, Actor, Event, Subject};
use crate::store::sealed::Sealer;
use crate::store::time::{MINUTE, Timestamp};
use crate::store::{Conn, id};
use crate::web::{FieldErrors, Problem, Site};

/// How long a question of a passkey waits for its answer.
const CEREMONY: i64 = 5 * MINUTE;
/// The longest name of a passkey, in characters.
const LONGEST_NAME: usize = 60;
/// The longest answer of an authenticator, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How a code was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// By the authenticator app.
    App,
    /// By a recovery code, which is used up.
    RecoveryCode,
}

fn note(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    action: &str,
    what: Option<&str>,
) -> Result<(), Problem> {
    let event = Event {
        action,
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: &account.email,
        },
        after: what.map(|name| json!({"name": name})),
        ..Event::default()
    };
    Ok(audit::record(conn, now, actor, &event)?)
}

/// A seed for this account's app, to be shown; and the same sealed, which comes back with the first code. Nothing is
/// stored before that.
///
/// # Errors
/// When the cryptography fails.
pub fn offer_app(site: &Site, account: &Account) -> Result<(Enrolment, String), Problem> {
    let seed = totp::new_seed();
    let sealed = site
        .sealer
        .seal(&totp::place(&account.id), &seed)
        .map_err(Problem::Internal)?;
    Ok((shown(site, account, &seed)?, sealed))
}

/// The same seed once more, after a wrong code.
///
/// # Errors
/// `Invalid` where it was not offered to this account.
pub fn offer_again(site: &Site, account: &Account, sealed: &str) -> Result<Enrolment, Problem> {
    shown(site, account, &open(&site.sealer, account, sealed)?)
}

fn shown(site: &Site, account: &Account, seed: &str) -> Result<Enrolment, Problem> {
    totp::enrolment(seed, &account.email, site.config.public_url.authority()).map_err(Problem::Internal)
}

fn open(sealer: &Sealer, account: &Account, sealed: &str) -> Result<String, Problem> {
    sealer.open(&totp::place(&account.id), sealed).map_err(|error| {
        tracing::info!(%error, "a seed that was not offered");
        Problem::Invalid(
            "This form is not from the page that shows the key. Open that page again.".to_owned(),
        )
    })
}

/// The app is asked from now on, if the code fits the offered seed. Answers the recovery codes, to be shown once.
///
/// # Errors
/// `Invalid` where the seed was not offered to this account.
pub fn add_app(
    conn: &mut Conn,
    now: Timestamp,
    sealer: &Sealer,
    actor: &Actor,
    account: &Account,
    (sealed, typed): (&str, &str),
) -> Result<Option<Vec<String>>, Problem> {
    let seed = open(sealer, account, sealed)?;
    let Some(step) = totp::step(&seed, typed, now).map_err(Problem::Internal)? else {
        return Ok(None);
    };
    let sealed = sealer
        .seal(&totp::place(&account.id), &seed)
        .map_err(Problem::Internal)?;
    queries::set_seed(conn, &account.id, &sealed, step, now)?;
    note(conn, now, actor, account, "account.app_added", None)?;
    Ok(Some(new_recovery_codes(conn, now, actor, account)?))
}

/// The app is not asked any more. Without any factor the recovery codes go too.
///
/// # Errors
/// When the database refuses.
pub fn remove_app(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
) -> Result<bool, Problem> {
    if queries::drop_seed(conn, &account.id)? == 0 {
        return Ok(false);
    }
    drop_codes_without_factor(conn, account)?;
    note(conn, now, actor, account, "account.app_removed", None)?;
    Ok(true)
}

fn drop_codes_without_factor(conn: &mut Conn, account: &Account) -> Result<(), Problem> {
    if !queries::factors(conn, &account.id)?.any() {
        queries::drop_recovery_codes(conn, &account.id)?;
    }
    Ok(())
}

/// Ten recovery codes in place of those that there were.
///
/// # Errors
/// When the database refuses.
pub fn new_recovery_codes(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
) -> Result<Vec<String>, Problem> {
    let codes = model::recovery_codes();
    let hashes: Vec<String> = codes
        .iter()
        .filter_map(|code| model::recovery_code(code))
        .map(|code| id::hash_token(&code))
        .collect();
    queries::set_recovery_codes(conn, &account.id, &hashes)?;
    note(conn, now, actor, account, "account.recovery_codes_made", None)?;
    Ok(codes)
}

/// Every second factor of the account goes, because its person lost them all: whoever runs the installation does that.
///
/// # Errors
/// When the database refuses.
pub fn remove_all(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
) -> Result<bool, Problem> {
    let had = queries::factors(conn, &account.id)?.any();
    queries::drop_seed(conn, &account.id)?;
    queries::drop_passkeys(conn, &account.id)?;
    queries::drop_recovery_codes(conn, &account.id)?;
    if had {
        note(conn, now, actor, account, "account.factors_removed", None)?;
    }
    Ok(had)
}

/// Judges what was typed for a code, and uses it up: one of the app's in its time, or a recovery code.
///
/// # Errors
/// When the database refuses, or the key file does not fit.
pub fn use_code(
    conn: &mut Conn,
    now: Timestamp,
    sealer: &Sealer,
    actor: &Actor,
    account: &Account,
    typed: &str,
) -> Result<Option<Used>, Problem> {
    if let Some(code) = model::recovery_code(typed) {
        if !queries::use_recovery_code(conn, &account.id, &id::hash_token(&code), now)? {
            return Ok(None);
        }
        note(conn, now, actor, account, "account.recovery_code_used", None)?;
        return Ok(Some(Used::RecoveryCode));
    }
    let Some(sealed) = queries::seed(conn, &account.id)? else {
        return Ok(None);
    };
    let seed = sealer
        .open(&totp::place(&account.id), &sealed)
        .map_err(Problem::Internal)?;
    let Some(step) = totp::step(&seed, typed, now).map_err(Problem::Internal)? else {
        return Ok(None);
    };
    let first = queries::use_step(conn, &account.id, step, now)?;
    Ok(first.then_some(Used::App))
}

/// A question to an authenticator, kept for the browser that gets its key. Without an account any passkey may answer.
///
/// # Errors
/// `Conflict` where the account has as many as it may, or none to ask.
pub fn ask(
    conn: &mut Conn,
    now: Timestamp,
    site: &Site,
    purpose: Purpose,
    account: Option<&Account>,
) -> Result<Asked, Problem> {
    let stored = match account {
        Some(account) => Some(queries::credentials(conn, &account.id)?),
        None => None,
    };
    let (options, state) = match (purpose, account, &stored) {
        (Purpose::Add, Some(account), Some(stored)) => {
            room(stored.len())?;
            passkeys::ask_to_add(site, account, stored)?
        }
        (Purpose::SignIn, None, _) => passkeys::ask(site, None)?,
        (Purpose::Second | Purpose::StillYou, Some(_), Some(stored)) if !stored.is_empty() => {
            passkeys::ask(site, Some(stored))?
        }
        _ => return Err(Problem::Conflict("There is no passkey to ask.".to_owned())),
    };
    let key = id::new_token();
    let whose = account.map(|account| account.id.as_str());
    let hash = id::hash_token(&key);
    queries::insert_ceremony(conn, &hash, purpose.as_str(), whose, &state, now + CEREMONY)?;
    Ok(Asked { options, key })
}

fn room(known: usize) -> Result<(), Problem> {
    if known < MOST_PASSKEYS {
        return Ok(());
    }
    Err(Problem::Conflict(format!(
        "You have {MOST_PASSKEYS} passkeys, and more are not kept. Remove one that you don’t use."
    )))
}

/// Keeps the passkey that answered the question to add one.
///
/// # Errors
/// The field's error where name or answer are wrong; `Conflict` where there is no room.
pub fn add_passkey(
    conn: &mut Conn,
    now: Timestamp,
    site: &Site,
    actor: &Actor,
    account: &Account,
    (key, name, answer): (&str, &str, &str),
) -> Result<Result<Vec<String>, FieldErrors>, Problem> {
    let asked = queries::take_ceremony(conn, &id::hash_token(key), Purpose::Add.as_str(), now)?;
    let own = asked.filter(|(whose, _)| whose.as_deref() == Some(account.id.as_str()));
    let Some((_, state)) = own.filter(|_| answer.len() <= LONGEST_ANSWER) else {
        return Ok(Err(FieldErrors::one("name", TOO_LATE)));
    };
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
        let sentence = format!("Write a name of 1 to {LONGEST_NAME} characters.");
        return Ok(Err(FieldErrors::one("name", sentence)));
    }
    room(queries::credentials(conn, &account.id)?.len())?;
    let Ok((credential, stored)) = passkeys::added(site, &state, answer)? else {
        return Ok(Err(FieldErrors::one("name", NOT_BELIEVED)));
    };
    let new = Named {
        id: id::new_id(),
        name: name.to_owned(),
        created_at: now,
        last_used_at: None,
    };
    let first = !queries::factors(conn, &account.id)?.any();
    queries::insert_passkey(conn, &account.id, &new, (&credential, &stored))?;
    note(conn, now, actor, account, "account.passkey_added", Some(name))?;
    Ok(Ok(if first {
        new_recovery_codes(conn, now, actor, account)?
    } else {
        Vec::new()
    }))
}

const TOO_LATE: &str = "Your device answered too late, or twice. Try again.";
const NOT_BELIEVED: &str = "The answer of your device can’t be used. Try again, or use another device.";

/// Takes a passkey away, and answers its name.
///
/// # Errors
/// When the database refuses.
pub fn remove_passkey(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    id: &str,
) -> Result<Option<String>, Problem> {
    let Some(name) = queries::drop_passkey(conn, &account.id, id)? else {
        return Ok(None);
    };
    drop_codes_without_factor(conn, account)?;
    note(conn, now, actor, account, "account.passkey_removed", Some(&name))?;
    Ok(Some(name))
}

/// The account whose passkey answered this question, if it is one that may: of this account, where one is asked for.
/// The question is used up in any case.
///
/// # Errors
/// When the database refuses.
pub fn answered(
    conn: &mut Conn,
    now: Timestamp,
    site: &Site,
    purpose: Purpose,
    (key, answer): (&str, &str),
) -> Result<Option<String>, Problem> {
    let asked = queries::take_ceremony(conn, &id::hash_token(key), purpose.as_str(), now)?;
    let Some((whose, state)) = asked.filter(|_| answer.len() <= LONGEST_ANSWER) else {
        return Ok(None);
    };
    let Some((credential, said)) = passkeys::answered(answer) else {
        return Ok(None);
    };
    let Some((account, name, stored)) = queries::credential(conn, &credential)? else {
        return Ok(None);
    };
    let fits = |expected: &Option<String>| expected.as_ref().is_none_or(|id| *id == account);
    if !fits(&whose) || !fits(&said) {
        return Ok(None);
    }
    // Whoever takes passkeys away takes the account first.
    conn.lock_account(&account)?;
    match passkeys::judge(site, &state, &stored, answer)? {
        Ok(after) => {
            let used = queries::used_passkey(conn, &credential, (&stored, &after), now)?;
            Ok(used.then_some(account))
        }
        Err(Unfit::Wrong) => Ok(None),
        Err(Unfit::WentBack) => {
            let event = Event {
                action: "account.passkey_suspected",
                subject: Subject {
                    kind: "account",
                    id: &account,
                    name: &name,
                },
                ..Event::default()
            };
            audit::record(conn, now, &Actor::system(), &event)?;
            Ok(None)
        }
    }
}

/// Takes away some of what has had its time.
///
/// # Errors
/// When the database refuses.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> crate::store::Result<usize> {
    queries::sweep(conn, now)
}
