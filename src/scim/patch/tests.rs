//! PATCH by tables: the standard's examples and the dialects of directories.

use serde_json::{Map, Value, json};

use super::apply;
use crate::scim::resource::normalize;
use crate::scim::schema::{ENTERPRISE_URN, Kind, PATCH_URN, USER_URN};
use crate::scim::{ScimError, ScimType};

fn ada() -> Map<String, Value> {
    let ada = json!({
        "schemas": [USER_URN], "userName": "ada", "active": true, "title": "Dr",
        "name": { "givenName": "Ada", "familyName": "Example" },
        "emails": [{ "type": "work", "value": "ada@example.com", "primary": true }],
        ENTERPRISE_URN: { "department": "R", "manager": { "value": "m" } },
    });
    normalize(Kind::User, ada).unwrap()
}

fn body(operations: &Value) -> Value {
    json!({ "schemas": [PATCH_URN], "Operations": operations })
}

fn patched(operations: &Value) -> Result<Map<String, Value>, ScimError> {
    let mut user = ada();
    let before = user.clone();
    match apply(&mut user, &body(operations), Kind::User) {
        Ok(changed) => {
            assert_eq!(changed, user != before, "{operations}");
            let again = user.clone();
            assert!(
                !apply(&mut user, &body(operations), Kind::User).unwrap(),
                "{operations}"
            );
            assert_eq!(user, again);
            Ok(user)
        }
        Err(error) => {
            assert_eq!(user, before, "{operations}");
            Err(error)
        }
    }
}

fn at<'a>(user: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(user.get(*first)?, |value, name| value.get(*name))
}

