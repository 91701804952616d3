//! What becomes of a letter: its states, and when it is tried again. Pure.

use crate::store::time::{DAY, HOUR, MINUTE, Timestamp};

/// The first pause before a letter is tried again, in milliseconds.
const FIRST: i64 = MINUTE;
/// The longest pause.
const LONGEST: i64 = 4 * HOUR;
/// For how long a letter is tried.
const PATIENCE: i64 = 3 * DAY;
/// The longest sentence of a mail server that is kept, in characters.
const SENTENCE: usize = 300;
/// No word of a sentence is longer: tokens are.
const WORD: usize = 32;

/// Where a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not tried yet.
    Waiting,
    /// Tried, and to be tried again.
    Retrying,
    /// The mail server took it.
    Sent,
    /// Given up.
    Dead,
    /// Taken back before it was sent, since what it tells is no longer so.
    Withdrawn,
}

impl State {
    /// Every state.
    pub const ALL: &'static [Self] = &[
        Self::Waiting,
        Self::Retrying,
        Self::Sent,
        Self::Dead,
        Self::Withdrawn,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Retrying => "retrying",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word)
    }

    /// The words for people, to stand behind "Mail:".
    pub fn title(self) -> &'static str {
        match self {
            Self::Waiting => "Not sent yet",
            Self::Retrying => "Not sent yet, trying again",
            Self::Sent => "Sent",
            Self::Dead => "Could not be sent",
            Self::Withdrawn => "Taken back",
        }
    }

    /// The kind of its badge.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Waiting | Self::Withdrawn => "",
            Self::Retrying => "warn",
            Self::Sent => "good",
            Self::Dead => "bad",
        }
    }
}

/// What became of the newest letter about something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailed {
    /// The letter.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// Why it was not sent, as a sentence; empty where there is nothing to say.
    pub reason: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it is tried next, while it waits.
    pub due_at: Timestamp,
    /// When it was sent or given up.
    pub settled_at: Option<Timestamp>,
}

impl Mailed {
    /// When it was settled, or is tried next.
    pub fn when(&self) -> Timestamp {
        self.settled_at.unwrap_or(self.due_at)
    }
}

/// A letter that was claimed, to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub id: String,
    pub recipient: String,
    pub from_name: String,
    pub subject: String,
    pub message_id: String,
    pub body_sealed: String,
    pub attempts: i64,
    pub queued_at: Timestamp,
    pub since_at: Timestamp,
    pub useful_until: Option<Timestamp>,
}

/// Why a letter was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server itself is not to be had: not reached, not safe, not logged in. No letter's fault.
    Server(String),
    /// It asks to come again later.
    Later(String),
    /// It will never take this letter.
    Never(String),
}

impl Fault {
    /// The sentence for people. What the server said has no long words: none of them is a token.
    pub fn sentence(&self) -> String {
        let (what, said) = match self {
            Self::Server(said) => ("The mail server could not be used", said),
            Self::Later(said) => ("The mail server asks to try again later", said),
            Self::Never(said) => ("The mail server refused the letter for good", said),
        };
        let said = crate::store::text::tame(said, SENTENCE);
        let words = said
            .split_whitespace()
            .map(|word| if word.chars().count() > WORD { "…" } else { word });
        format!(
            "{what}: {}.",
            words.collect::<Vec<_>>().join(" ").trim_end_matches(['.', ' '])
        )
    }
}

/// What is written of a letter after it was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    Sent,
    Again { at: Timestamp, reason: String },
    Dead { reason: String, keeps_body: bool },
}

/// What becomes of a letter that was tried at `now`. `chance` (0 to 1,000) spreads those that failed together.
pub(super) fn settle(letter: &Outgoing, outcome: &Result<(), Fault>, now: Timestamp, chance: i64) -> Settled {
    let fault = match outcome {
        Ok(()) => return Settled::Sent,
        Err(fault) => fault,
    };
    let (reason, keeps_body) = (fault.sentence(), letter.useful_until.is_none_or(|end| end > now));
    if matches!(fault, Fault::Never(_)) {
        return Settled::Dead { reason, keeps_body };
    }
    let at = now + pause(letter.attempts, chance);
    let end = give_up_at(letter);
    if now >= end {
        return Settled::Dead {
            reason: format!("{reason} It was tried for long enough."),
            keeps_body,
        };
    }
    // The last try is at the very end, not some hours before it.
    Settled::Again {
        at: at.min(end),
        reason,
    }
}

