//! A fault at each row that a transaction writes, one after the other: either nothing has happened, or all of it.

use serde_json::json;
use vestibule::access::Role;

use crate::support::directory::user;
use crate::support::{Acme, Browser, Directory, Front};

/// What the transactions about people write.
const TABLES: [&str; 11] = [
    "accounts",
    "identities",
    "members",
    "team_members",
    "invitations",
    "sign_ins",
    "denials",
    "audit_events",
    "audit_heads",
    "scim_users",
    "sessions",
];

/// The database fails at the row whose turn it is, counted since that was said.
pub(super) struct Faulty<'a> {
    acme: &'a Acme,
    is_postgres: bool,
}

impl<'a> Faulty<'a> {
    pub(super) fn in_the_way(acme: &'a Acme, is_postgres: bool) -> Self {
        let trigger = |table: &str, deed: &str| {
            if is_postgres {
                format!(
                    "CREATE TRIGGER fault_{deed} BEFORE {deed} ON {table} FOR EACH ROW EXECUTE FUNCTION fault();"
                )
            } else {
                format!(
                    "CREATE TRIGGER fault_{table}_{deed} BEFORE {deed} ON {table} BEGIN \
                     UPDATE fault SET seen = seen + 1; \
                     SELECT RAISE(ABORT, 'a fault of the tests') FROM fault WHERE seen = place; END;"
                )
            }
        };
        // The browser's cookie is given its session after the transaction, by an update.
        let deeds = |table: &str| if table == "sessions" { 1 } else { 3 };
        let triggers: String = TABLES
            .iter()
            .flat_map(|table| {
                ["INSERT", "UPDATE", "DELETE"]
                    .into_iter()
                    .take(deeds(table))
                    .map(move |deed| trigger(table, deed))
            })
            .collect();
        acme.run(
            "CREATE TABLE fault (id BIGINT PRIMARY KEY, place BIGINT NOT NULL, seen BIGINT NOT NULL); \
             INSERT INTO fault VALUES (1, 0, 0);",
        );
        if is_postgres {
            // A sequence counts on, whatever becomes of the transaction.
            acme.run(
                "CREATE SEQUENCE fault_rows; CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF nextval('fault_rows') = (SELECT place FROM fault) THEN RAISE EXCEPTION 'a fault of the tests'; END IF; \
                 RETURN COALESCE(NEW, OLD); END $$;",
            );
        }
        acme.run(&triggers);
        Self { acme, is_postgres }
    }

    /// From now on the database fails at this row; 0 for none.
    pub(super) fn at(&self, row: usize) {
        if self.is_postgres {
            self.acme.run("ALTER SEQUENCE fault_rows RESTART");
        }
        self.acme
            .run(&format!("UPDATE fault SET place = {row}, seen = 0"));
    }
}

/// Everything about people, and every record.
fn everything(acme: &Acme) -> Vec<String> {
    let mut all = acme.people();
    for (table, columns) in [
        ("sign_ins", "id outcome"),
        ("denials", "id state last_sign_in_id"),
        ("audit_events", "id action"),
        ("audit_heads", "chain seq"),
        ("scim_users", "id member_id active"),
    ] {
        all.extend(acme.rows(table, columns));
    }
    all
}

/// Does it again and again, with a fault at one row after the other, until it meets none; answers how many it met.
async fn at_each_row(faulty: &Faulty<'_>, what: &str, mut deed: impl AsyncFnMut(&dyn Fn()) -> bool) -> usize {
    for row in 1..60 {
        let before = std::cell::RefCell::new(Vec::new());
        // The deed says when it has prepared what it needs.
        let armed = || {
            *before.borrow_mut() = everything(faulty.acme);
            faulty.at(row);
        };
        let done = deed(&armed).await;
        faulty.at(0);
        let after = everything(faulty.acme);
        if done {
            assert_ne!(*before.borrow(), after, "{what} changes something");
            return row - 1;
        }
        assert_eq!(*before.borrow(), after, "{what}, a fault at row {row}");
    }
    panic!("{what} never succeeds");
}

/// Whether the browser that comes back is answered as it should be, and not “later”.
async fn comes_back(front: &Front, armed: &dyn Fn(), well: u16) -> bool {
    let mut browser = front.at_the_callback().await;
    armed();
    browser.resume().await;
    if browser.status() == 503 {
        browser.sees("Try again in a moment");
        assert!(browser.cookie("vestibule_session").is_none());
        return false;
    }
    assert_eq!(browser.status(), well, "{}", browser.text());
    true
}

both_databases! {
    /// People come in by an invitation and just in time, and are denied: whichever row can't be written, nothing has
    /// happened, and they are told to come again.
    /// FLT-002, DEC-004.
    async fn a_sign_in_happens_whole_or_not_at_all(db: Database) {
        let is_postgres = db.is_postgres();
        let front = Front::open(db).await;
        let faulty = Faulty::in_the_way(&front.acme, is_postgres);
        front.acme.invite("ada@acme.example");
        front.provider.person("ada", "ada@acme.example");
        let invited = at_each_row(&faulty, "an invitation", async |armed| comes_back(&front, armed, 200).await).await;
        front.provider.person("sam", "sam@acme.example");
        let denied = at_each_row(&faulty, "a denial", async |armed| comes_back(&front, armed, 403).await).await;
        front.acme.jit(true);
        front.provider.person("new", "new@acme.example");
        let newcomer = at_each_row(&faulty, "a newcomer", async |armed| comes_back(&front, armed, 200).await).await;
        let rows = [invited, denied, newcomer];
        assert!(rows.iter().all(|rows| *rows >= 4), "{rows:?}");
    }

    /// The directory makes, deactivates and brings back a person, and an administrator removes one.
    /// FLT-002.
    async fn a_change_of_a_person_happens_whole_or_not_at_all(db: Database) {
        let is_postgres = db.is_postgres();
        let (acme, directory) = Directory::start(db);
        let faulty = Faulty::in_the_way(&acme, is_postgres);
        let went_well = |status: u16, well: u16| {
            assert!(status == well || status == 500 || status == 503, "{status}");
            status == well
        };
        let made = at_each_row(&faulty, "making a person", async |armed| {
            armed();
            went_well(directory.post("/Users", &user("ada@acme.example")).await.status, 201)
        })
        .await;
        let found = directory.get("/Users?filter=userName%20eq%20%22ada%40acme.example%22").await;
        let id = found.body["Resources"][0]["id"].as_str().unwrap().to_owned();
        let mut rows = vec![made];
        for active in [false, true] {
            rows.push(at_each_row(&faulty, "a change of state", async |armed| {
                armed();
                let change = json!([{"op": "replace", "path": "active", "value": active}]);
                went_well(directory.patch(&format!("/Users/{id}"), change).await.status, 200)
            })
            .await);
        }
        let member = acme.join("mia@acme.example", "Mia", Role::Member);
        let mut olive: Browser = acme.owner().await;
        rows.push(at_each_row(&faulty, "removing a member", async |armed| {
            olive.get(&acme.to(&format!("/members/{member}/remove"))).await;
            armed();
            olive.submit("Remove Mia", &[]).await;
            went_well(olive.status(), 200)
        })
        .await);
        assert!(rows.iter().all(|rows| *rows >= 2), "{rows:?}");
    }
}
