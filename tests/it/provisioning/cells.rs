//! Who may write mapped teams (behaviour of sign-in, step 6): the four cells of JIT and SCIM, by real sign-ins and real
//! requests of a directory.

use serde_json::json;
use vestibule::access::{MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::{connections, groups, teams};

use crate::support::directory::USER;
use crate::support::provider::Person;
use crate::support::{Acme, Browser, Directory, Front};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const EVA: &str = "eva@acme.example";

/// Teams One and Two, for the groups g-one and g-two.
fn map_groups(acme: &Acme) {
    let connection = acme.connection();
    acme.write(|conn, now| {
        let actor = Actor::operator();
        let mut table = Vec::new();
        for name in ["one", "two"] {
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

fn scim(acme: &Acme, on: bool) {
    let connection = acme.connection();
    acme.write(|conn, now| connections::actions::set_scim(conn, now, &Actor::operator(), &connection, on));
}

/// Eva signs in, and the provider says these groups.
async fn comes_with(front: &Front, said: &[&str]) {
    front.provider.be(Person::new("eva", EVA).in_groups(said));
    let mut browser = Browser::new();
    browser.get(&front.acme.sign_in()).await;
    assert_eq!(browser.status(), 200, "{}", browser.text());
}

both_databases! {
    /// Who becomes a member by a change is told with the teams of the groups they were in before, in the version that is
    /// theirs.
    /// SCIM-060.
    async fn a_first_membership_is_told_with_its_teams(db: Database) {
        let (acme, directory) = Directory::start(db);
        map_groups(&acme);
        let made = directory.post("/Users", &json!({ "schemas": [USER], "userName": "eva" })).await;
        let group = json!({ "schemas": [GROUP], "displayName": "g-one", "members": [{ "value": made.id() }] });
        assert_eq!(directory.post("/Groups", &group).await.status, 201);
        let path = format!("/Users/{}", made.id());
        let address = json!([{ "op": "add", "path": "emails", "value": [{ "value": EVA }] }]);
        let told = directory.patch(&path, address).await;
        assert_eq!((told.status, acme.count("team_members")), (200, 1), "{}", told.body);
        let now = directory.get(&path).await;
        assert_eq!((told.header("etag"), &told.body), (now.header("etag"), &now.body));
    }

    /// DEC-005, DEC-007.
    async fn the_four_cells_of_who_writes_teams(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        map_groups(acme);

        // JIT on, SCIM off: the groups in the sign-in.
        comes_with(&front, &["g-one"]).await;
        assert_eq!(acme.teams_of(EVA), ["one by mapping"]);
        comes_with(&front, &["g-two"]).await;
        assert_eq!(acme.teams_of(EVA), ["two by mapping"]);

        // JIT off, SCIM off: nobody.
        acme.jit(false);
        comes_with(&front, &["g-one"]).await;
        assert_eq!(acme.teams_of(EVA), ["two by mapping"]);

        // SCIM on: the directory alone, with JIT off …
        let directory = Directory::of(acme);
        let eva = directory.provision(EVA).await;
        assert_eq!(eva.status, 201, "{}", eva.body);
        let group = directory
            .post("/Groups", &json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "g-one",
            }))
            .await;
        let path = format!("/Groups/{}", group.id());
        comes_with(&front, &["g-one"]).await;
        assert_eq!(acme.teams_of(EVA), Vec::<String>::new(), "the directory names no group of hers, and a sign-in counts no longer");
        let member = json!([{ "op": "add", "path": "members", "value": [{ "value": eva.id() }] }]);
        assert!(directory.patch(&path, member.clone()).await.status < 300);
        assert_eq!(acme.teams_of(EVA), ["one by scim"]);

        // … and with JIT on: what a sign-in says neither gives nor takes.
        acme.jit(true);
        comes_with(&front, &["g-two"]).await;
        assert_eq!(acme.teams_of(EVA), ["one by scim"]);
        let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", eva.id()) }]);
        assert!(directory.patch(&path, remove).await.status < 300);
        assert_eq!(acme.teams_of(EVA), Vec::<String>::new());

        // Turned off again, the directory writes nothing, and sign-ins do.
        assert!(directory.patch(&path, member).await.status < 300);
        scim(acme, false);
        assert_eq!(directory.get(&path).await.status, 403);
        comes_with(&front, &["g-two"]).await;
        assert!(acme.teams_of(EVA).contains(&"two by mapping".to_owned()), "{:?}", acme.teams_of(EVA));
    }
}
