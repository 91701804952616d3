//! The home page: what needs somebody, the picture of 30 days, and a member's own.

use diesel::prelude::*;
use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::connections::saml::SamlSettings;
use vestibule::provisioning;
use vestibule::store::schema::domains;
use vestibule::store::time::DAY;

use crate::support::provider::Provider;
use crate::support::{Acme, Browser};

both_databases! {
    /// Where nothing is wrong nothing is shown, and what was recorded is not counted twice.
    async fn nothing_needs_anybody_where_nothing_is_wrong(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.installation.to("/")).await.sees("Nobody came by single sign-on yet");
        assert_eq!((olive.status(), olive.path()), (200, "/orgs/acme"));
        assert!(olive.body().contains(r#"aria-current="page">Home"#));
        // All that is left to do is the mail, which an owner may think about, and an admin can't change.
        olive.sees("What needs you To do No mail is sent: invitations and warnings are only shown here.");
        acme.join("ada@acme.example", "Ada", Role::Admin);
        acme.signed_in("ada@acme.example").await.get(&acme.to("")).await.sees("Nothing needs you");
    }

    /// Each thing that needs somebody is a sentence with its link.
    async fn what_needs_somebody_is_said_with_its_link(db: Database) {
        let acme = Acme::alone(db);
        let (connection, now) = (acme.connection(), acme.installation.site.now());
        acme.connect_saml("acme-saml", &SamlSettings::default(), &[]);
        acme.write(|conn, now| vestibule::connections::actions::set_scim(conn, now, &Actor::operator(), &connection, true));
        acme.write(|conn, _| {
            provisioning::tokens::create(conn, now, &Actor::operator(), &connection, "okta", Some(now + 20 * DAY))
        });
        acme.invite("ivan@acme.example");
        acme.seats(Some(2));
        let mut olive = acme.owner().await;
        olive.get(&acme.to("")).await;
        olive.sees("The directory’s token “okta” expires in 20 days.").sees("All 2 seats are taken");
        olive.sees("acme-saml is a draft since").does_not_see("1 invitation expires").does_not_see("Nothing needs you");
        olive.click("Change the number of seats").await.sees("Seats (optional)");
        acme.installation.site.clock.advance(12 * DAY);
        let mut olive = acme.owner().await;
        acme.write(|conn, now| {
            Ok(diesel::update(domains::table).set(domains::lost_at.eq(Some(now))).execute(conn)?)
        });
        olive.get(&acme.to("")).await.sees("The TXT record of acme.example is missing since");
        olive.get(&acme.to("")).await.sees("1 invitation expires on").sees("token “okta” expires in 8 days");
    }

    /// After a restore the organizations with a directory are asked to let it send everything again, for two weeks.
    /// BAK-002.
    async fn a_restore_is_told_where_there_is_a_directory(db: Database) {
        let acme = Acme::alone(db);
        let (connection, now) = (acme.connection(), acme.installation.site.now());
        acme.run(&format!("INSERT INTO installation_facts (name, value, at) VALUES ('restored', '', {now})"));
        let mut olive = acme.owner().await;
        olive.get(&acme.to("")).await.does_not_see("restored from a back-up");
        acme.write(|conn, now| vestibule::connections::actions::set_scim(conn, now, &Actor::operator(), &connection, true));
        olive.get(&acme.to("")).await.sees("This installation was restored from a back-up on");
        acme.installation.site.clock.advance(15 * DAY);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("")).await.does_not_see("restored from a back-up");
    }

    /// The picture counts what was recorded, by day and reason, and its figures stand in a table.
    async fn the_picture_shows_who_came_and_who_did_not(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::start(db, provider.issuer(), provider.client_id(), provider.client_secret());
        provider.person("sub-sam", "sam@acme.example");
        for _ in 0..2 {
            Browser::new().get(&acme.sign_in()).await.sees("Access denied");
        }
        acme.invite("sam@acme.example");
        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await.sees("You are in").sees("sam@acme.example").sees("the IT desk");
        sam.does_not_see("The last 30 days").does_not_see("Members");
        let mut olive = acme.owner().await;
        olive.get(&acme.to("")).await;
        olive.sees("In the last 30 days 1 sign-in was let in and 2 were denied, most often for “not invited” (2).");
        assert!(olive.body().contains(r#"role="img" aria-labelledby="denied-title denied-summary""#));
        olive.click("Not invited").await.sees("1 person, reason “Not invited”");
        olive.sees("2 attempts were denied in the last 30 days");
    }

    /// Admins are led to pages that they may see.
    async fn an_admin_is_not_sent_to_the_owners_pages(db: Database) {
        let acme = Acme::alone(db);
        acme.join("ada@acme.example", "Ada", Role::Admin);
        acme.seats(Some(2));
        let mut ada = acme.signed_in("ada@acme.example").await;
        ada.get(&acme.to("")).await.sees("All 2 seats are taken");
        ada.click("See the members").await.sees("Olive Owner");
    }
}
