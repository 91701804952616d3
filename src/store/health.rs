//! What a database says about itself, for whoever runs the installation.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::{Conn, Result, migrate};
use crate::store::time::Timestamp;

/// A database's own word about itself.
#[derive(Debug, Clone, QueryableByName)]
pub struct Health {
    /// Its version.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// How large it is, in bytes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Its clock; none where it has none of its own.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub clock: Option<Timestamp>,
}

/// Asks the database.
///
/// # Errors
/// When it refuses.
pub fn look(conn: &mut Conn) -> Result<Health> {
    let question = match conn {
        Conn::Sqlite(_) => {
            "SELECT sqlite_version() AS version, page_count * page_size AS bytes, NULL AS clock \
             FROM pragma_page_count(), pragma_page_size()"
        }
        Conn::Postgres(_) => {
            "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes, \
             CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS clock"
        }
    };
    diesel::sql_query(question).get_result(conn)
}

/// The names of the migrations that have not run.
///
/// # Errors
/// When the database refuses.
pub fn pending(conn: &mut Conn) -> Result<Vec<String>> {
    migrate::waiting(conn)
}

/// The versions of the migrations that say what the tables are like, in order: the same for both databases.
///
/// # Errors
/// Never in practice: they are inside the program.
pub fn versions() -> Result<Vec<String>> {
    migrate::versions()
}
