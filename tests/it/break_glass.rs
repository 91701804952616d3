//! Owners for emergencies: who they are, that they come in by password, that nobody else does, and the drill.

use serde_json::json;
use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::break_glass::DRILL_EVERY;
use vestibule::store::time::SECOND;

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::directory::{USER, user};
use crate::support::dump::lines;
use crate::support::provider::{Person, Provider};
use crate::support::{Acme, Browser, Directory};

const SECOND_OWNER: &str = "oscar@acme.example";

impl Acme {
    /// Single sign-on is asked of everybody.
    fn enforce(&self) {
        let sql = format!(
            "UPDATE connections SET enforce = {} WHERE id = '{}' RETURNING id AS line",
            "1 = 1", self.connection
        );
        lines(&self.installation.site.config.database_url, &sql);
    }

    /// What comes of this address's password.
    async fn by_password(&self, email: &str) -> Browser {
        let mut browser = Browser::new();
        browser.get(&self.installation.to("/sign-in")).await;
        browser.submit("Continue", &[("email", email)]).await;
        browser.submit("Use a password instead", &[]).await;
        browser.submit("Sign in", &[("password", PASSWORD)]).await;
        browser
    }

    fn found(&self, query: &str) -> Vec<String> {
        lines(&self.installation.site.config.database_url, query)
    }

    fn account(&self, email: &str) -> String {
        let query = format!("SELECT id AS line FROM accounts WHERE email = '{email}'");
        self.found(&query).remove(0)
    }
}

