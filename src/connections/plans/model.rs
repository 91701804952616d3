//! A planned switch, and what is to become of it. Pure.

use std::collections::HashSet;

use crate::connections::Connection;
use crate::store::id;
use crate::store::time::{DAY, HOUR, MINUTE, Timestamp};

/// For how long after a switch people who are denied are counted.
pub const HOUR_OF_WATCH: i64 = HOUR;
/// How far ahead a switch can be planned.
pub const LATEST: i64 = 90 * DAY;
/// A switch that could not be made for so long after its time is not made any more.
const TOO_LATE: i64 = DAY;
/// For how long it is tried where its answer changes while it is looked at.
const PATIENCE: i64 = 30 * MINUTE;
/// How many letters of a hash tell one address from another.
const LETTERS: usize = 16;

/// What is switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Just-in-time provisioning.
    Jit,
    /// SCIM.
    Scim,
}

impl Switch {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jit => "jit",
            Self::Scim => "scim",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "jit" => Some(Self::Jit),
            "scim" => Some(Self::Scim),
            _ => None,
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Jit => "Just-in-time provisioning",
            Self::Scim => "SCIM",
        }
    }

    /// Whether it is on.
    pub fn is_on(self, connection: &Connection) -> bool {
        match self {
            Self::Jit => connection.jit,
            Self::Scim => connection.scim,
        }
    }
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its time has not come.
    Waiting,
    /// It is made, and those who are denied are counted.
    Watched,
    /// It is made.
    Done,
    /// It was not made.
    Refused,
    /// It was made, and made back.
    Back,
    /// Somebody took it back.
    Cancelled,
}

impl State {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Watched => "watched",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Back => "back",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Waiting,
            Self::Watched,
            Self::Done,
            Self::Refused,
            Self::Back,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }

    /// Whether something is still to become of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Watched)
    }
}

/// A planned switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its id.
    pub id: String,
    /// The organization.
    pub organization: String,
    /// The connection.
    pub connection: String,
    /// What is switched.
    pub switch: Switch,
    /// On, or off.
    pub on: bool,
    /// When it is made; where it is made, when it was.
    pub at: Timestamp,
    /// It makes itself back where more people than these are denied within an hour.
    pub most_denied: Option<i64>,
    /// How many days back the preview looked.
    pub days: i64,
    /// A hash of each address that the preview named as kept out, one on each line.
    pub named: String,
    /// What became of it.
    pub state: State,
    /// The account of whoever planned it.
    pub by: String,
    /// The name, as it was then.
    pub by_name: String,
    /// When it was planned.
    pub made_at: Timestamp,
    /// When something became of it.
    pub ended_at: Option<Timestamp>,
    /// What became of it, in a sentence.
    pub told: String,
}

impl Plan {
    /// "Just-in-time provisioning is turned off", for what will be, was, or was made back.
    pub fn deed(&self) -> String {
        format!("{} is turned {}", self.switch.title(), word(self.on))
    }

    /// When it makes itself back, as the end of a sentence; none where it never does.
    pub fn limit(&self) -> Option<String> {
        let most = self.most_denied?;
        let people = if most == 1 { "person is" } else { "people are" };
        Some(format!("if more than {most} {people} denied within an hour"))
    }

    /// How many of these addresses the preview did not name.
    pub fn unforeseen<'a>(&self, addresses: impl Iterator<Item = &'a str>) -> usize {
        let named: HashSet<&str> = self.named.lines().collect();
        addresses
            .filter(|address| !named.contains(mark(address).as_str()))
            .count()
    }
}

/// "on" or "off".
pub(super) fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What a plan keeps of addresses.
pub(super) fn marks<'a>(addresses: impl Iterator<Item = &'a str>) -> String {
    addresses.map(mark).collect::<Vec<_>>().join("\n")
}

fn mark(address: &str) -> String {
    id::hash_token(address).chars().take(LETTERS).collect()
}

/// How things stand when the time of a plan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// It is switched so already.
    pub is_so: bool,
    /// Whoever planned it is still an owner.
    pub by_an_owner: bool,
    /// A verified domain is attached.
    pub has_domain: bool,
    /// How many people would be kept out whom the page did not name; none where the answer changed while it was looked at.
    pub unforeseen: Option<usize>,
}

/// What becomes of a plan whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It is made.
    Switch,
    /// It is looked at again in a minute.
    Later,
    /// It is not made, and why.
    Refuse(String),
}

