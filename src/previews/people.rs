//! Who is judged: everybody who was seen by a connection, the denied, the invited, and members who were not seen.
//! Read in batches, so that memory does not grow with what is read but with what differs.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};

use super::line::Basis;
use super::queries::{self, Seen};
use crate::access::{EmailAddress, Identity, PersonName};
use crate::connections::Connection;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// How many rows are read at once.
const BATCH: i64 = 1_000;

/// How many records are read to see who came lately.
const LATELY: i64 = 5_000;

/// Somebody who might come, as the provider would describe them.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub identity: Identity,
    pub basis: Basis,
    /// What the record calls them.
    pub name: String,
}

/// Reads them, source by source. A person who was met already is passed over.
pub(super) struct Visitors<'a> {
    connection: &'a Connection,
    now: Timestamp,
    since: Timestamp,
    stage: Stage,
    people: HashSet<u64>,
    accounts: HashSet<u64>,
}

enum Stage {
    Seen(Option<(Timestamp, String)>),
    Denied(Option<(Timestamp, String)>),
    Invited(Timestamp, String),
    Members(String),
    Done,
}

impl<'a> Visitors<'a> {
    /// Those of this connection, seen since then.
    pub fn new(connection: &'a Connection, now: Timestamp, since: Timestamp) -> Self {
        Self {
            connection,
            now,
            since,
            stage: Stage::Seen(None),
            people: HashSet::new(),
            accounts: HashSet::new(),
        }
    }

