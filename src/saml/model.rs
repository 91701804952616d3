//! The two parties as a message is judged by them, and why one was refused.

use std::fmt;

/// The identity provider of a connection, as its administrator pinned it.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    /// Its entity id, exactly (SAML Core §8.3.6).
    pub entity_id: String,
    /// The keys that may sign: the `SubjectPublicKeyInfo` (DER, RFC 5280 §4.1.2.7) of each pinned certificate.
    pub keys: Vec<Vec<u8>>,
    /// Whether a response that nobody asked for is judged at all (SAML Profiles §4.1.5).
    pub idp_initiated: bool,
    /// Whether AES-CBC may hide an assertion; AES-GCM always may.
    pub allow_cbc: bool,
    /// Where the person's attributes are.
    pub attributes: AttributeNames,
}

/// The names of the attributes to read. An empty one means: recognise the common names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributeNames {
    /// The e-mail address.
    pub email: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The whole name.
    pub name: String,
    /// The groups.
    pub groups: String,
}

/// Ourselves, as the service provider of one connection.
#[derive(Debug, Clone, Default)]
pub struct ServiceProvider {
    /// Our entity id: the address of the connection's metadata.
    pub entity_id: String,
    /// The address that takes responses: the assertion consumer service.
    pub acs_url: String,
    /// Keys that may open an encrypted assertion: the current one, the next and those still in use elsewhere.
    pub keys: Vec<SpKey>,
}

/// One of our keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SpKey {
    /// The RSA private key, PKCS #8 DER (RFC 5208).
    pub private: Vec<u8>,
    /// Its self-signed certificate, DER.
    pub certificate: Vec<u8>,
}

/// Without the key.
impl fmt::Debug for SpKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SpKey")
    }
}

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlError {
    /// The check that failed, one word for records, such as `audience`.
    pub check: &'static str,
    /// What an administrator should know, and the likely remedy.
    pub sentence: String,
    /// The status of the page: 400 for a message that can't be read, 403 for one that isn't believed.
    pub status: u16,
}

impl SamlError {
    /// A message that can't be read.
    pub(super) fn unreadable(check: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            check,
            sentence: sentence.into(),
            status: 400,
        }
    }

    /// A message that isn't believed.
    pub(super) fn unbelieved(check: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            check,
            sentence: sentence.into(),
            status: 403,
        }
    }
}

impl fmt::Display for SamlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence)
    }
}

impl std::error::Error for SamlError {}
