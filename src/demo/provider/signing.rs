//! The provider's key: ES256, made at start, published at `/jwks`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};

/// No key could be made, or nothing could be signed with it.
#[derive(Debug)]
pub struct SigningError(pub(super) String);

impl std::fmt::Display for SigningError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "The demo's identity provider cannot sign: {}", self.0)
    }
}

impl std::error::Error for SigningError {}

/// A private key with its public half.
pub(super) struct SigningKey {
    private: EncodingKey,
    header: Header,
    public: JwkSet,
}

impl SigningKey {
    /// A new key on the curve P-256, named by its thumbprint (RFC 7638).
    pub fn generate() -> Result<Self, SigningError> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|error| SigningError(error.to_string()))?;
        let private = EncodingKey::from_ec_der(pkcs8.as_ref());
        let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256).map_err(failed)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).map_err(failed)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid);
        Ok(Self {
            private,
            header,
            public: JwkSet { keys: vec![public] },
        })
    }

    /// The key set for `/jwks` (RFC 7517).
    pub fn public(&self) -> &JwkSet {
        &self.public
    }

    /// The claims as a signed token (RFC 7519).
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, SigningError> {
        jsonwebtoken::encode(&self.header, claims, &self.private).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn failed(error: jsonwebtoken::errors::Error) -> SigningError {
    SigningError(error.to_string())
}
