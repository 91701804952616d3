//! Replays that take longer than a request may: worked out beside the requests, at most two at a time on a server,
//! and remembered for a while. Nothing of them is stored; another server works its own out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, watch};

use super::change::Change;
use super::guard::SMALL;
use super::preview::Preview;
use super::replay::{Progress, replay, size};
use crate::groups::Line;
use crate::store::time::{DAY, MINUTE, Timestamp};
use crate::web::{Problem, Site};

/// How many are worked out at once.
const AT_ONCE: usize = 2;
/// How many are remembered.
const MOST: usize = 8;
/// How many tables of groups are remembered.
const MOST_TABLES: usize = 32;
/// How long an answer is shown again to who asks the same.
const FRESH: i64 = MINUTE;

/// The replays of this server. Cheap to clone.
#[derive(Clone)]
pub struct Previews {
    runs: Arc<Mutex<Vec<Arc<Run>>>>,
    turns: Arc<Semaphore>,
    tables: Arc<Mutex<Vec<Table>>>,
}

/// A table of groups that somebody thinks of: too large for an address.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// What it is called in addresses.
    pub key: String,
    /// The organization.
    pub organization: String,
    /// The connection.
    pub connection: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// Whether groups are teams by their names.
    pub convention: bool,
}

/// One replay.
struct Run {
    organization: String,
    change: Change,
    days: i64,
    started: Timestamp,
    progress: Progress,
    answer: watch::Sender<Option<Answer>>,
}

type Answer = Result<Arc<Preview>, String>;

/// What can be shown now.
pub enum Asked {
    /// The answer.
    Known(Arc<Preview>),
    /// Rows that were read, and about how many there are.
    Working(usize, usize),
}

impl Default for Previews {
    fn default() -> Self {
        Self {
            runs: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            tables: Arc::default(),
        }
    }
}

impl Previews {
    /// The preview of this change. In a small organization it is worked out at once, in a large one beside the
    /// request: then the answer is how far it has come.
    ///
    /// # Errors
    /// As [`replay`]; what failed beside a request is tried again by the next one.
    pub async fn ask(
        &self,
        site: &Site,
        organization: &str,
        change: &Change,
        days: i64,
    ) -> Result<Asked, Problem> {
        let (own, wanted, now) = (organization.to_owned(), change.clone(), site.now());
        let at_once = site
            .store
            .reading(move |conn| {
                let most = i64::try_from(SMALL).unwrap_or(i64::MAX) + 1;
                if size(conn, &own, now - days * DAY, most)? > SMALL {
                    return Ok::<_, Problem>(None);
                }
                replay(conn, now, &own, &wanted, days, &Progress::default()).map(Some)
            })
            .await?;
        if let Some(preview) = at_once {
            return Ok(Asked::Known(Arc::new(preview)));
        }
        let run = self.run(site, organization, change, days);
        let answer = run.answer.borrow().clone();
        match answer {
            Some(Ok(preview)) => Ok(Asked::Known(preview)),
            Some(Err(sentence)) => {
                self.forget(&run);
                Err(Problem::Internal(sentence))
            }
            None => {
                let (done, total) = run.progress.now();
                Ok(Asked::Working(done, total))
            }
        }
    }

    /// Remembers a table for a while, and answers what it is called.
    pub(super) fn remember(&self, table: Table) -> String {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.len() >= MOST_TABLES {
            tables.remove(0);
        }
        let key = table.key.clone();
        tables.push(table);
        key
    }

    /// The table of this name, if this server remembers it.
    pub(super) fn table(&self, organization: &str, connection: &str, key: &str) -> Option<Table> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |table: &&Table| {
            table.key == key && table.organization == organization && table.connection == connection
        };
        tables.iter().find(is_it).cloned()
    }

    /// The preview of this digest, if this server has it.
    pub fn of_digest(&self, organization: &str, digest: &str) -> Option<Arc<Preview>> {
        let runs = self.lock();
        let known = runs.iter().filter(|run| run.organization == organization);
        known
            .filter_map(|run| run.answer.borrow().clone()?.ok())
            .find(|preview| preview.digest == digest)
    }

    /// Forgets what is known of a change: it was found to be true no longer.
    pub fn outdated(&self, organization: &str, change: &Change) {
        self.lock().retain(|run| {
            let is_it = run.organization == organization && run.change == *change;
            !(is_it && run.answer.borrow().is_some())
        });
    }

    /// The run of this change: one that is going on or has just ended, else a new one.
    fn run(&self, site: &Site, organization: &str, change: &Change, days: i64) -> Arc<Run> {
        let mut runs = self.lock();
        let now = site.now();
        let fits = |run: &&Arc<Run>| {
            let is_fresh = run.answer.borrow().is_none() || now - run.started < FRESH;
            run.organization == organization && run.change == *change && run.days == days && is_fresh
        };
        if let Some(run) = runs.iter().find(fits) {
            return Arc::clone(run);
        }
        let run = Arc::new(Run {
            organization: organization.to_owned(),
            change: change.clone(),
            days,
            started: now,
            progress: Progress::default(),
            answer: watch::Sender::new(None),
        });
        if runs.len() >= MOST {
            let oldest = runs.iter().position(|run| run.answer.borrow().is_some());
            runs.remove(oldest.unwrap_or_default());
        }
        runs.push(Arc::clone(&run));
        drop(runs);
        actix_web::rt::spawn(work(site.clone(), Arc::clone(&run), Arc::clone(&self.turns)));
        run
    }

    fn forget(&self, run: &Arc<Run>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, run));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Run>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn work(site: Site, run: Arc<Run>, turns: Arc<Semaphore>) {
    let Ok(_turn) = turns.acquire().await else {
        return;
    };
    let (here, now) = (Arc::clone(&run), site.now());
    let done = site
        .store
        .reading(move |conn| {
            replay(
                conn,
                now,
                &here.organization,
                &here.change,
                here.days,
                &here.progress,
            )
        })
        .await;
    let answer = done.map(Arc::new).map_err(|problem| problem.to_string());
    if let Err(error) = &answer {
        tracing::warn!(%error, "a preview could not be worked out");
    }
    run.answer.send_replace(Some(answer));
}
