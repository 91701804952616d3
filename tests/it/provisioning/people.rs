//! What the directory's word does to people.

use serde_json::json;
use vestibule::access::{EmailAddress, Role};
use vestibule::accounts::{self, Account};
use vestibule::audit::Actor;
use vestibule::members::{self, Doer, Membership, Source, State};
use vestibule::provisioning::guard;
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::store::Conn;
use vestibule::web::Problem;
use vestibule::{connections, invitations, orgs, seats};

use crate::support::acme::OWNER;
use crate::support::directory::{USER, user};
use crate::support::{Acme, Directory};

const ADA: &str = "ada@acme.example";
const OWN: &str = "urn:vestibule:params:scim:schemas:extension:2.0:User";

fn account_in(conn: &mut Conn, email: &str) -> Result<Option<Account>, Problem> {
    Ok(accounts::find_by_email(
        conn,
        &EmailAddress::parse(email).unwrap(),
    )?)
}

fn account(acme: &Acme, email: &str) -> Option<Account> {
    acme.read(|conn| account_in(conn, email))
}

fn member(acme: &Acme, email: &str) -> Option<Membership> {
    let account = account(acme, email)?;
    acme.read(|conn| Ok(members::find_by_account(conn, &acme.organization, &account.id)?))
}

fn state(acme: &Acme, email: &str) -> Option<State> {
    member(acme, email).map(|member| member.state)
}

fn taken(acme: &Acme) -> i64 {
    let now = acme.installation.site.now();
    acme.read(|conn| Ok(seats::count(conn, &acme.organization, now)?.taken()))
}

/// The actions of the audit log, oldest first.
fn audited(acme: &Acme) -> Vec<(String, String)> {
    use diesel::{QueryDsl as _, RunQueryDsl as _};
    use vestibule::store::schema::audit_events;
    acme.read(|conn| {
        Ok(audit_events::table
            .order(audit_events::id)
            .select((audit_events::action, audit_events::actor_kind))
            .load(conn)?)
    })
}

fn by_scim(acme: &Acme) -> Vec<String> {
    audited(acme)
        .into_iter()
        .filter(|(_, kind)| kind == "scim")
        .map(|(action, _)| action)
        .collect()
}

