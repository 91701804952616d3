//! Other people's software, run beside the tests (`tests/peers`): identity providers that people sign in at, a mail
//! server, and programs that try a directory's door.

mod dns;
mod mail;
mod oidc;
mod process;
mod saml;
mod scim;

pub use dns::DnsServer;
pub use mail::{Arrived, MailServer, SENDER};
pub use oidc::OidcProvider;
pub use saml::{Make, SamlProvider};
pub use scim::run as run_tester;
