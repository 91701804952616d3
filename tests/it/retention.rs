//! How long records are kept: a setting that says what it does, and a job that does it.

use vestibule::audit::Actor;
use vestibule::retention::{Retention, change, sweep};
use vestibule::store::time::DAY;

use crate::support::provider::Person;
use crate::support::{Acme, Browser, Front};

fn later(acme: &Acme, days: i64) {
    acme.installation.site.clock.advance(days * DAY);
}

async fn swept(acme: &Acme) -> (usize, usize, usize) {
    let site = &acme.installation.site;
    let swept = sweep(&site.store, site.now()).await.unwrap();
    (swept.sign_ins, swept.claims, swept.denials)
}

both_databases! {
    /// After their time first the claims go, then the row of the queue, then the record; what is younger stays.
    /// BAK-006.
    async fn records_go_when_their_time_has_come(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        front.provider.next(Person::new("sub-sam", "sam@acme.example").in_groups(&["eng"]));
        Browser::new().get(&acme.sign_in()).await.sees("Access denied");
        acme.write(|conn, now| {
            let wanted = Retention { record_days: 60, claim_days: 10, denial_days: 30, version: 0 };
            change(conn, now, &Actor::operator(), &acme.organization, &wanted, 0)
        });
        assert_eq!(swept(acme).await, (0, 0, 0));
        later(acme, 11);
        front.provider.next(Person::new("sub-tim", "tim@acme.example").in_groups(&["ops"]));
        front.later(0);
        assert_eq!(swept(acme).await, (0, 1, 0));
        let claims = acme.rows("sign_ins", "email name groups_json evidence_json ip user_agent subject");
        let sam = claims.iter().find(|row| row.contains("sam@acme.example")).unwrap();
        assert!(sam.contains("subject=sub-sam") && !sam.contains("eng") && !sam.contains("Sam Example") && !sam.contains("127.0.0.1"), "{sam}");
        assert_eq!(swept(acme).await, (0, 0, 0), "what is done is not done again");
        later(acme, 20);
        assert_eq!(swept(acme).await, (0, 0, 1));
        assert_eq!(acme.count("denials"), 0);
        later(acme, 30);
        assert_eq!(swept(acme).await.0, 1);
        assert_eq!(acme.count("sign_ins WHERE protocol <> 'password'"), 0);
        assert_eq!(acme.count("audit_events WHERE action = 'retention.applied' AND actor_kind = 'system'"), 3);
    }

    /// Many rows go in small transactions, and all of them.
    /// RES-010.
    async fn many_rows_go_batch_by_batch(db: Database) {
        let acme = Acme::alone(db);
        let now = acme.installation.site.now();
        let organization = &acme.organization;
        let rows: Vec<String> = (0..1_234)
            .map(|number| format!("('s{number:05}', '{organization}', 'oidc', {}, 'denied', 'not_invited', 'r{number}', 'Somebody')", now - 400 * DAY))
            .collect();
        acme.run(&format!("INSERT INTO sign_ins (id, organization_id, protocol, at, outcome, reason, reference, name) VALUES {}", rows.join(",")));
        assert_eq!(swept(&acme).await.0, 1_234);
        assert_eq!(acme.count("sign_ins WHERE name = 'Somebody'"), 0);
    }

    /// The page says what is kept, for how long and why; a mistake comes back; of two changes the second is told.
    async fn owners_say_how_long(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/settings")).await.click("What is kept, for how long and why").await;
        olive.sees("365 days").sees("To say why somebody was let in or denied").sees("30 days (set by the operator)");
        let mut late = olive.clone();
        olive.submit("Save these times", &[("claim_days", "400")]).await.sees("can’t be kept longer");
        assert_eq!(olive.status(), 422);
        olive.submit("Save these times", &[("claim_days", "20")]).await.sees("is changed").sees("20 days");
        late.submit("Save these times", &[("claim_days", "30")]).await.sees("Somebody else changed this meanwhile");
        assert_eq!(late.status(), 409);
        assert_eq!(acme.count("audit_events WHERE action = 'retention.changed'"), 1);
    }

    /// What is kept for minutes goes in small transactions too: whoever signs in meanwhile does not wait for all of it.
    /// RES-010.
    async fn short_lived_rows_go_a_few_at_a_time(db: Database) {
        let acme = Acme::alone(db);
        let (site, of) = (&acme.installation.site, |row: &dyn Fn(usize) -> String| {
            (0..600).map(row).collect::<Vec<_>>().join(", ")
        });
        let strangers = of(&|n| format!("('a{n}', 'p{n}@other.example', 'p{n}@other.example', '', 'p{n}', 'p{n}', {n})"));
        acme.run(&format!("INSERT INTO accounts (id, email, email_key, full_name, name_key, username, created_at) VALUES {strangers}"));
        acme.run(&format!("INSERT INTO password_failures (key, failures, last_at) VALUES {}", of(&|n| format!("('k{n}', 1, {n})"))));
        site.store.statements().watch();
        assert_eq!(vestibule::sign_in::sweep(&site.store, site.now(), 30).await, Ok(1_200));
        let asked = site.store.statements().telling();
        for table in ["accounts", "password_failures", "attempts"] {
            let begins = format!("DELETE FROM {table} ");
            // 250, 250, 100, and a last time to see that nothing is left.
            assert_eq!(asked.iter().filter(|statement| statement.starts_with(&begins)).count(), 4, "{table}");
        }
        assert_eq!(acme.count("accounts"), 1, "the owner");
        assert_eq!(vestibule::sign_in::sweep(&site.store, site.now(), 30).await, Ok(0));
    }
}
