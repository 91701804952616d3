//! What a denial is, and what may become of it.

use crate::access::{Denial as Reason, DenialDetail, EmailAddress};
use crate::sign_ins::{Record, cut};
use crate::store::text::tame;
use crate::store::time::{DAY, Timestamp};

/// How much of a message stands in the list, in characters.
const IN_SHORT: usize = 80;

/// What became of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for an administrator.
    Open,
    /// The person was invited, and has not come back yet.
    Invited,
    /// An administrator let it be. Further attempts don't open it again; asking to be let in does.
    Dismissed,
    /// The person was admitted since.
    Settled,
}

impl State {
    /// Every state, in the order of the filter.
    pub const ALL: [Self; 4] = [Self::Open, Self::Invited, Self::Dismissed, Self::Settled];

    /// The word in the database and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invited => "invited",
            Self::Dismissed => "dismissed",
            Self::Settled => "settled",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The word that people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Invited => "Invited",
            Self::Dismissed => "Dismissed",
            Self::Settled => "Settled",
        }
    }

    /// The badge's variant.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Open => "warn",
            Self::Settled => "good",
            Self::Invited | Self::Dismissed => "",
        }
    }

    /// What a new denial of the same person makes of it: the invitation or the admission did not last,
    /// but an administrator's "let it be" stands.
    #[must_use]
    pub fn after_another_denial(self) -> Self {
        match self {
            Self::Dismissed => Self::Dismissed,
            Self::Open | Self::Invited | Self::Settled => Self::Open,
        }
    }
}

/// One person who was denied.
#[derive(Debug, Clone)]
pub struct Denial {
    /// Its id.
    pub id: String,
    /// The organization.
    pub organization: String,
    /// See [`Record::person_key`].
    pub person_key: String,
    /// The address as it was presented last; may be empty.
    pub email: String,
    /// Its folded form, empty where the address is no proper one.
    pub email_key: String,
    /// Its domain, empty likewise.
    pub domain: String,
    /// The name as it was presented last.
    pub name: String,
    /// Address and name in lower case, to search in.
    pub search_key: String,
    /// The connection of the last attempt, if it still exists.
    pub connection: Option<String>,
    /// A word of [`crate::access::Denial`], of the last attempt.
    pub reason: String,
    /// A word of [`crate::access::DenialDetail`], or empty.
    pub detail: String,
    /// What became of it.
    pub state: State,
    /// An administrator's note.
    pub note: String,
    /// How many attempts were denied.
    pub attempts: i64,
    /// The first denied attempt.
    pub first_at: Timestamp,
    /// The last denied attempt.
    pub last_at: Timestamp,
    /// The record of the last denied attempt.
    pub last_sign_in: String,
    /// The reference of the last denied attempt.
    pub reference: String,
    /// The invitation that was its answer.
    pub invitation: Option<String>,
    /// The sign-in that settled it, or empty.
    pub settled_by: String,
    /// Since when it is in its state.
    pub state_at: Timestamp,
    /// Who brought it there; empty where nobody in particular did.
    pub state_by: String,
    /// Counts its changes, for forms.
    pub version: i64,
    /// When the person last asked to be let in.
    pub asked_at: Option<Timestamp>,
    /// What the person wrote then; may be empty.
    pub asked: String,
    /// The account of whoever takes care of it, or empty.
    pub assigned_account: String,
    /// The name of whoever that is, as it was then.
    pub assigned_name: String,
}

/// What a colleague wrote about a denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Who, as the name was then.
    pub by: String,
    /// What.
    pub text: String,
}

impl Denial {
    /// Why the person may not ask to be let in: they ask once a day, while nobody has said yes.
    pub(super) fn why_not_ask(&self, now: Timestamp) -> Option<&'static str> {
        match self.state {
            State::Settled => Some("You have been let in since. Sign in again."),
            State::Invited => Some("An administrator has dealt with this since. Sign in again."),
            State::Open | State::Dismissed => self.asked_of_late(now).then_some(
                "You have asked within the last day, and the administrators were given your request. Ask again tomorrow.",
            ),
        }
    }

    /// Whether the person may ask to be let in.
    pub fn may_ask(&self, now: Timestamp) -> bool {
        self.why_not_ask(now).is_none()
    }

    /// Whether the person asked within a day, and nobody let them in since: whoever is denied anew asks for something else.
    pub fn asked_of_late(&self, now: Timestamp) -> bool {
        let is_anew = |at| self.state == State::Open && at < self.state_at;
        self.asked_at.is_some_and(|at| now - at < DAY && !is_anew(at))
    }

    /// Whether the person asked and nobody has answered since.
    pub fn is_asking(&self) -> bool {
        self.state == State::Open && self.asked_at.is_some_and(|at| at >= self.state_at)
    }

    /// The beginning of what the person wrote who asks; empty where nothing is.
    pub fn asks_in_short(&self) -> String {
        if self.is_asking() {
            cut(&self.asked, IN_SHORT)
        } else {
            String::new()
        }
    }

    /// The person as titles name them: by address, else by name.
    pub fn person(&self) -> &str {
        [&self.email, &self.name]
            .into_iter()
            .map(String::as_str)
            .find(|text| !text.is_empty())
            .unwrap_or("Somebody without an address")
    }

    /// The reason, if it is one that this version knows.
    pub fn known_reason(&self) -> Option<Reason> {
        Reason::parse(&self.reason)
    }

    /// Whether nothing proved the address: then an invitation lets in whoever follows its link, which does, and no letter
    /// goes to it.
    pub fn is_unproven(&self) -> bool {
        matches!(
            self.known_reason(),
            Some(Reason::DomainNotVerified | Reason::DomainOfAnotherOrganization | Reason::EmailNotVerified)
        )
    }

    /// The reason as a short label.
    pub fn title(&self) -> &str {
        match self.known_reason() {
            Some(reason) => reason.title(),
            None => &self.reason,
        }
    }

    /// The reason as a sentence.
    pub fn sentence(&self) -> &str {
        match self.known_reason() {
            Some(reason) => reason.sentence(DenialDetail::parse(&self.detail)),
            None => &self.reason,
        }
    }
}

