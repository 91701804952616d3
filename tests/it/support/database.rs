//! A database for one test, empty but migrated, in either of the two kinds; it is removed with the value.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use super::postgres::Postgres;

/// What every PostgreSQL database of the tests is copied from.
const TEMPLATE: &str = "migrated";

/// A database of its own.
pub struct Database {
    url: String,
    _folder: Option<TempDir>,
    name: Option<String>,
}

impl Database {
    /// A file in a temporary folder, copied from one that was migrated once.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("vestibule.db").display().to_string();
        fs::write(&url, migrated_file()).unwrap();
        Self {
            url,
            _folder: Some(folder),
            name: None,
        }
    }

    /// A database on the server of this process, copied from one that was migrated once.
    pub fn postgres() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let server = Postgres::running();
        migrate_the_template(server);
        let name = format!("test_{}", LAST.fetch_add(1, Ordering::Relaxed));
        server.run(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"));
        Self {
            url: server.url(&name),
            _folder: None,
            name: Some(name),
        }
    }

    /// The address, in the form that `DATABASE_URL` takes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether this is PostgreSQL, for the few tests that compare what the two say.
    pub fn is_postgres(&self) -> bool {
        self.name.is_some()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed keeps its database until the server goes: a second panic would hide the first.
        if let Some(name) = self.name.as_ref().filter(|_| !std::thread::panicking()) {
            Postgres::running().run(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

fn migrate_the_template(server: &Postgres) {
    static MIGRATED: OnceLock<()> = OnceLock::new();
    MIGRATED.get_or_init(|| {
        server.run(&format!("CREATE DATABASE {TEMPLATE}"));
        migrate(&server.url(TEMPLATE));
        // A pool may close its connections a moment later, and a database in use can't be copied.
        server.run(&format!("ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false"));
        server.run(&format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{TEMPLATE}'"
        ));
    });
}

/// What the file of a migrated database holds.
fn migrated_file() -> &'static [u8] {
    static MIGRATED: OnceLock<Vec<u8>> = OnceLock::new();
    MIGRATED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("vestibule.db").display().to_string();
        migrate(&url);
        let mut conn = SqliteConnection::establish(&url).unwrap();
        // What still lies in the log beside the file goes into it.
        conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        fs::read(&url).unwrap()
    })
}

/// Brings a new database to the shape that the application expects.
fn migrate(url: &str) {
    vestibule::store::Store::open(url).unwrap().migrate().unwrap();
}

/// Makes two tests of one: `name::sqlite` and `name::postgres`.
///
/// ```ignore
/// both_databases! {
///     /// What is promised, in a sentence.
///     async fn a_deactivated_member_cannot_come_back(db: Database) {
///         …
///     }
/// }
/// ```
macro_rules! both_databases {
    ($($(#[$attribute:meta])* async fn $name:ident($db:ident: Database) $body:block)*) => {$(
        $(#[$attribute])*
        async fn $name($db: $crate::support::Database) $body

        mod $name {
            #[actix_web::test]
            async fn sqlite() {
                Box::pin(super::$name($crate::support::Database::sqlite())).await;
            }

            #[actix_web::test]
            async fn postgres() {
                Box::pin(super::$name($crate::support::Database::postgres())).await;
            }
        }
    )*};
}

both_databases! {
    /// The address opens, and what is written in one is not seen in the next.
    async fn each_database_is_a_new_one(db: Database) {
        use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
        let statement = diesel::sql_query("CREATE TABLE only_here (id BIGINT PRIMARY KEY)");
        if db.is_postgres() {
            statement.execute(&mut PgConnection::establish(db.url()).unwrap()).unwrap();
        } else {
            statement.execute(&mut SqliteConnection::establish(db.url()).unwrap()).unwrap();
        }
    }
}