both_databases! {
    /// While nobody is named it is the first owner, and no other.
    async fn the_first_owner_comes_in_while_nobody_is_named(db: Database) {
        let acme = Acme::alone(db);
        acme.join(SECOND_OWNER, "Oscar", Role::Owner);
        acme.join("max@acme.example", "Max", Role::Member);
        acme.enforce();
        acme.by_password(SECOND_OWNER).await.sees("asks you to use single sign-on");
        acme.by_password("max@acme.example").await.sees("asks you to use single sign-on");
        let mut owner = acme.by_password(OWNER).await;
        assert_eq!(owner.path(), "/orgs/acme");
        owner.get(&acme.to("/audit")).await.sees("Came in as an owner for emergencies");
        owner.get(&acme.to("")).await.sees("came in as an owner for emergencies");
    }

    /// Whoever is named comes in, and the first owner does not any more. At least one who can must be named.
    /// LOC-017, DEC-029.
    async fn named_owners_come_in(db: Database) {
        let acme = Acme::alone(db);
        acme.join(SECOND_OWNER, "Oscar", Role::Owner);
        let member = acme.join("max@acme.example", "Max", Role::Member);
        let mut owner = acme.owner().await;
        let page = acme.to("/break-glass");
        owner.get(&page).await.sees("Nothing is asked besides the password.");
        let token = owner.fields("Name these owners").into_iter().find(|(name, _)| name == "form_token").unwrap().1;
        for wanted in ["", member.as_str(), &acme.account("max@acme.example")] {
            owner.post(&page, &[("form_token", &token), ("owner", wanted)]).await.sees("only owners who have a password");
            assert_eq!(owner.status(), 422);
        }
        owner.post(&page, &[("form_token", &token), ("owner", &acme.account(SECOND_OWNER))]).await.sees("are named.");
        acme.enforce();
        acme.by_password(OWNER).await.sees("asks you to use single sign-on");
        assert_eq!(acme.by_password(SECOND_OWNER).await.path(), "/orgs/acme");
        assert_eq!(acme.found("SELECT id AS line FROM break_glass_uses WHERE kind = 'sign_in'").len(), 1);
    }

    /// Single sign-on does not link a named owner, whatever address the provider sends.
    /// LOC-018.
    async fn single_sign_on_never_links_a_named_owner(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::start(db, provider.issuer(), provider.client_id(), provider.client_secret());
        acme.jit(true);
        name_first(&acme);
        provider.be(Person::new("sub-olive", OWNER).named("Other", "Name"));
        let mut browser = Browser::new();
        browser.get(&acme.sign_in()).await.sees("Sign-in did not work").sees("by your e-mail address and password");
        assert!(acme.found("SELECT id AS line FROM identities").is_empty());
        assert_eq!(acme.found(&format!("SELECT full_name AS line FROM accounts WHERE email = '{OWNER}'")), ["Olive Owner"]);
        assert_eq!(acme.by_password(OWNER).await.path(), "/orgs/acme");
    }

    /// The drill judges for real, changes nothing, and is asked for again after 90 days.
    /// LOC-017.
    async fn a_drill_tries_the_way_in(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let (drill, page) = (acme.to("/break-glass/drill"), acme.to("/break-glass"));
        let session = owner.cookie("vestibule_session");
        owner.get(&drill).await.submit("Try it", &[("password", "something else")]).await.sees("would not let you in");
        owner.submit("Try it", &[("password", PASSWORD)]).await.sees("It works: you could come in.");
        assert_eq!(owner.cookie("vestibule_session"), session);
        owner.get(&page).await.sees("Tried it");
        assert_eq!(acme.found("SELECT kind AS line FROM break_glass_uses"), ["drill"]);
        owner.get(&acme.to("/audit")).await.sees("Tried the way in for emergencies");
        acme.enforce();
        owner.get(&acme.to("")).await.does_not_see("no owner has tried");
        acme.installation.site.clock.advance(DRILL_EVERY + SECOND);
        let mut owner = acme.by_password(OWNER).await;
        acme.found("DELETE FROM break_glass_uses WHERE kind = 'sign_in' RETURNING id AS line");
        owner.get(&acme.to("")).await.sees("no owner has tried the way in");
    }

    /// No directory changes a named owner: neither takes them over, nor shuts them out.
    /// LOC-018, SCIM-064.
    async fn no_directory_changes_a_named_owner(db: Database) {
        let (acme, directory) = Directory::start(db);
        name_first(&acme);
        let body = json!({"schemas": [USER], "userName": OWNER, "emails": [{"value": OWNER}], "active": false});
        let answer = directory.post("/Users", &body).await;
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(acme.found("SELECT state AS line FROM members WHERE role = 'owner'"), ["active"]);
    }

    /// Nor does one that knew them before they were named: it may go on telling of them, but not change who they are.
    /// LOC-018, SCIM-064.
    async fn no_directory_readdresses_a_named_owner(db: Database) {
        let (acme, directory) = Directory::start(db);
        acme.join(SECOND_OWNER, "Oscar", Role::Owner);
        let body = user(OWNER);
        let path = format!("/Users/{}", directory.provision(OWNER).await.id());
        name_first(&acme);
        let who = "SELECT email || ' ' || full_name AS line FROM accounts ORDER BY id";
        let before = acme.found(who);
        assert_eq!(directory.put(&path, &body).await.status, 200, "the same again");
        let told = directory.patch(&path, json!([{"op": "replace", "path": "title", "value": "Boss"}])).await;
        assert_eq!(told.status, 200, "{}", told.body);
        for (attribute, value) in [
            ("emails", json!([{"value": "eve@acme.example"}])),
            ("name", json!({"givenName": "Eve", "familyName": "Else"})),
            ("active", json!(false)),
        ] {
            let operation = json!([{"op": "replace", "path": attribute, "value": value}]);
            let told = directory.patch(&path, operation).await;
            assert_eq!(told.status, 409, "{attribute}: {}", told.body);
            assert!(told.body["detail"].as_str().unwrap().contains("named for emergencies"), "{}", told.body);
        }
        assert_eq!(acme.found(who), before);
        let known = directory.get(&path).await.body;
        assert_eq!((&known["emails"], &known["name"]["familyName"]), (&body["emails"], &json!("Example")));
    }
}

/// Names the first owner.
fn name_first(acme: &Acme) {
    let account = acme.account(OWNER);
    let named = acme.write(|conn, now| {
        vestibule::break_glass::actions::name(conn, now, &Actor::operator(), &acme.organization, &[account])
    });
    named.unwrap();
}
