//! The normal form of what a directory sends: known names in the standard's case, values of the right type,
//! nothing that only the server writes, no nulls, no password (RFC 7643 §2).

use serde_json::{Map, Value, json};

use super::list::names_schema;
use super::path::AttributePath;
pub use super::projection::Projection;
use super::schema::{Attribute, ENTERPRISE_URN, Kind, OWN_URN, Target, Type};
use super::{ScimError, ScimType};
use crate::access::EmailAddress;

/// The longest text of an attribute in bytes.
const MAX_TEXT: usize = 16_384;
/// The longest text of what is looked up by: user names, group names.
const MAX_KEY: usize = 1_024;

/// The normal form of a whole resource, as of POST and PUT.
///
/// # Errors
/// `invalidSyntax` when it is no resource of this kind, `invalidValue` when a value does not fit.
pub fn normalize(kind: Kind, body: Value) -> Result<Map<String, Value>, ScimError> {
    let Value::Object(fields) = body else {
        return Err(ScimError::bad(
            ScimType::InvalidSyntax,
            "The body is a JSON object.",
        ));
    };
    if !names_schema(&fields, kind.urn()) {
        return Err(ScimError::bad(
            ScimType::InvalidSyntax,
            format!("\"schemas\" is a list that names \"{}\".", kind.urn()),
        ));
    }
    let mut normal = Map::new();
    for (name, value) in fields {
        take(kind, &mut normal, &name, value)?;
    }
    finish(kind, &mut normal)?;
    Ok(normal)
}

/// The resource as it is shown: see [`Projection::project`].
#[must_use]
pub fn project(kind: Kind, resource: Map<String, Value>, projection: &Projection) -> Map<String, Value> {
    projection.project(kind, resource)
}

/// Sets `schemas` and refuses what lacks a required attribute.
fn finish(kind: Kind, normal: &mut Map<String, Value>) -> Result<(), ScimError> {
    for attribute in kind.attributes().iter().filter(|attribute| attribute.required) {
        let blank = normal
            .get(attribute.name)
            .and_then(Value::as_str)
            .is_none_or(|text| text.trim().is_empty());
        if blank {
            return Err(invalid(format!("{} is required.", attribute.name)));
        }
    }
    let mut schemas = vec![kind.urn()];
    for extension in kind.extensions() {
        let empty = normal
            .get(extension.urn)
            .and_then(Value::as_object)
            .is_none_or(Map::is_empty);
        if empty {
            normal.remove(extension.urn);
        } else {
            schemas.push(extension.urn);
        }
    }
    normal.insert("schemas".to_owned(), json!(schemas));
    check(normal)
}

fn take(kind: Kind, normal: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), ScimError> {
    let Some(path) = AttributePath::read(name) else {
        return Ok(());
    };
    if path.attribute.is_empty() {
        return take_extension(kind, normal, &path, value);
    }
    let Some(target) = kind.resolve(&path).filter(|target| !target.is_read_only()) else {
        return Ok(());
    };
    let value = match target.part {
        None => value,
        Some(part) => json!({ part.name: value }),
    };
    let Some(value) = conform(target.attribute, value)? else {
        return Ok(());
    };
    put(normal, &target, value);
    Ok(())
}

/// Whether a member of this name says anything in a resource that is sent; any other is passed over.
#[must_use]
pub fn takes(kind: Kind, name: &str) -> bool {
    if name.eq_ignore_ascii_case("schemas") {
        return true;
    }
    let Some(path) = AttributePath::read(name) else {
        return false;
    };
    if path.attribute.is_empty() {
        return kind
            .extension(path.schema.as_deref().unwrap_or_default())
            .is_some();
    }
    kind.resolve(&path).is_some_and(|target| !target.is_read_only())
}

fn take_extension(
    kind: Kind,
    normal: &mut Map<String, Value>,
    path: &AttributePath,
    value: Value,
) -> Result<(), ScimError> {
    let urn = path.schema.as_deref().unwrap_or_default();
    if kind.extension(urn).is_none() {
        return Ok(());
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                take(kind, normal, &format!("{urn}:{name}"), value)?;
            }
            Ok(())
        }
        Value::Null => Ok(()),
        _ => Err(invalid(format!("{urn} is an object."))),
    }
}

/// Where a target's attribute stands, made if it is missing.
pub(super) fn holder<'a>(
    resource: &'a mut Map<String, Value>,
    target: &Target,
) -> Option<&'a mut Map<String, Value>> {
    match target.extension {
        None => Some(resource),
        Some(urn) => resource
            .entry(urn)
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut(),
    }
}

