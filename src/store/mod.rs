//! The only door to a database. One binary serves SQLite and PostgreSQL; what differs between them is
//! settled here and nowhere else.
//!
//! [`Store::read`] never writes. [`Store::write`] is one transaction that may read what it judges:
//! `BEGIN IMMEDIATE` on SQLite behind one mutex, READ COMMITTED on PostgreSQL. Whatever judges an
//! organization (its seats, members, invitations, settings) uses [`Store::write_in`], which first takes
//! that organization's lock, so that of two such transactions one sees all that the other did. Writes that
//! wait for the same lock share a transaction, each in a savepoint of its own (`batch`).

mod batch;
pub mod catalog;
mod conn;
pub mod copy;
pub mod health;
pub mod id;
mod migrate;
pub mod old;
mod remote;
mod reuse;
pub mod schema;
pub mod sealed;
pub mod sql;
mod statements;
pub mod text;
pub mod time;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use conn::{Backend, Conn};
pub use reuse::{Run, Sql, rows, rows_of_many};
pub use statements::Statements;

use batch::{Job, Lane};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// On PostgreSQL organizations are spread over so many queues. SQLite has one writer anyway.
const LANES: usize = 64;

/// How long a request waits for a connection where there is none before it is told to come again.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// For how long after somebody waited in vain, since there was none, nobody else waits.
const IMPATIENCE: Duration = Duration::from_secs(1);
/// How long a request waits where all of them are at work: then it is a queue, and its turn comes.
const LONGEST_QUEUE: Duration = Duration::from_secs(10);

/// How many questions are put to the database at a time for each core; the others wait in the order in which they came.
/// More at a time would make all of them slower and some of them much slower: what reads is bound by the processor.
const READERS_PER_CORE: usize = 2;
/// … and at least so many, so that a few that take long leave others room.
const LEAST_READERS: usize = 4;

/// What a query answers.
pub type Result<T> = diesel::QueryResult<T>;
/// Why a query failed. Not for people's eyes.
pub type DbError = diesel::result::Error;

/// A pool of connections to one database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: r2d2::Pool<conn::Manager>,
    backend: Backend,
    sqlite_writes: Arc<Mutex<()>>,
    lanes: Arc<[Lane]>,
    /// The turns of those who only read.
    readers: Arc<Semaphore>,
    /// When somebody waited for a connection in vain, last, while there was none.
    vain: Arc<Mutex<Option<Instant>>>,
    statements: Statements,
}

