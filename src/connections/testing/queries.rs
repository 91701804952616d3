//! SQL of test sign-ins.

use diesel::prelude::*;

use super::{Kind, Test};
use crate::store::schema::connection_tests;
use crate::store::{Conn, DbError, Result};

#[derive(Queryable, Selectable)]
#[diesel(table_name = connection_tests)]
struct Row {
    id: String,
    kind: String,
    print: String,
    at: i64,
    by_name: String,
    passed: bool,
    finding_json: String,
}

impl Row {
    fn read(self) -> Option<Test> {
        Some(Test {
            finding: serde_json::from_str(&self.finding_json).ok()?,
            kind: Kind::of(&self.kind),
            id: self.id,
            print: self.print,
            at: self.at,
            by: self.by_name,
            passed: self.passed,
        })
    }
}

/// One test of a connection.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, connection: &str, id: &str) -> Result<Option<Test>> {
    let row: Option<Row> = connection_tests::table
        .find(id)
        .filter(connection_tests::connection_id.eq(connection))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.and_then(Row::read))
}

/// The last tests of a connection, newest first.
///
/// # Errors
/// When the database refuses.
pub fn latest(conn: &mut Conn, connection: &str) -> Result<Vec<Test>> {
    let rows: Vec<Row> = connection_tests::table
        .filter(connection_tests::connection_id.eq(connection))
        .order(connection_tests::id.desc())
        .limit(KEPT)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

/// Whether the last test of settings with this print passed.
///
/// # Errors
/// When the database refuses.
pub fn passed(conn: &mut Conn, connection: &str, print: &str) -> Result<bool> {
    let last: Option<bool> = connection_tests::table
        .filter(connection_tests::connection_id.eq(connection))
        .filter(connection_tests::print.eq(print))
        .order(connection_tests::id.desc())
        .select(connection_tests::passed)
        .first(conn)
        .optional()?;
    Ok(last == Some(true))
}

/// How many tests of a connection are kept: what they found is about people.
const KEPT: i64 = 10;

pub fn insert(conn: &mut Conn, connection: &str, test: &Test) -> Result<()> {
    let finding =
        serde_json::to_string(&test.finding).map_err(|error| DbError::SerializationError(error.into()))?;
    diesel::insert_into(connection_tests::table)
        .values((
            connection_tests::id.eq(&test.id),
            connection_tests::connection_id.eq(connection),
            connection_tests::kind.eq(test.kind.as_str()),
            connection_tests::print.eq(&test.print),
            connection_tests::at.eq(test.at),
            connection_tests::by_name.eq(&test.by),
            connection_tests::passed.eq(test.passed),
            connection_tests::finding_json.eq(finding),
        ))
        .execute(conn)?;
    forget_older(conn, connection)
}

fn forget_older(conn: &mut Conn, connection: &str) -> Result<()> {
    let old: Vec<String> = connection_tests::table
        .filter(connection_tests::connection_id.eq(connection))
        .order(connection_tests::id.desc())
        .offset(KEPT)
        .limit(100)
        .select(connection_tests::id)
        .load(conn)?;
    if old.is_empty() {
        return Ok(());
    }
    diesel::delete(connection_tests::table.filter(connection_tests::id.eq_any(old)))
        .execute(conn)
        .map(drop)
}
