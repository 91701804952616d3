//! What a SAML connection has besides: its provider's addresses and certificates, our own keys, and what
//! the provider's metadata says that nobody has confirmed yet.

pub mod actions;
pub mod expiry;
mod keys;
mod model;
mod proposal;
pub(super) mod queries;
mod refresh;

pub use keys::{Key, KeyState, Keys, add_key, drop_key, make_current};
pub use model::{
    MetadataState, SamlSettings, acs_url, binding_of, binding_word, entity_id, metadata_of, provider,
    service_provider,
};
pub use proposal::{Difference, Proposal, binding_title, certificate_differences};
pub use queries::{certificates, find, keys, metadata_state};
pub use refresh::{fetch, look, refresh_for_ever, refresh_stale};

pub(super) use queries::{last_expiries, replace};
