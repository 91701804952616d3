//! The way to the database is cut: at a commit, so that nobody knows whether it happened; or for long.

use vestibule::store::time;

use crate::support::directory::user;
use crate::support::provider::Provider;
use crate::support::wire::{Cut, Wire};
use crate::support::{Acme, Browser, Database, Directory, Installation, on_the_server};

/// Acme behind a wire to its PostgreSQL. The database stays until it goes.
fn acme_at(wire: &Wire, db: Database, provider: &Provider) -> Acme {
    let installation = Installation::start_with(db, |config| config.database_url = wire.url());
    Acme::start_in(
        installation,
        provider.issuer(),
        provider.client_id(),
        provider.client_secret(),
    )
}

/// The name of the database at this address.
fn name_of(url: &str) -> String {
    let path = url.split("///").nth(1).unwrap();
    path.split('?').next().unwrap().to_owned()
}

/// Somebody who was invited comes in, and the wire is cut at one commit after the other, before and after it arrives:
/// they are told that it is not known, come again, and are in: once, on one seat.
/// FLT-003, FLT-023.
#[actix_web::test]
async fn a_commit_that_is_not_answered_counts_once() {
    let db = Database::postgres();
    let wire = Wire::to(db.url());
    let provider = Provider::start().await;
    let acme = acme_at(&wire, db, &provider);
    let mut cuts = 0;
    for cut in [Cut::Before, Cut::After] {
        for through in 0.. {
            let email = format!("p{through}-{cut:?}@acme.example").to_lowercase();
            acme.invite(&email);
            provider.person(&email, &email);
            let mut browser = Browser::new();
            browser.stop_before("/callback").get(&acme.sign_in()).await;
            assert!(browser.held().is_some(), "{}", browser.text());
            wire.cut(cut, through);
            browser.resume().await;
            let was_cut = wire.mend();
            assert!(
                matches!(browser.status(), 200 | 503),
                "{cut:?} {through}: {} {}",
                browser.status(),
                browser.text()
            );
            if browser.status() != 200 {
                assert!(browser.header("x-request-id").is_some(), "{}", browser.text());
                assert!(browser.header("content-security-policy").is_some());
                assert!(browser.header("retry-after").is_some());
                assert!(browser.cookie("vestibule_session").is_none());
            }
            browser.get(&acme.sign_in()).await.sees(&email);
            let person =
                format!("members m JOIN accounts a ON a.id = m.account_id WHERE a.email_key = '{email}'");
            assert_eq!(acme.count(&person), 1, "{cut:?} {through}");
            let accepted = format!("invitations WHERE email_key = '{email}' AND state = 'accepted'");
            assert_eq!(acme.count(&accepted), 1, "{cut:?} {through}");
            if !was_cut {
                break;
            }
            cuts += 1;
        }
    }
    assert!(cuts >= 4, "{cuts}");
    let people = acme.count("members");
    assert_eq!(acme.count("audit_events WHERE action = 'member.joined'"), people);
    assert_eq!(
        acme.count("audit_events WHERE action = 'invitation.accepted'"),
        people - 1
    );
    let found = acme.read(|conn| Ok(vestibule::audit::verify::verify(conn, &[])?));
    assert!(found.broken.is_empty(), "{found:?}");
}

/// A directory whose change was cut off at the commit is told that nobody knows; it asks again, and there is one person.
/// FLT-003.
#[actix_web::test]
async fn a_directory_asks_again_and_there_is_one_person() {
    let db = Database::postgres();
    let wire = Wire::to(db.url());
    let provider = Provider::start().await;
    let acme = acme_at(&wire, db, &provider);
    let directory = Directory::of(&acme);
    for (cut, again) in [(Cut::Before, 201), (Cut::After, 409)] {
        let email = format!("{cut:?}@acme.example").to_lowercase();
        wire.cut(cut, 0);
        let told = directory.post("/Users", &user(&email)).await;
        assert!(wire.mend());
        assert_eq!(told.status, 503, "{cut:?}: {}", told.body);
        assert!(
            told.body["detail"].as_str().unwrap().contains("not known"),
            "{}",
            told.body
        );
        assert_eq!(
            directory.post("/Users", &user(&email)).await.status,
            again,
            "{cut:?}"
        );
        assert_eq!(directory.find(&format!("userName eq \"{email}\"")).await, [email]);
    }
}

