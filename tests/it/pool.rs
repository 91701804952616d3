//! The connections to the database.

use std::time::Duration;

use vestibule::store::DbError;

use crate::support::{Acme, Directory};

both_databases! {
    /// The database's other end may go away between two requests, as when it is started anew.
    /// FLT-004.
    async fn connections_that_broke_are_replaced(db: Database) {
        let is_postgres = db.is_postgres();
        let (acme, directory) = Directory::start(db);
        let several = (0..6).map(|_| {
            let directory = directory.clone();
            actix_web::rt::spawn(async move { directory.get("/Users").await.status })
        });
        for status in several.collect::<Vec<_>>() {
            assert_eq!(status.await.unwrap(), 200);
        }
        if is_postgres {
            acme.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'");
        }
        for number in 0..4 {
            assert_eq!(directory.get("/Users").await.status, 200, "{number}");
            directory.provision(&format!("p{number}@acme.example")).await;
        }
    }

    /// Where every connection is at work for longer than one would wait for a database that is away, the next ones wait
    /// for their turn, all of them.
    /// FLT-004.
    async fn a_queue_for_connections_is_no_failure(db: Database) {
        let many = if db.is_postgres() { 32 } else { 16 };
        let acme = Acme::alone(db);
        let everybody: Vec<_> = (0..many)
            .map(|_| {
                let store = acme.installation.site.store.clone();
                std::thread::spawn(move || {
                    store.read(|_| -> Result<(), DbError> {
                        std::thread::sleep(Duration::from_secs(2));
                        Ok(())
                    })
                })
            })
            .collect();
        for one in everybody {
            one.join().unwrap().unwrap();
        }
    }
}
