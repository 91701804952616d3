//! What the tests stand on: databases, browsers and identity providers that go away with the test.

pub mod acme;
pub mod browser;
#[macro_use]
pub mod database;
mod html;
pub mod installation;
pub mod peer;
mod postgres;
pub mod provider;
pub mod tables;

pub use acme::Acme;
pub use browser::Browser;
pub use database::Database;
pub use installation::Installation;
