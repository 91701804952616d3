//! The audit log: what it tells, to whom, and how it is searched.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use serde_json::json;
use vestibule::access::{EmailAddress, Role};
use vestibule::accounts;
use vestibule::audit::{self, Actor, Event, Subject};
use vestibule::members::{self, Doer};
use vestibule::orgs;
use vestibule::store::schema::audit_events;
use vestibule::store::time::DAY;

use crate::support::Acme;
use crate::support::acme::OWNER;

/// Writes an entry as a change does.
fn write(acme: &Acme, organization: &str, actor: &str, action: &str, name: &str) -> String {
    acme.write(|conn, now| {
        let event = Event {
            organization: Some(organization),
            action,
            subject: Subject {
                kind: "member",
                id: "m1",
                name,
            },
            before: Some(json!({"role": "member", "teams": ["a", "b"]})),
            after: Some(json!({"role": "admin", "teams": ["a", "b"]})),
        };
        audit::record(conn, now, &Actor::person("x", actor, "203.0.113.7"), &event)?;
        Ok(audit_events::table
            .order(audit_events::id.desc())
            .select(audit_events::id)
            .filter(audit_events::organization_id.eq(organization))
            .first(conn)?)
    })
}

both_databases! {
    /// ADM-013.
    async fn an_entry_says_who_did_what_to_whom(db: Database) {
        let acme = Acme::alone(db);
        write(&acme, &acme.organization, "Ada Lovelace", "member.role_changed", "Mary Jones");
        let mut owner = acme.owner().await;
        owner
            .get(&acme.to("/audit")).await
            .sees("Changed a member’s role Mary Jones Ada Lovelace")
            .sees("Made the organization")
            .sees("Came in by password")
            .sees("203.0.113.7");
        owner.click("Changed a member’s role").await
            .sees("Changed a member’s role: Mary Jones")
            .sees("member.role_changed")
            .sees("role changed member admin")
            .sees("teams a, b a, b");
        assert!(owner.body().contains("href=\"/orgs/acme/members/m1\""));
        owner.click("Every entry about it").await.sees("1 entry on this page, to “m1”; newest first");
    }

    async fn the_log_is_filtered_by_its_address(db: Database) {
        let acme = Acme::alone(db);
        write(&acme, &acme.organization, "ÉLODIE 100%", "moon.landed", "Apollo_11");
        let day = |at| vestibule::store::time::machine(at)[..10].to_owned();
        let today = day(acme.installation.site.now());
        acme.installation.site.clock.advance(2 * DAY);
        let mut owner = acme.owner().await;
        let sees = [
            ("actor=%C3%A9lodie", true),
            ("actor=%25", true),
            ("actor=olive", false),
            ("action=moon.landed", true),
            ("action=member.removed", false),
            ("subject=apollo_1", true),
            ("subject=apollo%25", false),
            ("subject=m1", true),
            (&format!("from={today}&to={today}"), true),
            (&format!("from={}", day(acme.installation.site.now())), false),
        ];
        for (query, expected) in sees {
            owner.get(&acme.to(&format!("/audit?{query}"))).await;
            assert_eq!(owner.status(), 200, "{query}");
            assert_eq!(owner.body().contains("<code>moon.landed</code></a>"), expected, "{query}");
        }
        owner.get(&acme.to("/audit?actor=nobody")).await.sees("No entry matches");
        owner.get(&acme.to(&format!("/audit?actor={}&action=sign_in.by_password", OWNER.to_uppercase()))).await.sees("Olive Owner");
    }

    /// A whole address, username or name finds what was done to that person, whatever an entry calls them.
    async fn a_person_is_found_by_any_of_their_names(db: Database) {
        let acme = Acme::alone(db);
        acme.invite("lee@harbor.example");
        let lee = acme.join("lee@harbor.example", "Lee Long", Role::Member);
        let other = acme.join("long@harbor.example", "Long Lee", Role::Member);
        acme.write(|conn, now| {
            for id in [&lee, &other] {
                let version = members::find(conn, &acme.organization, id)?.unwrap().version;
                members::actions::remove(conn, now, &Doer::operator(), &acme.organization, id, version)?;
            }
            Ok(())
        });
        let username = acme.read(|conn| {
            let email = EmailAddress::parse("lee@harbor.example").unwrap();
            Ok(accounts::find_by_email(conn, &email)?.unwrap().username)
        });
        let mut owner = acme.owner().await;
        for text in ["lee@harbor.example", "LEE@Harbor.Example", "Lee+Long", "lee+long", &username, &lee] {
            owner.get(&acme.to(&format!("/audit?subject={text}"))).await.does_not_see("Long Lee");
            for what in ["Invited", "Removed a member"] {
                assert!(owner.body().contains(&format!(">{what}</a>")), "{text}: {what}\n{}", owner.text());
            }
            owner.get(&acme.to(&format!("/audit.csv?subject={text}"))).await;
            assert!(owner.body().contains("member.removed") && owner.body().contains("invitation."), "{text}");
        }
        // Part of a name is only part of a name.
        owner.get(&acme.to("/audit?subject=lee+lo")).await;
        assert!(!owner.body().contains(">Invited</a>"), "{}", owner.text());
    }

    async fn the_log_is_paged_by_key(db: Database) {
        let acme = Acme::alone(db);
        for number in 0..110 {
            write(&acme, &acme.organization, "Ada", "moon.landed", &format!("Apollo {number:03}"));
        }
        let mut owner = acme.owner().await;
        owner.get(&acme.to("/audit?action=moon.landed")).await.sees("Apollo 109").does_not_see("Apollo 059");
        owner.click("Next page").await.sees("Apollo 059").sees("Apollo 010").does_not_see("Apollo 009");
        owner.click("Next page").await.sees("Apollo 009").does_not_see("Next page");
        owner.click("Previous page").await.sees("Apollo 059").does_not_see("Apollo 060");
    }

    /// OUT-003.
    async fn names_from_outside_are_shown_as_they_are(db: Database) {
        let acme = Acme::alone(db);
        let evil = format!("<b>\u{202e}x\0\n{}", "y".repeat(9_000));
        let id = write(&acme, &acme.organization, &evil, "<script>", &evil);
        let mut owner = acme.owner().await;
        for page in ["/audit".to_owned(), format!("/audit/{id}")] {
            owner.get(&acme.to(&page)).await.sees("<b>\\u{202e}x");
            assert_eq!(owner.status(), 200);
            assert!(!owner.body().contains("<b>") && !owner.body().contains("<script>"), "{page}");
        }
    }

    /// ADM-003.
    async fn only_administrators_of_the_organization_read_the_log(db: Database) {
        let acme = Acme::alone(db);
        acme.join("mia@acme.example", "Mia", Role::Member);
        acme.join("adam@acme.example", "Adam", Role::Admin);
        let beta = orgs::Settings { name: "Beta".into(), ..acme.now().settings };
        acme.write(|conn, now| orgs::actions::create(conn, now, &Actor::operator(), "beta", beta));
        let beta = acme.read(|conn| Ok(orgs::find_by_slug(conn, "beta")?.unwrap().id));
        let foreign = write(&acme, &beta, "Zoe", "moon.landed", "Beta’s secret");
        let own = write(&acme, &acme.organization, "Ada", "moon.landed", "Apollo");
        let (mut mia, mut adam) = (acme.signed_in("mia@acme.example").await, acme.signed_in("adam@acme.example").await);
        for (page, member, admin) in [
            ("/audit".to_owned(), 403, 200),
            (format!("/audit/{own}"), 403, 200),
            (format!("/audit/{foreign}"), 403, 404),
        ] {
            assert_eq!(mia.get(&acme.to(&page)).await.status(), member, "{page}");
            assert_eq!(adam.get(&acme.to(&page)).await.status(), admin, "{page}");
            adam.does_not_see("Beta’s secret");
        }
    }

    /// Every change finds its chain whole; what is done to the tables behind the application's back is refused, or is
    /// named where the triggers were taken away first.
    /// ADM-012.
    async fn the_log_is_append_only_and_chained(db: Database) {
        let is_postgres = db.is_postgres();
        let acme = Acme::alone(db);
        let ids: Vec<String> = (0..5)
            .map(|number| write(&acme, &acme.organization, "Ada", "moon.landed", &format!("Apollo {number}")))
            .collect();
        let whole = acme.read(|conn| Ok(audit::verify::verify(conn, &[])?));
        assert!(whole.broken.is_empty() && whole.entries > 10, "{whole:?}");
        for change in [
            format!("UPDATE audit_events SET actor_name = 'Eve' WHERE id = '{}'", ids[2]),
            format!("DELETE FROM audit_events WHERE id = '{}'", ids[2]),
            "DELETE FROM audit_events".to_owned(),
            "DELETE FROM audit_heads".to_owned(),
            "UPDATE audit_heads SET seq = 0".to_owned(),
            "DELETE FROM organizations".to_owned(),
        ] {
            let error = acme.try_run(&change).unwrap_err();
            assert!(error.contains("append-only"), "{change}: {error}");
        }
        if is_postgres {
            assert!(acme.try_run("TRUNCATE audit_events").unwrap_err().contains("append-only"));
        }
        // Whoever owns the database can take the triggers away. Then the chain tells.
        for trigger in ["audit_events_never_change", "audit_events_never_go"] {
            acme.run(&format!("DROP TRIGGER {trigger}{}", if is_postgres { " ON audit_events" } else { "" }));
        }
        let first_broken = || {
            let found = acme.read(|conn| Ok(audit::verify::verify(conn, &[])?));
            assert_eq!(found.broken.len(), 1, "{found:?}");
            assert_eq!(found.broken[0].chain, acme.organization);
            found.broken[0].what.clone()
        };
        acme.run(&format!("UPDATE audit_events SET actor_name = 'Eve' WHERE id = '{}'", ids[2]));
        assert!(first_broken().contains(&ids[2]), "{}", first_broken());
        acme.run(&format!("UPDATE audit_events SET actor_name = 'Ada' WHERE id = '{}'", ids[2]));
        assert!(acme.read(|conn| Ok(audit::verify::verify(conn, &[])?)).broken.is_empty());
        acme.run(&format!("DELETE FROM audit_events WHERE id = '{}'", ids[4]));
        assert!(first_broken().contains("the last entries are missing"), "{}", first_broken());
        acme.run(&format!("DELETE FROM audit_events WHERE id = '{}'", ids[2]));
        assert!(first_broken().ends_with("is missing"), "{}", first_broken());
    }

    /// Several who write at once, for organizations and for none, leave whole chains.
    /// ADM-012.
    async fn writers_at_once_leave_whole_chains(db: Database) {
        let acme = Acme::alone(db);
        let beta = orgs::Settings { name: "Beta".into(), ..acme.now().settings };
        acme.write(|conn, now| orgs::actions::create(conn, now, &Actor::operator(), "beta", beta));
        let beta = acme.read(|conn| Ok(orgs::find_by_slug(conn, "beta")?.unwrap().id));
        let store = acme.installation.site.store.clone();
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, organizations) = (store.clone(), [acme.organization.clone(), beta.clone()]);
                std::thread::spawn(move || {
                    for round in 0..15 {
                        // Some are taken back: nothing of them is left in the chain.
                        let outcome = store.write(|conn| {
                            for organization in [organizations.first(), organizations.last(), None] {
                                let event = Event {
                                    organization: organization.map(String::as_str),
                                    action: "moon.landed",
                                    ..Event::default()
                                };
                                audit::record(conn, round, &Actor::system(), &event)?;
                            }
                            if round % 5 == writer % 5 {
                                return Err(vestibule::store::DbError::RollbackTransaction);
                            }
                            Ok(())
                        });
                        assert_eq!(outcome.is_err(), round % 5 == writer % 5, "{outcome:?}");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        let found = acme.read(|conn| Ok(audit::verify::verify(conn, &[])?));
        assert!(found.broken.is_empty(), "{found:?}");
        assert_eq!(acme.count("audit_events WHERE action = 'moon.landed'"), 8 * 12 * 3);
    }

    /// What a program wrote that knew nothing of chains is given its place at the next start.
    async fn entries_of_an_older_program_are_given_a_place(db: Database) {
        let acme = Acme::alone(db);
        for number in 0..3 {
            acme.run(&format!(
                "INSERT INTO audit_events (id, organization_id, at, actor_kind, action) \
                 VALUES ('0{number}', {}, 5, 'person', 'moon.landed')",
                if number == 1 { "NULL".to_owned() } else { format!("'{}'", acme.organization) }
            ));
        }
        let found = acme.read(|conn| Ok(audit::verify::verify(conn, &[])?));
        assert!(found.broken[0].what.contains("has no place"), "{found:?}");
        assert_eq!(audit::tend::chain_up(&acme.installation.site.store).unwrap(), 3);
        let found = acme.read(|conn| Ok(audit::verify::verify(conn, &[])?));
        assert!(found.broken.is_empty(), "{found:?}");
    }

    /// Retention takes entries away by the one door, and the rest still verifies, also against anchors from before.
    /// BAK-006.
    async fn what_is_trimmed_leaves_a_chain_that_verifies(db: Database) {
        let acme = Acme::alone(db);
        let (store, folder) = (acme.installation.site.store.clone(), tempfile::tempdir().unwrap());
        let path = folder.path().join("anchors");
        for number in 0..4 {
            write(&acme, &acme.organization, "Ada", "moon.landed", &format!("Apollo {number}"));
        }
        // What belongs to no organization lies in a chain of the thread that writes: whoever trims is another one.
        let of_nobody = || {
            let (event, now) = (Event { action: "moon.seen", ..Event::default() }, acme.installation.site.now());
            for _ in 0..2 {
                store.write(|conn| audit::record(conn, now, &Actor::system(), &event)).unwrap();
            }
        };
        let from_threads = || {
            for _ in 0..3 {
                std::thread::scope(|scope| scope.spawn(of_nobody).join().unwrap());
            }
        };
        from_threads();
        let now = acme.installation.site.now();
        assert!(audit::tend::drop_anchor(&store, &path, now).unwrap() > 0);
        assert_eq!(audit::tend::drop_anchor(&store, &path, now).unwrap(), 0);
        assert_eq!(audit::tend::trim(&store, now, 30).await.unwrap(), 0);
        acme.installation.site.clock.advance(40 * DAY);
        write(&acme, &acme.organization, "Ada", "moon.landed", "Apollo 11");
        from_threads();
        let now = acme.installation.site.now();
        assert!(audit::tend::trim(&store, now, 30).await.unwrap() > 4);
        assert_eq!(audit::tend::trim(&store, now, 30).await.unwrap(), 0);
        let anchors = audit::verify::Anchor::read(&path).unwrap();
        let found = acme.read(|conn| Ok(audit::verify::verify(conn, &anchors)?));
        assert!(found.broken.is_empty(), "{found:?}");
        assert_eq!(acme.count("audit_events WHERE action = 'moon.landed'"), 1);
        assert!(audit::tend::drop_anchor(&store, &path, now).unwrap() > 0);
        let mut anchors = audit::verify::Anchor::read(&path).unwrap();
        let last = anchors.iter_mut().rev().find(|anchor| anchor.chain == acme.organization).unwrap();
        last.seq += 1;
        let found = acme.read(|conn| Ok(audit::verify::verify(conn, &anchors)?));
        assert!(found.broken[0].what.contains("older back-up"), "{found:?}");
        // A beginning that was moved by hand is told by no entry.
        acme.run(&format!(
            "UPDATE audit_heads SET first_seq = first_seq + 1, first_hash = 'x' WHERE chain = '{}'",
            acme.organization
        ));
        let found = acme.read(|conn| Ok(audit::verify::verify(conn, &[])?));
        assert_eq!(found.broken.len(), 1, "{found:?}");
    }

    /// The list as a file: what the filters leave, all of it, and nobody else's.
    /// UPL-006, BAK-007.
    async fn the_log_can_be_taken_along_as_a_file(db: Database) {
        let acme = Acme::alone(db);
        for number in 0..1_100 {
            let name = if number == 7 { "=2+3".to_owned() } else { format!("Apollo {number}") };
            write(&acme, &acme.organization, "Ada", "moon.landed", &name);
        }
        write(&acme, &acme.organization, "Ada", "mars.landed", "Viking");
        let mut owner = acme.owner().await;
        owner.get(&acme.to("/audit?action=moon.landed")).await.click("CSV").await;
        assert_eq!(owner.status(), 200);
        assert_eq!(owner.body().lines().count(), 1_101);
        assert!(owner.body().contains("\"'=2+3\"") && !owner.body().contains("Viking"));
        owner.get(&acme.to("/audit.jsonl?action=mars.landed")).await;
        let line: serde_json::Value = serde_json::from_str(owner.body().trim()).unwrap();
        assert_eq!((&line["subject"], line["hash"].as_str().unwrap().len()), (&json!("Viking"), 64));
        assert!(owner.header("content-disposition").unwrap().contains("audit.jsonl"));
    }
}
