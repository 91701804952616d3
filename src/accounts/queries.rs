//! SQL of accounts, their identities and retired usernames.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{Account, words};
use crate::access::{EmailAddress, Identity};
use crate::store::schema::{
    account_words, accounts, half_sign_ins, identities, reset_links, retired_usernames,
};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, Run as _, Sql, id};

type Row = (
    String,
    String,
    String,
    String,
    String,
    String,
    bool,
    Option<String>,
    Option<i64>,
    i64,
    i64,
);

const COLUMNS: (
    accounts::id,
    accounts::email,
    accounts::email_key,
    accounts::full_name,
    accounts::username,
    accounts::state,
    accounts::operator,
    accounts::password_hash,
    accounts::admitted_at,
    accounts::created_at,
    accounts::version,
) = (
    accounts::id,
    accounts::email,
    accounts::email_key,
    accounts::full_name,
    accounts::username,
    accounts::state,
    accounts::operator,
    accounts::password_hash,
    accounts::admitted_at,
    accounts::created_at,
    accounts::version,
);

fn account(row: Row) -> Account {
    let (
        id,
        email,
        email_key,
        full_name,
        username,
        state,
        operator,
        password_hash,
        admitted_at,
        created_at,
        version,
    ) = row;
    let is_active = state == "active";
    Account {
        id,
        email,
        email_key,
        full_name,
        username,
        is_active,
        operator,
        password_hash,
        admitted_at,
        created_at,
        version,
    }
}

/// The account with this id.
pub fn find(conn: &mut Conn, id: &str) -> Result<Option<Account>> {
    Ok(accounts::table
        .find(id)
        .select(COLUMNS)
        .first(conn)
        .optional()?
        .map(account))
}

/// Holds the account until the transaction's end, and answers it if its password is still the one of this hash: while a
/// password is verified, somebody may set another or take it away.
///
/// # Errors
/// When the database refuses.
pub fn hold_by_password(conn: &mut Conn, id: &str, hash: Option<&str>) -> Result<Option<Account>> {
    conn.lock_account(id)?;
    Ok(find(conn, id)?.filter(|known| known.password_hash.as_deref() == hash))
}

/// The account with this address.
pub fn find_by_email(conn: &mut Conn, email: &EmailAddress) -> Result<Option<Account>> {
    Ok(accounts::table
        .filter(accounts::email_key.eq(email.key()))
        .select(COLUMNS)
        .first(conn)
        .optional()?
        .map(account))
}

/// The accounts that these identities of one connection are linked to, each with its issuer and subject.
///
/// # Errors
/// When the database refuses.
pub fn linked_to(
    conn: &mut Conn,
    connection: &str,
    wanted: &[&Identity],
) -> Result<Vec<(String, String, Account)>> {
    let linked = identities::table
        .inner_join(accounts::table)
        .filter(identities::connection_id.eq(connection))
        .select((identities::issuer, identities::subject, COLUMNS))
        .into_boxed();
    // A plain comparison has one text, which is prepared once.
    let linked = if let [one] = wanted {
        linked
            .filter(identities::issuer.eq(&one.issuer))
            .filter(identities::subject.eq(&one.subject))
    } else {
        let issuers: BTreeSet<&str> = wanted.iter().map(|identity| identity.issuer.as_str()).collect();
        let subjects: Vec<&str> = wanted.iter().map(|identity| identity.subject.as_str()).collect();
        linked
            .filter(identities::issuer.eq_any(issuers))
            .filter(identities::subject.eq_any(subjects))
    };
    let rows: Vec<(String, String, Row)> = linked.load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(issuer, subject, row)| (issuer, subject, account(row)))
        .collect())
}

/// The accounts of these addresses (folded).
///
/// # Errors
/// When the database refuses.
pub fn by_email_keys(conn: &mut Conn, keys: &[&str]) -> Result<Vec<Account>> {
    let people = accounts::table.select(COLUMNS).into_boxed();
    let rows: Vec<Row> = match keys {
        [key] => people.filter(accounts::email_key.eq(*key)).load(conn)?,
        _ => people.filter(accounts::email_key.eq_any(keys)).load(conn)?,
    };
    Ok(rows.into_iter().map(account).collect())
}

/// Issuer and subject by which an account is linked at a connection; of several the latest.
///
/// # Errors
/// When the database refuses.
pub fn identity_at(conn: &mut Conn, connection: &str, account: &str) -> Result<Option<(String, String)>> {
    identities::table
        .filter(identities::account_id.eq(account))
        .filter(identities::connection_id.eq(connection))
        .order((identities::linked_at.desc(), identities::id.desc()))
        .select((identities::issuer, identities::subject))
        .first(conn)
        .optional()
}

/// How many accounts there are.
pub fn count(conn: &mut Conn) -> Result<i64> {
    accounts::table.count().get_result(conn)
}

/// How many identities an account has.
pub fn identity_count(conn: &mut Conn, account: &str) -> Result<i64> {
    identities::table
        .filter(identities::account_id.eq(account))
        .count()
        .get_result(conn)
}

pub(super) fn insert(conn: &mut Conn, new: &Account, name_key: &str) -> Result<()> {
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(&new.id),
            accounts::email.eq(&new.email),
            accounts::email_key.eq(&new.email_key),
            accounts::full_name.eq(&new.full_name),
            accounts::name_key.eq(name_key),
            accounts::username.eq(&new.username),
            accounts::state.eq("active"),
            accounts::operator.eq(new.operator),
            accounts::admitted_at.eq(new.admitted_at),
            accounts::created_at.eq(new.created_at),
        ))
        .run(conn)?;
    add_words(conn, &new.id, (name_key, &new.email_key, &new.username))
}

