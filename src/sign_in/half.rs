//! A sign-in whose password was right and whose second factor is still asked for. It lives in the database, so that
//! no step can be left out and none be taken twice; the browser knows it by a cookie alone.

use super::queries;
use crate::store::time::{MINUTE, Timestamp};
use crate::store::{Conn, Result, id};

/// How long it waits for the second factor.
const LIFE: i64 = 10 * MINUTE;
/// How many codes may be tried before the password is asked for again.
pub const MOST_TRIES: i64 = 5;

/// A sign-in that waits.
#[derive(Debug, Clone)]
pub struct Half {
    /// Whose password was right.
    pub account: String,
    /// Where the person goes afterwards.
    pub return_to: String,
}

/// Begins to wait, and answers the key for the browser.
///
/// # Errors
/// When the database refuses.
pub fn begin(conn: &mut Conn, now: Timestamp, account: &str, return_to: &str) -> Result<String> {
    let key = id::new_token();
    queries::insert_half(conn, &id::hash_token(&key), account, return_to, now + LIFE)?;
    Ok(key)
}

/// What waits under this key.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, now: Timestamp, key: &str) -> Result<Option<Half>> {
    queries::half(conn, &id::hash_token(key), now)
}

/// Counts a try, before it is judged. None where there were too many, or nothing waits.
///
/// # Errors
/// When the database refuses.
pub fn try_once(conn: &mut Conn, now: Timestamp, key: &str) -> Result<Option<Half>> {
    let hash = id::hash_token(key);
    if queries::count_try(conn, &hash, MOST_TRIES)? == 0 {
        queries::end_half(conn, &hash)?;
        return Ok(None);
    }
    queries::half(conn, &hash, now)
}

/// It is finished, or given up. Answers whether it was this call that ended it.
///
/// # Errors
/// When the database refuses.
pub fn end(conn: &mut Conn, key: &str) -> Result<bool> {
    Ok(queries::end_half(conn, &id::hash_token(key))? == 1)
}
