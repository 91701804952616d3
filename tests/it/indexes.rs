//! What every request does must not grow with the number of rows: the databases' own plans of the statements that it
//! asks read no table from end to end.

use diesel::connection::SimpleConnection as _;
use diesel::deserialize::{FromSql, QueryableByName};
use diesel::prelude::*;
use diesel::row::NamedRow;
use diesel::sql_types::Text;
use serde_json::json;
use vestibule::store::{Conn, DbError};

use crate::support::{Acme, Directory, Front};

/// Tables that stay small: read whole they cost less than by an index.
const SMALL: [&str; 2] = ["scim_guards", "saml_settings"];

#[derive(QueryableByName)]
struct OnSqlite {
    #[diesel(sql_type = Text)]
    detail: String,
}

struct OnPostgres {
    line: String,
}

/// The derived way takes no name with a blank in it.
impl<DB> QueryableByName<DB> for OnPostgres
where
    DB: diesel::backend::Backend,
    String: FromSql<Text, DB>,
{
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> diesel::deserialize::Result<Self> {
        Ok(Self {
            line: NamedRow::get::<Text, _>(row, "QUERY PLAN")?,
        })
    }
}

/// The lines of the plan of a statement with values that nobody knows.
fn plan(acme: &Acme, statement: &str) -> Vec<String> {
    let explained = acme.installation.site.store.write(|conn| -> Result<_, DbError> {
        match conn {
            Conn::Sqlite(_) => {
                let rows: Vec<OnSqlite> =
                    diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn)?;
                Ok(rows.into_iter().map(|row| row.detail).collect())
            }
            Conn::Postgres(_) => {
                // Where the planner may not read a table whole, it does so only for want of an index.
                conn.batch_execute(&format!(
                    "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan; \
                     PREPARE asked AS {statement}"
                ))?;
                let values = (1..100)
                    .take_while(|n| statement.contains(&format!("${n}")))
                    .count();
                let values = vec!["NULL"; values].join(", ");
                let values = if values.is_empty() {
                    values
                } else {
                    format!("({values})")
                };
                let rows: Vec<OnPostgres> =
                    diesel::sql_query(format!("EXPLAIN (COSTS OFF) EXECUTE asked{values}")).load(conn)?;
                conn.batch_execute("DEALLOCATE asked")?;
                Ok(rows.into_iter().map(|row| row.line).collect())
            }
        }
    });
    explained.unwrap_or_else(|error| panic!("{error}: {statement}"))
}

/// Whether a plan reads a whole table.
fn reads_all(plan: &[String]) -> bool {
    // What SQLite makes on the way, out of what other lines read.
    let made: Vec<&str> = ["CO-ROUTINE ", "MATERIALIZE "]
        .iter()
        .flat_map(|kind| plan.iter().filter_map(move |line| line.trim().strip_prefix(kind)))
        .collect();
    plan.iter()
        .filter_map(|line| read_whole(line))
        .any(|what| !SMALL.contains(&what) && !made.contains(&what))
}

/// What a line of a plan reads whole.
fn read_whole(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches("-> ").trim_start();
    let name = if let Some(rest) = line.strip_prefix("Seq Scan on ") {
        rest
    } else {
        let rest = line.strip_prefix("SCAN ")?;
        if rest.starts_with("CONSTANT ROW") || rest.starts_with('(') {
            return None;
        }
        rest
    };
    name.split_whitespace().next()
}

/// Looks at the plan of each statement that this asks.
async fn by_index(acme: &Acme, what: &str, mut ask: impl AsyncFnMut()) {
    let statements = acme.installation.site.store.statements();
    statements.watch();
    ask().await;
    let asked = statements.telling();
    assert!(!asked.is_empty(), "{what} asks nothing");
    for statement in asked {
        let text = statement.split(" -- binds:").next().unwrap();
        // A new row has no plan to speak of.
        if text.starts_with("INSERT") {
            continue;
        }
        let plan = plan(acme, text);
        assert!(
            !reads_all(&plan),
            "{what} reads a table from end to end by\n{text}\n{}",
            plan.join("\n")
        );
    }
}

both_databases! {
    /// A directory's requests find by an index whatever they look for.
    /// RES-010, SCIM-085.
    async fn a_directory_is_answered_by_indexes(db: Database) {
        let (acme, directory) = Directory::start(db);
        let ada = directory.provision("ada@acme.example").await.id();
        let acme = &acme;
        by_index(acme, "POST Users", async || {
            directory.provision("ben@acme.example").await;
        }).await;
        for filter in ["userName eq \"ada@acme.example\"", "externalId eq \"x\"", "emails eq \"ada@acme.example\""] {
            by_index(acme, filter, async || {
                directory.find(filter).await;
            }).await;
        }
        by_index(acme, "GET one", async || {
            assert_eq!(directory.get(&format!("/Users/{ada}")).await.status, 200);
        }).await;
        by_index(acme, "a page", async || {
            assert_eq!(directory.get("/Users?startIndex=2&count=100").await.status, 200);
        }).await;
        for active in [false, true] {
            by_index(acme, "PATCH active", async || {
                let change = json!([{"op": "replace", "path": "active", "value": active}]);
                assert_eq!(directory.patch(&format!("/Users/{ada}"), change).await.status, 200);
            }).await;
        }
        by_index(acme, "DELETE", async || {
            assert_eq!(directory.delete(&format!("/Users/{ada}")).await.status, 204);
        }).await;
    }

    /// So does a sign-in, in or out.
    /// RES-010.
    async fn a_sign_in_finds_everything_by_indexes(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        for (who, email, is_in) in [("ada", "ada@acme.example", true), ("eve", "eve@other.example", false)] {
            for _ in 0..2 {
                front.provider.person(who, email);
                by_index(&front.acme, email, async || {
                    let mut browser = front.at_the_callback().await;
                    let callback = browser.held().unwrap().to_string();
                    // What the page afterwards asks is its own.
                    browser.stop_before("/orgs").get(&callback).await;
                    assert_eq!(browser.held().is_some(), is_in, "{}", browser.text());
                }).await;
            }
        }
    }

    /// Whoever takes away what has had its time looks at that and no more.
    /// RES-010.
    async fn what_has_had_its_time_is_found_by_indexes(db: Database) {
        let acme = &Acme::alone(db);
        let site = &acme.installation.site;
        by_index(acme, "the sweeper", async || {
            vestibule::sign_in::sweep(&site.store, site.now(), 30).await.unwrap();
        }).await;
    }
}
