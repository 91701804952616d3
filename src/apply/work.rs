//! What every step works with: the one transaction, the lines to print, and how a refusal finds its place
//! in the file.

use super::model::{Fault, Place};
use crate::audit::Actor;
use crate::store::time::Timestamp;
use crate::store::{Conn, DbError};
use crate::web::{Problem, Site};

/// Work in hand.
pub struct Work<'a> {
    pub conn: &'a mut Conn,
    pub site: &'a Site,
    pub now: Timestamp,
    pub actor: Actor,
    /// Whether all of it is rolled back: secrets and tokens made on the way mean nothing then.
    pub dry_run: bool,
    pub report: Report,
}

/// What is printed.
#[derive(Debug, Default)]
pub struct Report {
    pub lines: Vec<String>,
    pub changes: usize,
}

impl Work<'_> {
    /// Tells what was done.
    pub fn did(&mut self, slug: &str, what: &str) {
        self.report.changes += 1;
        self.remark(slug, what);
    }

    /// Tells what was left alone.
    pub fn remark(&mut self, slug: &str, what: &str) {
        self.report.lines.push(format!("{slug}: {what}"));
    }
}

/// Why the transaction ends without effect.
#[derive(Debug)]
pub enum Halt {
    /// The file asks for what can't be.
    Fault(Fault),
    /// We failed.
    Ours(Problem),
    /// It was a dry run, and this is what it would have done.
    Rehearsed(Report),
}

impl From<DbError> for Halt {
    fn from(error: DbError) -> Self {
        Self::Ours(Problem::from(error))
    }
}

/// A refusal, told at the place that asked for it.
pub trait At<T> {
    /// # Errors
    /// The refusal.
    fn at(self, place: &Place) -> Result<T, Halt>;
}

impl<T> At<T> for Result<T, Problem> {
    fn at(self, place: &Place) -> Result<T, Halt> {
        self.map_err(|problem| match problem {
            Problem::Forbidden(sentence) | Problem::Invalid(sentence) | Problem::Conflict(sentence) => {
                Halt::Fault(Fault {
                    place: place.clone(),
                    sentence,
                })
            }
            other => Halt::Ours(other),
        })
    }
}

/// A refusal of our own.
pub fn refuse<T>(place: &Place, sentence: String) -> Result<T, Halt> {
    Err(Halt::Fault(Fault {
        place: place.clone(),
        sentence,
    }))
}
