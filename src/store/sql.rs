//! Statements that are put together from pieces of ours; whatever comes from outside is bound, never written into them.

use diesel::connection::Connection;
use diesel::deserialize::QueryableByName;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};

use super::{Conn, Result};

type Backend = <Conn as Connection>::Backend;

/// A value at a place of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number, or a moment.
    Number(i64),
}

/// A statement on its way: its text, and the values in the order of their places, as SQLite wants them.
#[derive(Debug, Clone, Default)]
pub struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// Begins with this.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    /// Goes on with this.
    pub fn add(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Goes on with the place of this text.
    pub fn bind(&mut self, text: &str) -> &mut Self {
        self.value(Value::Text(text.to_owned()))
    }

    /// Goes on with the place of this value.
    pub fn value(&mut self, value: Value) -> &mut Self {
        self.values.push(value);
        let place = format!("${}", self.values.len());
        self.add(&place)
    }

    /// Asks.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn load<T>(self, conn: &mut Conn) -> Result<Vec<T>>
    where
        T: QueryableByName<Backend> + 'static,
    {
        self.bound().load(conn)
    }

    /// Changes something, and answers how many rows.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn execute(self, conn: &mut Conn) -> Result<usize> {
        self.bound().execute(conn)
    }

    fn bound(self) -> BoxedSqlQuery<'static, Backend, SqlQuery> {
        let statement = diesel::sql_query(self.text).into_boxed();
        self.values
            .into_iter()
            .fold(statement, |statement, value| match value {
                Value::Text(text) => statement.bind::<Text, _>(text),
                Value::Number(number) => statement.bind::<BigInt, _>(number),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{Sql, Value};

    #[test]
    fn values_have_places_and_no_part_in_the_text() {
        let mut sql = Sql::new("SELECT ");
        sql.bind("'; DROP TABLE members")
            .add(" = ")
            .value(Value::Number(7));
        assert_eq!(sql.text, "SELECT $1 = $2");
        assert_eq!(
            sql.values,
            [Value::Text("'; DROP TABLE members".into()), Value::Number(7)]
        );
    }
}
