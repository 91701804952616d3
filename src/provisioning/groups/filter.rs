//! A filter over groups as SQL: values are bound, names of columns are ours, and what no column tells is
//! refused.

use serde_json::Value;

use super::display_key;
use crate::provisioning::users::sql::{Bound, Part, column, moment, numbered};
use crate::scim::filter::{Comparison, Filter, Operator};
use crate::scim::path::AttributePath;
use crate::scim::{ScimError, ScimType};

/// Which groups a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What stands behind `WHERE`, with `$1`, `$2`, … in this order.
    pub text: String,
    /// The values.
    pub bound: Vec<Bound>,
}

impl Condition {
    /// The groups of the connection that the filter, if there is one, lets through.
    ///
    /// # Errors
    /// 400 `invalidFilter` where the filter asks for what is not offered.
    pub fn new(connection: &str, filter: Option<&Filter>) -> Result<Self, ScimError> {
        let own = Part::new("connection_id = ?", vec![Bound::Text(connection.to_owned())]);
        let part = match filter {
            None => own,
            Some(filter) => own.with(" AND ", compile(filter)?),
        };
        Ok(Self {
            text: numbered(&part.text),
            bound: part.bound,
        })
    }
}

/// The columns that a list is sorted by.
///
/// # Errors
/// 400 `invalidPath` where there is no column for it.
pub fn order(sort_by: Option<&AttributePath>, descending: bool) -> Result<&'static str, ScimError> {
    let key = sort_by.map(AttributePath::key);
    Ok(match (key.as_deref(), descending) {
        // Ids sort by the time they were made.
        (None | Some("id" | "meta.created"), false) => "id",
        (None | Some("id" | "meta.created"), true) => "id DESC",
        (Some("displayname"), false) => "display_key",
        (Some("displayname"), true) => "display_key DESC",
        (Some("externalid"), false) => "external_id, id",
        (Some("externalid"), true) => "external_id DESC, id DESC",
        (Some("meta.lastmodified"), false) => "modified_at, id",
        (Some("meta.lastmodified"), true) => "modified_at DESC, id DESC",
        _ => {
            return Err(ScimError::bad(
                ScimType::InvalidPath,
                "Groups are sorted by id, displayName, externalId, meta.created or meta.lastModified.",
            ));
        }
    })
}

fn compile(filter: &Filter) -> Result<Part, ScimError> {
    match filter {
        Filter::And(all) => joined(all, " AND "),
        Filter::Or(all) => joined(all, " OR "),
        Filter::Not(inner) => compile(inner).map(Part::not),
        Filter::Present(path) => present(&path.key()),
        Filter::Compare(it) => compare(&it.path.key(), it),
        Filter::Value(path, inner) if path.key() == "members" => member(inner),
        Filter::Value(..) => Err(not_offered()),
    }
}

fn joined(all: &[Filter], word: &str) -> Result<Part, ScimError> {
    let mut parts = Vec::with_capacity(all.len());
    for filter in all {
        let part = compile(filter)?;
        parts.push(Part::new(format!("({})", part.text), part.bound));
    }
    let joined = parts.into_iter().reduce(|one, other| one.with(word, other));
    joined.ok_or_else(not_offered)
}

fn present(key: &str) -> Result<Part, ScimError> {
    let text = match key {
        "id" | "displayname" | "schemas" | "meta" | "meta.created" | "meta.lastmodified" => "1 = 1",
        "externalid" => "external_id <> ''",
        "members" | "members.value" => {
            "EXISTS (SELECT 1 FROM scim_group_members AS inside WHERE inside.group_id = scim_groups.id)"
        }
        _ => return Err(not_offered()),
    };
    Ok(Part::new(text, Vec::new()))
}

fn compare(key: &str, it: &Comparison) -> Result<Part, ScimError> {
    let part = match (key, &it.value) {
        (_, Value::Null) => {
            let absent = present(key)?.not();
            return match it.operator {
                Operator::Equal => Ok(absent),
                Operator::NotEqual => Ok(absent.not()),
                _ => Err(not_offered()),
            };
        }
        ("id", Value::String(text)) => Some(column("id", it.operator, text)),
        ("externalid", Value::String(text)) => Some(column("external_id", it.operator, text)),
        ("displayname", Value::String(text)) => {
            let folded = match it.operator {
                Operator::Equal | Operator::NotEqual => display_key(text),
                _ => text.to_lowercase(),
            };
            Some(column("display_key", it.operator, &folded))
        }
        ("members" | "members.value", Value::String(text)) => has(it.operator, text),
        ("meta.created", Value::String(text)) => moment("created_at", it.operator, text),
        ("meta.lastmodified", Value::String(text)) => moment("modified_at", it.operator, text),
        _ => None,
    };
    part.ok_or_else(not_offered)
}

fn has(operator: Operator, user: &str) -> Option<Part> {
    let has = Part::new(
        "id IN (SELECT group_id FROM scim_group_members WHERE user_id = ?)",
        vec![Bound::Text(user.to_owned())],
    );
    match operator {
        Operator::Equal => Some(has),
        Operator::NotEqual => Some(has.not()),
        _ => None,
    }
}

/// `members[value eq "…"]`, and `type eq "User"` beside it, which holds for everybody.
fn member(inner: &Filter) -> Result<Part, ScimError> {
    match inner {
        Filter::Compare(it) if it.operator == Operator::Equal => match (it.path.key().as_str(), &it.value) {
            ("value", Value::String(user)) => has(Operator::Equal, user).ok_or_else(not_offered),
            ("type", Value::String(kind)) if kind.eq_ignore_ascii_case("User") => present("members"),
            _ => Err(not_offered()),
        },
        Filter::And(all) if all.iter().filter(|it| is_by_value(it)).count() <= 1 => {
            let parts = all.iter().map(member).collect::<Result<Vec<_>, _>>()?;
            let joined = parts.into_iter().reduce(|one, other| one.with(" AND ", other));
            joined.ok_or_else(not_offered)
        }
        _ => Err(not_offered()),
    }
}

fn is_by_value(filter: &Filter) -> bool {
    matches!(filter, Filter::Compare(it) if it.path.key() == "value")
}

fn not_offered() -> ScimError {
    ScimError::bad(
        ScimType::InvalidFilter,
        "Groups are searched by id, displayName, externalId, members.value, meta.created and meta.lastModified.",
    )
}
