//! Migrations inside the binary: `migrations/common` for both databases, then the few of one.

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel::{QueryableByName, RunQueryDsl as _};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::{Conn, DbError, Result};

const COMMON: EmbeddedMigrations = embed_migrations!("migrations/common");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Any number: it only has to be the same for every process that migrates this database.
const LOCK: &str = "7246011";

/// Runs what has not run yet and answers the names of what it ran.
pub fn run(conn: &mut Conn) -> std::result::Result<Vec<String>, String> {
    let patience = |conn: &mut Conn, for_ever| {
        let set = conn.wait_for_ever(for_ever);
        set.map_err(|error| error.to_string())
    };
    patience(conn, true)?;
    let outcome = run_in_turn(conn);
    patience(conn, false)?;
    outcome
}

fn run_in_turn(conn: &mut Conn) -> std::result::Result<Vec<String>, String> {
    match conn {
        Conn::Sqlite(conn) => pending(conn, SQLITE),
        Conn::Postgres(conn) => {
            let locked = diesel::sql_query(format!("SELECT pg_advisory_lock({LOCK})")).execute(conn);
            locked.map_err(|error| error.to_string())?;
            let outcome = pending(conn, POSTGRES);
            let unlocked = diesel::sql_query(format!("SELECT pg_advisory_unlock({LOCK})")).execute(conn);
            unlocked.map_err(|error| error.to_string())?;
            outcome
        }
    }
}

fn pending<DB, C>(conn: &mut C, own: EmbeddedMigrations) -> std::result::Result<Vec<String>, String>
where
    DB: diesel::backend::Backend,
    C: diesel_migrations::MigrationHarness<DB>,
    EmbeddedMigrations: diesel::migration::MigrationSource<DB>,
{
    let mut ran = Vec::new();
    for source in [COMMON, own] {
        let versions = conn
            .run_pending_migrations(source)
            .map_err(|error| format!("The database could not be brought up to date: {error}"))?;
        ran.extend(versions.iter().map(ToString::to_string));
    }
    Ok(ran)
}

/// The names of the migrations that have not run.
pub fn waiting(conn: &mut Conn) -> Result<Vec<String>> {
    let ran: Vec<Ran> = diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(conn)?;
    let all = match conn {
        Conn::Sqlite(_) => known::<Sqlite>(SQLITE)?,
        Conn::Postgres(_) => known::<Pg>(POSTGRES)?,
    };
    let waits = |version: &String| !ran.iter().any(|one| one.version == *version);
    Ok(all
        .into_iter()
        .filter(|(version, _)| waits(version))
        .map(|(_, name)| name)
        .collect())
}

/// The versions of the migrations that both databases have, in order: they say what the tables are like.
pub fn versions() -> Result<Vec<String>> {
    let all = MigrationSource::<Sqlite>::migrations(&COMMON).map_err(DbError::QueryBuilderError)?;
    let mut versions: Vec<String> = all
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    versions.sort();
    Ok(versions)
}

/// One that has run, by diesel's own book-keeping.
#[derive(QueryableByName)]
struct Ran {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Version and name of each migration inside the binary.
fn known<DB: diesel::backend::Backend>(own: EmbeddedMigrations) -> Result<Vec<(String, String)>>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let mut all = Vec::new();
    for source in [COMMON, own] {
        let migrations = MigrationSource::<DB>::migrations(&source).map_err(DbError::QueryBuilderError)?;
        all.extend(migrations.iter().map(|migration| {
            let name = migration.name();
            (name.version().to_string(), name.to_string())
        }));
    }
    Ok(all)
}