/// Judges a plan that waits.
pub fn judge_start(plan: &Plan, facts: Facts, now: Timestamp) -> Start {
    let refuse = |why: &str| Start::Refuse(why.to_owned());
    if now < plan.at {
        return Start::Later;
    }
    if facts.is_so {
        return refuse("It was switched so already.");
    }
    if now - plan.at > TOO_LATE {
        return refuse("It could not be made within a day of its time.");
    }
    if !facts.by_an_owner {
        return refuse("Whoever planned it is no longer an owner.");
    }
    if plan.switch == Switch::Scim && plan.on && !facts.has_domain {
        return refuse("A directory needs a verified domain, and none is attached any more.");
    }
    match facts.unforeseen {
        Some(0) => Start::Switch,
        None if now - plan.at > PATIENCE => refuse("Whom it concerns kept changing while it was looked at."),
        None => Start::Later,
        Some(1) => refuse("It would deny 1 person whom its page did not name."),
        Some(more) => Start::Refuse(format!("It would deny {more} people whom its page did not name.")),
    }
}

/// What becomes of a switch that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// The hour goes on.
    GoOn,
    /// The hour is over, and no more were denied than was said.
    Held,
    /// Too many were denied: it is made back.
    Back,
    /// Somebody switched it by hand meanwhile.
    Overtaken,
}

/// Judges a switch that was made. `denied` are the people who were denied within its hour.
pub fn judge_watch(plan: &Plan, is_so: bool, denied: i64, now: Timestamp) -> Watch {
    match plan.most_denied {
        _ if !is_so => Watch::Overtaken,
        Some(most) if denied > most => Watch::Back,
        _ if now >= plan.at + HOUR_OF_WATCH => Watch::Held,
        _ => Watch::GoOn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(switch: Switch, on: bool) -> Plan {
        Plan {
            id: "p".into(),
            organization: "o".into(),
            connection: "c".into(),
            switch,
            on,
            at: 10 * DAY,
            most_denied: Some(2),
            days: 90,
            named: marks(["a@acme.example", "b@acme.example"].into_iter()),
            state: State::Waiting,
            by: "olive".into(),
            by_name: "Olive".into(),
            made_at: 0,
            ended_at: None,
            told: String::new(),
        }
    }

    const FINE: Facts = Facts {
        is_so: false,
        by_an_owner: true,
        has_domain: true,
        unforeseen: Some(0),
    };

    #[test]
    fn a_plan_is_made_at_its_time_where_all_is_as_it_was_shown() {
        let off = plan(Switch::Jit, false);
        assert_eq!(judge_start(&off, FINE, off.at - 1), Start::Later);
        assert_eq!(judge_start(&off, FINE, off.at), Start::Switch);
        assert_eq!(judge_start(&off, FINE, off.at + DAY), Start::Switch);
        let refused = |facts: Facts, after: i64| match judge_start(&off, facts, off.at + after) {
            Start::Refuse(why) => why,
            other => format!("{other:?}"),
        };
        assert!(refused(FINE, DAY + 1).contains("within a day"));
        assert!(refused(Facts { is_so: true, ..FINE }, 0).contains("already"));
        let stranger = Facts {
            by_an_owner: false,
            ..FINE
        };
        assert!(refused(stranger, 0).contains("no longer an owner"));
        let one = Facts {
            unforeseen: Some(1),
            ..FINE
        };
        assert!(refused(one, 0).contains("1 person whom"));
        let moving = Facts {
            unforeseen: None,
            ..FINE
        };
        assert_eq!(judge_start(&off, moving, off.at), Start::Later);
        assert!(refused(moving, PATIENCE + 1).contains("kept changing"));
        let bare = Facts {
            has_domain: false,
            ..FINE
        };
        assert_eq!(judge_start(&off, bare, off.at), Start::Switch);
        assert!(matches!(
            judge_start(&plan(Switch::Scim, true), bare, off.at),
            Start::Refuse(_)
        ));
    }

    #[test]
    fn a_watched_switch_goes_back_where_too_many_are_denied() {
        let off = plan(Switch::Jit, false);
        assert_eq!(judge_watch(&off, true, 2, off.at), Watch::GoOn);
        assert_eq!(judge_watch(&off, true, 3, off.at), Watch::Back);
        assert_eq!(judge_watch(&off, true, 2, off.at + HOUR), Watch::Held);
        assert_eq!(judge_watch(&off, true, 3, off.at + HOUR), Watch::Back);
        assert_eq!(judge_watch(&off, false, 9, off.at), Watch::Overtaken);
        let unwatched = Plan {
            most_denied: None,
            ..off.clone()
        };
        assert_eq!(judge_watch(&unwatched, true, 9, off.at), Watch::GoOn);
    }

    #[test]
    fn addresses_are_known_by_their_marks() {
        let off = plan(Switch::Jit, false);
        assert_eq!(
            off.unforeseen(["b@acme.example", "a@acme.example"].into_iter()),
            0
        );
        assert_eq!(
            off.unforeseen(["a@acme.example", "c@acme.example"].into_iter()),
            1
        );
        assert!(!off.named.contains("acme"));
    }
}
