//! Connections, their switches, and the domains that they vouch for.

use diesel::prelude::*;
use vestibule::access::{DomainName, DomainStanding, MappedGroup, Role, Trace};
use vestibule::audit::Actor;
use vestibule::connections::{self, Connection, State, secret_place};
use vestibule::sign_ins::{self, Outcome, Record};
use vestibule::store::schema::{accounts, audit_events};
use vestibule::store::{id, time};
use vestibule::web::Client;
use vestibule::{denied, domains, groups, teams};

use crate::support::provider::Provider;
use crate::support::{Acme, Browser};

fn audit(acme: &Acme, action: &str) -> Vec<(String, String)> {
    acme.read(|conn| {
        Ok(audit_events::table
            .filter(audit_events::action.eq(action))
            .filter(audit_events::actor_kind.eq("person"))
            .order(audit_events::id)
            .select((audit_events::before_json, audit_events::after_json))
            .load(conn)?)
    })
}

fn page(acme: &Acme, rest: &str) -> String {
    acme.to(&format!("/connections/{}{rest}", acme.connection))
}

/// Fills the form of a new connection in as it is meant.
async fn added(acme: &Acme, browser: &mut Browser, answers: &[(&str, &str)]) -> Connection {
    browser.get(&acme.to("/connections/new")).await;
    browser
        .submit("Add the connection", answers)
        .await
        .sees("is made, as a draft");
    let id = browser.path().rsplit('/').next().unwrap().to_owned();
    acme.read(|conn| Ok(connections::find(conn, &id)?.unwrap()))
}

/// A person who was denied for want of an invitation.
fn denied(acme: &Acme, email: &str, email_verified: Option<bool>, at: i64) {
    let record = Record {
        id: id::new_id(),
        organization: acme.organization.clone(),
        connection: Some(acme.connection.clone()),
        connection_name: "Acme ID".into(),
        protocol: "oidc",
        at,
        outcome: Outcome::Denied,
        reason: "not_invited".into(),
        detail: String::new(),
        reference: id::new_reference(),
        account: None,
        issuer: String::new(),
        subject: email.into(),
        email: email.into(),
        email_verified,
        name: String::new(),
        groups: None,
        trace: Trace::default(),
        evidence: serde_json::json!({}),
        client: Client::default(),
    };
    acme.write(|conn, _| {
        let denial = denied::actions::note(conn, &record)?;
        Ok(sign_ins::insert(conn, &record, Some(&denial))?)
    });
}

