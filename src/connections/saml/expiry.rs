//! How long certificates last yet, in words: said always, warned about 30, 7 and 1 days before the end.

use crate::store::time::{DAY, Timestamp};

/// How urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// More than 30 days.
    None,
    /// 30 days or less.
    Soon,
    /// 7 days or less.
    Now,
}

/// What is said about the end of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Such as "expires in 12 days".
    pub words: String,
    /// How urgent it is.
    pub urgency: Urgency,
}

impl Expiry {
    /// Of something that ends then.
    pub fn of(not_after: Timestamp, now: Timestamp) -> Self {
        let left = not_after - now;
        let days = left.div_euclid(DAY);
        let (words, urgency) = match (left <= 0, days) {
            (true, _) if left > -DAY => ("expired today".to_owned(), Urgency::Now),
            (true, _) => (format!("expired {} ago", counted(-left / DAY)), Urgency::Now),
            (false, 0) => ("expires within a day".to_owned(), Urgency::Now),
            (false, 1..=7) => (format!("expires in {}", counted(days)), Urgency::Now),
            (false, 8..=30) => (format!("expires in {}", counted(days)), Urgency::Soon),
            (false, 31..=730) => (format!("expires in {}", counted(days)), Urgency::None),
            (false, _) => (format!("expires in {} years", days / 365), Urgency::None),
        };
        Self { words, urgency }
    }

    /// Whether it is worth a warning.
    pub fn warns(&self) -> bool {
        self.urgency != Urgency::None
    }

    /// The class of its badge.
    pub fn class(&self) -> &'static str {
        match self.urgency {
            Urgency::None => "",
            Urgency::Soon => "warn",
            Urgency::Now => "bad",
        }
    }
}

fn counted(days: i64) -> String {
    if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SAML-062.
    #[test]
    fn the_end_is_warned_about_at_30_7_and_1_days() {
        let now = 1_795_459_867_123;
        let table = [
            (3_651 * DAY, "expires in 10 years", Urgency::None),
            (731 * DAY, "expires in 2 years", Urgency::None),
            (730 * DAY, "expires in 730 days", Urgency::None),
            (31 * DAY, "expires in 31 days", Urgency::None),
            (31 * DAY - 1, "expires in 30 days", Urgency::Soon),
            (8 * DAY, "expires in 8 days", Urgency::Soon),
            (7 * DAY, "expires in 7 days", Urgency::Now),
            (DAY, "expires in 1 day", Urgency::Now),
            (DAY - 1, "expires within a day", Urgency::Now),
            (0, "expired today", Urgency::Now),
            (-DAY, "expired 1 day ago", Urgency::Now),
            (-9 * DAY, "expired 9 days ago", Urgency::Now),
        ];
        for (left, words, urgency) in table {
            let expiry = Expiry::of(now + left, now);
            assert_eq!((expiry.words.as_str(), expiry.urgency), (words, urgency));
            assert_eq!(expiry.warns(), urgency != Urgency::None);
        }
    }
}
