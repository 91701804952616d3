//! Second factors of accounts with a password: codes of an authenticator app, recovery codes, passkeys.
//!
//! Seeds lie sealed, recovery codes hashed, passkeys as public keys. A code counts once; so does the signed answer of a
//! passkey, whose question waits in the database for the browser that asked. The pages stand in `my_account`, the way
//! in by them in `sign_in`.

pub mod actions;
mod model;
pub mod pages;
mod passkeys;
mod queries;
mod totp;

pub use model::{Factors, MOST_PASSKEYS, Named, RECOVERY_CODES};
pub use passkeys::{Asked, Purpose, can_be_used};
pub use queries::{factors, passkeys_of};
pub use totp::Enrolment;
