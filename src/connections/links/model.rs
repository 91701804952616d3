//! A set-up link and how it stands.

use crate::access::EmailAddress;
use crate::store::time::{DAY, Timestamp};

/// For how many days a link may be made, with the words for it.
pub const TERMS: [(&str, &str); 4] = [
    ("7", "7 days"),
    ("1", "A day"),
    ("3", "3 days"),
    ("30", "30 days"),
];

/// A link as an owner asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who gets it, as the owner calls them.
    pub name: String,
    /// For how many days, one of [`TERMS`].
    pub days: String,
    /// Whether its holder may turn the connection on and swap drafts in.
    pub may_switch: bool,
    /// Whom it is mailed to; none where the owner copies it.
    pub email: Option<EmailAddress>,
}

/// A link that lets somebody set one connection up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The id of its row.
    pub id: String,
    /// The connection's id.
    pub connection: String,
    /// Who gets it, as the owner calls them.
    pub name: String,
    /// Whether its holder may turn the connection on and swap drafts in.
    pub may_switch: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom, as the name was then.
    pub created_by: String,
    /// Until when it opens anything.
    pub expires_at: Timestamp,
    /// When a browser took it.
    pub begun_at: Option<Timestamp>,
    /// From which network address that was; empty where none did.
    pub begun_ip: String,
    /// When its holder was last here, to the minute.
    pub seen_at: Option<Timestamp>,
    /// When an owner took it back.
    pub revoked_at: Option<Timestamp>,
    /// Whom it was mailed to; empty where an owner copied it.
    pub email: String,
}

/// How a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has opened it yet.
    Waiting,
    /// A browser holds it.
    Open,
    /// Its time is over.
    Expired,
    /// An owner took it back.
    Revoked,
}

impl State {
    /// The word for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Waiting => "Not opened yet",
            Self::Open => "In use",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// The variant of its badge.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Waiting => "warn",
            Self::Open => "good",
            Self::Expired | Self::Revoked => "",
        }
    }

    /// Whether it still opens something.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Open)
    }
}

impl Link {
    /// How it stands.
    pub fn state(&self, now: Timestamp) -> State {
        match (self.revoked_at, self.begun_at) {
            (Some(_), _) => State::Revoked,
            (None, _) if self.expires_at <= now => State::Expired,
            (None, Some(_)) => State::Open,
            (None, None) => State::Waiting,
        }
    }
}

/// The days of a term, if it is one of those offered, as milliseconds.
pub fn term(word: &str) -> Option<i64> {
    let (days, _) = TERMS.iter().find(|(days, _)| *days == word)?;
    days.parse::<i64>().ok().map(|days| days * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_by_time_or_by_an_owner() {
        let link = Link {
            id: String::new(),
            connection: String::new(),
            name: String::new(),
            may_switch: false,
            created_at: 0,
            created_by: String::new(),
            expires_at: DAY,
            begun_at: None,
            begun_ip: String::new(),
            seen_at: None,
            revoked_at: None,
            email: String::new(),
        };
        assert_eq!(link.state(0), State::Waiting);
        assert_eq!(link.state(DAY), State::Expired);
        let open = Link {
            begun_at: Some(1),
            ..link
        };
        assert_eq!((open.state(2), open.state(DAY)), (State::Open, State::Expired));
        let revoked = Link {
            revoked_at: Some(2),
            ..open
        };
        assert!(!revoked.state(3).is_live() && revoked.state(3) == State::Revoked);
        assert_eq!((term("3"), term("4"), term("")), (Some(3 * DAY), None, None));
    }
}