/// A server that is cut off in the middle of a transaction holds the organization no longer than PostgreSQL is told to
/// wait for it: then another server goes on, and what the first one had begun is not done.
/// FLT-014.
#[actix_web::test]
async fn a_server_that_is_cut_off_holds_nobody_up() {
    let db = Database::postgres();
    let (wire, url) = (Wire::to(db.url()), db.url().to_owned());
    let name = name_of(&url);
    on_the_server(&format!(
        "ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '700ms'"
    ));
    let provider = Provider::start().await;
    let acme = acme_at(&wire, db, &provider);
    let directory = Directory::of(&acme);
    let key_file = acme.installation.site.config.key_file.clone();
    let other = crate::support::program::Serving::of(&url, &key_file).start();
    let elsewhere = Directory {
        base: format!("{}/scim/v2", other.url),
        ..directory.clone()
    };
    wire.cut(Cut::Silent, 0);
    let lost = directory.clone();
    let asked = actix_web::rt::spawn(async move { lost.post("/Users", &user("lost@acme.example")).await });
    while !wire.is_cut() {
        tokio::task::yield_now().await;
    }
    elsewhere.provision("found@acme.example").await;
    assert_eq!(elsewhere.find("userName eq \"lost@acme.example\"").await, [""; 0]);
    assert!(wire.mend());
    let told = asked.await.unwrap();
    assert_eq!(told.status, 503, "{}", told.body);
    directory.provision("lost@acme.example").await;
    assert_eq!(acme.count("scim_users"), 2);
    let held = acme.read(|conn| Ok(vestibule::audit::verify::verify(conn, &[])?));
    assert!(held.broken.is_empty(), "{held:?}");
}

/// What waits for a lock, and a transaction of which nothing is heard, end by themselves; what the operator told the
/// database stands.
/// FLT-014.
#[actix_web::test]
async fn connections_have_limits_unless_the_database_has_its_own() {
    let db = Database::postgres();
    let name = name_of(db.url());
    let limits = |url: &str| {
        let store = vestibule::store::Store::open(url).unwrap();
        let shown = |name: &str| {
            let question = format!("SELECT current_setting('{name}') AS line");
            store
                .read(|conn| -> vestibule::store::Result<String> {
                    #[derive(diesel::QueryableByName)]
                    struct Line {
                        #[diesel(sql_type = diesel::sql_types::Text)]
                        line: String,
                    }
                    use diesel::RunQueryDsl as _;
                    let line: Line = diesel::sql_query(question).get_result(conn)?;
                    Ok(line.line)
                })
                .unwrap()
        };
        [
            shown("lock_timeout"),
            shown("idle_in_transaction_session_timeout"),
        ]
    };
    assert_eq!(limits(db.url()), ["20s", "1min"]);
    on_the_server(&format!("ALTER DATABASE {name} SET lock_timeout = '3s'"));
    assert_eq!(limits(db.url()), ["3s", "1min"]);
}

/// Without its database a server says so soon, to many at once; what needs no database is answered; and it goes on by
/// itself.
/// FLT-004.
#[actix_web::test]
async fn without_a_database_everybody_is_told_soon() {
    let db = Database::postgres();
    let name = name_of(db.url());
    let (acme, directory) = Directory::start(db);
    let mut owner = acme.owner().await;
    let gone = |gone: bool| {
        on_the_server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {}", !gone));
        on_the_server(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
    };
    gone(true);
    let began = time::now();
    let many = (0..60).map(|number| {
        let directory = directory.clone();
        actix_web::rt::spawn(async move {
            directory
                .post("/Users", &user(&format!("p{number}@acme.example")))
                .await
        })
    });
    for told in many.collect::<Vec<_>>() {
        let told = told.await.unwrap();
        assert_eq!(
            (told.status, told.header("retry-after")),
            (503, "1"),
            "{}",
            told.body
        );
    }
    println!("60 directories were told in {} ms", time::now() - began);
    owner.get(&acme.to("")).await.sees("Try again in a moment");
    assert_eq!((owner.status(), owner.header("retry-after")), (503, Some("5")));
    assert!(owner.header("x-request-id").is_some());
    assert!(owner.header("content-security-policy").is_some());
    let nobody = crate::support::Caller::nobody();
    assert_eq!(nobody.get(&acme.installation.to("/healthz")).await.status, 200);
    assert_eq!(nobody.get(&acme.installation.to("/readyz")).await.status, 503);
    gone(false);
    while directory.post("/Users", &user("back@acme.example")).await.status == 503 {}
    assert_eq!(acme.count("scim_users"), 1);
}
