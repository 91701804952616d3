//! Every form that changes whom the door lets in carries what its page showed: where the answer changed meanwhile, the
//! page comes back and nothing is done.

use vestibule::access::{MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::{connections, domains, groups, teams};

use super::{comes, page, person};
use crate::support::{Acme, Browser, Front};

/// The record of somebody who was denied, and would become a member now.
fn somebody_was_denied(acme: &Acme, name: &str) {
    let (now, organization, connection) =
        (acme.installation.site.now(), &acme.organization, &acme.connection);
    acme.run(&format!(
        "INSERT INTO sign_ins (id, organization_id, connection_id, protocol, at, outcome, reason, reference, person_key, subject, email) \
         VALUES ('s-{name}', '{organization}', '{connection}', 'oidc', {now}, 'denied', 'not_invited', 'r-{name}', \
         'email:{name}@acme.example', 'sub-{name}', '{name}@acme.example')"
    ));
}

fn domain(acme: &Acme) -> String {
    acme.read(|conn| {
        Ok(domains::find_by_name(conn, &acme.organization, "acme.example")?
            .unwrap()
            .id)
    })
}

fn team(acme: &Acme, name: &str) -> String {
    acme.write(|conn, now| teams::actions::create(conn, now, &Actor::operator(), &acme.organization, name))
}

/// The page came back, and says that the answer is another one.
fn came_back(browser: &Browser) {
    assert_eq!(browser.status(), 409, "{}", browser.text());
    browser.sees("meanwhile");
}

both_databases! {
    /// Newcomers' role, seats, domains: somebody was denied between page and button, so that each names one more.
    /// ADM-014.
    async fn a_choice_whose_answer_changed_is_not_made(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let mut newcomers = acme.owner().await;
        let (mut seats, mut detach) = (newcomers.new_tab(), newcomers.new_tab());
        newcomers.get(&page(acme, "/newcomers?role=admin")).await.sees("Nobody’s way would differ");
        seats.get(&acme.to("/settings/seats?seats=1")).await.sees("Nobody’s way would differ");
        detach.get(&page(acme, "/domains?chosen=yes")).await.sees("1 person would be denied");
        somebody_was_denied(acme, "dora");
        for (browser, button) in [
            (&mut newcomers, "Change what newcomers get"),
            (&mut detach, "Detach acme.example"),
            (&mut seats, "Change the number of seats"),
        ] {
            browser.submit(button, &[]).await;
            came_back(browser);
            browser.sees("dora@acme.example");
        }
        assert_eq!((acme.connection().default_role, acme.now().settings.seats), (Role::Member, None));
        assert_eq!(acme.read(|conn| Ok(connections::attached(conn, &acme.connection)?)).len(), 1);
        // What came back is what is true now, and is done.
        newcomers.submit("Change what newcomers get", &[]).await.sees("is changed");
        assert_eq!(acme.connection().default_role, Role::Admin);
        seats.get(&acme.to("/settings/seats?seats=1")).await.sees("1 person would be denied: no free seat");
        seats.submit("Change the number of seats", &[]).await.sees("The number of seats is changed.");
        assert_eq!(acme.now().settings.seats, Some(1));
    }

    /// A table of groups: somebody signed in between its review and the button, by either of the two ways to save it.
    /// ADM-014.
    async fn a_reviewed_table_whose_answer_changed_is_not_saved(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let (acme, platform) = (&front.acme, team(&front.acme, "Platform"));
        comes(&front, &person("mia").in_groups(&["eng"])).await;
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/groups")).await;
        let mut fields = olive.fields("See what changes…");
        let place = fields.iter().position(|(name, value)| name == "group" && value == "eng").unwrap();
        let of_row = fields.iter().take(place).filter(|(name, _)| name == "group").count();
        let (_, chosen) = fields.iter_mut().filter(|(name, _)| name == "team").nth(of_row).unwrap();
        chosen.clone_from(&platform);
        let form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut by_name = olive.new_tab();
        olive.post(&page(acme, "/groups"), &form).await.sees("1 joins").sees("Mia");
        by_name.post(&page(acme, "/groups/preview"), &form).await.sees("mia@acme.example");
        comes(&front, &person("noa").in_groups(&["eng"])).await;
        let table = || acme.read(|conn| Ok(groups::mapping(conn, &acme.connection)?));
        by_name.submit("Save the table", &[]).await;
        came_back(&by_name);
        by_name.sees("noa@acme.example");
        olive.submit("Save the table", &[]).await.sees("Whom it concerns has changed meanwhile").sees("2 join");
        came_back(&olive);
        assert!(table().is_empty());
        olive.submit("Save the table", &[]).await.sees("The table of groups is saved.");
        let line = MappedGroup { group: "eng".into(), team: platform, role: Role::Member };
        assert_eq!(table(), [line]);
    }

    /// Enforcement: somebody got a password between page and button.
    /// ADM-014.
    async fn enforcement_whose_answer_changed_is_not_made(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/enforce")).await.sees("Nobody loses a way in");
        acme.join("noa@acme.example", "Noa", Role::Member);
        olive.submit("Enforce single sign-on", &[("word", "acme")]).await.sees("Whom it concerns has changed meanwhile");
        assert!(olive.status() == 409 && !acme.connection().enforce);
        olive.sees("noa@acme.example");
        olive.submit("Enforce single sign-on", &[("word", "acme")]).await;
        assert!(acme.connection().enforce);
    }

    /// While people sign in by a connection, its form asks neither domains nor what newcomers get, whatever is sent; nor do
    /// the settings ask for the seats.
    async fn what_has_a_preview_has_no_other_door(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/edit")).await.sees("Attach or detach domains…").sees("What newcomers get…");
        let mut fields = olive.fields("Save the connection");
        assert!(!fields.iter().any(|(name, _)| ["domain", "default_role", "default_team"].contains(&name.as_str())));
        fields.extend([("default_role".to_owned(), "admin".to_owned()), ("domain".to_owned(), "none".to_owned())]);
        let form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        olive.post(&page(&acme, "/edit"), &form).await.sees("is saved");
        assert_eq!(acme.connection().default_role, Role::Member);
        assert_eq!(acme.read(|conn| Ok(connections::attached(conn, &acme.connection)?)).len(), 1);
        acme.seats(Some(9));
        olive.get(&acme.to("/settings")).await;
        let mut fields = olive.fields("Save the settings");
        assert!(!fields.iter().any(|(name, _)| name == "seats"));
        fields.push(("seats".to_owned(), "1".to_owned()));
        let form: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        olive.post(&acme.to("/settings"), &form).await.sees("The settings are saved.");
        assert_eq!(acme.now().settings.seats, Some(9));
    }

    /// Removing a domain names whom it keeps out, and comes back where that changed.
    /// ADM-014.
    async fn a_removed_domain_names_whom_it_keeps_out(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        acme.join("mia@acme.example", "Mia", Role::Member);
        comes(&front, &person("mia")).await;
        let mut olive = acme.owner().await;
        let address = acme.to(&format!("/domains/{}/remove", domain(acme)));
        olive.get(&address).await.sees("1 person would be denied: domain not verified").sees("olive@acme.example");
        olive.does_not_see("mia@acme.example");
        acme.join("noa@acme.example", "Noa", Role::Member);
        olive.submit("Remove acme.example", &[]).await;
        came_back(&olive);
        olive.sees("2 people would be denied: domain not verified").sees("noa@acme.example");
        assert!(!domain(acme).is_empty());
        olive.submit("Remove acme.example", &[]).await.sees("acme.example is removed");
        comes(&front, &person("noa")).await.sees("Access denied");
        let mia = comes(&front, &person("mia")).await;
        assert_eq!((mia.status(), mia.path()), (200, "/orgs/acme"));
    }

    /// Owners for emergencies keep their passwords and are named so; named ones never come by single sign-on, so no
    /// change of the rules is about them.
    async fn owners_for_emergencies_are_left_out(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        acme.join("oscar@acme.example", "Oscar Owner", Role::Owner);
        let mut olive = acme.owner().await;
        olive.get(&page(acme, "/enforce/people")).await;
        olive.sees("Who keeps the password The owners for emergencies may always come by password: Olive").sees("oscar@acme.example");
        let detach = page(acme, "/domains?chosen=yes");
        olive.get(&detach).await.sees("2 people would be denied");
        acme.write(|conn, now| {
            let owners = vestibule::break_glass::owners(conn, &acme.organization)?;
            let oscar = owners.iter().find(|owner| owner.email.starts_with("oscar")).unwrap().account.clone();
            vestibule::break_glass::actions::name(conn, now, &Actor::operator(), &acme.organization, &[oscar])
                .map(|named| named.unwrap())
        });
        olive.get(&page(acme, "/enforce/people")).await.sees("may always come by password: Oscar Owner").sees("olive@acme.example");
        olive.get(&detach).await.sees("1 person would be denied").sees("olive@acme.example").does_not_see("oscar@acme.example");
    }
}
