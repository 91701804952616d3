//! `src/store/schema.rs` is written by hand, once for both databases: here it is held against each.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection};

use crate::support::Database;

/// Table → its columns in order, each with whether it may be empty.
type Tables = BTreeMap<String, Vec<(String, bool)>>;

/// What diesel's own bookkeeping is called in both databases.
const BOOKKEEPING: &str = "__diesel_schema_migrations";

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    empty: String,
}

fn written() -> Tables {
    let source = include_str!("../../src/store/schema.rs");
    let mut tables = Tables::new();
    for table in source.split("diesel::table! {").skip(1) {
        let mut lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
        let name = lines
            .next()
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned();
        let columns = lines.map_while(|line| line.split_once(" -> "));
        let columns = columns
            .map(|(column, kind)| (column.to_owned(), kind.starts_with("Nullable")))
            .collect();
        tables.insert(name, columns);
    }
    tables
}

fn found(db: &Database, url: &str) -> Tables {
    let rows: Vec<Column> = if db.is_postgres() {
        let question = "SELECT table_name::text AS place, column_name::text AS name, is_nullable::text AS empty \
                        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position";
        diesel::sql_query(question)
            .load(&mut PgConnection::establish(url).unwrap())
            .unwrap()
    } else {
        let question = "SELECT m.name AS place, c.name AS name, CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN 'NO' ELSE 'YES' END AS empty \
                        FROM sqlite_master m, pragma_table_xinfo(m.name) c \
                        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid";
        diesel::sql_query(question)
            .load(&mut SqliteConnection::establish(url).unwrap())
            .unwrap()
    };
    let mut tables = Tables::new();
    for row in rows.into_iter().filter(|row| row.place != BOOKKEEPING) {
        tables
            .entry(row.place)
            .or_default()
            .push((row.name, row.empty == "YES"));
    }
    tables
}

both_databases! {
    /// Every table and column, in the same order, empty where and only where it may be.
    async fn schema_agrees_with_both_databases(db: Database) {
        let found = found(&db, db.url());
        assert!(found.len() > 20, "too few tables: {found:?}");
        assert_eq!(written(), found);
    }
}
