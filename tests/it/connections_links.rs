//! Set-up links: somebody without an account sets one connection up, in one browser, until the link ends.

use serde_json::json;
use vestibule::connections::{self, Connection, State};
use vestibule::store::schema::audit_events;
use vestibule::store::time::DAY;

use diesel::prelude::*;

use crate::support::peer::{MailServer, OidcProvider};
use crate::support::{Acme, Browser, Database, Installation};

const SECRET: &str = "a secret: with % and +";

/// Makes a link by the page, and answers its address.
async fn made(acme: &Acme, connection: &str, answers: &[(&str, &str)]) -> String {
    let mut olive = acme.owner().await;
    olive
        .get(&acme.to(&format!("/connections/{connection}/links")))
        .await;
    olive
        .submit("Make the link", answers)
        .await
        .sees("It is not shown again");
    let fields = olive
        .body()
        .split("value=\"")
        .filter_map(|rest| rest.split('"').next());
    fields
        .into_iter()
        .find(|value| value.contains("/connect/open/"))
        .unwrap()
        .to_owned()
}

/// Acme with a mail server.
fn mailing(db: Database, server: &MailServer) -> Acme {
    let installation = Installation::start_with(db, |config| server.configure(config));
    Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret")
}

/// A connection of which nothing is known yet, and its id.
async fn empty(acme: &Acme) -> String {
    let mut olive = acme.owner().await;
    olive.get(&acme.to("/connections/new")).await;
    let answers = [("name", "Campus"), ("later", "yes")];
    olive
        .submit("Add the connection", &answers)
        .await
        .sees("is made, as a draft")
        .sees("Not known yet");
    olive.path().rsplit('/').next().unwrap().to_owned()
}

fn connection(acme: &Acme, id: &str) -> Connection {
    acme.read(|conn| Ok(connections::find(conn, id)?.unwrap()))
}

/// Who did what to connections, as the audit log names them.
fn told(acme: &Acme) -> Vec<(String, String)> {
    acme.read(|conn| {
        Ok(audit_events::table
            .filter(audit_events::actor_name.like("Set-up link%"))
            .order(audit_events::id)
            .select((audit_events::actor_name, audit_events::action))
            .load(conn)?)
    })
}

