//! Statements that the database reads and plans once for each connection and then only runs.
//!
//! diesel does so by itself for what it selects. It does not for INSERT, UPDATE, `IN` and SQL in words, since such
//! texts might be without number; so each would be two round trips to PostgreSQL and a plan, each time. Ours are few:
//! [`Run::run`] says so, and [`Sql`] is for what is easier said in SQL.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use diesel::backend::Backend;
use diesel::internal::derives::multiconnection::AstPassHelper as _;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::query_dsl::LoadQuery;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Nullable, Text, Untyped};
use diesel::sqlite::Sqlite;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};

use super::{Conn, Result};

/// A statement whose text is one of few: it is prepared once and kept.
pub trait Run: Sized {
    /// Runs it, and answers how many rows it touched.
    ///
    /// # Errors
    /// When the database refuses.
    fn run(self, conn: &mut Conn) -> Result<usize>;
}

impl<T> Run for T
where
    T: QueryFragment<Pg> + QueryFragment<Sqlite> + QueryId,
{
    fn run(self, conn: &mut Conn) -> Result<usize> {
        match conn {
            Conn::Postgres(conn) => Reused::new(self, &Pg)?.execute(conn),
            Conn::Sqlite(conn) => Reused::new(self, &Sqlite)?.execute(conn),
        }
    }
}

/// Runs a statement whose text is one of few, and answers its rows.
///
/// # Errors
/// When the database refuses.
pub fn rows<'q, T, U>(conn: &mut Conn, statement: T) -> Result<Vec<U>>
where
    T: QueryFragment<Pg> + QueryFragment<Sqlite> + 'q,
    Reused<T>: LoadQuery<'q, PgConnection, U> + LoadQuery<'q, SqliteConnection, U>,
{
    match conn {
        Conn::Postgres(conn) => Reused::new(statement, &Pg)?.load(conn),
        Conn::Sqlite(conn) => Reused::new(statement, &Sqlite)?.load(conn),
    }
}

/// As [`rows`], for a statement whose text is one of many, as with a list of values on SQLite (on PostgreSQL a list is one
/// value) or a filter: the first texts that come a second time are kept.
///
/// # Errors
/// When the database refuses.
pub fn rows_of_many<'q, T, U>(conn: &mut Conn, statement: T) -> Result<Vec<U>>
where
    T: QueryFragment<Pg> + QueryFragment<Sqlite> + 'q,
    T: LoadQuery<'q, PgConnection, U> + LoadQuery<'q, SqliteConnection, U>,
    Reused<T>: LoadQuery<'q, PgConnection, U> + LoadQuery<'q, SqliteConnection, U>,
{
    fn load<'q, C, T, U>(conn: &mut C, backend: &C::Backend, statement: T) -> Result<Vec<U>>
    where
        C: Connection,
        <C::Backend as Backend>::QueryBuilder: Default,
        T: QueryFragment<C::Backend> + LoadQuery<'q, C, U>,
        Reused<T>: LoadQuery<'q, C, U>,
    {
        let reused = Reused::new(statement, backend)?;
        if comes_often(&reused.text) {
            reused.internal_load(conn)?.collect()
        } else {
            reused.statement.internal_load(conn)?.collect()
        }
    }
    match conn {
        Conn::Postgres(conn) => load(conn, &Pg, statement),
        Conn::Sqlite(conn) => load(conn, &Sqlite, statement),
    }
}

/// So many texts of those that are many are kept at most: each costs every connection some ten kilobytes.
const MOST_KEPT: usize = 200;
/// So many that came once are remembered.
const MOST_SEEN: usize = 2_000;

/// Texts by their hashes: those that came once, and those that are kept.
#[derive(Debug, Default)]
struct Texts {
    seen: HashSet<u64>,
    kept: HashSet<u64>,
}

impl Texts {
    /// Whether this one is kept, from now on at least.
    fn keeps(&mut self, text: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        if self.kept.contains(&hash) {
            return true;
        }
        if self.kept.len() >= MOST_KEPT {
            return false;
        }
        if self.seen.remove(&hash) {
            return self.kept.insert(hash);
        }
        if self.seen.len() >= MOST_SEEN {
            self.seen.clear();
        }
        self.seen.insert(hash);
        false
    }
}

fn comes_often(text: &str) -> bool {
    static TEXTS: Mutex<Option<Texts>> = Mutex::new(None);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    texts.get_or_insert_default().keeps(text)
}

/// A statement with its text, under which the prepared one is kept.
#[derive(Debug)]
pub struct Reused<T> {
    statement: T,
    text: String,
}

impl<T> Reused<T> {
    fn new<DB>(statement: T, backend: &DB) -> Result<Self>
    where
        DB: Backend,
        DB::QueryBuilder: Default,
        T: QueryFragment<DB>,
    {
        let mut text = DB::QueryBuilder::default();
        statement.to_sql(&mut text, backend)?;
        Ok(Self {
            statement,
            text: text.finish(),
        })
    }
}

impl<T, DB> QueryFragment<DB> for Reused<T>
where
    DB: Backend,
    T: QueryFragment<DB>,
{
    /// Whether it may be kept is not asked of the statement, which would say no.
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> Result<()> {
        if pass.bind_collector().is_some() || pass.debug_binds().is_some() {
            return self.statement.walk_ast(pass);
        }
        pass.push_sql(&self.text);
        Ok(())
    }
}

