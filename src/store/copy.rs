//! Rows of any table out of one database and into another, as JSON: what back-ups and moves are made of.

use aws_lc_rs::digest::{SHA256, digest};
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;

use super::catalog::{Kind, Table};
use super::{Conn, DbError, Result};

/// How many rows are read or written at once.
pub const BATCH: usize = 500;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Trigger {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// What a table holds: how many rows, and a digest that does not depend on their order (the sum of their SHA-256, in
/// four parts of 64 bits).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub rows: u64,
    parts: [u64; 4],
}

impl Sum {
    /// Adds a row: its JSON as [`rows`] tells it.
    pub fn add(&mut self, row: &str) {
        self.rows += 1;
        let hash = digest(&SHA256, row.as_bytes());
        for (part, bytes) in self.parts.iter_mut().zip(hash.as_ref().chunks_exact(8)) {
            let number = bytes.try_into().map_or(0, u64::from_le_bytes);
            *part = part.wrapping_add(number);
        }
    }

    /// The digest in hexadecimal.
    pub fn digest(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| format!("{part:016x}")).collect();
        parts.concat()
    }
}

/// Tells each row of the table as a JSON array of its columns, in the snapshot of the running transaction.
///
/// # Errors
/// Those of `each`, and when the database refuses.
pub fn rows<E: From<DbError>>(
    conn: &mut Conn,
    table: &Table,
    each: &mut dyn FnMut(&str) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut tell = |line: Line| -> std::result::Result<(), E> { each(&compact(&line.line)?) };
    match conn {
        Conn::Sqlite(conn) => {
            let question = format!(
                "SELECT json_array({}) AS line FROM \"{}\"",
                told(table, true),
                table.name
            );
            // Row by row: SQLite has no cursor to name, and a table may have no number for its rows.
            let lines = diesel::sql_query(question)
                .load_iter::<Line, DefaultLoadingMode>(conn)
                .map_err(E::from)?;
            for line in lines {
                tell(line.map_err(E::from)?)?;
            }
            Ok(())
        }
        Conn::Postgres(conn) => {
            let question = format!(
                "DECLARE rows_of_a_table NO SCROLL CURSOR FOR \
                 SELECT json_build_array({})::text AS line FROM \"{}\"",
                told(table, false),
                table.name
            );
            diesel::sql_query(question).execute(conn).map_err(E::from)?;
            loop {
                let lines: Vec<Line> = diesel::sql_query(format!("FETCH {BATCH} FROM rows_of_a_table"))
                    .load(conn)
                    .map_err(E::from)?;
                if lines.is_empty() {
                    break;
                }
                lines.into_iter().try_for_each(&mut tell)?;
            }
            diesel::sql_query("CLOSE rows_of_a_table")
                .execute(conn)
                .map(drop)
                .map_err(E::from)
        }
    }
}

/// What the table holds now.
///
/// # Errors
/// When the database refuses.
pub fn sum(conn: &mut Conn, table: &Table) -> Result<Sum> {
    let mut sum = Sum::default();
    rows(conn, table, &mut |row| {
        sum.add(row);
        Ok::<_, DbError>(())
    })?;
    Ok(sum)
}

