//! An account.

use crate::store::time::Timestamp;

/// A person on the whole installation: one address, one username.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its key.
    pub id: String,
    /// The address as it was typed or asserted.
    pub email: String,
    /// The address, folded ([`crate::access::EmailAddress::key`]).
    pub email_key: String,
    /// The person's name, empty where none is known.
    pub full_name: String,
    /// Unique over the installation.
    pub username: String,
    /// Whether it may be used at all.
    pub is_active: bool,
    /// Whether it runs the installation.
    pub operator: bool,
    /// The argon2id hash, where the account has a password.
    pub password_hash: Option<String>,
    /// When it was admitted anywhere for the first time.
    pub admitted_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Goes up with each change.
    pub version: i64,
}

impl Account {
    /// The name, or the address where none is known.
    pub fn shown_name(&self) -> &str {
        if self.full_name.is_empty() {
            &self.email
        } else {
            &self.full_name
        }
    }
}
