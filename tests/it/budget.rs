//! How many statements a request may take: each is a round trip where the database is another process, and one that
//! is asked for each row makes a page slow once there are many.

use std::cell::Cell;

use serde_json::json;

use vestibule::audit::Actor;
use vestibule::connections::saml::SamlSettings;
use vestibule::store::time;
use vestibule::teams;

use crate::support::{Browser, Directory, Front};

/// What a page may take.
pub const PAGE: usize = 8;
/// What a member's whole sign-in may take, from the first click to the first page.
const SIGN_IN: usize = 32;

both_databases! {
    /// A directory's requests take few statements, however many people there are.
    async fn a_directory_is_answered_in_few_statements(db: Database) {
        let (acme, directory) = Directory::start(db);
        let (door, number) = (&acme.installation, Cell::new(0));
        let address = || {
            number.set(number.get() + 1);
            format!("p{}@acme.example", number.get())
        };
        let mut people = Vec::new();
        for _ in 0..5 {
            people.push(directory.provision(&address()).await.id());
        }
        let urn = "urn:ietf:params:scim:schemas:core:2.0:Group";
        let group = json!({"schemas": [urn], "displayName": "Half", "members": [{"value": people[0]}]});
        let group = directory.post("/Groups", &group).await.id();

        door.takes_at_most(11, "POST Users", async || {
            directory.provision(&address()).await;
        }).await;
        door.takes_at_most(3, "GET filter userName eq", async || {
            assert_eq!(directory.find("userName eq \"p2@acme.example\"").await.len(), 1);
        }).await;
        door.takes_at_most(3, "GET one", async || {
            assert_eq!(directory.get(&format!("/Users/{}", people[1])).await.status, 200);
        }).await;
        door.takes_at_most(5, "GET page", async || {
            let told = directory.get("/Users?startIndex=1&count=100").await;
            assert!(told.body["Resources"].as_array().unwrap().len() >= 5);
        }).await;
        for active in [false, true] {
            let next = Cell::new(0);
            door.takes_at_most(13, "PATCH active", async || {
                let path = format!("/Users/{}", people[next.replace(next.get() + 1)]);
                let told = directory.patch(&path, json!([{"op": "replace", "path": "active", "value": active}])).await;
                assert_eq!((told.status, &told.body["active"]), (200, &json!(active)));
            }).await;
        }
        let next = Cell::new(1);
        door.takes_at_most(14, "PATCH that adds one to a group", async || {
            let path = format!("/Groups/{group}?excludedAttributes=members");
            let member = json!([{"value": people[next.replace(next.get() + 1)]}]);
            let told = directory.patch(&path, json!([{"op": "add", "path": "members", "value": member}])).await;
            assert_eq!(told.status, 200);
        }).await;
    }

    /// Whoever is a member already comes in by few statements.
    async fn a_sign_in_takes_few_statements(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.provider.person("ada", "ada@acme.example");
        Browser::new().get(&front.acme.sign_in()).await.sees("ada@acme.example");
        front.acme.installation.takes_at_most(SIGN_IN, "a sign-in", async || {
            let mut ada = Browser::new();
            assert_eq!(ada.get(&front.acme.sign_in()).await.path(), "/orgs/acme");
        }).await;
    }

    /// A page takes few statements, however many people it shows.
    async fn a_page_takes_few_statements(db: Database) {
        let (acme, directory) = Directory::start(db);
        for number in 0..12 {
            directory.provision(&format!("p{number}@acme.example")).await;
        }
        acme.installation.scim_log.flush();
        let team = acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Sales")
        });
        acme.invite("ivy@acme.example");
        let mut owner = acme.owner().await;
        let saml = acme.connect_saml("saml", &SamlSettings::default(), &[]).id;
        let of = |id: &str, rest: &str| format!("/connections/{id}{rest}");
        // Its page shows a switch that is planned, as well.
        let when = time::machine(acme.installation.site.now() + time::HOUR);
        owner.get(&acme.to(&of(&saml, "/jit"))).await;
        let answers = [("word", "acme"), ("when", &when[..16])];
        owner.submit("Turn off just-in-time provisioning", &answers).await.sees("can be cancelled here");
        for path in [
            "",
            "/members",
            "/members?q=p1&role=member&sort=seen",
            &format!("/members?team={team}"),
            "/members/bulk?deed=deactivate&whom=all",
            "/members/bulk?deed=role&to_role=owner&whom=all",
            "/teams",
            &format!("/teams/{team}"),
            &format!("/teams/{team}?find=p1"),
            "/invitations",
            "/invitations?q=ivy",
            "/invitations?state=expired",
            "/sign-ins",
            "/denied",
            "/denied?state=any&person=p1",
            "/connections",
            "/set-up",
            "/domains",
            "/audit",
            "/audit?subject=p1@acme.example",
            &of(&acme.connection, ""),
            &of(&saml, ""),
            &of(&acme.connection, "/links"),
        ] {
            acme.installation.takes_at_most(PAGE, path, async || {
                assert_eq!(owner.get(&acme.to(path)).await.status(), 200);
            }).await;
        }
    }
}
