//! Groups of the directory.

use serde_json::{Value, json};

use crate::support::Directory;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

async fn members(directory: &Directory, id: &str) -> Vec<String> {
    let told = directory.get(&format!("/Groups/{id}")).await;
    assert_eq!(told.status, 200, "{}", told.body);
    let all = told.body["members"].as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|it| it["value"].as_str().unwrap().to_owned())
        .collect()
}

both_databases! {
    /// SCIM-031, SCIM-070, SCIM-071.
    async fn groups_are_made_read_changed_and_deleted(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let ada = directory.provision("ada@acme.example").await.id();
        let bob = directory.provision("bob@acme.example").await.id();
        let mut body = group("Engineering", &[&ada, &ada]);
        body["externalId"] = json!("X-1");
        body["id"] = json!("mine");
        let made = directory.post("/Groups", &body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let id = made.id();
        assert_ne!(id, "mine");
        let path = format!("/Groups/{id}");
        assert_eq!(made.header("location"), format!("{}{path}", directory.base));
        assert_eq!(made.header("etag"), "W/\"1\"");
        assert_eq!(made.body["members"], json!([{
            "value": ada, "type": "User",
            "$ref": format!("{}/Users/{ada}", directory.base),
        }]));
        assert_eq!(made.body["meta"]["resourceType"], json!("Group"));
        assert_eq!(directory.get(&path).await.body, made.body);
        let user = directory.get(&format!("/Users/{ada}")).await;
        assert_eq!(user.body["groups"][0]["value"], json!(id));

        let told = directory.put(&path, &group("Research", &[&bob])).await;
        assert_eq!(told.status, 200, "{}", told.body);
        assert_eq!(told.body.get("externalId"), None);
        assert_eq!(members(&directory, &id).await, [bob.as_str()]);
        assert_eq!(told.header("etag"), "W/\"2\"");
        let again = directory.put(&path, &group("Research", &[&bob])).await;
        assert_eq!(again.header("etag"), "W/\"2\"");

        assert_eq!(directory.delete(&path).await.status, 204);
        assert_eq!(directory.get(&path).await.status, 404);
        assert_eq!(directory.delete(&path).await.status, 404);
        let user = directory.get(&format!("/Users/{bob}")).await;
        assert_eq!(user.body.get("groups"), None);
        let told = directory.get("/Groups").await;
        assert_eq!(told.body["totalResults"], json!(0));
    }

    /// SCIM-052, SCIM-059, SCIM-073, SCIM-074.
    async fn people_come_and_go_by_every_dialect(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let mut people = Vec::new();
        for name in ["ada", "bob", "cy"] {
            people.push(directory.provision(&format!("{name}@acme.example")).await.id());
        }
        let [ada, bob, cy] = [&people[0], &people[1], &people[2]];
        let id = directory.post("/Groups", &group("G", &[])).await.id();
        let path = format!("/Groups/{id}");
        for (operation, expected) in [
            (json!({ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": ada }] }), vec![ada]),
            (json!({ "op": "add", "path": "members", "value": [{ "value": ada }, { "value": bob }] }), vec![ada, bob]),
            (json!({ "op": "add", "value": { "members": [{ "value": cy }] } }), vec![ada, bob, cy]),
            (json!({ "op": "Remove", "path": "members", "value": [{ "value": ada }, { "value": "nobody" }] }), vec![bob, cy]),
            (json!({ "op": "remove", "path": format!("members[value eq \"{bob}\"]") }), vec![cy]),
            (json!({ "op": "remove", "path": "members[value eq \"nobody\"]" }), vec![cy]),
            (json!({ "op": "replace", "path": "members", "value": [{ "value": ada }, { "value": bob }] }), vec![ada, bob]),
            (json!({ "op": "remove", "path": "members", "value": [] }), vec![ada, bob]),
            (json!({ "op": "remove", "path": "members[display sw \"ADA\"]" }), vec![bob]),
            (json!({ "op": "replace", "value": { "id": "x", "displayName": "H" } }), vec![bob]),
            (json!({ "op": "remove", "path": "members" }), vec![]),
        ] {
            let told = directory.patch(&path, json!([operation])).await;
            assert_eq!(told.status, 200, "{operation}: {}", told.body);
            let version = told.header("etag").to_owned();
            let expected: Vec<String> = expected.into_iter().cloned().collect();
            assert_eq!(members(&directory, &id).await, expected, "{operation}");
            let again = directory.patch(&path, json!([operation])).await;
            assert_eq!(again.header("etag"), version, "{operation}");
        }
        assert_eq!(directory.get(&path).await.body["displayName"], json!("H"));
        let told = directory.patch(&format!("{path}?excludedAttributes=members"), json!([
            { "op": "add", "path": "members", "value": [{ "value": ada }] }
        ])).await;
        assert_eq!((told.status, told.body.get("members")), (200, None));
    }

    /// SCIM-056, SCIM-058, SCIM-060, SCIM-071, SCIM-075, SCIM-082.
    async fn what_does_not_fit_changes_nothing(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let ada = directory.provision("ada@acme.example").await.id();
        let other = directory.post("/Groups", &group("Other", &[])).await.id();
        let id = directory.post("/Groups", &group("G", &[&ada])).await.id();
        let path = format!("/Groups/{id}");
        for (name, expected) in [("g", (409, "uniqueness")), (" G ", (409, "uniqueness")), ("", (400, "invalidValue"))] {
            let told = directory.post("/Groups", &group(name, &[])).await;
            assert_eq!((told.status, told.kind()), expected, "{name}");
        }
        let long = directory.post("/Groups", &group(&"a".repeat(10_000), &[])).await;
        assert_eq!((long.status, long.kind()), (400, "invalidValue"));
        let told = directory.put(&path, &group("OTHER", &[&ada])).await;
        assert_eq!((told.status, told.kind()), (409, "uniqueness"));
        for operation in [
            json!({ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }),
            json!({ "op": "add", "path": "members", "value": [{ "value": other }] }),
            json!({ "op": "add", "path": "members", "value": [{ "value": id, "type": "Group" }] }),
            json!({ "op": "remove", "path": "displayName" }),
            json!({ "op": "replace", "path": "id", "value": "x" }),
            json!({ "op": "replace", "path": "displayName", "value": "" }),
            json!({ "op": "remove" }),
        ] {
            let both = json!([{ "op": "remove", "path": "members" }, operation]);
            let told = directory.patch(&path, both).await;
            assert_eq!(told.status, 400, "{operation}");
            assert_eq!(members(&directory, &id).await, [ada.as_str()], "{operation}");
        }
        let bearer = format!("Bearer {}", directory.token);
        for (etag, status) in [("W/\"7\"", 412), ("W/\"1\"", 200)] {
            let headers = [("authorization", bearer.as_str()), ("if-match", etag)];
            let body = group("G", &[]).to_string().into_bytes();
            assert_eq!(directory.send("PUT", &path, &headers, body).await.status, status);
        }
    }

    /// SCIM-040, SCIM-041, SCIM-046, SCIM-048.
    async fn groups_are_found(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let ada = directory.provision("ada@acme.example").await.id();
        let (mut ids, one) = (Vec::new(), &[ada.as_str()][..]);
        for (name, external) in [("Alpha", "X-1"), ("Beta_%", ""), ("gamma", "x-1")] {
            let mut body = group(name, if name == "gamma" { one } else { &[] });
            if !external.is_empty() {
                body["externalId"] = json!(external);
            }
            ids.push(directory.post("/Groups", &body).await.id());
        }
        for (filter, expected) in [
            ("displayName eq \"ALPHA\"".to_owned(), vec!["Alpha"]),
            ("displayname co \"_\"".to_owned(), vec!["Beta_%"]),
            ("externalId eq \"X-1\"".to_owned(), vec!["Alpha"]),
            ("externalId pr".to_owned(), vec!["Alpha", "gamma"]),
            ("not (externalId pr)".to_owned(), vec!["Beta_%"]),
            (format!("id eq \"{}\"", ids[1]), vec!["Beta_%"]),
            (format!("members.value eq \"{ada}\""), vec!["gamma"]),
            (format!("members eq \"{ada}\" or displayName sw \"a\""), vec!["Alpha", "gamma"]),
            (format!("members[value eq \"{ada}\" and type eq \"User\"]"), vec!["gamma"]),
            ("members pr".to_owned(), vec!["gamma"]),
            (format!("displayName eq \"Alpha\" and members[value eq \"{ada}\"]"), vec![]),
            ("meta.created gt \"2000-01-01T00:00:00Z\" and displayName gt \"b\"".to_owned(), vec!["Beta_%", "gamma"]),
        ] {
            let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            let told = directory.get(&format!("/Groups?excludedAttributes=members&filter={query}")).await;
            assert_eq!(told.status, 200, "{filter}: {}", told.body);
            let found: Vec<&str> = told.body["Resources"].as_array().unwrap().iter()
                .map(|it| it["displayName"].as_str().unwrap()).collect();
            assert_eq!(found, expected, "{filter}");
            assert_eq!(told.body["totalResults"], json!(expected.len()));
        }
        for filter in ["unknown pr", "members[display eq \"x\"]", "active eq true"] {
            let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            let told = directory.get(&format!("/Groups?filter={query}")).await;
            assert_eq!((told.status, told.kind()), (400, "invalidFilter"), "{filter}");
        }
        let told = directory.get("/Groups?startIndex=2&count=1&sortBy=displayName&sortOrder=descending").await;
        assert_eq!(told.body["Resources"][0]["displayName"], json!("Beta_%"));
        assert_eq!((&told.body["totalResults"], &told.body["itemsPerPage"]), (&json!(3), &json!(1)));
        let told = directory.get("/Groups?count=0").await;
        assert_eq!((&told.body["totalResults"], &told.body["Resources"]), (&json!(3), &json!([])));
    }
}
