//! The operator's pages: numbers of organizations, seats, answering for a domain, health.

use diesel::prelude::*;
use vestibule::access::{DomainName, Role};
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::domains;
use vestibule::store::schema::audit_events;

use crate::support::Acme;
use crate::support::provider::Provider;

const OTTO: &str = "otto@run.example";

both_databases! {
    /// The operator sees how many people there are, and not who they are.
    /// ADM-020.
    async fn the_operator_sees_numbers_and_no_names(db: Database) {
        let acme = Acme::alone(db);
        acme.operator(OTTO);
        acme.join("max@acme.example", "Max Member", Role::Member);
        let mut otto = acme.signed_in(OTTO).await;
        otto.get(&acme.installation.to("/account")).await.click("the operator’s pages").await;
        otto.sees("It works, without mail.").does_not_see("All is well.").sees(env!("CARGO_PKG_VERSION")).sees("Migrations that wait");
        otto.click("Organizations").await.sees("Acme").sees("no limit").does_not_see("Max").does_not_see("Olive");
        otto.get(&acme.installation.to("/operator/organizations?q=zzz")).await.sees("No organization matches");
        otto.get(&acme.installation.to("/operator/organizations?q=ACM")).await.click("Acme").await;
        otto.sees("acme.example").sees("The operator answers for it.").does_not_see("Max").does_not_see("Olive");
        assert_eq!(otto.get(&acme.to("")).await.status(), 404, "running the installation makes nobody a member");
    }

    /// Seats and domains are the operator's to give, under their own name in the organization's log.
    /// ADM-020.
    async fn what_the_operator_changes_is_told_to_the_organization(db: Database) {
        let acme = Acme::alone(db);
        acme.operator(OTTO);
        let domain = acme.write(|conn, now| {
            let name = DomainName::parse("acme.test").unwrap();
            domains::actions::add(conn, now, &Actor::operator(), &acme.organization, &name)
        });
        let mut otto = acme.signed_in(OTTO).await;
        let page = acme.installation.to(&format!("/operator/organizations/{}", acme.organization));
        otto.get(&page).await.submit("Save the seats", &[("seats", "many")]).await.sees("Write a whole number");
        assert_eq!(otto.status(), 422);
        otto.submit("Save the seats", &[("seats", "7")]).await.sees("The number of seats is changed.");
        assert_eq!(acme.now().settings.seats, Some(7));
        otto.click("Answer for acme.test …").await.sees("What will change");
        assert!(!acme.read(|conn| Ok(domains::find(conn, &acme.organization, &domain)?.unwrap())).verified);
        otto.submit("Answer for acme.test", &[]).await.sees("You answer for this domain now.");
        assert!(acme.read(|conn| Ok(domains::find(conn, &acme.organization, &domain)?.unwrap())).vouched);
        let who: Vec<(String, String)> = acme.read(|conn| {
            Ok(audit_events::table
                .filter(audit_events::action.eq_any(["domain.vouched", "organization.changed"]))
                .filter(audit_events::actor_kind.eq("person"))
                .order(audit_events::action)
                .select((audit_events::action, audit_events::actor_name))
                .load(conn)?)
        });
        let otto = |action: &str| (action.to_owned(), "Otto Operator".to_owned());
        assert_eq!(who, [otto("domain.vouched"), otto("organization.changed")]);
    }

    /// The operator turns an organization off: nobody is in, nobody comes in by any door, its directory is refused, and
    /// nothing is lost; then on again.
    /// DEC-028.
    async fn an_organization_that_is_off_lets_nobody_in(db: Database) {
        let front = crate::support::Front::open(db).await;
        let acme = &front.acme;
        acme.operator(OTTO);
        acme.guests(true);
        front.provider.person("ada", "ada@acme.example");
        acme.invite("ada@acme.example");
        let mut ada = crate::support::Browser::new();
        ada.get(&acme.sign_in()).await.sees("ada@acme.example");
        let (mut olive, waiting) = (acme.owner().await, acme.invite("gus@guest.example"));
        let directory = crate::support::Directory::of(acme);
        let mut otto = acme.signed_in(OTTO).await;
        let page = acme.installation.to(&format!("/operator/organizations/{}", acme.organization));
        otto.get(&page).await.click("Turn the organization off…").await.sees("2 browsers are signed in");
        assert!(acme.now().is_on, "looking changes nothing");
        otto.submit("Turn it off", &[]).await.sees("nobody is in, and nobody comes in");
        let people = || acme.people().into_iter().filter(|row| !row.starts_with("sessions")).collect::<Vec<_>>();
        let before = people();
        for browser in [&mut ada, &mut olive] {
            assert_eq!(browser.get(&acme.to("")).await.path(), "/sign-in");
        }
        assert_eq!(ada.get(&acme.sign_in()).await.status(), 403);
        ada.sees("turned off");
        // A password still opens the account, and no page of the organization.
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/members")).await.sees("turned off on this server");
        assert_eq!(olive.status(), 403);
        assert_eq!(directory.get("/Users").await.status, 401);
        assert_eq!(directory.post("/Users", &crate::support::directory::user("x@acme.example")).await.status, 401);
        let mut gus = crate::support::Browser::new();
        assert_eq!(gus.get(&acme.installation.to(&waiting)).await.status(), 410);
        gus.sees("lets nobody in at present");
        assert_eq!(gus.get(&acme.installation.to("/invitation/accept")).await.status(), 410);
        assert_eq!(people(), before);
        otto.click("Turn the organization on…").await.submit("Turn it on", &[]).await.sees("people may come in again");
        ada.get(&acme.sign_in()).await.sees("ada@acme.example");
        assert_eq!(olive.get(&acme.to("/members")).await.status(), 200);
        assert_eq!(directory.get("/Users").await.status, 200);
        gus.get(&acme.installation.to(&waiting)).await.sees("Acme");
        let turned = "audit_events WHERE action IN ('organization.turned_off', 'organization.turned_on') AND actor_name = 'Otto Operator'";
        assert_eq!(acme.count(turned), 2);
    }

    /// No organization's provider makes an operator, not even of an operator's own address.
    async fn no_provider_speaks_for_the_installation(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::start(db, provider.issuer(), provider.client_id(), provider.client_secret());
        acme.jit(true);
        acme.operator("otto@acme.example");
        provider.person("sub-otto", "otto@acme.example");
        let mut otto = crate::support::Browser::new();
        otto.get(&acme.sign_in()).await.sees("You are in");
        otto.get(&acme.installation.to("/operator")).await.sees("open to a password alone");
        assert_eq!(otto.status(), 403);
        let mut by_password = acme.signed_in("otto@acme.example").await;
        assert_eq!(by_password.get(&acme.installation.to("/operator")).await.status(), 200);
        acme.write(|conn, now| {
            let email = vestibule::access::EmailAddress::parse("otto@acme.example").unwrap();
            let account = accounts::find_by_email(conn, &email)?.unwrap();
            Ok(accounts::actions::set_operator(conn, now, &Actor::operator(), &account, false)?)
        });
        assert_eq!(by_password.get(&acme.installation.to("/operator")).await.status(), 404);
    }
}