impl Store {
    /// Connects to `url`: `sqlite:FILE`, a plain file name, or `postgres://…`.
    ///
    /// # Errors
    /// When the address has another scheme or the database does not answer.
    pub fn open(url: &str) -> std::result::Result<Self, OpenError> {
        let manager = conn::Manager::new(url)?;
        let (backend, statements) = (manager.backend(), manager.statements());
        let pool = r2d2::Pool::builder()
            .max_size(if backend == Backend::Sqlite { 8 } else { 16 })
            .min_idle(Some(1))
            // One that broke is found out when a transaction is to begin (`begun`).
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(5))
            .build(manager)
            .map_err(|error| OpenError(format!("The database does not answer: {error}")))?;
        Ok(Self {
            pool,
            backend,
            sqlite_writes: Arc::new(Mutex::new(())),
            vain: Arc::default(),
            readers: Arc::new(Semaphore::new(readers())),
            lanes: vec![Lane::default(); if backend == Backend::Sqlite { 1 } else { LANES }].into(),
            statements,
        })
    }

    /// Whether the file of this address is there; it need not be where the address is a server's.
    ///
    /// # Errors
    /// A sentence that says where it was looked for.
    pub fn expect_file(url: &str) -> std::result::Result<(), OpenError> {
        let manager = conn::Manager::new(url)?;
        let Some(file) = manager.file().filter(|file| !file.exists()) else {
            return Ok(());
        };
        let folder = std::env::current_dir().unwrap_or_default();
        Err(OpenError(format!(
            "There is no database “{}” in {}. Run this in the server’s folder and with its settings, or say by DATABASE_URL where the database is.",
            file.display(),
            folder.display()
        )))
    }

    /// Which of the two databases this is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// How many connections are open, and how many of them wait for work.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
    }

    /// What this store asks its database, for tests that count.
    pub fn statements(&self) -> &Statements {
        &self.statements
    }

    /// Runs the migrations that have not run yet. Safe to call from several processes at once.
    ///
    /// # Errors
    /// When a migration fails; it leaves the database as it was before that migration.
    pub fn migrate(&self) -> std::result::Result<Vec<String>, OpenError> {
        let _turn = self.writers_turn();
        let mut conn = self.checkout().map_err(|error| OpenError(error.to_string()))?;
        migrate::run(&mut conn).map_err(OpenError)
    }

    /// Runs `question` on one connection, in one snapshot.
    ///
    /// # Errors
    /// Whatever `question` answers, or that no connection could be had.
    pub fn read<T, E: From<DbError>>(
        &self,
        question: impl FnOnce(&mut Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.begun(Conn::begin_reading)?.finishing(question)
    }

    /// Asks what needs no snapshot, as few statements as it takes: on PostgreSQL each is for itself.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn ask<T, E: From<DbError>>(
        &self,
        question: impl Fn(&mut Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if self.backend == Backend::Sqlite {
            return self.read(question);
        }
        for _ in 0..self.pool.max_size() {
            let mut conn = self.checkout()?;
            let answer = question(&mut conn);
            if answer.is_ok() || !conn.is_broken() {
                return answer;
            }
        }
        question(&mut *self.checkout()?)
    }

    /// Runs `change` as one transaction: all of it happens, or nothing.
    ///
    /// # Errors
    /// Whatever `change` answers (then nothing has happened), or that the database refused.
    pub fn write<T, E: From<DbError>>(
        &self,
        change: impl FnOnce(&mut Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let _turn = self.writers_turn();
        self.begun(Conn::begin_writing)?.finishing(change)
    }

    /// As [`Store::write`], after taking the lock of this organization. Whatever judges an
    /// organization's people, seats or settings before it changes them goes through here.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_in<T, E: From<DbError>>(
        &self,
        organization: &str,
        change: impl FnOnce(&mut Conn) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.write(|conn| {
            conn.lock_organization(organization)?;
            change(conn)
        })
    }

    /// [`Store::read`] away from the async threads.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn reading<T, E>(
        &self,
        question: impl FnOnce(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (store, turn) = (self.clone(), self.readers_turn().await?);
        blocking(move || {
            let _turn = turn;
            store.read(question)
        })
        .await
    }

    /// [`Store::ask`] away from the async threads.
    ///
    /// # Errors
    /// As [`Store::ask`].
    pub async fn asking<T, E>(
        &self,
        question: impl Fn(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (store, turn) = (self.clone(), self.readers_turn().await?);
        blocking(move || {
            let _turn = turn;
            store.ask(question)
        })
        .await
    }

    /// [`Store::write`] away from the async threads. On SQLite, writes that wait share a transaction.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn writing<T, E>(
        &self,
        change: impl FnOnce(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        match self.backend {
            Backend::Sqlite => self.in_turn(None, change).await,
            Backend::Postgres => {
                let store = self.clone();
                blocking(move || store.write(change)).await
            }
        }
    }

    /// [`Store::write_in`] away from the async threads. Writes that wait for the same organization share a
    /// transaction.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn writing_in<T, E>(
        &self,
        organization: &str,
        change: impl FnOnce(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let organization = (self.backend == Backend::Postgres).then(|| organization.to_owned());
        self.in_turn(organization, change).await
    }

    /// Queues the write. Whoever finds nobody at work works for all that wait.
    async fn in_turn<T, E>(
        &self,
        organization: Option<String>,
        change: impl FnOnce(&mut Conn) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (sender, answer) = tokio::sync::oneshot::channel();
        let lane = self.lane(organization.as_deref());
        let job = Job::new(organization, change, |outcome| drop(sender.send(outcome)));
        if lane.push(job) {
            let store = self.clone();
            drop(actix_web::web::block(move || store.work_off(&lane)));
        }
        let gone = |error| Err(E::from(DbError::QueryBuilderError(Box::new(error))));
        answer.await.unwrap_or_else(gone)
    }

    fn work_off(&self, lane: &Lane) {
        loop {
            let jobs = lane.next();
            if jobs.is_empty() {
                return;
            }
            let _turn = self.writers_turn();
            let conn = self.begun(Conn::begin_writing);
            // Whatever breaks, the next ones are still served.
            if catch_unwind(AssertUnwindSafe(|| batch::run(conn, jobs))).is_err() {
                tracing::error!("a batch of writes broke");
            }
        }
    }

    fn lane(&self, organization: Option<&str>) -> Lane {
        let mut hasher = DefaultHasher::new();
        organization.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default();
        let lane = self.lanes.get(place).or_else(|| self.lanes.first());
        lane.cloned().unwrap_or_default()
    }

    /// A connection on which a transaction was begun. One that broke since it was used last, as all do when the
    /// database was started anew, is thrown away: nothing was asked of it yet.
    fn begun(
        &self,
        begin: impl Fn(&mut Conn) -> Result<()>,
    ) -> Result<r2d2::PooledConnection<conn::Manager>> {
        for _ in 0..self.pool.max_size() {
            let mut conn = self.checkout()?;
            match begin(&mut conn) {
                Err(_) if conn.is_broken() => {}
                begun => return begun.map(|()| conn),
            }
        }
        let mut conn = self.checkout()?;
        begin(&mut conn).map(|()| conn)
    }

    /// Waits for a connection: its turn, where all are at work. While there are none, one request after the other waits
    /// a moment and not all of them: those behind it are told at once to come again, and the threads are free for what
    /// needs no database.
    fn checkout(&self) -> Result<r2d2::PooledConnection<conn::Manager>> {
        if let Some(conn) = self.pool.try_get() {
            return Ok(conn);
        }
        let begun = Instant::now();
        loop {
            let last = *self.vain.lock().unwrap_or_else(PoisonError::into_inner);
            if self.has_none() && last.is_some_and(|last| last.elapsed() < IMPATIENCE) {
                return Err(DbError::QueryBuilderError(
                    "no connection could be had a moment ago".into(),
                ));
            }
            match self.pool.get_timeout(PATIENCE) {
                Ok(conn) => return Ok(conn),
                Err(error) if self.has_none() => {
                    *self.vain.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                    return Err(DbError::QueryBuilderError(Box::new(error)));
                }
                Err(error) if begun.elapsed() >= LONGEST_QUEUE => {
                    return Err(DbError::QueryBuilderError(Box::new(error)));
                }
                Err(_) => {}
            }
        }
    }

    /// Whether there is no connection at all, not even one that is at work: the database is away.
    fn has_none(&self) -> bool {
        self.pool.state().connections == 0
    }

    /// Waits until it is this reader's turn; not on a thread.
    async fn readers_turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.readers).acquire_owned();
        match tokio::time::timeout(LONGEST_QUEUE, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(error)) => Err(DbError::QueryBuilderError(Box::new(error))),
            Err(error) => Err(DbError::QueryBuilderError(Box::new(error))),
        }
    }

    /// SQLite's own busy handler sleeps and is unfair; a mutex is a queue.
    fn writers_turn(&self) -> Option<std::sync::MutexGuard<'_, ()>> {
        (self.backend == Backend::Sqlite)
            .then(|| self.sqlite_writes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn readers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    LEAST_READERS.max(cores * READERS_PER_CORE)
}

