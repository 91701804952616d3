//! Lists of people: filters, order, pages.
#![expect(clippy::too_many_lines, reason = "tables of filters, a line for each")]

use serde_json::{Value, json};

use crate::support::Directory;
use crate::support::directory::{USER, user};

async fn some_people(directory: &Directory) {
    for (name, display, email, home) in [
        ("Ada", "Ada L", "ada@acme.example", "ada@home.example"),
        ("bob", "Bob_B%", "bob@acme.example", ""),
        ("Cy", "", "cy@acme.example", "cy@home.example"),
        ("dan", "Dan \"D\" \\ 'x'", "", ""),
    ] {
        let mut body = json!({"schemas": [USER], "userName": name, "externalId": format!("X-{name}")});
        if !display.is_empty() {
            body["displayName"] = json!(display);
        }
        let mut emails = Vec::new();
        if !email.is_empty() {
            emails.push(json!({"value": email, "type": "work"}));
        }
        if !home.is_empty() {
            emails.push(json!({"value": home, "type": "home"}));
        }
        body["emails"] = json!(emails);
        body["title"] = json!(if name == "Ada" { "Countess" } else { "Clerk" });
        let told = directory.post("/Users", &body).await;
        assert_eq!(told.status, 201, "{}", told.body);
    }
}

