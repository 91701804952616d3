//! Making and changing accounts.

use serde_json::json;

use super::{Account, queries};
use crate::access::{EmailAddress, Identity, Username, candidate};
use crate::audit::{self, Actor, Event, Subject};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, id};
use crate::web::{FieldErrors, Problem};

/// How often a generated username may meet one that is taken before we give up.
const TRIES: usize = 20;

/// Makes an account with a generated username.
///
/// # Errors
/// When the database refuses; a unique key that another transaction took first is a collision, and the
/// caller's transaction may be tried again.
pub fn create(conn: &mut Conn, now: Timestamp, email: &EmailAddress, full_name: &str) -> Result<Account> {
    insert(conn, now, email, full_name, None)
}

/// As [`create`], for somebody who is let in at once.
///
/// # Errors
/// As [`create`].
pub fn create_admitted(
    conn: &mut Conn,
    now: Timestamp,
    email: &EmailAddress,
    full_name: &str,
) -> Result<Account> {
    insert(conn, now, email, full_name, Some(now))
}

fn insert(
    conn: &mut Conn,
    now: Timestamp,
    email: &EmailAddress,
    full_name: &str,
    admitted_at: Option<Timestamp>,
) -> Result<Account> {
    let account = Account {
        id: id::new_id(),
        email: email.as_str().to_owned(),
        email_key: email.key().to_owned(),
        full_name: full_name.to_owned(),
        username: free_username(conn, email, full_name)?,
        is_active: true,
        operator: false,
        password_hash: None,
        admitted_at,
        created_at: now,
        version: 1,
    };
    queries::insert(conn, &account, &name_key(full_name, email.key()))?;
    Ok(account)
}

fn free_username(conn: &mut Conn, email: &EmailAddress, full_name: &str) -> Result<String> {
    let name = (!full_name.is_empty()).then_some(full_name);
    let mut username = String::new();
    for _ in 0..TRIES {
        username = candidate(email.local_part(), name, u32::from_le_bytes(id::random_bytes())).to_string();
        if !queries::username_is_taken(conn, &username)? {
            break;
        }
    }
    // If all were taken, the unique key says so and the transaction is tried again.
    Ok(username)
}

/// The name folded for searching and sorting; people without one sort by their address.
fn name_key(full_name: &str, email_key: &str) -> String {
    if full_name.is_empty() {
        email_key.to_owned()
    } else {
        full_name.to_lowercase()
    }
}

/// Takes over a name that the provider sent, if it differs.
///
/// # Errors
/// When the database refuses.
pub fn rename(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    full_name: &str,
) -> Result<()> {
    if account.full_name == full_name || full_name.is_empty() {
        return Ok(());
    }
    queries::set_name(
        conn,
        &account.id,
        full_name,
        &name_key(full_name, &account.email_key),
    )?;
    queries::set_words(conn, &account.id)?;
    let event = Event {
        action: "account.renamed",
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: full_name,
        },
        before: Some(json!({"name": account.full_name})),
        after: Some(json!({"name": full_name})),
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)
}

/// Binds (connection, issuer, subject) to the account.
///
/// # Errors
/// When the database refuses; a collision where another sign-in linked it first.
pub fn link(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    identity: &Identity,
    account: &Account,
) -> Result<()> {
    queries::link(conn, identity, &account.id, now)?;
    let event = Event {
        action: "account.linked",
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: &account.email,
        },
        after: Some(json!({"issuer": identity.issuer, "subject": identity.subject})),
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)
}

/// Notes that the account was let in somewhere: it is no longer one to be cleaned up.
///
/// # Errors
/// When the database refuses.
pub fn admitted(conn: &mut Conn, now: Timestamp, account: &Account) -> Result<()> {
    if account.admitted_at.is_none() {
        queries::set_admitted(conn, &account.id, now)?;
    }
    Ok(())
}

/// Sets a password (its hash) and makes the account one that was let in.
///
/// # Errors
/// When the database refuses.
pub fn set_password(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    hash: &str,
) -> Result<()> {
    queries::set_password(conn, &account.id, hash)?;
    queries::end_what_a_password_began(conn, &account.id)?;
    admitted(conn, now, account)?;
    let event = Event {
        action: "account.password_set",
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: &account.email,
        },
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)
}

/// Takes the password away.
///
/// # Errors
/// When the database refuses.
pub fn drop_password(conn: &mut Conn, now: Timestamp, actor: &Actor, account: &Account) -> Result<()> {
    queries::drop_password(conn, &account.id)?;
    queries::end_what_a_password_began(conn, &account.id)?;
    let event = Event {
        action: "account.password_dropped",
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: &account.email,
        },
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)
}

/// Gives the account another address, which nobody has.
///
/// # Errors
/// When the database refuses; a collision where somebody took the address first.
pub fn change_email(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    email: &EmailAddress,
) -> Result<()> {
    queries::set_email(conn, account, email, &name_key(&account.full_name, email.key()))?;
    queries::set_words(conn, &account.id)?;
    let event = Event {
        action: "account.email_changed",
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: email.as_str(),
        },
        before: Some(json!({"email": account.email})),
        after: Some(json!({"email": email.as_str()})),
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)
}

/// Takes the account's identities at a connection away: whoever comes by them is a stranger again.
///
/// # Errors
/// When the database refuses.
pub fn unlink(conn: &mut Conn, now: Timestamp, actor: &Actor, connection: &str, account: &str) -> Result<()> {
    let gone = queries::unlink(conn, connection, account)?;
    if gone == 0 {
        return Ok(());
    }
    let event = Event {
        action: "account.unlinked",
        subject: Subject {
            kind: "account",
            id: account,
            name: "",
        },
        before: Some(json!({"identities": gone})),
        after: Some(json!({"identities": 0})),
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)
}

/// Makes the account one that runs the installation, or takes that away. Answers whether that changed anything.
///
/// # Errors
/// When the database refuses.
pub fn set_operator(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    operator: bool,
) -> Result<bool> {
    if account.operator == operator {
        return Ok(false);
    }
    queries::set_operator(conn, &account.id, operator)?;
    let event = Event {
        action: "account.operator_changed",
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: &account.email,
        },
        before: Some(json!({"operator": account.operator})),
        after: Some(json!({"operator": operator})),
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)?;
    Ok(true)
}

/// A person chooses a username. The old one is retired.
///
/// # Errors
/// The field's error where the name is taken, or a conflict where the account changed meanwhile.
pub fn choose_username(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    username: &Username,
) -> std::result::Result<std::result::Result<(), FieldErrors>, Problem> {
    if account.username == username.as_str() {
        return Ok(Ok(()));
    }
    if queries::username_is_taken(conn, username.as_str())? {
        return Ok(Err(FieldErrors::one(
            "username",
            "Somebody has or had this username. Choose another.",
        )));
    }
    queries::retire_username(conn, &account.username, now)?;
    if queries::set_username(conn, &account.id, username.as_str(), account.version)? == 0 {
        return Err(Problem::Conflict(
            "Your account changed meanwhile. Go back, reload the page and try again.".to_owned(),
        ));
    }
    queries::set_words(conn, &account.id)?;
    let event = Event {
        action: "account.username_changed",
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: &account.email,
        },
        before: Some(json!({"username": account.username})),
        after: Some(json!({"username": username.as_str()})),
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)?;
    Ok(Ok(()))
}