async fn blocking<T, E>(
    work: impl FnOnce() -> std::result::Result<T, E> + Send + 'static,
) -> std::result::Result<T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    actix_web::web::block(work)
        .await
        .unwrap_or_else(|gone| Err(E::from(DbError::QueryBuilderError(Box::new(gone)))))
}

/// Two transactions met in a way that the loser may simply try again: a key that the other one took
/// first, a serialization failure, a deadlock.
pub fn is_collision(error: &DbError) -> bool {
    use diesel::result::DatabaseErrorKind::{SerializationFailure, UniqueViolation};
    matches!(
        error,
        DbError::DatabaseError(UniqueViolation | SerializationFailure, _)
    ) || matches!(error, DbError::DatabaseError(_, about) if about.message().contains("deadlock"))
}

/// What is told where the connection went while a transaction was being ended.
#[derive(Debug)]
struct Unsure(String);

impl std::fmt::Display for Unsure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the database went away at the commit: {}", self.0)
    }
}

impl std::error::Error for Unsure {}

fn unsure(error: &DbError) -> DbError {
    DbError::QueryBuilderError(Box::new(Unsure(error.to_string())))
}

/// The database went away while the transaction was being ended: it may have happened or not.
pub fn is_unsure(error: &DbError) -> bool {
    matches!(error, DbError::QueryBuilderError(inner) if inner.is::<Unsure>())
}

/// The database can't do it now, whatever it is asked: it does not answer, is full, or takes no writes. Trying again
/// later helps.
pub fn is_unavailable(error: &DbError) -> bool {
    use diesel::result::DatabaseErrorKind::{ClosedConnection, ReadOnlyTransaction};
    const SIGNS: [&str; 18] = [
        "database is locked",
        "disk is full",
        "disk I/O error",
        "readonly database",
        "read-only",
        "unable to open database",
        "No space left",
        "could not extend",
        "could not write",
        "out of memory",
        "canceling statement due to",
        "server closed the connection",
        "terminating connection",
        "the database system is",
        "no connection to the server",
        "could not receive data from server",
        "could not send data to server",
        "not currently accepting connections",
    ];
    match error {
        // No connection could be had, or the write was given up with the others of its batch.
        DbError::QueryBuilderError(_)
        | DbError::BrokenTransactionManager
        | DbError::RollbackErrorOnCommit { .. }
        | DbError::DatabaseError(ClosedConnection | ReadOnlyTransaction, _) => true,
        DbError::DatabaseError(_, about) => SIGNS.iter().any(|sign| about.message().contains(sign)),
        _ => false,
    }
}

/// A `LIKE … ESCAPE '\'` pattern that finds the text itself, whatever signs it has.
pub fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// The database could not be opened or brought up to date; the text is for the person who starts it.
#[derive(Debug)]
pub struct OpenError(pub(crate) String);

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-016.
    #[test]
    fn an_unknown_scheme_is_refused_rather_than_made_a_file() {
        assert!(Store::open("mysql://host/db").is_err());
        assert!(Store::open("").is_err());
    }

    #[test]
    fn a_search_finds_the_signs_themselves() {
        assert_eq!(containing("a_b%c\\"), "%a\\_b\\%c\\\\%");
    }

    #[test]
    fn migrations_run_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("a.db").to_str().unwrap()).unwrap();
        assert!(!store.migrate().unwrap().is_empty());
        assert!(store.migrate().unwrap().is_empty());
    }
}
