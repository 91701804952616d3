//! See before you switch: what a preview says is what then happens, and a switch does what its page showed or nothing.

mod guarded;
mod planned;
mod proof;

use std::collections::BTreeSet;

use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::previews::{Change, DAYS, Preview, Progress, replay};
use vestibule::store::time::DAY;
use vestibule::{accounts, connections, members, teams};

use crate::support::dump::dump;
use crate::support::provider::Person;
use crate::support::{Acme, Browser, Front};

/// What a preview finds now.
fn found(acme: &Acme, change: &Change) -> Preview {
    let now = acme.installation.site.now();
    acme.read(|conn| replay(conn, now, &acme.organization, change, DAYS, &Progress::default()))
}

/// Group and addresses of a preview.
fn told(preview: &Preview) -> Vec<(String, Vec<String>)> {
    let emails = |lines: &[vestibule::previews::Line]| lines.iter().map(|line| line.email.clone()).collect();
    preview
        .groups()
        .iter()
        .map(|group| (group.kind.word(), emails(group.lines)))
        .collect()
}

/// Somebody comes, whatever the answer.
async fn comes(front: &Front, person: &Person) -> Browser {
    front.provider.next(person.clone());
    let mut browser = Browser::new();
    browser.get(&front.acme.sign_in()).await;
    browser
}

fn page(acme: &Acme, rest: &str) -> String {
    acme.to(&format!("/connections/{}{rest}", acme.connection))
}

fn person(name: &str) -> Person {
    Person::new(&format!("sub-{name}"), &format!("{name}@acme.example"))
}

