//! What stands in the database, as text: to prove that a request changed nothing, or to look for what must not be
//! there.

use std::fmt::Write as _;

use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The answers of a query with one column of text named `line`.
pub fn lines(database_url: &str, query: &str) -> Vec<String> {
    let rows: Vec<Line> = if is_postgres(database_url) {
        sql_query(query).load(&mut PgConnection::establish(database_url).unwrap())
    } else {
        sql_query(query).load(&mut SqliteConnection::establish(database_url).unwrap())
    }
    .unwrap_or_else(|error| panic!("“{query}”: {error}"));
    rows.into_iter().map(|row| row.line).collect()
}

/// Every row of every table, in an order of its own.
pub fn dump(database_url: &str) -> String {
    let names = if is_postgres(database_url) {
        "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    } else {
        "SELECT name AS line FROM sqlite_master WHERE type = 'table' ORDER BY 1"
    };
    let mut dump = String::new();
    for table in lines(database_url, names) {
        writeln!(dump, "== {table}").unwrap();
        for row in lines(database_url, &rows(database_url, &table)) {
            writeln!(dump, "{row}").unwrap();
        }
    }
    dump
}

/// The query for all rows of a table, each as one text.
fn rows(database_url: &str, table: &str) -> String {
    if is_postgres(database_url) {
        return format!("SELECT t::text AS line FROM \"{table}\" t ORDER BY 1");
    }
    let columns = lines(
        database_url,
        &format!("SELECT 'quote(\"' || name || '\")' AS line FROM pragma_table_info('{table}')"),
    );
    format!(
        "SELECT {} AS line FROM \"{table}\" ORDER BY 1",
        columns.join(" || ',' || ")
    )
}

fn is_postgres(database_url: &str) -> bool {
    database_url.starts_with("postgres")
}

both_databases! {
    /// A row more is seen.
    async fn a_change_shows_in_the_dump(db: Database) {
        let acme = crate::support::Acme::alone(db);
        let url = acme.installation.site.config.database_url.clone();
        let before = dump(&url);
        assert!(before.contains("olive@acme.example"), "{before}");
        acme.jit(true);
        assert_ne!(before, dump(&url));
    }
}
