//! Who comes in: the pure core.
//!
//! Nothing here knows a database, a clock, randomness or HTTP.

mod words;
mod domain;
mod email;
mod role;
mod username;

pub use domain::{DomainError, DomainName};
pub use email::{EmailAddress, EmailError};
pub use role::Role;
pub use username::{Username, UsernameError, candidate};
