//! What a person is told by mail about their own account: the link that they asked for, and what was done with it.
//! (What owners are told stands in the audit log, and is told by `notices`.)

use crate::access::EmailAddress;
use crate::accounts::Account;
use crate::mail::{self, Kind, Letter, Post};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Client, Problem};

/// A letter to the address of this account.
fn letter(account: &Account, kind: Kind, subject: &str) -> Result<Letter, Problem> {
    let to = EmailAddress::parse(&account.email).map_err(Problem::internal)?;
    Ok(Letter::new(kind, &to, subject).about("account", &account.id))
}

/// The link to a new password.
///
/// # Errors
/// When the database refuses.
pub fn new_password(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    account: &Account,
    (path, end): (&str, Timestamp),
) -> Result<(), Problem> {
    let letter = letter(account, Kind::PasswordReset, "Set a new password")?
        .useful_until(end)
        .say("Somebody, you we hope, asked for a new password for this address.")
        .act("Set a new password", path)
        .say("The link is good once, for 15 minutes. Whatever is asked besides your password is still asked.")
        .because("If it was not you, do nothing: your password stays as it is.");
    mail::actions::queue(conn, now, post, &letter)?;
    Ok(())
}

/// Something that bears on the safety of the account was done, from this browser.
///
/// # Errors
/// When the database refuses.
pub fn told(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    account: &Account,
    (what, client): (&str, &Client),
) -> Result<(), Problem> {
    let letter = letter(account, Kind::Security, what)?
        .say("This was done with your account.")
        .fact("What", what)
        .fact("From", &client.ip)
        .fact("With", &client.user_agent)
        .act("See your account", "/account")
        .because("If it was not you, set a new password and tell whoever runs this server.");
    mail::actions::queue(conn, now, post, &letter)?;
    Ok(())
}

/// Whoever runs this server made a link by which this person sets a new password, and took their factors away, where
/// `removed`.
///
/// # Errors
/// When the database refuses.
pub fn reset_begun(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    account: &Account,
    removed: bool,
) -> Result<(), Problem> {
    let subject = if removed {
        "Your authenticator app, passkeys and recovery codes were taken away"
    } else {
        "A link to a new password was made for you"
    };
    let letter = letter(account, Kind::Security, subject)?
        .say("Whoever runs this server did this, and gives you a link by which you set a new password. It does not stand in this letter.")
        .act("See your account", "/account")
        .because("If you did not ask for it, tell whoever runs this server at once.");
    mail::actions::queue(conn, now, post, &letter)?;
    Ok(())
}
