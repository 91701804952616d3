//! What the tests stand on: databases, browsers and identity providers that go away with the test.

pub mod database;
mod postgres;

pub use database::Database;
