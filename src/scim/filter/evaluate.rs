//! What a filter means, plainly: one resource in memory. The SQL of lists has to agree with this.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Comparison, Filter, Operator};
use crate::scim::date;
use crate::scim::path::AttributePath;
use crate::scim::schema::{Attribute, Kind, Target, Type};

/// Whether a resource (in its normal form) fits the filter. An attribute that the schemas don't know
/// is never there.
#[must_use]
pub fn matches(filter: &Filter, resource: &Value) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|it| matches(it, resource)),
        Filter::Or(all) => all.iter().any(|it| matches(it, resource)),
        Filter::Not(inner) => !matches(inner, resource),
        Filter::Present(path) => {
            found(path, resource).is_some_and(|(_, all)| all.iter().any(|it| present(it)))
        }
        Filter::Compare(it) => match found(&it.path, resource) {
            None => absent(it),
            Some((leaf, all)) => any(it, leaf, &all),
        },
        Filter::Value(path, inner) => value_path(path, inner, resource),
    }
}

fn value_path(path: &AttributePath, inner: &Filter, resource: &Value) -> bool {
    let Some(target) = resolve(path) else {
        return false;
    };
    let Some(values) = attribute_of(&target, resource) else {
        return false;
    };
    list(values).any(|value| matches_value(target.attribute, inner, value))
}

/// Whether one value of a list fits the filter in brackets behind the attribute's name.
#[must_use]
pub(in crate::scim) fn matches_value(attribute: &Attribute, filter: &Filter, value: &Value) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|it| matches_value(attribute, it, value)),
        Filter::Or(all) => all.iter().any(|it| matches_value(attribute, it, value)),
        Filter::Not(inner) => !matches_value(attribute, inner, value),
        Filter::Value(..) => false,
        Filter::Present(path) => part_of(attribute, path, value).is_some_and(|(_, it)| present(it)),
        Filter::Compare(it) => match part_of(attribute, &it.path, value) {
            None => absent(it),
            Some((leaf, found)) => any(it, leaf, &[found]),
        },
    }
}

fn part_of<'a>(
    attribute: &Attribute,
    path: &AttributePath,
    value: &'a Value,
) -> Option<(&'static Attribute, &'a Value)> {
    let part = attribute.part(&path.attribute)?;
    member(value, part.name).map(|found| (part, found))
}

/// The values that a path leads to, and what they are.
fn found<'a>(path: &AttributePath, resource: &'a Value) -> Option<(&'static Attribute, Vec<&'a Value>)> {
    if path.key() == "schemas" {
        return Some((
            Kind::Group.attribute("id")?,
            list(resource.get("schemas")?).collect(),
        ));
    }
    let target = resolve(path)?;
    let values = attribute_of(&target, resource)?;
    // A list of complex values is compared by their "value" (RFC 7644 §3.4.2.2).
    let part = match (target.part, target.attribute.kind) {
        (None, Type::Complex) if target.attribute.multi => target.attribute.part("value"),
        (part, _) => part,
    };
    let Some(part) = part else {
        return Some((target.attribute, list(values).collect()));
    };
    let parts: Vec<&Value> = list(values).filter_map(|it| member(it, part.name)).collect();
    (!parts.is_empty()).then_some((part, parts))
}

fn resolve(path: &AttributePath) -> Option<Target> {
    Kind::User.resolve(path).or_else(|| Kind::Group.resolve(path))
}

fn attribute_of<'a>(target: &Target, resource: &'a Value) -> Option<&'a Value> {
    let holder = match target.extension {
        None => resource,
        Some(urn) => member(resource, urn)?,
    };
    member(holder, target.attribute.name)
}

fn member<'a>(holder: &'a Value, name: &str) -> Option<&'a Value> {
    holder.get(name).filter(|value| !value.is_null())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    }
    .iter()
}

fn present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// What a comparison says of an attribute that is not there: it equals null, and differs from all else.
fn absent(it: &Comparison) -> bool {
    match it.operator {
        Operator::Equal => it.value.is_null(),
        Operator::NotEqual => !it.value.is_null(),
        _ => false,
    }
}

