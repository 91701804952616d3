//! What a decision looked at, kept with its record so that each rule of the trace leads to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::Rule;
use crate::store::time::{Timestamp, date};

/// Under which name the evidence keeps it.
const NAME: &str = "judged";
/// How many lines of a table of groups are kept, and how much of a group's name.
const MOST_LINES: usize = 20;
const LONGEST_GROUP: usize = 100;

/// The rows that were judged, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Judged {
    /// The membership that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The invitation that counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
    /// The organization's own domain of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Who switched just-in-time provisioning last, before the sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jit: Option<Switched>,
    /// Group and team of each line of the table that fits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<(String, String)>,
}

/// A setting as it was, and who brought it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switched {
    /// Whether it was on.
    pub on: bool,
    /// When it was switched.
    pub at: Timestamp,
    /// By whom, as the name was then.
    pub by: String,
}

impl Judged {
    /// Puts it beside the other evidence.
    pub fn beside(mut self, mut evidence: Value) -> Value {
        self.lines.truncate(MOST_LINES);
        for (group, _) in &mut self.lines {
            *group = super::cut(group, LONGEST_GROUP);
        }
        if evidence.is_null() {
            evidence = Value::Object(serde_json::Map::new());
        }
        if let (Some(object), Ok(value)) = (evidence.as_object_mut(), serde_json::to_value(self)) {
            object.insert(NAME.to_owned(), value);
        }
        evidence
    }

    /// Reads it from the evidence of a record; nothing where none was kept.
    pub(super) fn of(evidence: &Value) -> Self {
        let kept = evidence.get(NAME).cloned();
        kept.and_then(|kept| serde_json::from_value(kept).ok())
            .unwrap_or_default()
    }

    /// Whether this is the name under which the evidence keeps it.
    pub(super) fn is_called(name: &str) -> bool {
        name == NAME
    }

    /// Where the rule's answer came from: the text of each link, and its path below `/orgs/{org}`.
    pub(super) fn links(&self, rule: Rule, connection: Option<&str>) -> Vec<(String, String)> {
        let to = |text: &str, place: &str, id: &Option<String>| {
            id.iter()
                .map(|id| (text.to_owned(), format!("/{place}/{id}")))
                .collect()
        };
        match rule {
            Rule::MembershipNotDeactivated | Rule::Member | Rule::NotRemoved => {
                to("The membership", "members", &self.member)
            }
            Rule::Invited => to("The invitation", "invitations", &self.invitation),
            Rule::AddressProven | Rule::DomainVouches => to("The domain", "domains", &self.domain),
            Rule::JitOn => self.setting(connection),
            Rule::GroupsMapped => self.lines.iter().map(line).collect(),
            Rule::AccountActive | Rule::SeatFree => Vec::new(),
        }
    }

    fn setting(&self, connection: Option<&str>) -> Vec<(String, String)> {
        let Some(Switched { on, at, by }) = &self.jit else {
            return to_connection("The setting", connection);
        };
        let way = if *on { "on" } else { "off" };
        let by = if by.is_empty() {
            String::new()
        } else {
            format!(" by {by}")
        };
        let text = format!("Turned {way}{by}, {}", date(*at));
        vec![(text, "/audit?action=connection.jit_changed".to_owned())]
    }
}

fn to_connection(text: &str, connection: Option<&str>) -> Vec<(String, String)> {
    let path = connection.map(|id| format!("/connections/{id}"));
    path.map(|path| (text.to_owned(), path)).into_iter().collect()
}

fn line((group, team): &(String, String)) -> (String, String) {
    (format!("The team of “{group}”"), format!("/teams/{team}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_judged_is_read_back_beside_the_rest() {
        let judged = Judged {
            invitation: Some("i1".into()),
            jit: Some(Switched {
                on: false,
                at: 1_795_459_867_123,
                by: "Ada".into(),
            }),
            lines: vec![("g".repeat(200), "t1".into()); 30],
            ..Judged::default()
        };
        let kept = judged.beside(json!({"key_id": "k"}));
        assert_eq!(kept["key_id"], "k");
        let back = Judged::of(&kept);
        assert_eq!((back.lines.len(), back.lines[0].0.chars().count()), (20, 101));
        assert_eq!(
            back.links(Rule::Invited, None),
            [("The invitation".to_owned(), "/invitations/i1".to_owned())]
        );
        assert_eq!(
            back.links(Rule::JitOn, None)[0].0,
            "Turned off by Ada, 23 November 2026"
        );
        assert!(back.links(Rule::Member, None).is_empty());
        assert_eq!(Judged::of(&json!({})), Judged::default());
    }
}
