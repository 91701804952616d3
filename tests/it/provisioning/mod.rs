//! Provisioning: what a directory may ask, and what its word does to people.

mod cells;
mod groups;
mod http;
mod okta;
mod model;
mod people;
mod races;
mod recordings;
mod search;
mod testers;
mod versions;
mod whole;
