//! `vestibule doctor`: whether what must always hold does hold, by the database's own word; and if not, what to do.

use super::{key_check, queries, rekey};
use crate::audit::verify;
use crate::store::sealed::Sealer;
use crate::store::time::{MINUTE, Timestamp};
use crate::store::{Conn, DbError, Store, health};

/// How many of what was found are named.
const NAMED: usize = 5;
/// How far the clocks of server and database may differ.
const SKEW: i64 = MINUTE;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Something that must never be.
    Broken,
    /// Something to know.
    Note,
}

/// What was found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub weight: Weight,
    /// What should hold and does not.
    pub what: &'static str,
    /// Ids or names, the first few.
    pub who: Vec<String>,
    /// How many there are.
    pub count: usize,
    /// What to do.
    pub remedy: &'static str,
}

/// One question about the tables: whatever it answers is wrong. `$1` is the time.
struct Check {
    what: &'static str,
    question: &'static str,
    remedy: &'static str,
    weight: Weight,
}

const fn broken(what: &'static str, question: &'static str, remedy: &'static str) -> Check {
    Check {
        what,
        question,
        remedy,
        weight: Weight::Broken,
    }
}

const CHECKS: [Check; 15] = [
    broken(
        "An address has one account",
        "SELECT email_key AS who FROM accounts GROUP BY email_key HAVING count(*) > 1",
        "Restore a back-up from before, or keep the older account and delete the other one’s row.",
    ),
    broken(
        "A person has one membership in an organization",
        "SELECT organization_id || ' ' || account_id AS who FROM members GROUP BY organization_id, account_id \
         HAVING count(*) > 1",
        "Keep the older membership and delete the other row.",
    ),
    broken(
        "An identity is linked to one account",
        "SELECT connection_id || ' ' || subject AS who FROM identities GROUP BY connection_id, issuer, subject \
         HAVING count(*) > 1",
        "Delete the newer row of identities; the person links again at the next sign-in.",
    ),
    broken(
        "Nobody who is deactivated has a session",
        "SELECT s.id AS who FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE a.state <> 'active' \
         UNION SELECT s.id AS who FROM sessions s WHERE s.organization_id IS NOT NULL AND s.account_id IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM members m WHERE m.organization_id = s.organization_id \
         AND m.account_id = s.account_id AND m.state = 'active')",
        "Delete these rows of sessions. Such a session opens nothing, because each request looks at the member anew.",
    ),
    broken(
        "An organization that has members has an active owner",
        "SELECT o.slug AS who FROM organizations o \
         WHERE EXISTS (SELECT 1 FROM members m WHERE m.organization_id = o.id AND m.state = 'active') \
         AND NOT EXISTS (SELECT 1 FROM members m JOIN accounts a ON a.id = m.account_id \
         WHERE m.organization_id = o.id AND m.state = 'active' AND m.role = 'owner' AND a.state = 'active')",
        "Make somebody an owner: vestibule make-owner --org … --email ….",
    ),
    broken(
        "An accepted invitation made a member",
        "SELECT i.id AS who FROM invitations i LEFT JOIN members m ON m.id = i.member_id \
         WHERE i.state = 'accepted' AND (m.id IS NULL OR m.organization_id <> i.organization_id)",
        "Invite the person again.",
    ),
    broken(
        "Every person in the queue of the denied has a record",
        "SELECT d.reference AS who FROM denials d \
         WHERE NOT EXISTS (SELECT 1 FROM sign_ins s WHERE s.id = d.last_sign_in_id) \
         AND d.last_at >= (SELECT min(s.at) FROM sign_ins s WHERE s.organization_id = d.organization_id)",
        "Look into the audit log for the reference; dismiss the denial.",
    ),
    broken(
        "Every denied sign-in has its entry in the queue",
        "SELECT s.reference AS who FROM sign_ins s WHERE s.denial_id IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM denials d WHERE d.id = s.denial_id) \
         AND s.at >= (SELECT min(d.first_at) FROM denials d WHERE d.organization_id = s.organization_id)",
        "The record itself stands under Sign-ins; nothing else is lost.",
    ),
    broken(
        "Every sign-in has its entry in the audit log",
        "SELECT s.reference AS who FROM sign_ins s LEFT JOIN audit_events e \
         ON e.subject_id = s.id AND e.organization_id = s.organization_id AND e.subject_kind = 'sign_in' \
         WHERE e.id IS NULL \
         AND s.at > (SELECT min(a.at) FROM audit_events a WHERE a.organization_id = s.organization_id)",
        "The log was changed by hand, or a back-up of one table alone was put back: vestibule audit verify tells which.",
    ),
    broken(
        "Who was admitted is or was a member",
        "SELECT s.reference AS who FROM sign_ins s WHERE s.outcome = 'admitted' AND s.account_id IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM members m WHERE m.organization_id = s.organization_id \
         AND m.account_id = s.account_id)",
        "Somebody was let in without becoming a member. End the person’s sessions and report it: SECURITY.md says where.",
    ),
    broken(
        "Nobody who was removed is in a team",
        "SELECT m.id AS who FROM team_members t JOIN members m ON m.id = t.member_id WHERE m.state = 'removed'",
        "Delete these rows of team_members.",
    ),
    broken(
        "Rows of different organizations are not joined",
        "SELECT tm.member_id AS who FROM team_members tm JOIN teams t ON t.id = tm.team_id \
         JOIN members m ON m.id = tm.member_id WHERE m.organization_id <> t.organization_id \
         UNION SELECT it.invitation_id AS who FROM invitation_teams it JOIN teams t ON t.id = it.team_id \
         JOIN invitations i ON i.id = it.invitation_id WHERE i.organization_id <> t.organization_id \
         UNION SELECT cd.domain_id AS who FROM connection_domains cd JOIN domains d ON d.id = cd.domain_id \
         JOIN connections c ON c.id = cd.connection_id WHERE c.organization_id <> d.organization_id \
         UNION SELECT g.id AS who FROM group_mappings g JOIN teams t ON t.id = g.team_id \
         JOIN connections c ON c.id = g.connection_id WHERE c.organization_id <> t.organization_id \
         UNION SELECT u.id AS who FROM scim_users u JOIN members m ON m.id = u.member_id \
         WHERE m.organization_id <> u.organization_id",
        "Delete the row that joins them, and report it: SECURITY.md says where.",
    ),
    broken(
        "A domain is verified by one organization",
        "SELECT name AS who FROM domains WHERE verified GROUP BY name HAVING count(*) > 1",
        "Remove the domain where it does not belong.",
    ),
    broken(
        "Nothing happened in the future",
        "SELECT id AS who FROM audit_events WHERE at > $1 + 300000",
        "The clock of a server was wrong, or is wrong now. Set the clocks by the network’s time.",
    ),
    Check {
        what: "Nobody sits without a seat",
        question: "SELECT o.slug AS who FROM organizations o WHERE o.seats IS NOT NULL AND o.seats < \
         (SELECT count(*) FROM members m WHERE m.organization_id = o.id AND m.state = 'active')",
        remedy: "The seats were made fewer than there are people. Nobody has to leave, and newcomers wait.",
        weight: Weight::Note,
    },
];

