//! A switch at a set time, and a switch that makes itself back.

use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::previews::make_planned;
use vestibule::store::time::{DAY, HOUR, MINUTE, machine};
use vestibule::{members, notices};

use super::{comes, page, person};
use crate::support::peer::MailServer;
use crate::support::{Acme, Browser, Front, Installation};

const OFF: &str = "Turn off just-in-time provisioning";

/// So long from now, as a field for date and time has it.
fn from_now(acme: &Acme, milliseconds: i64) -> String {
    machine(acme.installation.site.now() + milliseconds)[..16].to_owned()
}

/// The owner asks for just-in-time provisioning off in an hour.
async fn planned(acme: &Acme, most_denied: &str) -> Browser {
    let mut olive = acme.owner().await;
    olive.get(&page(acme, "/jit")).await;
    let when = from_now(acme, HOUR);
    let answers = [
        ("word", "acme"),
        ("when", when.as_str()),
        ("most_denied", most_denied),
    ];
    olive
        .submit(OFF, &answers)
        .await
        .sees("Until then it can be cancelled here");
    assert!(acme.connection().jit, "nothing is switched before its time");
    olive
}

async fn looked_after(acme: &Acme) -> usize {
    make_planned(&acme.installation.site).await.unwrap()
}

fn audited(acme: &Acme, action: &str) -> usize {
    let rows = acme.rows("audit_events", "action");
    rows.iter()
        .filter(|row| row.contains(&format!("action={action}")))
        .count()
}

/// Titles of the letters to owners that are due.
async fn told(acme: &Acme) -> Vec<String> {
    notices::look(&acme.installation.site).await.unwrap();
    acme.rows("letters", "kind subject")
        .into_iter()
        .filter(|row| row.contains("kind=security") && row.contains("switch"))
        .collect()
}

