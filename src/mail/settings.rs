//! What an organization wants to be written about.

use serde::Serialize;

use crate::web::{FieldErrors, Posted};

/// The most days before its end that an invitation is reminded of.
const MOST_DAYS: i64 = 30;

/// How administrators are told that somebody asks to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Requests {
    /// By a letter for each.
    Now,
    /// In the letter of the day.
    Daily,
    /// On the pages alone.
    Never,
}

impl Requests {
    /// Every choice, in the order of the form.
    pub const ALL: &'static [Self] = &[Self::Now, Self::Daily, Self::Never];

    /// The word in the database and in the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Daily => "daily",
            Self::Never => "never",
        }
    }

    /// The words for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Now => "At once, a letter for each",
            Self::Daily => "Once a day, all in one letter",
            Self::Never => "Not by mail",
        }
    }

    /// The choice of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.as_str() == word)
    }
}

/// What an organization wants to be written about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Requests for access, to administrators.
    pub requests: Requests,
    /// The denials of a day, to administrators, where there were any.
    pub digest: bool,
    /// How many days before its end a person is reminded of an invitation; 0: never.
    pub reminder_days: i64,
    /// Goes up with each change; 0 where nothing was ever changed.
    #[serde(skip)]
    pub version: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests: Requests::Now,
            digest: true,
            reminder_days: 3,
            version: 0,
        }
    }
}

impl Settings {
    /// Reads the form.
    pub(super) fn of(form: &Posted) -> Result<Self, FieldErrors> {
        let settings = Self {
            requests: Requests::parse(form.text("requests")).unwrap_or(Requests::Now),
            digest: form.has("digest"),
            reminder_days: form.number("reminder_days").unwrap_or(-1),
            version: form.version(),
        };
        if (0..=MOST_DAYS).contains(&settings.reminder_days) {
            Ok(settings)
        } else {
            Err(FieldErrors::one(
                "reminder_days",
                "Write a whole number from 0 to 30. With 0 nobody is reminded.",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_a_number_up_to_30() {
        let of = |days| Settings::of(&Posted::of(&[("requests", "daily"), ("reminder_days", days)]));
        let read = of("0").unwrap();
        assert_eq!(
            (read.requests, read.digest, read.reminder_days),
            (Requests::Daily, false, 0)
        );
        for wrong in ["", "31", "-1", "3.5", "three"] {
            assert!(of(wrong).unwrap_err().of("reminder_days").is_some(), "{wrong}");
        }
    }
}
