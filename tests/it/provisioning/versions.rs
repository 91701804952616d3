//! What a version says: whoever knows the newest one knows everything that is shown.

use serde_json::{Value, json};
use vestibule::store::time::SECOND;

use crate::support::Directory;
use crate::support::directory::Told;

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
}