/// Writes the words by which the account is found anew.
pub(super) fn set_words(conn: &mut Conn, id: &str) -> Result<()> {
    let (name_key, email_key, username): (String, String, String) = accounts::table
        .find(id)
        .select((accounts::name_key, accounts::email_key, accounts::username))
        .first(conn)?;
    diesel::delete(account_words::table.filter(account_words::account_id.eq(id))).run(conn)?;
    add_words(conn, id, (&name_key, &email_key, &username))
}

fn add_words(conn: &mut Conn, id: &str, (name_key, email_key, username): (&str, &str, &str)) -> Result<()> {
    let words = words::words_of(name_key, email_key, username);
    let values = vec!["(?, ?, ?)"; words.len()].join(", ");
    let statement = Sql::new(format!(
        "INSERT INTO account_words (account_id, word, name_key) VALUES {values}"
    ));
    let with = |statement: Sql, word: &String| statement.text(id).text(word).text(name_key);
    words.iter().fold(statement, with).run(conn).map(drop)
}

/// Whether a username is in use or was released once.
pub(super) fn username_is_taken(conn: &mut Conn, username: &str) -> Result<bool> {
    let used = diesel::dsl::exists(accounts::table.filter(accounts::username.eq(username)));
    let retired = diesel::dsl::exists(retired_usernames::table.find(username));
    diesel::select(used.or(retired)).get_result(conn)
}

pub(super) fn retire_username(conn: &mut Conn, username: &str, now: Timestamp) -> Result<()> {
    diesel::insert_into(retired_usernames::table)
        .values((
            retired_usernames::username.eq(username),
            retired_usernames::retired_at.eq(now),
        ))
        .run(conn)
        .map(drop)
}

pub(super) fn set_username(conn: &mut Conn, id: &str, username: &str, version: i64) -> Result<usize> {
    diesel::update(accounts::table.find(id).filter(accounts::version.eq(version)))
        .set((accounts::username.eq(username), accounts::version.eq(version + 1)))
        .run(conn)
}

pub(super) fn set_name(conn: &mut Conn, id: &str, full_name: &str, name_key: &str) -> Result<usize> {
    diesel::update(accounts::table.find(id))
        .set((
            accounts::full_name.eq(full_name),
            accounts::name_key.eq(name_key),
            accounts::version.eq(accounts::version + 1),
        ))
        .run(conn)
}

pub(super) fn set_email(
    conn: &mut Conn,
    account: &Account,
    email: &EmailAddress,
    name_key: &str,
) -> Result<usize> {
    diesel::update(accounts::table.find(&account.id))
        .set((
            accounts::email.eq(email.as_str()),
            accounts::email_key.eq(email.key()),
            accounts::name_key.eq(name_key),
            accounts::version.eq(accounts::version + 1),
        ))
        .run(conn)
}

pub(super) fn unlink(conn: &mut Conn, connection: &str, account: &str) -> Result<usize> {
    diesel::delete(
        identities::table
            .filter(identities::account_id.eq(account))
            .filter(identities::connection_id.eq(connection)),
    )
    .run(conn)
}

pub(super) fn set_password(conn: &mut Conn, id: &str, hash: &str) -> Result<usize> {
    diesel::update(accounts::table.find(id))
        .set((
            accounts::password_hash.eq(Some(hash)),
            accounts::version.eq(accounts::version + 1),
        ))
        .run(conn)
}

pub(super) fn drop_password(conn: &mut Conn, id: &str) -> Result<usize> {
    diesel::update(accounts::table.find(id))
        .set((
            accounts::password_hash.eq(None::<String>),
            accounts::version.eq(accounts::version + 1),
        ))
        .run(conn)
}

/// Ends what was begun by the password of before: sign-ins that wait for a second factor, and links to set another.
pub(super) fn end_what_a_password_began(conn: &mut Conn, id: &str) -> Result<()> {
    diesel::delete(half_sign_ins::table.filter(half_sign_ins::account_id.eq(id))).run(conn)?;
    diesel::delete(reset_links::table.filter(reset_links::account_id.eq(id))).run(conn)?;
    Ok(())
}

pub(super) fn set_admitted(conn: &mut Conn, id: &str, now: Timestamp) -> Result<usize> {
    diesel::update(accounts::table.find(id).filter(accounts::admitted_at.is_null()))
        .set(accounts::admitted_at.eq(Some(now)))
        .run(conn)
}

pub(super) fn set_operator(conn: &mut Conn, id: &str, operator: bool) -> Result<usize> {
    diesel::update(accounts::table.find(id))
        .set(accounts::operator.eq(operator))
        .run(conn)
}

pub(super) fn link(conn: &mut Conn, identity: &Identity, account: &str, now: Timestamp) -> Result<()> {
    diesel::insert_into(identities::table)
        .values((
            identities::id.eq(id::new_id()),
            identities::connection_id.eq(&identity.connection),
            identities::issuer.eq(&identity.issuer),
            identities::subject.eq(&identity.subject),
            identities::account_id.eq(account),
            identities::linked_at.eq(now),
        ))
        .run(conn)
        .map(drop)
}
