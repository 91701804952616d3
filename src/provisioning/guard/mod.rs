//! The guard against a mistake in the directory: when it deactivates or deletes more people within an hour
//! than a share of the members (and more than a small number at any rate), the rest waits until an owner
//! has looked.
//!
//! Whoever deactivates for a directory asks [`allows_deactivation`] in the transaction of the deactivation,
//! calls [`noted`] when it is done, and, when it was not allowed, [`pause`] in a transaction of its own: that
//! of the refused request is undone. All of them hold the organization (`Store::write_in`).

mod queries;

use serde_json::json;

use super::tokens::Caller;
use crate::audit::{self, Actor, Event, Subject};
use crate::connections::Connection;
use crate::store::time::{HOUR, MINUTE, Timestamp};
use crate::store::{Conn, Result};
use crate::web::Problem;

pub use queries::{active_members, find, sweep};

/// After how many seconds a directory may try again what the guard refused: `Retry-After`.
pub const RETRY_AFTER: u64 = 3_600;
/// How long a count of the members is good for.
const RECOUNT: i64 = 10 * MINUTE;

/// A connection's guard: its settings and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// How many in a hundred members may be deactivated within an hour; 100 turns the guard off.
    pub share: i64,
    /// How many may be at any rate.
    pub least: i64,
    /// How many members there were when last counted, those deactivated in the hour before among them.
    pub members: i64,
    /// When that was.
    pub counted_at: Option<Timestamp>,
    /// Since when further deactivations wait for an owner.
    pub paused_at: Option<Timestamp>,
    /// When an owner last let it go on.
    pub resumed_at: Option<Timestamp>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            share: 20,
            least: 10,
            members: 0,
            counted_at: None,
            paused_at: None,
            resumed_at: None,
        }
    }
}

impl Guard {
    /// How many of so many members may be deactivated within an hour; none where there is no limit.
    pub fn allowance(&self, members: i64) -> Option<i64> {
        (self.share < 100).then(|| self.least.max(members.saturating_mul(self.share) / 100))
    }

    /// Whether further deactivations wait for an owner.
    pub fn is_paused(&self) -> bool {
        self.paused_at.is_some()
    }
}

/// Whether the directory may deactivate one more person now. Writes nothing that matters: a count of the
/// members, every ten minutes at most and only beyond the least number.
///
/// # Errors
/// When the database refuses.
pub fn allows_deactivation(conn: &mut Conn, now: Timestamp, caller: &Caller) -> Result<bool> {
    let guard = find(conn, &caller.connection.id)?.unwrap_or_default();
    if guard.is_paused() {
        return Ok(false);
    }
    if guard.share >= 100 {
        return Ok(true);
    }
    let done = queries::within(conn, &caller.connection.id, now - HOUR)?;
    if done < guard.least {
        return Ok(true);
    }
    let is_fresh = guard.counted_at.is_some_and(|at| now - at < RECOUNT);
    let members = if is_fresh {
        guard.members
    } else {
        let members = queries::active_members(conn, &caller.organization)? + done;
        let counted = Guard {
            members,
            counted_at: Some(now),
            ..guard.clone()
        };
        queries::save(conn, &caller.connection.id, &counted)?;
        members
    };
    Ok(guard.allowance(members).is_none_or(|most| done < most))
}

/// Counts one deactivation (or deletion) of an active member, in its transaction.
///
/// # Errors
/// When the database refuses.
pub fn noted(conn: &mut Conn, now: Timestamp, caller: &Caller) -> Result<()> {
    queries::add(conn, &caller.connection.id, now - now % MINUTE)
}

/// Pauses the directory's deactivations until an owner lets them go on. Does nothing when they are paused.
///
/// # Errors
/// When the database refuses.
pub fn pause(conn: &mut Conn, now: Timestamp, caller: &Caller) -> Result<()> {
    let connection = &caller.connection;
    let guard = find(conn, &connection.id)?.unwrap_or_default();
    if guard.is_paused() {
        return Ok(());
    }
    queries::save(
        conn,
        &connection.id,
        &Guard {
            paused_at: Some(now),
            ..guard.clone()
        },
    )?;
    let done = queries::within(conn, &connection.id, now - HOUR)?;
    let after = json!({
        "deactivated_within_an_hour": done, "share": guard.share, "least": guard.least,
        "token": caller.token_name,
    });
    record(
        conn,
        now,
        &Actor::system(),
        connection,
        "connection.deactivations_paused",
        (None, after),
    )
}

/// Lets the deactivations go on. What was done before counts no longer.
///
/// # Errors
/// `Conflict` when they are not paused.
pub fn resume(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
) -> std::result::Result<(), Problem> {
    let guard = find(conn, &connection.id)?.unwrap_or_default();
    let Some(since) = guard.paused_at else {
        return Err(Problem::Conflict(
            "The directory’s deactivations are not paused. There is nothing left to do.".to_owned(),
        ));
    };
    let open = Guard {
        paused_at: None,
        resumed_at: Some(now),
        counted_at: None,
        ..guard
    };
    queries::save(conn, &connection.id, &open)?;
    queries::forget(conn, &connection.id)?;
    let before = json!({"paused_since": crate::store::time::machine(since)});
    let change = (Some(before), json!({"resumed": true}));
    record(
        conn,
        now,
        actor,
        connection,
        "connection.deactivations_resumed",
        change,
    )?;
    Ok(())
}

/// Sets how much the guard lets through. Nothing is written when nothing differs.
///
/// # Errors
/// `Invalid` when the numbers make no sense.
pub fn set(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    (share, least): (i64, i64),
) -> std::result::Result<(), Problem> {
    if !(1..=100).contains(&share) || !(1..=1_000_000).contains(&least) {
        return Err(Problem::Invalid(
            "The share is 1 to 100 percent, and the number of people at least 1.".to_owned(),
        ));
    }
    let guard = find(conn, &connection.id)?.unwrap_or_default();
    if (guard.share, guard.least) == (share, least) {
        return Ok(());
    }
    let before = json!({"share": guard.share, "least": guard.least});
    queries::save(
        conn,
        &connection.id,
        &Guard {
            share,
            least,
            ..guard
        },
    )?;
    let change = (Some(before), json!({"share": share, "least": least}));
    record(conn, now, actor, connection, "connection.guard_changed", change)?;
    Ok(())
}

/// How many people the directory deactivated within the last hour.
///
/// # Errors
/// When the database refuses.
pub fn within_the_hour(conn: &mut Conn, now: Timestamp, connection: &str) -> Result<i64> {
    queries::within(conn, connection, now - HOUR)
}

fn record(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    action: &str,
    (before, after): (Option<serde_json::Value>, serde_json::Value),
) -> Result<()> {
    let event = Event {
        organization: Some(&connection.organization),
        action,
        subject: Subject {
            kind: "connection",
            id: &connection.id,
            name: &connection.name,
        },
        before,
        after: Some(after),
    };
    audit::record(conn, now, actor, &event)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCIM-065.
    #[test]
    fn a_share_of_the_members_and_a_few_at_any_rate() {
        let guard = Guard::default();
        for (members, most) in [(0, 10), (12, 10), (50, 10), (54, 10), (55, 11), (5_000, 1_000)] {
            assert_eq!(guard.allowance(members), Some(most), "{members}");
        }
        let off = Guard { share: 100, ..guard };
        assert_eq!(off.allowance(5_000), None);
    }
}
