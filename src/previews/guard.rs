//! A switch does what its page showed, or nothing. What the page was worked out from is looked at again in the
//! transaction that switches: in a small organization by working it all out anew; in a large one by what was done
//! since, so that nobody waits at the door meanwhile.

use std::collections::HashMap;

use super::change::Change;
use super::line::Line;
use super::people::Visitors;
use super::preview::Preview;
use super::queries;
use super::replay::{Both, Progress, connections_of, replay, size};
use crate::access::EmailAddress;
use crate::connections;
use crate::store::time::{DAY, MINUTE, Timestamp};
use crate::store::{Conn, id};
use crate::web::Problem;

/// Up to so many rows everything is worked out anew, in the request.
pub(super) const SMALL: usize = 4_000;
/// Clocks of servers may differ by so much.
const SKEW: i64 = MINUTE;

/// From what a preview was worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// A hash of the rules: settings, tables of groups, domains and their proofs, seats.
    pub rules: String,
    /// How many things were done in the last minute before.
    deeds: i64,
}

impl Mark {
    pub fn take(
        conn: &mut Conn,
        now: Timestamp,
        organization: &str,
        change: &Change,
    ) -> Result<Self, Problem> {
        Ok(Self {
            rules: rules(conn, organization, change)?,
            deeds: queries::deeds_since(conn, organization, now - SKEW)?,
        })
    }
}

/// A hash of all rules that the change meets.
fn rules(conn: &mut Conn, organization: &str, change: &Change) -> Result<String, Problem> {
    let mut text = String::new();
    for connection in connections::list(conn, organization)? {
        let is_meant = change.connection().is_none_or(|id| id == connection.id);
        if !is_meant {
            continue;
        }
        let both = Both::load(conn, organization, &connection.id, change)?;
        let domains = queries::verified_domains(conn, &connection.id)?;
        let ground = &both.before;
        text.push_str(&format!(
            "{} {} {:?} {:?} {:?} {domains:?}\n",
            ground.organization.version,
            connection.version,
            ground.mapping,
            ground.organization.settings.seats,
            connection.enforce,
        ));
    }
    Ok(id::hash_token(&text))
}

/// Whether what was shown is still true.
#[derive(Debug)]
pub enum Guard {
    /// It is; these addresses would be kept out.
    Holds(Vec<String>),
    /// Something changed the answer, or might have.
    Changed,
}

/// Looks whether the answer that was shown (`seen`, a digest) is still the answer. `base` is the preview of that
/// digest, where this server has it. Wants a transaction that holds the organization.
///
/// # Errors
/// As [`replay`].
pub fn still(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    change: &Change,
    days: i64,
    seen: &str,
    base: Option<&Preview>,
) -> Result<Guard, Problem> {
    let most = i64::try_from(SMALL).unwrap_or(i64::MAX) + 1;
    if size(conn, organization, now - days * DAY, most)? <= SMALL {
        let anew = replay(conn, now, organization, change, days, &Progress::default())?;
        return Ok(if anew.digest == seen {
            Guard::Holds(anew.kept_out())
        } else {
            Guard::Changed
        });
    }
    match base.filter(|base| base.digest == seen) {
        Some(base)
            if nothing_done(conn, now, organization, change, base)?
                && nobody_moved(conn, now, organization, change, base)? =>
        {
            Ok(Guard::Holds(base.kept_out()))
        }
        _ => Ok(Guard::Changed),
    }
}

/// Whether rules are the same, nothing was done to anybody, and no invitation ran out.
fn nothing_done(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    change: &Change,
    base: &Preview,
) -> Result<bool, Problem> {
    Ok(rules(conn, organization, change)? == base.mark.rules
        && queries::deeds_since(conn, organization, base.at - SKEW)? == base.mark.deeds
        && queries::ran_out(conn, organization, base.at, now)? == 0)
}

/// Whether those who came to the door since then are still judged as the preview says.
fn nobody_moved(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    change: &Change,
    base: &Preview,
) -> Result<bool, Problem> {
    if matches!(change, Change::Seats(_)) {
        // Whoever took a seat was done something to.
        return Ok(true);
    }
    for connection in connections_of(conn, organization, change)? {
        let both = Both::load(conn, organization, &connection, change)?;
        if !nobody_moved_at(conn, now, &both, base)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn nobody_moved_at(conn: &mut Conn, now: Timestamp, both: &Both, base: &Preview) -> Result<bool, Problem> {
    let connection = &both.before.connection;
    let mut fresh = Preview::empty(now, base.days);
    fresh.teams.clone_from(&base.teams);
    let (met, read) = Visitors::new(connection, now, base.at - SKEW).lately(conn)?;
    if read > SMALL {
        return Ok(false);
    }
    both.judge(conn, now, &met, &mut fresh)?;
    let known = base
        .lines
        .iter()
        .filter(|line| line.connection == connection.name);
    let known: HashMap<&str, &Line> = known.map(|line| (line.email.as_str(), line)).collect();
    let mut now_concerned: HashMap<&str, &Line> = fresh
        .lines
        .iter()
        .map(|line| (line.email.as_str(), line))
        .collect();
    let same = |one: &Line, other: &Line| {
        one.kind == other.kind && one.before == other.before && one.after == other.after
    };
    let met = met.iter().map(|visitor| {
        let email = visitor.identity.email.as_ref();
        email.map_or(visitor.identity.subject.as_str(), EmailAddress::as_str)
    });
    Ok(met
        .into_iter()
        .all(|who| match (known.get(who), now_concerned.remove(who)) {
            (None, None) => true,
            (Some(one), Some(other)) => same(one, other),
            _ => false,
        }))
}