/// SCIM-030, SCIM-032, SCIM-052 to SCIM-055, SCIM-059.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_dialect_leads_to_the_same() {
    for (operations, path, expected) in [
        (
            json!([{ "op": "Replace", "path": "active", "value": "False" }]),
            vec!["active"],
            json!(false),
        ),
        (
            json!([{ "op": "replace", "value": { "active": false } }]),
            vec!["active"],
            json!(false),
        ),
        (
            json!([{ "OP": "REPLACE", "PATH": "ACTIVE", "VALUE": "false" }]),
            vec!["active"],
            json!(false),
        ),
        (
            json!([{ "op": "Replace", "path": "name.familyName", "value": "New" }]),
            vec!["name", "familyName"],
            json!("New"),
        ),
        (
            json!([{ "op": "replace", "value": { "name.familyName": "New" } }]),
            vec!["name", "familyName"],
            json!("New"),
        ),
        (
            json!([{ "op": "replace", "value": { "name": { "familyName": "New" } } }]),
            vec!["name"],
            json!({ "givenName": "Ada", "familyName": "New" }),
        ),
        (
            json!([{ "op": "replace", "path": "name", "value": { "familyName": "New" } }]),
            vec!["name"],
            json!({ "givenName": "Ada", "familyName": "New" }),
        ),
        (
            json!([{ "op": "remove", "path": "name.familyName" }]),
            vec!["name"],
            json!({ "givenName": "Ada" }),
        ),
        (
            json!([{ "op": "replace", "path": "userName", "value": "grace" }]),
            vec!["userName"],
            json!("grace"),
        ),
        (
            json!([{ "op": "Add", "path": format!("{ENTERPRISE_URN}:department"), "value": "Retail" }]),
            vec![ENTERPRISE_URN, "department"],
            json!("Retail"),
        ),
        (
            json!([{ "op": "replace", "value": { (format!("{ENTERPRISE_URN}:employeeNumber")): "42" } }]),
            vec![ENTERPRISE_URN, "employeeNumber"],
            json!("42"),
        ),
        (
            json!([{ "op": "replace", "value": { ENTERPRISE_URN: { "department": "X" } } }]),
            vec![ENTERPRISE_URN],
            json!({ "department": "X", "manager": { "value": "m" } }),
        ),
        (
            json!([{ "op": "add", "path": ENTERPRISE_URN, "value": { "department": "X" } }]),
            vec![ENTERPRISE_URN, "department"],
            json!("X"),
        ),
        (
            json!([{ "op": "add", "path": format!("{ENTERPRISE_URN}:manager"), "value": "n" }]),
            vec![ENTERPRISE_URN, "manager"],
            json!({ "value": "n" }),
        ),
        (
            json!([{ "op": "remove", "path": format!("{ENTERPRISE_URN}:manager") }]),
            vec![ENTERPRISE_URN],
            json!({ "department": "R" }),
        ),
        (
            json!([{ "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "b@example.com" }]),
            vec!["emails"],
            json!([{ "type": "work", "value": "b@example.com", "primary": true }]),
        ),
        (
            json!([{ "op": "Replace", "value": { "emails[type eq \"work\"].value": "b@example.com" } }]),
            vec!["emails"],
            json!([{ "type": "work", "value": "b@example.com", "primary": true }]),
        ),
        (
            json!([{ "op": "Replace", "path": "emails[type eq \"home\"].value", "value": "b@example.com" }]),
            vec!["emails"],
            json!([{ "type": "work", "value": "ada@example.com", "primary": true }, { "type": "home", "value": "b@example.com" }]),
        ),
        (
            json!([{ "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "55555555555" }]),
            vec!["phoneNumbers"],
            json!([{ "type": "mobile", "value": "55555555555" }]),
        ),
        (
            json!([{ "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "x" }]),
            vec!["roles"],
            json!([{ "primary": true, "value": "x" }]),
        ),
        (
            json!([{ "op": "add", "value": { "emails": [{ "value": "h@example.com", "type": "home" }], "nickName": "Babs" } }]),
            vec!["emails"],
            json!([{ "type": "work", "value": "ada@example.com", "primary": true }, { "value": "h@example.com", "type": "home" }]),
        ),
        (
            json!([{ "op": "add", "path": "emails", "value": { "value": "h@example.com", "primary": true } }]),
            vec!["emails"],
            json!([{ "type": "work", "value": "ada@example.com", "primary": false }, { "value": "h@example.com", "primary": true }]),
        ),
        (
            json!([{ "op": "add", "path": "emails", "value": [{ "value": "ada@example.com", "type": "work", "display": "A" }] }]),
            vec!["emails"],
            json!([{ "type": "work", "value": "ada@example.com", "primary": true, "display": "A" }]),
        ),
        (
            json!([{ "op": "replace", "path": "emails", "value": [{ "value": "n@example.com" }] }]),
            vec!["emails"],
            json!([{ "value": "n@example.com" }]),
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "type": "work", "value": "n@example.com" } }]),
            vec!["emails"],
            json!([{ "type": "work", "value": "n@example.com" }]),
        ),
        (
            json!([{ "op": "add", "path": "emails[type eq \"work\"]", "value": { "display": "A" } }]),
            vec!["emails"],
            json!([{ "type": "work", "value": "ada@example.com", "primary": true, "display": "A" }]),
        ),
    ] {
        let user = patched(&operations).unwrap_or_else(|error| panic!("{operations}: {error}"));
        assert_eq!(at(&user, &path), Some(&expected), "{operations}");
    }
}

/// SCIM-034, SCIM-073.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn removals_take_what_they_name() {
    for (operations, name, stays) in [
        (json!([{ "op": "remove", "path": "emails" }]), "emails", false),
        (
            json!([{ "op": "remove", "path": "emails", "value": null }]),
            "emails",
            false,
        ),
        (
            json!([{ "op": "remove", "path": "emails", "value": [] }]),
            "emails",
            true,
        ),
        (
            json!([{ "op": "remove", "path": "emails", "value": [{ "value": "x@example.com" }] }]),
            "emails",
            true,
        ),
        (
            json!([{ "op": "remove", "path": "emails", "value": [{ "value": "ada@example.com", "$ref": null }] }]),
            "emails",
            false,
        ),
        (
            json!([{ "op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]" }]),
            "emails",
            false,
        ),
        (
            json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }]),
            "emails",
            true,
        ),
        (
            json!([{ "op": "remove", "path": "emails[type eq \"home\"].value" }]),
            "emails",
            true,
        ),
        (
            json!([{ "op": "remove", "path": "emails[type eq \"work\"].value" }]),
            "emails",
            false,
        ),
        (
            json!([{ "op": "replace", "path": "emails", "value": [] }]),
            "emails",
            false,
        ),
        (
            json!([{ "op": "replace", "path": "title", "value": null }]),
            "title",
            false,
        ),
        (
            json!([{ "op": "replace", "path": "title", "value": "" }]),
            "title",
            false,
        ),
        (json!([{ "op": "remove", "path": "title" }]), "title", false),
        (
            json!([{ "op": "remove", "path": ENTERPRISE_URN }]),
            ENTERPRISE_URN,
            false,
        ),
        (
            json!([{ "op": "replace", "value": { "id": "x", "meta": {}, "schemas": [], "password": "p", "q": 1 } }]),
            "title",
            true,
        ),
        (
            json!([{ "op": "replace", "path": "unknown", "value": "x" }]),
            "title",
            true,
        ),
        (
            json!([{ "op": "replace", "path": "urn:example:2.0:X:title", "value": "x" }]),
            "title",
            true,
        ),
    ] {
        let user = patched(&operations).unwrap_or_else(|error| panic!("{operations}: {error}"));
        assert_eq!(user.contains_key(name), stays, "{operations}");
    }
}

