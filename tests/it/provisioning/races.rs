//! Several clients of a directory at the same moment.

use serde_json::{Value, json};
use vestibule::audit::Actor;
use vestibule::provisioning::tokens;

use crate::support::Directory;
use crate::support::directory::{PATCH, USER, user};

/// A person of this user name alone: no address, so no account and no seat.
fn named(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": name })
}

fn renamed(name: &str) -> Value {
    json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "userName", "value": name }] })
}

/// All requests at once; answers their statuses in order.
async fn together(directory: &Directory, requests: Vec<(&'static str, String, Value)>) -> Vec<u16> {
    let asking: Vec<_> = requests
        .into_iter()
        .map(|(method, path, body)| {
            let directory = directory.clone();
            actix_web::rt::spawn(async move { directory.ask(method, &path, Some(&body)).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for one in asking {
        statuses.push(one.await.unwrap());
    }
    statuses
}

both_databases! {
    /// Somebody takes a name while another is made under it: one of them has it.
    /// RACE-011.
    async fn a_name_is_taken_once(db: Database) {
        let (acme, directory) = Directory::start(db);
        for round in 0..10 {
            let old = directory.post("/Users", &named(&format!("old{round}"))).await.id();
            let new = format!("new{round}");
            let statuses = together(&directory, vec![
                ("PATCH", format!("/Users/{old}"), renamed(&new)),
                ("POST", "/Users".to_owned(), named(&new)),
                ("POST", "/Users".to_owned(), named(&new.to_uppercase())),
            ]).await;
            let taken = statuses.iter().filter(|status| **status < 300).count();
            assert_eq!((taken, statuses.iter().filter(|status| **status == 409).count()), (1, 2), "{statuses:?}");
            assert_eq!(acme.count(&format!("scim_users WHERE user_name_key = '{new}'")), 1);
        }
    }

    /// Two people swap their addresses by two requests: whatever comes of it, no address is of two accounts.
    /// RACE-023.
    async fn two_people_swap_addresses(db: Database) {
        let (acme, directory) = Directory::start(db);
        let (ada, bob) = ("ada@acme.example", "bob@acme.example");
        let one = format!("/Users/{}", directory.provision(ada).await.id());
        let two = format!("/Users/{}", directory.provision(bob).await.id());
        let to = |email: &str| json!({
            "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "emails", "value": [{ "value": email }] }],
        });
        for round in 0..6 {
            let (first, second) = if round % 2 == 0 { (bob, ada) } else { (ada, bob) };
            let statuses = together(&directory, vec![
                ("PATCH", one.clone(), to(first)), ("PATCH", two.clone(), to(second)),
            ]).await;
            assert!(statuses.iter().all(|status| *status == 200 || *status == 409), "{statuses:?}");
            for email in [ada, bob] {
                assert!(acme.count(&format!("accounts WHERE email_key = '{email}'")) <= 1);
            }
            assert_eq!(acme.count("accounts"), 3, "the owner and the two");
        }
    }

    /// Twenty clients put people into a group, take them out and name its members anew: what remains is what some order of
    /// these would have left.
    /// RACE-012.
    async fn twenty_clients_change_one_group(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let mut people = Vec::new();
        for number in 0..10 {
            people.push(directory.post("/Users", &named(&format!("p{number}"))).await.id());
        }
        let group = "urn:ietf:params:scim:schemas:core:2.0:Group";
        let body = |members: &[String]| {
            let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
            json!({ "schemas": [group], "displayName": "G", "members": members })
        };
        let path = format!("/Groups/{}", directory.post("/Groups", &body(&[])).await.id());
        let change = |op: &str, id: &str| json!({
            "schemas": [PATCH], "Operations": [{ "op": op, "path": "members", "value": [{ "value": id }] }],
        });
        let mut requests: Vec<(&str, String, Value)> =
            people.iter().map(|id| ("PATCH", path.clone(), change("add", id))).collect();
        requests.extend(people[..5].iter().map(|id| ("PATCH", path.clone(), change("remove", id))));
        requests.extend((0..5).map(|_| ("PUT", path.clone(), body(&people[8..]))));
        let statuses = together(&directory, requests).await;
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        let told = directory.get(&path).await;
        let found: Vec<&str> =
            told.body["members"].as_array().unwrap().iter().map(|it| it["value"].as_str().unwrap()).collect();
        // Whenever the others came: these two were added or named by the last PUT, and nobody takes them out.
        for id in &people[8..] {
            assert!(found.contains(&id.as_str()), "{found:?}");
        }
        assert!(found.iter().all(|id| people.iter().any(|known| known == id)), "{found:?}");
        let mut once = found.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), found.len());
    }

    /// A token is revoked while it is used: what begins after that is refused, and whoever was refused was not made.
    /// RACE-021, SCIM-002.
    async fn a_token_is_revoked_while_it_is_used(db: Database) {
        let (acme, directory) = Directory::start(db);
        let site = &acme.installation.site;
        let connection = acme.connection();
        let (token, secret) = acme.write(|conn, now| tokens::create(conn, now, &Actor::operator(), &connection, "second", None));
        let other = Directory::holding(&acme.installation, &secret);
        let requests = (0..25).map(|number| ("POST", "/Users".to_owned(), named(&format!("p{number}")))).collect();
        let (store, now) = (site.store.clone(), site.now());
        let revoking = std::thread::spawn(move || {
            store.write_in(&connection.organization.clone(), |conn| {
                tokens::revoke(conn, now, &Actor::operator(), &connection, &token.id)
            })
        });
        let statuses = together(&other, requests).await;
        revoking.join().unwrap().unwrap();
        let made = statuses.iter().filter(|status| **status == 201).count();
        assert_eq!(made + statuses.iter().filter(|status| **status == 401).count(), 25, "{statuses:?}");
        assert_eq!(acme.count("scim_users"), i64::try_from(made).unwrap());
        assert_eq!(other.get("/Users").await.status, 401);
        assert_eq!(directory.get("/Users").await.status, 200);
    }

    /// A directory that is answered with an error of ours hears no 404, which it would take for absence.
    /// SCIM-086, OUT-007.
    async fn a_fault_is_no_absence(db: Database) {
        let (acme, directory) = Directory::start(db);
        let path = format!("/Users/{}", directory.post("/Users", &user("ada@acme.example")).await.id());
        acme.run("ALTER TABLE scim_users RENAME TO elsewhere");
        for told in [directory.get(&path).await, directory.delete(&path).await, directory.get("/Users").await] {
            assert!(matches!(told.status, 500 | 503), "{}", told.status);
            assert!(!told.body.to_string().contains("scim_users"), "{}", told.body);
        }
        acme.run("ALTER TABLE elsewhere RENAME TO scim_users");
        assert_eq!(directory.get(&path).await.status, 200);
    }

    /// Addresses in what a directory sends are kept and never followed; its own keys are opaque.
    /// SCIM-024, SCIM-035, SCIM-036.
    async fn what_a_directory_sends_is_kept_as_it_is(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let there = format!("http://{}/x", listener.local_addr().unwrap());
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let mut ids = Vec::new();
        for (number, external) in ["7", "../Users", "x-ada@acme.example"].iter().enumerate() {
            let mut body = user(&format!("p{number}@acme.example"));
            body["externalId"] = json!(external);
            body["name"] = json!({"givenName": "Zoe\u{308}", "familyName": "O\u{2019}Neil"});
            body["profileUrl"] = json!(there);
            body["photos"] = json!([{"value": there, "type": "photo"}]);
            body[enterprise] = json!({"manager": {"value": "26118915", "$ref": there}});
            let made = directory.post("/Users", &body).await;
            assert_eq!(made.status, 201, "{}", made.body);
            let read = directory.get(&format!("/Users/{}", made.id())).await.body;
            assert_eq!(read["externalId"], json!(external));
            assert_eq!(read["name"]["givenName"], body["name"]["givenName"]);
            assert_eq!(read["profileUrl"], json!(there));
            ids.push(made.id());
        }
        // Nobody is found by another's key, and a key of the directory's is no id of ours.
        assert_eq!(directory.find("externalId eq \"7\"").await, ["p0@acme.example"]);
        assert_eq!(directory.get("/Users/7").await.status, 404);
        assert_eq!(directory.find(&format!("externalId eq \"{}\"", ids[0])).await, Vec::<String>::new());
        assert!(listener.accept().is_err(), "somebody came");
    }
}
