//! Domains: the right-hand sides of addresses that an organization answers for. A domain counts once it
//! is verified, by its TXT record or by the operator's word, and by one organization at most.

pub mod actions;
mod model;
mod queries;

pub use model::{Domain, Standing, is_public_mail};
pub use queries::{find, find_by_name, list};
