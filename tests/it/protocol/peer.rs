//! Sign-in through somebody else's provider: panva's certified `oidc-provider`.

use serde_json::{Value, json};
use vestibule::access::{MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::{groups, teams};

use crate::support::peer::OidcProvider;
use crate::support::{Acme, Browser, Database};

/// Acme whose connection speaks to a provider that knows these people.
fn acme_and(db: Database, people: &Value) -> (Acme, OidcProvider) {
    let mut provider = OidcProvider::start("vestibule", "a secret: with % and +", &[], people);
    let acme = Acme::start(db, provider.issuer(), "vestibule", "a secret: with % and +");
    provider.call_back(&[&acme.callback()]);
    (acme, provider)
}

/// Makes teams, and maps the group of the same name with a `g-` in front to each.
fn map_groups(acme: &Acme, names: &[&str]) {
    let connection = acme.connection();
    acme.write(|conn, now| {
        let actor = Actor::operator();
        let mut table = Vec::new();
        for name in names {
            let team = teams::actions::create(conn, now, &actor, &acme.organization, name)?;
            let group = format!("g-{name}");
            table.push(MappedGroup {
                group,
                team,
                role: Role::Member,
            });
        }
        groups::actions::set(conn, now, &actor, &connection, &table)
    });
}

both_databases! {
    /// With just-in-time provisioning off: denied, invited, in.
    async fn a_stranger_is_denied_then_invited_then_in(db: Database) {
        let people = json!({
            "sam": { "email": "Sam@Acme.example", "email_verified": true, "name": "Sam Stranger" },
        });
        let (acme, mut provider) = acme_and(db, &people);

        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await.sees("Sign in at the provider");
        sam.submit("Continue", &[("login", "sam")]).await.sees("Access denied").sees("the IT desk");
        assert_eq!(sam.status(), 403);
        assert!(sam.cookie("vestibule_session").is_none());
        assert_eq!(acme.count("accounts WHERE email_key = 'sam@acme.example' AND full_name = 'Sam Stranger'"), 1);
        assert_eq!(acme.count("members"), 1, "the owner alone");

        acme.invite("sam@acme.example");
        sam.get(&acme.sign_in()).await.sees("Sam Stranger");
        assert_eq!((sam.status(), sam.path()), (200, "/orgs/acme"));

        // The name is the provider's to change; a name that is gone changes nothing.
        for (name, shown) in [(json!("Samantha Stranger"), "Samantha Stranger"), (Value::Null, "Samantha Stranger")] {
            provider.set_people(&json!({ "sam": { "email": "sam@acme.example", "email_verified": true, "name": name } }));
            sam.get(&acme.sign_in()).await.sees(shown);
        }
        let outcomes: Vec<_> = acme.sign_ins().into_iter().map(|record| record.reason).collect();
        assert_eq!(outcomes, ["not_invited", "invitation", "member", "member"]);
    }

    /// With just-in-time provisioning on: in at once, in the teams that the groups stand for.
    async fn just_in_time_follows_the_groups(db: Database) {
        let person = |groups: Value| json!({ "tess": {
            "email": "tess@acme.example", "email_verified": true, "given_name": "Tess", "family_name": "Novak", "groups": groups,
        } });
        let (acme, mut provider) = acme_and(db, &person(json!(["g-eng", "g-ops", "unknown"])));
        map_groups(&acme, &["eng", "ops", "sales"]);
        acme.jit(true);

        let mut tess = Browser::new();
        tess.get(&acme.sign_in()).await;
        tess.submit("Continue", &[("login", "tess")]).await.sees("Tess Novak");
        assert_eq!(acme.teams_of("tess@acme.example"), ["eng by mapping", "ops by mapping"]);

        let mut after = async |groups: Value| {
            provider.set_people(&person(groups));
            tess.get(&acme.sign_in()).await.sees("Tess Novak");
            acme.teams_of("tess@acme.example")
        };
        assert_eq!(after(json!(["g-ops", "g-sales"])).await, ["ops by mapping", "sales by mapping"]);
        assert_eq!(after(Value::Null).await, ["ops by mapping", "sales by mapping"], "no claim is not an empty list");
        acme.jit(false);
        assert_eq!(after(json!([])).await, ["ops by mapping", "sales by mapping"], "nobody writes while it is off");
        acme.jit(true);
        assert_eq!(after(json!([])).await, Vec::<String>::new());
    }

    /// Somebody who goes away at the provider is told so, and may start again.
    async fn a_person_cancels_at_the_provider(db: Database) {
        let people = json!({ "sam": { "email": "sam@acme.example", "email_verified": true } });
        let (acme, _provider) = acme_and(db, &people);
        acme.jit(true);
        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await;
        sam.submit("Cancel", &[]).await.sees("did not sign you in");
        assert_eq!(sam.status(), 403);
        sam.click("Start again").await;
        sam.submit("Continue", &[("login", "sam")]).await.sees("sam@acme.example");
    }
    /// For a sensitive act the provider asks again, although it knows the person, and says that it did. An ordinary
    /// sign-in proves nothing where it does not say when. Whoever answers there instead is somebody else here.
    /// OIDC-048.
    async fn a_sensitive_act_is_proven_at_the_provider(db: Database) {
        let person = |email: &str| json!({ "email": email, "email_verified": true });
        let people = json!({ "ada": person("ada@acme.example"), "eve": person("eve@acme.example") });
        let (acme, _provider) = acme_and(db, &people);
        acme.join("ada@acme.example", "Ada Example", Role::Owner);
        let edit = acme.to(&format!("/connections/{}/edit", acme.connection));
        let mut ada = Browser::new();
        ada.get(&acme.sign_in()).await.submit("Continue", &[("login", "ada")]).await.sees("Ada Example");
        ada.get(&acme.sign_in()).await.sees("Ada Example");
        ada.get(&edit).await.sees("Is it still you?");
        ada.click("Sign in again by Acme ID").await.sees("Sign in at the provider");
        ada.submit("Continue", &[("login", "ada")]).await.sees("Client id");
        assert_eq!(ada.url().as_str(), edit);
        assert_eq!(ada.get(&edit).await.url().as_str(), edit);

        // A form that came too late waits for the same person.
        ada.get(&edit).await;
        acme.run("UPDATE sessions SET proved_at = 0");
        ada.submit("Save the connection", &[("scopes", "openid email")]).await.sees("What you typed is kept.");
        let mut eve = ada.new_tab();
        ada.click("Sign in again by Acme ID").await;
        ada.submit("Continue", &[("login", "ada")]).await.submit("Send it", &[]).await.sees("is kept as a draft");

        acme.run("UPDATE sessions SET proved_at = 0");
        eve.get(&edit).await.sees("Is it still you?");
        eve.click("Sign in again by Acme ID").await;
        // The provider ends the other person's session first, by a page of its own.
        eve.submit("Continue", &[("login", "eve")]).await.submit("Continue", &[]).await.sees("Access denied");
        eve.get(&edit).await.sees("Is it still you?");
    }
}
