//! What the database is asked: nothing is kept of it until somebody watches, as tests do that say how many
//! statements a request may take.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// How statements begin that only open, close and hold a transaction, say how to plan in it, or ask whether anybody is
/// there.
const AROUND: [&str; 8] = [
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "SET LOCAL plan_cache_mode",
    "SELECT 1",
    "SELECT pg_advisory_xact_lock",
];

/// The statements of all connections of a [`super::Store`]. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Statements {
    watched: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Statements {
    /// Forgets what was seen, and keeps the texts of all statements from now on.
    pub fn watch(&self) {
        self.seen().clear();
        self.watched.store(true, Ordering::Release);
    }

    /// Stops watching and answers every statement since [`Statements::watch`], with its values: each is a round trip
    /// where the database is another process.
    pub fn all(&self) -> Vec<String> {
        self.watched.store(false, Ordering::Release);
        std::mem::take(&mut *self.seen())
    }

    /// As [`Statements::all`], without what only opens, closes and holds transactions.
    pub fn telling(&self) -> Vec<String> {
        let mut all = self.all();
        all.retain(|text| !AROUND.iter().any(|begin| text.starts_with(begin)));
        all
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event
            && self.watched.load(Ordering::Acquire)
        {
            self.seen().push(query.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::RunQueryDsl as _;

    use super::super::{DbError, Store};

    #[test]
    fn each_statement_is_seen_while_somebody_watches() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("a.db").to_str().unwrap()).unwrap();
        let ask = || store.read(|conn| diesel::sql_query("SELECT 2").execute(conn).map(drop));
        ask().unwrap();
        store.statements().watch();
        ask().unwrap();
        let all = store.statements().all();
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(
            all[0].starts_with("BEGIN") && all[2].starts_with("COMMIT"),
            "{all:?}"
        );
        store.statements().watch();
        ask().unwrap();
        let asked: Result<(), DbError> = ask();
        asked.unwrap();
        assert_eq!(store.statements().telling().len(), 2);
        ask().unwrap();
        assert!(store.statements().all().is_empty());
    }
}
