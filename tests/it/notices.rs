//! What is told by mail without anybody asking: warnings, security notices, the denials of a day, reminders.

use diesel::prelude::*;
use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::connections;
use vestibule::mail::{Requests, Settings};
use vestibule::members;
use vestibule::notices;
use vestibule::provisioning;
use vestibule::store::schema::{domains, invitations};
use vestibule::store::time::{DAY, HOUR, MINUTE};

use crate::support::acme::OWNER;
use crate::support::peer::{Arrived, MailServer};
use crate::support::{Acme, Browser, Database, Front, Installation};

fn acme_with(db: Database, server: &MailServer) -> Acme {
    let installation = Installation::start_with(db, |config| server.configure(config));
    Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret")
}

/// The job looks, and the worker carries: answers the letters that came of it.
async fn told(acme: &Acme, server: &mut MailServer, before: &mut usize) -> Vec<Arrived> {
    let queued = notices::look(&acme.installation.site).await.unwrap();
    let round = acme.installation.mail.deliver().await.unwrap();
    assert_eq!((round.sent, round.failed), (queued, 0));
    let letters = server.letters(*before + queued).split_off(*before);
    *before += queued;
    letters
}

fn settings(acme: &Acme, change: impl FnOnce(&mut Settings)) {
    let mut wanted = acme.read(|conn| Ok(vestibule::mail::settings(conn, &acme.organization)?));
    change(&mut wanted);
    acme.write(|conn, now| {
        let changed = vestibule::mail::actions::change_settings(
            conn,
            now,
            &Actor::operator(),
            &acme.organization,
            &wanted,
        )?;
        assert!(changed);
        Ok(())
    });
}

