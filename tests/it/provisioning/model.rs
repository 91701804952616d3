//! Requests at random, and a plain model of what they should have done. And several clients at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::directory::user;
use crate::support::{Dice, Directory};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// How many requests; `VESTIBULE_MODEL_STEPS` asks for more.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests")]
fn steps() -> usize {
    std::env::var("VESTIBULE_MODEL_STEPS").map_or(10_000, |steps| steps.parse().unwrap())
}

/// What the directory should have: people and groups by name.
#[derive(Default)]
struct Model {
    people: BTreeMap<String, String>,
    groups: BTreeMap<String, (String, BTreeSet<String>)>,
}

fn group(name: &str) -> Value {
    json!({ "schemas": [GROUP], "displayName": name })
}

async fn members(directory: &Directory, id: &str) -> BTreeSet<String> {
    let told = directory.get(&format!("/Groups/{id}")).await;
    assert_eq!(told.status, 200, "{}", told.body);
    let all = told.body["members"].as_array().into_iter().flatten();
    all.map(|it| it["value"].as_str().unwrap().to_owned()).collect()
}

impl Model {
    async fn person(&mut self, directory: &Directory, name: &str, delete: bool) {
        match self.people.get(name).cloned() {
            Some(id) if delete => {
                assert_eq!(directory.delete(&format!("/Users/{id}")).await.status, 204);
                self.people.remove(name);
                for (_, inside) in self.groups.values_mut() {
                    inside.remove(&id);
                }
            }
            known => {
                // Without an address there is no membership, and nothing for the guard to count.
                let mut body = user(name);
                body.as_object_mut().unwrap().remove("emails");
                let told = directory.post("/Users", &body).await;
                assert_eq!(
                    told.status,
                    if known.is_some() { 409 } else { 201 },
                    "{}",
                    told.body
                );
                if known.is_none() {
                    self.people.insert(name.to_owned(), told.id());
                }
            }
        }
    }

    async fn group(&mut self, directory: &Directory, name: &str, delete: bool) {
        match self.groups.get(name).map(|(id, _)| id.clone()) {
            Some(id) if delete => {
                assert_eq!(directory.delete(&format!("/Groups/{id}")).await.status, 204);
                self.groups.remove(name);
            }
            known => {
                let told = directory.post("/Groups", &group(name)).await;
                assert_eq!(
                    told.status,
                    if known.is_some() { 409 } else { 201 },
                    "{}",
                    told.body
                );
                if known.is_none() {
                    self.groups.insert(name.to_owned(), (told.id(), BTreeSet::new()));
                }
            }
        }
    }

    async fn movement(&mut self, directory: &Directory, names: (&str, &str), op: &str) {
        let Some((id, inside)) = self.groups.get_mut(names.0) else {
            return;
        };
        let known = self.people.get(names.1).cloned();
        let person = known.clone().unwrap_or_else(|| "nobody".to_owned());
        let operation = json!([{ "op": op, "path": "members", "value": [{ "value": person }] }]);
        let told = directory.patch(&format!("/Groups/{id}"), operation).await;
        let refused = known.is_none() && op != "remove";
        let right: &[u16] = if refused { &[400] } else { &[200, 204] };
        assert!(right.contains(&told.status), "{op}: {}", told.body);
        match op {
            "remove" => drop(inside.remove(&person)),
            _ if refused => {}
            "add" => drop(inside.insert(person)),
            _ => *inside = BTreeSet::from([person]),
        }
    }

    async fn agrees(&self, directory: &Directory) {
        for (path, total) in [
            ("/Users?count=0", self.people.len()),
            ("/Groups?count=0", self.groups.len()),
        ] {
            assert_eq!(
                directory.get(path).await.body["totalResults"],
                json!(total),
                "{path}"
            );
        }
        for (id, inside) in self.groups.values() {
            assert_eq!(&members(directory, id).await, inside);
        }
    }
}

both_databases! {
    /// SCIM-089.
    async fn random_requests_do_what_the_model_does(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let (mut model, mut dice) = (Model::default(), Dice(0x5c1_0de1));
        for step in 0..steps() {
            let person = format!("person{}", dice.below(8));
            let name = format!("Group {}", dice.below(4));
            match dice.below(8) {
                0 | 1 => model.person(&directory, &person, false).await,
                2 => model.person(&directory, &person, true).await,
                3 => model.group(&directory, &name, dice.below(3) == 0).await,
                4 => model.movement(&directory, (&name, &person), "remove").await,
                5 => model.movement(&directory, (&name, &person), "replace").await,
                _ => model.movement(&directory, (&name, &person), "add").await,
            }
            if step % 50 == 0 {
                model.agrees(&directory).await;
            }
        }
        model.agrees(&directory).await;
    }

    /// RACE-009.
    async fn of_two_people_of_one_name_one_is_made(db: Database) {
        let (_acme, directory) = Directory::start(db);
        for number in 0..5 {
            let body = user(&format!("p{number}@acme.example"));
            let other = directory.clone();
            let same = body.clone();
            let second = actix_web::rt::spawn(async move { other.post("/Users", &same).await.status });
            let mut statuses = [directory.post("/Users", &body).await.status, second.await.unwrap()];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409]);
        }
    }

    /// RACE-012, SCIM-072.
    async fn two_clients_fill_one_group(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let mut people = Vec::new();
        for number in 0..1_000 {
            people.push(directory.provision(&format!("p{number}@acme.example")).await.id());
        }
        let id = directory.post("/Groups", &group("G")).await.id();
        let fill = |some: Vec<String>| {
            let (directory, path) = (directory.clone(), format!("/Groups/{id}"));
            actix_web::rt::spawn(async move {
                for person in some {
                    let operation = json!([{ "op": "add", "path": "members", "value": [{ "value": person }] }]);
                    let told = directory.patch(&path, operation).await;
                    assert!([200, 204].contains(&told.status), "{}", told.body);
                }
            })
        };
        let (one, two) = (fill(people[..600].to_vec()), fill(people[400..].to_vec()));
        one.await.unwrap();
        two.await.unwrap();
        assert_eq!(members(&directory, &id).await, people.into_iter().collect());
    }
}
