//! Who comes in: the pure core.
//!
//! Nothing here knows a database, a clock, randomness or HTTP.

mod words;
mod role;

pub use role::Role;
