//! Taking away what has had its time: a few rows in each transaction and a rest after it, so that nobody waits for it.

use std::time::Instant;

use super::time::Timestamp;
use super::{Conn, Result, Run as _, Sql};

/// So many rows of a table at most are taken away in one transaction: on SQLite some milliseconds, for which all other
/// writes wait.
pub const AT_A_TIME: i64 = 250;
/// After each transaction it rests so many times as long as that took.
const REST: u32 = 3;

/// Rows of a table that have their time.
#[derive(Debug, Clone, Copy)]
pub struct Old {
    table: &'static str,
    key: &'static str,
    when: &'static str,
    only: &'static str,
}

impl Old {
    /// Those of this table: `key` are the columns of its primary key, with commas between them, and `when` is the column
    /// that says when their time is, in milliseconds, with an index of its own.
    pub fn of(table: &'static str, key: &'static str, when: &'static str) -> Self {
        Self {
            table,
            key,
            when,
            only: "TRUE",
        }
    }

    /// Only those for which this holds, in SQL.
    #[must_use]
    pub fn only(self, only: &'static str) -> Self {
        Self { only, ..self }
    }

    /// Takes away the oldest of those from before then, up to [`AT_A_TIME`]; answers how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn take_away(self, conn: &mut Conn, before: Timestamp) -> Result<usize> {
        let Self {
            table,
            key,
            when,
            only,
        } = self;
        // What somebody holds at this moment is not old any more, or soon is not.
        let free = conn.skip_locked();
        let text = format!(
            "DELETE FROM {table} WHERE ({key}) IN \
             (SELECT {key} FROM {table} WHERE {when} < ? AND {only} ORDER BY {when} LIMIT {AT_A_TIME} {free}) \
             AND {when} < ? AND {only}"
        );
        Sql::new(text).number(before).number(before).run(conn)
    }
}

/// Does a long work in parts, until one answers that nothing is left. Between two of them whoever waits has a turn.
///
/// # Errors
/// That of the part that failed; what was done before stays done.
pub async fn in_parts<E>(
    mut part: impl AsyncFnMut() -> std::result::Result<bool, E>,
) -> std::result::Result<(), E> {
    loop {
        let begun = Instant::now();
        if !part().await? {
            return Ok(());
        }
        tokio::time::sleep(begun.elapsed() * REST).await;
    }
}
