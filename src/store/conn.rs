//! One connection to either database, and how transactions begin on each.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};

use super::reuse::{Run as _, Sql};
use super::statements::Statements;
use super::{DbError, OpenError, Result, remote};

/// A connection to PostgreSQL or SQLite. Queries written on it run on both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL 15 or later.
    Postgres(PgConnection),
    /// The SQLite inside this binary.
    Sqlite(SqliteConnection),
}

/// Which database a [`super::Store`] stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// PostgreSQL 15 or later.
    Postgres,
    /// The SQLite inside this binary.
    Sqlite,
}

impl Conn {
    /// Begins a transaction that reads in one snapshot.
    pub(super) fn begin_reading(&mut self) -> Result<()> {
        self.begin(
            "BEGIN DEFERRED",
            "BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ",
        )
    }

    /// Begins a transaction that writes.
    pub(super) fn begin_writing(&mut self) -> Result<()> {
        self.begin("BEGIN IMMEDIATE", "BEGIN")
    }

    /// Waits until no other transaction holds this organization, and holds it until the end. On SQLite
    /// there is one writer at a time anyway. Whoever needs several takes them in the order of their ids,
    /// so that two of them don't wait for each other.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn lock_organization(&mut self, organization: &str) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => Sql::new("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))")
                .text(organization)
                .run(self)
                .map(drop),
        }
    }

    /// Waits until no other transaction changes this account, and keeps others from it until the end. On SQLite there is
    /// one writer at a time anyway. What is read of the account afterwards is what the others left.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn lock_account(&mut self, account: &str) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => Sql::new("SELECT id FROM accounts WHERE id = ? FOR NO KEY UPDATE")
                .text(account)
                .run(self)
                .map(drop),
        }
    }

    /// Asks inside the transaction that is open, by plans that are made once. PostgreSQL else plans anew for the values
    /// that are bound, wherever it believes that to be cheaper: for lists, whose values change nothing, that takes longer
    /// than to run them. SQLite never does.
    ///
    /// # Errors
    /// Those of the question, and when the database refuses.
    pub fn planned_once<T>(&mut self, question: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let is_postgres = matches!(self, Self::Postgres(_));
        if is_postgres {
            self.batch_execute("SET LOCAL plan_cache_mode = force_generic_plan")?;
        }
        let answer = question(self)?;
        if is_postgres {
            self.batch_execute("SET LOCAL plan_cache_mode TO DEFAULT")?;
        }
        Ok(answer)
    }

    /// Which of so many parts this transaction writes to, where rows that every transaction changes are kept in parts
    /// so that two seldom wait for each other. The same all through a transaction. On SQLite there is one writer, and
    /// so one part.
    pub fn part(&self, of: usize) -> usize {
        thread_local! {
            static THREAD: usize = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        match self {
            Self::Sqlite(_) => 0,
            // A transaction stays on its thread.
            Self::Postgres(_) => THREAD.with(|thread| thread % of.max(1)),
        }
    }

    /// What stands behind a `SELECT` that takes rows for its own: those that another transaction has taken are
    /// passed over. On SQLite there is one writer at a time anyway.
    pub fn skip_locked(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE SKIP LOCKED",
        }
    }

    fn begin(&mut self, sqlite: &str, postgres: &str) -> Result<()> {
        match self {
            Self::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, sqlite),
            Self::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(conn, postgres),
        }
    }

    /// Works in the transaction that was begun, and ends it: all of it happens, or nothing. Where the connection goes
    /// while it is being ended, nobody knows which ([`super::is_unsure`]).
    pub(super) fn finishing<T, E: From<DbError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match work(self) {
            Ok(value) => match self.end(true) {
                Ok(()) => Ok(value),
                Err(error) if self.is_broken() => Err(E::from(super::unsure(&error))),
                Err(error) => Err(E::from(error)),
            },
            Err(error) => {
                // The first error is the one worth telling; a failed rollback breaks the connection,
                // and the pool then throws it away.
                if let Err(second) = self.end(false) {
                    tracing::warn!(%second, "a transaction could not be rolled back");
                }
                Err(error)
            }
        }
    }

    /// Makes a change inside the transaction that is open; when it fails, it alone is taken back.
    ///
    /// # Errors
    /// Those of the change, and when the database refuses.
    pub fn nested<T, E: From<DbError>>(
        &mut self,
        change: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.savepoint()?;
        match change(self) {
            Ok(value) => self.end(true).map(|()| value).map_err(E::from),
            Err(error) => {
                self.end(false)?;
                Err(error)
            }
        }
    }

    /// Sets a savepoint to which [`Conn::mark_again`] can go back.
    pub(super) fn mark(&mut self) -> Result<()> {
        self.batch_execute("SAVEPOINT batch")
    }

    /// Keeps what was done since the savepoint, or takes it back; and sets the next one, unless this was the last.
    pub(super) fn mark_again(&mut self, keep: bool, last: bool) -> Result<()> {
        match (keep, last) {
            (true, false) => self.batch_execute("RELEASE SAVEPOINT batch; SAVEPOINT batch")?,
            // The commit that follows releases it.
            (true, true) => {}
            (false, _) => self.batch_execute("ROLLBACK TO SAVEPOINT batch")?,
        }
        self.is_one_deep()
    }

    /// Makes sure that no inner transaction was left open.
    fn is_one_deep(&mut self) -> Result<()> {
        let status = match self {
            Self::Sqlite(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
            Self::Postgres(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
        };
        match status.transaction_depth()? {
            Some(depth) if depth.get() == 1 => Ok(()),
            _ => Err(DbError::BrokenTransactionManager),
        }
    }

    /// Lets this connection wait as long as it takes, as for a migration that another server runs; or no longer than
    /// a request may.
    pub(super) fn wait_for_ever(&mut self, for_ever: bool) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(conn) if for_ever => conn.batch_execute("SET lock_timeout = 0"),
            Self::Postgres(conn) => conn.batch_execute(LIMITS),
        }
    }

    /// Whether the connection can't be used any more.
    pub(super) fn is_broken(&mut self) -> bool {
        match self {
            Self::Postgres(conn) => AnsiTransactionManager::is_broken_transaction_manager(conn),
            Self::Sqlite(conn) => AnsiTransactionManager::is_broken_transaction_manager(conn),
        }
    }

    /// Begins a transaction inside the one that is open.
    fn savepoint(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => AnsiTransactionManager::begin_transaction(conn),
            Self::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
        }
    }

    /// Ends the innermost transaction.
    fn end(&mut self, commit: bool) -> Result<()> {
        match (self, commit) {
            (Self::Sqlite(conn), true) => AnsiTransactionManager::commit_transaction(conn),
            (Self::Sqlite(conn), false) => AnsiTransactionManager::rollback_transaction(conn),
            (Self::Postgres(conn), true) => AnsiTransactionManager::commit_transaction(conn),
            (Self::Postgres(conn), false) => AnsiTransactionManager::rollback_transaction(conn),
        }
    }
}

