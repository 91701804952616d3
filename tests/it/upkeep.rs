//! Back-ups and their return, the move between databases, new keys, and the doctor.

use std::path::Path;

use vestibule::store::Store;
use vestibule::store::catalog;
use vestibule::store::sealed::{self, Sealer};
use vestibule::store::time::now;
use vestibule::upkeep::doctor::{self, Weight};
use vestibule::upkeep::{Secret, backup, moving, rekey, restore};

use crate::support::program::Serving;
use crate::support::provider::Person;
use crate::support::{Acme, Database, Front};

fn secret() -> Secret {
    Secret::KeyFile(vec![7; 32])
}

fn sealer(acme: &Acme) -> Sealer {
    Sealer::from_file(&acme.installation.site.config.key_file).unwrap()
}

/// What the doctor finds broken, in its words.
fn broken(store: &Store, sealer: &Sealer) -> Vec<&'static str> {
    let findings = doctor::examine(store, Ok(sealer.clone()), now()).unwrap();
    let broken = findings
        .into_iter()
        .filter(|finding| finding.weight == Weight::Broken);
    broken.map(|finding| finding.what).collect()
}

/// Every table's digest, but for those that are named.
fn digests(store: &Store, but: &[&str]) -> Vec<(String, u64, String)> {
    store
        .read(|conn| -> vestibule::store::Result<_> {
            let mut all = Vec::new();
            for table in catalog::tables(conn)? {
                let sum = vestibule::store::copy::sum(conn, &table)?;
                if !but.contains(&table.name.as_str()) {
                    all.push((table.name, sum.rows, sum.digest()));
                }
            }
            Ok(all)
        })
        .unwrap()
}

/// Somebody came in, somebody was turned away, names that no format likes.
async fn lived(db: Database) -> Front {
    let front = Front::open(db).await;
    front.acme.invite("ada@acme.example");
    let people = [
        Person::new("ada", "ada@acme.example").named("Ada \"Countess\" \\", "\u{1f511} Lovelace"),
        Person::new("sam", "sam@acme.example").named("=2+3,\u{202e}'", ""),
    ];
    for person in people {
        front.provider.honest().be(person);
        front.at_the_callback().await.resume().await;
    }
    front.acme.invite("late@acme.example");
    front
}

fn restored(path: &Path, sealer: &Sealer, to: &Database) -> Result<(), String> {
    let store = Store::open(to.url()).unwrap();
    restore::restore(&store, sealer, now(), path, &secret())
        .map(drop)
        .map_err(|error| error.to_string())
}

