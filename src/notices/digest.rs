//! The letter of the day: who was denied on one day (UTC), told in the morning after. Pure.

use crate::store::time::{DAY, HOUR, Timestamp};

/// From which hour of the day (UTC) on the day before is told.
const MORNING: i64 = 6 * HOUR;
/// How many people one letter names.
pub const NAMED: usize = 20;

/// The day that is to be told at this moment: the one before, once it is morning.
pub fn day(now: Timestamp) -> Option<i64> {
    (now.rem_euclid(DAY) >= MORNING).then(|| now.div_euclid(DAY) - 1)
}

/// Somebody who was denied on the day and waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The denial.
    pub denial: String,
    /// Address, or name.
    pub who: String,
    /// Whether they ask to be let in, and that was not told at once.
    pub asks: bool,
}

/// What the letter says first.
pub fn sentence(people: &[Person], all: i64) -> String {
    let asking = people.iter().filter(|person| person.asks).count();
    let denied = match all {
        1 => "1 person was denied yesterday and waits for an answer".to_owned(),
        some => format!("{some} people were denied yesterday and wait for an answer"),
    };
    match asking {
        0 => format!("{denied}."),
        1 => format!("{denied}. 1 of those below asks to be let in."),
        some => format!("{denied}. {some} of those below ask to be let in."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_told_in_the_morning_after() {
        let midnight = 20_780 * DAY;
        assert_eq!(day(midnight), None);
        assert_eq!(day(midnight + MORNING), Some(20_779));
        assert_eq!(day(midnight + DAY - 1), Some(20_779));
    }

    #[test]
    fn the_letter_counts_all_and_those_who_ask() {
        let person = |asks| Person {
            denial: "1".into(),
            who: "ada".into(),
            asks,
        };
        assert_eq!(
            sentence(&[person(false)], 1),
            "1 person was denied yesterday and waits for an answer."
        );
        assert_eq!(
            sentence(&[person(true), person(false), person(true)], 30),
            "30 people were denied yesterday and wait for an answer. 2 of those below ask to be let in."
        );
    }
}