/// How long PostgreSQL lets us wait for a lock, and keeps the transaction of a server that it hears nothing of any more:
/// else one that was cut off would hold its organization's lock for hours. What the database was told otherwise stands.
const LIMITS: &str = "SELECT set_config('lock_timeout', '20s', false) WHERE current_setting('lock_timeout') = '0'; \
     SELECT set_config('idle_in_transaction_session_timeout', '60s', false) \
     WHERE current_setting('idle_in_transaction_session_timeout') = '0'";

/// Makes connections for the pool.
#[derive(Debug)]
pub struct Manager {
    url: String,
    backend: Backend,
    statements: Statements,
}

impl Manager {
    /// Chooses the database by the scheme and refuses what it does not know, since SQLite would take
    /// any text for a file name.
    pub fn new(url: &str) -> std::result::Result<Self, OpenError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self {
                url: remote::guarded(url).map_err(OpenError)?,
                backend: Backend::Postgres,
                statements: Statements::default(),
            });
        }
        let file = url
            .strip_prefix("sqlite:")
            .map_or(url, |rest| rest.strip_prefix("//").unwrap_or(rest));
        if file.is_empty() || file.contains("://") || file == ":memory:" {
            return Err(OpenError(format!(
                "DATABASE_URL is “{}”. Use a file name such as vestibule.db, sqlite:FILE, or postgres://….",
                url.split('@').next_back().unwrap_or_default()
            )));
        }
        Ok(Self {
            url: file.to_owned(),
            backend: Backend::Sqlite,
            statements: Statements::default(),
        })
    }

    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The file of the database, where it is one.
    pub fn file(&self) -> Option<&Path> {
        (self.backend == Backend::Sqlite).then(|| Path::new(&self.url))
    }

    pub fn statements(&self) -> Statements {
        self.statements.clone()
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> std::result::Result<Conn, Self::Error> {
        match self.backend {
            Backend::Postgres => {
                let mut conn =
                    PgConnection::establish(&self.url).map_err(diesel::r2d2::Error::ConnectionError)?;
                conn.batch_execute(LIMITS)
                    .map_err(diesel::r2d2::Error::QueryError)?;
                conn.set_instrumentation(self.statements());
                Ok(Conn::Postgres(conn))
            }
            Backend::Sqlite => {
                let mut conn =
                    SqliteConnection::establish(&self.url).map_err(diesel::r2d2::Error::ConnectionError)?;
                // busy_timeout comes first: switching to WAL may itself have to wait.
                conn.batch_execute(
                    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;",
                )
                .map_err(diesel::r2d2::Error::QueryError)?;
                conn.set_instrumentation(self.statements());
                Ok(Conn::Sqlite(conn))
            }
        }
    }

    fn is_valid(&self, conn: &mut Conn) -> std::result::Result<(), Self::Error> {
        conn.batch_execute("SELECT 1")
            .map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}
