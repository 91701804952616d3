//! Statements that are put together from pieces of ours; whatever comes from outside is bound, never written into them.

use diesel::deserialize::QueryableByName;
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;

use super::{Conn, Result, reuse};

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
        self.add("?")
    }

    /// Goes on with a list of these texts in brackets, for `IN`.
    pub fn list(&mut self, texts: impl IntoIterator<Item = impl AsRef<str>>) -> &mut Self {
        self.add("(");
        for (place, text) in texts.into_iter().enumerate() {
            self.add(if place == 0 { "" } else { ", " }).bind(text.as_ref());
        }
        self.add(")")
    }

    /// Asks. The text is kept where it comes often ([`reuse::rows_of_many`]).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn load<T>(self, conn: &mut Conn) -> Result<Vec<T>>
    where
        T: QueryableByName<Pg> + QueryableByName<Sqlite> + 'static,
    {
        reuse::rows_of_many(conn, self.bound())
    }

    /// Changes something, and answers how many rows.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn execute(self, conn: &mut Conn) -> Result<usize> {
        self.bound().run_of_many(conn)
    }

    fn bound(self) -> reuse::Sql {
        let statement = reuse::Sql::new(self.text);
        self.values
            .into_iter()
            .fold(statement, |statement, value| match value {
                Value::Text(text) => statement.text(text),
                Value::Number(number) => statement.number(number),
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
        assert_eq!(sql.text, "SELECT ? = ?");
        assert_eq!(
            sql.values,
            [Value::Text("'; DROP TABLE members".into()), Value::Number(7)]
        );
    }
}
