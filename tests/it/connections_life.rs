//! The life of a connection: tested before it is on, changed by a draft beside it, taken back.

use reqwest::Method;
use serde_json::json;
use vestibule::audit::Actor;
use vestibule::connections::versions::{self, Kind};
use vestibule::connections::{self, State, testing};
use vestibule::store::schema::audit_events;

use diesel::prelude::*;

use crate::support::peer::{Make, OidcProvider, SamlProvider};
use crate::support::provider::Provider;
use crate::support::{Acme, Browser, Caller, Database};

const SECRET: &str = "a secret: with % and +";

/// What a test must leave as it was.
fn people(acme: &Acme) -> (Vec<String>, usize, [i64; 5]) {
    let tables = ["accounts", "members", "identities", "denials", "sessions"];
    (
        acme.people(),
        acme.sign_ins().len(),
        tables.map(|table| acme.count(table)),
    )
}

fn page(acme: &Acme, rest: &str) -> String {
    acme.to(&format!("/connections/{}{rest}", acme.connection))
}

fn actions(acme: &Acme) -> Vec<String> {
    acme.read(|conn| {
        Ok(audit_events::table
            .filter(audit_events::actor_kind.eq("person"))
            .filter(audit_events::subject_kind.eq("connection"))
            .order(audit_events::id)
            .select(audit_events::action)
            .load(conn)?)
    })
}

/// Acme whose connection speaks to a provider that knows Olive.
fn acme_and(db: Database) -> (Acme, OidcProvider) {
    let provider = other_provider();
    let acme = Acme::start(db, provider.issuer(), "vestibule", SECRET);
    let mut provider = provider;
    provider.call_back(&[&acme.callback()]);
    (acme, provider)
}

fn other_provider() -> OidcProvider {
    let people = json!({
        "olive": { "email": "olive@acme.example", "email_verified": true, "name": "Olive Owner", "groups": ["staff"] },
        "sam": { "email": "sam@acme.example", "email_verified": true },
    });
    OidcProvider::start("vestibule", SECRET, &[], &people)
}

/// Types the settings of another provider.
async fn edited(acme: &Acme, browser: &mut Browser, issuer: &str) {
    browser.get(&page(acme, "/edit")).await;
    let answers = [("issuer", issuer), ("client_secret", SECRET)];
    browser
        .submit("Save the connection", &answers)
        .await
        .sees("is kept as a draft");
}

