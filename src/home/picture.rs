//! The last 30 days: who was let in, who was not, and why not.

use crate::access::Denial;
use crate::sign_ins::chart::{Chart, DAYS, grouped};
use crate::sign_ins::{Counted, Outcome};
use crate::store::time::Timestamp;

/// The picture, its sentence, and the figures behind it.
#[derive(Debug)]
pub struct Picture {
    /// Sign-ins that were admitted.
    pub admitted: Option<Chart>,
    /// Attempts that were denied.
    pub denied: Option<Chart>,
    /// Why they were denied, the most frequent reason first.
    pub reasons: Vec<Reason>,
    /// The days on which anything happened, oldest first.
    pub days: Vec<Day>,
    /// Technical failures.
    pub failed: i64,
    /// All of it in a sentence.
    pub summary: String,
}

/// One reason for denials.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    /// The word in addresses.
    pub word: String,
    /// The word for people.
    pub title: String,
    /// How many attempts.
    pub attempts: i64,
    /// The length of its bar, of 100.
    pub width: i64,
}

/// The figures of one day.
#[derive(Debug, PartialEq, Eq)]
pub struct Day {
    /// "23 November 2026".
    pub day: String,
    /// Sign-ins that were admitted.
    pub admitted: i64,
    /// Attempts that were denied.
    pub denied: i64,
}

impl Picture {
    /// The picture of these counts. None where nobody came in 30 days.
    pub fn of(now: Timestamp, counted: &[Counted]) -> Option<Self> {
        let of = |verb, outcome| Chart::of(now, verb, counted, |one| one.outcome == outcome);
        let (admitted, denied) = (of("admitted", Outcome::Admitted), of("denied", Outcome::Denied));
        let sum = |outcome| -> i64 {
            let those = counted.iter().filter(|one| one.outcome == outcome);
            those.map(|one| one.attempts).sum()
        };
        let failed = sum(Outcome::Rejected);
        let reasons = reasons(counted);
        let days = days(admitted.as_ref(), denied.as_ref());
        if days.is_empty() && failed == 0 {
            return None;
        }
        let total = |chart: &Option<Chart>| chart.as_ref().map_or(0, |chart| chart.total);
        Some(Self {
            summary: summary(total(&admitted), total(&denied), reasons.first()),
            admitted,
            denied,
            reasons,
            days,
            failed,
        })
    }
}

fn reasons(counted: &[Counted]) -> Vec<Reason> {
    let of = |word: &str| -> i64 {
        let those = counted
            .iter()
            .filter(|one| one.outcome == Outcome::Denied && one.reason == word);
        those.map(|one| one.attempts).sum()
    };
    let mut reasons: Vec<Reason> = Denial::ALL
        .iter()
        .map(|reason| Reason {
            word: reason.as_str().to_owned(),
            title: reason.title().to_owned(),
            attempts: of(reason.as_str()),
            width: 0,
        })
        .filter(|reason| reason.attempts > 0)
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.attempts));
    let most = reasons.first().map_or(1, |reason| reason.attempts);
    for reason in &mut reasons {
        reason.width = (reason.attempts.saturating_mul(100) / most).max(2);
    }
    reasons
}

fn days(admitted: Option<&Chart>, denied: Option<&Chart>) -> Vec<Day> {
    let bars = |chart: Option<&Chart>| chart.map(|chart| chart.bars.clone()).unwrap_or_default();
    let (admitted, denied) = (bars(admitted), bars(denied));
    let names = if admitted.is_empty() { &denied } else { &admitted };
    let figure = |bars: &[crate::sign_ins::chart::Bar], place| {
        bars.get(place)
            .map_or(0, |bar: &crate::sign_ins::chart::Bar| bar.attempts)
    };
    let days = names.iter().enumerate().map(|(place, bar)| Day {
        day: bar.day.clone(),
        admitted: figure(&admitted, place),
        denied: figure(&denied, place),
    });
    days.filter(|day| day.admitted + day.denied > 0).collect()
}

fn summary(admitted: i64, denied: i64, first: Option<&Reason>) -> String {
    let came = match admitted {
        0 => "nobody was let in".to_owned(),
        1 => "1 sign-in was let in".to_owned(),
        some => format!("{} sign-ins were let in", grouped(some)),
    };
    let turned_away = match (denied, first) {
        (0, _) | (_, None) => "none was denied".to_owned(),
        (1, Some(reason)) => format!("1 was denied ({})", lower(&reason.title)),
        (some, Some(reason)) => format!(
            "{} were denied, most often for “{}” ({})",
            grouped(some),
            lower(&reason.title),
            grouped(reason.attempts)
        ),
    };
    format!("In the last {DAYS} days {came} and {turned_away}.")
}

fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::time::DAY;

    const NOW: Timestamp = 1_795_459_867_123; // 23 November 2026

    fn counted(day: i64, outcome: Outcome, reason: &str, attempts: i64) -> Counted {
        Counted {
            day,
            outcome,
            reason: reason.into(),
            attempts,
        }
    }

    #[test]
    fn the_picture_says_how_many_and_why() {
        let today = NOW / DAY;
        let all = [
            counted(today, Outcome::Admitted, "member", 1_200),
            counted(today - 1, Outcome::Admitted, "jit", 34),
            counted(today, Outcome::Denied, "not_invited", 8),
            counted(today - 2, Outcome::Denied, "no_seat", 2),
            counted(today, Outcome::Rejected, "signature", 3),
        ];
        let picture = Picture::of(NOW, &all).unwrap();
        assert_eq!(
            picture.summary,
            "In the last 30 days 1,234 sign-ins were let in and 10 were denied, most often for “not invited” (8)."
        );
        let reasons: Vec<_> = picture
            .reasons
            .iter()
            .map(|one| (one.word.as_str(), one.attempts, one.width))
            .collect();
        assert_eq!(reasons, [("not_invited", 8, 100), ("no_seat", 2, 25)]);
        let days: Vec<_> = picture
            .days
            .iter()
            .map(|day| (day.admitted, day.denied))
            .collect();
        assert_eq!((days, picture.failed), (vec![(0, 2), (34, 0), (1_200, 8)], 3));
    }

    #[test]
    fn there_is_no_picture_of_nothing() {
        assert!(Picture::of(NOW, &[]).is_none());
        let one = [counted(NOW / DAY, Outcome::Admitted, "member", 1)];
        assert_eq!(
            Picture::of(NOW, &one).unwrap().summary,
            "In the last 30 days 1 sign-in was let in and none was denied."
        );
    }
}