/// The columns in a call that makes a JSON array. SQLite has numbers for truth.
fn told(table: &Table, sqlite: bool) -> String {
    let column = |column: &super::catalog::Column| match column.kind {
        Kind::Truth if sqlite => format!(
            "json(CASE \"{}\" WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)",
            column.name
        ),
        _ => format!("\"{}\"", column.name),
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    columns.join(", ")
}

/// The same JSON from both databases: without spaces, with the same escapes.
fn compact(line: &str) -> Result<String> {
    let value: Value =
        serde_json::from_str(line).map_err(|error| DbError::DeserializationError(error.into()))?;
    Ok(value.to_string())
}

/// Writes rows, each a JSON array of the table's columns.
///
/// # Errors
/// When the database refuses.
pub fn write(conn: &mut Conn, table: &Table, rows: &[String]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let into = format!("INSERT INTO \"{}\" ({}) SELECT ", table.name, names.join(", "));
    let all = format!("[{}]", rows.join(","));
    let places = table.columns.iter().enumerate();
    match conn {
        Conn::Sqlite(conn) => {
            let values: Vec<String> = places
                .map(|(place, _)| format!("json_extract(value, '$[{place}]')"))
                .collect();
            let statement = format!("{into}{} FROM json_each(?)", values.join(", "));
            diesel::sql_query(statement).bind::<Text, _>(all).execute(conn)
        }
        Conn::Postgres(conn) => {
            let values: Vec<String> = places
                .map(|(place, column)| match column.kind {
                    Kind::Text => format!("e.r ->> {place}"),
                    Kind::Number => format!("(e.r ->> {place})::bigint"),
                    Kind::Truth => format!("(e.r ->> {place})::boolean"),
                })
                .collect();
            let statement = format!(
                "{into}{} FROM json_array_elements($1::json) AS e (r)",
                values.join(", ")
            );
            diesel::sql_query(statement).bind::<Text, _>(all).execute(conn)
        }
    }
    .map(drop)
}

/// Lets no trigger of ours run until [`triggers_on`], in the same transaction: rows that come from elsewhere bring along
/// what triggers made of them there. Answers what has to be made again.
///
/// # Errors
/// When the database refuses.
pub fn triggers_off(conn: &mut Conn, tables: &[Table]) -> Result<Vec<String>> {
    if matches!(conn, Conn::Postgres(_)) {
        return switch(conn, tables, "DISABLE").map(|()| Vec::new());
    }
    let all: Vec<Trigger> =
        diesel::sql_query("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
            .load(conn)?;
    for trigger in &all {
        diesel::sql_query(format!("DROP TRIGGER \"{}\"", trigger.name)).execute(conn)?;
    }
    Ok(all.into_iter().map(|trigger| trigger.sql).collect())
}

/// Lets triggers run again.
///
/// # Errors
/// When the database refuses.
pub fn triggers_on(conn: &mut Conn, tables: &[Table], made: &[String]) -> Result<()> {
    if matches!(conn, Conn::Postgres(_)) {
        return switch(conn, tables, "ENABLE");
    }
    for trigger in made {
        diesel::sql_query(trigger).execute(conn)?;
    }
    Ok(())
}

fn switch(conn: &mut Conn, tables: &[Table], word: &str) -> Result<()> {
    for table in tables {
        // Those that hold references are the database's own, and stay.
        diesel::sql_query(format!("ALTER TABLE \"{}\" {word} TRIGGER USER", table.name)).execute(conn)?;
    }
    Ok(())
}

/// Takes every row of the table away.
///
/// # Errors
/// When the database refuses.
pub fn empty(conn: &mut Conn, table: &str) -> Result<usize> {
    diesel::sql_query(format!("DELETE FROM \"{table}\"")).execute(conn)
}

/// Whether the table has a row.
///
/// # Errors
/// When the database refuses.
pub fn is_empty(conn: &mut Conn, table: &str) -> Result<bool> {
    let question = format!("SELECT 1 AS place, '' AS line FROM \"{table}\" LIMIT 1");
    let question = match conn {
        Conn::Sqlite(_) => question,
        Conn::Postgres(_) => question.replacen("SELECT 1 AS", "SELECT 1::bigint AS", 1),
    };
    Ok(diesel::sql_query(question).load::<Line>(conn)?.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_knows_no_order_but_every_row() {
        let of = |rows: &[&str]| {
            let mut sum = Sum::default();
            for row in rows {
                sum.add(row);
            }
            (sum.rows, sum.digest())
        };
        assert_eq!(of(&["[1]", "[2]", "[3]"]), of(&["[3]", "[1]", "[2]"]));
        assert_ne!(of(&["[1]", "[1]"]), of(&["[1]"]));
        assert_ne!(of(&["[1]", "[2]"]), of(&["[1]", "[4]"]));
    }
}