both_databases! {
    /// A draft is tested by a real sign-in at somebody else's provider, and turned on because the test passed.
    /// ADM-008.
    async fn a_connection_is_tested_then_turned_on(db: Database) {
        let (acme, _provider) = acme_and(db);
        let connection = acme.connection();
        acme.write(|conn, now| connections::actions::set_state(conn, now, &Actor::operator(), &connection, State::Off));
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/state")).await.sees("have not passed a test");
        olive.submit("Turn on Acme ID", &[]).await.sees("Test them first, or say");
        assert_eq!((olive.status(), acme.connection().state), (409, State::Off));

        let before = people(&acme);
        olive.get(&page(&acme, "/test")).await.sees("Not tested yet");
        olive.click("Sign in at the provider").await;
        olive.submit("Continue", &[("login", "olive")]).await.sees("The test passed");
        olive.sees("It changed nothing").sees("olive@acme.example").sees("This person is a member.").sees("Let in");
        olive.sees("Judged as if the connection were on").sees("staff").sees("Existing member").sees("email_verified");
        olive.does_not_see("nonce");
        assert_eq!(people(&acme), before);
        olive.click("Turn the connection on…").await.sees("Its settings passed a test");
        olive.submit("Turn on Acme ID", &[]).await.sees("People can now sign in by Acme ID");
        assert!(acme.connection().is_on());
        assert_eq!(actions(&acme), ["connection.tested", "connection.state_changed"]);
    }

    /// What is missing is said: the name, the groups, the domain; and that the person would be turned away.
    async fn a_test_warns_about_what_is_missing(db: Database) {
        let (acme, mut provider) = acme_and(db);
        acme.run("DELETE FROM connection_domains");
        let mut olive = acme.owner().await;
        let before = people(&acme);
        olive.get(&page(&acme, "/test")).await.click("Sign in at the provider").await;
        olive.submit("Continue", &[("login", "sam")]).await.sees("The provider answers, but this person would be denied");
        olive.sees("Attach acme.example…").sees("Denied").sees("not attached to this connection").sees("sent no name").sees("sent no groups");
        provider.set_people(&json!({ "sam": { "name": "Sam" } }));
        olive.get(&page(&acme, "/test/start")).await.sees("The test failed").sees("sent no e-mail address");
        provider.set_people(&json!({ "sam": { "email": "sam@acme.example", "email_verified": false } }));
        olive.get(&page(&acme, "/test/start")).await.sees("email_verified is false");
        assert_eq!(people(&acme), before);
        olive.get(&page(&acme, "/test")).await.sees("3 tests, newest first");
    }

    /// A provider that can't be asked, or that the person leaves, fails the test, and is nobody's failed sign-in.
    /// ADM-008.
    async fn a_test_that_fails_is_kept_and_is_no_sign_in(db: Database) {
        let (acme, _provider) = acme_and(db);
        let mut olive = acme.owner().await;
        let before = people(&acme);
        olive.get(&page(&acme, "/test")).await.click("Sign in at the provider").await;
        olive.submit("Cancel", &[]).await.sees("The test failed");
        acme.run("UPDATE connections SET issuer = 'http://127.0.0.1:9'");
        olive.get(&page(&acme, "/test")).await.click("Sign in at the provider").await.sees("The test failed");
        olive.sees("can't be reached");
        assert_eq!(people(&acme), before);
        let kept = acme.read(|conn| Ok(testing::latest(conn, &acme.connection)?));
        assert_eq!(kept.iter().map(|test| test.passed).collect::<Vec<_>>(), [false, false]);
    }

    /// Nobody is sent to a test by another site, and nobody but an owner tests.
    async fn a_test_begins_on_our_own_page(db: Database) {
        let (acme, _provider) = acme_and(db);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/test")).await;
        let caller = Caller::at(&olive, "Sign out");
        let answer = caller.ask(Method::GET, &page(&acme, "/test/start"), &[("sec-fetch-site", "cross-site")], "").await;
        assert!(answer.status == 303 && answer.leads_to().ends_with("/test"), "{answer:?}");
        acme.join("ada@acme.example", "Ada", vestibule::access::Role::Admin);
        let mut ada = acme.signed_in("ada@acme.example").await;
        ada.get(&page(&acme, "/test/start")).await;
        assert_eq!(ada.status(), 403);
        assert_eq!(acme.count("attempts"), 0);
    }

    /// A live connection moves to another provider: by a draft that is tested while everybody signs in as before.
    /// ADM-007.
    async fn a_live_connection_moves_to_another_provider(db: Database) {
        let (acme, mut old) = acme_and(db);
        acme.jit(true);
        let mut new = other_provider();
        new.call_back(&[&acme.callback()]);
        let mut olive = acme.owner().await;
        edited(&acme, &mut olive, new.issuer()).await;
        olive.sees("Issuer").sees(old.issuer()).sees(new.issuer()).sees("another one, kept sealed").sees("Not passed yet");
        assert_eq!(acme.connection().issuer, old.issuer());
        assert!(!olive.body().contains(SECRET));
        olive.submit("Swap the draft in", &[]).await.sees("has not passed a test");
        assert_eq!(olive.status(), 409);

        // Sam goes on by the old one.
        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await.submit("Continue", &[("login", "sam")]).await.sees("sam@acme.example");

        olive.click("Test the draft").await.click("Test the draft at the provider").await;
        assert!(olive.url().as_str().starts_with(new.issuer()), "{}", olive.url());
        let before = people(&acme);
        olive.submit("Continue", &[("login", "olive")]).await.sees("The test passed").sees("The draft as it is");
        assert_eq!(people(&acme), before);
        olive.click("Swap the draft in…").await.sees("It is another provider");
        olive.submit("Swap the draft in", &[]).await.sees("uses the new settings from now on");
        assert_eq!(acme.connection().issuer, new.issuer());
        assert!(acme.read(|conn| Ok(versions::find(conn, &acme.connection(), Kind::Draft)?)).is_none());

        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await;
        assert!(sam.url().as_str().starts_with(new.issuer()));
        sam.submit("Continue", &[("login", "sam")]).await.sees("sam@acme.example");
        assert_eq!(acme.count("accounts WHERE email_key = 'sam@acme.example'"), 1);

        olive.get(&page(&acme, "")).await.click("Compare with those from before…").await.sees(old.issuer());
        olive.submit("Take back the settings", &[]).await.sees("from before again");
        assert_eq!(acme.connection().issuer, old.issuer());
        old.set_people(&json!({ "sam": { "email": "sam@acme.example", "email_verified": true, "name": "Sam Again" } }));
        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await.submit("Continue", &[("login", "sam")]).await.sees("Sam Again");
        let told = actions(&acme);
        assert_eq!(told, ["connection.drafted", "connection.tested", "connection.swapped_in", "connection.taken_back"]);
    }

    /// What is not about the provider holds at once; what is, waits; and the same again is no draft.
    /// ADM-007.
    async fn only_the_provider_waits_in_a_draft(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/edit")).await;
        olive.submit("Save the connection", &[("name", "Renamed"), ("scopes", "openid email groups")]).await;
        olive.sees("is kept as a draft").sees("Scopes");
        let now = acme.connection();
        assert_eq!((now.name.as_str(), now.scopes.as_str()), ("Renamed", "openid email profile"));
        olive.get(&page(&acme, "")).await.sees("Another version of its settings is being prepared");
        // The form shows the draft, and the secret of one provider still goes to no other.
        olive.get(&page(&acme, "/edit")).await.sees("Edit Renamed");
        assert!(olive.body().contains("openid email groups"));
        olive.submit("Save the connection", &[("issuer", provider.issuer())]).await.sees("never sent to another server");
        olive.get(&page(&acme, "/edit")).await;
        olive.submit("Save the connection", &[("scopes", "openid email profile")]).await.sees("is saved");
        olive.get(&page(&acme, "/draft")).await.sees("Nothing is being prepared");
        olive.get(&page(&acme, "/previous")).await.sees("Nothing to take back");
    }

    /// Of two at once, the second is told, and loses nothing of the first's.
    /// ADM-014.
    async fn two_people_lose_nothing_of_each_other(db: Database) {
        let (acme, provider) = acme_and(db);
        let mut one = acme.owner().await;
        let mut two = one.new_tab();
        one.get(&page(&acme, "/edit")).await;
        two.get(&page(&acme, "/edit")).await;
        one.submit("Save the connection", &[("scopes", "openid email one")]).await.sees("is kept as a draft");
        two.submit("Save the connection", &[("scopes", "openid email two")]).await.sees("changed meanwhile");
        assert_eq!(two.status(), 409);
        assert!(two.body().contains("openid email one"));
        // A draft that was changed after it was seen is not swapped in.
        two.get(&page(&acme, "/draft")).await;
        one.get(&page(&acme, "/edit")).await;
        one.submit("Save the connection", &[("scopes", "openid email three")]).await;
        two.submit("Swap the draft in", &[("untested", "yes")]).await.sees("changed meanwhile").sees("three");
        assert_eq!((two.status(), acme.connection().scopes.as_str()), (409, "openid email profile"));
        // A test of settings that changed while the person was away says nothing about them.
        two.get(&page(&acme, "/test")).await.click("Test the draft at the provider").await;
        one.get(&page(&acme, "/edit")).await;
        one.submit("Save the connection", &[("scopes", "openid email four")]).await;
        two.submit("Continue", &[("login", "olive")]).await.sees("The test failed").sees("were changed while you were");
        two.get(&page(&acme, "/draft")).await.submit("Throw the draft away", &[]).await.sees("is thrown away");
        one.submit("Throw the draft away", &[]).await;
        assert_eq!(one.status(), 409);
        assert_eq!(acme.connection().issuer, provider.issuer());
    }

    /// By SAML too: tested at `SimpleSAMLphp` by what the metadata said, swapped in, with our keys as they were.
    /// ADM-007, ADM-008.
    async fn a_saml_connection_is_tested_and_changed_by_a_draft(db: Database) {
        let people_there = json!({ "olive": { "mail": ["olive@acme.example"], "givenName": ["Olive"], "sn": ["Owner"], "groups": ["staff"] } });
        let acme = Acme::alone(db);
        let mut provider = SamlProvider::start(Make::SimpleSamlPhp, &people_there);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/connections/new/saml")).await;
        let address = provider.metadata_url();
        olive.submit("Add the connection", &[("name", "Campus"), ("how", "url"), ("metadata_url", &address)]).await;
        let id = olive.path().rsplit('/').next().unwrap().to_owned();
        let at = |rest: &str| acme.to(&format!("/connections/{id}{rest}"));
        let ours = acme.installation.to(&format!("/sign-in/saml/{id}/metadata"));
        let metadata = reqwest::get(&ours).await.unwrap().text().await.unwrap();
        provider.meet(&metadata);

        let before = people(&acme);
        olive.get(&at("/test")).await.click("Sign in at the provider").await;
        provider.sign_in(&mut olive, "olive").await.sees("The provider answers, but this person would be denied");
        olive.sees("NameID").sees("Olive Owner");
        olive.sees("not attached to this connection").sees("The domain of this address is not verified for this connection");
        assert_eq!(people(&acme), before);
        olive.click("Turn the connection on…").await;
        olive.submit("Turn on Campus", &[]).await.sees("People can now sign in by Campus");

        // A certificate more is a draft, and the test of the draft is by the draft.
        let more = vestibule::saml::SpKey::generate("idp.example", acme.installation.site.now()).unwrap();
        let more = vestibule::saml::Certificate::from_der(more.certificate).unwrap();
        olive.get(&at("/edit")).await;
        olive.submit("Save the connection", &[("certificates", &more.pem())]).await.sees("is kept as a draft");
        olive.sees("Certificate, newly trusted").sees(&more.fingerprint);
        let live = |acme: &Acme| acme.read(|conn| Ok(connections::saml::certificates(conn, &id)?.len()));
        assert_eq!(live(&acme), 1);
        olive.get(&at("/test")).await.click("Test the draft at the provider").await;
        provider.go_back(&mut olive).await.sees("The provider answers");
        olive.click("Swap the draft in…").await;
        olive.submit("Swap the draft in", &[]).await.sees("uses the new settings from now on");
        assert_eq!(live(&acme), 2);
        let after = reqwest::get(&ours).await.unwrap().text().await.unwrap();
        assert_eq!(metadata, after, "our keys stay");
        olive.get(&at("/previous")).await.submit("Take back the settings", &[]).await.sees("from before again");
        assert_eq!(live(&acme), 1);
        assert_eq!(people(&acme), before);
    }
}
