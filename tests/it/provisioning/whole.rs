//! What is asked of the server as a whole: searches at the root, Bulk, discovery.

use serde_json::{Value, json};

use crate::support::Directory;
use crate::support::directory::user;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn bulk(operations: &Value) -> Value {
    json!({ "schemas": [BULK], "Operations": operations })
}

fn statuses(body: &Value) -> Vec<&str> {
    body["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect()
}

both_databases! {
    /// SCIM-011, SCIM-081.
    async fn the_server_tells_what_it_is(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let config = directory.get("/ServiceProviderConfig").await;
        assert_eq!(config.status, 200);
        assert_eq!(config.body["bulk"]["maxOperations"], json!(1_000));
        for (path, total) in [("/ResourceTypes", 2), ("/Schemas", 4)] {
            let told = directory.get(path).await;
            assert_eq!(told.body["totalResults"], json!(total), "{path}");
            for one in told.body["Resources"].as_array().unwrap() {
                let below = format!("{path}/{}", one["id"].as_str().unwrap());
                assert_eq!(&directory.get(&below).await.body, one, "{below}");
            }
            assert_eq!(directory.get(&format!("{path}?filter=id+pr")).await.status, 403);
            assert_eq!(directory.get(&format!("{path}/nothing")).await.status, 404);
            assert_eq!(directory.post(path, &json!({})).await.status, 405);
        }
        assert_eq!(directory.get("/Me").await.status, 501);
    }

    /// SCIM-047.
    async fn everything_is_searched_at_once(db: Database) {
        let (_acme, directory) = Directory::start(db);
        directory.provision("ada@acme.example").await;
        directory.provision("bob@acme.example").await;
        let group = json!({ "schemas": [GROUP], "displayName": "G" });
        let group = directory.post("/Groups", &group).await.id();
        let search = async |more: Value| {
            let mut body = json!({ "schemas": [SEARCH], "attributes": ["id"] });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            directory.post("/.search", &body).await
        };
        for (more, total, shown) in [
            (json!({}), 3, 3),
            (json!({ "startIndex": 2, "count": 2 }), 3, 2),
            (json!({ "startIndex": 3, "count": 2 }), 3, 1),
            (json!({ "count": 0 }), 3, 0),
            (json!({ "filter": "userName sw \"ada\"" }), 1, 1),
            (json!({ "filter": format!("id eq \"{group}\"") }), 1, 1),
        ] {
            let told = search(more.clone()).await;
            assert_eq!(told.status, 200, "{more}: {}", told.body);
            assert_eq!(told.body["totalResults"], json!(total), "{more}");
            assert_eq!(told.body["Resources"].as_array().unwrap().len(), shown, "{more}");
        }
        assert_eq!(search(json!({ "filter": "broken" })).await.kind(), "invalidFilter");
        assert_eq!(search(json!({ "filter": "unknown pr" })).await.kind(), "invalidFilter");
        assert_eq!(search(json!({ "excludedAttributes": ["id"] })).await.status, 400);
        assert_eq!(directory.post("/.search", &json!({})).await.kind(), "invalidSyntax");
    }

    /// SCIM-080.
    async fn bulk_does_each_operation_by_itself(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let told = directory.post("/Bulk", &bulk(&json!([
            { "method": "POST", "path": "/Groups", "bulkId": "g",
              "data": { "schemas": [GROUP], "displayName": "G", "members": [{ "value": "bulkId:a" }] } },
            { "method": "post", "path": "/Users", "bulkId": "a", "data": user("ada@acme.example") },
            { "method": "POST", "path": "/Users", "bulkId": "b", "data": user("ada@acme.example") },
            { "method": "PATCH", "path": "/Groups/bulkId:g", "data": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "replace", "path": "displayName", "value": "H" }] } },
            { "method": "PUT", "path": "/Users/bulkId:b", "data": user("bob@acme.example") },
            { "method": "DELETE", "path": "/Users/nobody" },
            { "method": "POST", "path": "/Bulk", "data": {} },
            { "method": "DELETE", "path": "/Users/x/../y" },
            { "method": "GET", "path": "/Users" },
        ]))).await;
        assert_eq!(told.status, 200, "{}", told.body);
        assert_eq!(statuses(&told.body), ["201", "201", "409", "200", "400", "404", "404", "404", "405"]);
        assert_eq!(told.body["Operations"][2]["response"]["scimType"], json!("uniqueness"));
        let location = told.body["Operations"][0]["location"].as_str().unwrap();
        let path = location.strip_prefix(directory.base.as_str()).unwrap();
        let group = directory.get(path).await;
        assert_eq!(group.body["displayName"], json!("H"));
        assert_eq!(group.body["members"].as_array().unwrap().len(), 1);
    }

    /// SCIM-080.
    async fn bulk_stops_where_it_should(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let missing = json!({ "method": "DELETE", "path": "/Users/nobody" });
        let mut body = bulk(&json!([missing, missing, missing]));
        body["failOnErrors"] = json!(2);
        assert_eq!(statuses(&directory.post("/Bulk", &body).await.body), ["404", "404"]);
        let circle = bulk(&json!([
            { "method": "POST", "path": "/Groups", "bulkId": "g",
              "data": { "schemas": [GROUP], "displayName": "G", "members": [{ "value": "bulkId:h" }] } },
            { "method": "POST", "path": "/Groups", "bulkId": "h",
              "data": { "schemas": [GROUP], "displayName": "H", "members": [{ "value": "bulkId:g" }] } },
        ]));
        assert_eq!(statuses(&directory.post("/Bulk", &circle).await.body), ["409", "409"]);
        let many = bulk(&Value::Array(vec![missing; 1_001]));
        assert_eq!(directory.post("/Bulk", &many).await.status, 413);
        let large = bulk(&json!([{ "method": "POST", "path": "/Users", "data": "x".repeat(1_048_576) }]));
        assert_eq!(directory.post("/Bulk", &large).await.status, 413);
        for broken in [json!({}), bulk(&json!([])), bulk(&json!([{}])), bulk(&json!("x"))] {
            assert_eq!(directory.post("/Bulk", &broken).await.kind(), "invalidSyntax", "{broken}");
        }
    }

    /// However much of it refers to what comes later, a request is put in order once; and what no attribute holds
    /// refers to nothing.
    /// SCIM-080, RES-011.
    async fn bulk_goes_through_what_is_tangled(db: Database) {
        let (acme, directory) = Directory::start(db);
        let group = |number: usize, more: (&str, Value)| {
            let mut data = json!({ "schemas": [GROUP], "displayName": format!("G{number}") });
            data[more.0] = more.1;
            json!({ "method": "POST", "path": "/Groups", "bulkId": format!("{number}"), "data": data })
        };
        let to = |number: usize| json!(format!("bulkId:{number}"));
        let unknown = (0..1_000).map(|number| group(number, ("x", json!(vec![to(number + 1); if number < 999 { 55 } else { 0 }])))).collect();
        let told = directory.post("/Bulk", &bulk(&Value::Array(unknown))).await;
        assert!(statuses(&told.body).iter().all(|status| *status == "201"), "{}", told.body);
        assert_eq!(acme.count("scim_groups"), 1_000);

        // Each has the one after it for a member: the last one names nobody, and all the others a group, not a person.
        let chain = (2_000..2_200).map(|number| group(number, ("members", json!([{ "value": to(number + 1) }])))).collect();
        let told = directory.post("/Bulk", &bulk(&Value::Array(chain))).await;
        assert!(statuses(&told.body).iter().all(|status| *status == "400"), "{}", told.body);
    }
}
