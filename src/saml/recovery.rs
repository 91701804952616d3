//! RSA-OAEP (RFC 8017, section 7.1) for `xml-sec`, done by `aws-lc-rs`: several times faster than the RSA that
//! `xml-sec` brings, which is left for the pairs of digests that `aws-lc-rs` does not have.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use xml_sec::provider::{
    CryptoProvider, KeyRecoveryKey, ProviderError, ProviderInputError, RustCryptoRsaPrivateKey,
};
use xml_sec::rsa_encoding::RsaPrivateKeyEncoding;
use xml_sec::xmlenc::{OaepDigestAlgorithm, RsaOaepParameters};

/// What our key generator gives every key: F4 (RFC 8017, appendix A.1.1 leaves the choice).
const EXPONENT: u64 = 65_537;

/// A private key that opens the keys of encrypted assertions.
pub(super) struct RecoveryKey {
    pkcs8: Vec<u8>,
    key: PrivateDecryptingKey,
}

impl RecoveryKey {
    /// The key in a PKCS #8 document, if it is an RSA key of a size that is accepted.
    pub(super) fn read(pkcs8: &[u8]) -> Option<Self> {
        Some(Self {
            pkcs8: pkcs8.to_vec(),
            key: PrivateDecryptingKey::from_pkcs8(pkcs8).ok()?,
        })
    }

    fn open(
        &self,
        algorithm: &'static OaepAlgorithm,
        label: &[u8],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let refused = |_unspecified| ProviderError::AuthenticationFailed;
        let key = OaepPrivateDecryptingKey::new(self.key.clone()).map_err(refused)?;
        let mut plain = vec![0; key.min_output_size()];
        let length = key
            .decrypt(algorithm, ciphertext, &mut plain, Some(label))
            .map_err(refused)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl KeyRecoveryKey for RecoveryKey {
    fn rsa_modulus_bits(&self) -> usize {
        self.key.key_size_bits()
    }

    fn rsa_public_exponent(&self) -> Option<u64> {
        Some(EXPONENT)
    }

    fn ciphertext_len(&self) -> usize {
        self.key.key_size_bytes()
    }

    fn recover_with_provider(
        &self,
        provider: &dyn CryptoProvider,
        parameters: &RsaOaepParameters,
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let same = parameters.digest == parameters.mgf_digest;
        if let Some(algorithm) = same.then(|| known(parameters.digest)).flatten() {
            return self.open(algorithm, &parameters.label, ciphertext);
        }
        let key = RsaPrivateKeyEncoding::from_pkcs8_der(&self.pkcs8).map_err(|_unreadable| {
            ProviderError::InvalidInput(ProviderInputError::PrimitiveInitialization("RSA key"))
        })?;
        RustCryptoRsaPrivateKey::new(key).recover_with_provider(provider, parameters, ciphertext)
    }
}

fn known(digest: OaepDigestAlgorithm) -> Option<&'static OaepAlgorithm> {
    match digest {
        OaepDigestAlgorithm::Sha1 => Some(&OAEP_SHA1_MGF1SHA1),
        OaepDigestAlgorithm::Sha256 => Some(&OAEP_SHA256_MGF1SHA256),
        OaepDigestAlgorithm::Sha384 => Some(&OAEP_SHA384_MGF1SHA384),
        OaepDigestAlgorithm::Sha512 => Some(&OAEP_SHA512_MGF1SHA512),
        _ => None,
    }
}
