//! Which warnings are due: from what the database knows, and what was told already. Pure.

use std::collections::BTreeSet;

use crate::domains::PATIENCE;
use crate::store::time::{DAY, Timestamp, date};

/// How many days before its end something is told: certificates, keys, tokens.
const STEPS: [i64; 3] = [1, 7, 30];

/// One thing that may need an owner, as the database tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Whose.
    pub organization: String,
    /// What it is.
    pub kind: Kind,
    /// The id of what it is about; a connection's for its certificates, keys and tokens.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it ends or began, or a limit.
    pub at: i64,
    /// How many.
    pub n: i64,
}

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The last certificate of a live connection's provider ends.
    Certificate,
    /// Since `at` nobody comes in by a live connection: its provider publishes its keys elsewhere than confirmed.
    Moved,
    /// Our own key of a live connection ends.
    Key,
    /// A directory's token ends.
    Token,
    /// The record of a domain is missing since `at`; `n` is 1 where that has consequences by now.
    Lost,
    /// A directory deactivated unusually many people and waits since `at`.
    Paused,
    /// `n` of `at` seats are taken.
    Seats,
    /// `n` letters could not be sent within a day, the last at `at`.
    Letters,
}

impl Kind {
    const ALL: [(Self, &str); 8] = [
        (Self::Certificate, "certificate"),
        (Self::Moved, "moved"),
        (Self::Key, "key"),
        (Self::Token, "token"),
        (Self::Lost, "lost"),
        (Self::Paused, "paused"),
        (Self::Seats, "seats"),
        (Self::Letters, "letters"),
    ];

    /// Reads the word of the query.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(kind, _)| *kind)
    }

    fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, word)| *word)
    }
}

/// Something that owners are to be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Whose owners.
    pub organization: String,
    /// By what it is remembered that it was told.
    pub key: String,
    /// What is the matter.
    pub sentence: String,
    /// The page that helps, below the organization's address.
    pub path: String,
}

/// What is to be told, and what may be told again one day because it is no longer so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// To be told now.
    pub tell: Vec<Warning>,
    /// Organization and key of what is over.
    pub forget: Vec<(String, String)>,
}

/// Decides. `told` has organization and key of what was told.
pub fn due(facts: &[Fact], told: &BTreeSet<(String, String)>, now: Timestamp) -> Due {
    let is_new = |warning: &Warning| !told.contains(&(warning.organization.clone(), warning.key.clone()));
    let mut due = Due::default();
    for fact in facts {
        due.tell.extend(warning(fact, now).filter(is_new));
        let over = over(fact).into_iter().map(|key| (fact.organization.clone(), key));
        due.forget.extend(over.filter(|key| told.contains(key)));
    }
    due
}

fn warning(fact: &Fact, now: Timestamp) -> Option<Warning> {
    match fact.kind {
        Kind::Certificate | Kind::Key | Kind::Token => ending(fact, now),
        Kind::Moved => Some(moved(fact)),
        Kind::Seats => seats(fact),
        Kind::Lost => Some(lost(fact)),
        Kind::Paused => Some(paused(fact)),
        Kind::Letters => letters(fact, now),
    }
}

fn of(fact: &Fact, key: String, sentence: String, path: String) -> Warning {
    Warning {
        organization: fact.organization.clone(),
        key,
        sentence,
        path,
    }
}

