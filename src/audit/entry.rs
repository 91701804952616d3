//! One entry as people read it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::words::{sentence, visible};
use crate::store::time::Timestamp;

/// The longest value that is shown whole.
const LONGEST: usize = 500;

/// One entry of the log.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Its id; ids sort by time.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The word of the kind of actor.
    pub actor_kind: String,
    /// Who, as it was called then.
    pub actor_name: String,
    /// What, as `noun.verb`.
    pub action: String,
    /// The kind of what it was done to.
    pub subject_kind: String,
    /// Its id.
    pub subject_id: String,
    /// Its name as it was then.
    pub subject_name: String,
    /// From where.
    pub ip: String,
    /// What changed, as JSON; may be empty.
    pub before_json: String,
    /// Likewise, afterwards.
    pub after_json: String,
}

/// One field that changed, or stayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The field.
    pub name: String,
    /// Its value before; empty where it had none.
    pub before: String,
    /// Its value afterwards.
    pub after: String,
}

impl Entry {
    /// Who did it.
    pub fn who(&self) -> String {
        visible(&self.actor_name)
    }

    /// What kind of actor that was, where it is no person.
    pub fn who_kind(&self) -> &str {
        match self.actor_kind.as_str() {
            "system" => "by itself",
            "operator" => "operator",
            "scim" => "SCIM",
            _ => "",
        }
    }

    /// What was done.
    pub fn what(&self) -> &str {
        sentence(&self.action)
    }

    /// Whether the action has a sentence of its own.
    pub fn is_known(&self) -> bool {
        self.what() != self.action
    }

    /// To whom or what.
    pub fn to_whom(&self) -> String {
        visible(&self.subject_name)
    }

    /// The page of what it was done to, below `/orgs/{org}`.
    pub fn path(&self) -> Option<String> {
        let place = match self.subject_kind.as_str() {
            "member" => "members",
            "invitation" => "invitations",
            "denial" => "denied",
            "sign_in" => "sign-ins",
            _ => return None,
        };
        (!self.subject_id.is_empty()).then(|| format!("/{place}/{}", self.subject_id))
    }

    /// Before and after, field by field. What is no JSON object has one field.
    pub fn fields(&self) -> Vec<Field> {
        let (before, after) = (values(&self.before_json), values(&self.after_json));
        let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let of = |values: &BTreeMap<String, String>, name| values.get(name).cloned().unwrap_or_default();
        names
            .into_iter()
            .map(|name| Field {
                name: visible(&name.replace('_', " ")),
                before: of(&before, name),
                after: of(&after, name),
            })
            .collect()
    }
}

impl Field {
    /// Whether it changed.
    pub fn changed(&self) -> bool {
        self.before != self.after
    }
}

fn values(json: &str) -> BTreeMap<String, String> {
    match serde_json::from_str(json) {
        Ok(Value::Object(object)) => object
            .into_iter()
            .map(|(name, value)| (name, shown(&value)))
            .collect(),
        Ok(other) => BTreeMap::from([("value".to_owned(), shown(&other))]),
        // Nothing was kept.
        Err(_) => BTreeMap::new(),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => visible(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            items.join(", ")
        }
        other => visible(&other.to_string()),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_and_after_stand_side_by_side() {
        let entry = Entry {
            before_json: r#"{"role":"member","teams":["a","b"],"is_on":true}"#.into(),
            after_json: r#"{"role":"admin","teams":["a","b"],"left_at":null}"#.into(),
            ..Entry::default()
        };
        let rows: Vec<_> = entry
            .fields()
            .into_iter()
            .map(|field| (field.changed(), field.name, field.before, field.after))
            .collect();
        let row = |changed, name: &str, before: &str, after: &str| {
            (changed, name.to_owned(), before.to_owned(), after.to_owned())
        };
        assert_eq!(
            rows,
            [
                row(true, "is on", "yes", ""),
                row(false, "left at", "", ""),
                row(true, "role", "member", "admin"),
                row(false, "teams", "a, b", "a, b"),
            ]
        );
    }

    #[test]
    fn nothing_kept_is_nothing_shown() {
        assert!(Entry::default().fields().is_empty());
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&Value::String("x".repeat(9_999))).chars().count(), 501);
    }
}
