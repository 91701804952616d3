//! Who did what to whom.

use serde_json::Value;

use super::queries::Kept;
use super::{chain, queries};
use crate::session::{Member, Signed};
use crate::store::text::tame;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, id};

/// What kind of actor did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A person in the pages or at sign-in.
    Person,
    /// The product by itself.
    System,
    /// Whoever runs the installation, on its command line.
    Operator,
    /// A directory, by its token.
    Scim,
}

impl ActorKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::System => "system",
            Self::Operator => "operator",
            Self::Scim => "scim",
        }
    }
}

/// Who did it, and from where.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What kind.
    pub kind: ActorKind,
    /// The account's or token's id; empty for the system.
    pub id: String,
    /// The name as it was then.
    pub name: String,
    /// The network address, if there is one.
    pub ip: String,
}

impl Actor {
    /// The product by itself.
    pub fn system() -> Self {
        Self {
            kind: ActorKind::System,
            id: String::new(),
            name: "Vestibule".to_owned(),
            ip: String::new(),
        }
    }

    /// The command line.
    pub fn operator() -> Self {
        Self {
            kind: ActorKind::Operator,
            id: String::new(),
            name: "Command line".to_owned(),
            ip: String::new(),
        }
    }

    /// A person who is known but has no session yet: one who signs in, or follows a link.
    pub fn person(account: &str, name: &str, ip: &str) -> Self {
        Self {
            kind: ActorKind::Person,
            id: account.to_owned(),
            name: name.to_owned(),
            ip: ip.to_owned(),
        }
    }
}

impl From<&Signed> for Actor {
    fn from(signed: &Signed) -> Self {
        Self::person(&signed.account, &signed.name, &signed.client.ip)
    }
}

impl From<&Member> for Actor {
    fn from(member: &Member) -> Self {
        Self::from(&member.signed)
    }
}

/// What was done to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    /// The kind, such as `member`, `invitation`, `connection`.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Its name or address as it was then.
    pub name: &'a str,
}

/// One entry about to be written.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    /// The organization, or none for what concerns the installation.
    pub organization: Option<&'a str>,
    /// What was done, as `noun.verb` in the past: `member.deactivated`.
    pub action: &'a str,
    /// What it was done to.
    pub subject: Subject<'a>,
    /// What changed, as it was before. Never a secret.
    pub before: Option<Value>,
    /// What changed, as it is now. Never a secret.
    pub after: Option<Value>,
}

/// An entry of the log, for those who act on what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// Its id; ids sort by time.
    pub id: String,
    /// Whose log; none for what concerns the installation, such as an account.
    pub organization: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Who, as it was called then.
    pub actor_name: String,
    /// What, as `noun.verb`.
    pub action: String,
    /// The id of what it was done to.
    pub subject_id: String,
    /// Its name as it was then.
    pub subject_name: String,
    /// What changed, as JSON; may be empty.
    pub before_json: String,
    /// Likewise, afterwards.
    pub after_json: String,
}

/// Writes one entry in the running transaction, at the end of its chain. Until the transaction ends, others who write
/// to the same chain wait: so a transaction that writes for several organizations takes them in the order of their ids.
///
/// # Errors
/// When the database refuses; the change must then not happen either.
pub fn record(conn: &mut Conn, now: Timestamp, actor: &Actor, event: &Event<'_>) -> Result<()> {
    record_in(conn, now, actor, chain::name(conn, event.organization), event)
}

/// As [`record`], at the end of this chain: what is told of a chain stands in it.
pub(super) fn record_in(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    chain: String,
    event: &Event<'_>,
) -> Result<()> {
    let (seq, previous) = queries::next_place(conn, &chain)?;
    let mut entry = kept(now, actor, event);
    entry.chain = chain;
    entry.seq = Some(seq);
    entry.hash = chain::hash(&previous, &entry);
    queries::insert(conn, &entry)
}

/// Writes entries of one organization in the running transaction, in this order and in few statements.
///
/// # Errors
/// As for [`record`].
pub fn record_all(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    events: &[Event<'_>],
) -> Result<()> {
    let number = i64::try_from(events.len()).unwrap_or_default();
    if number == 0 {
        return Ok(());
    }
    let chain = chain::name(conn, Some(organization));
    let (first, mut previous) = queries::next_places(conn, &chain, number)?;
    let mut entries = Vec::with_capacity(events.len());
    for (seq, event) in (first..).zip(events) {
        let mut entry = kept(now, actor, event);
        entry.organization_id = Some(organization.to_owned());
        entry.chain.clone_from(&chain);
        entry.seq = Some(seq);
        entry.hash = chain::hash(&previous, &entry);
        previous.clone_from(&entry.hash);
        entries.push(entry);
    }
    queries::insert_all(conn, &entries)
}

fn kept(now: Timestamp, actor: &Actor, event: &Event<'_>) -> Kept {
    let json = |value: &Option<Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    Kept {
        id: id::new_id(),
        organization_id: event.organization.map(str::to_owned),
        at: now,
        actor_kind: actor.kind.as_str().to_owned(),
        actor_id: actor.id.clone(),
        actor_name: tame(&actor.name, queries::LONGEST),
        action: event.action.to_owned(),
        subject_kind: event.subject.kind.to_owned(),
        subject_id: event.subject.id.to_owned(),
        subject_name: tame(event.subject.name, queries::LONGEST),
        ip: actor.ip.clone(),
        before_json: json(&event.before),
        after_json: json(&event.after),
        ..Kept::default()
    }
}