/// Every check, and what it says. None of them changes anything.
///
/// # Errors
/// When the database does not answer.
pub fn examine(
    store: &Store,
    sealer: Result<Sealer, String>,
    now: Timestamp,
) -> Result<Vec<Finding>, DbError> {
    let mut findings = Vec::new();
    if let Some(finding) = store.read(pending)? {
        // The questions are about tables that may not be there.
        return Ok(vec![finding]);
    }
    store.read(|conn| {
        for check in &CHECKS {
            let who = queries::whoever(conn, check.question, now)?;
            findings.extend(found(check.weight, check.what, who, check.remedy));
        }
        let damage = queries::damage(conn, store.backend())?;
        findings.extend(found(
            Weight::Broken,
            "The database’s file is whole",
            damage,
            "Stop the server, keep a copy of the file, and restore the last back-up.",
        ));
        findings.extend(clock(conn, now)?);
        findings.extend(secrets(conn, sealer)?);
        findings.extend(chain(conn)?);
        Ok(findings)
    })
}

/// How many things are looked at, but for those that a database has by itself.
pub fn checks() -> usize {
    CHECKS.len() + 5
}

fn found(weight: Weight, what: &'static str, mut who: Vec<String>, remedy: &'static str) -> Option<Finding> {
    let count = who.len();
    who.truncate(NAMED);
    (count > 0).then_some(Finding {
        weight,
        what,
        who,
        count,
        remedy,
    })
}

fn pending(conn: &mut Conn) -> Result<Option<Finding>, DbError> {
    Ok(found(
        Weight::Broken,
        "The database is up to date",
        health::pending(conn)?,
        "Start the server, or run “vestibule migrate”.",
    ))
}

fn clock(conn: &mut Conn, now: Timestamp) -> Result<Option<Finding>, DbError> {
    let ahead = health::look(conn)?.clock.map_or(0, |clock| clock - now);
    let who = if ahead.abs() > SKEW {
        vec![format!("the database is {} seconds ahead", ahead / 1_000)]
    } else {
        Vec::new()
    };
    Ok(found(
        Weight::Broken,
        "The clocks of server and database agree",
        who,
        "Set both by the network’s time.",
    ))
}

fn secrets(conn: &mut Conn, sealer: Result<Sealer, String>) -> Result<Option<Finding>, DbError> {
    let what = "Every sealed secret opens with the key file";
    let remedy = "Put the right key file in its place. What no key opens has to be typed in anew.";
    let sealer = match sealer {
        Ok(sealer) => sealer,
        Err(sentence) => return Ok(found(Weight::Broken, what, vec![sentence], remedy)),
    };
    let mut who = Vec::new();
    if queries::fact(conn, key_check::FACT)?.is_some()
        && let Err(sentence) = key_check::check(conn, &sealer)
    {
        who.push(sentence);
    }
    for column in rekey::columns(conn)? {
        let some = queries::sealed(conn, &column)?;
        let lost = some
            .iter()
            .filter(|(id, sealed)| column.open(&sealer, id, sealed).is_err());
        who.extend(lost.map(|(id, _)| format!("{} {id}", column.table)));
    }
    Ok(found(Weight::Broken, what, who, remedy))
}

fn chain(conn: &mut Conn) -> Result<Option<Finding>, DbError> {
    let broken = verify::verify(conn, &[])?.broken;
    let who = broken
        .into_iter()
        .map(|broken| format!("{}: {}", broken.chain, broken.what));
    Ok(found(
        Weight::Broken,
        "The audit log’s chains are whole",
        who.collect(),
        "Somebody changed the log in the database. Keep a copy of it, and compare it with a back-up.",
    ))
}
