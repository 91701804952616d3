//! SQL of upkeep.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::rekey::Column;
use crate::store::schema::{installation_facts, invitations};
use crate::store::time::Timestamp;
use crate::store::{Backend, Conn, Result, id};

/// What is known under this name.
pub fn fact(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    installation_facts::table
        .find(name)
        .select(installation_facts::value)
        .first(conn)
        .optional()
}

/// Keeps a fact that is not known yet.
pub fn learn_fact(conn: &mut Conn, name: &str, value: &str, now: Timestamp) -> Result<()> {
    let statement =
        "INSERT INTO installation_facts (name, value, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    diesel::sql_query(statement)
        .bind::<Text, _>(name)
        .bind::<Text, _>(value)
        .bind::<BigInt, _>(now)
        .execute(conn)
        .map(drop)
}

/// Keeps a fact, whatever was known.
pub fn set_fact(conn: &mut Conn, name: &str, value: &str, now: Timestamp) -> Result<()> {
    diesel::delete(installation_facts::table.find(name)).execute(conn)?;
    learn_fact(conn, name, value, now)
}

/// Changes a fact that is known; its time stays.
pub fn change_fact(conn: &mut Conn, name: &str, value: &str) -> Result<()> {
    diesel::update(installation_facts::table.find(name))
        .set(installation_facts::value.eq(value))
        .execute(conn)
        .map(drop)
}

/// Lets the links of all invitations that wait open nothing, until they are sent again.
pub fn void_invitation_links(conn: &mut Conn) -> Result<usize> {
    let waiting: Vec<String> = invitations::table
        .filter(invitations::state.eq("pending"))
        .select(invitations::id)
        .load(conn)?;
    for invitation in &waiting {
        diesel::update(invitations::table.find(invitation))
            .set(invitations::token_hash.eq(id::hash_token(&id::new_token())))
            .execute(conn)?;
    }
    Ok(waiting.len())
}

/// Takes away what waits to be sent.
pub fn drop_letters_that_wait(conn: &mut Conn) -> Result<usize> {
    diesel::sql_query("DELETE FROM letters WHERE state IN ('waiting', 'retrying')").execute(conn)
}

#[derive(QueryableByName)]
struct Secret {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    sealed: String,
}

/// Every row with a secret in this column: the first part of its key, and the secret.
pub fn sealed(conn: &mut Conn, column: &Column) -> Result<Vec<(String, String)>> {
    let Column { table, key, name } = column;
    let question = format!(
        "SELECT \"{key}\" AS id, \"{name}\" AS sealed FROM \"{table}\" WHERE \"{name}\" <> '' ORDER BY \"{key}\""
    );
    let rows: Vec<Secret> = diesel::sql_query(question).load(conn)?;
    Ok(rows.into_iter().map(|row| (row.id, row.sealed)).collect())
}

/// Puts a secret in the place of one, unless that has changed. Answers how many rows that were.
pub fn seal_anew(conn: &mut Conn, column: &Column, id: &str, known: &str, anew: &str) -> Result<usize> {
    let Column { table, key, name } = column;
    let statement =
        format!("UPDATE \"{table}\" SET \"{name}\" = $1 WHERE \"{key}\" = $2 AND \"{name}\" = $3");
    diesel::sql_query(statement)
        .bind::<Text, _>(anew)
        .bind::<Text, _>(id)
        .bind::<Text, _>(known)
        .execute(conn)
}

#[derive(QueryableByName)]
struct Who {
    #[diesel(sql_type = Text)]
    who: String,
}

/// The answers of a check: what it found, as text in the column `who`.
pub fn whoever(conn: &mut Conn, question: &str, now: Timestamp) -> Result<Vec<String>> {
    let rows: Vec<Who> = if question.contains("$1") {
        diesel::sql_query(question).bind::<BigInt, _>(now).load(conn)?
    } else {
        diesel::sql_query(question).load(conn)?
    };
    Ok(rows.into_iter().map(|row| row.who).collect())
}

/// What SQLite finds when it looks at its own file; nothing on PostgreSQL, which checks its pages as it reads them.
pub fn damage(conn: &mut Conn, backend: Backend) -> Result<Vec<String>> {
    if backend == Backend::Postgres {
        return Ok(Vec::new());
    }
    let found: Vec<Who> = diesel::sql_query(
        "SELECT integrity_check AS who FROM pragma_integrity_check() WHERE integrity_check <> 'ok' \
         UNION ALL SELECT 'a row of ' || \"table\" || ' refers to none of ' || parent FROM pragma_foreign_key_check()",
    )
    .load(conn)?;
    Ok(found.into_iter().map(|row| row.who).collect())
}
