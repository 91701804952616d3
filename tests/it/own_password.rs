//! What an account's own password opens: organizations that gave it, and no others, whatever it opened before.

use serde_json::json;
use vestibule::access::{EmailAddress, Role};
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::break_glass;
use vestibule::invitations;
use vestibule::orgs;
use vestibule::sign_in::{self, NewOwner, make_owner};
use vestibule::store::time::HOUR;
use vestibule::web::Problem;

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::directory::USER;
use crate::support::provider::Provider;
use crate::support::{Acme, Browser, Database, Directory};

const SAM: &str = "sam@acme.example";
const BEA: &str = "bea@acme.example";
/// What the operator chose.
const NEW: &str = "another lock for this door";

async fn acme(db: Database) -> (Acme, Provider) {
    let provider = Provider::start().await;
    let acme = Acme::start(
        db,
        provider.issuer(),
        provider.client_id(),
        provider.client_secret(),
    );
    acme.jit(true);
    (acme, provider)
}

async fn by_password(door: String, email: String, password: String) -> Browser {
    let mut browser = Browser::new();
    browser.get(&door).await;
    browser.submit("Continue", &[("email", &email)]).await;
    browser.submit("Use a password instead", &[]).await;
    browser.submit("Sign in", &[("password", &password)]).await;
    browser
}

impl Acme {
    /// Beta, which has guests, and an owner with a password. Answers its id.
    fn beta(&self, owner: &str) -> String {
        let hash = accounts::hash(PASSWORD).unwrap();
        self.write(|conn, now| {
            let actor = Actor::operator();
            let owner = NewOwner {
                slug: "beta",
                organization_name: "Beta",
                email: &EmailAddress::parse(owner).unwrap(),
                name: "",
                password_hash: Some(&hash),
                operator: false,
            };
            let (beta, _) = make_owner(conn, now, &actor, &owner)?;
            let settings = orgs::Settings {
                guests: true,
                ..beta.settings.clone()
            };
            orgs::actions::change(conn, now, &actor, &beta, &settings, beta.version)?;
            Ok(beta.id)
        })
    }

    /// Whoever holds the link of Beta's invitation for this address sets a password, and is in.
    async fn guest_of_beta(&self, beta: &str, email: &str) -> Browser {
        let new = invitations::New {
            email: EmailAddress::parse(email).unwrap(),
            role: Role::Member,
            teams: vec![],
        };
        let sent = self.write(|conn, now| {
            let beta = orgs::find(conn, beta)?.ok_or(Problem::NotFound)?;
            invitations::actions::invite(conn, now, &Actor::operator(), Role::Owner, &beta, &[new])
        });
        let mut browser = Browser::new();
        browser
            .get(&self.installation.to(&format!("/invitation/{}", sent[0].token)))
            .await;
        browser.get(&self.installation.to("/invitation/accept")).await;
        browser
            .submit(
                "Accept and set the password",
                &[("name", "Who"), ("password", PASSWORD)],
            )
            .await;
        browser
    }

    fn beta_page(&self) -> String {
        self.installation.to("/orgs/beta")
    }

    async fn password_of(&self, email: &str, password: &str) -> Browser {
        by_password(
            self.installation.to("/sign-in"),
            email.to_owned(),
            password.to_owned(),
        )
        .await
    }

    fn id_of(&self, email: &str) -> String {
        self.lines(&format!(
            "SELECT id AS line FROM accounts WHERE email_key = '{email}'"
        ))
        .remove(0)
    }

    /// A passkey of the account, as one that was added elsewhere.
    fn another_passkey(&self, email: &str) {
        let id = self.id_of(email);
        self.run(&format!(
            "INSERT INTO passkeys (id, account_id, credential_id, name, credential_json, created_at) \
             VALUES ('p{id}', '{id}', 'c{id}', 'n', '{{}}', 1)"
        ));
    }

