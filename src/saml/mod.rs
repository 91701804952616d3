//! SAML 2.0 for a service provider, without HTTP and without a database: requests, responses, metadata,
//! certificates. An identity is read only from the bytes that a pinned key has signed.

mod model;

pub use model::{AttributeNames, Provider, SamlError, ServiceProvider, SpKey};
