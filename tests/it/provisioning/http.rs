//! Tokens, forms and statuses: what holds for every request.

use serde_json::json;
use vestibule::audit::Actor;
use vestibule::connections;
use vestibule::provisioning::tokens;
use vestibule::store::time::{DAY, SECOND};

use crate::support::acme::OWNER;
use crate::support::directory::{USER, user};
use crate::support::{Acme, Directory, Installation};

/// The schema of errors.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

both_databases! {
    /// SCIM-001, SCIM-002, SCIM-005.
    async fn nobody_speaks_without_a_live_token(db: Database) {
        let (acme, directory) = Directory::start(db);
        let site = &acme.installation.site;
        let make = |name: &str, until: Option<i64>| {
            let connection = acme.connection();
            acme.write(|conn, now| tokens::create(conn, now, &Actor::operator(), &connection, name, until))
        };
        let (second, secret) = make("second", None);
        let (_, short) = make("short", Some(site.now() + DAY));
        for token in [&directory.token, &secret, &short] {
            assert_eq!(Directory::holding(&acme.installation, token).get("/Users").await.status, 200);
        }

        let connection = acme.connection();
        acme.write(|conn, now| tokens::revoke(conn, now, &Actor::operator(), &connection, &second.id));
        site.clock.advance(DAY);
        let owner = acme.owner().await;
        let session = format!("vestibule_session={}", owner.cookie("vestibule_session").unwrap());
        let good = format!("Bearer {}", directory.token);
        let attempts: [&[(&str, &str)]; 10] = [
            &[],
            &[("authorization", "")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer vscim_nothing")],
            &[("authorization", &format!("Bearer {secret}"))],
            &[("authorization", &format!("Bearer {short}"))],
            &[("authorization", &format!("Basic {}", directory.token))],
            &[("authorization", &directory.token)],
            &[("cookie", &session)],
            &[("authorization", &good), ("authorization", "Bearer other")],
        ];
        for headers in attempts {
            for path in ["/Users", "/Users/x", "/nowhere", "//Users"] {
                let told = directory.send("GET", path, headers, vec![]).await;
                assert_eq!(told.status, 401, "{headers:?}");
                assert!(told.header("www-authenticate").starts_with("Bearer"), "{headers:?}");
            }
        }
        let path = format!("/Users?access_token={0}&token={0}", directory.token);
        assert_eq!(directory.send("GET", &path, &[], vec![]).await.status, 401);
        assert_eq!(directory.get("/Users").await.status, 200);
    }

    /// SCIM-003, SCIM-092.
    async fn a_connection_without_scim_answers_nothing(db: Database) {
        let (acme, directory) = Directory::start(db);
        let ada = directory.provision("ada@acme.example").await.id();
        let connection = acme.connection();
        acme.write(|conn, now| connections::actions::set_scim(conn, now, &Actor::operator(), &connection, false));
        for (method, path) in [("GET", "/Users"), ("DELETE", "/Users/x"), ("GET", "/nowhere")] {
            assert_eq!(directory.ask(method, path, None).await.status, 403);
        }
        Directory::of(&acme);
        assert_eq!(directory.get(&format!("/Users/{ada}")).await.body["active"], json!(true));
    }

    /// SCIM-010, SCIM-014, RES-001, RES-004.
    async fn forms_are_read_and_others_refused(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let bearer = format!("Bearer {}", directory.token);
        let ask = async |method: &str, path: &str, more: &[(&str, &str)], body: &str| {
            let mut headers = vec![("authorization", bearer.as_str())];
            headers.extend(more);
            directory.send(method, path, &headers, body.as_bytes().to_vec()).await
        };
        for (index, kind) in [
            Some("application/scim+json"),
            Some("application/json"),
            Some("Application/SCIM+JSON; charset=UTF-8"),
            None,
        ]
        .into_iter()
        .enumerate()
        {
            let headers: Vec<(&str, &str)> = kind.iter().map(|kind| ("content-type", *kind)).collect();
            let body = user(&format!("ada{index}@acme.example")).to_string();
            assert_eq!(ask("POST", "/Users", &headers, &body).await.status, 201, "{kind:?}");
        }
        let body = user("bob@acme.example").to_string();
        for kind in ["text/xml", "application/xml", "text/plain", "application/x-www-form-urlencoded"] {
            assert_eq!(ask("POST", "/Users", &[("content-type", kind)], &body).await.status, 415, "{kind}");
        }
        assert_eq!(ask("POST", "/Users", &[("content-encoding", "gzip")], &body).await.status, 415);
        for (accept, status) in [
            ("*/*", 200),
            ("application/*", 200),
            ("application/json", 200),
            ("text/html, application/scim+json;q=0.5", 200),
            ("application/xml", 406),
        ] {
            assert_eq!(ask("GET", "/Users", &[("accept", accept)], "").await.status, status, "{accept}");
        }
        // Another site's page has no token; the origin says nothing here.
        let body = user("eve@acme.example").to_string();
        let told = ask("POST", "/Users", &[("origin", "https://okta.example"), ("sec-fetch-site", "cross-site")], &body);
        assert_eq!(told.await.status, 201);

        let deep = format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"x\",\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let twice = format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"x\",\"userName\":\"y\"}}");
        let marked = format!("\u{feff}{body}");
        for bad in ["", "{", "[]", "null", "\"text\"", "{\"a\":NaN}", &deep, &twice, &marked] {
            let told = ask("POST", "/Users", &[], bad).await;
            assert_eq!((told.status, told.kind()), (400, "invalidSyntax"), "{bad}");
        }
        let nul = user("a\0b@acme.example").to_string();
        assert_eq!(ask("POST", "/Users", &[], &nul).await.kind(), "invalidValue");
        let long = "x".repeat(2 * 1024 * 1024);
        assert_eq!(ask("POST", "/Users", &[], &long).await.status, 413);
        let latin = directory.send("POST", "/Users", &[("authorization", &bearer)], b"{\"a\":\"\xff\"}".to_vec()).await;
        assert_eq!((latin.status, latin.kind()), (400, "invalidSyntax"));
    }

    /// SCIM-005, SCIM-012, SCIM-013, SCIM-081, SES-017.
    async fn paths_and_methods_are_exact(db: Database) {
        let (acme, directory) = Directory::start(db);
        let id = directory.provision("ada@acme.example").await.id();
        for nowhere in [
            "", "/", "/users", "/Users/", "//Users", "/Users/%2e%2e%2fGroups", "/Users/a/b", "/Nowhere",
            "/Users/%00", "/Users/%zz", &format!("/Users/{id}/"),
        ] {
            let told = directory.get(nowhere).await;
            let status = if nowhere.contains("%00") { 400 } else { 404 };
            assert_eq!(told.status, status, "{nowhere}");
        }
        for (method, path, allow) in [
            ("OPTIONS", "/Users", "GET, POST"),
            ("PUT", "/Users", "GET, POST"),
            ("DELETE", "/Users", "GET, POST"),
            ("POST", &format!("/Users/{id}"), "GET, PUT, PATCH, DELETE"),
            ("TRACE", "/Users", "GET, POST"),
            ("BREW", "/Users/.search", "POST"),
            ("POST", "/Schemas", "GET"),
        ] {
            let told = directory.ask(method, path, Some(&json!({}))).await;
            assert_eq!((told.status, told.header("allow")), (405, allow), "{method} {path}");
        }
        let bearer = format!("Bearer {}", directory.token);
        let headers = [("authorization", bearer.as_str()), ("x-http-method-override", "DELETE")];
        let path = format!("/Users/{id}");
        assert_eq!(directory.send("GET", &path, &headers, vec![]).await.status, 200);
        assert_eq!(directory.get(&path).await.status, 200);
        assert_eq!(directory.get("/Me").await.status, 501);
        let elsewhere = [("authorization", bearer.as_str()), ("host", "evil.example")];
        assert_eq!(directory.send("GET", "/Users", &elsewhere, vec![]).await.status, 421);
        // The token opens nothing else.
        let page = acme.installation.to("/orgs/acme/members");
        let told = reqwest::Client::new().get(page).bearer_auth(&directory.token);
        assert!(!told.send().await.unwrap().text().await.unwrap().contains(OWNER));
    }
    /// Over the limit a directory is told when to come again, in its own words; another one is answered, and the log has
    /// one line of it.
    /// SCIM-084.
    async fn a_directory_that_never_stops_is_slowed(db: Database) {
        let installation = Installation::start_with(db, |config| config.scim_rate_limit = 6);
        let acme = Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret");
        let (directory, site) = (Directory::of(&acme), &acme.installation.site);
        for _ in 0..60 {
            assert_eq!(directory.get("/Users?count=1").await.status, 200);
        }
        for _ in 0..3 {
            let told = directory.post("/Users", &user("ada@acme.example")).await;
            assert_eq!((told.status, told.header("retry-after")), (429, "11"));
            assert!(told.header("content-type").starts_with("application/scim+json"), "{told:?}");
            assert_eq!((&told.body["status"], &told.body["schemas"][0]), (&json!("429"), &json!(ERROR)));
        }
        assert_eq!(acme.count("scim_users"), 0, "nothing is half-done");
        acme.installation.scim_log.flush();
        assert_eq!(acme.count("scim_requests WHERE status = 429"), 1);
        assert_eq!(Directory::holding(&acme.installation, "vscim_nothing").get("/Users").await.status, 401);
        site.clock.advance(11 * SECOND);
        assert_eq!(directory.post("/Users", &user("ada@acme.example")).await.status, 201);
    }
}