both_databases! {
    /// SCIM-020, SCIM-029, SCIM-031, SCIM-034, SCIM-036, SCIM-046, SCIM-060, SCIM-063.
    async fn a_person_is_made_read_and_deleted(db: Database) {
        let (acme, directory) = Directory::start(db);
        let mut body = user(ADA);
        body["id"] = json!("mine");
        body["meta"] = json!({"version": "x"});
        body["groups"] = json!([{"value": "x"}]);
        body["password"] = json!("placeholder-1");
        body["nickName"] = json!(null);
        body["unknown"] = json!({"a": 1});
        body["phoneNumbers"] = json!([{"value": "55555555555"}]);
        let made = directory.post("/Users", &body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let id = made.id();
        assert_ne!(id, "mine");
        let location = format!("{}/Users/{id}", directory.base);
        assert_eq!(made.header("location"), location);
        assert_eq!(made.body["meta"]["location"], json!(location));
        assert_eq!(made.body["meta"]["version"], json!(made.header("etag")));
        assert_eq!(made.body["phoneNumbers"][0]["value"], json!("55555555555"));
        for absent in ["password", "nickName", "unknown", "groups"] {
            assert_eq!(made.body.get(absent), None, "{absent}");
        }
        let ada = member(&acme, ADA).unwrap();
        assert_eq!((ada.state, ada.source, ada.role), (State::Active, Source::Scim, Role::Member));
        assert_eq!((ada.name.as_str(), ada.email.as_str()), ("Ada Example", ADA));
        assert!(account(&acme, ADA).unwrap().admitted_at.is_some());

        let read = directory.get(&format!("/Users/{id}")).await;
        assert_eq!((read.status, &read.body), (200, &made.body));
        let bearer = format!("Bearer {}", directory.token);
        let known = [("authorization", bearer.as_str()), ("if-none-match", made.header("etag"))];
        assert_eq!(directory.send("GET", &format!("/Users/{id}"), &known, vec![]).await.status, 304);
        let small = directory.get(&format!("/Users/{id}?attributes=userName")).await;
        assert_eq!(small.body, json!({"schemas": small.body["schemas"], "id": id, "userName": ADA}));
        assert_eq!(directory.get(&format!("/Users/{id}?attributes=a&excludedAttributes=b")).await.status, 400);

        let path = format!("/Users/{id}");
        assert_eq!(directory.delete(&path).await.status, 204);
        assert_eq!(state(&acme, ADA), Some(State::Removed));
        for method in ["GET", "DELETE"] {
            assert_eq!(directory.ask(method, &path, None).await.status, 404);
        }
        let again = directory.provision(ADA).await.id();
        assert_ne!(again, id);
        assert_eq!(state(&acme, ADA), Some(State::Active));
        assert_eq!(directory.get("/Users").await.body["totalResults"], json!(1));
        assert_eq!(by_scim(&acme), ["member.joined", "member.removed", "member.joined"]);
    }

    /// SCIM-016, SCIM-021, SCIM-022, SCIM-030, SCIM-033.
    async fn what_is_no_user_is_refused(db: Database) {
        let (acme, directory) = Directory::start(db);
        directory.provision(ADA).await;
        let with = |name: &str, value: serde_json::Value| {
            let mut body = user("bob@acme.example");
            body[name] = value;
            body
        };
        for (body, status, kind) in [
            (json!({"schemas": [USER]}), 400, "invalidValue"),
            (json!({"userName": "bob"}), 400, "invalidSyntax"),
            (json!({"schemas": [], "userName": "bob"}), 400, "invalidSyntax"),
            (with("userName", json!(null)), 400, "invalidValue"),
            (with("userName", json!("  ")), 400, "invalidValue"),
            (with("userName", json!(7)), 400, "invalidValue"),
            (with("userName", json!("x".repeat(2_000))), 400, "invalidValue"),
            (with("userName", json!(ADA)), 409, "uniqueness"),
            (with("userName", json!("ADA@ACME.example  ")), 409, "uniqueness"),
            (with("userName", json!("\u{ff41}da@acme.example")), 409, "uniqueness"),
            (with("emails", json!([{"value": ADA}])), 409, "uniqueness"),
            (with("emails", json!([{"value": "<script>@x"}])), 400, "invalidValue"),
            (with("emails", json!([{"value": "no address"}])), 400, "invalidValue"),
            (with("active", json!("0")), 400, "invalidValue"),
            (with("active", json!(1)), 400, "invalidValue"),
            (with("active", json!("yes")), 400, "invalidValue"),
            (with(OWN, json!({"role": "owner"})), 400, "invalidValue"),
            (with(OWN, json!({"role": "king"})), 400, "invalidValue"),
        ] {
            let told = directory.post("/Users", &body).await;
            assert_eq!((told.status, told.kind()), (status, kind), "{body}: {}", told.body);
        }
        assert_eq!(member(&acme, "bob@acme.example"), None);
        assert_eq!(directory.get("/Users").await.body["totalResults"], json!(1));
    }

    async fn without_an_address_there_is_only_the_record(db: Database) {
        let (acme, directory) = Directory::start(db);
        let before = taken(&acme);
        let made = directory.post("/Users", &json!({"schemas": [USER], "userName": "ada"})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!((taken(&acme), &made.body["active"]), (before, &json!(true)));
        let path = format!("/Users/{}", made.id());
        assert_eq!(directory.delete(&path).await.status, 204);
        let made = directory.post("/Users", &json!({"schemas": [USER], "userName": "ada"})).await;
        let path = format!("/Users/{}", made.id());
        let told = directory.patch(&path, json!([{"op": "add", "path": "emails", "value": [{"value": ADA}]}])).await;
        assert_eq!(told.status, 200, "{}", told.body);
        assert_eq!((taken(&acme), state(&acme, ADA)), (before + 1, Some(State::Active)));
        // One whose user name is the address needs no other.
        directory.post("/Users", &json!({"schemas": [USER], "userName": "bob@acme.example", "active": "True"})).await;
        assert_eq!(state(&acme, "bob@acme.example"), Some(State::Active));
    }

    /// SCIM-025, SCIM-026.
    async fn somebody_elses_account_is_not_touched(db: Database) {
        let (acme, directory) = Directory::start(db);
        let victim = "victim@other.example";
        let other = acme.installation.site.store.write(|conn| {
            let owner = NewOwner {
                slug: "other",
                organization_name: "Other",
                email: &EmailAddress::parse(victim).unwrap(),
                name: "Vic Tim",
                password_hash: Some("hash"),
                operator: false,
            };
            make_owner(conn, acme.installation.site.now(), &Actor::operator(), &owner)
        });
        let other = other.unwrap().0;
        let before = account(&acme, victim).unwrap();
        let made = directory.provision(victim).await;
        assert_eq!(account(&acme, victim).unwrap(), before);
        let path = format!("/Users/{}", made.id());
        for operations in [
            json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "attacker@acme.example"}]),
            json!([{"op": "replace", "value": {"name.givenName": "Mallory", "userName": "mallory"}}]),
        ] {
            let told = directory.patch(&path, operations).await;
            assert_eq!(told.status, 200, "{}", told.body);
        }
        assert_eq!(account(&acme, victim).unwrap(), before);
        assert!(account(&acme, "attacker@acme.example").is_none());
        let read = directory.get(&path).await;
        assert_eq!(read.body["emails"][0]["value"], json!("attacker@acme.example"));
        assert_eq!(directory.delete(&path).await.status, 204);
        assert_eq!(account(&acme, victim).unwrap(), before);
        let there = acme.read(|conn| Ok(members::find_by_account(conn, &other.id, &before.id)?.unwrap()));
        assert_eq!((there.state, there.role), (State::Active, Role::Owner));
    }

    /// SCIM-026.
    async fn our_own_peoples_accounts_follow(db: Database) {
        let (acme, directory) = Directory::start(db);
        let path = format!("/Users/{}", directory.provision(ADA).await.id());
        let id = account(&acme, ADA).unwrap().id;
        let told = directory.patch(&path, json!([
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "ada.b@acme.example"},
            {"op": "replace", "value": {"name.familyName": "Byron"}},
        ])).await;
        assert_eq!(told.status, 200, "{}", told.body);
        let moved = account(&acme, "ada.b@acme.example").unwrap();
        assert_eq!((moved.id, moved.full_name.as_str()), (id, "Ada Byron"));
        // Outside of the verified domains, or where somebody else is, only the record changes.
        for elsewhere in ["ada@evil.example", OWNER] {
            let told = directory.patch(&path, json!([{"op": "replace", "path": "emails", "value": [{"value": elsewhere}]}]));
            assert_eq!(told.await.status, 200);
            assert!(account(&acme, "ada.b@acme.example").is_some(), "{elsewhere}");
        }
        // The same user name is not a new one.
        let mut body = user("ada.b@acme.example");
        body["userName"] = json!(ADA);
        assert_eq!(directory.put(&path, &body).await.status, 200);
    }

    /// SCIM-051, SCIM-061, SCIM-062, SES-006.
    async fn deactivation_ends_sessions_before_the_answer(db: Database) {
        let (acme, directory) = Directory::start(db);
        acme.join(ADA, "Ada", Role::Member);
        let mut ada = directory.provision(ADA).await;
        let path = format!("/Users/{}", ada.id());
        let was = taken(&acme);
        let mut off = user(ADA);
        off["active"] = json!(false);
        for way in 0..5 {
            let mut browser = acme.signed_in(ADA).await;
            browser.get(&acme.installation.to("/account")).await;
            assert_eq!(browser.status(), 200);
            let told = match way {
                0 => directory.patch(&path, json!([{"op": "Replace", "path": "active", "value": "False"}])).await,
                1 => directory.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).await,
                2 => directory.patch(&path, json!([{"op": "replace", "value": {"active": false}}])).await,
                3 => directory.put(&path, &off).await,
                _ => directory.delete(&path).await,
            };
            assert!(told.status < 300, "{way}: {}", told.body);
            browser.get(&acme.installation.to("/account")).await;
            assert!(browser.text().contains("Sign in"), "{way}: {}", browser.text());
            assert_eq!(taken(&acme), was - 1);
            if way == 4 {
                break;
            }
            assert_eq!((&told.body["active"], state(&acme, ADA)), (&json!(false), Some(State::Deactivated)));
            assert_eq!(directory.get(&path).await.body["active"], json!(false));
            assert_eq!(directory.find("active eq false").await, [ADA]);
            // Unsaid is unchanged.
            let mut quiet = user(ADA);
            quiet.as_object_mut().unwrap().remove("active");
            assert_eq!(directory.put(&path, &quiet).await.body["active"], json!(false));
            ada = directory.patch(&path, json!([{"op": "replace", "path": "active", "value": true}])).await;
            assert_eq!((ada.status, state(&acme, ADA)), (200, Some(State::Active)));
        }
        assert_eq!(state(&acme, ADA), Some(State::Removed));
    }

    /// Whoever was let in again here is active for the directory as well, which can deactivate them again, and does so
    /// only where it says so.
    /// SCIM-051, SCIM-061.
    async fn whoever_is_let_in_again_here_is_active_for_the_directory(db: Database) {
        let (acme, directory) = Directory::start(db);
        acme.join(ADA, "Ada", Role::Member);
        let path = format!("/Users/{}", directory.provision(ADA).await.id());
        let say = |active: bool| json!([{"op": "replace", "path": "active", "value": active}]);
        let let_in = || {
            let member = member(&acme, ADA).unwrap();
            let doer = Doer::operator();
            let (id, version) = (member.id, member.version);
            acme.write(|conn, now| members::actions::reactivate(conn, now, &doer, &acme.organization, &id, version))
        };
        assert_eq!(directory.patch(&path, say(false)).await.status, 200);
        assert_eq!(let_in().state, State::Deactivated, "as it was before");
        assert_eq!(directory.get(&path).await.body["active"], json!(true));
        assert_eq!(directory.find("active eq true").await, [ADA]);
        assert_eq!(directory.find("active eq false").await, Vec::<String>::new());

        // What says nothing of it changes nothing of it.
        let told = directory.patch(&path, json!([{"op": "replace", "path": "title", "value": "Countess"}])).await;
        assert_eq!((&told.body["active"], state(&acme, ADA)), (&json!(true), Some(State::Active)));
        let mut quiet = user(ADA);
        quiet.as_object_mut().unwrap().remove("active");
        let told = directory.put(&path, &quiet).await;
        assert_eq!((&told.body["active"], state(&acme, ADA)), (&json!(true), Some(State::Active)));

        let mut ada = acme.signed_in(ADA).await;
        assert_eq!(directory.patch(&path, say(false)).await.body["active"], json!(false));
        assert_eq!(state(&acme, ADA), Some(State::Deactivated));
        ada.get(&acme.installation.to("/account")).await.sees("Sign in");
    }

    /// SCIM-050, SCIM-058, SCIM-059, SCIM-060, SCIM-082.
    async fn the_same_again_is_no_change(db: Database) {
        let (acme, directory) = Directory::start(db);
        let path = format!("/Users/{}", directory.provision(ADA).await.id());
        let change = json!([{"op": "replace", "path": "title", "value": "Countess"}, {"op": "add", "path": "active", "value": "false"}]);
        let once = directory.patch(&path, change.clone()).await;
        let log = audited(&acme).len();
        let twice = directory.patch(&path, change).await;
        assert_eq!((once.status, &once.body), (200, &twice.body));
        assert_eq!(once.header("etag"), twice.header("etag"));
        assert_eq!(audited(&acme).len(), log);
        assert!(by_scim(&acme).contains(&"directory_person.changed".to_owned()));

        let bearer = format!("Bearer {}", directory.token);
        let change = json!({"schemas": [crate::support::directory::PATCH], "Operations": [{"op": "remove", "path": "title"}]});
        for (tag, status) in [("W/\"0.0\"", 412), ("\"x\"", 412), (once.header("etag"), 200), ("*", 200)] {
            let headers = [("authorization", bearer.as_str()), ("if-match", tag)];
            let told = directory.send("PATCH", &path, &headers, change.to_string().into_bytes()).await;
            assert_eq!(told.status, status, "{tag}");
        }
        // One bad operation takes the good ones with it.
        let told = directory.patch(&path, json!([{"op": "replace", "path": "title", "value": "Queen"}, {"op": "delete", "path": "title"}]));
        assert_eq!(told.await.status, 400);
        assert_eq!(directory.get(&path).await.body.get("title"), None);
        assert_eq!(directory.patch("/Users/none", json!([{"op": "remove", "path": "title"}])).await.status, 404);
        assert_eq!(directory.put("/Users/none", &user("x@acme.example")).await.status, 404);
        assert_eq!(directory.find("userName eq \"x@acme.example\"").await, Vec::<String>::new());
    }

    /// SCIM-091.
    async fn a_member_who_was_here_is_adopted(db: Database) {
        let (acme, directory) = Directory::start(db);
        let id = acme.join(ADA, "Ada", Role::Admin);
        let seats = taken(&acme);
        let made = directory.provision(ADA).await;
        let ada = member(&acme, ADA).unwrap();
        assert_eq!((ada.id, ada.role, ada.source, taken(&acme)), (id, Role::Admin, Source::Setup, seats));
        assert_eq!(made.body[OWN]["role"], json!("admin"));
        assert_eq!(by_scim(&acme)[0], "member.adopted");
        // An administrator's own deactivation is seen, and ended by the directory's next word.
        acme.write(|conn, now| {
            let version = ada.version;
            let id = member(&acme, ADA).unwrap().id;
            members::actions::deactivate(conn, now, &Doer::operator(), &acme.organization, &id, version)
        });
        let path = format!("/Users/{}", made.id());
        assert_eq!(directory.get(&path).await.body["active"], json!(false));
        assert_eq!(directory.patch(&path, json!([{"op": "replace", "path": "active", "value": true}])).await.status, 200);
        assert_eq!(state(&acme, ADA), Some(State::Active));
    }

    /// SCIM-027, SCIM-028, INV-016.
    async fn seats_are_kept(db: Database) {
        let (acme, directory) = Directory::start(db);
        acme.seats(Some(2));
        acme.invite(ADA);
        let full = taken(&acme);
        assert_eq!(full, 2);
        let told = directory.post("/Users", &user("bob@acme.example")).await;
        assert_eq!(told.status, 403, "{}", told.body);
        assert!(told.body["detail"].as_str().unwrap().contains("seat"));
        assert_eq!((account(&acme, "bob@acme.example"), taken(&acme)), (None, full));
        let mut off = user("bob@acme.example");
        off["active"] = json!(false);
        let made = directory.post("/Users", &off).await;
        assert_eq!((made.status, state(&acme, "bob@acme.example")), (201, Some(State::Deactivated)));
        let path = format!("/Users/{}", made.id());
        let told = directory.patch(&path, json!([{"op": "replace", "path": "active", "value": true}])).await;
        assert_eq!(told.status, 403, "{}", told.body);
        assert_eq!(directory.get(&path).await.body["active"], json!(false));
        // The invitation's seat is the person's own.
        directory.provision(ADA).await;
        assert_eq!((taken(&acme), state(&acme, ADA)), (full, Some(State::Active)));
        let now = acme.installation.site.now();
        let found = acme.read(|conn| Ok(invitations::standing(conn, now, &acme.organization, &[ADA.to_owned()], None)?));
        assert_eq!(found.standing, vestibule::access::InvitationStanding::None);
    }

    /// SCIM-064.
    async fn the_last_owner_stays(db: Database) {
        let (acme, directory) = Directory::start(db);
        let path = format!("/Users/{}", directory.provision(OWNER).await.id());
        let off = json!([{"op": "replace", "path": "active", "value": false}]);
        assert_eq!(directory.patch(&path, off.clone()).await.status, 409);
        assert_eq!(directory.delete(&path).await.status, 409);
        let role = json!([{"op": "add", "value": {OWN: {"role": "member"}}}]);
        assert_eq!(directory.patch(&path, role).await.status, 409);
        assert_eq!((state(&acme, OWNER), member(&acme, OWNER).unwrap().role), (Some(State::Active), Role::Owner));
        acme.join("second@acme.example", "Second", Role::Owner);
        assert_eq!(directory.patch(&path, off).await.status, 200);
        assert_eq!(state(&acme, OWNER), Some(State::Deactivated));
    }

    /// SCIM-077.
    async fn a_role_is_given_and_defaults_apply(db: Database) {
        let (acme, directory) = Directory::start(db);
        let mut body = user(ADA);
        body[OWN] = json!({"role": "admin", "teams": ["nothing"]});
        let made = directory.post("/Users", &body).await;
        assert_eq!(made.body[OWN]["role"], json!("admin"), "{}", made.body);
        let path = format!("/Users/{}", made.id());
        assert_eq!(directory.put(&path, &user(ADA)).await.body[OWN]["role"], json!("admin"));
        let told = directory.patch(&path, json!([{"op": "replace", "path": format!("{OWN}:role"), "value": "member"}])).await;
        assert_eq!((told.status, member(&acme, ADA).unwrap().role), (200, Role::Member), "{}", told.body);
        let told = directory.patch(&path, json!([{"op": "replace", "path": format!("{OWN}:role"), "value": "owner"}])).await;
        assert_eq!(told.status, 400);
    }

    /// SCIM-004, SCIM-023.
    async fn another_organization_is_nowhere(db: Database) {
        let (acme, directory) = Directory::start(db);
        let (site, now) = (&acme.installation.site, acme.installation.site.now());
        let (organization, connection) = site.store.write(|conn| -> Result<_, Problem> {
            let owner = NewOwner {
                slug: "beta",
                organization_name: "Beta",
                email: &EmailAddress::parse("bea@beta.example").unwrap(),
                name: "Bea",
                password_hash: None,
                operator: false,
            };
            let (made, _) = make_owner(conn, now, &Actor::operator(), &owner)?;
            let settings = connections::Settings {
                name: "Beta ID".into(),
                slug: "beta-id".into(),
                issuer: "http://127.0.0.1:9".into(),
                client_id: "beta".into(),
                ..connections::Settings::default()
            };
            let connection = connections::actions::create(conn, now, &Actor::operator(), &site.sealer, &made.id, &settings)?;
            Ok((made, connection))
        }).unwrap();
        let beta = Directory::at(&acme.installation, &connection);
        let theirs = beta.provision(ADA).await;
        let path = format!("/Users/{}", theirs.id());
        for told in [
            directory.get(&path).await,
            directory.put(&path, &user(ADA)).await,
            directory.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).await,
            directory.delete(&path).await,
        ] {
            assert_eq!(told.status, 404, "{}", told.body);
        }
        assert_eq!(beta.get(&path).await.body, theirs.body);
        assert_eq!(directory.find(&format!("id eq \"{}\"", theirs.id())).await, Vec::<String>::new());
        // The same names are free here.
        assert_eq!(directory.post("/Users", &user(ADA)).await.status, 201);
        let kept = acme.read(|conn| Ok(orgs::find(conn, &organization.id)?.unwrap()));
        assert_eq!(kept.version, organization.version);
    }

    /// RACE-009, RACE-002.
    async fn of_many_who_come_at_once_one_is_first(db: Database) {
        let (acme, directory) = Directory::start(db);
        acme.seats(Some(3));
        let posts = |bodies: Vec<serde_json::Value>| {
            let posts = bodies.into_iter().map(|body| {
                let directory = directory.clone();
                actix_web::rt::spawn(async move { directory.post("/Users", &body).await.status })
            });
            posts.collect::<Vec<_>>()
        };
        let mut statuses = Vec::new();
        for post in posts(vec![user(ADA); 8]) {
            statuses.push(post.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (201, [409; 7].as_slice()));
        let others = (0..8).map(|index| user(&format!("p{index}@acme.example"))).collect();
        let mut statuses = Vec::new();
        for post in posts(others) {
            statuses.push(post.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (201, [403; 7].as_slice()));
        assert_eq!(taken(&acme), 3);
        assert_eq!(directory.get("/Users?count=0").await.body["totalResults"], json!(2));
    }

    /// SCIM-065.
    async fn too_many_at_once_wait_for_an_owner(db: Database) {
        let (acme, directory) = Directory::start(db);
        let mut paths = Vec::new();
        for index in 0..12 {
            let told = directory.provision(&format!("p{index}@acme.example")).await;
            paths.push(format!("/Users/{}", told.id()));
        }
        let off = json!([{"op": "replace", "path": "active", "value": false}]);
        let mut statuses = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let told = if index % 2 == 0 {
                directory.patch(path, off.clone()).await
            } else {
                directory.delete(path).await
            };
            statuses.push(told.status);
        }
        assert!(statuses[..10].iter().all(|status| *status < 300), "{statuses:?}");
        assert_eq!(statuses[10..], [429, 429]);
        let told = directory.patch(&paths[10], off.clone()).await;
        assert_eq!((told.status, told.header("retry-after").is_empty()), (429, false));
        assert_eq!(state(&acme, "p10@acme.example"), Some(State::Active));
        let connection = acme.connection();
        acme.write(|conn, now| guard::resume(conn, now, &Actor::operator(), &connection));
        assert_eq!(directory.patch(&paths[10], off).await.status, 200);
    }
}