fn any(it: &Comparison, leaf: &Attribute, all: &[&Value]) -> bool {
    match it.operator {
        Operator::NotEqual => !all.iter().any(|value| equal(leaf, value, &it.value)),
        Operator::Equal => all.iter().any(|value| equal(leaf, value, &it.value)),
        operator if operator.wants_order() => all
            .iter()
            .filter_map(|value| order(leaf, value, &it.value))
            .any(|order| fits(operator, order)),
        operator => all.iter().any(|value| piece(leaf, operator, value, &it.value)),
    }
}

fn equal(leaf: &Attribute, one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Bool(one), Value::String(two)) => {
            two.eq_ignore_ascii_case(if *one { "true" } else { "false" })
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => {
            order(leaf, one, two) == Some(Ordering::Equal)
        }
        _ => one == two,
    }
}

fn order(leaf: &Attribute, one: &Value, two: &Value) -> Option<Ordering> {
    match (one, two) {
        (Value::String(one), Value::String(two)) if leaf.kind == Type::DateTime => {
            Some(date::parse(one)?.cmp(&date::parse(two)?))
        }
        (Value::String(one), Value::String(two)) => Some(folded(leaf, one).cmp(&folded(leaf, two))),
        (Value::Number(one), Value::Number(two)) => one.as_f64()?.partial_cmp(&two.as_f64()?),
        _ => None,
    }
}

fn fits(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        _ => false,
    }
}

fn piece(leaf: &Attribute, operator: Operator, value: &Value, wanted: &Value) -> bool {
    let (Value::String(value), Value::String(wanted)) = (value, wanted) else {
        return false;
    };
    let (value, wanted) = (folded(leaf, value), folded(leaf, wanted));
    match operator {
        Operator::Contains => value.contains(&wanted),
        Operator::StartsWith => value.starts_with(&wanted),
        Operator::EndsWith => value.ends_with(&wanted),
        _ => false,
    }
}

fn folded(leaf: &Attribute, text: &str) -> String {
    if leaf.exact {
        text.to_owned()
    } else {
        text.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::filter::parse;

    fn ada() -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "Abc",
            "externalId": "X-1",
            "userName": "Ada@Example.com",
            "active": true,
            "name": { "givenName": "Ada" },
            "title": "",
            "emails": [
                { "type": "work", "value": "ada@example.com", "primary": true },
                { "type": "home", "value": "ada@home.example" },
            ],
            "meta": { "created": "2026-11-24T01:00:00.000Z" },
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Retail" },
        })
    }

    #[test]
    fn resources_are_told_apart() {
        for (text, expected) in [
            ("userName eq \"ADA@example.COM\"", true),
            ("userName ne \"ada@example.com\"", false),
            ("id eq \"abc\"", false),
            ("id eq \"Abc\"", true),
            ("externalId eq \"x-1\"", false),
            ("EMAILS co \"HOME.\"", true),
            ("emails.type eq \"other\"", false),
            ("emails[type eq \"work\"].value eq \"ada@example.com\"", true),
            ("emails[type eq \"home\" and value ew \"@example.com\"]", false),
            ("emails[primary eq \"True\"]", true),
            ("emails[not (primary pr)]", true),
            ("active eq true", true),
            ("active eq \"False\"", false),
            ("title pr", false),
            ("nickName pr", false),
            ("nickName eq null", true),
            ("nickName ne \"x\"", true),
            ("name pr", true),
            ("meta.created ge \"2026-11-24T01:00:00Z\"", true),
            ("meta.created gt \"2026-11-24T02:00:00+01:00\"", false),
            (
                "meta.created lt \"2027-01-01T00:00:00Z\" and active eq true",
                true,
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"retail\"",
                true,
            ),
            ("schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"", true),
            ("unknown eq \"x\"", false),
            ("userName gt \"a\" and userName lt \"b\"", true),
            ("not (userName sw \"ada\") or name.givenName ew \"DA\"", true),
        ] {
            assert_eq!(matches(&parse(text).unwrap(), &ada()), expected, "{text}");
        }
    }
}
