//! The dry run: by the page, as JSON and on the command line, it says what sign-in then does, and writes nothing.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use vestibule::access::{MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::connections::versions;
use vestibule::dry_run::{Changes, Question, explain};
use vestibule::groups;
use vestibule::teams;

use crate::support::dump::dump;
use crate::support::provider::Person;
use crate::support::{Acme, Browser, Caller, Front};

/// Asks as the page does.
async fn asked(acme: &Acme, browser: &mut Browser, answers: &[(&str, &str)]) {
    browser.get(&acme.to("/dry-run")).await.sees("Nothing is written");
    browser.submit("See what would happen", answers).await;
}

both_databases! {
    /// Everybody who may come, and somebody who may not: each rule, each effect, and not a row of the database.
    /// ADM-008.
    async fn a_dry_run_tells_everything_and_writes_nothing(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let team = acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Engineering")
        });
        let connection = acme.connection();
        acme.write(|conn, now| {
            let line = MappedGroup { group: "eng".into(), team: team.clone(), role: Role::Admin };
            groups::actions::set(conn, now, &Actor::operator(), &connection, &[line])
        });
        acme.invite("ivan@acme.example");
        acme.join("mia@acme.example", "Mia", Role::Member);
        front.provider.next(Person::new("sub-yuri", "yuri@other.example"));
        Browser::new().get(&acme.sign_in()).await.sees("Access denied");
        let mut olive = acme.owner().await;
        let url = acme.installation.site.config.database_url.clone();
        olive.get(&acme.to("/dry-run")).await;
        let before = dump(&url);
        asked(acme, &mut olive, &[("email", "tess@acme.example"), ("name", "Tess Tan"), ("groups", "eng\nnobody knows")]).await;
        olive
            .sees("tess@acme.example would come in Admitted")
            .sees("Just-in-time provisioning makes this person a member.")
            .sees("Begins, as Admin")
            .sees("Joins Engineering")
            .sees("Is made, and this identity is linked to it")
            .sees("Becomes Tess Tan")
            .sees("One free seat is taken")
            .sees("The team of “eng”");
        asked(acme, &mut olive, &[("email", "tess@acme.example"), ("jit", "off")]).await;
        olive.sees("would be denied").sees("nobody has invited this person").sees("None begins: Access denied is shown");
        asked(acme, &mut olive, &[("email", "tess@acme.example"), ("seats", "full")]).await;
        olive.sees("every seat is taken");
        asked(acme, &mut olive, &[("email", "ivan@acme.example")]).await;
        olive.sees("accepts it").sees("Is accepted, and the seat that it held is used").sees("The invitation");
        asked(acme, &mut olive, &[("email", "mia@acme.example")]).await;
        olive.sees("This identity is linked to the one that there is").sees("Stays as it is").sees("The membership");
        asked(acme, &mut olive, &[("email", "yuri@other.example")]).await;
        olive.sees("nothing proves the address");
        asked(acme, &mut olive, &[("email", "yuri@other.example"), ("domain", "yes")]).await;
        olive.sees("would come in");
        asked(acme, &mut olive, &[("email", "mary@@acme.example")]).await;
        assert_eq!(olive.status(), 422);
        assert_eq!(before, dump(&url), "a dry run wrote something");
    }

    /// What was recorded can be tried again as it was, from the record's own page.
    async fn a_recorded_sign_in_is_tried_again(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        front.provider.next(Person::new("sub-sam", "sam@acme.example").in_groups(&["eng"]));
        Browser::new().get(&acme.sign_in()).await.sees("Access denied");
        acme.invite("sam@acme.example");
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/denied")).await;
        olive.click("sam@acme.example").await.click("What would happen now? Dry run with the same claims").await;
        olive.submit("See what would happen", &[]).await.sees("would come in").sees("An invitation is waiting");
        front.provider.next(Person::new("sub-sam", "sam@acme.example").in_groups(&["eng"]));
        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await;
        assert_eq!(sam.path(), "/orgs/acme");
        // Linked now: the address alone finds the identity.
        let question = Question { connection: "acme-id".into(), email: Some("sam@acme.example".into()), ..Question::default() };
        let now = acme.installation.site.now();
        let explained = acme.read(|conn| explain(conn, now, &acme.organization, &question));
        assert_eq!((explained.effects.account, explained.reason), ("existing", "member"));
    }

    /// The same question as JSON; what is asked wrongly is named.
    async fn json_is_answered_by_json(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.installation.to("/account")).await;
        let caller = Caller::at(&olive, "Sign out");
        let address = acme.to("/dry-run/json");
        let question = json!({"connection": "acme-id", "email": "tess@acme.example", "email_verified": true});
        let answer = caller.post_json(&address, &question).await;
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &told["outcome"], &told["reason"]), (200, &json!("deny"), &json!("not_invited")));
        assert_eq!(told["trace"][0]["rule"], "address_proven");
        assert_eq!(told["effects"]["session"], false);
        let question = json!({"connection": "acme-id", "email": "tess@acme.example", "changes": {"jit": true}});
        let answer = caller.post_json(&address, &question).await;
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&told["outcome"], &told["effects"]["membership"]), (&json!("admit"), &json!("created")));
        for (wrong, part) in [
            (json!({"connection": "nowhere", "email": "a@b.example"}), "nowhere"),
            (json!({"conection": "acme-id"}), "conection"),
            (json!({"connection": "acme-id", "email": "a@@b"}), "@"),
            (json!({"connection": "acme-id", "sign_in": "none"}), "reference"),
        ] {
            let answer = caller.post_json(&address, &wrong).await;
            assert_eq!(answer.status, 422, "{wrong}");
            assert!(answer.body.contains(part), "{}", answer.body);
        }
    }

    /// A rule that is supposed to be otherwise has nobody who switched it.
    async fn what_is_supposed_was_done_by_nobody(db: Database) {
        let acme = Acme::alone(db);
        let now = acme.installation.site.now();
        let question = |jit| Question {
            connection: "acme-id".into(),
            email: Some("tess@acme.example".into()),
            changes: Changes { jit, ..Changes::default() },
            ..Question::default()
        };
        let told = |jit| {
            let explained = acme.read(|conn| explain(conn, now, &acme.organization, &question(jit)));
            format!("{:?}", explained.lines)
        };
        assert!(told(None).contains("Turned off by Command line"));
        assert!(!told(Some(true)).contains("Turned"));
    }

    /// What is supposed stands beside what happens today: another table of groups, other newcomers, the draft's provider.
    /// ADM-008.
    async fn a_changed_policy_and_a_draft_stand_beside_today(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        for name in ["Engineering", "Guests"] {
            acme.write(|conn, now| teams::actions::create(conn, now, &Actor::operator(), &acme.organization, name));
        }
        front.provider.next(Person::new("sub-mia", "mia@acme.example").in_groups(&["eng"]));
        Browser::new().get(&acme.sign_in()).await.does_not_see("Access denied");
        let mut olive = acme.owner().await;
        let url = acme.installation.site.config.database_url.clone();
        olive.get(&acme.to("/dry-run")).await;
        let before = dump(&url);
        let mapping = [("email", "mia@acme.example"), ("groups", "eng"), ("mapping", "eng = engineering, admin")];
        asked(acme, &mut olive, &mapping).await;
        olive.sees("Today something else happens").sees("Teams Nothing changes Joins Engineering").sees("Role Nothing changes Admin instead of Member");
        asked(acme, &mut olive, &[("email", "mia@acme.example"), ("mapping", "ops = Engineering")]).await;
        olive.sees("Today the same happens: the changes make no difference to this person.");
        asked(acme, &mut olive, &[("email", "mia@acme.example"), ("mapping", "eng = Nobody")]).await;
        assert_eq!(olive.status(), 422);
        olive.sees("There is no team called “Nobody”.");
        asked(acme, &mut olive, &[("email", "mia@acme.example"), ("mapping", "eng")]).await;
        olive.sees("such as “eng = Engineering”");
        asked(acme, &mut olive, &[("email", "tess@acme.example"), ("default_role", "admin")]).await;
        olive.sees("Membership Begins, as Member Begins, as Admin");
        asked(acme, &mut olive, &[("email", "mia@acme.example"), ("draft", "yes")]).await;
        assert_eq!(olive.status(), 422);
        olive.sees("has no draft of its settings");
        assert_eq!(before, dump(&url), "a dry run wrote something");

        let (connection, sealer) = (acme.connection(), acme.installation.site.sealer.clone());
        let settings = vestibule::connections::Settings {
            issuer: "https://new.example".into(),
            client_secret: Some("new".into()),
            groups_claim: String::new(),
            ..vestibule::connections::Settings::from(&connection)
        };
        acme.write(|conn, now| {
            versions::actions::change(conn, now, &Actor::operator(), &sealer, &connection, &settings)
        });
        asked(acme, &mut olive, &[("email", "mia@acme.example"), ("groups", "eng"), ("draft", "yes")]).await;
        olive.sees("nobody is linked to it yet").sees("The draft reads no groups.");
        olive.sees("Account The one that is linked already This identity is linked to the one that there is");
        asked(acme, &mut olive, &[("email", "mia@acme.example"), ("draft", "yes"), ("verified", "false")]).await;
        olive.sees("Outcome Comes in Is denied");

        olive.get(&acme.installation.to("/account")).await;
        let caller = Caller::at(&olive, "Sign out");
        let question = json!({"connection": "acme-id", "email": "mia@acme.example", "groups": ["eng"], "changes": {
            "draft": true, "mapping": [{"group": "eng", "team": "Engineering"}], "default_team": "Guests"}});
        let answer = caller.post_json(&acme.to("/dry-run/json"), &question).await;
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&told["effects"]["account"], &told["today"]["effects"]["account"]), (&json!("linked"), &json!("existing")));
        assert_eq!(told["notes"].as_array().unwrap().len(), 2);
        let wrong = json!({"connection": "acme-id", "changes": {"mapping": [{"group": "eng", "team": "Engineering", "role": "owner"}]}});
        let answer = caller.post_json(&acme.to("/dry-run/json"), &wrong).await;
        assert!(answer.status == 422 && answer.body.contains("makes owners"), "{}", answer.body);
    }

    /// An owner for emergencies never comes by single sign-on, whatever the rules say.
    async fn an_owner_for_emergencies_is_told_apart(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let sentence = "never comes by single sign-on";
        asked(&acme, &mut olive, &[("email", "olive@acme.example")]).await;
        olive.does_not_see(sentence);
        acme.write(|conn, now| {
            let owners = vestibule::break_glass::owners(conn, &acme.organization)?;
            let wanted = [owners[0].account.clone()];
            vestibule::break_glass::actions::name(conn, now, &Actor::operator(), &acme.organization, &wanted)
        })
        .unwrap();
        asked(&acme, &mut olive, &[("email", "olive@acme.example")]).await;
        olive.sees(sentence);
    }

    /// `vestibule explain` says the same on the command line, as text and as JSON.
    async fn the_command_line_explains(db: Database) {
        let acme = Acme::alone(db);
        acme.invite("ivan@acme.example");
        let config = &acme.installation.site.config;
        let run = |arguments: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_vestibule"))
                .args(["explain", "--org", "acme", "--connection", "acme-id"])
                .args(arguments)
                .env("DATABASE_URL", &config.database_url)
                .env("VESTIBULE_KEY_FILE", &config.key_file)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
        };
        let before = dump(&config.database_url);
        let (fine, text, _) = run(&["--email", "ivan@acme.example", "--verified", "true"]);
        assert!(fine && text.contains("would come in by Acme ID") && text.contains("Is accepted"), "{text}");
        let (_, json, _) = run(&["--email", "tess@acme.example", "--json"]);
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["reason"], "not_invited");
        let (_, text, _) = run(&["--email", "tess@acme.example", "--jit", "true"]);
        assert!(text.contains("makes this person a member"), "{text}");
        assert_eq!(before, dump(&config.database_url));
        acme.write(|conn, now| teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Sales"));
        let before = dump(&config.database_url);
        let (_, text, _) = run(&["--email", "ivan@acme.example", "--group", "eng", "--jit", "true", "--map", "eng = sales, admin"]);
        assert!(text.contains("Teams: Joins Sales") && text.contains("Today, without these changes"), "{text}");
        assert!(text.contains("  Teams: Nothing changes"), "{text}");
        let (fine, _, error) = run(&["--email", "ivan@acme.example", "--draft"]);
        assert!(!fine && error.contains("has no draft"), "{error}");
        let (fine, _, error) = run(&["--email", "ivan@acme.example", "--map", "eng"]);
        assert!(!fine && error.contains("eng = Engineering"), "{error}");
        let (fine, _, error) = run(&["--email", "a@@b"]);
        assert!(!fine && error.contains('@'), "{error}");
        assert_eq!(before, dump(&config.database_url));
    }
}
