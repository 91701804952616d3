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
        otto.sees("All is well.").sees(env!("CARGO_PKG_VERSION")).sees("Steps that wait");
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
