//! The setting, and what is kept by it and why.

use serde::Serialize;

use crate::web::FieldErrors;

/// The longest time that can be set, in days: ten years.
const LONGEST: i64 = 3_650;

/// For how many days an organization keeps what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// Sign-ins, with address, outcome, reason and trace.
    pub record_days: i64,
    /// What else the provider and the browser said at a sign-in.
    pub claim_days: i64,
    /// Rows of the denied queue, from the last attempt on.
    pub denial_days: i64,
    /// Goes up with each change; 0 where nothing was ever set.
    #[serde(skip)]
    pub version: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            record_days: 365,
            claim_days: 90,
            denial_days: 90,
            version: 0,
        }
    }
}

/// One kind of thing that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What.
    pub what: &'static str,
    /// For how long.
    pub how_long: String,
    /// Why.
    pub why: &'static str,
}

impl Retention {
    /// What is wrong with it, field by field.
    pub fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if !(7..=LONGEST).contains(&self.record_days) {
            errors.add("record_days", "Write a number of days from 7 to 3650.");
        }
        if !(1..=LONGEST).contains(&self.claim_days) {
            errors.add("claim_days", "Write a number of days from 1 to 3650.");
        } else if self.claim_days > self.record_days {
            errors.add(
                "claim_days",
                "Claims can’t be kept longer than the sign-ins that they belong to.",
            );
        }
        if !(7..=LONGEST).contains(&self.denial_days) {
            errors.add("denial_days", "Write a number of days from 7 to 3650.");
        }
        errors
    }

    /// What is kept, for how long and why; `stranger_days` is the operator's setting.
    pub fn told(&self, stranger_days: i64) -> Vec<Kept> {
        let days = |count: i64| {
            if count == 1 {
                "1 day".to_owned()
            } else {
                format!("{count} days")
            }
        };
        let kept = |what, how_long, why| Kept { what, how_long, why };
        vec![
            kept(
                "Sign-ins: when, by which connection, the address, the identity at the provider, the outcome, the reason and each rule that was asked",
                days(self.record_days),
                "To say why somebody was let in or denied, and to show before a switch whom it would concern.",
            ),
            kept(
                "The claims in them: name, groups, network address, browser, what the message was concluded from",
                days(self.claim_days),
                "To find out what a provider sent, and to foretell teams. Afterwards they are taken out of the record, and the record stays.",
            ),
            kept(
                "Rows of the denied queue, with notes and messages of the people",
                format!("{} after the last attempt", days(self.denial_days)),
                "For you to answer them.",
            ),
            kept(
                "Accounts of people who were never let in anywhere",
                format!("{} (set by the operator)", days(stranger_days)),
                "So that an invitation finds the person who was denied. An account is not access.",
            ),
            kept(
                "Requests of a directory, with secrets blanked",
                days(30),
                "To find out what a directory asked, and what was done.",
            ),
            kept(
                "Attempts to sign in that were not finished",
                "10 minutes".to_owned(),
                "So that an answer of the provider belongs to the browser that asked.",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_bounds() {
        assert!(Retention::default().check().is_empty());
        for (field, wrong) in [
            (
                "record_days",
                Retention {
                    record_days: 6,
                    ..Retention::default()
                },
            ),
            (
                "claim_days",
                Retention {
                    claim_days: 0,
                    ..Retention::default()
                },
            ),
            (
                "claim_days",
                Retention {
                    claim_days: 366,
                    ..Retention::default()
                },
            ),
            (
                "denial_days",
                Retention {
                    denial_days: 3_651,
                    ..Retention::default()
                },
            ),
        ] {
            assert!(wrong.check().of(field).is_some(), "{wrong:?}");
        }
    }
}
