//! Groups of an identity provider and the teams that they stand for: one table per connection.

pub mod actions;
mod queries;

pub use queries::mapping;