impl<T> QueryId for Reused<T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: Query> Query for Reused<T> {
    type SqlType = T::SqlType;
}

impl<T, C> RunQueryDsl<C> for Reused<T> {}

/// A value that stands in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
    NoText,
}

/// A statement in SQL that both databases read, with `?` for each value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// A statement; its values follow in the order of the signs.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            values: Vec::new(),
        }
    }

    fn with(mut self, value: Value) -> Self {
        self.values.push(value);
        self
    }

    /// With a text as the next value.
    #[must_use]
    pub fn text(self, value: impl Into<String>) -> Self {
        self.with(Value::Text(value.into()))
    }

    /// With a text as the next value, or NULL.
    #[must_use]
    pub fn maybe(self, value: Option<&str>) -> Self {
        self.with(value.map_or(Value::NoText, |text| Value::Text(text.to_owned())))
    }

    /// With a number as the next value.
    #[must_use]
    pub fn number(self, value: i64) -> Self {
        self.with(Value::Number(value))
    }

    /// As [`Run::run`], for a statement whose text is one of many: see [`rows_of_many`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn run_of_many(self, conn: &mut Conn) -> Result<usize> {
        if comes_often(&self.text) {
            return self.run(conn);
        }
        match conn {
            Conn::Postgres(conn) => self.execute(conn),
            Conn::Sqlite(conn) => self.execute(conn),
        }
    }

    /// Runs a statement whose text is one of many, so that nothing of it is kept, and answers its rows.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn rows_once<'q, U>(self, conn: &mut Conn) -> Result<Vec<U>>
    where
        Self: LoadQuery<'q, PgConnection, U> + LoadQuery<'q, SqliteConnection, U>,
    {
        match conn {
            Conn::Postgres(conn) => self.load(conn),
            Conn::Sqlite(conn) => self.load(conn),
        }
    }

    /// With yes or no as the next value.
    #[must_use]
    pub fn truth(self, value: bool) -> Self {
        self.with(Value::Truth(value))
    }
}

impl<DB> QueryFragment<DB> for Sql
where
    DB: Backend + HasSqlType<Text> + HasSqlType<BigInt> + HasSqlType<Bool>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    bool: ToSql<Bool, DB>,
    Option<String>: ToSql<Nullable<Text>, DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> Result<()> {
        pass.unsafe_to_cache_prepared();
        let mut values = self.values.iter();
        for (index, piece) in self.text.split('?').enumerate() {
            if index > 0 {
                match values.next() {
                    Some(Value::Text(text)) => pass.push_bind_param::<Text, _>(text)?,
                    Some(Value::Number(number)) => pass.push_bind_param::<BigInt, _>(number)?,
                    Some(Value::Truth(truth)) => pass.push_bind_param::<Bool, _>(truth)?,
                    Some(Value::NoText) | None => {
                        pass.push_bind_param::<Nullable<Text>, _>(&None::<String>)?;
                    }
                }
            }
            pass.push_sql(piece);
        }
        Ok(())
    }
}

impl QueryId for Sql {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql {
    type SqlType = Untyped;
}

impl<C> RunQueryDsl<C> for Sql {}

#[cfg(test)]
mod tests {
    use diesel::QueryableByName;
    use diesel::sql_types::BigInt;

    use super::super::Store;
    use super::*;

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }

    #[test]
    fn of_many_texts_some_are_kept_once_they_come_again() {
        let mut texts = Texts::default();
        assert!(!texts.keeps("a"));
        assert!(texts.keeps("a") && texts.keeps("a"));
        for number in 0..MOST_SEEN * 2 {
            assert!(!texts.keeps(&number.to_string()));
        }
        assert!(texts.seen.len() <= MOST_SEEN);
        for number in 0..MOST_KEPT * 2 {
            texts.keeps(&format!("b{number}"));
            let kept = texts.keeps(&format!("b{number}"));
            assert_eq!(kept, number < MOST_KEPT - 1, "{number}");
        }
        assert!(texts.keeps("a"), "the first ones stay");
    }

    #[derive(QueryableByName)]
    struct Used {
        #[diesel(sql_type = Bool)]
        used: bool,
    }

    /// Without it SQLite plans a statement anew whenever a value is bound to its `LIMIT`, prepared or not.
    #[test]
    fn a_plan_does_not_depend_on_what_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("a.db").to_str().unwrap()).unwrap();
        let statement = "SELECT sqlite_compileoption_used('ENABLE_QPSG') AS used";
        let found = store.read(|conn| rows::<_, Used>(conn, Sql::new(statement)));
        assert!(found.unwrap()[0].used);
    }

    #[test]
    fn values_stand_where_the_signs_are() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("a.db").to_str().unwrap()).unwrap();
        let found = store.write(|conn| -> Result<_> {
            Sql::new("CREATE TABLE notes (n BIGINT, what TEXT, kept BOOLEAN)").run(conn)?;
            for n in 1..=3 {
                let statement = Sql::new("INSERT INTO notes (n, what, kept) VALUES (?, ?, ?)");
                let what = (n > 1).then_some("it's");
                assert_eq!(statement.number(n).maybe(what).truth(n == 3).run(conn)?, 1);
            }
            let wanted = Sql::new("SELECT n FROM notes WHERE what = ? AND kept = ?");
            rows::<_, Count>(conn, wanted.text("it's").truth(true))
        });
        assert_eq!(found.unwrap().iter().map(|row| row.n).collect::<Vec<_>>(), [3]);
    }
}
