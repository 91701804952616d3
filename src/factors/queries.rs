//! SQL of second factors.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::model::{Factors, Named};
use crate::store::old::Old;
use crate::store::schema::{ceremonies, passkeys, recovery_codes, totp_seeds};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Nullable<BigInt>)]
    app_since: Option<Timestamp>,
    #[diesel(sql_type = BigInt)]
    codes: i64,
    #[diesel(sql_type = BigInt)]
    keys: i64,
}

/// What the account has besides its password.
pub fn factors(conn: &mut Conn, account: &str) -> Result<Factors> {
    let counted: Counted = diesel::sql_query(
        "SELECT (SELECT created_at FROM totp_seeds WHERE account_id = $1) AS app_since, \
                (SELECT count(*) FROM recovery_codes WHERE account_id = $1 AND used_at IS NULL) AS codes, \
                (SELECT count(*) FROM passkeys WHERE account_id = $1) AS keys",
    )
    .bind::<Text, _>(account)
    .get_result(conn)?;
    Ok(Factors {
        app_since: counted.app_since,
        recovery_codes: usize::try_from(counted.codes).unwrap_or_default(),
        passkeys: usize::try_from(counted.keys).unwrap_or_default(),
    })
}

/// Sealed seed of the account's app.
pub fn seed(conn: &mut Conn, account: &str) -> Result<Option<String>> {
    totp_seeds::table
        .find(account)
        .select(totp_seeds::seed_sealed)
        .first(conn)
        .optional()
}

pub fn set_seed(conn: &mut Conn, account: &str, sealed: &str, step: i64, now: Timestamp) -> Result<()> {
    drop_seed(conn, account)?;
    diesel::insert_into(totp_seeds::table)
        .values((
            totp_seeds::account_id.eq(account),
            totp_seeds::seed_sealed.eq(sealed),
            totp_seeds::last_step.eq(step),
            totp_seeds::created_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

pub fn drop_seed(conn: &mut Conn, account: &str) -> Result<usize> {
    diesel::delete(totp_seeds::table.find(account)).execute(conn)
}

/// Uses the code of this step up. Answers whether it was this call that did: no step counts twice, nor one before it.
pub fn use_step(conn: &mut Conn, account: &str, step: i64, now: Timestamp) -> Result<bool> {
    let touched = diesel::update(
        totp_seeds::table
            .find(account)
            .filter(totp_seeds::last_step.lt(step)),
    )
    .set((
        totp_seeds::last_step.eq(step),
        totp_seeds::last_used_at.eq(Some(now)),
    ))
    .execute(conn)?;
    Ok(touched == 1)
}

pub fn set_recovery_codes(conn: &mut Conn, account: &str, hashes: &[String]) -> Result<()> {
    drop_recovery_codes(conn, account)?;
    let rows: Vec<_> = hashes
        .iter()
        .map(|hash| {
            (
                recovery_codes::account_id.eq(account),
                recovery_codes::code_hash.eq(hash),
            )
        })
        .collect();
    for row in rows {
        diesel::insert_into(recovery_codes::table)
            .values(row)
            .execute(conn)?;
    }
    Ok(())
}

pub fn drop_recovery_codes(conn: &mut Conn, account: &str) -> Result<usize> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::account_id.eq(account))).execute(conn)
}

/// Uses a recovery code up. Answers whether it was this call that did.
pub fn use_recovery_code(conn: &mut Conn, account: &str, hash: &str, now: Timestamp) -> Result<bool> {
    let touched = diesel::update(
        recovery_codes::table
            .find((account, hash))
            .filter(recovery_codes::used_at.is_null()),
    )
    .set(recovery_codes::used_at.eq(Some(now)))
    .execute(conn)?;
    Ok(touched == 1)
}

/// The passkeys of the account, oldest first.
pub fn passkeys_of(conn: &mut Conn, account: &str) -> Result<Vec<Named>> {
    let rows: Vec<(String, String, Timestamp, Option<Timestamp>)> = passkeys::table
        .filter(passkeys::account_id.eq(account))
        .order(passkeys::id)
        .select((
            passkeys::id,
            passkeys::name,
            passkeys::created_at,
            passkeys::last_used_at,
        ))
        .load(conn)?;
    let named = rows
        .into_iter()
        .map(|(id, name, created_at, last_used_at)| Named {
            id,
            name,
            created_at,
            last_used_at,
        });
    Ok(named.collect())
}