both_databases! {
    /// The administrator fills in, tests and turns on what the owner left empty; each step is told as done by the link.
    async fn somebody_without_an_account_sets_a_connection_up(db: Database) {
        let people = json!({ "ines": { "email": "ines@acme.example", "email_verified": true, "name": "Ines" } });
        let mut provider = OidcProvider::start("vestibule", SECRET, &[], &people);
        let acme = Acme::alone(db);
        let id = empty(&acme).await;
        provider.call_back(&[&acme.installation.to(&format!("/sign-in/oidc/{id}/callback"))]);
        let address = made(&acme, &id, &[("name", "Ines, IT"), ("may_switch", "yes")]).await;

        let mut ines = Browser::new();
        ines.get(&address).await.sees("Set up single sign-on for Acme").sees("Ines, IT");
        assert_eq!(ines.path(), "/connect/begin");
        ines.submit("Begin in this browser", &[]).await.sees("The provider’s issuer is missing");
        ines.does_not_see("Members").does_not_see("Domains");
        ines.click("Guides").await.click("Okta").await.sees(&format!("/sign-in/oidc/{id}/callback")).sees("Sign-in redirect URIs");
        ines.get(&acme.installation.to("/connect/edit")).await.does_not_see("Default role").does_not_see("Short name");
        ines.submit("Save the connection", &[
            ("issuer", provider.issuer()), ("client_id", "vestibule"), ("client_secret", SECRET),
        ]).await.sees("Campus is saved").sees("The settings are complete");
        let now = connection(&acme, &id);
        assert_eq!((now.issuer.as_str(), now.name.as_str(), now.state), (provider.issuer(), "Campus", State::Draft));

        ines.click("Turn it on…").await.sees("have not passed a test");
        let before = (acme.people(), acme.sign_ins().len());
        ines.click("Test").await.click("Sign in at the provider").await;
        ines.submit("Continue", &[("login", "ines")]).await.sees("The test passed").sees("ines@acme.example");
        ines.does_not_see("What would come of it");
        assert_eq!(before, (acme.people(), acme.sign_ins().len()));
        ines.click("Turn the connection on…").await;
        ines.submit("Turn on Campus", &[]).await.sees("People can now sign in by Campus");
        assert!(connection(&acme, &id).is_on());

        // From now on what is changed is a draft.
        ines.get(&acme.installation.to("/connect/edit")).await;
        ines.submit("Save the connection", &[("scopes", "openid email")]).await.sees("is kept as a draft").sees("Not passed yet");
        ines.does_not_see("without a test");
        let names: Vec<_> = told(&acme).into_iter().map(|(name, action)| {
            assert_eq!(name, "Set-up link “Ines, IT”");
            action
        }).collect();
        assert_eq!(names, [
            "connection.link_opened", "connection.changed", "connection.tested", "connection.state_changed", "connection.drafted",
        ]);
        assert_eq!(acme.count("accounts WHERE email_key = 'ines@acme.example'"), 0);
        ines.submit("Finish in this browser", &[]).await;
        ines.get(&acme.installation.to("/connect")).await;
        assert_eq!(ines.status(), 404);
    }

    /// What the owner did not allow is not there, and is refused where it is asked for all the same.
    async fn a_link_that_may_not_turn_on_does_not(db: Database) {
        let acme = Acme::alone(db);
        let address = made(&acme, &acme.connection, &[("name", "Ines")]).await;
        let mut ines = Browser::new();
        ines.get(&address).await.submit("Begin in this browser", &[]).await;
        ines.get(&acme.installation.to("/connect/edit")).await;
        ines.submit("Save the connection", &[("scopes", "openid email")]).await.sees("is kept as a draft");
        ines.sees("Whoever gave you the set-up link swaps it in").does_not_see("Swap the draft in ");
        let mut fields = ines.fields("Throw the draft away");
        fields.retain(|(name, _)| name != "do");
        fields.extend([("do".to_owned(), "swap".to_owned()), ("untested".to_owned(), "yes".to_owned())]);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        ines.post("/connect/draft", &fields).await;
        assert_eq!(ines.status(), 403);
        assert_eq!(acme.connection().scopes, "openid email profile");
        // Nor does the form rename, attach or give roles, whatever is sent.
        ines.get(&acme.installation.to("/connect/edit")).await;
        let mut fields = ines.fields("Save the connection");
        fields.extend([("name", "Mine"), ("slug", "mine"), ("default_role", "admin"), ("organization", "x")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        ines.post("/connect/edit", &fields).await;
        let now = acme.connection();
        assert_eq!((now.name.as_str(), now.slug.as_str(), now.default_role), ("Acme ID", "acme-id", vestibule::access::Role::Member));
        assert_eq!(acme.count("connection_domains"), 1);
    }

    /// A link opens in one browser, is looked at by programs without harm, ends by time and by an owner's word.
    /// ADM-001.
    async fn a_link_opens_in_one_browser_until_it_ends(db: Database) {
        let acme = Acme::alone(db);
        let address = made(&acme, &acme.connection, &[("name", "Ines"), ("days", "1")]).await;
        assert_eq!(acme.count(&format!("connection_links WHERE token_hash = '{}'", address.rsplit('/').next().unwrap())), 0);
        Browser::new().get(&address).await.sees("Begin in this browser");
        let (mut ines, mut eve) = (Browser::new(), Browser::new());
        eve.get(&address).await.sees("Begin in this browser");
        ines.get(&address).await.submit("Begin in this browser", &[]).await.sees("What to do");
        eve.submit("Begin in this browser", &[]).await.sees("in use in another browser");
        assert_eq!(eve.status(), 410);
        eve.get(&acme.installation.to("/connect")).await;
        assert_eq!(eve.status(), 404);
        ines.get(&address).await.sees("What to do");
        eve.get(&acme.installation.to(&format!("/connect/open/{}", "x".repeat(43)))).await;
        assert_eq!(eve.status(), 410);

        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/connections/{}/links", acme.connection))).await.sees("In use").sees("Ines");
        olive.click("Revoke… the link for Ines").await.submit("Revoke the link", &[]).await.sees("opens nothing any more");
        ines.get(&acme.installation.to("/connect")).await.sees("was revoked");
        assert_eq!(ines.status(), 410);

        let second = made(&acme, &acme.connection, &[("name", "Ida"), ("days", "1")]).await;
        let mut ida = Browser::new();
        ida.get(&second).await.submit("Begin in this browser", &[]).await;
        acme.installation.site.clock.advance(DAY);
        ida.get(&acme.installation.to("/connect")).await.sees("has expired");
        assert_eq!(ida.status(), 410);
        Browser::new().get(&second).await;
    }

    /// Enforcement says whom it takes the password from, and who keeps it; without an owner's password it is refused.
    /// DEC-029.
    async fn enforcement_names_who_loses_the_password(db: Database) {
        let acme = Acme::alone(db);
        acme.join("ada@acme.example", "Ada Admin", vestibule::access::Role::Admin);
        acme.join("gus@elsewhere.example", "Gus Guest", vestibule::access::Role::Member);
        let mut olive = acme.owner().await;
        let page = acme.to(&format!("/connections/{}/enforce", acme.connection));
        olive.get(&page).await.sees("1 person can’t use their password").sees("Ada Admin").sees("Olive Owner");
        olive.does_not_see("Gus Guest");
        olive.submit("Enforce single sign-on", &[("word", "no")]).await.sees("Type “acme”");
        assert_eq!((olive.status(), acme.connection().enforce), (422, false));
        olive.submit("Enforce single sign-on", &[("word", "acme")]).await.sees("have to come by Acme ID");
        assert!(acme.connection().enforce);
        let mut ada = Browser::new();
        ada.get(&acme.installation.to("/sign-in")).await.submit("Continue", &[("email", "ada@acme.example")]).await;
        if ada.body().contains("Use a password instead") {
            ada.submit("Use a password instead", &[]).await;
        }
        ada.submit("Sign in", &[("password", crate::support::acme::PASSWORD)]).await.sees("single sign-on");
        assert!(ada.cookie("vestibule_session").is_none());
        acme.owner().await;
        olive.get(&page).await.submit("Let people use passwords", &[]).await.sees("may use a password again");
        acme.run("UPDATE accounts SET password_hash = NULL WHERE email_key LIKE 'olive%'");
        olive.get(&page).await.sees("No owner has a password");
    }

    /// The home page leads along the path until it is done, and then is quiet about it.
    async fn the_path_leads_from_the_domain_to_the_first_people(db: Database) {
        let acme = Acme::alone(db);
        acme.run("DELETE FROM connections");
        acme.run("DELETE FROM domains");
        let mut olive = acme.owner().await;
        olive.get(&acme.to("")).await.sees("0 of 5 done").sees("Your domain");
        olive.click("See the whole path").await.sees("0 of 5 steps are done").sees("By SAML 2.0");
        olive.sees("No mail server is set").sees("Until step 4 nobody comes in by single sign-on");
        olive.get(&acme.to("/connections/new")).await;
        olive.submit("Add the connection", &[("name", "Campus"), ("later", "yes")]).await;
        olive.get(&acme.to("/set-up")).await.sees("vouches for nobody’s address").sees("Hand it to your IT by a link");
        acme.installation.takes_at_most(8, "/set-up", async || {
            assert_eq!(olive.get(&acme.to("/set-up")).await.status(), 200);
        }).await;
    }
    /// A link that is mailed is in the letter and nowhere else: no page, no log, and in the database sealed until it is
    /// sent. The list tells what became of the letter.
    /// EML-005.
    async fn a_link_goes_by_mail_to_whoever_gets_it(db: Database) {
        let mut server = MailServer::start();
        let acme = mailing(db, &server);
        let mut olive = acme.quiet(acme.owner().await);
        let page = acme.to(&format!("/connections/{}/links", acme.connection));
        olive.get(&page).await.submit("Make the link", &[("name", "Ines, IT"), ("email", "no address")]).await;
        olive.sees("Write an e-mail address");
        assert_eq!((olive.status(), acme.count("connection_links"), acme.count("letters")), (422, 0, 0));
        let answers = [("name", "Ines, IT"), ("email", "ines@campus.example"), ("days", "3"), ("may_switch", "yes")];
        olive.submit("Make the link", &answers).await.sees("goes to ines@campus.example");
        assert!(!olive.body().contains("/connect/open/"), "the link is in the page");
        olive.get(&page).await.sees("to ines@campus.example").sees("Mail: Not sent yet");

        acme.installation.mail.deliver().await.unwrap();
        let letter = server.letters(1).remove(0);
        assert_eq!((letter.get("to"), letter.get("subject")), ("ines@campus.example", "Set up single sign-on for Acme"));
        let link = letter.link("/connect/open/");
        assert!(letter.get("html").contains(&link) && letter.get("text").contains("Olive Owner"));
        let token = link.rsplit('/').next().unwrap();
        olive.get(&page).await.sees("Mail: Sent");
        for address in [page.clone(), acme.to("/audit"), acme.to("/mail?state=sent")] {
            assert!(!olive.get(&address).await.body().contains(token), "{address}");
        }
        olive.get(&acme.to("/mail?state=sent")).await.sees("Set-up link");
        let database = &acme.installation.site.config.database_url;
        assert!(!crate::support::dump::dump(database).contains(token), "the token lies open in the database");
        let mut ines = Browser::new();
        ines.get(&link).await.submit("Begin in this browser", &[]).await.sees("What to do");
    }

    /// What is not sent yet is taken back with its link; one that could not be sent in time is not sent later.
    async fn a_revoked_link_is_not_mailed(db: Database) {
        let mut server = MailServer::start();
        let acme = mailing(db, &server);
        let mut olive = acme.quiet(acme.owner().await);
        let page = acme.to(&format!("/connections/{}/links", acme.connection));
        for name in ["Ines", "Ida"] {
            let answers = [("name", name), ("email", "it@campus.example"), ("days", "1")];
            olive.get(&page).await.submit("Make the link", &answers).await.sees("is on its way");
        }
        olive.get(&page).await.click("Revoke… the link for Ines").await.submit("Revoke the link", &[]).await;
        olive.get(&page).await.sees("Mail: Taken back");
        acme.installation.site.clock.advance(DAY);
        acme.installation.mail.deliver().await.unwrap();
        assert!(server.letters(0).is_empty());
    }

    /// Nobody mails strangers without end, and where no mail is sent the page does not offer it.
    async fn set_up_links_by_mail_are_few(db: Database) {
        let server = MailServer::start();
        let acme = mailing(db, &server);
        let mut olive = acme.owner().await;
        let page = acme.to(&format!("/connections/{}/links", acme.connection));
        let answers = [("name", "Ines"), ("email", "it@campus.example")];
        for _ in 0..50 {
            olive.get(&page).await.submit("Make the link", &answers).await.sees("is on its way");
            acme.run("UPDATE connection_links SET revoked_at = 1");
        }
        olive.get(&page).await.submit("Make the link", &answers).await.sees("50 set-up links went out by mail");
        assert_eq!((olive.status(), acme.count("connection_links")), (422, 50));
        olive.submit("Make the link", &[("email", "")]).await.sees("It is not shown again");
        acme.installation.site.clock.advance(2 * DAY);
        let mut olive = acme.owner().await;
        olive.get(&page).await.submit("Make the link", &answers).await.sees("is on its way");
    }

    /// Without a mail server the page offers no mail, and what is sent for it all the same is refused.
    async fn without_mail_a_link_is_copied(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let page = acme.to(&format!("/connections/{}/links", acme.connection));
        olive.get(&page).await.does_not_see("Mail it to");
        let mut fields = olive.fields("Make the link");
        fields.retain(|(name, _)| name != "name");
        fields.extend([("name", "Ines"), ("email", "it@campus.example")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        olive.post(&page, &fields).await.sees("No mail is sent from here");
        assert_eq!((olive.status(), acme.count("connection_links")), (422, 0));
    }
}
