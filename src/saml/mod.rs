//! SAML 2.0 for a service provider, without HTTP and without a database: requests, responses, metadata,
//! certificates. An identity is read only from the bytes that a pinned key has signed.

mod certificate;
mod key;
mod metadata;
mod model;
mod request;
mod written;

pub use certificate::{Certificate, fingerprint};
pub use metadata::service_provider_metadata;
pub use model::{AttributeNames, Provider, SamlError, ServiceProvider, SpKey};
pub use request::{AuthnRequest, PostForm, request_id};