/// The stored keys of the account, as JSON.
pub fn credentials(conn: &mut Conn, account: &str) -> Result<Vec<String>> {
    passkeys::table
        .filter(passkeys::account_id.eq(account))
        .select(passkeys::credential_json)
        .load(conn)
}

/// Account, name and stored key of a credential.
pub fn credential(conn: &mut Conn, credential: &str) -> Result<Option<(String, String, String)>> {
    passkeys::table
        .filter(passkeys::credential_id.eq(credential))
        .select((passkeys::account_id, passkeys::name, passkeys::credential_json))
        .first(conn)
        .optional()
}

pub fn insert_passkey(conn: &mut Conn, account: &str, new: &Named, credential: (&str, &str)) -> Result<()> {
    diesel::insert_into(passkeys::table)
        .values((
            passkeys::id.eq(&new.id),
            passkeys::account_id.eq(account),
            passkeys::credential_id.eq(credential.0),
            passkeys::name.eq(&new.name),
            passkeys::credential_json.eq(credential.1),
            passkeys::created_at.eq(new.created_at),
        ))
        .execute(conn)
        .map(drop)
}

/// Notes a use, with the key as it is now (its counter), if it is still as it was read.
pub fn used_passkey(
    conn: &mut Conn,
    credential: &str,
    (before, after): (&str, &str),
    now: Timestamp,
) -> Result<bool> {
    let touched = diesel::update(
        passkeys::table
            .filter(passkeys::credential_id.eq(credential))
            .filter(passkeys::credential_json.eq(before)),
    )
    .set((
        passkeys::credential_json.eq(after),
        passkeys::last_used_at.eq(Some(now)),
    ))
    .execute(conn)?;
    Ok(touched == 1)
}

/// Takes a passkey of the account away, and answers its name.
pub fn drop_passkey(conn: &mut Conn, account: &str, id: &str) -> Result<Option<String>> {
    let own = passkeys::table.find(id).filter(passkeys::account_id.eq(account));
    let name = own.select(passkeys::name).first(conn).optional()?;
    diesel::delete(passkeys::table.find(id).filter(passkeys::account_id.eq(account))).execute(conn)?;
    Ok(name)
}

pub fn insert_ceremony(
    conn: &mut Conn,
    key_hash: &str,
    purpose: &str,
    account: Option<&str>,
    state: &str,
    end: Timestamp,
) -> Result<()> {
    diesel::insert_into(ceremonies::table)
        .values((
            ceremonies::key_hash.eq(key_hash),
            ceremonies::purpose.eq(purpose),
            ceremonies::account_id.eq(account),
            ceremonies::state_json.eq(state),
            ceremonies::expires_at.eq(end),
        ))
        .execute(conn)
        .map(drop)
}

/// Takes the question out: account and state. A second answer finds nothing.
pub fn take_ceremony(
    conn: &mut Conn,
    key_hash: &str,
    purpose: &str,
    now: Timestamp,
) -> Result<Option<(Option<String>, String)>> {
    let found: Option<(Option<String>, String)> = ceremonies::table
        .find(key_hash)
        .filter(ceremonies::purpose.eq(purpose))
        .filter(ceremonies::expires_at.gt(now))
        .select((ceremonies::account_id, ceremonies::state_json))
        .first(conn)
        .optional()?;
    let taken = diesel::delete(ceremonies::table.find(key_hash)).execute(conn)?;
    Ok(found.filter(|_| taken == 1))
}

/// Takes away some of the questions and half sign-ins that have had their time.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let of = |table| Old::of(table, "key_hash", "expires_at");
    Ok(of("ceremonies").take_away(conn, now)? + of("half_sign_ins").take_away(conn, now)?)
}

pub fn drop_passkeys(conn: &mut Conn, account: &str) -> Result<usize> {
    diesel::delete(passkeys::table.filter(passkeys::account_id.eq(account))).execute(conn)
}
