//! SQL of attempts, failed passwords and set-up links.

use diesel::prelude::*;

use super::flow::{Attempt, Once};
use super::half::Half;
use crate::store::old::Old;
use crate::store::schema::{
    accounts, attempts, half_sign_ins, password_failures, reset_links, saml_assertions, setup_links, sign_ins,
};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, Run as _};

pub fn insert_attempt(conn: &mut Conn, new: &Attempt, state_hash: &str) -> Result<()> {
    diesel::insert_into(attempts::table)
        .values((
            attempts::id.eq(&new.id),
            attempts::state_hash.eq(state_hash),
            attempts::connection_id.eq(&new.connection),
            attempts::organization_id.eq(&new.organization),
            attempts::browser_hash.eq(&new.browser_hash),
            attempts::nonce.eq(&new.nonce),
            attempts::verifier.eq(&new.verifier),
            attempts::return_to.eq(&new.return_to),
            attempts::invitation_hash.eq(&new.invitation_hash),
            attempts::anew.eq(new.anew),
            attempts::created_at.eq(new.created_at),
            attempts::expires_at.eq(new.expires_at),
            attempts::test.eq(&new.test),
        ))
        .run(conn)
        .map(drop)
}

type AttemptRow = (
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    bool,
    i64,
    i64,
    Option<i64>,
    String,
);

pub fn attempt(conn: &mut Conn, state_hash: &str) -> Result<Option<Attempt>> {
    let row: Option<AttemptRow> = attempts::table
        .filter(attempts::state_hash.eq(state_hash))
        .select((
            attempts::id,
            attempts::connection_id,
            attempts::organization_id,
            attempts::browser_hash,
            attempts::nonce,
            attempts::verifier,
            attempts::return_to,
            attempts::invitation_hash,
            attempts::anew,
            attempts::created_at,
            attempts::expires_at,
            attempts::used_at,
            attempts::test,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(
        |(
            id,
            connection,
            organization,
            browser_hash,
            nonce,
            verifier,
            return_to,
            invitation_hash,
            anew,
            created_at,
            expires_at,
            used_at,
            test,
        )| {
            Attempt {
                id,
                connection,
                organization,
                browser_hash,
                nonce,
                verifier,
                return_to,
                invitation_hash,
                anew,
                created_at,
                expires_at,
                used_at,
                test,
            }
        },
    ))
}

/// Uses the attempt up, and forgets its secrets. Answers whether it was this call that did.
pub fn consume(conn: &mut Conn, id: &str, now: Timestamp) -> Result<bool> {
    let touched = diesel::update(attempts::table.find(id).filter(attempts::used_at.is_null()))
        .set((
            attempts::used_at.eq(Some(now)),
            attempts::nonce.eq(""),
            attempts::verifier.eq(""),
        ))
        .run(conn)?;
    Ok(touched == 1)
}

/// Whether an assertion of this id was accepted before.
pub fn assertion_is_known(conn: &mut Conn, connection: &str, hash: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        saml_assertions::table.find((connection, hash)),
    ))
    .get_result(conn)
}

/// Remembers an assertion. A second one of the same id collides.
pub fn remember_assertion(conn: &mut Conn, connection: &str, once: &Once) -> Result<()> {
    diesel::insert_into(saml_assertions::table)
        .values((
            saml_assertions::connection_id.eq(connection),
            saml_assertions::assertion_hash.eq(&once.message_hash),
            saml_assertions::expires_at.eq(once.expires_at),
        ))
        .run(conn)
        .map(drop)
}

/// Failures and the time of the last one.
pub fn failures(conn: &mut Conn, key: &str) -> Result<Option<(i64, Timestamp)>> {
    password_failures::table
        .find(key)
        .select((password_failures::failures, password_failures::last_at))
        .first(conn)
        .optional()
}

pub fn set_failures(conn: &mut Conn, key: &str, failures: i64, now: Timestamp) -> Result<()> {
    diesel::delete(password_failures::table.find(key)).run(conn)?;
    diesel::insert_into(password_failures::table)
        .values((
            password_failures::key.eq(key),
            password_failures::failures.eq(failures),
            password_failures::last_at.eq(now),
        ))
        .run(conn)
        .map(drop)
}

pub fn forget_failures(conn: &mut Conn, key: &str) -> Result<()> {
    diesel::delete(password_failures::table.find(key))
        .run(conn)
        .map(drop)
}

pub fn forget_one_failure(conn: &mut Conn, key: &str) -> Result<()> {
    diesel::update(
        password_failures::table
            .find(key)
            .filter(password_failures::failures.gt(0)),
    )
    .set(password_failures::failures.eq(password_failures::failures - 1))
    .execute(conn)
    .map(drop)
}

pub fn insert_setup_link(conn: &mut Conn, token_hash: &str, expires_at: Timestamp) -> Result<()> {
    diesel::insert_into(setup_links::table)
        .values((
            setup_links::token_hash.eq(token_hash),
            setup_links::expires_at.eq(expires_at),
        ))
        .run(conn)
        .map(drop)
}

pub fn setup_link_is_open(conn: &mut Conn, token_hash: &str, now: Timestamp) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        setup_links::table
            .find(token_hash)
            .filter(setup_links::used_at.is_null())
            .filter(setup_links::expires_at.gt(now)),
    ))
    .get_result(conn)
}

/// Whether anybody has an account here.
pub fn is_set_up(conn: &mut Conn) -> Result<bool> {
    diesel::select(diesel::dsl::exists(accounts::table.select(accounts::id))).get_result(conn)
}