/// SCIM-056, SCIM-057, SCIM-058.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn broken_requests_change_nothing() {
    use ScimType::{InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};
    let good = json!({ "op": "replace", "path": "title", "value": "X" });
    for (operation, kind) in [
        (
            json!({ "op": "replace", "path": "emails[broken!!!filter", "value": {} }),
            InvalidPath,
        ),
        (json!({ "op": "replace", "path": 7, "value": {} }), InvalidPath),
        (
            json!({ "op": "replace", "path": "title[a eq 1]", "value": "x" }),
            InvalidPath,
        ),
        (json!({ "op": "delete", "path": "displayName" }), InvalidSyntax),
        (json!({ "path": "displayName" }), InvalidSyntax),
        (json!("x"), InvalidSyntax),
        (json!({ "op": "remove" }), NoTarget),
        (json!({ "op": "remove", "value": { "title": "x" } }), NoTarget),
        (
            json!({ "op": "replace", "path": "addresses[type eq \"work\"]", "value": { "locality": "X" } }),
            NoTarget,
        ),
        (
            json!({ "op": "replace", "path": "emails[value co \"z\"].value", "value": "z@example.com" }),
            NoTarget,
        ),
        (json!({ "op": "remove", "path": "userName" }), Mutability),
        (json!({ "op": "replace", "path": "id", "value": "x" }), Mutability),
        (
            json!({ "op": "add", "path": "groups", "value": [{ "value": "x" }] }),
            Mutability,
        ),
        (
            json!({ "op": "replace", "path": "active", "value": "maybe" }),
            InvalidValue,
        ),
        (
            json!({ "op": "replace", "path": "active", "value": null }),
            InvalidValue,
        ),
        (
            json!({ "op": "replace", "value": { "active": null } }),
            InvalidValue,
        ),
        (
            json!({ "op": "replace", "path": "userName", "value": null }),
            InvalidValue,
        ),
        (json!({ "op": "replace", "path": "title" }), InvalidValue),
        (json!({ "op": "replace", "value": "x" }), InvalidValue),
        (
            json!({ "op": "add", "path": "emails", "value": "nobody" }),
            InvalidValue,
        ),
        (
            json!({ "op": "add", "path": "name", "value": "Ada" }),
            InvalidValue,
        ),
    ] {
        let error = patched(&json!([good, operation])).unwrap_err();
        assert_eq!(error.kind, Some(kind), "{operation}: {error}");
    }
    for broken in [
        json!({}),
        json!([]),
        json!({ "schemas": [], "Operations": [good] }),
        body(&json!([])),
        body(&json!({})),
    ] {
        let error = apply(&mut ada(), &broken, Kind::User).unwrap_err();
        assert_eq!(error.kind, Some(InvalidSyntax), "{broken}");
    }
    let many = Value::Array(vec![good; 1_001]);
    assert_eq!(
        apply(&mut ada(), &body(&many), Kind::User).unwrap_err().status,
        413
    );
}

/// SCIM-031.
#[test]
fn what_the_server_writes_stays() {
    let mut user = ada();
    user.insert("id".to_owned(), json!("1"));
    let operations = json!([{ "op": "replace", "value": { "id": "2", "title": "X" } }]);
    assert!(apply(&mut user, &body(&operations), Kind::User).unwrap());
    assert_eq!(at(&user, &["id"]), Some(&json!("1")));
}