/// Until when it is tried.
pub(super) fn give_up_at(letter: &Outgoing) -> Timestamp {
    let end = letter.since_at + PATIENCE;
    letter.useful_until.map_or(end, |useful| end.min(useful))
}

/// The pause after so many tries: a minute, then twice as long each time up to four hours, a fifth more or less.
fn pause(attempts: i64, chance: i64) -> i64 {
    let doublings = u32::try_from((attempts - 1).clamp(0, 20)).unwrap_or_default();
    let pause = (FIRST << doublings).min(LONGEST);
    pause * 4 / 5 + pause * 2 / 5 * chance.clamp(0, 1_000) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = 1_795_459_867_123;

    fn letter(attempts: i64) -> Outgoing {
        Outgoing {
            id: "1".into(),
            recipient: "ada@corp.example".into(),
            from_name: String::new(),
            subject: "Hello".into(),
            message_id: "<1@corp.example>".into(),
            body_sealed: String::new(),
            attempts,
            queued_at: NOW,
            since_at: NOW,
            useful_until: None,
        }
    }

    fn later() -> Result<(), Fault> {
        Err(Fault::Later("451 greylisted".into()))
    }

    #[test]
    fn each_state_has_one_word() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(*state));
        }
    }

    #[test]
    fn pauses_double_up_to_four_hours_with_a_fifth_of_chance() {
        let minutes: Vec<i64> = (1..=10).map(|attempts| pause(attempts, 500) / MINUTE).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240]);
        assert_eq!((pause(1, 0), pause(1, 1_000)), (48_000, 72_000));
        assert!(pause(i64::MAX, 1_000) <= LONGEST * 6 / 5);
    }

    #[test]
    fn a_letter_is_tried_for_three_days_and_once_more_at_the_end() {
        let Settled::Again { at, reason } = settle(&letter(1), &later(), NOW, 500) else {
            panic!("not tried again");
        };
        assert_eq!(at, NOW + MINUTE);
        assert_eq!(reason, "The mail server asks to try again later: 451 greylisted.");
        let near = settle(&letter(20), &later(), NOW + PATIENCE - 1, 0);
        assert!(matches!(near, Settled::Again { at, .. } if at == NOW + PATIENCE));
        let over = settle(&letter(21), &later(), NOW + PATIENCE, 0);
        assert!(matches!(over, Settled::Dead { keeps_body: true, .. }), "{over:?}");
    }

    #[test]
    fn what_is_of_no_use_is_given_up_and_forgotten() {
        let mut letter = letter(3);
        letter.useful_until = Some(NOW + HOUR);
        assert!(matches!(settle(&letter, &later(), NOW, 0), Settled::Again { .. }));
        let over = settle(&letter, &later(), NOW + HOUR, 0);
        assert!(
            matches!(
                over,
                Settled::Dead {
                    keeps_body: false,
                    ..
                }
            ),
            "{over:?}"
        );
    }

    #[test]
    fn a_refusal_for_good_is_not_tried_again() {
        let never = settle(&letter(1), &Err(Fault::Never("550 no such user".into())), NOW, 0);
        assert_eq!(
            never,
            Settled::Dead {
                reason: "The mail server refused the letter for good: 550 no such user.".into(),
                keeps_body: true,
            }
        );
        assert_eq!(settle(&letter(1), &Ok(()), NOW, 0), Settled::Sent);
    }

    /// SEC-001, EML-001.
    #[test]
    fn no_sentence_has_a_token_or_a_line_of_its_own() {
        let said = format!(
            "554 spam: https://door.example/invitation/{}\r\n550 x",
            "t".repeat(43)
        );
        let sentence = Fault::Never(said).sentence();
        assert!(
            !sentence.contains("tttt") && !sentence.contains('\n'),
            "{sentence}"
        );
        assert!(sentence.contains("554 spam: …"));
    }
}
