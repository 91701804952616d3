//! The audit log: what it tells, to whom, and how it is searched.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use serde_json::json;
use vestibule::access::Role;
use vestibule::audit::{self, Actor, Event, Subject};
use vestibule::orgs;
use vestibule::store::schema::audit_events;
use vestibule::store::time::DAY;

use crate::support::Acme;

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
}