both_databases! {
    /// From the empty form to a connection that people can sign in by.
    async fn an_owner_adds_a_connection_and_turns_it_on(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let made = added(&acme, &mut olive, &[
            ("name", "Okta (new)"), ("issuer", provider.issuer()), ("client_id", "door"),
            ("client_secret", "s3cret-of-okta"),
        ])
        .await;
        assert_eq!((made.slug.as_str(), made.state, made.jit, made.scim), ("okta-new", State::Draft, true, false));
        olive
            .sees(&acme.installation.to(&format!("/sign-in/oidc/{}/callback", made.id)))
            .sees(&acme.installation.to("/sign-in/acme/okta-new"))
            .sees("never shown again");
        olive.click("Turn on… sign-in").await.sees("Turn on this connection?").sees("redirect address");
        olive.submit("Turn on Okta (new)", &[("untested", "yes")]).await.sees("People can now sign in by Okta (new).");
        assert!(acme.read(|conn| Ok(connections::find(conn, &made.id)?.unwrap())).is_on());
        assert_eq!(audit(&acme, "connection.created").len(), 1);
        assert_eq!(
            audit(&acme, "connection.state_changed"),
            [(r#"{"state":"draft"}"#.to_owned(), r#"{"state":"on"}"#.to_owned())]
        );
    }

    /// The client secret is sealed for its row, and no page and no entry of the audit log shows it.
    /// ADM-018, SEC-001.
    async fn a_client_secret_is_never_shown(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let secret = "s3cret-of-okta";
        let made = added(&acme, &mut olive, &[
            ("name", "Okta"), ("issuer", "https://idp.example"), ("client_id", "door"), ("client_secret", secret),
        ])
        .await;
        assert!(!olive.body().contains(secret));
        olive.get(&acme.to(&format!("/connections/{}/edit", made.id))).await;
        assert!(!olive.body().contains(secret) && !olive.body().contains(&made.client_secret_sealed));
        olive.submit("Save the connection", &[("name", ""), ("client_secret", "another")]).await;
        assert!(olive.status() == 422 && !olive.body().contains("another\""));
        let sealer = &acme.installation.site.sealer;
        assert_eq!(sealer.open(&secret_place(&made.id), &made.client_secret_sealed).unwrap(), secret);
        assert!(sealer.open(&secret_place("other"), &made.client_secret_sealed).is_err());
        assert!(audit(&acme, "connection.created").iter().all(|(_, after)| !after.contains(secret)));
    }

    /// Each mistake has its sentence, what was typed stays, and nothing is made.
    async fn a_mistake_in_the_form_comes_back(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let mistakes = [
            ("name", "", "1 to 100 characters"),
            ("slug", "Not This", "lower-case letters"),
            ("slug", "acme-id", "Another connection has this short name"),
            ("issuer", "idp.example", "Copy the issuer"),
            ("issuer", "https://idp.example/?x", "no question mark"),
            ("issuer", "http://idp.internal.example:1/x?y", "no question mark"),
            ("issuer", "https://10.0.0.1", "does not connect to"),
            ("issuer", "https://user:pass@idp.example", "user name or a password"),
            ("issuer", "ftp://idp.example", "begins with"),
        ];
        for (field, value, sentence) in mistakes {
            olive.get(&acme.to("/connections/new")).await;
            let mut answers = vec![("name", "Okta"), ("slug", "okta"), ("issuer", "https://idp.example"), ("client_id", "door")];
            answers.retain(|(name, _)| *name != field);
            answers.push((field, value));
            olive.submit("Add the connection", &answers).await.sees(sentence);
            assert_eq!(olive.status(), 422, "{field} {value}");
            assert!(olive.fields("Add the connection").contains(&("client_id".into(), "door".into())));
        }
        let made = acme.read(|conn| Ok(connections::list(conn, &acme.organization)?));
        assert_eq!(made.len(), 1);
    }

    /// Many providers make a client only once they know our redirect address: a draft waits for it.
    async fn a_draft_waits_for_its_client(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let made = added(&acme, &mut olive, &[("name", "Okta"), ("issuer", provider.issuer())]).await;
        olive.sees(&format!("/sign-in/oidc/{}/callback", made.id)).sees("It can’t be turned on yet. The client id is missing.");
        let at = |rest: &str| acme.to(&format!("/connections/{}{rest}", made.id));
        olive.get(&at("/test")).await.sees("There is nothing to test yet. The client id is missing.");
        olive.get(&at("/state")).await.sees("It can’t be turned on yet. The client id is missing.");
        olive.click("Fill it in").await.submit("Save the connection", &[("client_id", "door")]).await.sees("Okta is saved");
        olive.get(&at("/state")).await.submit("Turn on Okta", &[("untested", "yes")]).await.sees("People can now sign in by Okta.");
        // From then on there has to be one.
        olive.get(&at("/edit")).await.submit("Save the connection", &[("client_id", "")]).await.sees("Copy the client id");
        assert_eq!(olive.status(), 422);
    }

    /// A domain that no connection has is ticked on the form of a new one, and offered where none is attached.
    async fn a_new_connection_takes_the_domain_that_waits(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let ticked = |olive: &Browser| olive.fields("Add the connection").iter().any(|(name, _)| name == "domain");
        olive.get(&acme.to("/connections/new")).await;
        assert!(!ticked(&olive), "it is attached to another");
        acme.run("DELETE FROM connection_domains");
        olive.get(&acme.to("/connections/new/saml")).await;
        assert!(ticked(&olive));
        let made = added(&acme, &mut olive, &[("name", "Okta"), ("issuer", "https://idp.example"), ("client_id", "door")]).await;
        assert_eq!(acme.read(|conn| Ok(connections::attached(conn, &made.id)?)).len(), 1);
        acme.run("DELETE FROM connection_domains");
        olive.get(&acme.to(&format!("/connections/{}", made.id))).await.does_not_see("Add a domain");
        olive.click("Attach acme.example…").await.sees("Nobody comes in by this connection yet: it is a draft.");
        olive.submit("Attach acme.example", &[]).await.sees("The domains of Okta are changed.");
        let state = acme.to(&format!("/connections/{}/state", made.id));
        for (other, says) in [("TRUE", false), ("FALSE", true)] {
            acme.run(&format!("UPDATE connections SET jit = {other} WHERE id = '{}'", acme.connection));
            olive.get(&state).await.sees("with an address at acme.example");
            assert_eq!(olive.text().contains("each connection has a switch of its own"), says, "{other}");
        }
        olive.click("Only members and invited people: turn it off first…").await.sees("Turn off just-in-time provisioning?");
    }

    /// A draft by which nobody ever came goes with all that hangs on it; what was in use stays.
    async fn a_draft_is_deleted_and_nothing_else_is(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let made = added(&acme, &mut olive, &[
            ("name", "Okta"), ("issuer", "https://wrong.example"), ("client_id", "door"), ("client_secret", "s3cret-of-okta"),
        ])
        .await;
        let mut late = olive.clone();
        late.get(&acme.to(&format!("/connections/{}/delete", made.id))).await;
        olive.click("Delete…").await.sees("What goes").sees("set-up links");
        olive.submit("Delete Okta", &[]).await.sees("The draft Okta is deleted.");
        assert!(acme.read(|conn| Ok(connections::find(conn, &made.id)?)).is_none());
        let told = audit(&acme, "connection.deleted");
        assert!(told.len() == 1 && told[0].0.contains("wrong.example") && !told[0].0.contains("s3cret"), "{told:?}");
        late.submit("Delete Okta", &[]).await;
        assert_eq!(late.status(), 404);

        // On, off, and a draft again by which somebody came.
        olive.get(&page(&acme, "/edit")).await;
        let fields = olive.fields("Save the connection");
        let token = fields.iter().find(|(name, _)| name == "form_token").unwrap().1.clone();
        let (organization, connection) = (&acme.organization, &acme.connection);
        for (change, sentence) in [
            ("UPDATE connections SET state = 'on'".to_owned(), "It is on."),
            ("UPDATE connections SET state = 'off'".to_owned(), "It was on."),
            (format!("INSERT INTO sign_ins (id, organization_id, connection_id, protocol, at, outcome, reason, reference) VALUES ('s1', '{organization}', '{connection}', 'oidc', 1, 'admitted', 'member', 'r1')"), "It was on."),
            ("UPDATE connections SET state = 'draft'".to_owned(), "People came in by it once"),
            ("DELETE FROM sign_ins".to_owned(), "What goes"),
            ("UPDATE connections SET scim = TRUE".to_owned(), "A directory belongs to it"),
        ] {
            acme.run(&change);
            olive.get(&page(&acme, "/delete")).await.sees(sentence);
            if sentence == "What goes" {
                continue;
            }
            let version = acme.connection().version.to_string();
            olive.post(&page(&acme, "/delete"), &[("form_token", &token), ("version", &version)]).await.sees("Nothing was deleted");
            assert_eq!(olive.status(), 409);
        }
        assert_eq!(audit(&acme, "connection.deleted").len(), 1);
    }

    /// The first domain is that of the owner's own address, unless the organization has one.
    async fn the_first_domain_is_filled_in(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let typed = |olive: &Browser| {
            let fields = olive.fields("Add the domain");
            fields.into_iter().find(|(name, _)| name == "name").unwrap().1
        };
        olive.get(&acme.to("/domains")).await;
        assert_eq!(typed(&olive), "");
        acme.run("DELETE FROM domains");
        olive.get(&acme.to("/domains")).await;
        assert_eq!(typed(&olive), "acme.example");
    }

    /// No connection makes owners, whatever the form says.
    async fn a_default_role_of_owner_is_refused(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/connections/new")).await;
        let mut fields = olive.fields("Add the connection");
        for (name, value) in &mut fields {
            match name.as_str() {
                "name" => *value = "Okta".into(),
                "issuer" => *value = "https://idp.example".into(),
                "client_id" => *value = "door".into(),
                "default_role" => *value = "owner".into(),
                _ => {}
            }
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        olive.post(&acme.to("/connections/new"), &fields).await.sees("No connection makes owners");
        assert_eq!(olive.status(), 422);
    }

    /// A provider that is down, or is somebody else, is said plainly, and the connection stays as it was.
    /// OIDC-040.
    async fn a_provider_that_does_not_answer_as_itself_is_not_turned_on(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let other = format!("{}/", provider.issuer());
        for (name, issuer, sentence) in [
            ("Down", "http://127.0.0.1:9", "can't be reached"),
            ("Slash", other.as_str(), "Copy the issuer exactly"),
        ] {
            let made = added(&acme, &mut olive, &[("name", name), ("issuer", issuer), ("client_id", "door")]).await;
            olive.click("Turn on… sign-in").await;
            olive.submit(&format!("Turn on {name}"), &[]).await.sees("was not turned on").sees(sentence);
            assert_eq!(olive.status(), 422);
            assert_eq!(acme.read(|conn| Ok(connections::find(conn, &made.id)?.unwrap())).state, State::Draft);
        }
    }

    /// The secret of one provider is never sent to another.
    async fn a_new_issuer_asks_for_its_secret(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/edit")).await;
        olive.submit("Save the connection", &[("issuer", provider.issuer())]).await.sees("never sent to another server");
        assert_eq!(olive.status(), 422);
        // It is on, so the new issuer has to answer before it is believed.
        olive.submit("Save the connection", &[("issuer", "http://127.0.0.1:19"), ("client_secret", "new")]).await;
        olive.sees("can't be reached");
        assert_eq!(acme.connection().issuer, "http://127.0.0.1:9");
        olive.submit("Save the connection", &[("issuer", provider.issuer()), ("client_secret", "new")]).await;
        olive.sees("is kept as a draft").sees("Issuer");
        olive.submit("Swap the draft in", &[("untested", "yes")]).await.sees("uses the new settings from now on");
        let changed = acme.connection();
        assert_eq!(changed.issuer, provider.issuer());
        let sealer = &acme.installation.site.sealer;
        assert_eq!(sealer.open(&secret_place(&changed.id), &changed.client_secret_sealed).unwrap(), "new");
        let entries = audit(&acme, "connection.swapped_in");
        assert!(entries[0].0.contains("127.0.0.1:9") && entries[0].1.contains(r#""client_secret":"changed""#), "{entries:?}");
    }

    /// Of two people who edit the same version, the second is told and changes nothing; a switch counts as an edit.
    /// ADM-014.
    async fn a_stale_form_changes_nothing(db: Database) {
        let acme = Acme::alone(db);
        let mut one = acme.owner().await;
        let mut two = one.new_tab();
        let mut three = one.new_tab();
        one.get(&page(&acme, "/edit")).await;
        two.get(&page(&acme, "/edit")).await;
        three.get(&page(&acme, "/jit")).await;
        one.submit("Save the connection", &[("name", "First")]).await.sees("First is saved.");
        two.submit("Save the connection", &[("name", "Second")]).await.sees("changed meanwhile");
        assert_eq!(two.status(), 409);
        three.submit("Turn on just-in-time provisioning", &[]).await.sees("changed meanwhile");
        assert_eq!(three.status(), 409);
        assert!(!acme.connection().jit && acme.connection().name == "First");
        three.submit("Turn on just-in-time provisioning", &[]).await.sees("is on for First");
        assert!(acme.connection().jit);
    }

    /// Ticking another domain is an edit too, and takes away what is unticked.
    async fn domains_are_ticked_and_unticked(db: Database) {
        let acme = Acme::alone(db);
        let second = acme.write(|conn, now| {
            let name = DomainName::parse("acme.test").unwrap();
            domains::actions::add(conn, now, &Actor::operator(), &acme.organization, &name)
        });
        // While people sign in by it, its domains have a page of their own.
        let connection = acme.connection();
        acme.write(|conn, now| {
            connections::actions::set_state(conn, now, &Actor::operator(), &connection, State::Off)
        });
        let mut olive = acme.owner().await;
        let mut stale = olive.new_tab();
        olive.get(&page(&acme, "/edit")).await.sees("acme.test").sees("Not verified");
        stale.get(&page(&acme, "/edit")).await;
        olive.submit("Save the connection", &[("domain", &second)]).await.sees("acme.test");
        olive.does_not_see("acme.example Vouched");
        stale.submit("Save the connection", &[]).await;
        assert_eq!(stale.status(), 409);
        assert_eq!(audit(&acme, "connection.domain_attached").len(), 1);
        assert_eq!(audit(&acme, "connection.domain_detached").len(), 1);
    }

    /// Turning just-in-time off says for whom, asks for the organization's name, and is told to the audit log.
    async fn jit_is_turned_off_after_a_look(db: Database) {
        let acme = Acme::alone(db);
        acme.jit(true);
        acme.join("ada@acme.example", "Ada", Role::Member);
        acme.invite("ivan@acme.example");
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "")).await;
        olive.click("Turn off… just-in-time provisioning").await;
        olive
            .sees("Turn off just-in-time provisioning?")
            .sees("New people from acme.example are denied")
            .sees("1 pending invitation still works")
            .sees("2 members keep signing in as before. Nobody is signed out.")
            .sees("invitations are the only way in");
        olive.submit("Turn off just-in-time provisioning", &[("word", "Acme")]).await.sees("Type “acme”.");
        assert!(olive.status() == 422 && acme.connection().jit);
        olive.submit("Turn off just-in-time provisioning", &[("word", "acme")]).await;
        olive.sees("Just-in-time provisioning is off for Acme ID.").sees("Turned off by Olive Owner");
        let after = acme.connection();
        assert!(!after.jit && after.jit_changed_by == "Olive Owner");
        assert_eq!(after.jit_changed_at, Some(acme.installation.site.now()));
        assert_eq!(
            audit(&acme, "connection.jit_changed"),
            [(r#"{"jit":true}"#.to_owned(), r#"{"jit":false}"#.to_owned())]
        );
    }

    /// Turning it on counts the people whom it would have let in, and nobody else.
    /// ADM-011.
    async fn jit_is_turned_on_knowing_whom_it_would_admit(db: Database) {
        let acme = Acme::alone(db);
        acme.seats(Some(5));
        let now = acme.installation.site.now();
        denied(&acme, "one@acme.example", Some(true), now);
        denied(&acme, "two@acme.example", None, now - 80 * time::DAY);
        denied(&acme, "false@acme.example", Some(false), now);
        denied(&acme, "elsewhere@other.example", Some(true), now);
        denied(&acme, "long.ago@acme.example", Some(true), now - 91 * time::DAY);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/jit")).await;
        olive.sees("2 people who were denied in the last 90 days").sees("(4 now)").sees("stays out");
        olive.submit("Turn on just-in-time provisioning", &[]).await.sees("is on for Acme ID");
        assert!(acme.connection().jit);
    }

    /// The switch says which way it turns: sent twice, it turns nothing back.
    async fn a_switch_sent_twice_turns_nothing_back(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/jit")).await;
        let mut again = olive.clone();
        olive.submit("Turn on just-in-time provisioning", &[]).await;
        again.submit("Turn on just-in-time provisioning", &[]).await;
        assert!(again.status() == 409 && acme.connection().jit);
        let token = again.fields("Turn off just-in-time provisioning");
        let token = token.iter().find(|(name, _)| name == "form_token").unwrap().1.clone();
        let wrong = [("form_token", token.as_str()), ("version", "1"), ("to", "sideways")];
        again.post(&page(&acme, "/jit"), &wrong).await;
        assert_eq!(again.status(), 400);
    }

    /// SCIM needs a verified domain, and changes nobody.
    async fn scim_needs_a_verified_domain_and_changes_nobody(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let bare = added(&acme, &mut olive, &[("name", "Bare"), ("issuer", "https://idp.example"), ("client_id", "x")]).await;
        olive.get(&acme.to(&format!("/connections/{}/scim", bare.id))).await.sees("SCIM needs a verified domain");
        olive.submit("Turn on SCIM", &[]).await.sees("needs a verified domain");
        assert_eq!(olive.status(), 409);
        olive.get(&page(&acme, "/scim")).await.sees("Now Off Off Nobody").sees("Afterwards Off On The directory, and nobody else");
        olive.submit("Turn on SCIM", &[]).await.sees("SCIM is on for Acme ID.").sees("No token yet");
        assert!(acme.connection().scim);
        olive.click("Turn off… SCIM").await.sees("removes and deactivates nobody");
        olive.submit("Turn off SCIM", &[]).await.sees("SCIM is off for Acme ID.");
        assert_eq!(audit(&acme, "connection.scim_changed").len(), 2);
    }

    /// A connection is turned off by its organization's name, but not when every owner would be locked out.
    async fn the_last_way_in_is_not_turned_off(db: Database) {
        let acme = Acme::alone(db);
        acme.join("ada@acme.example", "Ada", Role::Member);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/state")).await.sees("0 of 2 members have no other way in");
        let mut late = olive.clone();
        acme.write(|conn, _| {
            diesel::update(accounts::table).set(accounts::password_hash.eq(None::<String>)).execute(conn)?;
            Ok(())
        });
        olive.get(&page(&acme, "/state")).await.sees("This can’t be done now").sees("2 of 2 members");
        late.submit("Turn off Acme ID", &[("word", "acme")]).await.sees("No owner could sign in afterwards");
        assert!(late.status() == 409 && acme.connection().is_on());
        acme.write(|conn, _| {
            diesel::update(accounts::table).set(accounts::password_hash.eq("some")).execute(conn)?;
            Ok(())
        });
        olive.get(&page(&acme, "/state")).await;
        olive.submit("Turn off Acme ID", &[("word", "acme")]).await.sees("Nobody can sign in any longer by Acme ID.");
        assert_eq!(acme.connection().state, State::Off);
    }

    /// An admin looks and changes nothing; a member doesn't look; another organization's connection is not there.
    async fn connections_are_the_owners(db: Database) {
        let acme = Acme::alone(db);
        acme.join("adam@acme.example", "Adam Admin", Role::Admin);
        acme.join("mia@acme.example", "Mia Member", Role::Member);
        let mut adam = acme.signed_in("adam@acme.example").await;
        adam.get(&acme.to("/connections")).await.sees("Acme ID").does_not_see("Add a connection");
        adam.get(&page(&acme, "")).await.sees("Owners change these").does_not_see("Turn on…");
        for rest in ["/edit", "/jit", "/scim", "/state"] {
            adam.get(&page(&acme, rest)).await;
            assert_eq!(adam.status(), 403, "{rest}");
        }
        let mut mia = acme.signed_in("mia@acme.example").await;
        mia.get(&page(&acme, "")).await;
        assert_eq!(mia.status(), 403);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/connections/0123")).await;
        assert_eq!(olive.status(), 404);
        olive.get(&page(&acme, "/jit")).await;
        olive.post(&page(&acme, "/jit"), &[("to", "on"), ("version", "3")]).await;
        assert!(olive.status() == 403 && !acme.connection().jit);
    }

    /// The table of groups is set as a whole, with teams of the organization's own, and is shown.
    async fn groups_lead_to_teams(db: Database) {
        let acme = Acme::alone(db);
        let connection = acme.connection();
        let team = acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Engineering")
        });
        let line = |group: &str, team: &str| MappedGroup { group: group.into(), team: team.into(), role: Role::Member };
        let set = |table: Vec<MappedGroup>| {
            let (site, now) = (&acme.installation.site, acme.installation.site.now());
            site.store.write(|conn| groups::actions::set(conn, now, &Actor::operator(), &connection, &table))
        };
        assert!(set(vec![line("eng", &team), line("dev", &team), line("eng", &team)]).unwrap());
        assert!(!set(vec![line("eng", &team), line("dev", &team)]).unwrap());
        assert!(set(vec![line("eng", "nowhere")]).is_err() && set(vec![line("", &team)]).is_err());
        let table = acme.read(|conn| Ok(groups::mapping(conn, &connection.id)?));
        assert_eq!(table, [line("eng", &team), line("dev", &team)]);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "")).await.sees("2 mapped groups").sees("eng Engineering");
    }

    /// A domain counts where it is verified and attached, and for the organization that verified it.
    async fn a_domain_stands_for_its_connection(db: Database) {
        let acme = Acme::alone(db);
        let (here, now) = (acme.connection(), acme.installation.site.now());
        let standing = |connection: &Connection, domain: &str| {
            acme.read(|conn| Ok(connections::domain_standing(conn, connection, domain)?))
        };
        assert_eq!(standing(&here, "acme.example"), DomainStanding::Verified);
        assert_eq!(standing(&here, "sub.acme.example"), DomainStanding::Unverified);
        let other = connections::Connection { organization: "another".into(), ..here.clone() };
        assert_eq!(standing(&other, "acme.example"), DomainStanding::OtherOrganization);
        let found = |domain: &str| acme.read(|conn| Ok(connections::for_domain(conn, domain)?)).len();
        assert_eq!((found("acme.example"), found("other.example")), (1, 0));
        acme.write(|conn, _| connections::actions::set_domains(conn, now, &Actor::operator(), &here, &[]));
        assert_eq!((standing(&here, "acme.example"), found("acme.example")), (DomainStanding::Unverified, 0));
    }

    /// Adding a domain shows its record; adding it again makes a new token; what can't be claimed is said.
    /// ADM-010.
    async fn an_owner_adds_domains(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/domains")).await.sees("acme.example").sees("Vouched for");
        olive.submit("Add the domain", &[("name", "Bücher.example")]).await.sees("Waits for its record");
        let token = |acme: &Acme| {
            acme.read(|conn| Ok(domains::find_by_name(conn, &acme.organization, "xn--bcher-kva.example")?.unwrap())).token
        };
        let first = token(&acme);
        assert!(olive.body().contains("\"_vestibule.xn--bcher-kva.example\""));
        assert!(olive.body().contains(&format!("\"vestibule-verification={first}\"")));
        olive.click("All domains").await.submit("Add the domain", &[("name", "bücher.example")]).await;
        assert_ne!(first, token(&acme));
        olive.click("All domains").await;
        for (typed, sentence) in [
            ("https://acme.example", "without https://"), ("acme.example", "verified already"),
            ("gmail.com", "Anybody can have an address"), ("localhost", "nobody's domain"), ("", "Type a domain"),
        ] {
            olive.submit("Add the domain", &[("name", typed)]).await.sees(sentence);
            assert_eq!(olive.status(), 422, "{typed}");
        }
        acme.join("adam@acme.example", "Adam Admin", Role::Admin);
        let mut adam = acme.signed_in("adam@acme.example").await;
        adam.get(&acme.to("/domains")).await.sees("acme.example").does_not_see("Add a domain");
    }

    /// Every page stands without a verified domain, a connection or a name that behaves.
    /// OUT-001.
    async fn names_are_shown_as_text(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let name = "<img src=x onerror=alert(1)> \"' {{7*7}}";
        let made = added(&acme, &mut olive, &[("name", name), ("slug", "odd"), ("issuer", "https://idp.example"), ("client_id", "\"><script>")]).await;
        for rest in ["", "/edit", "/jit", "/scim", "/state"] {
            olive.get(&acme.to(&format!("/connections/{}{rest}", made.id))).await;
            assert_eq!(olive.status(), 200, "{rest}");
            assert!(!olive.body().contains("<img") && !olive.body().contains("<script>"), "{rest}");
            assert_eq!(olive.body().matches("<h1").count(), 1, "{rest}");
        }
        olive.get(&acme.to("/connections")).await.sees("2 connections, by name").sees("{{7*7}}");
    }
}
