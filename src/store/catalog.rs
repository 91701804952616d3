//! The tables as the database itself describes them, for whatever concerns all of them: back-ups, new keys.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::{Conn, DbError, Result};

/// What diesel's own bookkeeping is called in both databases.
const BOOKKEEPING: &str = "__diesel_schema_migrations";

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns by their names, but for those that the database computes. (Their own order tells in which order
    /// migrations ran, which may differ.)
    pub columns: Vec<Column>,
    /// The columns of its key.
    pub key: Vec<String>,
    /// The tables that its rows refer to.
    pub parents: BTreeSet<String>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Number,
    /// True or false.
    Truth,
}

#[derive(QueryableByName)]
struct Fact {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

const SQLITE: [&str; 3] = [
    "SELECT m.name AS place, c.name AS name, lower(c.type) AS kind FROM sqlite_master m, pragma_table_xinfo(m.name) c \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.hidden = 0 ORDER BY m.name, c.cid",
    "SELECT m.name AS place, c.name AS name, '' AS kind FROM sqlite_master m, pragma_table_xinfo(m.name) c \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.pk > 0 ORDER BY m.name, c.pk",
    "SELECT m.name AS place, f.\"table\" AS name, '' AS kind FROM sqlite_master m, pragma_foreign_key_list(m.name) f \
     WHERE m.type = 'table'",
];

const POSTGRES: [&str; 3] = [
    "SELECT table_name::text AS place, column_name::text AS name, data_type::text AS kind \
     FROM information_schema.columns WHERE table_schema = current_schema() AND is_generated = 'NEVER' \
     ORDER BY table_name, ordinal_position",
    "SELECT c.relname::text AS place, a.attname::text AS name, '' AS kind FROM pg_index i \
     JOIN pg_class c ON c.oid = i.indrelid \
     JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema() \
     CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place) \
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
     WHERE i.indisprimary ORDER BY c.relname, k.place",
    "SELECT c.relname::text AS place, p.relname::text AS name, '' AS kind FROM pg_constraint f \
     JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class p ON p.oid = f.confrelid \
     JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema() WHERE f.contype = 'f'",
];

/// Every table of ours, each behind those that its rows refer to.
///
/// # Errors
/// When the database refuses, or has a column of a kind that we don't know.
pub fn tables(conn: &mut Conn) -> Result<Vec<Table>> {
    let [columns, keys, parents] = match conn {
        Conn::Sqlite(_) => SQLITE,
        Conn::Postgres(_) => POSTGRES,
    };
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for fact in facts(conn, columns)? {
        let kind = kind(&fact)?;
        let table = tables.entry(fact.place.clone()).or_default();
        table.name = fact.place;
        table.columns.push(Column {
            name: fact.name,
            kind,
        });
    }
    for fact in facts(conn, keys)? {
        if let Some(table) = tables.get_mut(&fact.place) {
            table.key.push(fact.name);
        }
    }
    for fact in facts(conn, parents)? {
        if let Some(table) = tables.get_mut(&fact.place) {
            table.parents.insert(fact.name);
        }
    }
    for table in tables.values_mut() {
        table.columns.sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(in_order(tables))
}

fn facts(conn: &mut Conn, question: &str) -> Result<Vec<Fact>> {
    let mut facts: Vec<Fact> = diesel::sql_query(question).load(conn)?;
    facts.retain(|fact| fact.place != BOOKKEEPING);
    Ok(facts)
}

fn kind(fact: &Fact) -> Result<Kind> {
    match fact.kind.as_str() {
        "text" => Ok(Kind::Text),
        "bigint" => Ok(Kind::Number),
        "boolean" => Ok(Kind::Truth),
        other => Err(DbError::QueryBuilderError(
            format!(
                "{}.{} is of the kind {other}, which no back-up knows",
                fact.place, fact.name
            )
            .into(),
        )),
    }
}

/// Parents first, else by name.
fn in_order(mut left: BTreeMap<String, Table>) -> Vec<Table> {
    let mut order: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let waits = |table: &Table| {
            table
                .parents
                .iter()
                .any(|parent| *parent != table.name && left.contains_key(parent))
        };
        let next = left
            .values()
            .find(|table| !waits(table))
            // A circle: nothing better can be done than to break it somewhere.
            .or_else(|| left.values().next())
            .map(|table| table.name.clone());
        order.extend(next.and_then(|name| left.remove(&name)));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_stand_before_their_children() {
        let folder = tempfile::tempdir().unwrap();
        let store = super::super::Store::open(folder.path().join("a.db").to_str().unwrap()).unwrap();
        store.migrate().unwrap();
        let tables = store.read(tables).unwrap();
        let place = |name: &str| tables.iter().position(|table| table.name == name).unwrap();
        assert!(place("organizations") < place("teams") && place("teams") < place("connections"));
        assert!(tables.len() > 30 && !tables.iter().any(|table| table.name == BOOKKEEPING));
        for table in &tables {
            assert!(!table.key.is_empty(), "{} has no key", table.name);
            for parent in table.parents.iter().filter(|parent| **parent != table.name) {
                assert!(place(parent) < place(&table.name), "{parent} {}", table.name);
            }
        }
        let accounts = &tables[place("accounts")];
        assert!(
            !accounts
                .columns
                .iter()
                .any(|column| column.name == "email_domain")
        );
        assert!(accounts.columns.contains(&Column {
            name: "operator".to_owned(),
            kind: Kind::Truth
        }));
    }
}
