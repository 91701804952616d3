//! Which attributes an answer has: `attributes` and `excludedAttributes` (RFC 7644 §3.9).

use serde_json::{Map, Value};

use super::path::AttributePath;
use super::schema::{Attribute, Kind};
use super::{ScimError, ScimType};

/// What a client wants to see of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Projection {
    /// Everything.
    #[default]
    All,
    /// Only these.
    Only(Vec<AttributePath>),
    /// All but these.
    Without(Vec<AttributePath>),
}

impl Projection {
    /// From the names of `attributes` and `excludedAttributes`. Names that can't be read lead nowhere.
    ///
    /// # Errors
    /// `invalidValue` when both are given.
    pub fn new(attributes: &[String], excluded: &[String]) -> Result<Self, ScimError> {
        match (attributes.is_empty(), excluded.is_empty()) {
            (true, true) => Ok(Self::All),
            (false, true) => Ok(Self::Only(paths(attributes))),
            (true, false) => Ok(Self::Without(paths(excluded))),
            (false, false) => Err(ScimError::bad(
                ScimType::InvalidValue,
                "A request names attributes or excludedAttributes, not both.",
            )),
        }
    }

    /// From the query of an address: for answers with one resource.
    ///
    /// # Errors
    /// `invalidValue` when both are given.
    pub fn from_query(query: &str) -> Result<Self, ScimError> {
        let (mut attributes, mut excluded) = (Vec::new(), Vec::new());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if name.eq_ignore_ascii_case("attributes") {
                attributes.extend(names(&value));
            } else if name.eq_ignore_ascii_case("excludedAttributes") {
                excluded.extend(names(&value));
            }
        }
        Self::new(&attributes, &excluded)
    }

    /// Whether the answer shows anything of this core attribute, so that it has to be read at all.
    #[must_use]
    pub fn wants(&self, kind: Kind, name: &str) -> bool {
        let Some(attribute) = kind.attribute(name) else {
            return false;
        };
        match self {
            Self::All => true,
            Self::Only(paths) => paths.iter().any(|path| leads_to(kind, path, attribute)),
            Self::Without(paths) => !paths
                .iter()
                .any(|path| path.part.is_none() && leads_to(kind, path, attribute)),
        }
    }

    /// The resource as it is shown. `schemas`, `id` and nothing else is always there.
    #[must_use]
    pub fn project(&self, kind: Kind, resource: Map<String, Value>) -> Map<String, Value> {
        match self {
            Self::All => resource,
            Self::Only(paths) => only(kind, &resource, paths),
            Self::Without(paths) => without(kind, resource, paths),
        }
    }
}

/// The names of a list with commas between them.
pub(super) fn names(text: &str) -> impl Iterator<Item = String> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

fn paths(names: &[String]) -> Vec<AttributePath> {
    names
        .iter()
        .filter_map(|name| AttributePath::read(name))
        .collect()
}

fn leads_to(kind: Kind, path: &AttributePath, attribute: &Attribute) -> bool {
    let whole = AttributePath {
        part: None,
        ..path.clone()
    };
    kind.resolve(&whole)
        .is_some_and(|target| target.extension.is_none() && target.attribute.name == attribute.name)
}

fn is_kept(name: &str) -> bool {
    name == "id" || name == "schemas"
}

fn only(kind: Kind, resource: &Map<String, Value>, paths: &[AttributePath]) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in resource {
        if is_kept(name) {
            shown.insert(name.clone(), value.clone());
        }
    }
    for path in paths {
        show(kind, resource, path, &mut shown);
    }
    shown
}

fn show(kind: Kind, resource: &Map<String, Value>, path: &AttributePath, shown: &mut Map<String, Value>) {
    if path.attribute.is_empty() {
        let urn = path.schema.as_deref().unwrap_or_default();
        if let Some(extension) = kind.extension(urn) {
            copy(resource, extension.urn, shown);
        } else if urn.eq_ignore_ascii_case(kind.urn()) {
            for attribute in kind.attributes() {
                copy(resource, attribute.name, shown);
            }
        }
        return;
    }
    let Some(target) = kind.resolve(path) else {
        return;
    };
    let name = target.attribute.name;
    match target.extension {
        None => show_in(resource, name, target.part, shown),
        Some(urn) => {
            let Some(Value::Object(from)) = resource.get(urn) else {
                return;
            };
            let into = shown.entry(urn).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(into) = into {
                show_in(from, name, target.part, into);
            }
        }
    }
}

