//! Denied sign-ins: one row per person, what became of it, and what administrators see and do.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use serde_json::json;
use vestibule::access::{Role, Trace};
use vestibule::audit::Actor;
use vestibule::denied::{self, Denial, State, actions};
use vestibule::orgs;
use vestibule::sign_ins::{self, Outcome, Record};
use vestibule::store::id;
use vestibule::store::schema::{denials, invitations, members};
use vestibule::store::time::{DAY, HOUR};
use vestibule::web::Client;

use crate::support::{Acme, Browser};

fn trace() -> Trace {
    serde_json::from_value(json!([
        {"rule": "address_proven", "outcome": "passed", "facts": "The domain is verified."},
        {"rule": "member", "outcome": "no_match", "facts": "The person is not a member."},
        {"rule": "jit_on", "outcome": "denied", "facts": "Just-in-time provisioning is off."},
    ]))
    .unwrap()
}

/// An attempt that was denied now, by an address.
fn attempt(acme: &Acme, email: &str) -> Record {
    Record {
        id: id::new_id(),
        organization: acme.organization.clone(),
        connection: Some(acme.connection.clone()),
        connection_name: "Acme ID".into(),
        protocol: "oidc",
        at: acme.installation.site.now(),
        outcome: Outcome::Denied,
        reason: "not_invited".into(),
        detail: String::new(),
        reference: id::new_reference(),
        account: None,
        issuer: "https://idp.example".into(),
        subject: format!("subject of {email}"),
        email: email.into(),
        email_verified: Some(true),
        name: "Mary Jones".into(),
        groups: Some(vec!["Engineering".into(), "Contractors".into()]),
        trace: trace(),
        evidence: json!({"algorithm": "RS256", "key_id": null}),
        client: Client {
            ip: "203.0.113.7".into(),
            user_agent: "Mozilla/5.0".into(),
        },
    }
}

/// Records an attempt as the sign-in does, and answers the denial's id.
fn deny(acme: &Acme, record: &Record) -> String {
    acme.write(|conn, _| {
        let denial = actions::note(conn, record)?;
        sign_ins::insert(conn, record, Some(&denial))?;
        Ok(denial)
    })
}

/// Records an admission of the same person.
fn admit(acme: &Acme, email: &str) -> String {
    let record = Record {
        outcome: Outcome::Admitted,
        reason: "invitation".into(),
        ..attempt(acme, email)
    };
    acme.write(|conn, now| {
        sign_ins::insert(conn, &record, None)?;
        actions::settle(conn, now, &record.organization, &record.person_key(), &record.id)?;
        Ok(record.id)
    })
}

fn denial(acme: &Acme, id: &str) -> Denial {
    acme.read(|conn| Ok(denied::find(conn, &acme.organization, id)?.unwrap()))
}

fn after(acme: &Acme, milliseconds: i64) {
    acme.installation.site.clock.advance(milliseconds);
}

fn invite(acme: &Acme, email: &str) -> String {
    acme.invite(email);
    acme.read(|conn| {
        let newest = invitations::table
            .filter(invitations::email_key.eq(email))
            .order(invitations::id.desc())
            .select(invitations::id)
            .first(conn)?;
        Ok(newest)
    })
}

fn answer_by_invitation(acme: &Acme, denial: &str, invitation: &str) -> bool {
    acme.write(|conn, now| {
        Ok(actions::invited(
            conn,
            now,
            &Actor::operator(),
            &acme.organization,
            denial,
            invitation,
        )?)
    })
}

/// The addresses of the list's rows, in order.
fn rows(browser: &Browser) -> Vec<String> {
    let body = browser.body();
    let cells = body
        .split("<th scope=\"row\"><a href=\"/orgs/acme/denied/")
        .skip(1);
    cells
        .map(|cell| {
            let name = cell.split("<bdi>").nth(1).unwrap();
            name.split("</bdi>").next().unwrap().to_owned()
        })
        .collect()
}

