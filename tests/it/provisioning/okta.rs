//! What Okta asks of a SCIM server before it lists an application: its specification test, in our words.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Directory;
use crate::support::directory::{Told, USER};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Counts what was looked at, so that nothing is left out.
#[derive(Default)]
struct Tally(usize);

impl Tally {
    #[track_caller]
    fn holds(&mut self, holds: bool, told: &Told) {
        self.0 += 1;
        assert!(holds, "{told:#?}");
    }

    #[track_caller]
    fn is(&mut self, found: &Value, wanted: impl Into<Value>) {
        self.0 += 1;
        assert_eq!(*found, wanted.into());
    }

    /// The answer has this status.
    #[track_caller]
    fn answers(&mut self, told: &Told, status: u16) {
        self.holds(told.status == status, told);
    }

    /// The answer is of this schema.
    #[track_caller]
    fn is_of(&mut self, told: &Told, schema: &str) {
        let schemas = told.body["schemas"].as_array().unwrap();
        self.holds(schemas.contains(&json!(schema)), told);
    }

    /// A person who is whole: names, user name, address, active.
    #[track_caller]
    fn is_a_person(&mut self, user: &Value, told: &Told) {
        for text in [
            &user["id"],
            &user["name"]["familyName"],
            &user["name"]["givenName"],
            &user["userName"],
            &user["emails"][0]["value"],
        ] {
            self.holds(text.as_str().is_some_and(|text| !text.is_empty()), told);
        }
        self.is(&user["active"], true);
    }

    /// An error that says what is wrong, and its status.
    #[track_caller]
    fn is_refused(&mut self, told: &Told, status: u16) {
        self.answers(told, status);
        self.holds(
            told.body["detail"].as_str().is_some_and(|text| !text.is_empty()),
            told,
        );
        self.is(&told.body["status"], status.to_string());
        self.is_of(told, ERROR);
    }
}

fn person(email: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": "okta.jordan@acme.example",
        "name": { "givenName": "Jordan", "familyName": "Rivera" },
        "emails": [{ "primary": true, "value": email, "type": "work" }],
        "displayName": "Jordan Rivera",
        "active": true,
    })
}

/// Those who are here can be listed and read; those who are not are nowhere.
async fn reads(tally: &mut Tally, directory: &Directory) {
    let list = directory.get("/Users?count=1&startIndex=1").await;
    tally.answers(&list, 200);
    let found = list.body["Resources"].as_array().unwrap();
    tally.holds(!found.is_empty(), &list);
    tally.is_of(&list, LIST);
    for number in ["itemsPerPage", "startIndex", "totalResults"] {
        tally.holds(list.body[number].is_u64(), &list);
    }
    tally.is_a_person(&found[0], &list);

    let one = directory
        .get(&format!("/Users/{}", found[0]["id"].as_str().unwrap()))
        .await;
    tally.answers(&one, 200);
    tally.is_a_person(&one.body, &one);
    tally.is(&one.body["id"], found[0]["id"].clone());

    for name in ["abcdefgh@acme.example", "okta.jordan@acme.example"] {
        let nobody = directory
            .get(&format!("/Users?filter=userName%20eq%20%22{name}%22"))
            .await;
        tally.answers(&nobody, 200);
        tally.is_of(&nobody, LIST);
        tally.is(&nobody.body["totalResults"], 0);
    }
    let nobody = directory.get("/Users/010101001010101011001010101011").await;
    tally.answers(&nobody, 404);
    tally.holds(nobody.body["detail"].is_string(), &nobody);
    tally.is_of(&nobody, ERROR);
}

/// Somebody is made once, and is found whatever the case of the letters.
async fn creates(tally: &mut Tally, directory: &Directory) {
    let made = directory
        .post("/Users", &person("jordan.rivera@acme.example"))
        .await;
    tally.answers(&made, 201);
    tally.is(&made.body["active"], true);
    tally.holds(made.body["id"].is_string(), &made);
    tally.is_of(&made, USER);
    let read = directory.get(&format!("/Users/{}", made.id())).await;
    tally.answers(&read, 200);
    for told in [&made, &read] {
        tally.is(&told.body["userName"], "okta.jordan@acme.example");
        tally.is(&told.body["name"]["familyName"], "Rivera");
        tally.is(&told.body["name"]["givenName"], "Jordan");
    }
    let again = directory
        .post("/Users", &person("okta.jordan@acme.example"))
        .await;
    tally.answers(&again, 409);
    let loud = directory
        .get("/Users?filter=userName%20eq%20%22OKTA.JORDAN@ACME.EXAMPLE%22")
        .await;
    tally.answers(&loud, 200);
}

both_databases! {
    /// Twelve requests, and the 52 things that must be so.
    /// SCIM-016, SCIM-048, SCIM-088.
    async fn oktas_specification_holds(db: Database) {
        let (acme, directory) = Directory::start(db);
        directory.provision("morgan@acme.example").await;
        let mut tally = Tally::default();
        reads(&mut tally, &directory).await;
        creates(&mut tally, &directory).await;

        let began = Instant::now();
        let groups = directory.get("/Groups").await;
        tally.holds(began.elapsed() < Duration::from_millis(600), &groups);
        tally.answers(&groups, 200);
        let stranger = Directory::holding(&acme.installation, "non-token");
        let refused = stranger.get("/Users?filter=userName%20eq%20%22OKTA.JORDAN@ACME.EXAMPLE%22").await;
        tally.is_refused(&refused, 401);
        let nowhere = directory.get("/Users/00919288221112222").await;
        tally.is_refused(&nowhere, 404);
        assert_eq!(tally.0, 52);
    }
}
