//! An owner for emergencies, and whether they could come in.

use crate::store::time::{DAY, Timestamp};

/// After how long the way in should be tried again, in milliseconds.
pub const DRILL_EVERY: i64 = 90 * DAY;

/// An owner, and what they would come in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// Their account.
    pub account: String,
    /// Their name, or address.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Whether they are one for emergencies: named, or the first owner with a password while nobody is.
    pub is_keeper: bool,
    /// Whether they have a password, and it opens the organization.
    pub has_password: bool,
    /// Whether something is asked besides.
    pub has_factor: bool,
    /// When they came in that way last.
    pub used_at: Option<Timestamp>,
    /// When they tried last that they could.
    pub tried_at: Option<Timestamp>,
}

impl Keeper {
    /// What is wrong with their way in, in a sentence; nothing if all is well.
    pub fn trouble(&self, now: Timestamp) -> Option<&'static str> {
        if !self.has_password {
            Some("Has no password here, and can’t come in by one: so they can’t be named.")
        } else if !self.has_factor {
            Some("Nothing is asked besides the password. An app or a passkey makes it safe.")
        } else if self
            .tried_at
            .max(self.used_at)
            .is_none_or(|at| now - at > DRILL_EVERY)
        {
            Some("Has not tried the way in for 90 days.")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_by_its_weight() {
        let well = Keeper {
            account: String::new(),
            name: String::new(),
            email: String::new(),
            is_keeper: true,
            has_password: true,
            has_factor: true,
            used_at: None,
            tried_at: Some(0),
        };
        assert_eq!(well.trouble(DRILL_EVERY), None);
        assert!(
            well.trouble(DRILL_EVERY + 1)
                .is_some_and(|said| said.contains("90 days"))
        );
        let used = Keeper {
            used_at: Some(5),
            ..well.clone()
        };
        assert_eq!(used.trouble(DRILL_EVERY + 1), None);
        let weak = Keeper {
            has_factor: false,
            ..well.clone()
        };
        assert!(weak.trouble(0).is_some_and(|said| said.contains("besides")));
        let none = Keeper {
            has_password: false,
            ..weak
        };
        assert!(none.trouble(0).is_some_and(|said| said.contains("no password")));
    }
}