    /// The next ones, and how many rows were read; none when that were all.
    pub fn next(&mut self, conn: &mut Conn) -> Result<Option<(Vec<Visitor>, usize)>> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Seen(after) => self.seen(conn, after.as_ref()).map(Some),
            Stage::Denied(after) => self.denied(conn, after.as_ref()).map(Some),
            Stage::Invited(at, id) => self.invited(conn, (at, &id)).map(Some),
            Stage::Members(after) => self.members(conn, &after).map(Some),
            Stage::Done => Ok(None),
        }
    }

    /// Only those who were seen, up to a few thousand records, and how many records that were.
    pub fn lately(mut self, conn: &mut Conn) -> Result<(Vec<Visitor>, usize)> {
        let rows = queries::seen(conn, self.connection, self.since, None, LATELY)?;
        let read = rows.len();
        Ok((rows.into_iter().filter_map(|row| self.meet(row)).collect(), read))
    }

    fn seen(
        &mut self,
        conn: &mut Conn,
        after: Option<&(Timestamp, String)>,
    ) -> Result<(Vec<Visitor>, usize)> {
        let rows = queries::seen(conn, self.connection, self.since, after, BATCH)?;
        let read = rows.len();
        self.stage = match rows.last() {
            Some(last) if is_full(read) => Stage::Seen(Some((last.at, last.id.clone()))),
            _ => Stage::Denied(None),
        };
        Ok((rows.into_iter().filter_map(|row| self.meet(row)).collect(), read))
    }

    fn denied(
        &mut self,
        conn: &mut Conn,
        after: Option<&(Timestamp, String)>,
    ) -> Result<(Vec<Visitor>, usize)> {
        let rows = queries::denied(conn, self.connection, self.since, after, BATCH)?;
        let read = rows.len();
        self.stage = match rows.last() {
            Some((id, at, ..)) if is_full(read) => Stage::Denied(Some((*at, id.clone()))),
            _ => Stage::Invited(Timestamp::MIN, String::new()),
        };
        let visitors = rows
            .into_iter()
            .filter_map(|(_, at, person_key, email, name, seen)| {
                match seen {
                    Some(seen) => self.meet(seen),
                    // The record of the attempt is kept no longer; the row of the queue knows the address.
                    None => self.is_new(&person_key).then(|| Visitor {
                        identity: self.supposed(&email, None),
                        basis: Basis::Seen(at),
                        name,
                    }),
                }
            });
        Ok((visitors.collect(), read))
    }

    fn invited(&mut self, conn: &mut Conn, after: (Timestamp, &str)) -> Result<(Vec<Visitor>, usize)> {
        let rows = queries::invited(conn, &self.connection.organization, self.now, after, BATCH)?;
        let read = rows.len();
        self.stage = match rows.last() {
            Some((at, id, _)) if is_full(read) => Stage::Invited(*at, id.clone()),
            _ => Stage::Members(String::new()),
        };
        let visitors = rows.into_iter().filter_map(|(_, _, email)| {
            let identity = self.supposed(&email, None);
            let key = identity
                .email
                .as_ref()
                .map(|email| format!("email:{}", email.key()))?;
            self.is_new(&key).then(|| Visitor {
                identity,
                basis: Basis::Invited,
                name: String::new(),
            })
        });
        Ok((visitors.collect(), read))
    }

    fn members(&mut self, conn: &mut Conn, after: &str) -> Result<(Vec<Visitor>, usize)> {
        let mut rows = queries::members(conn, &self.connection.organization, after, BATCH)?;
        let read = rows.len();
        self.stage = match rows.last() {
            Some((account, ..)) if is_full(read) => Stage::Members(account.clone()),
            _ => Stage::Done,
        };
        rows.retain(|(account, email, _)| {
            let key = EmailAddress::parse(email).map(|email| format!("email:{}", email.key()));
            let is_met = key.is_ok_and(|key| self.people.contains(&hash(&key)));
            !is_met && !self.accounts.contains(&hash(account))
        });
        let ids: Vec<&str> = rows.iter().map(|(account, ..)| account.as_str()).collect();
        let linked: HashMap<String, (String, String)> = queries::identities(conn, &self.connection.id, &ids)?
            .into_iter()
            .map(|(account, issuer, subject)| (account, (issuer, subject)))
            .collect();
        let visitors = rows.into_iter().map(|(account, email, name)| Visitor {
            identity: self.supposed(&email, linked.get(&account).cloned()),
            basis: Basis::Member,
            name,
        });
        Ok((visitors.collect(), read))
    }

    /// Somebody who was seen, unless a newer record was read already.
    fn meet(&mut self, seen: Seen) -> Option<Visitor> {
        let identity = (seen.issuer.as_str(), seen.subject.as_str());
        let by_subject = !seen.subject.is_empty() && !self.people.insert(hash(&identity));
        let by_key = !seen.person_key.is_empty() && !self.people.insert(hash(&seen.person_key));
        if let Some(account) = &seen.account {
            self.accounts.insert(hash(account));
        }
        if by_subject || by_key {
            return None;
        }
        Some(Visitor {
            basis: Basis::Seen(seen.at),
            name: seen.name.clone(),
            identity: Identity {
                connection: self.connection.id.clone(),
                issuer: seen.issuer,
                subject: seen.subject,
                email: EmailAddress::parse(&seen.email).ok(),
                email_verified: seen.email_verified,
                name: PersonName {
                    full: Some(seen.name),
                    ..PersonName::default()
                },
                groups: serde_json::from_str(&seen.groups_json).ok(),
            },
        })
    }

    fn is_new(&mut self, person_key: &str) -> bool {
        self.people.insert(hash(&person_key))
    }

    /// Somebody of whom the provider has not said anything lately: that it vouches for the address is supposed.
    fn supposed(&self, email: &str, linked: Option<(String, String)>) -> Identity {
        let (issuer, subject) = linked.unwrap_or_default();
        Identity {
            connection: self.connection.id.clone(),
            issuer,
            subject,
            email: EmailAddress::parse(email).ok(),
            email_verified: None,
            name: PersonName::default(),
            groups: None,
        }
    }
}

fn is_full(read: usize) -> bool {
    i64::try_from(read).is_ok_and(|read| read == BATCH)
}

fn hash(what: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
