//! The settings of a SAML connection, and the two parties as messages are judged by them.

use serde_json::{Value, json};

use super::{Keys, Proposal};
use crate::saml::{
    AttributeNames, Binding, Certificate, Provider, ServiceProvider, service_provider_metadata,
};
use crate::store::time::Timestamp;
use crate::web::Site;

/// What an owner sets about a SAML connection. Its certificates are beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SamlSettings {
    /// The provider's entity id, exactly; empty while it is not known.
    pub entity_id: String,
    /// Where people are sent; empty while it is not known.
    pub sso_url: String,
    /// How they are sent there.
    pub binding: Binding,
    /// Whether our requests are signed.
    pub sign_requests: bool,
    /// Whether a sign-in may begin at the provider.
    pub idp_initiated: bool,
    /// Whether AES-CBC may hide an assertion.
    pub allow_cbc: bool,
    /// The names of attributes, where the common ones don't do.
    pub attributes: AttributeNames,
    /// Where the provider publishes its metadata; empty where it doesn't.
    pub metadata_url: String,
}

/// How the last look at the provider's metadata ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataState {
    /// When it was.
    pub at: Option<Timestamp>,
    /// What went wrong; empty where nothing did.
    pub fault: String,
    /// What it says that is not confirmed.
    pub proposal: Option<Proposal>,
}

impl SamlSettings {
    /// Whether requests go by a form that posts itself.
    pub fn posts(&self) -> bool {
        self.binding == Binding::Post
    }

    /// What is missing before anybody can sign in; nothing, if the answer is `None`.
    pub fn missing(&self, certificates: &[Certificate]) -> Option<&'static str> {
        if self.entity_id.is_empty() {
            return Some("The provider’s entity id is missing.");
        }
        if self.sso_url.is_empty() {
            return Some("The provider’s sign-on address is missing.");
        }
        certificates
            .is_empty()
            .then_some("The provider’s signing certificate is missing.")
    }

    /// What the audit log keeps.
    pub(in crate::connections) fn told(&self, certificates: &[Certificate]) -> Value {
        let prints: Vec<&str> = certificates
            .iter()
            .map(|certificate| certificate.fingerprint.as_str())
            .collect();
        let names = &self.attributes;
        json!({
            "entity_id": self.entity_id, "sso_url": self.sso_url, "sso_binding": binding_word(self.binding),
            "sign_requests": self.sign_requests, "idp_initiated": self.idp_initiated, "allow_cbc": self.allow_cbc,
            "attributes": {
                "email": names.email, "given_name": names.given_name, "family_name": names.family_name,
                "name": names.name, "groups": names.groups,
            },
            "metadata_url": self.metadata_url, "certificates": prints,
        })
    }
}

/// The word for a binding in the database and in forms.
pub fn binding_word(binding: Binding) -> &'static str {
    match binding {
        Binding::Redirect => "redirect",
        Binding::Post => "post",
    }
}

/// Reads the word.
pub fn binding_of(word: &str) -> Binding {
    if word == "post" {
        Binding::Post
    } else {
        Binding::Redirect
    }
}

/// Our entity id: the address of the connection's metadata.
pub fn entity_id(site: &Site, connection: &str) -> String {
    site.url(&format!("/sign-in/saml/{connection}/metadata"))
}

/// Where the provider sends responses.
pub fn acs_url(site: &Site, connection: &str) -> String {
    site.url(&format!("/sign-in/saml/{connection}/acs"))
}

/// The identity provider as messages are judged by it.
pub fn provider(settings: &SamlSettings, certificates: &[Certificate]) -> Provider {
    Provider {
        entity_id: settings.entity_id.clone(),
        keys: certificates
            .iter()
            .map(|certificate| certificate.spki.clone())
            .collect(),
        idp_initiated: settings.idp_initiated,
        allow_cbc: settings.allow_cbc,
        attributes: settings.attributes.clone(),
    }
}

/// Ourselves, with every key that may still open a message.
pub fn service_provider(site: &Site, connection: &str, keys: &Keys) -> ServiceProvider {
    ServiceProvider {
        entity_id: entity_id(site, connection),
        acs_url: acs_url(site, connection),
        keys: keys.all(),
    }
}

/// Our metadata for the provider: the current key and the next one.
pub fn metadata_of(site: &Site, connection: &str, settings: &SamlSettings, keys: &Keys) -> String {
    let ours = service_provider(site, connection, keys);
    service_provider_metadata(&ours, &keys.published(), settings.sign_requests)
}