both_databases! {
    /// SCIM-040 to SCIM-043, SCIM-029, RES-004.
    async fn filters_find_whom_they_say(db: Database) {
        let (_acme, directory) = Directory::start(db);
        some_people(&directory).await;
        for (filter, expected) in [
            ("userName eq \"ADA\"", vec!["Ada"]),
            ("USERNAME EQ \"ada\"", vec!["Ada"]),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"ada\"", vec!["Ada"]),
            ("userName eq \"\\u0041da\"", vec!["Ada"]),
            ("userName eq \"nobody\"", vec![]),
            ("userName ne \"ada\"", vec!["bob", "Cy", "dan"]),
            ("userName sw \"A\"", vec!["Ada"]),
            ("userName co \"A\"", vec!["Ada", "dan"]),
            ("userName ew \"N\"", vec!["dan"]),
            ("userName gt \"b\" and userName lt \"cz\"", vec!["bob", "Cy"]),
            ("userName pr", vec!["Ada", "bob", "Cy", "dan"]),
            ("externalId eq \"X-Ada\"", vec!["Ada"]),
            ("externalId eq \"x-ada\"", vec![]),
            ("externalId sw \"x\"", vec![]),
            ("externalId co \"-c\"", vec![]),
            ("externalId ew \"dan\"", vec!["dan"]),
            ("displayName eq \"ada l\"", vec!["Ada"]),
            ("displayName co \"_\"", vec!["bob"]),
            ("displayName co \"%\"", vec!["bob"]),
            ("displayName eq \"dan \\\"d\\\" \\\\ 'x'\"", vec!["dan"]),
            ("displayName eq \"' or 1=1 --\"", vec![]),
            ("not (displayName pr)", vec!["Cy"]),
            ("displayName eq null", vec!["Cy"]),
            ("displayName ne \"ada l\"", vec!["bob", "Cy", "dan"]),
            ("emails eq \"ADA@home.example\"", vec!["Ada"]),
            ("emails.value eq \"ada@acme.example\"", vec!["Ada"]),
            ("emails[type eq \"work\"].value eq \"cy@acme.example\"", vec!["Cy"]),
            ("emails[type eq \"home\" and value eq \"cy@acme.example\"]", vec![]),
            ("emails[value ew \"@home.example\"]", vec!["Ada", "Cy"]),
            ("not (emails pr)", vec!["dan"]),
            ("active eq true", vec!["Ada", "bob", "Cy", "dan"]),
            ("active eq \"False\"", vec![]),
            ("userName eq \"ada\" or externalId eq \"X-bob\"", vec!["Ada", "bob"]),
            ("(userName eq \"ada\" or userName eq \"bob\") and not (userName sw \"b\")", vec!["Ada"]),
            ("userName sw \"a\" and title eq \"countess\"", vec!["Ada"]),
            ("emails ew \"home.example\" and title eq \"clerk\"", vec!["Cy"]),
            ("meta.created gt \"2000-01-01T00:00:00Z\" and userName eq \"bob\"", vec!["bob"]),
            ("meta.lastModified lt \"2000-01-01T00:00:00Z\"", vec![]),
            ("groups.value eq \"nothing\"", vec![]),
        ] {
            let mut found = directory.find(filter).await;
            found.sort_by_key(|name| name.to_lowercase());
            assert_eq!(found, expected, "{filter}");
        }
        for bad in [
            "title eq \"clerk\"",
            "not (title eq \"clerk\")",
            "title eq \"clerk\" or userName eq \"ada\"",
            "password sw \"a\"",
            "nothing eq \"a\"",
            "userName eq ada",
            "userName eq \"ada",
            "userName is \"ada\"",
            "userName eq \"ada\" and",
            "emails[type eq \"work\"]",
        ] {
            let query: String = url::form_urlencoded::byte_serialize(bad.as_bytes()).collect();
            let told = directory.get(&format!("/Users?filter={query}")).await;
            assert_eq!((told.status, told.kind()), (400, "invalidFilter"), "{bad}: {}", told.body);
        }
        let many = vec!["userName eq \"x\""; 300].join(" or ");
        for wild in [format!("{}userName pr{}", "(".repeat(400), ")".repeat(400)), many] {
            let query: String = url::form_urlencoded::byte_serialize(wild.as_bytes()).collect();
            assert_eq!(directory.get(&format!("/Users?filter={query}")).await.status, 400);
        }
    }

    /// SCIM-045, SCIM-046, SCIM-047.
    async fn pages_are_stable_and_bounded(db: Database) {
        let (_acme, directory) = Directory::start(db);
        for index in 0..25 {
            let mut body = user(&format!("p{index:02}@acme.example"));
            body["active"] = json!(false);
            assert_eq!(directory.post("/Users", &body).await.status, 201);
        }
        let names = |told: &crate::support::directory::Told| -> Vec<String> {
            let found = told.body["Resources"].as_array().unwrap().iter();
            found.map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
        };
        for (query, start, shown) in [
            ("", 1, 25),
            ("?startIndex=0&count=10", 1, 10),
            ("?startIndex=-5&count=3", 1, 3),
            ("?startIndex=24&count=10", 24, 2),
            ("?startIndex=26", 26, 0),
            ("?startIndex=1000000000000", 1_000_000_000_000_i64, 0),
            ("?count=0", 1, 0),
            ("?count=-1", 1, 0),
            ("?count=1000000000", 1, 25),
            ("?filter=active+eq+false&startIndex=21&count=2", 21, 2),
            ("?filter=active+eq+false&startIndex=24&count=20", 24, 2),
            ("?filter=active+eq+false&count=0", 1, 0),
            ("?filter=active+eq+false&startIndex=99", 99, 0),
        ] {
            let told = directory.get(&format!("/Users{query}")).await;
            assert_eq!(told.status, 200, "{query}: {}", told.body);
            assert_eq!(
                (&told.body["totalResults"], &told.body["startIndex"], &told.body["itemsPerPage"]),
                (&json!(25), &json!(start), &json!(shown)),
                "{query}"
            );
            assert_eq!(names(&told).len(), usize::try_from(shown).unwrap());
        }
        let mut seen = Vec::new();
        for start in [1, 11, 21] {
            seen.extend(names(&directory.get(&format!("/Users?startIndex={start}&count=10")).await));
            directory.provision(&format!("new{start}@acme.example")).await;
        }
        let expected: Vec<String> = (0..25).map(|index| format!("p{index:02}@acme.example")).collect();
        assert_eq!(seen[..25], expected);
        let sorted = names(&directory.get("/Users?sortBy=userName&sortOrder=descending&count=2").await);
        assert_eq!(sorted, ["p24@acme.example", "p23@acme.example"]);
        for by in ["id", "externalId", "displayName", "meta.created", "meta.lastModified", "userName"] {
            assert_eq!(names(&directory.get(&format!("/Users?sortBy={by}")).await).len(), 28, "{by}");
        }
        assert_eq!(directory.get("/Users?sortBy=title").await.status, 400);

        let search = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "filter": "userName sw \"p\"", "startIndex": 3, "count": 2, "attributes": ["userName"],
        });
        let told = directory.post("/Users/.search", &search).await;
        assert_eq!((told.status, names(&told)), (200, expected[2..4].to_vec()), "{}", told.body);
        assert_eq!(told.body["totalResults"], json!(25));
        let first: &Value = &told.body["Resources"][0];
        assert_eq!(first.as_object().unwrap().len(), 3, "{first}");
    }

    /// However deep a page is, it begins where it should, also after people were deleted and made.
    /// SCIM-045.
    async fn deep_pages_begin_where_they_should(db: Database) {
        let (acme, directory) = Directory::start(db);
        let mut ids = Vec::new();
        for batch in 0..3 {
            let people: Vec<Value> = (0..400)
                .map(|number| json!({
                    "method": "POST", "path": "/Users", "bulkId": format!("b{number}"),
                    "data": {"schemas": [USER], "userName": format!("person {batch} {number}")},
                }))
                .collect();
            let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": people});
            let told = directory.post("/Bulk", &bulk).await;
            for one in told.body["Operations"].as_array().unwrap() {
                ids.push(one["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
            }
        }
        ids.sort();
        assert_eq!((ids.len(), acme.count("scim_blocks")), (1_200, 3));
        for gone in [1_100, 700, 499, 499, 3, 0] {
            assert_eq!(directory.delete(&format!("/Users/{}", ids.remove(gone))).await.status, 204);
        }
        ids.push(directory.post("/Users", &json!({"schemas": [USER], "userName": "late"})).await.id());
        for start in [1, 2, 497, 498, 499, 500, 501, 900, 1_000, 1_095, 1_195, 1_196] {
            let told = directory.get(&format!("/Users?startIndex={start}&count=3&attributes=id")).await;
            assert_eq!(told.body["totalResults"], json!(1_195), "{start}");
            let found = told.body["Resources"].as_array().unwrap().iter();
            let found: Vec<&str> = found.map(|user| user["id"].as_str().unwrap()).collect();
            let expected: Vec<&str> = ids.iter().skip(start - 1).take(3).map(String::as_str).collect();
            assert_eq!(found, expected, "{start}");
        }
        let last = directory.get("/Users?startIndex=2&count=1&sortBy=id&sortOrder=descending&attributes=id").await;
        assert_eq!(last.body["Resources"][0]["id"], json!(ids[1_193]));
    }
}
