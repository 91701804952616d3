//! What a version says: whoever knows the newest one knows everything that is shown.

use serde_json::{Value, json};
use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::store::time::SECOND;
use vestibule::teams;

use crate::support::Directory;
use crate::support::directory::{PATCH, Told};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ADA: &str = "ada@acme.example";

/// Asks with one more header.
async fn with(directory: &Directory, method: &str, path: &str, header: (&str, &str), body: Value) -> Told {
    let bearer = format!("Bearer {}", directory.token);
    let headers = [("authorization", bearer.as_str()), header];
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    directory.send(method, path, &headers, body).await
}

/// Whether what is there is no longer this version.
async fn differs(directory: &Directory, path: &str, tag: &str) -> bool {
    let told = with(directory, "GET", path, ("if-none-match", tag), Value::Null).await;
    assert!(matches!(told.status, 200 | 304), "{path}: {}", told.body);
    told.status == 200
}

both_databases! {
    /// Whoever is deleted leaves the groups they were in, and these are others from then on.
    /// SCIM-060.
    async fn a_group_is_another_without_a_person_who_is_gone(db: Database) {
        let (acme, directory) = Directory::start(db);
        let ada = directory.provision(ADA).await.id();
        let bob = directory.provision("bob@acme.example").await.id();
        let group = async |name: &str, member: &str| {
            let body = json!({"schemas": [GROUP], "displayName": name, "members": [{"value": member}]});
            directory.post("/Groups", &body).await
        };
        let (hers, his) = (group("Hers", &ada).await, group("His", &bob).await);
        let path = |group: &Told| format!("/Groups/{}", group.id());
        acme.installation.site.clock.advance(SECOND);
        assert_eq!(directory.delete(&format!("/Users/{ada}")).await.status, 204);
        assert!(differs(&directory, &path(&hers), hers.header("etag")).await);
        assert!(!differs(&directory, &path(&his), his.header("etag")).await);
        let now = directory.get(&path(&hers)).await.body;
        assert_eq!(now.get("members"), None);
        assert_ne!(now["meta"]["lastModified"], hers.body["meta"]["lastModified"]);
    }

    /// A person's version is of their groups and teams, too.
    /// SCIM-060.
    async fn a_person_in_other_groups_and_teams_has_another_version(db: Database) {
        let (acme, directory) = Directory::start(db);
        let member = acme.join(ADA, "Ada", Role::Member);
        let made = directory.provision(ADA).await;
        let path = format!("/Users/{}", made.id());
        let group = json!({"schemas": [GROUP], "displayName": "G", "members": [{"value": made.id()}]});
        let group = format!("/Groups/{}", directory.post("/Groups", &group).await.id());
        let mut tags = vec![made.header("etag").to_owned()];
        for change in 0..5 {
            let replaced = |name: &str| json!([{"op": "replace", "path": "displayName", "value": name}]);
            match change {
                0 => {}
                1 => assert_eq!(directory.patch(&group, replaced("H")).await.status, 200),
                2 => acme.write(|conn, now| {
                    let team = teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Sales")?;
                    Ok(teams::give(conn, now, &member, &[team], teams::Source::Hand, "")?)
                }),
                3 => acme.run("UPDATE teams SET name = 'Selling'"),
                _ => assert_eq!(directory.delete(&group).await.status, 204),
            }
            let before = tags.last().unwrap().clone();
            let title = json!({"schemas": [PATCH], "Operations": [{"op": "remove", "path": "title"}]});
            let stale = with(&directory, "PATCH", &path, ("if-match", &before), title.clone()).await;
            assert_eq!(stale.status, 412, "{change}");
            assert!(differs(&directory, &path, &before).await, "{change}");
            let told = directory.get(&path).await;
            let tag = told.header("etag").to_owned();
            assert_eq!(told.body["meta"]["version"], json!(tag));
            assert!(!differs(&directory, &path, &tag).await, "{change}");
            assert_eq!(with(&directory, "PATCH", &path, ("if-match", &tag), title).await.status, 200);
            assert!(!tags.contains(&tag), "{change}: {tags:?}");
            // It is the same, however much of the person is asked for.
            for query in ["excludedAttributes=groups", "attributes=meta", "attributes=meta,groups"] {
                let one = directory.get(&format!("{path}?{query}")).await;
                assert_eq!((one.header("etag"), &one.body["meta"]["version"]), (tag.as_str(), &json!(tag)), "{query}");
                let all = directory.get(&format!("/Users?{query}")).await.body;
                assert_eq!(all["Resources"][0]["meta"]["version"], json!(tag), "{query}");
            }
            let all = directory.get("/Users").await.body;
            assert_eq!(all["Resources"][0]["meta"]["version"], json!(tag));
            assert_eq!(directory.get(&format!("{path}?attributes=title")).await.header("etag"), tag);
            tags.push(tag);
        }
    }
}
