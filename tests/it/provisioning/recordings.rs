//! Conversations of directories as they really are, word by word: steps of a request and the answer that
//! the directory expects.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use vestibule::store::time::HOUR;

use crate::support::Directory;

type Names = BTreeMap<String, String>;

fn recordings() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/scim");
    let mut all: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    all.sort_by(|one, two| one.0.cmp(&two.0));
    all
}

/// The text with the names that earlier steps saved.
fn filled(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    })
}

async fn step(directory: &Directory, step: &Value, names: &mut Names) {
    let request = &step["request"];
    let path = filled(request["path"].as_str().unwrap(), names);
    let headers: Vec<(String, String)> = request["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), filled(value.as_str().unwrap(), names)))
        .collect();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let body = request
        .get("body")
        .map_or_else(Vec::new, |body| filled(&body.to_string(), names).into_bytes());
    let told = directory
        .send(request["method"].as_str().unwrap(), &path, &headers, body)
        .await;
    let expected = &step["expect"];
    let statuses = expected["status"].as_array().unwrap();
    assert!(
        statuses.contains(&json!(told.status)),
        "{path}: {} {}",
        told.status,
        told.body
    );
    for (pointer, value) in expected["json"].as_object().into_iter().flatten() {
        let value: Value = serde_json::from_str(&filled(&value.to_string(), names)).unwrap();
        // A URN has slashes in no place but before the name behind it.
        assert_eq!(
            told.body.pointer(pointer),
            Some(&value),
            "{path}: {pointer}: {}",
            told.body
        );
    }
    for (name, pointer) in step["save"].as_object().into_iter().flatten() {
        let value = told.body.pointer(pointer.as_str().unwrap()).unwrap();
        names.insert(name.clone(), value.as_str().unwrap().to_owned());
    }
    if let Some(members) = expected["state"]
        .as_str()
        .and_then(|state| state.strip_prefix("members = ["))
    {
        let members = members.split(']').next().unwrap();
        has_members(directory, members, names).await;
    }
}

/// What a recording says of the group afterwards: `members = [uid, uid2]`.
async fn has_members(directory: &Directory, members: &str, names: &Names) {
    let mut expected: Vec<&str> = members
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| names[name].as_str())
        .collect();
    let told = directory.get(&format!("/Groups/{}", names["gid"])).await;
    let mut found: Vec<&str> = told.body["members"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|member| member["value"].as_str().unwrap())
        .collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

both_databases! {
    /// SCIM-015, SCIM-022, SCIM-025, SCIM-030, SCIM-033, SCIM-051 to SCIM-055, SCIM-057, SCIM-061, SCIM-070, SCIM-074, SCIM-088.
    async fn every_recorded_conversation_goes_as_it_should(db: Database) {
        let (acme, directory) = Directory::start(db);
        let all = recordings();
        assert!(all.len() >= 28);
        for (name, recording) in all {
            println!("{name}: {}", recording["why"]);
            let mut names = Names::from([("token".to_owned(), directory.token.clone())]);
            for one in recording["steps"].as_array().unwrap() {
                step(&directory, one, &mut names).await;
            }
            forget_everything(&directory).await;
            // So that all of them together are not what the guard waits for.
            acme.installation.site.clock.advance(2 * HOUR);
        }
    }
}

/// Every recording begins in an empty directory.
async fn forget_everything(directory: &Directory) {
    for kind in ["Groups", "Users"] {
        let told = directory.get(&format!("/{kind}?attributes=id&count=200")).await;
        for one in told.body["Resources"].as_array().unwrap() {
            let path = format!("/{kind}/{}", one["id"].as_str().unwrap());
            assert_eq!(directory.delete(&path).await.status, 204);
        }
    }
}
