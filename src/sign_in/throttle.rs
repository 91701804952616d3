//! How often somebody may guess: counters in the database, which every server of the installation shares.
//!
//! A guess is counted before it is judged, under a lock of its account, so that two hundred guesses at one moment are
//! no more than the limit. A stranger's guesses make other strangers wait and never the person themselves: a browser
//! in which the account was signed in before has a counter of its own ([`super::known`]), and so has a passkey.

use super::queries;
use crate::store::time::{HOUR, MINUTE, SECOND, Timestamp};
use crate::store::{Conn, Store};
use crate::web::Problem;

/// The longest that anybody has to wait, in milliseconds.
const LONGEST_WAIT: i64 = 15 * MINUTE;
/// After how long without a failure a counter begins anew.
pub(super) const FORGET_AFTER: i64 = HOUR;

/// A counter: what it counts, and how many failures cost nothing. Each further one doubles the wait, from a second up
/// to a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    key: String,
    free: i64,
    is_of_all: bool,
}

impl Counter {
    /// Guesses at `what`, such as a password, of this account from one place.
    pub fn here(what: &str, account: &str, place: &str) -> Self {
        Self {
            key: format!("{what}|{account}|{place}"),
            free: 5,
            is_of_all: false,
        }
    }

    /// Guesses at `what` of this account from everywhere.
    pub fn everywhere(what: &str, account: &str) -> Self {
        Self {
            key: format!("{what}|{account}"),
            free: 10,
            is_of_all: true,
        }
    }

    /// How long the next guess has to wait after `failures`, the last at `last_at`, in milliseconds.
    fn wait(&self, failures: i64, last_at: Timestamp, now: Timestamp) -> i64 {
        let over = failures - self.free;
        if over < 0 {
            return 0;
        }
        let pause = SECOND << over.min(20);
        (last_at + pause.min(LONGEST_WAIT) - now).max(0)
    }
}

/// Counts a guess at the account on each of these counters, or none of them where one says to wait.
///
/// # Errors
/// `TooMany` with the seconds to wait.
pub async fn count(
    store: &Store,
    now: Timestamp,
    account: &str,
    counters: Vec<Counter>,
) -> Result<(), Problem> {
    store
        .writing_in(&format!("guesses|{account}"), move |conn| {
            count_in(conn, now, &counters)
        })
        .await
}

fn count_in(conn: &mut Conn, now: Timestamp, counters: &[Counter]) -> Result<(), Problem> {
    let mut found = Vec::with_capacity(counters.len());
    let mut longest = 0;
    for counter in counters {
        let (failures, last_at) = queries::failures(conn, &counter.key)?
            .filter(|(_, at)| now - at < FORGET_AFTER)
            .unwrap_or((0, now));
        longest = longest.max(counter.wait(failures, last_at, now));
        found.push(failures);
    }
    if longest > 0 {
        return Err(Problem::TooMany(u64::try_from(longest / SECOND + 1).unwrap_or(1)));
    }
    for (counter, failures) in counters.iter().zip(found) {
        queries::set_failures(conn, &counter.key, failures + 1, now)?;
    }
    Ok(())
}

/// The guess was right: the counter of its place begins anew, and the account's forgets this one try alone, so that
/// nobody gets free guesses by the owner's coming and going.
///
/// # Errors
/// When the database refuses.
pub fn right(conn: &mut Conn, counters: &[Counter]) -> crate::store::Result<()> {
    for counter in counters {
        if counter.is_of_all {
            queries::forget_one_failure(conn, &counter.key)?;
        } else {
            queries::forget_failures(conn, &counter.key)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOC-005.
    #[test]
    fn waiting_doubles_and_ends() {
        let counter = Counter::here("password", "a", "b");
        assert_eq!(counter.wait(4, 0, 0), 0);
        assert_eq!(counter.wait(5, 0, 0), SECOND);
        assert_eq!(counter.wait(7, 0, 0), 4 * SECOND);
        assert_eq!(counter.wait(7, 0, 4 * SECOND), 0);
        assert_eq!(counter.wait(1_000, 0, 0), LONGEST_WAIT);
        assert_eq!(Counter::everywhere("password", "a").wait(9, 0, 0), 0);
    }
}