pub fn use_setup_link(conn: &mut Conn, token_hash: &str, now: Timestamp) -> Result<bool> {
    let touched = diesel::update(
        setup_links::table
            .find(token_hash)
            .filter(setup_links::used_at.is_null())
            .filter(setup_links::expires_at.gt(now)),
    )
    .set(setup_links::used_at.eq(Some(now)))
    .run(conn)?;
    Ok(touched == 1)
}

/// Takes away some of what has had its time: attempts, assertions, sessions, counters, set-up links.
pub fn sweep(conn: &mut Conn, now: Timestamp, counters_before: Timestamp) -> Result<usize> {
    const EXPIRING: [(&str, &str); 6] = [
        ("attempts", "id"),
        ("saml_assertions", "connection_id, assertion_hash"),
        ("sessions", "key_hash"),
        ("kept_forms", "key_hash"),
        ("reset_links", "token_hash"),
        ("setup_links", "token_hash"),
    ];
    let mut rows = 0;
    for (table, key) in EXPIRING {
        rows += Old::of(table, key, "expires_at").take_away(conn, now)?;
    }
    let counters = Old::of("password_failures", "key", "last_at");
    Ok(rows + counters.take_away(conn, counters_before)?)
}

/// Takes away some of the accounts that were made before `before`, were never let in anywhere, and belong to nobody.
pub fn sweep_accounts(conn: &mut Conn, before: Timestamp) -> Result<usize> {
    let strangers = Old::of("accounts", "id", "created_at").only(
        "admitted_at IS NULL AND NOT operator AND password_hash IS NULL \
             AND NOT EXISTS (SELECT 1 FROM members m WHERE m.account_id = accounts.id)",
    );
    strangers.take_away(conn, before)
}

/// What the page of a refused person is made from.
pub struct Refused {
    pub outcome: String,
    pub reason: String,
    pub evidence: String,
    pub organization: String,
    pub connection: Option<String>,
    pub denial: Option<String>,
    pub account: Option<String>,
    /// The address as it was asserted; may be empty.
    pub email: String,
}

type RefusedRow = (
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
);

pub fn refused(conn: &mut Conn, reference: &str) -> Result<Option<Refused>> {
    let row: Option<RefusedRow> = sign_ins::table
        .filter(sign_ins::reference.eq(reference))
        .select((
            sign_ins::outcome,
            sign_ins::reason,
            sign_ins::evidence_json,
            sign_ins::organization_id,
            sign_ins::connection_id,
            sign_ins::denial_id,
            sign_ins::account_id,
            sign_ins::email,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(
        |(outcome, reason, evidence, organization, connection, denial, account, email)| Refused {
            outcome,
            reason,
            evidence,
            organization,
            connection,
            denial,
            account,
            email,
        },
    ))
}

pub fn insert_half(
    conn: &mut Conn,
    key_hash: &str,
    account: &str,
    return_to: &str,
    end: Timestamp,
) -> Result<()> {
    diesel::insert_into(half_sign_ins::table)
        .values((
            half_sign_ins::key_hash.eq(key_hash),
            half_sign_ins::account_id.eq(account),
            half_sign_ins::return_to.eq(return_to),
            half_sign_ins::expires_at.eq(end),
        ))
        .execute(conn)
        .map(drop)
}

pub fn half(conn: &mut Conn, key_hash: &str, now: Timestamp) -> Result<Option<Half>> {
    let row: Option<(String, String)> = half_sign_ins::table
        .find(key_hash)
        .filter(half_sign_ins::expires_at.gt(now))
        .select((half_sign_ins::account_id, half_sign_ins::return_to))
        .first(conn)
        .optional()?;
    Ok(row.map(|(account, return_to)| Half { account, return_to }))
}

/// Counts a try, if there were fewer than `most`. Answers how many rows there were.
pub fn count_try(conn: &mut Conn, key_hash: &str, most: i64) -> Result<usize> {
    diesel::update(
        half_sign_ins::table
            .find(key_hash)
            .filter(half_sign_ins::tries.lt(most)),
    )
    .set(half_sign_ins::tries.eq(half_sign_ins::tries + 1))
    .execute(conn)
}

pub fn end_half(conn: &mut Conn, key_hash: &str) -> Result<usize> {
    diesel::delete(half_sign_ins::table.find(key_hash)).execute(conn)
}

/// One link for each account: a new one ends those before.
pub fn insert_reset_link(
    conn: &mut Conn,
    token_hash: &str,
    account: &str,
    end: Timestamp,
    by_operator: bool,
) -> Result<()> {
    end_reset_links(conn, account)?;
    diesel::insert_into(reset_links::table)
        .values((
            reset_links::token_hash.eq(token_hash),
            reset_links::account_id.eq(account),
            reset_links::expires_at.eq(end),
            reset_links::by_operator.eq(by_operator),
        ))
        .execute(conn)
        .map(drop)
}

/// Whose link it is, if it is open.
pub fn reset_link(conn: &mut Conn, token_hash: &str, now: Timestamp) -> Result<Option<String>> {
    reset_links::table
        .find(token_hash)
        .filter(reset_links::expires_at.gt(now))
        .select(reset_links::account_id)
        .first(conn)
        .optional()
}

/// Uses a link up. Answers whether whoever runs the installation made it; nothing where it was used before.
pub fn use_reset_link(conn: &mut Conn, token_hash: &str) -> Result<Option<bool>> {
    let by_operator: Option<bool> = reset_links::table
        .find(token_hash)
        .select(reset_links::by_operator)
        .first(conn)
        .optional()?;
    let used = diesel::delete(reset_links::table.find(token_hash)).execute(conn)? == 1;
    Ok(by_operator.filter(|_| used))
}

fn end_reset_links(conn: &mut Conn, account: &str) -> Result<usize> {
    diesel::delete(reset_links::table.filter(reset_links::account_id.eq(account))).execute(conn)
}
