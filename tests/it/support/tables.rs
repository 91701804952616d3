//! What the tables hold, as lines to be compared before and after.

use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use vestibule::store::Conn;

use super::Acme;

/// What tells who is known, who is let in and who is invited.
const PEOPLE: [(&str, &str); 9] = [
    ("organizations", "id slug seats state version"),
    (
        "accounts",
        "id email email_key full_name username state admitted_at version",
    ),
    (
        "identities",
        "id connection_id issuer subject account_id linked_at",
    ),
    (
        "members",
        "id organization_id account_id role state source invited_by joined_at state_changed_at last_sign_in_at version",
    ),
    ("teams", "id organization_id name version"),
    ("team_members", "team_id member_id source connection_id since"),
    (
        "invitations",
        "id organization_id email_key role state token_hash expires_at settled_at member_id version",
    ),
    ("invitation_teams", "invitation_id team_id"),
    (
        "sessions",
        "key_hash id account_id organization_id connection_id created_at",
    ),
];

/// One record of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct SignIn {
    #[diesel(sql_type = Text)]
    pub organization_id: String,
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = Text)]
    pub reason: String,
    #[diesel(sql_type = Text)]
    pub detail: String,
    #[diesel(sql_type = Text)]
    pub reference: String,
    #[diesel(sql_type = Text)]
    pub email: String,
    #[diesel(sql_type = Text)]
    pub trace_json: String,
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Acme {
    /// Everything about people, a line for each row. What is the same before and after, nobody changed.
    pub fn people(&self) -> Vec<String> {
        let rows = PEOPLE.iter().map(|(table, columns)| self.rows(table, columns));
        rows.flatten().collect()
    }

    /// The rows of a table, in an order that does not change.
    pub fn rows(&self, table: &str, columns: &str) -> Vec<String> {
        let shown: Vec<_> = columns
            .split(' ')
            .map(|column| format!("' {column}=' || coalesce(cast({column} AS TEXT), '-')"))
            .collect();
        self.lines(&format!(
            "SELECT '{table}' || {} AS line FROM {table} ORDER BY 1",
            shown.join(" || ")
        ))
    }

    /// The teams of the person with this address, and by what each came: `engineering by mapping`.
    pub fn teams_of(&self, email: &str) -> Vec<String> {
        self.lines(&format!(
            "SELECT teams.name || ' by ' || team_members.source AS line FROM team_members \
             JOIN teams ON teams.id = team_members.team_id JOIN members ON members.id = team_members.member_id \
             JOIN accounts ON accounts.id = members.account_id WHERE accounts.email_key = '{email}' ORDER BY 1"
        ))
    }

    /// What the column `line` of an answer says.
    pub fn lines(&self, query: &str) -> Vec<String> {
        let lines: Vec<Line> = self.query(query);
        lines.into_iter().map(|line| line.line).collect()
    }

    /// Every record of a sign-in, oldest first.
    pub fn sign_ins(&self) -> Vec<SignIn> {
        self.query("SELECT * FROM sign_ins ORDER BY id")
    }

    /// The answer of `SELECT count(*) FROM …`.
    pub fn count(&self, from: &str) -> i64 {
        let answer: Vec<Number> = self.query(&format!("SELECT count(*) AS number FROM {from}"));
        answer[0].number
    }

    /// How often the audit log tells of a sign-in that ended by this connection.
    pub fn audited_sign_ins(&self) -> i64 {
        self.count("audit_events WHERE action IN ('sign_in.admitted', 'sign_in.denied', 'sign_in.rejected')")
    }

    /// Runs statements behind the application's back.
    pub fn run(&self, statements: &str) {
        let store = &self.installation.site.store;
        store.write(|conn| conn.batch_execute(statements)).unwrap();
    }

    /// The same, where the database may refuse: answers its words.
    pub fn try_run(&self, statements: &str) -> Result<(), String> {
        let store = &self.installation.site.store;
        let outcome = store.write(|conn| conn.batch_execute(statements));
        outcome.map_err(|error: vestibule::store::DbError| error.to_string())
    }

    /// From now on the database refuses every new row of this table.
    pub fn refuse_rows_of(&self, table: &str, is_postgres: bool) {
        self.run(&if is_postgres {
            format!(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'out of order'; END $$; \
                 CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse();"
            )
        } else {
            format!("CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'out of order'); END;")
        });
    }

    /// The database is well again.
    pub fn take_rows_again(&self, is_postgres: bool) {
        self.run(&if is_postgres {
            "DROP FUNCTION refuse() CASCADE;".to_owned()
        } else {
            "DROP TRIGGER refuse;".to_owned()
        });
    }

    fn query<T>(&self, query: &str) -> Vec<T>
    where
        T: diesel::QueryableByName<diesel::pg::Pg>
            + diesel::QueryableByName<diesel::sqlite::Sqlite>
            + 'static,
    {
        self.read(|conn| {
            Ok(match conn {
                Conn::Postgres(conn) => diesel::sql_query(query).load(conn)?,
                Conn::Sqlite(conn) => diesel::sql_query(query).load(conn)?,
            })
        })
    }
}
