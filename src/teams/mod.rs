//! Teams: parts of one organization. Somebody is in a team while any source says so: by hand, an
//! invitation, a connection's default, its group mapping, SCIM. Each source takes away only what it gave.

pub mod actions;
mod model;
mod queries;

pub use model::{Belonging, Source, Team};
pub use queries::{find, find_by_name, give, leave_all, list, mapped, of_member, take_mapped};
