//! Test sign-ins: a real sign-in at the provider that changes nothing. What it found is kept beside the connection, with
//! the print of the settings that were tested.

mod actions;
mod mending;
mod model;
mod queries;
mod remarks;

pub use actions::{keep, live_passed};
pub use mending::{Ground, Mending, mending};
pub use model::{Claim, Finding, Kind, Outcome, Remark, Test, Weight};
pub use queries::{find, latest, passed};
pub use remarks::{Facts, remarks};
