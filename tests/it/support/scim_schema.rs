//! Whether an answer of the SCIM server is what its own `/Schemas` say (RFC 7643 §7).

use serde_json::{Map, Value, json};
use vestibule::scim::schema::{ENTERPRISE_URN, GROUP_URN, OWN_URN, USER_URN, document};

/// Every resource in the answer: only attributes that its schemas have, each of its type, no null, nothing that is
/// never returned, and an address of its own.
#[track_caller]
pub fn fits(base: &str, body: &Value) {
    match body["Resources"].as_array() {
        Some(all) => all.iter().for_each(|one| resource(base, one)),
        None => resource(base, body),
    }
}

#[track_caller]
fn resource(base: &str, body: &Value) {
    let Some(fields) = body.as_object() else { return };
    let names = |urn: &str| {
        body["schemas"]
            .as_array()
            .is_some_and(|all| all.contains(&json!(urn)))
    };
    let Some(core) = [USER_URN, GROUP_URN].into_iter().find(|urn| names(urn)) else {
        return;
    };
    assert!(!has_null(body), "{body}");
    let mut rest = fields.clone();
    for (name, is_right) in [
        ("schemas", fields["schemas"].is_array()),
        ("id", fields["id"].as_str().is_some_and(|id| !id.is_empty())),
        (
            "externalId",
            fields.get("externalId").is_none_or(Value::is_string),
        ),
        ("meta", fields.get("meta").is_none_or(|meta| is_meta(base, meta))),
    ] {
        assert!(is_right, "{name} of {body}");
        rest.remove(name);
    }
    for urn in [ENTERPRISE_URN, OWN_URN] {
        if let Some(extension) = rest.remove(urn) {
            assert!(names(urn), "{urn} is not among the schemas of {body}");
            attributes(base, urn, extension.as_object().unwrap());
        }
    }
    attributes(base, core, &rest);
}

fn is_meta(base: &str, meta: &Value) -> bool {
    meta["location"].as_str().is_some_and(|at| at.starts_with(base)) && meta["resourceType"].is_string()
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(all) => all.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

#[track_caller]
fn attributes(base: &str, urn: &str, fields: &Map<String, Value>) {
    let schema = document(base, urn).unwrap_or_else(|| panic!("no schema {urn}"));
    for (name, value) in fields {
        attribute(&schema["attributes"], name, value);
    }
}

#[track_caller]
fn attribute(known: &Value, name: &str, value: &Value) {
    let found = known
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == json!(name));
    let Some(schema) = found else {
        panic!("no schema has {name}: {value}");
    };
    assert_ne!(schema["returned"], json!("never"), "{name}");
    let values = match value {
        Value::Array(all) if schema["multiValued"] == json!(true) => all.clone(),
        one => {
            assert_eq!(schema["multiValued"], json!(false), "{name}: {value}");
            vec![one.clone()]
        }
    };
    for value in &values {
        let fits = match schema["type"].as_str().unwrap() {
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64(),
            "decimal" => value.is_number(),
            "complex" => value.is_object(),
            _ => value.is_string(),
        };
        assert!(fits, "{name}: {value} is no {}", schema["type"]);
        for (part, inner) in value.as_object().into_iter().flatten() {
            attribute(&schema["subAttributes"], part, inner);
        }
    }
}