fn put(normal: &mut Map<String, Value>, target: &Target, value: Value) {
    let Some(holder) = holder(normal, target) else {
        return;
    };
    // A dotted name adds to what another one has set.
    match (holder.get_mut(target.attribute.name), value) {
        (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
        (_, value) => drop(holder.insert(target.attribute.name.to_owned(), value)),
    }
}

/// The value in the form that the attribute wants; `None` when nothing is left of it.
///
/// # Errors
/// `invalidValue` when it does not fit.
pub(super) fn conform(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    if !attribute.multi {
        return conform_one(attribute, value);
    }
    let all = match value {
        Value::Array(all) => all,
        Value::Null => return Ok(None),
        one => vec![one],
    };
    let mut kept: Vec<Value> = Vec::with_capacity(all.len());
    let mut seen = std::collections::HashSet::with_capacity(all.len());
    for one in all {
        if let Some(one) = conform_one(attribute, one)?
            && seen.insert(one.to_string())
        {
            kept.push(one);
        }
    }
    one_primary(&mut kept, None);
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// Leaves one preferred value: this one, or the last that says it is.
pub(super) fn one_primary(all: &mut [Value], chosen: Option<usize>) {
    let is_primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    let Some(chosen) = chosen.or_else(|| all.iter().rposition(is_primary)) else {
        return;
    };
    for (at, value) in all.iter_mut().enumerate() {
        if at != chosen
            && is_primary(value)
            && let Some(fields) = value.as_object_mut()
        {
            fields.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}

fn conform_one(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Type::Boolean, value) => boolean(attribute, &value).map(Some),
        (Type::Complex, Value::Object(fields)) => complex(attribute, fields),
        // Some clients send the bare value.
        (Type::Complex, value @ (Value::String(_) | Value::Number(_)))
            if attribute.part("value").is_some() =>
        {
            let mut fields = Map::new();
            fields.insert("value".to_owned(), value);
            complex(attribute, fields)
        }
        (Type::Complex, _) => Err(invalid(format!("{} is an object.", attribute.name))),
        (_, value) => text(attribute, value),
    }
}

fn boolean(attribute: &Attribute, value: &Value) -> Result<Value, ScimError> {
    match value {
        Value::Bool(value) => Ok(Value::Bool(*value)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err(invalid(format!("{} is true or false.", attribute.name))),
    }
}

fn text(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    let name = attribute.name;
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) if !attribute.required => number.to_string(),
        _ => return Err(invalid(format!("{name} is a text."))),
    };
    let most = if attribute.required { MAX_KEY } else { MAX_TEXT };
    if text.len() > most {
        return Err(invalid(format!("{name} is longer than {most} bytes.")));
    }
    if text.contains('\0') {
        return Err(invalid(format!("{name} has a NUL character.")));
    }
    // An empty text says nothing; a required one is refused for it later.
    Ok((!text.is_empty()).then_some(Value::String(text)))
}

fn complex(attribute: &Attribute, fields: Map<String, Value>) -> Result<Option<Value>, ScimError> {
    let mut normal = Map::new();
    for (name, value) in fields {
        let Some(part) = attribute.part(&name).filter(|part| !part.is_read_only()) else {
            continue;
        };
        if let Some(value) = conform_one(part, value)? {
            normal.insert(part.name.to_owned(), value);
        }
    }
    if attribute.multi && attribute.part("value").is_some() && !normal.contains_key("value") {
        return Ok(None);
    }
    Ok((!normal.is_empty()).then_some(Value::Object(normal)))
}

/// What the attributes' types alone don't say: addresses are addresses, and the role is one that exists.
fn check(normal: &Map<String, Value>) -> Result<(), ScimError> {
    let emails = normal.get("emails").and_then(Value::as_array);
    for email in emails.into_iter().flatten() {
        let text = email.get("value").and_then(Value::as_str).unwrap_or_default();
        if let Err(error) = EmailAddress::parse(text) {
            return Err(invalid(format!(
                "\"{}\" is no e-mail address: {error}",
                text.escape_debug()
            )));
        }
    }
    let role = normal.get(OWN_URN).and_then(|own| own.get("role"));
    match role.and_then(Value::as_str) {
        Some(role) if !role.eq_ignore_ascii_case("member") && !role.eq_ignore_ascii_case("admin") => {
            Err(invalid("role is \"member\" or \"admin\".".to_owned()))
        }
        _ => Ok(()),
    }
}

/// The id of the person's manager, where the directory names one.
#[must_use]
pub fn manager(resource: &Map<String, Value>) -> Option<&str> {
    resource
        .get(ENTERPRISE_URN)?
        .get("manager")?
        .get("value")?
        .as_str()
}

fn invalid(detail: String) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::USER_URN;

    fn user(mut fields: Value) -> Result<Value, ScimError> {
        let map = fields.as_object_mut().unwrap();
        map.entry("schemas").or_insert(json!([USER_URN]));
        map.entry("userName").or_insert(json!("ada"));
        normalize(Kind::User, fields).map(|mut normal| {
            normal.remove("schemas");
            normal.remove("userName");
            Value::Object(normal)
        })
    }

    /// SCIM-015, SCIM-030, SCIM-032, SCIM-033, SCIM-034.
    #[test]
    fn dialects_have_one_form() {
        for (sent, expected) in [
            (
                json!({ "ACTIVE": "False", "Title": "x" }),
                json!({ "active": false, "title": "x" }),
            ),
            (
                json!({ "id": "1", "meta": {}, "groups": [{ "value": "g" }], "password": "p" }),
                json!({}),
            ),
            (
                json!({ "unknown": 1, "urn:x:2.0:Y": { "a": 1 }, "title": null, "roles": [] }),
                json!({}),
            ),
            (json!({ "externalId": 17 }), json!({ "externalId": "17" })),
            (
                json!({ "emails": { "value": "a@example.com", "primary": true } }),
                json!({ "emails": [{ "value": "a@example.com", "primary": true }] }),
            ),
            (
                json!({ "emails": ["a@example.com", { "type": "work" }, { "value": "a@example.com" }, null] }),
                json!({ "emails": [{ "value": "a@example.com" }] }),
            ),
            (
                json!({ "emails": [{ "value": "a@example.com", "primary": "TRUE" }, { "value": "b@example.com", "primary": true }] }),
                json!({ "emails": [{ "value": "a@example.com", "primary": false }, { "value": "b@example.com", "primary": true }] }),
            ),
            (
                json!({ "name.givenName": "Ada", "name": { "FAMILYNAME": "L", "middleName": null } }),
                json!({ "name": { "givenName": "Ada", "familyName": "L" } }),
            ),
            (
                json!({ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "R",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:USER": { "manager": "m" } }),
                json!({ ENTERPRISE_URN: { "department": "R", "manager": { "value": "m" } } }),
            ),
            (
                json!({ OWN_URN: { "role": "admin", "teams": ["x"] } }),
                json!({ OWN_URN: { "role": "admin" } }),
            ),
        ] {
            assert_eq!(user(sent.clone()).unwrap(), expected, "{sent}");
        }
    }

    /// SCIM-021, SCIM-030.
    #[test]
    fn what_does_not_fit_is_refused() {
        for (sent, kind) in [
            (json!({ "schemas": [] }), ScimType::InvalidSyntax),
            (json!({ "schemas": USER_URN }), ScimType::InvalidSyntax),
            (json!({ "userName": null }), ScimType::InvalidValue),
            (json!({ "userName": "  " }), ScimType::InvalidValue),
            (json!({ "userName": 1 }), ScimType::InvalidValue),
            (json!({ "userName": "a\u{0}" }), ScimType::InvalidValue),
            (json!({ "userName": "a".repeat(1_025) }), ScimType::InvalidValue),
            (json!({ "active": "yes" }), ScimType::InvalidValue),
            (json!({ "active": 1 }), ScimType::InvalidValue),
            (json!({ "active": "0" }), ScimType::InvalidValue),
            (json!({ "name": "Ada" }), ScimType::InvalidValue),
            (json!({ "title": ["x"] }), ScimType::InvalidValue),
            (
                json!({ "emails": [{ "value": "<script>" }] }),
                ScimType::InvalidValue,
            ),
            (json!({ "emails": [[]] }), ScimType::InvalidValue),
            (json!({ OWN_URN: { "role": "owner" } }), ScimType::InvalidValue),
            (json!({ OWN_URN: "x" }), ScimType::InvalidValue),
        ] {
            assert_eq!(user(sent.clone()).unwrap_err().kind, Some(kind), "{sent}");
        }
        assert!(normalize(Kind::User, json!([])).is_err());
        assert!(normalize(Kind::Group, json!({ "schemas": [Kind::Group.urn()] })).is_err());
    }
}
