//! An organization and what its owners set.

use serde::Serialize;

use crate::store::time::{DAY, HOUR, MINUTE};
use crate::web::FieldErrors;

/// What people are let into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its key.
    pub id: String,
    /// As paths name it: lower-case letters, digits and hyphens.
    pub slug: String,
    /// Whether people may sign in at all.
    pub is_on: bool,
    /// Goes up with each change.
    pub version: i64,
    /// What its owners set.
    pub settings: Settings,
}

/// What the owners of an organization set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Whom a denied person is told to ask.
    pub contact: String,
    /// How many people it may have; none: no limit.
    pub seats: Option<i64>,
    /// How long an invitation stands, in days.
    pub invitation_days: i64,
    /// Whether invited people of other domains may set a password.
    pub guests: bool,
    /// When a session ends in any case, in hours.
    pub session_hours: i64,
    /// When a session ends without a request, in minutes.
    pub idle_minutes: i64,
    /// Whether a group called `organization:team` is that team.
    pub group_convention: bool,
    /// Whether a denied person may ask to be let in.
    pub requests: bool,
}

impl Settings {
    /// A new organization's settings.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            contact: String::new(),
            seats: None,
            invitation_days: 14,
            guests: false,
            session_hours: 12,
            idle_minutes: 120,
            group_convention: false,
            requests: true,
        }
    }

    /// What is wrong with them, field by field.
    pub fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if self.name.is_empty() || self.name.chars().count() > 100 {
            errors.add("name", "Write a name of 1 to 100 characters.");
        }
        if self.contact.chars().count() > 200 {
            errors.add("contact", "Write at most 200 characters.");
        }
        if self.seats.is_some_and(|seats| !(0..=10_000_000).contains(&seats)) {
            errors.add("seats", "Write a whole number, or leave it empty for no limit.");
        }
        if !(1..=365).contains(&self.invitation_days) {
            errors.add("invitation_days", "Write a number of days from 1 to 365.");
        }
        if !(1..=720).contains(&self.session_hours) {
            errors.add("session_hours", "Write a number of hours from 1 to 720.");
        }
        if !(5..=43_200).contains(&self.idle_minutes) {
            errors.add("idle_minutes", "Write a number of minutes from 5 to 43200.");
        }
        errors
    }

    /// The lifetime of a session in milliseconds.
    pub fn session_lifetime(&self) -> i64 {
        self.session_hours * HOUR
    }

    /// The idle time of a session in milliseconds.
    pub fn session_idle(&self) -> i64 {
        self.idle_minutes * MINUTE
    }

    /// The life of an invitation in milliseconds.
    pub fn invitation_life(&self) -> i64 {
        self.invitation_days * DAY
    }
}

/// What is wrong with a slug, in a sentence.
///
/// # Errors
/// That sentence.
pub fn check_slug(slug: &str) -> Result<(), String> {
    let fine = (1..=40).contains(&slug.len())
        && slug
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if fine {
        Ok(())
    } else {
        Err("Use 1 to 40 lower-case letters, digits and hyphens, such as acme.".to_owned())
    }
}
