//! Invitations: an organization's standing offer to one address, with a role and teams.
//!
//! The link's token is known to nobody but its bearer: the table keeps its hash. An invitation that
//! waits holds a seat; whether its time is over is judged when it is used, by no clean-up job.

mod model;
mod queries;
pub mod actions;

pub use model::{Found, Invitation, New, Sent, State, TeamName};
pub use queries::{by_token, find, standing};
