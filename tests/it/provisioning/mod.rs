//! Provisioning: what a directory may ask, and what its word does to people.

mod http;
mod people;
mod search;