both_databases! {
    /// A back-up that was taken while the server runs comes back whole, into a database of either kind; sessions,
    /// attempts and links of invitations do not come back with it.
    /// BAK-001, BAK-002.
    async fn a_back_up_comes_back_in_either_database(db: Database) {
        let front = lived(db).await;
        let (store, sealer) = (front.acme.installation.site.store.clone(), sealer(&front.acme));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        let counts = backup::write(&store, now(), &path, &secret()).unwrap();
        assert!(counts["sign_ins"] >= 2 && counts["sessions"] >= 1, "{counts:?}");
        let bytes = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("acme"));
        assert!(backup::write(&store, now(), &path, &secret()).unwrap_err().to_string().contains("there already"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        for to in [Database::sqlite(), Database::postgres()] {
            restored(&path, &sealer, &to).unwrap();
            let other = Store::open(to.url()).unwrap();
            let but = ["sessions", "attempts", "invitations", "installation_facts", "audit_events", "audit_heads"];
            assert_eq!(digests(&store, &but), digests(&other, &but));
            assert_eq!(broken(&other, &sealer), [""; 0]);
            let audit = |store: &Store| digests(store, &[]).into_iter().find(|(name, ..)| name == "audit_events").unwrap().1;
            assert_eq!(audit(&other), audit(&store) + 1);
            assert!(digests(&other, &[]).iter().all(|(name, rows, _)| name != "sessions" || *rows == 0));
            // Where it came to, there is somebody now.
            assert!(restored(&path, &sealer, &to).unwrap_err().contains("in use"));
        }
    }

    /// What does not open, is cut, or was written from other tables is refused with a sentence, and leaves nothing.
    /// BAK-003, BAK-008, UPL-012.
    async fn a_back_up_that_does_not_fit_is_refused(db: Database) {
        let front = lived(db).await;
        let (store, sealer) = (front.acme.installation.site.store.clone(), sealer(&front.acme));
        let (folder, to) = (tempfile::tempdir().unwrap(), Database::sqlite());
        let path = folder.path().join("backup");
        backup::write(&store, now(), &path, &secret()).unwrap();
        let target = Store::open(to.url()).unwrap();
        let empty = digests(&target, &[]);
        let error = restore::restore(&target, &sealer, now(), &path, &Secret::KeyFile(vec![8; 32])).unwrap_err();
        assert!(error.to_string().contains("does not open"), "{error}");
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 20, bytes.len() / 2, bytes.len() - 1] {
            let cut = folder.path().join(length.to_string());
            std::fs::write(&cut, &bytes[..length]).unwrap();
            assert!(restored(&cut, &sealer, &to).is_err(), "{length}");
        }
        let wrong = Sealer::new(&[1; 32]).unwrap();
        assert!(restored(&path, &wrong, &to).unwrap_err().contains("key file"));
        assert_eq!(digests(&target, &[]), empty);
    }

    /// Everything moves to a database of the other kind, and back, and is the same: sessions too.
    async fn everything_moves_to_the_other_database_and_back(db: Database) {
        let is_postgres = db.is_postgres();
        let front = lived(db).await;
        let store = front.acme.installation.site.store.clone();
        let databases = if is_postgres {
            [Database::sqlite(), Database::postgres()]
        } else {
            [Database::postgres(), Database::sqlite()]
        };
        let [there, back] = databases.each_ref().map(|database| Store::open(database.url()).unwrap());
        moving::copy(&store, &there, now()).unwrap();
        moving::copy(&there, &back, now()).unwrap();
        assert_eq!(digests(&store, &[]), digests(&back, &[]));
        assert!(moving::copy(&store, &there, now()).unwrap_err().to_string().contains("in use"));
        assert_eq!(broken(&back, &sealer(&front.acme)), [""; 0]);
    }

    /// A new key while the server runs: sign-ins go on, the run may be interrupted, and the old key goes last.
    /// SEC-003.
    async fn a_new_key_reaches_every_secret_and_running_servers(db: Database) {
        let front = Front::open(db).await;
        let (store, path) = (front.acme.installation.site.store.clone(), front.acme.installation.site.config.key_file.clone());
        assert!(rekey::finish(&store, &path, now()).unwrap_err().to_string().contains("one key"));
        // An earlier run got no further than the file.
        sealed::add_key(&path).unwrap();
        let done = rekey::begin(&store, &path, now()).unwrap();
        assert!(done.sealed >= 1 && done.lost == 0, "{done:?}");
        assert_eq!(Sealer::from_file(&path).unwrap().keys(), 2);
        front.acme.invite("ada@acme.example");
        front.provider.honest().person("ada", "ada@acme.example");
        let mut browser = front.at_the_callback().await;
        browser.resume().await.sees("ada@acme.example");
        assert_eq!(rekey::begin(&store, &path, now()).unwrap().sealed, 0);
        rekey::finish(&store, &path, now()).unwrap();
        let last = Sealer::from_file(&path).unwrap();
        assert_eq!((last.keys(), broken(&store, &last)), (1, vec![]));
    }

    /// With another key file, or none, the server does not start, and nothing is made in its place.
    /// SEC-004.
    async fn a_wrong_key_file_is_told_at_the_start(db: Database) {
        let acme = Acme::alone(db);
        let folder = tempfile::tempdir().unwrap();
        let mut config = vestibule::config::Config::clone(&acme.installation.site.config);
        config.key_file = folder.path().join("other.key");
        let start = |config: &vestibule::config::Config| {
            vestibule::app::Vestibule::open(config.clone(), vestibule::store::time::Clock::system()).map(drop)
        };
        assert!(start(&config).unwrap_err().contains("is not there"));
        assert!(!config.key_file.exists());
        drop(Sealer::from_file(&config.key_file).unwrap());
        assert!(start(&config).unwrap_err().contains("is not the one"));
        config.key_file.clone_from(&acme.installation.site.config.key_file);
        start(&config).unwrap();
    }

    /// The doctor says what is wrong, and nothing where nothing is.
    async fn the_doctor_names_what_must_not_be(db: Database) {
        let front = lived(db).await;
        let acme = &front.acme;
        let (store, sealer) = (acme.installation.site.store.clone(), sealer(acme));
        assert_eq!(broken(&store, &sealer), [""; 0]);
        for (harm, mend, what) in [
            ("UPDATE accounts SET state = 'deactivated' WHERE email_key = 'ada@acme.example'",
             "UPDATE accounts SET state = 'active'", "Nobody who is deactivated has a session"),
            ("UPDATE invitations SET member_id = NULL WHERE state = 'accepted'", "", "An accepted invitation made a member"),
            ("UPDATE denials SET last_sign_in_id = 'x'", "", "Every person in the queue of the denied has a record"),
            ("UPDATE members SET role = 'member' WHERE role = 'owner'", "", "An organization that has members has an active owner"),
            ("UPDATE connections SET client_secret_sealed = '2.x.AAAA.AAAA'", "", "Every sealed secret opens with the key file"),
            ("UPDATE audit_heads SET seq = seq + 1", "", "The audit log’s chains are whole"),
        ] {
            acme.run(harm);
            assert!(broken(&store, &sealer).contains(&what), "{what}: {:?}", broken(&store, &sealer));
            acme.run(if mend.is_empty() { "SELECT 1" } else { mend });
        }
        acme.run("UPDATE organizations SET seats = 0");
        let findings = doctor::examine(&store, Ok(sealer), now()).unwrap();
        assert!(findings.iter().any(|finding| finding.weight == Weight::Note && finding.who == ["acme"]));
    }
}

/// What is asked of an installation begins none where there is none: it says where it looked, and leaves no file behind.
#[test]
fn commands_begin_no_installation() {
    let folder = tempfile::tempdir().unwrap();
    let (database, key) = (
        folder.path().join("nowhere.db"),
        folder.path().join("nowhere.key"),
    );
    let serving = Serving::of(&format!("sqlite:{}", database.display()), &key);
    let email = "--email=olive@acme.example";
    for words in [
        &["doctor"][..],
        &["audit", "verify"],
        &["rekey"],
        &["reset-password", email],
        &["make-operator", email],
        &["scim-token", "--org=acme", "--connection=okta", "--name=x"],
        &["explain", "--org=acme", "--connection=okta", email],
    ] {
        let done = serving.run(words);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            !done.status.success() && said.contains("There is no database"),
            "{words:?}: {said}"
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
