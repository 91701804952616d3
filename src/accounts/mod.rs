//! Accounts: people on the whole installation. An account is not access; membership is. A person's own page of it
//! is `my_account`.

mod common;
mod model;
mod passwords;
mod queries;
mod words;
pub mod actions;

pub use model::Account;
pub use passwords::{MAX_PASSWORD, MIN_PASSWORD, check_policy, hash, verify};
pub use queries::{
    by_email_keys, count, find, find_by_email, hold_by_password, identity_at, identity_count, linked_to,
};
pub use words::wanted;
