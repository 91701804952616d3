//! A picture of attempts per day: bars whose figures stand in a table behind them.

use super::Counted;
use crate::store::time::{DAY, Timestamp, date};

/// How many days the picture shows.
pub const DAYS: i64 = 30;
/// Its height in its own units; the width is [`BAR`] for each day.
pub const HEIGHT: i64 = 100;
/// The width of one day.
pub const BAR: i64 = 20;

/// The picture.
#[derive(Debug, Clone)]
pub struct Chart {
    /// A bar for each day, oldest first.
    pub bars: Vec<Bar>,
    /// All attempts of these days.
    pub total: i64,
    /// Those of the day with the most: its bar is the highest.
    pub most: i64,
    /// The picture in a sentence.
    pub summary: String,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// "23 November 2026".
    pub day: String,
    /// How many attempts there were.
    pub attempts: i64,
    /// The left edge.
    pub x: i64,
    /// The top edge.
    pub y: i64,
    /// The height.
    pub height: i64,
}

impl Chart {
    /// The picture of the days up to `now`, of those attempts that are `wanted`; `verb` says in the past
    /// participle what became of them. None where there is nothing to see.
    pub fn of(
        now: Timestamp,
        verb: &str,
        counted: &[Counted],
        wanted: impl Fn(&Counted) -> bool,
    ) -> Option<Self> {
        let first = first_day(now);
        let attempts = |day: i64| -> i64 {
            let of_day = counted.iter().filter(|one| one.day == day && wanted(one));
            of_day.map(|one| one.attempts).sum()
        };
        let days: Vec<(i64, i64)> = (first..first + DAYS).map(|day| (day, attempts(day))).collect();
        let (worst, most) = days
            .iter()
            .copied()
            .max_by_key(|(day, n)| (*n, *day))
            .filter(|(_, n)| *n > 0)?;
        let bars = (0..)
            .zip(&days)
            .map(|(place, (day, n))| bar(place, *day, *n, most))
            .collect();
        let total: i64 = days.iter().map(|(_, n)| n).sum();
        let noun = if total == 1 {
            "attempt was"
        } else {
            "attempts were"
        };
        let summary = format!(
            "{} {noun} {verb} in the last {DAYS} days, the most on {}: {}.",
            grouped(total),
            date(worst * DAY),
            grouped(most)
        );
        Some(Self {
            bars,
            total,
            most,
            summary,
        })
    }
}

/// The first day of the picture, counted from 1970.
pub fn first_day(now: Timestamp) -> i64 {
    now.div_euclid(DAY) - DAYS + 1
}

/// A count as people write it: 12,345.
pub fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn bar(place: i64, day: i64, attempts: i64, most: i64) -> Bar {
    // A day with any attempt shows, however small beside the worst one.
    let height = match attempts {
        0 => 0,
        some => (some.saturating_mul(HEIGHT) / most).max(2),
    };
    Bar {
        day: date(day * DAY),
        attempts,
        x: place * BAR + 2,
        y: HEIGHT - height,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    const NOW: Timestamp = 1_795_459_867_123; // 23 November 2026

    fn denied(day: i64, reason: &str, attempts: i64) -> Counted {
        Counted {
            day,
            outcome: Outcome::Denied,
            reason: reason.into(),
            attempts,
        }
    }

    #[test]
    fn every_day_has_a_bar_and_the_worst_is_the_highest() {
        let today = NOW / DAY;
        let counted = [
            denied(today, "not_invited", 2),
            denied(today, "no_seat", 1),
            denied(today - 29, "not_invited", 300),
            denied(today - 30, "not_invited", 9_000),
        ];
        let chart = Chart::of(NOW, "denied", &counted, |_| true).unwrap();
        assert_eq!(chart.bars.len(), 30);
        let (first, last) = (&chart.bars[0], &chart.bars[29]);
        assert_eq!(
            (first.day.as_str(), first.height, first.y),
            ("25 October 2026", 100, 0)
        );
        assert_eq!(
            (last.day.as_str(), last.height, last.attempts),
            ("23 November 2026", 2, 3)
        );
        assert_eq!((chart.bars[1].height, chart.total), (0, 303));
        assert_eq!(
            chart.summary,
            "303 attempts were denied in the last 30 days, the most on 25 October 2026: 300."
        );
    }

    #[test]
    fn counts_are_grouped() {
        let counts = [0, 999, 1_000, 99_302, 1_234_567].map(grouped);
        assert_eq!(counts, ["0", "999", "1,000", "99,302", "1,234,567"]);
    }

    #[test]
    fn there_is_no_picture_of_nothing() {
        let old = [denied(0, "not_invited", 5)];
        assert!(Chart::of(NOW, "denied", &[], |_| true).is_none());
        assert!(Chart::of(NOW, "denied", &old, |_| true).is_none());
        assert!(Chart::of(NOW, "denied", &[denied(NOW / DAY, "no_seat", 1)], |_| false).is_none());
    }
}
