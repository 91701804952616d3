//! Transactions that the database takes back because they met others, and offers that end while they are taken.

use vestibule::store::time::MINUTE;

use crate::support::directory::user;
use crate::support::{Browser, Directory, Front};

/// How many come at once.
const MANY: usize = 20;

/// So many invited people at the callback.
async fn invited(front: &Front) -> Vec<(String, Browser)> {
    let mut all = Vec::new();
    for number in 0..MANY {
        let email = format!("p{number}@acme.example");
        front.acme.invite(&email);
        front.provider.person(&email, &email);
        all.push((email, front.at_the_callback().await));
    }
    all
}

/// They come back at once; answers them with the status of their page.
async fn together(browsers: Vec<(String, Browser)>) -> Vec<(String, Browser)> {
    let coming: Vec<_> = browsers
        .into_iter()
        .map(|(email, mut browser)| {
            actix_web::rt::spawn(async move {
                browser.resume().await;
                (email, browser)
            })
        })
        .collect();
    let mut back = Vec::new();
    for one in coming {
        back.push(one.await.unwrap());
    }
    back
}

/// Somebody else writes, and does not end.
struct Writer(diesel::SqliteConnection);

impl Writer {
    fn begin(url: &str) -> Self {
        use diesel::connection::SimpleConnection as _;
        let mut conn = <diesel::SqliteConnection as diesel::Connection>::establish(url).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE")
            .unwrap();
        Self(conn)
    }

    fn end(mut self) {
        use diesel::connection::SimpleConnection as _;
        self.0.batch_execute("ROLLBACK").unwrap();
    }
}

both_databases! {
    /// Twenty people come in while the database takes two of three transactions back; or, where another process holds
    /// SQLite’s file, each of them. Each is tried a few times and not for ever; whoever is told to come later has lost
    /// nothing, and nothing of theirs is there.
    /// RACE-024.
    async fn transactions_that_are_taken_back_are_tried_again(db: Database) {
        let is_postgres = db.is_postgres();
        let front = Front::open(db).await;
        let browsers = invited(&front).await;
        let writer = if is_postgres {
            front.acme.run(
                "CREATE SEQUENCE met; CREATE FUNCTION met() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE n BIGINT := nextval('met'); \
                 BEGIN IF n % 3 = 0 THEN RETURN NEW; END IF; \
                 IF n % 3 = 1 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF; \
                 RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$; \
                 CREATE TRIGGER met BEFORE INSERT ON sign_ins FOR EACH ROW EXECUTE FUNCTION met();",
            );
            None
        } else {
            Some(Writer::begin(&front.acme.installation.site.config.database_url))
        };
        let back = together(browsers).await;
        let statuses: Vec<u16> = back.iter().map(|(_, browser)| browser.status()).collect();
        assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
        let inside = i64::try_from(statuses.iter().filter(|status| **status == 200).count()).unwrap();
        if is_postgres {
            assert!(inside > 0, "{statuses:?}");
            front.acme.run("DROP FUNCTION met() CASCADE");
        } else {
            assert_eq!(inside, 0);
        }
        if let Some(writer) = writer {
            writer.end();
        }
        assert_eq!(front.acme.count("members"), 1 + inside);
        assert_eq!(front.acme.count("invitations WHERE state = 'accepted'"), inside);
        assert_eq!(front.acme.count("sign_ins"), inside);
        for (email, mut browser) in back {
            front.provider.person(&email, &email);
            browser.get(&front.acme.sign_in()).await.sees(&email);
        }
        assert_eq!(front.acme.count("members"), 1 + i64::try_from(MANY).unwrap());
    }

    /// A directory is tried again, too, and told to come later in the end.
    /// RACE-024.
    async fn a_directory_whose_change_is_taken_back_is_told_so(db: Database) {
        let is_postgres = db.is_postgres();
        let (acme, directory) = Directory::start(db);
        acme.run(if is_postgres {
            "CREATE SEQUENCE tried; CREATE FUNCTION met() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('tried'); \
             RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$; \
             CREATE TRIGGER met BEFORE INSERT ON members FOR EACH ROW EXECUTE FUNCTION met();"
        } else {
            "CREATE TRIGGER met BEFORE INSERT ON members BEGIN SELECT RAISE(ABORT, 'deadlock detected'); END;"
        });
        let before = acme.people();
        let told = directory.post("/Users", &user("ada@acme.example")).await;
        assert_eq!((told.status, told.header("retry-after")), (503, "1"), "{}", told.body);
        assert_eq!(acme.people(), before);
        if is_postgres {
            let tries = acme.count("(SELECT 1 FROM tried WHERE last_value BETWEEN 2 AND 5) AS few");
            assert_eq!(tries, 1, "a few tries");
        }
        acme.run(if is_postgres { "DROP FUNCTION met() CASCADE" } else { "DROP TRIGGER met" });
        directory.provision("ada@acme.example").await;
    }

    /// Invitations end while their people come in: each is decided by the moment of its own request, and the record of
    /// those who were let in is older than the end.
    /// RACE-005.
    async fn an_invitation_ends_while_people_come_in(db: Database) {
        let front = Front::open(db).await;
        let browsers = invited(&front).await;
        // Only theirs: the attempt must not end before.
        let soon = front.acme.installation.site.now() + MINUTE;
        front.acme.run(&format!("UPDATE invitations SET expires_at = {soon}"));
        let clock = front.acme.installation.site.clock.clone();
        let ticking = std::thread::spawn(move || {
            for _ in 0..60 {
                clock.advance(2_000);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let back = together(browsers).await;
        ticking.join().unwrap();
        let inside = back.iter().filter(|(_, browser)| browser.status() == 200).count();
        let (accepted, records) = (
            front.acme.count("invitations WHERE state = 'accepted'"),
            front.acme.rows("sign_ins", "outcome at"),
        );
        assert_eq!(usize::try_from(accepted).unwrap(), inside);
        for record in &records {
            let at: i64 = record.rsplit('=').next().unwrap().parse().unwrap();
            assert_eq!(record.contains("outcome=admitted"), at < soon, "{record}, the end is at {soon}");
        }
        assert_eq!(records.len(), MANY);
    }
}
