//! What the tests stand on: databases, browsers and identity providers that go away with the test.

pub mod browser;
pub mod database;
mod html;
pub mod peer;
mod postgres;

pub use browser::Browser;
pub use database::Database;
