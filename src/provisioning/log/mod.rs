//! The log of what a directory asked and was answered, for administrators to read. Entries wait in memory
//! and are written together by a task of their own, so that no request waits for its line: what changed
//! is told by the audit log, which is written with the change itself. Kept for 30 days.

mod blank;
pub(super) mod queries;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub use queries::{one, page, refused_by_guard};

use super::tokens::{self, Caller};
use crate::store::text::tame;
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, Result, Store, id};

/// For how long requests are kept.
pub const KEPT: i64 = 30 * DAY;
/// How many entries wait at most before they are written.
const BATCH: usize = 200;
/// How long an entry waits at most.
const PAUSE: Duration = Duration::from_millis(500);
/// How many entries may wait when the database does not keep up. What comes then is not logged.
const MOST: usize = 20_000;

/// One request of a directory, and what came of it.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// The organization's id.
    pub organization: String,
    /// The connection's id.
    pub connection: String,
    /// The token's id.
    pub token_id: String,
    /// The token's name as it was then.
    pub token_name: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// Path and query as they were sent.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// Whom it concerned, as people would look for it: a user name, an address, a group. May be empty.
    pub person: String,
    /// What was done, in words: "created", "deactivated; 2 sessions ended", "refused: every seat is taken".
    pub decision: String,
    /// The body as it was sent.
    pub body: Vec<u8>,
    /// The body of the answer, where somebody may want to read it.
    pub answer: Vec<u8>,
}

impl Entry {
    /// An entry of this caller; the rest is filled in when the answer is known.
    pub fn of(caller: &Caller, at: Timestamp, method: &str, path: &str) -> Self {
        Self {
            organization: caller.organization.clone(),
            connection: caller.connection.id.clone(),
            token_id: caller.token_id.clone(),
            token_name: caller.token_name.clone(),
            at,
            method: method.to_owned(),
            path: path.to_owned(),
            ..Self::default()
        }
    }
}

/// An entry as it is kept: cut, and without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its key; keys sort by time.
    pub id: String,
    /// The token's name as it was then.
    pub token_name: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The status of the answer.
    pub status: i64,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// Whom it concerned, in lower case.
    pub person: String,
    /// What was done.
    pub decision: String,
    /// What was sent.
    pub body: String,
    /// What was answered.
    pub answer: String,
}

impl Kept {
    /// Whether nothing stood against it.
    pub fn is_fine(&self) -> bool {
        self.status < 400
    }

    /// How long it took, in milliseconds, for people.
    pub fn took(&self) -> String {
        if self.duration_us < 10_000 {
            format!(
                "{}.{} ms",
                self.duration_us / 1_000,
                self.duration_us % 1_000 / 100
            )
        } else {
            format!("{} ms", self.duration_us / 1_000)
        }
    }
}

/// Which entries a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Part of whom it concerned or of the path, in lower case.
    pub person: Option<String>,
    /// The method.
    pub method: Option<&'static str>,
    /// The status: from, and below.
    pub statuses: Option<(i64, i64)>,
}

/// Where entries wait. Cheap to clone; registered as `web::Data<Log>`.
#[derive(Clone)]
pub struct Log {
    store: Store,
    waiting: Arc<Mutex<Vec<(String, Entry)>>>,
    full: Arc<Notify>,
    /// Held while some are written, so that whoever settles waits for those too.
    writing: Arc<Mutex<()>>,
}

impl Log {
    /// A log that writes to this database.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            waiting: Arc::default(),
            full: Arc::default(),
            writing: Arc::default(),
        }
    }

    /// Adds an entry. Never waits.
    pub fn add(&self, entry: Entry) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            tracing::warn!("the log of SCIM requests does not keep up; an entry was left out");
            return;
        }
        waiting.push((id::new_id(), entry));
        if waiting.len() >= BATCH {
            self.full.notify_one();
        }
    }

    /// Writes what waits. Blocks: not for the threads that serve.
    pub fn flush(&self) {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let some: Vec<_> = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let end = waiting.len().min(BATCH);
                waiting.drain(..end).collect()
            };
            if some.is_empty() {
                return;
            }
            self.write(&some);
        }
    }

    /// Writes what waits, for a page that is about to read it.
    pub async fn settle(&self) {
        let log = self.clone();
        if let Err(error) = actix_web::web::block(move || log.flush()).await {
            tracing::warn!(%error, "the log of SCIM requests was not written");
        }
    }

    /// Writes what waits every half second, or sooner when it is much; and a last time when it is dropped.
    pub async fn keep_for_ever(self) {
        let last = AtTheEnd(self);
        loop {
            let full = last.0.full.notified();
            drop(tokio::time::timeout(PAUSE, full).await);
            last.0.settle().await;
        }
    }

    fn write(&self, some: &[(String, Entry)]) {
        if self.write_all(some).is_ok() {
            return;
        }
        // One of them can't be kept, perhaps because its connection is gone: the others still are.
        for one in some {
            if let Err(error) = self.write_all(std::slice::from_ref(one)) {
                tracing::debug!(%error, "an entry of the log of SCIM requests was not kept");
            }
        }
    }

    fn write_all(&self, some: &[(String, Entry)]) -> Result<()> {
        self.store.write(|conn| {
            let mut all = Vec::with_capacity(some.len());
            for (id, entry) in some {
                let mut kept = kept(id, entry);
                if kept.person.is_empty() {
                    kept.person = whom(conn, entry)?;
                }
                all.push((entry, kept));
            }
            queries::insert(conn, &all)?;
            for (token, at) in uses(some) {
                tokens::queries::used(conn, token, at)?;
            }
            Ok(())
        })
    }
}

/// Writes a last time when the task that holds it ends.
struct AtTheEnd(Log);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Each token with its last use.
fn uses(some: &[(String, Entry)]) -> std::collections::BTreeMap<&str, Timestamp> {
    let mut uses = std::collections::BTreeMap::new();
    for (_, entry) in some {
        let last = uses.entry(entry.token_id.as_str()).or_insert(entry.at);
        *last = entry.at.max(*last);
    }
    uses
}

/// Whom a request concerned that did not come so far as to say it: one that was refused.
fn whom(conn: &mut Conn, entry: &Entry) -> Result<String> {
    let path = entry.path.split('?').next().unwrap_or_default();
    let below = path.strip_prefix(super::BASE).unwrap_or_default();
    let name = match below.strip_prefix("/Users/") {
        Some(user) => queries::user_name(conn, &entry.connection, user)?,
        None => sent_name(&entry.body),
    };
    Ok(tame(&name.unwrap_or_default().to_lowercase(), 200))
}

/// The user name that a body has; not looked for in one that is longer than a person's.
fn sent_name(body: &[u8]) -> Option<String> {
    if body.len() > 64 * 1024 {
        return None;
    }
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let fields = body.as_object()?;
    let (_, name) = fields
        .iter()
        .find(|(field, _)| field.eq_ignore_ascii_case("userName"))?;
    name.as_str().map(str::to_owned)
}

fn kept(id: &str, entry: &Entry) -> Kept {
    Kept {
        id: id.to_owned(),
        token_name: entry.token_name.clone(),
        at: entry.at,
        method: tame(&entry.method, 20),
        path: blank::path(&entry.path),
        status: i64::from(entry.status),
        duration_us: entry.duration_us,
        person: tame(&entry.person.to_lowercase(), 200),
        decision: tame(&entry.decision, 500),
        body: blank::body(&entry.body),
        answer: blank::body(&entry.answer),
    }
}