both_databases! {
    /// Turning just-in-time off names those whom it would keep out; the button invites them, and then nobody is left.
    /// ADM-011.
    async fn whom_turning_jit_off_keeps_out_is_named_and_invited(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        for name in ["dora", "egon"] {
            comes(&front, &person(name)).await.sees("Access denied");
        }
        acme.jit(true);
        comes(&front, &person("mia")).await;
        acme.invite("ivan@acme.example");
        let url = acme.installation.site.config.database_url.clone();
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "")).await;
        let before = dump(&url);
        olive.get(&page(acme, "/jit")).await;
        olive
            .sees("2 people would be denied: not invited")
            .sees("dora@acme.example")
            .sees("Becomes a member, as Member")
            .sees("Denied: not invited")
            .sees("And anybody whom we don’t know yet with an address at acme.example: today such a person becomes a member, as long as a seat is free. Afterwards such a person is denied: Not invited.")
            .does_not_see("mia@acme.example")
            .does_not_see("ivan@acme.example");
        olive.get(&page(acme, "/jit?format=csv")).await;
        assert_eq!(olive.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(olive.body().lines().count(), 3);
        assert!(olive.body().contains("out.not_invited,Dora Example,dora@acme.example"), "{}", olive.body());
        assert_eq!(before, dump(&url), "a preview wrote something");
        olive.get(&page(acme, "/jit")).await;
        olive.submit("Invite these 2…", &[]).await.sees("dora@acme.example").sees("egon@acme.example");
        olive.submit("Invite these 2 people", &[]).await;
        olive.get(&page(acme, "/jit")).await.sees("Nobody’s way would differ.");
        olive.submit("Turn off just-in-time provisioning", &[("word", "acme")]).await.sees("is off for Acme ID");
        let mut dora = comes(&front, &person("dora")).await;
        assert_eq!((dora.status(), dora.path()), (200, "/orgs/acme"));
        dora.get(&acme.to("")).await;
    }

    /// Between page and button somebody came: the answer is another, so the page comes back and nothing is done.
    /// ADM-014.
    async fn a_switch_whose_answer_changed_is_not_made(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        acme.jit(true);
        comes(&front, &person("mia")).await;
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/jit")).await.sees("Nobody’s way would differ.");
        // A sign-in of a member changes no answer.
        comes(&front, &person("mia")).await;
        let mut late = olive.clone();
        acme.jit(false);
        comes(&front, &person("dora")).await.sees("Access denied");
        acme.jit(true);
        late.submit("Turn off just-in-time provisioning", &[("word", "acme")]).await;
        assert_eq!(late.status(), 409);
        late.sees("meanwhile").sees("1 person would be denied: not invited").sees("dora@acme.example");
        assert!(acme.connection().jit);
        // An invitation changes it back; so the page that named Dora is the stale one.
        let mut named = late.clone();
        acme.invite("dora@acme.example");
        named.submit("Turn off just-in-time provisioning", &[("word", "acme")]).await.sees("Nobody’s way would differ.");
        assert!(named.status() == 409 && acme.connection().jit);
        named.submit("Turn off just-in-time provisioning", &[("word", "acme")]).await.sees("is off for Acme ID");
        assert!(!acme.connection().jit);
    }

    /// Without what was shown, nothing is switched.
    async fn a_form_that_saw_nothing_switches_nothing(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/jit")).await;
        let version = acme.connection().version.to_string();
        let token = olive.fields("Turn on just-in-time provisioning");
        let token = token.iter().find(|(name, _)| name == "form_token").unwrap().1.clone();
        let form = [("form_token", token.as_str()), ("version", &version), ("to", "on")];
        olive.post(&page(&acme, "/jit"), &form).await;
        assert!(olive.status() == 409 && !acme.connection().jit);
    }

    /// Who was seen long ago is not looked at, unless still denied; who is a member is supposed to be vouched for.
    async fn days_bound_who_is_looked_at(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        acme.join("mia@acme.example", "Mia", Role::Member);
        comes(&front, &person("dora")).await.sees("Access denied");
        front.later(20 * DAY);
        let on = Change::Jit { connection: acme.connection.clone(), on: true };
        let preview = found(acme, &on);
        assert_eq!(told(&preview), [("in.jit".to_owned(), vec!["dora@acme.example".to_owned()])]);
        assert_eq!((preview.people, preview.seen, preview.assumed), (3, 1, 2));
        let now = acme.installation.site.now();
        let week = acme.read(|conn| replay(conn, now, &acme.organization, &on, 7, &Progress::default()));
        assert_eq!(told(&week), told(&preview), "the denied are looked at however long ago");
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/jit?days=7")).await.sees("1 person would be let in, and become a member");
    }

    /// More people want a seat than there are: that is said, since nobody knows who comes first.
    async fn too_few_seats_are_said(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        for name in ["dora", "egon", "fred"] {
            comes(&front, &person(name)).await;
        }
        acme.seats(Some(3));
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/jit")).await.sees("3 of them would take a free seat, and 2 are free");
        acme.jit(true);
        olive.get(&acme.to("/settings/seats?seats=1")).await;
        olive.sees("3 people would be denied: no free seat").sees("1 seat");
        olive.submit("Change the number of seats", &[]).await.sees("The number of seats is changed.");
        assert_eq!(acme.now().settings.seats, Some(1));
        olive.get(&acme.to("/settings/seats?seats=")).await.sees("3 people would be let in, and become members");
        olive.get(&acme.to("/settings/seats?seats=many")).await.sees("Write a whole number");
        assert_eq!(olive.status(), 422);
    }

    /// A domain that is detached proves nothing any more: whoever is not linked yet is named.
    async fn a_detached_domain_names_who_is_not_linked(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        acme.join("mia@acme.example", "Mia", Role::Member);
        acme.join("noa@acme.example", "Noa", Role::Member);
        comes(&front, &person("mia")).await;
        let change = Change::Domains { connection: acme.connection.clone(), domains: BTreeSet::new() };
        let preview = found(acme, &change);
        let expected = ["noa@acme.example", "olive@acme.example"].map(str::to_owned).to_vec();
        assert_eq!(told(&preview), [("out.domain_not_verified".to_owned(), expected)]);
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/domains?chosen=yes")).await.sees("2 people would be denied: domain not verified");
        olive.submit("Detach acme.example", &[]).await.sees("are changed");
        let attached = acme.read(|conn| Ok(connections::attached(conn, &acme.connection)?));
        assert!(attached.is_empty());
        let mut mia = comes(&front, &person("mia")).await;
        assert_eq!((mia.status(), mia.path()), (200, "/orgs/acme"));
        mia.get(&acme.to("")).await;
        comes(&front, &person("noa")).await.sees("Access denied");
    }

    /// Another role for newcomers is another way for those who would become members, and for nobody else.
    /// ADM-011.
    async fn newcomers_are_those_who_would_become_members(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        let team = acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Everybody")
        });
        comes(&front, &person("dora")).await;
        acme.jit(true);
        comes(&front, &person("mia")).await;
        let mut olive = acme.owner().await;
        olive.get(&page(acme, &format!("/newcomers?role=admin&team={team}"))).await;
        olive
            .sees("1 person would come in with other teams, or another role")
            .sees("Becomes a member, as Admin; joins Everybody");
        olive.submit("Change what newcomers get", &[]).await.sees("is changed");
        let mut dora = comes(&front, &person("dora")).await;
        assert_eq!(dora.path(), "/orgs/acme");
        dora.get(&acme.to("")).await;
        assert_eq!(acme.teams_of("dora@acme.example"), ["Everybody by default"]);
        let mut other = acme.owner().await;
        other.get(&page(acme, "/newcomers?role=owner")).await;
        assert_eq!(other.status(), 200);
    }

    /// Enforcement names those who use a password, and those among them who were never seen to come.
    async fn enforcement_names_those_with_a_password(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        acme.join("mia@acme.example", "Mia", Role::Member);
        acme.join("noa@acme.example", "Noa", Role::Member);
        acme.join("gus@guest.example", "Gus", Role::Member);
        comes(&front, &person("mia")).await;
        // The provider’s word took Mia’s password; she sets one again.
        acme.write(|conn, now| {
            let email = vestibule::access::EmailAddress::parse("mia@acme.example").unwrap();
            let account = accounts::find_by_email(conn, &email)?.unwrap();
            let hash = accounts::hash(crate::support::acme::PASSWORD).unwrap();
            Ok(accounts::actions::set_password(conn, now, &Actor::operator(), &account, &hash)?)
        });
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/enforce")).await.click("See everybody by name, and who was never seen to come by this connection").await;
        olive
            .sees("1 person could use no password any longer ")
            .sees("never seen to come by this connection")
            .sees("noa@acme.example")
            .does_not_see("gus@guest.example")
            .does_not_see("olive@acme.example");
        olive.click("Back to the switch").await;
        olive.submit("Enforce single sign-on", &[("word", "acme")]).await;
        assert!(acme.connection().enforce);
        olive.get(&page(acme, "/enforce/people")).await.sees("2 people could use a password again");
    }

    /// A member whom somebody deactivated stays out under any rule: no line, before or after.
    async fn who_is_deactivated_is_nobodys_line(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        comes(&front, &person("mia")).await;
        let doer = members::Doer::operator();
        let member = acme.rows("members", "id source").into_iter().find(|row| row.contains("source=jit")).unwrap();
        let id = member.split("id=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let version = acme.read(|conn| Ok(members::find(conn, &acme.organization, &id)?.unwrap())).version;
        acme.write(|conn, now| members::actions::remove(conn, now, &doer, &acme.organization, &id, version));
        let off = Change::Jit { connection: acme.connection.clone(), on: false };
        assert!(found(acme, &off).lines.is_empty());
    }

    /// A table of groups is seen by name, from its review, and saved from there.
    async fn a_table_of_groups_is_seen_by_name(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let team = acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Engineering")
        });
        comes(&front, &person("mia").in_groups(&["eng"])).await;
        comes(&front, &person("noa").in_groups(&["ops"])).await;
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/groups")).await;
        let mut fields = olive.fields("See what changes…");
        let place = fields.iter().position(|(name, value)| name == "group" && value == "eng").unwrap();
        let of_row = fields.iter().take(place).filter(|(name, _)| name == "group").count();
        let (_, chosen) = fields.iter_mut().filter(|(name, _)| name == "team").nth(of_row).unwrap();
        *chosen = team;
        let form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        olive.post(&page(acme, "/groups/preview"), &form).await;
        olive.sees("Save this table of groups?").sees("mia@acme.example").sees("Comes in; joins Engineering").does_not_see("noa@acme.example");
        olive.submit("Save the table", &[]).await.sees("The table of groups is saved.");
        comes(&front, &person("mia").in_groups(&["eng"])).await;
        assert_eq!(acme.teams_of("mia@acme.example"), ["Engineering by mapping"]);
        olive.get(&page(acme, "/groups/preview?table=gone")).await;
        assert_eq!(olive.status(), 410);
    }

    /// In a large organization the page says how far it is, asks again by itself, and then names people; a switch holds
    /// although members came meanwhile, and is not made when somebody was done something to.
    /// RES-010.
    async fn a_large_organization_is_worked_out_beside_the_request(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let (now, organization, connection) = (acme.installation.site.now() - DAY, &acme.organization, &acme.connection);
        let rows: Vec<String> = (0..4_500)
            .map(|number| format!(
                "('s{number:05}', '{organization}', '{connection}', 'oidc', {now}, 'denied', 'not_invited', 'r{number}', 'email:p{number}@acme.example', 'sub-{number}', 'p{number}@acme.example')"
            ))
            .collect();
        acme.run(&format!("INSERT INTO sign_ins (id, organization_id, connection_id, protocol, at, outcome, reason, reference, person_key, subject, email) VALUES {}", rows.join(",")));
        comes(&front, &person("mia")).await;
        let mut olive = acme.owner().await;
        let known = async |olive: &mut Browser| {
            olive.get(&page(acme, "/jit")).await;
            for _ in 0..600 {
                if !olive.text().contains("Working out whom it concerns") {
                    break;
                }
                assert_eq!(olive.header("refresh"), Some("1; url=?days=90"));
                olive.sees("records are read").does_not_see("Type acme to confirm");
                actix_web::rt::time::sleep(std::time::Duration::from_millis(100)).await;
                olive.get(&page(acme, "/jit")).await;
            }
            olive.sees("4,500 people would be denied: not invited").sees("Invite the first 1,000…");
            assert_eq!(olive.header("refresh"), None);
        };
        known(&mut olive).await;
        let how = olive.body().split("how=out.not_invited").next().is_some();
        assert!(how);
        olive.get(&page(acme, "/jit?days=90&how=out.not_invited")).await.sees("50 shown, by name");
        olive.click("Next page").await.sees("Previous page");
        known(&mut olive).await;
        let mut late = olive.clone();
        comes(&front, &person("mia")).await;
        olive.submit("Turn off just-in-time provisioning", &[("word", "acme")]).await.sees("is off for Acme ID");
        acme.jit(true);
        late.submit("Turn off just-in-time provisioning", &[("word", "acme")]).await;
        assert!(late.status() == 409 && acme.connection().jit, "{}", late.text());
    }
}