both_databases! {
    /// Seats, tokens, proofs and a provider's keys: each once, to owners alone, and with several servers.
    /// SAML-062, OIDC-043.
    async fn owners_are_warned_once(db: Database) {
        let mut server = MailServer::start();
        let (acme, mut seen) = (acme_with(db, &server), 0);
        acme.join("ada@acme.example", "Ada Admin", Role::Admin);
        acme.join("oscar@acme.example", "Oscar Owner", Role::Owner);
        assert!(told(&acme, &mut server, &mut seen).await.is_empty(), "what was before there was mail is told");
        acme.seats(Some(3));
        let another = acme.installation.another();
        let (one, other) = tokio::join!(notices::look(&acme.installation.site), notices::look(&another.site));
        assert_eq!(one.unwrap() + other.unwrap(), 2);
        acme.installation.mail.deliver().await.unwrap();
        let letters = server.letters(2);
        seen = 2;
        let mut to: Vec<&str> = letters.iter().map(|letter| letter.get("to")).collect();
        to.sort_unstable();
        assert_eq!(to, [OWNER, "oscar@acme.example"]);
        assert!(letters[0].get("subject").starts_with("Acme: All 3 seats are taken"), "{}", letters[0].get("subject"));
        assert!(letters[0].link("/orgs/acme/settings").starts_with(&acme.installation.url));
        assert!(told(&acme, &mut server, &mut seen).await.is_empty());

        let connection = acme.connection();
        acme.write(|conn, now| connections::actions::set_scim(conn, now, &Actor::operator(), &connection, true));
        let connection = acme.connection();
        let end = acme.installation.site.now() + 5 * DAY;
        acme.write(|conn, now| provisioning::tokens::create(conn, now, &Actor::operator(), &connection, "entra", Some(end)));
        let now = acme.installation.site.now();
        acme.write(|conn, _| Ok(diesel::update(domains::table).set(domains::lost_at.eq(now)).execute(conn)?));
        let letters = told(&acme, &mut server, &mut seen).await;
        let mut subjects: Vec<&str> = letters.iter().filter(|letter| letter.get("to") == OWNER).map(|letter| letter.get("subject")).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, ["Acme: 2 things need you", "Acme: A token for the directory was made"]);
        let warning = letters.iter().find(|letter| letter.get("subject").contains("2 things")).unwrap();
        assert!(warning.get("text").contains("token \u{201c}entra\u{201d} ends on"), "{}", warning.get("text"));
        assert!(warning.get("text").contains("The TXT record of acme[.]example is missing"), "{}", warning.get("text"));
        acme.installation.site.clock.advance(4 * DAY + HOUR);
        let letters = told(&acme, &mut server, &mut seen).await;
        assert!(letters.iter().all(|letter| letter.get("subject").contains("entra")) && letters.len() == 2, "{letters:?}");

        let connection = acme.connection();
        acme.write(|conn, now| Ok(connections::actions::keys_moved(conn, now, &connection, "")?));
        let letters = told(&acme, &mut server, &mut seen).await;
        assert!(letters.iter().all(|letter| letter.get("subject").starts_with("Acme: Nobody comes in by")) && letters.len() == 2, "{letters:?}");
        assert!(letters[0].link("/orgs/acme/connections/").ends_with("/provider-keys"));
        drop(another);
    }

    /// A new owner, and a password where single sign-on is enforced.
    /// EML-010.
    async fn owners_are_told_what_bears_on_safety(db: Database) {
        let mut server = MailServer::start();
        let (acme, mut seen) = (acme_with(db, &server), 0);
        let mia = acme.join("mia@acme.example", "Mia Member", Role::Member);
        assert!(told(&acme, &mut server, &mut seen).await.is_empty());
        let mut olive = acme.quiet(acme.owner().await);
        assert!(told(&acme, &mut server, &mut seen).await.is_empty(), "a password is no news where it is the way in");

        let member = acme.read(|conn| Ok(members::find(conn, &acme.organization, &mia)?.unwrap()));
        olive.get(&acme.to(&format!("/members/{}/edit", member.id))).await;
        olive.submit("Save Mia Member", &[("role", "owner")]).await;
        let letters = told(&acme, &mut server, &mut seen).await;
        let to: Vec<&str> = letters.iter().map(|letter| letter.get("to")).collect();
        assert_eq!(to.len(), 2, "{to:?}");
        assert_eq!(letters[0].get("subject"), "Acme: Mia Member is an owner now");
        assert!(letters[0].get("text").contains("Olive Owner made Mia Member an owner"));

        let account = acme.read(|conn| {
            let olive = vestibule::access::EmailAddress::parse(OWNER).unwrap();
            Ok(vestibule::accounts::find_by_email(conn, &olive)?.unwrap().id)
        });
        let named = acme.write(|conn, now| {
            vestibule::break_glass::actions::name(conn, now, &Actor::operator(), &acme.organization, std::slice::from_ref(&account))
        });
        assert_eq!(named, Ok(()));
        let letters = told(&acme, &mut server, &mut seen).await;
        assert_eq!(letters[0].get("subject"), "Acme: Other owners are there for emergencies");
        acme.write(|conn, _| {
            Ok(diesel::update(vestibule::store::schema::connections::table)
                .set(vestibule::store::schema::connections::enforce.eq(true))
                .execute(conn)?)
        });
        acme.quiet(acme.owner().await);
        let letters = told(&acme, &mut server, &mut seen).await;
        assert_eq!(letters.len(), 2);
        assert_eq!(letters[0].get("subject"), "Acme: Somebody came in by the way for emergencies");
        assert!(told(&acme, &mut server, &mut seen).await.is_empty());
    }

    /// The person whose address was changed is told at both.
    /// EML-010.
    async fn a_person_is_told_of_changes_to_the_account(db: Database) {
        let mut server = MailServer::start();
        let (acme, mut seen) = (acme_with(db, &server), 0);
        acme.join("mia@acme.example", "Mia Member", Role::Member);
        assert!(told(&acme, &mut server, &mut seen).await.is_empty());
        let address = |text| vestibule::access::EmailAddress::parse(text).unwrap();
        acme.write(|conn, now| {
            let account = vestibule::accounts::find_by_email(conn, &address("mia@acme.example"))?.unwrap();
            Ok(vestibule::accounts::actions::change_email(conn, now, &Actor::operator(), &account, &address("mia@new.example"))?)
        });
        let letters = told(&acme, &mut server, &mut seen).await;
        let mut to: Vec<&str> = letters.iter().map(|letter| letter.get("to")).collect();
        to.sort_unstable();
        assert_eq!(to, ["mia@acme.example", "mia@new.example"]);
        assert!(told(&acme, &mut server, &mut seen).await.is_empty());
    }

    /// Once, with a fresh link, before the end that it has; not where nobody wants it.
    async fn people_are_reminded_once_of_an_invitation(db: Database) {
        let mut server = MailServer::start();
        let (acme, mut seen) = (acme_with(db, &server), 0);
        let link = acme.installation.to(&acme.invite("ada@acme.example"));
        acme.installation.site.clock.advance(10 * DAY);
        assert!(told(&acme, &mut server, &mut seen).await.is_empty());
        acme.installation.site.clock.advance(DAY + MINUTE);
        let letters = told(&acme, &mut server, &mut seen).await;
        assert_eq!(letters.len(), 1);
        assert!(letters[0].get("subject").starts_with("Your invitation to Acme ends on "), "{}", letters[0].get("subject"));
        let mut ada = Browser::new();
        ada.get(&letters[0].link("/invitation/")).await.sees("You are invited to Acme");
        assert_eq!(Browser::new().get(&link).await.status(), 404);
        let ends: Vec<i64> = acme.read(|conn| Ok(invitations::table.select(invitations::expires_at).load(conn)?));
        acme.installation.site.clock.advance(DAY);
        assert!(told(&acme, &mut server, &mut seen).await.is_empty());
        assert_eq!(acme.read(|conn| Ok(invitations::table.select(invitations::expires_at).load::<i64>(conn)?)), ends);

        settings(&acme, |settings| settings.reminder_days = 0);
        acme.invite("bob@acme.example");
        acme.installation.site.clock.advance(13 * DAY);
        assert!(told(&acme, &mut server, &mut seen).await.is_empty());
        settings(&acme, |settings| settings.reminder_days = 7);
        assert_eq!(told(&acme, &mut server, &mut seen).await.len(), 1);
    }

    /// At once, or in the letter of the day, or not at all; and the person is told of a no.
    async fn a_request_for_access_is_told_to_administrators(db: Database) {
        let mut server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let front = Front::open_in(installation).await;
        let (acme, mut seen) = (&front.acme, 0);
        acme.join("ida@acme.example", "Ida Admin", Role::Admin);
        acme.join("max@acme.example", "Max Member", Role::Member);
        let mut person = front.at_the_callback().await;
        person.resume().await.sees("Access denied");
        person.submit("Request access", &[("message", "I begin on Monday.\nSee https://evil.example")]).await.sees("You have asked");
        let round = acme.installation.mail.deliver().await.unwrap();
        assert_eq!((round.sent, round.failed), (2, 0));
        let letters = server.letters(2);
        seen += 2;
        let mut to: Vec<&str> = letters.iter().map(|letter| letter.get("to")).collect();
        to.sort_unstable();
        assert_eq!(to, ["ida@acme.example", OWNER]);
        let text = letters[0].get("text");
        assert!(text.contains("ada@acme.example") && text.contains("> I begin on Monday."), "{text}");
        assert!(!text.contains("https://evil"), "{text}");

        let mut olive = acme.quiet(acme.owner().await);
        olive.get(&letters[0].link("/denied/")).await.sees("I begin on Monday.");
        olive.click("Dismiss…").await.sees("a letter to ada@acme.example says").does_not_see("told nothing");
        olive.submit("Dismiss this denial", &[("note", "Nobody knows her.")]).await.sees("is dismissed");
        acme.installation.mail.deliver().await.unwrap();
        let outcome = server.letters(3).remove(2);
        seen += 1;
        assert_eq!((outcome.get("to"), outcome.get("subject")), ("ada@acme.example", "Your request to be let in to Acme"));
        assert!(outcome.get("text").contains("the IT desk") && !outcome.get("text").contains("Nobody knows her"));
        assert!(told(acme, &mut server, &mut seen).await.is_empty());
    }

    /// A request has one answer: who did not ask since an admission or a no is not written to, and the page says so.
    async fn a_request_is_answered_by_one_letter(db: Database) {
        let mut server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let front = Front::open_in(installation).await;
        let (acme, mut seen) = (&front.acme, 0);
        settings(acme, |settings| settings.requests = Requests::Daily);
        let asks = async || {
            front.later(DAY + MINUTE);
            let mut person = front.at_the_callback().await;
            person.resume().await.sees("Access denied");
            person.submit("Request access", &[]).await.sees("You have asked");
        };
        let letters = async |server: &mut MailServer, seen: &mut usize| {
            let sent = acme.installation.mail.deliver().await.unwrap().sent;
            *seen += sent;
            server.letters(*seen).split_off(*seen - sent)
        };
        let denial = || acme.lines("SELECT id AS line FROM denials").remove(0);
        asks().await;
        let mut olive = acme.quiet(acme.owner().await);
        // Of many, who asks is written to as well.
        olive.get(&acme.to(&format!("/denied/dismiss?id={}", denial()))).await.sees("1 person asked to be let in").does_not_see("Nobody is told,");
        let mut late = olive.new_tab();
        olive.submit("Dismiss this denial", &[]).await.sees("1 denial is dismissed.");
        let told = letters(&mut server, &mut seen).await;
        assert_eq!((told.len(), told[0].get("to")), (1, "ada@acme.example"));
        front.later(MINUTE);
        olive.get(&acme.to(&format!("/denied/{}/reopen", denial()))).await.submit("Reopen this denial", &[]).await.sees("is open again");
        // What changed since the page is not what it showed.
        late.submit("Dismiss this denial", &[]).await.sees("0 denials are dismissed. 1 changed meanwhile");
        olive.get(&acme.to(&format!("/denied/{}/dismiss", denial()))).await.sees("The person is told nothing");
        olive.submit("Dismiss this denial", &[]).await.sees("is dismissed");
        assert!(letters(&mut server, &mut seen).await.is_empty(), "told twice");
        // Let in, removed and denied without asking again.
        asks().await;
        acme.invite("ada@acme.example");
        front.at_the_callback().await.resume().await.does_not_see("Access denied");
        let ada = acme.lines("SELECT id AS line FROM members ORDER BY joined_at DESC").remove(0);
        let doer = members::Doer::operator();
        acme.write(|conn, now| {
            let version = members::find(conn, &acme.organization, &ada)?.unwrap().version;
            members::actions::remove(conn, now, &doer, &acme.organization, &ada, version)
        });
        front.later(MINUTE);
        front.at_the_callback().await.resume().await.sees("Access denied");
        let mut olive = acme.quiet(acme.owner().await);
        olive.get(&acme.to(&format!("/denied/{}/dismiss", denial()))).await.sees("The person is told nothing");
        olive.submit("Dismiss this denial", &[]).await.sees("is dismissed");
        assert!(letters(&mut server, &mut seen).await.is_empty(), "told of what they did not ask");
    }

    /// Whoever was deactivated, asked to be let in and is active again is told so, once for each request.
    async fn who_asked_is_told_when_active_again(db: Database) {
        let mut server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let front = Front::open_in(installation).await;
        let (acme, mut seen) = (&front.acme, 0);
        let ada = acme.join("ada@acme.example", "Ada", Role::Member);
        let active = |active: bool| {
            acme.write(|conn, now| {
                let (doer, organization) = (members::Doer::operator(), &acme.organization);
                let version = members::find(conn, organization, &ada)?.unwrap().version;
                if active {
                    members::actions::reactivate(conn, now, &doer, organization, &ada, version)
                } else {
                    members::actions::deactivate(conn, now, &doer, organization, &ada, version)
                }
            })
        };
        assert!(told(acme, &mut server, &mut seen).await.is_empty());
        active(false);
        front.later(MINUTE);
        active(true);
        assert!(told(acme, &mut server, &mut seen).await.is_empty(), "nobody asked");
        active(false);
        let mut person = front.at_the_callback().await;
        person.resume().await.sees("Access denied");
        person.submit("Request access", &[("message", "I am back.")]).await.sees("You have asked");
        acme.installation.mail.deliver().await.unwrap();
        seen += 1;
        server.letters(seen);
        front.later(MINUTE);
        active(true);
        let letters = told(acme, &mut server, &mut seen).await;
        assert_eq!(letters.len(), 1, "{letters:?}");
        assert_eq!((letters[0].get("to"), letters[0].get("subject")), ("ada@acme.example", "You can sign in to Acme again"));
        assert!(letters[0].link("/sign-in").starts_with(&acme.installation.url));
        front.later(MINUTE);
        active(false);
        active(true);
        assert!(told(acme, &mut server, &mut seen).await.is_empty(), "a request is answered once");
        front.at_the_callback().await.resume().await.does_not_see("Access denied");
    }

    /// Once a morning, to administrators, where somebody was denied the day before.
    async fn the_denials_of_a_day_are_told_in_the_morning(db: Database) {
        let mut server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let front = Front::open_in(installation).await;
        let (acme, mut seen) = (&front.acme, 0);
        settings(acme, |settings| settings.requests = Requests::Daily);
        // Noon, so that the day is the same one on both clocks.
        let now = acme.installation.site.now();
        front.later(DAY - now % DAY + 12 * HOUR);
        let mut person = front.at_the_callback().await;
        person.resume().await.sees("Access denied");
        person.submit("Request access", &[("message", "Please")]).await.sees("You have asked");
        assert!(told(acme, &mut server, &mut seen).await.is_empty());
        front.later(13 * HOUR);
        assert!(told(acme, &mut server, &mut seen).await.is_empty(), "told at night");
        front.later(6 * HOUR);
        let letters = told(acme, &mut server, &mut seen).await;
        assert_eq!(letters.len(), 1, "{letters:?}");
        assert_eq!(letters[0].get("subject"), "Acme: 1 person was denied yesterday");
        assert!(letters[0].get("text").contains("(asks to be let in)"), "{}", letters[0].get("text"));
        assert!(told(acme, &mut server, &mut seen).await.is_empty());
        front.later(DAY);
        assert!(told(acme, &mut server, &mut seen).await.is_empty(), "nobody was denied");
    }
}
