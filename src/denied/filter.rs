//! What the list is filtered by: the address of the page is the state of the filter, and can be sent
//! to a colleague.

use serde::Deserialize;

use super::State;
use crate::access::{Denial as Reason, DomainName};
use crate::sign_ins::{as_reference, cut};
use crate::store::text::tame;
use crate::store::time::{DAY, Timestamp, date, parse_day};
use crate::web::paging::base;
use crate::web::{Choice, Paging};

/// The word for those who ask to be let in.
const ASKING: &str = "asking";
/// The word for those who don't.
const SILENT: &str = "silent";
/// The word for every state.
const ANY: &str = "any";

/// The fields of the filter as the address has them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    /// A state, `asking`, `silent`, `any`; or empty for the open ones, and for everybody where a person is searched for.
    #[serde(default)]
    pub state: String,
    /// A reason or empty.
    #[serde(default)]
    pub reason: String,
    /// A connection's id or empty.
    #[serde(default)]
    pub connection: String,
    /// A domain or empty.
    #[serde(default)]
    pub domain: String,
    /// `me`, `nobody`, or empty.
    #[serde(default)]
    pub assigned: String,
    /// Part of an address or of a name, or a reference.
    #[serde(default)]
    pub person: String,
    /// The first day, `2026-11-23`, or empty.
    #[serde(default)]
    pub from: String,
    /// The last day or empty.
    #[serde(default)]
    pub to: String,
    /// Where the page begins.
    #[serde(flatten)]
    pub paging: Paging,
}

/// Whether somebody who was denied asks to be let in, and nobody has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// They do.
    Asks,
    /// They only came.
    Silent,
}

/// Who takes care of a denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// Nobody yet.
    Nobody,
    /// This account: whoever looks.
    To(String),
}

/// The filter understood. What can't be understood filters nothing, and is not repeated to the person
/// as if it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The state, or any.
    pub state: Option<State>,
    /// Of the open ones, only those who ask or those who don't.
    pub asking: Option<Asking>,
    /// The reason.
    pub reason: Option<Reason>,
    /// The connection's id.
    pub connection: Option<String>,
    /// The domain in the form in which domains are compared.
    pub domain: Option<String>,
    /// Who takes care of it.
    pub assigned: Option<Assigned>,
    /// Part of an address or of a name, in lower case.
    pub person: Option<String>,
    /// A reference, which names one denial.
    pub reference: Option<String>,
    /// Denied last at or after.
    pub from: Option<Timestamp>,
    /// Denied last before.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// The reference that was typed instead of a person, in the form in which it is stored. It may
    /// still be the name of a person, such as Mary-Anne.
    pub fn reference(&self) -> Option<String> {
        as_reference(&self.person)
    }

    /// What the fields mean to the account `me`. `named`: the reference is that of a sign-in.
    pub fn wanted(&self, me: &str, named: bool) -> Wanted {
        let filled = |text: &str| (!text.trim().is_empty()).then(|| tame(text.trim(), 100));
        Wanted {
            // Whoever types a name or a reference wants that person, whatever became of them.
            state: match self.state.as_str() {
                "" if filled(&self.person).is_some() => None,
                "" | ASKING | SILENT => Some(State::Open),
                word => State::parse(word),
            },
            asking: match self.state.as_str() {
                ASKING => Some(Asking::Asks),
                SILENT => Some(Asking::Silent),
                _ => None,
            },
            reason: Reason::parse(&self.reason),
            connection: filled(&self.connection),
            domain: filled(&self.domain).map(|text| folded_domain(&text)),
            assigned: match self.assigned.as_str() {
                "me" => Some(Assigned::To(me.to_owned())),
                "nobody" => Some(Assigned::Nobody),
                _ => None,
            },
            person: filled(&self.person)
                .filter(|_| !named)
                .map(|text| text.to_lowercase()),
            reference: self.reference().filter(|_| named),
            from: parse_day(&self.from),
            until: parse_day(&self.to).map(|day| day + DAY),
        }
    }

    /// The address of the list so filtered, to which the key of a page is added.
    pub fn base(&self) -> String {
        base(&[
            ("state", &self.state),
            ("reason", &self.reason),
            ("connection", &self.connection),
            ("domain", &self.domain),
            ("assigned", &self.assigned),
            ("person", &self.person),
            ("from", &self.from),
            ("to", &self.to),
        ])
    }

    /// The states to choose from. The first is chosen where nothing was.
    pub fn states(&self) -> Vec<Choice> {
        let chosen = match self.state.as_str() {
            known @ ("" | ASKING | SILENT) => known,
            word => State::parse(word).map_or(ANY, State::as_str),
        };
        let choice = |word: &str, title: &str| Choice::new(word, title, chosen);
        let open = [
            choice("", "Open, or any in a search"),
            choice(State::Open.as_str(), "Open"),
            choice(ASKING, "Open, asks to be let in"),
            choice(SILENT, "Open, does not ask"),
        ];
        let others = State::ALL.into_iter().filter(|state| *state != State::Open);
        open.into_iter()
            .chain(others.map(|state| choice(state.as_str(), state.title())))
            .chain([choice(ANY, "Any")])
            .collect()
    }

    /// The reasons to choose from.
    pub fn reasons(&self) -> Vec<Choice> {
        let all = Reason::ALL.iter();
        let all = all.map(|reason| Choice::new(reason.as_str(), reason.title(), &self.reason));
        std::iter::once(Choice::new("", "Any", &self.reason))
            .chain(all)
            .collect()
    }

    /// Who takes care, to choose from.
    pub fn assignments(&self) -> Vec<Choice> {
        [("", "Anybody"), ("me", "Me"), ("nobody", "Nobody yet")]
            .map(|(word, title)| Choice::new(word, title, &self.assigned))
            .to_vec()
    }

    /// The connections to choose from.
    pub fn connections(&self, all: &[(String, String)]) -> Vec<Choice> {
        let all = all
            .iter()
            .map(|(id, name)| Choice::new(id, &cut(name, 60), &self.connection));
        std::iter::once(Choice::new("", "Any", &self.connection))
            .chain(all)
            .collect()
    }
}

