//! Who comes in: the pure core.
//!
//! [`decide`] judges one authenticated [`Identity`] by a connection's [`Policy`] and the person's
//! [`Standing`], and says why in a [`Trace`]. Nothing here knows a database, a clock, randomness or
//! HTTP, so sign-in, dry run, preview and the command line ask the very same function.

mod words;
mod convention;
mod decision;
mod denial;
mod domain;
mod email;
mod identity;
pub mod lines;
mod mapping;
mod policy;
mod role;
mod standing;
mod trace;
mod username;
mod verdict;

#[cfg(test)]
mod every_case;

pub use convention::{Convention, Foreign, NamedTeam, team_key};
pub use decision::{Decision, decide};
pub use denial::{Denial, DenialDetail};
pub use domain::{DomainError, DomainName};
pub use email::{EmailAddress, EmailError};
pub use identity::{Identity, PersonName};
pub use mapping::{
    HeldRole, MappedGroup, RoleEffect, mapped_role, mapped_teams, role_change, teams_to_join, teams_to_leave,
};
pub use policy::Policy;
pub use role::Role;
pub use standing::{AccountStanding, DomainStanding, InvitationStanding, MemberStanding, Seats, Standing};
pub use trace::{Rule, Step, StepOutcome, Trace};
pub use username::{Username, UsernameError, candidate};
pub use verdict::{
    AccountEffect, Admission, AdmitReason, DefaultTeam, InvitationEffect, MembershipEffect, Refusal,
    TeamsEffect, Verdict,
};