    fn has_password(&self, email: &str) -> bool {
        self.count(&format!(
            "accounts WHERE email_key = '{email}' AND password_hash IS NOT NULL"
        )) == 1
    }
}

both_databases! {
    /// When the domain's provider vouches for somebody, all that an invitation of another organization gave goes: the
    /// password, what is asked besides, sessions, and what was begun.
    /// DEC-021, LOC-012, SES-008.
    async fn what_another_organization_gave_goes(db: Database) {
        let (acme, provider) = acme(db).await;
        let beta = acme.beta("owner@beta.example");
        let mut other = acme.guest_of_beta(&beta, BEA).await;
        assert_eq!(other.get(&acme.beta_page()).await.status(), 200);
        let id = acme.id_of(BEA);
        acme.run(&format!(
            "INSERT INTO totp_seeds (account_id, seed_sealed, last_step, created_at) VALUES ('{id}', 's', 0, 1);
             INSERT INTO passkeys (id, account_id, credential_id, name, credential_json, created_at) VALUES ('p', '{id}', 'c', 'n', '{{}}', 1);
             INSERT INTO half_sign_ins (key_hash, account_id, return_to, tries, expires_at) VALUES ('k', '{id}', '/', 0, 99999999999999);
             INSERT INTO reset_links (token_hash, account_id, expires_at) VALUES ('t', '{id}', 99999999999999)"
        ));
        provider.person("sub-bea", BEA);
        let mut bea = Browser::new();
        assert_eq!(bea.get(&acme.sign_in()).await.path(), "/orgs/acme");
        assert!(!acme.has_password(BEA));
        for table in ["totp_seeds", "passkeys", "half_sign_ins", "reset_links"] {
            assert_eq!(acme.count(table), 0, "{table}");
        }
        assert_eq!(other.get(&acme.beta_page()).await.path(), "/sign-in");
        assert_eq!(other.get(&acme.to("")).await.path(), "/sign-in");
    }

    /// An owner of another organization keeps the way in there, whatever comes of a sign-in here; it opens nothing here.
    /// DEC-021, LOC-017, LOC-018.
    async fn an_owner_elsewhere_keeps_the_way_in_there(db: Database) {
        let (acme, provider) = acme(db).await;
        let beta = acme.beta(SAM);
        let sam = acme.id_of(SAM);
        acme.write(|conn, now| {
            let named = break_glass::actions::name(conn, now, &Actor::operator(), &beta, &[sam])?;
            assert_eq!(named, Ok(()));
            Ok(())
        });
        let mut own = acme.password_of(SAM, PASSWORD).await;
        provider.person("sub-sam", SAM);
        for jit in [false, true] {
            acme.jit(jit);
            let mut browser = Browser::new();
            browser.get(&acme.sign_in()).await;
            assert_eq!(browser.status(), if jit { 200 } else { 403 });
            assert!(acme.has_password(SAM));
            assert_eq!(own.get(&acme.beta_page()).await.status(), 200);
        }
        for browser in [&mut own, &mut acme.password_of(SAM, PASSWORD).await] {
            assert_eq!(browser.get(&acme.beta_page()).await.status(), 200);
            assert_eq!(browser.get(&acme.to("")).await.path(), "/sign-in", "a password of Beta's opens nothing of Acme's");
            browser.get(&acme.installation.to("/account")).await.sees("Leave Beta").does_not_see("Leave Acme");
            assert_eq!(browser.get(&acme.installation.to("/")).await.path(), "/orgs/beta");
        }
    }

    /// Whom a directory makes a member comes by single sign-on: not by what somebody else's invitation gave the account.
    /// SCIM-025.
    async fn a_directory_lets_no_foreign_password_in(db: Database) {
        let (acme, directory) = Directory::start(db);
        let beta = acme.beta("owner@beta.example");
        let mut other = acme.guest_of_beta(&beta, BEA).await;
        let body = json!({"schemas": [USER], "userName": BEA, "emails": [{"value": BEA}]});
        assert_eq!(directory.post("/Users", &body).await.status, 201);
        assert!(acme.has_password(BEA), "the account is left as it is");
        for browser in [&mut other, &mut acme.password_of(BEA, PASSWORD).await] {
            assert_eq!(browser.get(&acme.to("")).await.path(), "/sign-in");
            assert_eq!(browser.get(&acme.beta_page()).await.status(), 200);
        }
    }

    /// Single sign-on that is asked of everybody is asked of those, too, whom another organization invites.
    async fn a_guest_of_an_enforced_domain_chooses_no_password(db: Database) {
        let acme = Acme::alone(db);
        let beta = acme.beta("owner@beta.example");
        acme.run(&format!("UPDATE connections SET enforce = 1 = 1 WHERE id = '{}'", acme.connection));
        let new = invitations::New { email: EmailAddress::parse(BEA).unwrap(), role: Role::Member, teams: vec![] };
        let sent = acme.write(|conn, now| {
            let beta = orgs::find(conn, &beta)?.ok_or(Problem::NotFound)?;
            invitations::actions::invite(conn, now, &Actor::operator(), Role::Owner, &beta, &[new])
        });
        let mut browser = Browser::new();
        browser.get(&acme.installation.to(&format!("/invitation/{}", sent[0].token))).await;
        browser.get(&acme.installation.to("/invitation/accept")).await.sees("chooses no password");
        assert_eq!((browser.status(), acme.count(&format!("accounts WHERE email_key = '{BEA}'"))), (403, 0));
    }

    /// A sign-in that was begun with the old password is none once there is a new one.
    /// SES-008, LOC-015.
    async fn no_session_by_an_old_password_outlives_it(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let mut old = PASSWORD.to_owned();
        for round in 0..4 {
            let new = format!("the door has another lock {round}");
            olive.get(&acme.installation.to("/account")).await;
            let door = acme.installation.to("/sign-in");
            let others: Vec<_> =
                (0..8).map(|_| actix_web::rt::spawn(by_password(door.clone(), OWNER.to_owned(), old.clone()))).collect();
            let fields = [("current", old.as_str()), ("password", new.as_str())];
            olive.submit("Change password", &fields).await.sees("Your password is changed");
            for other in others {
                let mut other = other.await.unwrap();
                assert_eq!(other.get(&acme.to("")).await.path(), "/sign-in", "round {round}");
            }
            old = new;
        }
        // Whoever was wrong so often waits.
        acme.run("DELETE FROM password_failures");
        assert_eq!(acme.password_of(OWNER, &old).await.path(), "/orgs/acme");
    }

    /// A password that whoever runs the installation gave opens what the person owns, also to one who came by single
    /// sign-on alone.
    async fn what_the_operator_gives_opens_what_one_owns(db: Database) {
        let (acme, provider) = acme(db).await;
        provider.person("sub-sam", SAM);
        Browser::new().get(&acme.sign_in()).await;
        acme.run("UPDATE members SET role = 'owner'");
        for (by_operator, opens) in [(false, "/sign-in"), (true, "/orgs/acme")] {
            let path = acme.write(|conn, now| {
                let account = accounts::find_by_email(conn, &EmailAddress::parse(SAM).unwrap())?.ok_or(Problem::NotFound)?;
                sign_in::reset_link(conn, now, &Actor::operator(), &account, (HOUR, by_operator))
            });
            let mut browser = Browser::new();
            browser.get(&acme.installation.to(&path)).await;
            browser.submit("Set the password", &[("password", PASSWORD)]).await.sees("Your new password is set");
            let mut sam = acme.password_of(SAM, PASSWORD).await;
            assert_eq!(sam.get(&acme.to("")).await.path(), opens);
        }
    }

    /// What the operator gives to an owner opens what they own. What another organization gave before does not: not its
    /// session, and not its passkey.
    /// SES-008, LOC-012.
    async fn what_others_gave_opens_nothing_that_the_operator_trusts(db: Database) {
        let acme = Acme::alone(db);
        let beta = acme.beta("owner@beta.example");
        let mut other = acme.guest_of_beta(&beta, BEA).await;
        acme.another_passkey(BEA);
        let hash = accounts::hash(NEW).unwrap();
        let give = || acme.write(|conn, now| {
            let owner = NewOwner {
                slug: "acme",
                organization_name: "Acme",
                email: &EmailAddress::parse(BEA).unwrap(),
                name: "",
                password_hash: Some(&hash),
                operator: false,
            };
            make_owner(conn, now, &Actor::operator(), &owner).map(drop)
        });
        give();
        assert_eq!((other.get(&acme.to("")).await.path(), acme.count("passkeys")), ("/sign-in", 0));
        let mut bea = acme.password_of(BEA, NEW).await;
        assert_eq!(bea.get(&acme.to("")).await.status(), 200);
        // Her own one stays where the password was trusted already; whoever is in comes in anew.
        acme.another_passkey(BEA);
        give();
        assert_eq!((bea.get(&acme.to("")).await.path(), acme.count("passkeys")), ("/sign-in", 1));

        // An owner of both, by a link that the operator made; by one that went by mail nothing new is opened.
        acme.join(SAM, "Sam", Role::Owner);
        acme.beta(SAM);
        acme.run("UPDATE members SET by_password = (1 = 0) WHERE organization_id <> (SELECT id FROM organizations WHERE slug = 'beta')");
        acme.another_passkey(SAM);
        for (by_operator, passkeys) in [(false, 2), (true, 1)] {
            let path = acme.write(|conn, now| {
                let account = accounts::find_by_email(conn, &EmailAddress::parse(SAM).unwrap())?.ok_or(Problem::NotFound)?;
                sign_in::reset_link(conn, now, &Actor::operator(), &account, (HOUR, by_operator))
            });
            let mut browser = Browser::new();
            browser.get(&acme.installation.to(&path)).await;
            browser.submit("Set the password", &[("password", NEW)]).await.sees("Your new password is set");
            assert_eq!(acme.count("passkeys"), passkeys);
        }
    }

    /// Whom another organization named for emergencies is a member like others here: a directory deactivates them, and
    /// leaves the account its name.
    /// LOC-018, SCIM-064.
    async fn another_organizations_emergencies_stop_no_directory(db: Database) {
        let (acme, directory) = Directory::start(db);
        let beta = acme.beta(BEA);
        let bea = acme.id_of(BEA);
        let name = |named: &[String]| acme.write(|conn, now| {
            let named = break_glass::actions::name(conn, now, &Actor::operator(), &beta, named)?;
            assert_eq!(named, Ok(()));
            Ok(())
        });
        name(&[bea]);
        let path = format!("/Users/{}", directory.provision(BEA).await.id());
        let who = "SELECT email || ' ' || full_name AS line FROM accounts ORDER BY id";
        let before = acme.lines(who);
        let body = json!({
            "schemas": [USER], "userName": BEA, "emails": [{"value": "eve@acme.example"}],
            "name": {"givenName": "Eve", "familyName": "Else"}, "active": false
        });
        let told = directory.put(&path, &body).await;
        assert_eq!((told.status, &told.body["active"]), (200, &json!(false)), "{}", told.body);
        assert_eq!(acme.lines(who), before);
        assert_eq!(acme.count("members WHERE state = 'deactivated'"), 1);
        // Who is no owner there any more is nobody for emergencies, whatever was chosen once.
        acme.run("UPDATE members SET role = 'member' WHERE organization_id = (SELECT id FROM organizations WHERE slug = 'beta')");
        let operation = json!([{"op": "replace", "path": "name", "value": {"givenName": "Beatrix", "familyName": "Else"}}]);
        assert_eq!(directory.patch(&path, operation).await.status, 200);
        assert_ne!(acme.lines(who), before);
    }
}