/// Told at 30, 7 and 1 days, each once for this end: a renewed one begins anew.
fn ending(fact: &Fact, now: Timestamp) -> Option<Warning> {
    let left = fact.at - now;
    let step = STEPS.into_iter().find(|days| left <= days * DAY)?;
    let (what, path) = match fact.kind {
        Kind::Certificate => (
            format!(
                "The newest certificate of {}\u{2019}s identity provider",
                fact.name
            ),
            format!("/connections/{}", fact.id),
        ),
        Kind::Key => (
            format!("The key that signs our requests to {}", fact.name),
            format!("/connections/{}/keys", fact.id),
        ),
        _ => (
            format!("The directory\u{2019}s token \u{201c}{}\u{201d}", fact.name),
            format!("/connections/{}/directory", fact.id),
        ),
    };
    let sentence = if left <= 0 {
        format!("{what} ended on {}.", date(fact.at))
    } else {
        format!("{what} ends on {} (UTC).", date(fact.at))
    };
    let sentence = match fact.kind {
        Kind::Certificate => format!("{sentence} After that nobody comes in by it."),
        Kind::Token => format!("{sentence} Without one, the directory changes nothing here any more."),
        _ => sentence,
    };
    let key = format!(
        "{}:{}:{}:{}:{step}",
        fact.kind.as_str(),
        fact.id,
        fact.name,
        fact.at
    );
    Some(of(fact, key, sentence, path))
}

fn share(fact: &Fact) -> i64 {
    fact.n.saturating_mul(100) / fact.at.max(1)
}

/// Told at 80 and at 100 per cent.
fn seats(fact: &Fact) -> Option<Warning> {
    let (limit, taken) = (fact.at, fact.n);
    match share(fact) {
        100.. => Some(of(
            fact,
            "seats:100".to_owned(),
            format!("All {limit} seats are taken ({taken} by members and invitations). Nobody new comes in."),
            "/settings".to_owned(),
        )),
        80.. => Some(of(
            fact,
            "seats:80".to_owned(),
            format!("{taken} of {limit} seats are taken."),
            "/settings".to_owned(),
        )),
        _ => None,
    }
}

/// Told again only after it was clearly better, so that one person who comes and goes is no flood of letters.
fn over(fact: &Fact) -> Vec<String> {
    if fact.kind != Kind::Seats {
        return Vec::new();
    }
    match share(fact) {
        ..70 => vec!["seats:80".to_owned(), "seats:100".to_owned()],
        70..95 => vec!["seats:100".to_owned()],
        _ => Vec::new(),
    }
}

fn lost(fact: &Fact) -> Warning {
    let (key, sentence) = if fact.n > 0 {
        (
            format!("lapsed:{}:{}", fact.id, fact.at),
            format!(
                "The TXT record of {} is missing. Since {} nobody new is let in by it; members keep signing in.",
                fact.name,
                date(fact.at)
            ),
        )
    } else {
        (
            format!("lost:{}:{}", fact.id, fact.at),
            format!(
                "The TXT record of {} is missing since {}. From {} on nobody new is let in by it.",
                fact.name,
                date(fact.at),
                date(fact.at + PATIENCE)
            ),
        )
    };
    of(fact, key, sentence, format!("/domains/{}", fact.id))
}

fn moved(fact: &Fact) -> Warning {
    of(
        fact,
        // Once a day at most, also where a provider says now this and now that.
        format!("moved:{}:{}", fact.id, fact.at / DAY),
        format!(
            "Nobody comes in by {} any more: its provider publishes its keys at another address, which an owner has to confirm.",
            fact.name
        ),
        format!("/connections/{}/provider-keys", fact.id),
    )
}

fn paused(fact: &Fact) -> Warning {
    of(
        fact,
        format!("paused:{}:{}", fact.id, fact.at),
        format!(
            "The directory of {} deactivated unusually many people. What it asked beyond that waits for you.",
            fact.name
        ),
        format!("/connections/{}/directory", fact.id),
    )
}

