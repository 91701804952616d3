//! Connections: an organization's single sign-on to one identity provider, and the two switches that
//! say how people arrive by it: just-in-time provisioning and SCIM.

pub mod actions;
mod model;
mod queries;

pub use model::{Connection, Protocol, Settings, State, policy, secret_place};
pub use queries::{domain_standing, find, find_by_slugs, find_in, for_domain, list};