both_databases! {
    /// It is made at its time, by one of two servers, told to the owners, and shown until then and afterwards.
    async fn a_planned_switch_is_made_at_its_time_and_once(db: Database) {
        let server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let front = Front::open_in(installation).await;
        let acme = &front.acme;
        acme.jit(true);
        told(acme).await;
        let olive = planned(acme, "").await;
        olive.sees("Just-in-time provisioning is turned off").sees("Cancel it…");
        comes(&front, &person("mia")).await;
        front.later(HOUR - 2 * MINUTE);
        assert_eq!(looked_after(acme).await, 0);
        assert!(acme.connection().jit);
        front.later(3 * MINUTE);
        let another = acme.installation.another();
        let (one, other) = tokio::join!(make_planned(&acme.installation.site), make_planned(&another.site));
        assert_eq!(one.unwrap() + other.unwrap(), 1);
        assert!(!acme.connection().jit);
        assert_eq!((audited(acme, "connection.switched_as_planned"), audited(acme, "connection.jit_changed")), (1, 3));
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "")).await.sees("as Olive Owner planned").does_not_see("Cancel it…");
        let letters = told(acme).await;
        assert!(letters.len() == 1 && letters[0].contains("A planned switch of Acme ID was made"), "{letters:?}");
        comes(&front, &person("dora")).await.sees("Access denied");
        assert_eq!(looked_after(acme).await, 0);
        drop(another);
    }

    /// Somebody would be denied whom the page did not name: nothing is switched, and the owners are told why.
    async fn a_planned_switch_denies_nobody_whom_its_page_did_not_name(db: Database) {
        let server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let front = Front::open_in(installation).await;
        let acme = &front.acme;
        comes(&front, &person("dora")).await.sees("Access denied");
        acme.jit(true);
        told(acme).await;
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/jit")).await.sees("1 person would be denied").sees("dora@acme.example");
        let when = from_now(acme, HOUR);
        olive.submit(OFF, &[("word", "acme"), ("when", &when)]).await.sees("can be cancelled");
        acme.jit(false);
        comes(&front, &person("egon")).await.sees("Access denied");
        acme.jit(true);
        front.later(HOUR + MINUTE);
        assert_eq!(looked_after(acme).await, 1);
        assert!(acme.connection().jit);
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "")).await.sees("was not turned off").sees("1 person whom its page did not name");
        let letters = told(acme).await;
        assert!(letters.len() == 1 && letters[0].contains("was not made"), "{letters:?}");
        // Now both are named, and it is made.
        olive.get(&page(acme, "/jit")).await.sees("2 people would be denied");
        let when = from_now(acme, HOUR);
        olive.submit(OFF, &[("word", "acme"), ("when", &when)]).await;
        front.later(HOUR + MINUTE);
        assert_eq!((looked_after(acme).await, acme.connection().jit), (1, false));
    }

    /// More people are denied within the hour than was said: it is made back, told, and audited. Not more: it stays.
    async fn a_switch_makes_itself_back_where_too_many_are_denied(db: Database) {
        let server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let front = Front::open_in(installation).await;
        let acme = &front.acme;
        acme.jit(true);
        told(acme).await;
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/jit")).await;
        olive.submit(OFF, &[("word", "acme"), ("most_denied", "1")]).await.sees("It is watched for an hour");
        assert!(!acme.connection().jit);
        olive.sees("It makes itself back if more than 1 person is denied within an hour").sees("Let it be as it is…");
        for _ in 0..3 {
            comes(&front, &person("dora")).await.sees("Access denied");
        }
        front.later(MINUTE);
        assert_eq!((looked_after(acme).await, acme.connection().jit), (0, false), "one person is not too many");
        comes(&front, &person("egon")).await.sees("Access denied");
        assert_eq!((looked_after(acme).await, acme.connection().jit), (1, true));
        assert_eq!(audited(acme, "connection.switched_back"), 1);
        let letters = told(acme).await;
        assert!(letters.len() == 1 && letters[0].contains("was made back by itself"), "{letters:?}");
        olive.get(&page(acme, "")).await.sees("2 people were denied within an hour");
        comes(&front, &person("egon")).await.does_not_see("Access denied");
        // Again, and nobody comes in its hour. The clock stands still between requests: the last denial was in this moment.
        front.later(MINUTE);
        olive.get(&page(acme, "/jit")).await;
        olive.submit(OFF, &[("word", "acme"), ("most_denied", "0")]).await;
        front.later(HOUR + MINUTE);
        comes(&front, &person("late")).await.sees("Access denied");
        assert_eq!((looked_after(acme).await, acme.connection().jit), (1, false));
        assert_eq!((looked_after(acme).await, audited(acme, "connection.switched_back")), (0, 1));
    }

    /// It is cancelled by any owner, refuses to be planned twice, and does nothing when its planner is no longer an owner.
    async fn a_planned_switch_is_cancelled(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let mut olive = planned(acme, "5").await;
        olive.sees("It makes itself back if more than 5 people are denied");
        let mut twice = olive.new_tab();
        twice.get(&page(acme, "/jit")).await;
        let when = from_now(acme, HOUR);
        twice.submit(OFF, &[("word", "acme"), ("when", &when)]).await.sees("planned this switch already");
        assert_eq!(twice.status(), 409);
        olive.click("Cancel it…").await.sees("Cancel this switch?");
        let mut late = olive.clone();
        olive.submit("Cancel the switch", &[]).await.sees("cancelled the switch before its time");
        late.submit("Cancel the switch", &[]).await.sees("Nothing is left to cancel");
        assert_eq!((late.status(), audited(acme, "connection.plan_cancelled")), (409, 1));
        front.later(2 * HOUR);
        assert_eq!((looked_after(acme).await, acme.connection().jit), (0, true));

        let oscar = acme.join("oscar@acme.example", "Oscar", Role::Owner);
        let mut browser = acme.signed_in("oscar@acme.example").await;
        browser.get(&page(acme, "/jit")).await;
        let when = from_now(acme, HOUR);
        browser.submit(OFF, &[("word", "acme"), ("when", &when)]).await.sees("can be cancelled");
        acme.write(|conn, now| {
            let version = members::find(conn, &acme.organization, &oscar)?.unwrap().version;
            members::actions::deactivate(conn, now, &members::Doer::operator(), &acme.organization, &oscar, version)
        });
        front.later(HOUR + MINUTE);
        assert_eq!((looked_after(acme).await, acme.connection().jit), (1, true));
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "")).await.sees("Whoever planned it is no longer an owner");
    }

    /// What can't be read comes back with a sentence, and nothing is planned. SCIM has a time, and no way back.
    async fn a_time_that_is_none_is_told(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/jit")).await;
        let (past, far) = (from_now(acme, -HOUR), from_now(acme, 91 * DAY));
        for (when, most, sentence) in [
            (past.as_str(), "", "That time is over"),
            (far.as_str(), "", "at most 90 days ahead"),
            ("soon", "", "Write the time with its day"),
            ("", "many", "as a whole number"),
        ] {
            olive.submit(OFF, &[("word", "acme"), ("when", when), ("most_denied", most)]).await.sees(sentence);
            assert_eq!(olive.status(), 422);
            let sent = olive.fields(OFF);
            assert!(sent.contains(&("when".into(), when.into())) && sent.contains(&("most_denied".into(), most.into())));
        }
        assert!(acme.connection().jit && acme.rows("planned_switches", "id").is_empty());
        olive.get(&page(acme, "/scim")).await;
        assert!(!olive.fields("Turn on SCIM").iter().any(|(name, _)| name == "most_denied"));
        let when = from_now(acme, HOUR);
        olive.submit("Turn on SCIM", &[("when", &when)]).await.sees("SCIM is turned on");
        front.later(HOUR + MINUTE);
        assert_eq!((looked_after(acme).await, acme.connection().scim), (1, true));
        let system = Actor::system().name;
        let entries = acme.rows("audit_events", "action actor_name");
        assert!(entries.iter().any(|row| row.contains("connection.scim_changed") && row.contains(&system)), "{entries:?}");
    }
}
