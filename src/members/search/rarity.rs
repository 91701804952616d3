//! How many places of the index a word has, as it was counted lately. It decides where a search begins and never what it
//! finds, so an old number costs at most time; and whoever turns pages or sets a filter need not wait for it anew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For so long a number is taken as it is.
const LASTS: Duration = Duration::from_mins(1);
/// So many are kept at most.
const MOST: usize = 2_000;

/// The numbers of an installation's organizations, by organization and word.
#[derive(Debug, Default)]
struct Numbers(HashMap<(String, String), (i64, Instant)>);

impl Numbers {
    fn get(&self, organization: &str, word: &str, now: Instant) -> Option<i64> {
        let key = (organization.to_owned(), word.to_owned());
        let (number, counted_at) = self.0.get(&key)?;
        (now.duration_since(*counted_at) < LASTS).then_some(*number)
    }

    fn keep(&mut self, organization: &str, word: &str, number: i64, now: Instant) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let key = (organization.to_owned(), word.to_owned());
        self.0.insert(key, (number, now));
    }
}

static NUMBERS: Mutex<Option<Numbers>> = Mutex::new(None);

fn numbers<T>(act: impl FnOnce(&mut Numbers) -> T) -> T {
    let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    act(numbers.get_or_insert_default())
}

/// The number, if it was counted within the last minute for this organization.
pub fn known(organization: &str, word: &str) -> Option<i64> {
    numbers(|numbers| numbers.get(organization, word, Instant::now()))
}

/// Keeps a number that was counted just now.
pub fn keep(organization: &str, word: &str, number: i64) {
    numbers(|numbers| numbers.keep(organization, word, number, Instant::now()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_lasts_a_minute_and_is_one_organizations() {
        let (mut numbers, now) = (Numbers::default(), Instant::now());
        numbers.keep("acme", "ada", 7, now);
        assert_eq!(numbers.get("acme", "ada", now), Some(7));
        assert_eq!(numbers.get("acme", "ada", now + LASTS), None);
        assert_eq!(numbers.get("other", "ada", now), None);
        assert_eq!(numbers.get("acme", "bob", now), None);
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let (mut numbers, now) = (Numbers::default(), Instant::now());
        for number in 0..=MOST {
            numbers.keep("acme", &number.to_string(), 1, now);
        }
        assert_eq!(numbers.0.len(), 1);
        assert_eq!(numbers.get("acme", &MOST.to_string(), now), Some(1));
    }
}