/// Told once a day at most.
fn letters(fact: &Fact, now: Timestamp) -> Option<Warning> {
    let sentence = match fact.n {
        0 => return None,
        1 => "1 letter could not be sent.".to_owned(),
        some => format!("{some} letters could not be sent."),
    };
    Some(of(
        fact,
        format!("letters:{}", now / DAY),
        sentence,
        "/mail?state=dead".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = 1_795_459_867_123; // 23 November 2026

    fn fact(kind: Kind, at: i64, n: i64) -> Fact {
        Fact {
            organization: "acme".into(),
            kind,
            id: "c1".into(),
            name: "Okta".into(),
            at,
            n,
        }
    }

    /// What is told of these facts, remembering it.
    fn tell(told: &mut BTreeSet<(String, String)>, facts: &[Fact], now: Timestamp) -> Vec<String> {
        let due = due(facts, told, now);
        for key in &due.forget {
            told.remove(key);
        }
        due.tell
            .into_iter()
            .map(|warning| {
                told.insert((warning.organization, warning.key));
                warning.sentence
            })
            .collect()
    }

    /// SAML-062.
    #[test]
    fn an_end_is_told_at_30_7_and_1_days_and_a_new_end_anew() {
        let mut told = BTreeSet::new();
        let end = NOW + 40 * DAY;
        let mut days = Vec::new();
        for day in 0..45 {
            if !tell(&mut told, &[fact(Kind::Certificate, end, 1)], NOW + day * DAY).is_empty() {
                days.push(40 - day);
            }
        }
        assert_eq!(days, [30, 7, 1]);
        let renewed = tell(
            &mut told,
            &[fact(Kind::Certificate, end + 20 * DAY, 1)],
            NOW + 35 * DAY,
        );
        assert_eq!(renewed.len(), 1);
        assert!(renewed[0].starts_with("The newest certificate of Okta\u{2019}s identity provider ends on"));
    }

    #[test]
    fn who_sees_an_end_late_is_told_the_nearest_step_alone() {
        let mut told = BTreeSet::new();
        let facts = [fact(Kind::Token, NOW + 3 * DAY, 1), fact(Kind::Key, NOW - DAY, 1)];
        let sentences = tell(&mut told, &facts, NOW);
        assert_eq!(sentences.len(), 2);
        assert!(
            sentences[1].contains("ended on 22 November 2026"),
            "{sentences:?}"
        );
        assert!(tell(&mut told, &facts, NOW).is_empty());
    }

    #[test]
    fn seats_are_told_at_80_and_100_per_cent_and_again_after_they_were_free() {
        let mut told = BTreeSet::new();
        let mut at = |taken| tell(&mut told, &[fact(Kind::Seats, 10, taken)], NOW).len();
        let counts: Vec<usize> = [7, 8, 9, 8, 10, 9, 10, 11, 9, 6, 8, 10]
            .into_iter()
            .map(&mut at)
            .collect();
        //                       70 80 90 80 100 90 100 110 90 60 80 100
        assert_eq!(counts, [0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn a_lost_proof_is_told_when_it_is_lost_and_when_that_counts() {
        let mut told = BTreeSet::new();
        assert!(tell(&mut told, &[fact(Kind::Lost, NOW, 0)], NOW)[0].contains("From 30 November 2026 on"));
        assert!(tell(&mut told, &[fact(Kind::Lost, NOW, 0)], NOW + DAY).is_empty());
        assert!(
            tell(&mut told, &[fact(Kind::Lost, NOW + 7 * DAY, 1)], NOW + 8 * DAY)[0]
                .contains("Since 30 November 2026")
        );
    }

    #[test]
    fn letters_that_were_not_sent_are_told_once_a_day() {
        let mut told = BTreeSet::new();
        let mut at = |n, now| tell(&mut told, &[fact(Kind::Letters, NOW, n)], now).len();
        assert_eq!(
            (at(0, NOW), at(1, NOW), at(5, NOW), at(5, NOW + DAY)),
            (0, 1, 0, 1)
        );
    }

    #[test]
    fn what_one_organization_was_told_the_other_is_told_too() {
        let mut told = BTreeSet::new();
        let other = Fact {
            organization: "umbra".into(),
            ..fact(Kind::Paused, NOW, 1)
        };
        assert_eq!(
            tell(&mut told, &[fact(Kind::Paused, NOW, 1), other.clone()], NOW).len(),
            2
        );
        assert_eq!(tell(&mut told, &[other], NOW).len(), 0);
    }
}
