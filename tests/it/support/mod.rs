//! What the tests stand on: databases, browsers and identity providers that go away with the test.

pub mod acme;
pub mod authenticator;
pub mod browser;
pub mod caller;
#[macro_use]
pub mod database;
pub mod dice;
pub mod directory;
pub mod dump;
pub mod front;
pub mod html;
pub mod installation;
pub mod peer;
mod postgres;
pub mod program;
pub mod provider;
pub mod saml;
mod scim_schema;
pub mod tables;
pub mod wire;

pub use acme::Acme;
pub use browser::Browser;
pub use caller::Caller;
pub use database::Database;
pub use dice::Dice;
pub use directory::Directory;
pub use front::Front;
pub use installation::Installation;
pub use postgres::on_the_server;
pub use saml::SamlFront;
