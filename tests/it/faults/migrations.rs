//! Bringing a database up to date is interrupted: the next try comes to the end, and the tables are what they should be.

use std::sync::atomic::{AtomicU32, Ordering};

use vestibule::store::{Store, catalog, health};

use crate::support::on_the_server;
use crate::support::program::Serving;

/// A database in which nothing was done yet; and the way to take it away.
fn untouched(is_postgres: bool, like: &str) -> (String, tempfile::TempDir, Option<String>) {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let folder = tempfile::tempdir().unwrap();
    if !is_postgres {
        return (folder.path().join("new.db").display().to_string(), folder, None);
    }
    let name = format!("untouched_{}", LAST.fetch_add(1, Ordering::Relaxed));
    on_the_server(&format!("CREATE DATABASE {name}"));
    let rest = like.split_once('?').unwrap().1;
    (format!("postgres:///{name}?{rest}"), folder, Some(name))
}

/// How many migrations are done, as far as that can be seen from outside.
fn done(store: &Store) -> usize {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    use diesel::RunQueryDsl as _;
    let count: Result<Count, vestibule::store::DbError> = store.read(|conn| {
        diesel::sql_query("SELECT count(*) AS n FROM __diesel_schema_migrations").get_result(conn)
    });
    count.map_or(0, |count| usize::try_from(count.n).unwrap())
}

both_databases! {
    /// Killed in the middle, again and again, a little further each time.
    /// FLT-017.
    async fn a_migration_that_is_killed_is_taken_up_again(db: Database) {
        let (url, folder, name) = untouched(db.is_postgres(), db.url());
        let serving = Serving::of(&url, &folder.path().join("vestibule.key"));
        let store = Store::open(&url).unwrap();
        let whole = Store::open(db.url()).unwrap();
        let all = done(&whole);
        let mut kills = 0;
        for step in 0..6 {
            let mut migrating = serving.spawn(&["migrate"]);
            while done(&store) * 6 < all * step && migrating.try_wait().unwrap().is_none() {
                tokio::task::yield_now().await;
            }
            migrating.kill().unwrap();
            kills += i32::from(!migrating.wait().unwrap().success());
        }
        assert!(kills > 0, "it was always faster");
        let told = serving.run(&["migrate"]);
        assert!(told.status.success(), "{told:?}");
        let tables = |store: &Store| store.read(catalog::tables).unwrap();
        assert_eq!(tables(&store), tables(&whole));
        let pending: Vec<String> = store.read(health::pending).unwrap();
        assert_eq!(pending, [""; 0]);
        // All is well but for the key file, which the first start makes.
        let told = String::from_utf8(serving.run(&["doctor"]).stdout).unwrap();
        assert!(told.matches("Broken:").count() == 1 && told.contains("vestibule.key"), "{told}");
        drop(store);
        if let Some(name) = name {
            on_the_server(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}