fn copy(from: &Map<String, Value>, name: &str, into: &mut Map<String, Value>) {
    if let Some(value) = from.get(name) {
        into.insert(name.to_owned(), value.clone());
    }
}

fn show_in(from: &Map<String, Value>, name: &str, part: Option<&Attribute>, into: &mut Map<String, Value>) {
    let (Some(value), Some(part)) = (from.get(name), part) else {
        return copy(from, name, into);
    };
    match (value, into.get_mut(name)) {
        (Value::Object(fields), Some(Value::Object(into))) => copy(fields, part.name, into),
        (Value::Object(fields), _) => {
            let mut small = Map::new();
            copy(fields, part.name, &mut small);
            into.insert(name.to_owned(), Value::Object(small));
        }
        (Value::Array(all), Some(Value::Array(into))) => {
            for (one, into) in all.iter().zip(into) {
                if let (Value::Object(one), Value::Object(into)) = (one, into) {
                    copy(one, part.name, into);
                }
            }
        }
        (Value::Array(all), _) => {
            let small = all.iter().filter_map(Value::as_object).map(|one| {
                let mut small = Map::new();
                copy(one, part.name, &mut small);
                Value::Object(small)
            });
            into.insert(name.to_owned(), small.collect());
        }
        _ => {}
    }
}

fn without(kind: Kind, mut resource: Map<String, Value>, paths: &[AttributePath]) -> Map<String, Value> {
    for path in paths {
        hide(kind, &mut resource, path);
    }
    resource
}

fn hide(kind: Kind, resource: &mut Map<String, Value>, path: &AttributePath) {
    if path.attribute.is_empty() {
        if let Some(extension) = kind.extension(path.schema.as_deref().unwrap_or_default()) {
            resource.remove(extension.urn);
        }
        return;
    }
    let Some(target) = kind.resolve(path).filter(|target| !target.attribute.always) else {
        return;
    };
    let holder = match target.extension {
        None => Some(resource),
        Some(urn) => resource.get_mut(urn).and_then(Value::as_object_mut),
    };
    let Some(holder) = holder else {
        return;
    };
    match target.part {
        None => drop(holder.remove(target.attribute.name)),
        Some(part) => match holder.get_mut(target.attribute.name) {
            Some(Value::Object(fields)) => drop(fields.remove(part.name)),
            Some(Value::Array(all)) => {
                for one in all.iter_mut().filter_map(Value::as_object_mut) {
                    one.remove(part.name);
                }
            }
            _ => {}
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn shown(query: &str) -> Value {
        let Value::Object(ada) = json!({
            "schemas": ["a"], "id": "1", "userName": "ada", "name": { "givenName": "Ada", "familyName": "L" },
            "emails": [{ "value": "x", "type": "work" }, { "value": "y" }], "meta": { "version": "1" },
            ENTERPRISE: { "department": "R", "division": "D" },
        }) else {
            panic!("not an object")
        };
        Value::Object(Projection::from_query(query).unwrap().project(Kind::User, ada))
    }

    /// SCIM-046.
    #[test]
    fn only_what_is_asked_for_is_shown() {
        for (query, expected) in [
            (
                "attributes=USERNAME",
                json!({ "schemas": ["a"], "id": "1", "userName": "ada" }),
            ),
            (
                "attributes=name.givenName,emails.value,emails.type,none,id",
                json!({ "schemas": ["a"], "id": "1", "name": { "givenName": "Ada" },
                    "emails": [{ "value": "x", "type": "work" }, { "value": "y" }] }),
            ),
            (
                "attributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                json!({ "schemas": ["a"], "id": "1", ENTERPRISE: { "department": "R" } }),
            ),
            (
                "excludedAttributes=id,schemas,name.givenName,emails.value,meta,userName,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
                json!({ "schemas": ["a"], "id": "1", "name": { "familyName": "L" },
                    "emails": [{ "type": "work" }, {}], ENTERPRISE: { "department": "R" } }),
            ),
        ] {
            assert_eq!(shown(query), expected, "{query}");
        }
        assert!(Projection::from_query("attributes=a&excludedAttributes=b").is_err());
    }

    /// SCIM-072.
    #[test]
    fn members_that_nobody_wants_are_not_read() {
        for (query, expected) in [
            ("", true),
            ("excludedAttributes=Members", false),
            ("excludedAttributes=members.display", true),
            ("attributes=displayName", false),
            ("attributes=members.value", true),
        ] {
            let projection = Projection::from_query(query).unwrap();
            assert_eq!(projection.wants(Kind::Group, "members"), expected, "{query}");
        }
    }
}
