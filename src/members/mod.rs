//! Members: accounts in an organization, each with a role, a state, and a memory of where it came from.
//!
//! [`judge`] holds the rules of who may do what to whom; pages ask it before they show a button, and
//! [`actions`] ask it again in the transaction that acts.

pub mod actions;
mod bulk;
mod model;
mod pages;
mod queries;
mod search;

pub use actions::{Doer, Joining, TeamChange};
pub use model::{Act, Facts, Membership, Refusal, Source, State, judge};
pub use pages::routes;
pub use queries::{find, find_by_account, of_accounts, owns_something};
