//! SAML 2.0 for a service provider, without HTTP and without a database: requests, responses, metadata,
//! certificates. An identity is read only from the bytes that a pinned key has signed.

mod attributes;
mod certificate;
mod encryption;
mod instant;
mod judge;
mod key;
mod message;
mod metadata;
mod model;
mod names;
mod provider_metadata;
mod recovery;
mod request;
mod response;
mod shape;
mod signature;
mod subject;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod verified;
mod written;
pub mod xml;

pub use certificate::{Certificate, fingerprint};
pub use message::{decode, in_response_to, issuer, shown};
pub use metadata::service_provider_metadata;
pub use model::{AttributeNames, Provider, SamlError, ServiceProvider, SpKey};
pub use provider_metadata::{Binding, ProviderMetadata, check_sign_on_address, read_provider_metadata};
pub use request::{AuthnRequest, PostForm, request_id};
pub use response::verify;
pub use signature::sign_element;
pub use verified::{Evidence, Shown, Verified};