impl Wanted {
    /// Whether this is the list as the navigation opens it.
    pub fn is_default(&self) -> bool {
        *self
            == Self {
                state: Some(State::Open),
                ..Self::default()
            }
    }

    /// The filter in words, for the table's caption.
    pub fn in_words(&self, connections: &[(String, String)]) -> Vec<String> {
        let name = |id: &String| {
            let known = connections.iter().find(|(known, _)| known == id);
            known.map_or_else(
                || "a connection that is gone".to_owned(),
                |(_, name)| cut(name, 60),
            )
        };
        let quoted = |person: &String| format!("with “{person}” in name or address");
        let words = [
            self.state.map(|state| state.title().to_lowercase()),
            self.asking.map(|asking| match asking {
                Asking::Asks => "asking to be let in".to_owned(),
                Asking::Silent => "not asking to be let in".to_owned(),
            }),
            self.reason.map(|reason| format!("reason “{}”", reason.title())),
            self.connection.as_ref().map(|id| format!("through {}", name(id))),
            self.domain.as_ref().map(|domain| format!("of {domain}")),
            self.assigned.as_ref().map(|assigned| match assigned {
                Assigned::Nobody => "that nobody takes care of".to_owned(),
                Assigned::To(_) => "that you take care of".to_owned(),
            }),
            self.person.as_ref().map(quoted),
            self.reference.as_ref().map(|text| format!("reference {text}")),
            self.from.map(|day| format!("from {}", date(day))),
            self.until.map(|day| format!("until {}", date(day - DAY))),
            self.state.is_none().then(|| "in any state".to_owned()),
        ];
        words.into_iter().flatten().collect()
    }
}

fn folded_domain(text: &str) -> String {
    match DomainName::parse(text) {
        Ok(domain) => domain.as_str().to_owned(),
        // It matches nothing, and the caption says what was looked for.
        Err(_) => text.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_opens_with_the_open_ones() {
        let filter = Filter::default();
        assert!(filter.wanted("me", false).is_default());
        assert_eq!(filter.base(), "?");
        assert_eq!(filter.wanted("me", false).in_words(&[]), ["open"]);
    }

    #[test]
    fn a_reference_is_looked_for_in_every_state() {
        let filter = Filter {
            person: "k7f2-91qd".into(),
            ..Filter::default()
        };
        let named = filter.wanted("me", true);
        assert_eq!((named.state, &named.person), (None, &None));
        assert_eq!(named.in_words(&[]), ["reference k7f2-91qd", "in any state"]);
        let nobody = filter.wanted("me", false);
        assert_eq!(nobody.person.as_deref(), Some("k7f2-91qd"));
        assert!(!nobody.is_default());
    }

    #[test]
    fn a_search_looks_in_every_state_unless_one_is_chosen() {
        let search = |state: &str| Filter {
            state: state.into(),
            person: "mary".into(),
            ..Filter::default()
        };
        for (word, state, asking) in [
            ("", None, None),
            ("any", None, None),
            ("open", Some(State::Open), None),
            ("asking", Some(State::Open), Some(Asking::Asks)),
            ("silent", Some(State::Open), Some(Asking::Silent)),
            ("dismissed", Some(State::Dismissed), None),
        ] {
            let wanted = search(word).wanted("me", false);
            assert_eq!((wanted.state, wanted.asking), (state, asking), "{word}");
            let chosen: Vec<Choice> = search(word)
                .states()
                .into_iter()
                .filter(|choice| choice.chosen)
                .collect();
            assert_eq!(chosen.len(), 1, "{word}");
            assert_eq!(chosen[0].value, word);
        }
    }

    #[test]
    fn the_filter_is_said_in_words_and_in_the_address() {
        let filter = Filter {
            state: "any".into(),
            reason: "no_seat".into(),
            connection: "c1".into(),
            domain: "Corp.Example".into(),
            assigned: "nobody".into(),
            person: "Mary & Co".into(),
            from: "2026-11-01".into(),
            to: "2026-11-23".into(),
            paging: Paging::default(),
        };
        assert_eq!(
            filter
                .wanted("me", false)
                .in_words(&[("c1".into(), "Okta".into())]),
            [
                "reason “No free seat”",
                "through Okta",
                "of corp.example",
                "that nobody takes care of",
                "with “mary & co” in name or address",
                "from 1 November 2026",
                "until 23 November 2026",
                "in any state",
            ]
        );
        assert!(filter.base().contains("person=Mary+%26+Co&"));
        assert!(!filter.wanted("me", false).is_default());
    }

    #[test]
    fn what_cant_be_understood_filters_nothing() {
        let filter = Filter {
            state: "any".into(),
            reason: "banned".into(),
            from: "yesterday".into(),
            ..Filter::default()
        };
        assert_eq!(filter.wanted("me", false), Wanted::default());
    }
}
