//! What is to be done with the people of a group: read from the steps of a PATCH, so that rows are written
//! and the whole is not read.

use serde_json::Value;

use crate::scim::filter::{Comparison, Filter, Operator};
use crate::scim::patch::{Op, Step};
use crate::scim::{ScimError, ScimType};

/// One change of a group's people.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// These come in.
    Add(Vec<String>),
    /// These go, if they are there.
    Remove(Vec<String>),
    /// These are all.
    Set(Vec<String>),
    /// Those go whom the filter fits.
    RemoveFitting(Filter),
}

impl Change {
    /// Reads a step that is about `members`.
    ///
    /// # Errors
    /// `invalidValue` for what is no list of people, `mutability` for a part of one.
    pub fn read(step: &Step) -> Result<Self, ScimError> {
        let whole = step.target.part.is_none_or(|part| part.name == "value");
        match (step.op, &step.filter) {
            (Op::Remove, Some(filter)) if step.target.part.is_none() => Ok(removal(filter)),
            (Op::Remove, None) if step.target.part.is_none() => match &step.value {
                None | Some(Value::Null) => Ok(Self::Set(Vec::new())),
                Some(value) => ids(value).map(Self::Remove),
            },
            (Op::Add, None) if whole => ids(step.value.as_ref().unwrap_or(&Value::Null)).map(Self::Add),
            (Op::Replace, None) if whole => ids(step.value.as_ref().unwrap_or(&Value::Null)).map(Self::Set),
            _ => Err(ScimError::bad(
                ScimType::Mutability,
                "The people of a group come and go. Nothing about one of them is changed in the group.",
            )),
        }
    }
}

/// `members[value eq "…"]`, alone or as one of several, names people; any other filter has to look at them.
fn removal(filter: &Filter) -> Change {
    let mut ids = Vec::new();
    if named(filter, &mut ids) {
        return Change::Remove(ids);
    }
    Change::RemoveFitting(filter.clone())
}

fn named(filter: &Filter, ids: &mut Vec<String>) -> bool {
    match filter {
        Filter::Or(all) => all.iter().all(|it| named(it, ids)),
        Filter::Compare(Comparison {
            path,
            operator: Operator::Equal,
            value: Value::String(id),
        }) if path.key() == "value" => {
            ids.push(id.clone());
            true
        }
        _ => false,
    }
}

/// The ids of people in a list, an object, or a text; each once.
///
/// # Errors
/// `invalidValue`.
pub fn ids(value: &Value) -> Result<Vec<String>, ScimError> {
    let all = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut ids = Vec::with_capacity(all.len());
    let mut seen = std::collections::HashSet::with_capacity(all.len());
    for one in all {
        let id = id(one)?;
        if seen.insert(id) {
            ids.push(id.to_owned());
        }
    }
    Ok(ids)
}

fn id(member: &Value) -> Result<&str, ScimError> {
    let part = |name: &str| {
        let fields = member.as_object()?;
        let found = fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        found.1.as_str()
    };
    if part("type").is_some_and(|kind| !kind.eq_ignore_ascii_case("User")) {
        return Err(invalid(
            "A group has people. Groups within groups are not offered.",
        ));
    }
    member
        .as_str()
        .or_else(|| part("value"))
        .filter(|id| !id.is_empty())
        .ok_or_else(|| invalid("A member is an object whose \"value\" is the id of a user."))
}

fn invalid(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::patch;
    use crate::scim::schema::{Kind, PATCH_URN};

    fn change(operation: &Value) -> Result<Change, ScimError> {
        let body = json!({ "schemas": [PATCH_URN], "Operations": [operation] });
        let steps = patch::read(&body, Kind::Group)?;
        Change::read(steps.first().unwrap())
    }

    #[test]
    fn every_dialect_names_its_people() {
        let list = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        for (operation, expected) in [
            (
                json!({ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": "a" }, { "value": "a" }] }),
                Change::Add(list(&["a"])),
            ),
            (
                json!({ "op": "add", "path": "members", "value": { "VALUE": "a", "type": "user" } }),
                Change::Add(list(&["a"])),
            ),
            (
                json!({ "op": "add", "value": { "members": ["a", "b"] } }),
                Change::Add(list(&["a", "b"])),
            ),
            (
                json!({ "op": "Remove", "path": "members", "value": [{ "value": "a" }] }),
                Change::Remove(list(&["a"])),
            ),
            (
                json!({ "op": "remove", "path": "members", "value": [] }),
                Change::Remove(vec![]),
            ),
            (json!({ "op": "remove", "path": "members" }), Change::Set(vec![])),
            (
                json!({ "op": "replace", "path": "members", "value": null }),
                Change::Set(vec![]),
            ),
            (
                json!({ "op": "replace", "path": "members", "value": [{ "value": "b" }] }),
                Change::Set(list(&["b"])),
            ),
            (
                json!({ "op": "remove", "path": "members[value eq \"a\"]" }),
                Change::Remove(list(&["a"])),
            ),
            (
                json!({ "op": "remove", "path": "members[value eq \"a\" or value eq \"b\"]" }),
                Change::Remove(list(&["a", "b"])),
            ),
        ] {
            assert_eq!(change(&operation), Ok(expected), "{operation}");
        }
        let looked = change(&json!({ "op": "remove", "path": "members[display sw \"a\"]" }));
        assert!(matches!(looked, Ok(Change::RemoveFitting(_))));
    }

    #[test]
    fn what_is_no_person_is_refused() {
        for operation in [
            json!({ "op": "add", "path": "members", "value": [{ "value": "a", "type": "Group" }] }),
            json!({ "op": "add", "path": "members", "value": [{ "display": "a" }] }),
            json!({ "op": "add", "path": "members", "value": [7] }),
            json!({ "op": "add", "path": "members", "value": "" }),
            json!({ "op": "replace", "path": "members[value eq \"a\"].value", "value": "b" }),
        ] {
            assert_eq!(change(&operation).unwrap_err().status, 400, "{operation}");
        }
    }
}