both_databases! {
    async fn one_row_per_person_counts_the_attempts(db: Database) {
        let acme = Acme::alone(db);
        let first = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        after(&acme, HOUR);
        deny(&acme, &attempt(&acme, "bob@contoso.example"));
        after(&acme, HOUR);
        let again = deny(&acme, &Record {
            reason: "no_seat".into(),
            ..attempt(&acme, "MARY@contoso.example")
        });
        assert_eq!(first, again);
        let mary = denial(&acme, &first);
        assert_eq!((mary.attempts, mary.reason.as_str(), mary.last_at - mary.first_at), (2, "no_seat", 2 * HOUR));

        let mut owner = acme.owner().await;
        owner.get(&acme.to("/denied")).await.sees("2 people, open; newest first").sees("No free seat");
        assert_eq!(rows(&owner), ["MARY@contoso.example", "bob@contoso.example"]);
        owner.sees("Denied sign-ins 2 open");
    }

    async fn a_denial_says_why_and_what_to_do(db: Database) {
        let acme = Acme::alone(db);
        let mary = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        after(&acme, HOUR);
        let last = attempt(&acme, "mary@contoso.example");
        deny(&acme, &last);

        let mut owner = acme.owner().await;
        owner.get(&acme.to(&format!("/denied/{mary}"))).await;
        assert_eq!(owner.status(), 200);
        owner
            .sees("Denied: mary@contoso.example")
            .sees(&last.reference)
            .sees("Just-in-time provisioning is off, and nobody has invited this person.")
            .sees("Passed The provider’s answer is genuine")
            .sees("No match Existing member The person is not a member.")
            .sees("Denied Just-in-time provisioning Just-in-time provisioning is off. Off since")
            .sees("Acme ID (OIDC)")
            .sees("Engineering, Contractors")
            .sees("203.0.113.7")
            .sees("Signed with RS256")
            .does_not_see("Signing key")
            .sees("1 of the newest, newest first; 2 were denied in all");
        let path = format!("/orgs/acme/invitations/new?email=mary%40contoso.example&#38;denial={mary}");
        assert!(owner.body().contains(&path), "{}", owner.body());

        owner.click("Invite this person").await;
        assert_eq!(owner.status(), 200);
    }

    async fn what_was_dismissed_stays_dismissed_until_it_is_reopened(db: Database) {
        let acme = Acme::alone(db);
        let mary = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        let mut owner = acme.owner().await;
        owner.get(&acme.to(&format!("/denied/{mary}"))).await;
        owner.click("Dismiss…").await.sees("Further attempts by this person are counted");
        owner.submit("Dismiss this denial", &[("note", "A salesman of Contoso.")]).await;
        owner
            .sees("The denial of mary@contoso.example is dismissed.")
            .sees("Dismissed since")
            .sees("by Olive Owner")
            .sees("Note: A salesman of Contoso.");

        after(&acme, HOUR);
        deny(&acme, &attempt(&acme, "mary@contoso.example"));
        let dismissed = denial(&acme, &mary);
        assert_eq!((dismissed.state, dismissed.attempts), (State::Dismissed, 2));
        owner.get(&acme.to("/denied")).await.sees("Nobody is waiting");
        owner.get(&acme.to("/denied?state=dismissed")).await.sees("1 person, dismissed; newest first");

        owner.click("mary@contoso.example").await;
        owner.click("Reopen…").await;
        owner.submit("Reopen this denial", &[]).await.sees("is open again");
        assert_eq!(denial(&acme, &mary).state, State::Open);
        assert_eq!(denial(&acme, &mary).note, "A salesman of Contoso.");
    }

    async fn an_admission_settles_what_was_open_or_invited(db: Database) {
        let acme = Acme::alone(db);
        let mary = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        let invitation = invite(&acme, "mary@contoso.example");
        assert!(answer_by_invitation(&acme, &mary, &invitation));
        let mut owner = acme.owner().await;
        owner.get(&acme.to(&format!("/denied/{mary}"))).await.sees("Invited since").sees("by Command line");
        assert!(owner.body().contains(&format!("/orgs/acme/invitations/{invitation}\"")));

        let sign_in = admit(&acme, "mary@contoso.example");
        let settled = denial(&acme, &mary);
        assert_eq!((settled.state, settled.settled_by.as_str()), (State::Settled, sign_in.as_str()));
        owner.get(&acme.to(&format!("/denied/{mary}"))).await;
        owner.does_not_see("Invite this person").does_not_see("Dismiss…");
        owner.click("the sign-in that settled it").await;
        owner.sees("Admitted: mary@contoso.example").sees("An invitation was waiting");
    }

    async fn a_new_denial_opens_what_was_invited_or_settled(db: Database) {
        let acme = Acme::alone(db);
        let mary = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        let invitation = invite(&acme, "mary@contoso.example");
        answer_by_invitation(&acme, &mary, &invitation);
        assert_eq!(denial(&acme, &mary).state, State::Invited);
        deny(&acme, &attempt(&acme, "mary@contoso.example"));
        assert_eq!(denial(&acme, &mary).state, State::Open);

        admit(&acme, "mary@contoso.example");
        deny(&acme, &Record { reason: "removed".into(), ..attempt(&acme, "mary@contoso.example") });
        let open = denial(&acme, &mary);
        assert_eq!((open.state, open.settled_by.as_str(), open.attempts), (State::Open, "", 3));
    }

    async fn only_an_invitation_for_the_same_address_answers_a_denial(db: Database) {
        let acme = Acme::alone(db);
        let mary = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        let other = invite(&acme, "bob@contoso.example");
        assert!(!answer_by_invitation(&acme, &mary, &other));
        assert!(!answer_by_invitation(&acme, "nobody", &other));
        assert_eq!(denial(&acme, &mary).state, State::Open);
    }

    async fn a_person_without_an_address_is_known_by_the_subject(db: Database) {
        let acme = Acme::alone(db);
        let nameless = Record { subject: "00u1".into(), ..attempt(&acme, "") };
        let first = deny(&acme, &nameless);
        let again = deny(&acme, &Record { id: id::new_id(), reference: id::new_reference(), ..nameless.clone() });
        let other = deny(&acme, &Record {
            id: id::new_id(),
            reference: id::new_reference(),
            subject: "00u2".into(),
            ..nameless
        });
        assert_eq!(first, again);
        assert_ne!(first, other);
        let mut owner = acme.owner().await;
        owner.get(&acme.to(&format!("/denied/{first}"))).await.sees("Denied: Mary Jones");
        owner.does_not_see("Invite this person").sees("sent no proper address");
    }

    async fn the_first_button_is_the_remedy(db: Database) {
        let acme = Acme::alone(db);
        let mia = acme.join("mia@acme.example", "Mia", Role::Member);
        acme.write(|conn, _| {
            let deactivated = diesel::update(members::table.find(&mia)).set(members::state.eq("deactivated"));
            Ok(deactivated.execute(conn)?)
        });
        let reactivate = format!("/orgs/acme/members/{mia}/reactivate");
        let cases = [
            ("no_seat", "a@acme.example", "Add a seat", "/orgs/acme/settings/seats"),
            ("domain_not_verified", "b@other.example", "Verify the domain", "/orgs/acme/domains"),
            ("removed", "c@acme.example", "Invite this person", "/orgs/acme/invitations/new?email=c%40acme.example"),
            ("membership_deactivated", "mia@acme.example", "Reactivate", &reactivate),
        ];
        let mut owner = acme.owner().await;
        for (reason, email, button, path) in cases {
            let id = deny(&acme, &Record { reason: reason.into(), ..attempt(&acme, email) });
            owner.get(&acme.to(&format!("/denied/{id}"))).await.sees(button);
            assert!(owner.body().contains(&format!("class=\"button primary\" href=\"{path}")), "{reason}: {}", owner.body());
        }
        let id = deny(&acme, &Record { reason: "domain_not_verified".into(), ..attempt(&acme, "f@other.example") });
        owner.get(&acme.to(&format!("/denied/{id}"))).await.sees("If other.example is a domain of your organization");
        owner.click("Invite by link").await.sees("lets them in by its link, which proves the address");
        let id = deny(&acme, &Record { reason: "domain_not_verified".into(), ..attempt(&acme, "g@acme.example") });
        let page = acme.to(&format!("/denied/{id}"));
        owner.get(&page).await.sees("acme.example is verified and attached to this connection by now").does_not_see("not attached");
        acme.run("UPDATE domains SET vouched = (1 = 0), lost_at = 1, lapsed_at = 1");
        owner.get(&page).await.sees("The record that proves acme.example is missing").sees("its record is missing now");
        owner.get(&acme.to(&format!("/connections/{}", acme.connection))).await.sees("Record missing");
        owner.get(&acme.to(&format!("/connections/{}/state", acme.connection))).await;
        assert_eq!(owner.status(), 200);
        acme.run("DELETE FROM connection_domains");
        owner.get(&page).await.sees("The record that proves acme.example is missing");
        acme.run("UPDATE domains SET lost_at = NULL, lapsed_at = NULL");
        owner.get(&page).await.sees("Attach the domain").sees("is verified, but not attached to this connection");
        let id = deny(&acme, &Record { reason: "email_not_verified".into(), ..attempt(&acme, "d@acme.example") });
        owner.get(&acme.to(&format!("/denied/{id}"))).await.sees("Ask whoever runs Acme ID to verify this address");
        let id = deny(&acme, &Record { reason: "account_deactivated".into(), ..attempt(&acme, "e@acme.example") });
        owner.get(&acme.to(&format!("/denied/{id}"))).await.sees("Only whoever runs this installation");
    }

    async fn the_list_is_filtered_by_its_address(db: Database) {
        let acme = Acme::alone(db);
        deny(&acme, &Record { reason: "no_seat".into(), name: "Жанна д’Арк".into(), ..attempt(&acme, "jeanne@orleans.example") });
        after(&acme, 3 * DAY);
        let mary = attempt(&acme, "mary@contoso.example");
        deny(&acme, &mary);
        deny(&acme, &Record { connection: None, ..attempt(&acme, "100%_sure@contoso.example") });
        let mut owner = acme.owner().await;
        let connection = acme.connection.clone();
        let today = vestibule::store::time::machine(mary.at)[..10].to_owned();
        let cases: [(&str, &[&str]); 12] = [
            ("reason=no_seat", &["jeanne@orleans.example"]),
            ("domain=Contoso.Example&connection=", &["100%_sure@contoso.example", "mary@contoso.example"]),
            (&format!("connection={connection}"), &["mary@contoso.example", "jeanne@orleans.example"]),
            ("connection=nowhere", &[]),
            ("person=%D0%96%D0%90%D0%9D%D0%9D%D0%90", &["jeanne@orleans.example"]),
            ("person=CONTOSO", &["100%_sure@contoso.example", "mary@contoso.example"]),
            ("person=%25_", &["100%_sure@contoso.example"]),
            ("person=mary-anne", &[]),
            (&format!("from={today}"), &["100%_sure@contoso.example", "mary@contoso.example"]),
            (&format!("to={today}&reason=no_seat"), &["jeanne@orleans.example"]),
            (&format!("person={}", mary.reference.to_uppercase().replace('-', "+")), &["mary@contoso.example"]),
            ("state=settled", &[]),
        ];
        for (query, expected) in cases {
            owner.get(&acme.to(&format!("/denied?{query}"))).await;
            assert_eq!(owner.status(), 200, "{query}");
            assert_eq!(rows(&owner), expected, "{query}");
            if expected.is_empty() {
                owner.sees("No denial matches");
            }
        }
    }

    /// Whoever searches means that person, whatever became of them; a state that was chosen counts.
    async fn a_search_looks_in_every_state(db: Database) {
        let acme = Acme::alone(db);
        let first = attempt(&acme, "mary@contoso.example");
        let mary = deny(&acme, &first);
        after(&acme, HOUR);
        let last = attempt(&acme, "mary@contoso.example");
        deny(&acme, &last);
        acme.write(|conn, now| {
            actions::dismiss(conn, now, &Actor::operator(), &acme.organization, (&mary, 1), "")
        });
        let mut owner = acme.owner().await;
        for person in ["mary", "mary@contoso.example", &first.reference, &last.reference] {
            owner.get(&acme.to("/denied")).await.sees("Nobody is waiting");
            owner.submit("Filter", &[("person", person)]).await.sees("in any state; newest first");
            assert_eq!(rows(&owner), ["mary@contoso.example"], "{person}");
            owner.submit("Filter", &[("state", "open")]).await.sees("No denial matches");
        }
    }

    async fn a_reference_of_another_kind_of_sign_in_leads_there(db: Database) {
        let acme = Acme::alone(db);
        deny(&acme, &attempt(&acme, "mary@contoso.example"));
        let failed = Record { outcome: Outcome::Rejected, reason: "nonce".into(), detail: "The nonce is another’s.".into(), ..attempt(&acme, "") };
        acme.write(|conn, _| Ok(sign_ins::insert(conn, &failed, None)?));
        let mut owner = acme.owner().await;
        owner.get(&acme.to(&format!("/denied?person={}", failed.reference))).await;
        owner.click("See that sign-in").await.sees("Failed The provider’s answer is genuine The nonce is another’s.");
        owner.get(&acme.to("/denied")).await;
        owner.click("Technical failures").await.sees("Technical failures: 1 on this page").sees("The nonce is another’s.");
        owner.submit("Filter", &[("outcome", "admitted")]).await.sees("No sign-in matches");
        owner.get(&acme.to("/sign-ins")).await.sees("mary@contoso.example");
    }

    async fn the_list_is_paged_by_key_and_stands_still(db: Database) {
        let acme = Acme::alone(db);
        for number in 0..120 {
            // Several at the same moment, so that the id decides.
            if number % 3 == 0 {
                after(&acme, 1);
            }
            deny(&acme, &attempt(&acme, &format!("p{number:03}@contoso.example")));
        }
        let mut owner = acme.owner().await;
        owner.get(&acme.to("/denied")).await.sees("120 people, open; newest first");
        let mut seen = rows(&owner);
        assert_eq!(seen.len(), 50);
        deny(&acme, &attempt(&acme, "late@contoso.example"));
        owner.click("Next page").await;
        seen.extend(rows(&owner));
        owner.click("Next page").await;
        seen.extend(rows(&owner));
        let expected: Vec<String> = (0..120).rev().map(|number| format!("p{number:03}@contoso.example")).collect();
        assert_eq!(seen, expected);
        assert!(!owner.body().contains("rel=\"next\""));
        owner.click("Previous page").await;
        assert_eq!(rows(&owner), &expected[50..100]);
        owner.click("Previous page").await;
        assert_eq!(rows(&owner), &expected[..50]);
        owner.get(&acme.to("/denied?after=nonsense")).await;
        assert_eq!(rows(&owner).len(), 50);
    }

    async fn an_empty_list_says_which_kind_of_empty_it_is(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        owner.get(&acme.to("/denied")).await.sees("Nobody was denied so far").does_not_see("per day");
        let mary = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        owner.get(&acme.to("/denied?reason=no_seat")).await.sees("No denial matches");
        acme.write(|conn, now| {
            actions::dismiss(conn, now, &Actor::operator(), &acme.organization, (&mary, 1), "")
        });
        owner.get(&acme.to("/denied")).await.sees("Nobody is waiting");
        owner.click("See every denial").await;
        assert_eq!(rows(&owner), ["mary@contoso.example"]);
    }

    async fn the_picture_has_its_figures_behind_it(db: Database) {
        let acme = Acme::alone(db);
        deny(&acme, &attempt(&acme, "mary@contoso.example"));
        after(&acme, 2 * DAY);
        for _ in 0..3 {
            deny(&acme, &attempt(&acme, "bob@contoso.example"));
        }
        let today = vestibule::store::time::date(acme.installation.site.now());
        let mut owner = acme.owner().await;
        owner
            .get(&acme.to("/denied")).await
            .sees(&format!("4 attempts were denied in the last 30 days, the most on {today}: 3."))
            .sees(&format!("{today} 3"));
        assert_eq!(owner.body().matches("<rect ").count(), 2);
        after(&acme, 40 * DAY);
        let mut owner = acme.owner().await;
        owner.get(&acme.to("/denied")).await.does_not_see("in the last 30 days").sees("2 people");
    }

    /// OUT-001, DEC-036.
    async fn names_from_outside_are_only_text(db: Database) {
        let acme = Acme::alone(db);
        let evil = "<script>alert(1)</script>\"' onload=x {{7*7}} \u{202e}\0\r\n";
        let record = Record {
            name: format!("{evil}{}", "\u{301}".repeat(5_000)),
            email: format!("{evil}@contoso.example"),
            subject: evil.repeat(100),
            issuer: evil.into(),
            groups: Some(vec![evil.into(); 300]),
            evidence: json!({ evil: evil }),
            reason: "not_invited".into(),
            client: Client { ip: evil.into(), user_agent: evil.repeat(50) },
            ..attempt(&acme, "")
        };
        let id = deny(&acme, &record);
        let mut owner = acme.owner().await;
        let pages = [
            "/denied".to_owned(),
            format!("/denied/{id}"),
            format!("/denied/{id}/dismiss"),
            "/sign-ins".to_owned(),
            format!("/sign-ins/{}", record.id),
            format!("/denied?person={}&domain=%3Cscript%3E&reason=%3Cb%3E&from=%22%3E&state=%3Cb%3E", "%3Cscript%3E%22"),
        ];
        for page in pages {
            owner.get(&acme.to(&page)).await;
            assert_eq!(owner.status(), 200, "{page}");
            assert!(!owner.body().contains("<script>"), "{page}");
            assert!(!owner.body().contains("\"' onload"), "{page}");
            assert!(owner.body().len() < 60_000, "{page}: {}", owner.body().len());
        }
        owner.get(&acme.to("/denied?person=%00")).await;
        assert_eq!(owner.status(), 400);
    }

    /// ADM-003.
    async fn only_administrators_of_the_organization_see_denials(db: Database) {
        let acme = Acme::alone(db);
        let mary = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        let sign_in = denial(&acme, &mary).last_sign_in;
        acme.join("mia@acme.example", "Mia", Role::Member);
        acme.join("adam@acme.example", "Adam", Role::Admin);
        let beta = orgs::Settings { name: "Beta".into(), ..acme.now().settings };
        acme.write(|conn, now| orgs::actions::create(conn, now, &Actor::operator(), "beta", beta));
        let foreign = {
            let beta = acme.read(|conn| Ok(orgs::find_by_slug(conn, "beta")?.unwrap().id));
            let record = Record { organization: beta, connection: None, ..attempt(&acme, "zoe@beta.example") };
            (deny(&acme, &record), record.id)
        };
        let pages = [
            ("/denied".to_owned(), 403, 200),
            (format!("/denied/{mary}"), 403, 200),
            (format!("/denied/{mary}/dismiss"), 403, 200),
            ("/sign-ins".to_owned(), 403, 200),
            (format!("/sign-ins/{sign_in}"), 403, 200),
            (format!("/denied/{}", foreign.0), 403, 404),
            (format!("/denied/{}/dismiss", foreign.0), 403, 404),
            (format!("/sign-ins/{}", foreign.1), 403, 404),
            ("/denied/nobody".to_owned(), 403, 404),
            (format!("/denied/{mary}/reopen"), 403, 409),
        ];
        let (mut mia, mut adam) = (acme.signed_in("mia@acme.example").await, acme.signed_in("adam@acme.example").await);
        for (page, member, admin) in pages {
            assert_eq!(mia.get(&acme.to(&page)).await.status(), member, "{page}");
            assert_eq!(adam.get(&acme.to(&page)).await.status(), admin, "{page}");
            assert!(Browser::new().get(&acme.to(&page)).await.path().starts_with("/sign-in"), "{page}");
        }
    }

    async fn a_denial_that_changed_meanwhile_is_not_dismissed(db: Database) {
        let acme = Acme::alone(db);
        let mary = deny(&acme, &attempt(&acme, "mary@contoso.example"));
        let mut owner = acme.owner().await;
        owner.get(&acme.to(&format!("/denied/{mary}/dismiss"))).await;
        let fields = owner.fields("Dismiss this denial");
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let path = acme.to(&format!("/denied/{mary}/dismiss"));

        // Another attempt alone changes nothing that the administrator judged …
        deny(&acme, &attempt(&acme, "mary@contoso.example"));
        assert_eq!(denial(&acme, &mary).version, 1);
        // … another reason does.
        deny(&acme, &Record { reason: "removed".into(), ..attempt(&acme, "mary@contoso.example") });
        owner.post(&path, &fields).await;
        assert_eq!(owner.status(), 409);
        owner.sees("This denial changed since you opened the page.");

        assert_eq!(owner.post(&path, &[("version", "2")]).await.status(), 403);
        owner.get(&path).await;
        owner.submit("Dismiss this denial", &[("note", &"x".repeat(501))]).await;
        assert_eq!(owner.status(), 422);
        owner.sees("more than 500 characters");
        assert_eq!(denial(&acme, &mary).state, State::Open);
        owner.submit("Dismiss this denial", &[("note", "Enough.")]).await.sees("is dismissed");
        assert_eq!(owner.get(&path).await.status(), 409);
    }

    /// Both write the same row; the organization's lock makes one wait for the other.
    /// DEC-035.
    async fn attempts_at_once_are_all_counted(db: Database) {
        let acme = Acme::alone(db);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| deny(&acme, &attempt(&acme, "mary@contoso.example")));
            }
        });
        let counted: Vec<i64> = acme.read(|conn| Ok(denials::table.select(denials::attempts).load(conn)?));
        assert_eq!(counted, [8]);
    }

    /// Several are invited at once, and each of their denials is answered by its own invitation.
    async fn the_ticked_are_invited_at_once(db: Database) {
        let acme = Acme::alone(db);
        let ids: Vec<String> = ["a@acme.example", "b@acme.example", "c@acme.example"].map(|email| deny(&acme, &attempt(&acme, email))).to_vec();
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/invitations/new?id={}&id={}", ids[0], ids[1]))).await.sees("a@acme.example").sees("b@acme.example").does_not_see("c@acme.example");
        olive.submit("Review", &[]).await;
        olive.submit("Invite these 2 people", &[]).await;
        let states: Vec<State> = ids.iter().map(|id| acme.read(|conn| Ok(denied::find(conn, &acme.organization, id)?.unwrap())).state).collect();
        assert_eq!(states, [State::Invited, State::Invited, State::Open]);
        let own: Vec<Option<String>> = ids.iter().map(|id| acme.read(|conn| Ok(denied::find(conn, &acme.organization, id)?.unwrap())).invitation).collect();
        assert!(own[0].is_some() && own[0] != own[1]);
    }

    /// Several are let be at once, with one note; what waits no longer is passed over.
    async fn the_ticked_are_dismissed_at_once(db: Database) {
        let acme = Acme::alone(db);
        let ids: Vec<String> = ["a@acme.example", "b@acme.example"].map(|email| deny(&acme, &attempt(&acme, email))).to_vec();
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/denied")).await.sees("Dismiss the ticked…");
        olive.get(&acme.to("/denied/dismiss")).await.sees("Tick the people first");
        olive.get(&acme.to(&format!("/denied/dismiss?id={}&id={}&id=nobody", ids[0], ids[1]))).await.sees("Dismiss 2 denials");
        // One comes back to the list as it was filtered.
        olive.get(&acme.to("/denied?domain=acme.example")).await;
        olive.submit("Dismiss the ticked…", &[("id", &ids[0]), ("id", &ids[1])]).await.sees("Dismiss 2 denials");
        olive.submit("Dismiss these 2 denials", &[("note", &"x".repeat(501))]).await.sees("more than 500 characters");
        olive.submit("Dismiss these 2 denials", &[("note", "They left.")]).await.sees("2 denials are dismissed.");
        assert_eq!(olive.url().query(), Some("domain=acme.example"));
        olive.get(&acme.to(&format!("/denied/{}", ids[1]))).await.sees("Note: They left.");
        olive.get(&acme.to(&format!("/denied/dismiss?id={}", ids[0]))).await.sees("Tick the people first");
    }

    /// Somebody takes care of a denial; the list knows whose it is; notes are kept for colleagues.
    async fn a_denial_is_taken_care_of(db: Database) {
        let acme = Acme::alone(db);
        acme.join("adam@acme.example", "Adam Admin", Role::Admin);
        let mia = acme.join("mia@acme.example", "Mia Member", Role::Member);
        let id = deny(&acme, &attempt(&acme, "a@acme.example"));
        deny(&acme, &attempt(&acme, "b@acme.example"));
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/denied/{id}"))).await;
        olive.submit("Take care of it myself", &[]).await.sees("Olive Owner takes care of this denial.");
        olive.get(&acme.to("/denied?assigned=me")).await.sees("a@acme.example").does_not_see("b@acme.example").sees("that you take care of");
        olive.get(&acme.to("/denied?assigned=nobody")).await.sees("b@acme.example").does_not_see("a@acme.example");
        olive.get(&acme.to(&format!("/denied/{id}"))).await;
        let mut late = olive.clone();
        let fields = olive.fields("Give it to them");
        let adam = acme.rows("accounts", "id email").into_iter().find(|row| row.contains("adam@")).unwrap();
        let adam = adam.split("id=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        olive.submit("Give it to them", &[("to", &adam)]).await.sees("Adam Admin takes care of this denial.");
        late.submit("Give it to them", &[("to", &adam)]).await;
        assert_eq!(late.status(), 409);
        // Nobody who can't do anything about it.
        let version = acme.read(|conn| Ok(denied::find(conn, &acme.organization, &id)?.unwrap())).version;
        let refused = acme.installation.site.store.write_in(&acme.organization, |conn| {
            let account = vestibule::members::find(conn, &acme.organization, &mia)?.unwrap().account;
            actions::assign(conn, 0, &Actor::operator(), &acme.organization, (&id, version), &account)
        });
        assert!(refused.is_err() && !fields.is_empty());
        olive.get(&acme.to(&format!("/denied/{id}"))).await;
        olive.submit("Keep the note", &[]).await.sees("Write a note of 1 to 500 characters.");
        assert_eq!(olive.status(), 422);
        olive.submit("Keep the note", &[("note", "Called <b>her</b>.")]).await.sees("The note is kept.").sees("Called <b>her</b>.").sees("Olive Owner");
        assert_eq!(acme.count("audit_events WHERE action IN ('denial.assigned', 'denial.noted')"), 3);
    }

    /// What may be behind a denial is guessed at, and said as a guess.
    async fn guesses_lead_on(db: Database) {
        let acme = Acme::alone(db);
        acme.join("mary@acme.example", "Mary Major", Role::Member);
        acme.join("mj@acme.example", "Mary Jones", Role::Member);
        acme.invite("xena@acme.example");
        acme.installation.site.clock.advance(20 * DAY);
        let mut olive = acme.owner().await;
        let typed = deny(&acme, &attempt(&acme, "mray@acme.example"));
        olive.get(&acme.to(&format!("/denied/{typed}"))).await.sees("almost that of the member mary@acme.example").sees("Mary Jones is a member with the address mj@acme.example");
        let xena = deny(&acme, &attempt(&acme, "xena@acme.example"));
        olive.get(&acme.to(&format!("/denied/{xena}"))).await.sees("This person’s invitation ran out on");
        olive.click("Send it again").await;
        assert_eq!(olive.status(), 200);
        for email in ["one@forgotten.example", "two@forgotten.example"] {
            deny(&acme, &Record { reason: "domain_not_verified".into(), ..attempt(&acme, email) });
        }
        let id = deny(&acme, &Record { reason: "domain_not_verified".into(), ..attempt(&acme, "three@forgotten.example") });
        olive.get(&acme.to(&format!("/denied/{id}"))).await.sees("Perhaps forgotten.example is a domain of yours that was forgotten. 3 people of this domain wait.");
    }
}