/// The row as it is after one more denied attempt.
pub(super) fn after(before: Option<Denial>, record: &Record, new_id: impl FnOnce() -> String) -> Denial {
    let email = EmailAddress::parse(&record.email).ok();
    let known = before.is_some();
    let mut denial = before.unwrap_or_else(|| first(record, new_id()));
    let state = denial.state.after_another_denial();
    if known && (state != denial.state || record.reason != denial.reason) {
        denial.version += 1;
    }
    if state != denial.state {
        denial.state_at = record.at;
        denial.state_by = String::new();
        denial.settled_by = String::new();
    }
    Denial {
        email: tame(&record.email, 320),
        email_key: email
            .as_ref()
            .map(|email| email.key().to_owned())
            .unwrap_or_default(),
        domain: email
            .as_ref()
            .map(|email| email.domain().to_owned())
            .unwrap_or_default(),
        name: tame(&record.name, 200),
        search_key: search_key(record),
        connection: record.connection.clone(),
        reason: record.reason.clone(),
        detail: record.detail.clone(),
        state,
        attempts: denial.attempts + 1,
        last_at: record.at,
        last_sign_in: record.id.clone(),
        reference: record.reference.clone(),
        ..denial
    }
}

fn first(record: &Record, id: String) -> Denial {
    Denial {
        id,
        organization: record.organization.clone(),
        person_key: key(record),
        email: String::new(),
        email_key: String::new(),
        domain: String::new(),
        name: String::new(),
        search_key: String::new(),
        connection: None,
        reason: String::new(),
        detail: String::new(),
        state: State::Open,
        note: String::new(),
        attempts: 0,
        first_at: record.at,
        last_at: record.at,
        last_sign_in: String::new(),
        reference: String::new(),
        invitation: None,
        settled_by: String::new(),
        state_at: record.at,
        state_by: String::new(),
        version: 1,
        asked_at: None,
        asked: String::new(),
        assigned_account: String::new(),
        assigned_name: String::new(),
    }
}

/// Bounded, because it stands in an index.
fn search_key(record: &Record) -> String {
    tame(&format!("{} {}", record.email, record.name).to_lowercase(), 300)
}

/// The key of the row. An attempt that names nobody is a person of its own.
pub(super) fn key(record: &Record) -> String {
    let key = record.person_key();
    if key.is_empty() {
        format!("sign_in:{}", record.id)
    } else {
        key
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Mary's denial.
    pub fn denial(reason: &str, state: State) -> Denial {
        Denial {
            id: "d1".into(),
            organization: "o1".into(),
            person_key: "email:mary@contoso.example".into(),
            email: "mary@contoso.example".into(),
            email_key: "mary@contoso.example".into(),
            domain: "contoso.example".into(),
            name: "Mary Jones".into(),
            search_key: String::new(),
            connection: None,
            reason: reason.into(),
            detail: String::new(),
            state,
            note: "A note.".into(),
            attempts: 1,
            first_at: 0,
            last_at: 0,
            last_sign_in: "s1".into(),
            reference: "k7f2-91qd".into(),
            invitation: None,
            settled_by: String::new(),
            state_at: 0,
            state_by: "Olive".into(),
            version: 1,
            asked_at: None,
            asked: String::new(),
            assigned_account: String::new(),
            assigned_name: String::new(),
        }
    }

    #[test]
    fn whoever_was_let_in_and_is_denied_anew_may_ask_anew() {
        let mut mary = denial("not_invited", State::Open);
        mary.asked_at = Some(0);
        assert!(mary.asked_of_late(1) && !mary.may_ask(1));
        mary.state_at = 1;
        assert!(!mary.asked_of_late(2) && mary.may_ask(2));
        mary.state = State::Dismissed;
        assert!(mary.asked_of_late(2) && !mary.may_ask(2));
    }

    #[test]
    fn only_what_was_dismissed_stays_so_at_another_denial() {
        let after = State::ALL.map(State::after_another_denial);
        assert_eq!(after, [State::Open, State::Open, State::Dismissed, State::Open]);
    }

    #[test]
    fn a_person_asks_once_a_day_while_nobody_said_yes() {
        for (state, asked_at, may) in [
            (State::Open, None, true),
            (State::Open, Some(1), false),
            (State::Open, Some(0), true),
            (State::Dismissed, None, true),
            (State::Dismissed, Some(1), false),
            (State::Invited, None, false),
            (State::Settled, None, false),
        ] {
            let asked = Denial {
                asked_at,
                ..denial("not_invited", state)
            };
            assert_eq!(asked.may_ask(DAY), may, "{state:?}, asked at {asked_at:?}");
        }
    }

    #[test]
    fn a_long_message_is_shortened_while_it_waits() {
        let mut mary = denial("not_invited", State::Open);
        mary.asked = "x".repeat(200);
        assert_eq!(mary.asks_in_short(), "", "she did not ask");
        mary.asked_at = Some(0);
        assert_eq!(mary.asks_in_short(), format!("{}…", "x".repeat(80)));
        mary.state = State::Invited;
        assert_eq!(mary.asks_in_short(), "");
    }

    #[test]
    fn words_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
