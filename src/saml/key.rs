//! Our own keys: RSA, each in a self-signed certificate, because that is how providers take them. A key
//! signs our requests and opens encrypted assertions.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use time::OffsetDateTime;

use super::SpKey;

/// How long a certificate of ours says that it lasts: ten years, in milliseconds. Providers pin it; the
/// date only matters to those who refuse old ones.
const LIFETIME: i64 = 3_652 * 24 * 60 * 60 * 1_000;
/// How long before now it begins, for providers whose clock is behind: one hour, in milliseconds.
const BEFORE: i64 = 60 * 60 * 1_000;
/// The longest common name (RFC 5280, upper bound `ub-common-name`).
const LONGEST_NAME: usize = 64;

impl SpKey {
    /// A new RSA key of 2,048 bits with a self-signed certificate of ten years. `now` is in Unix
    /// milliseconds.
    ///
    /// # Errors
    /// Only when the cryptography library fails.
    pub fn generate(common_name: &str, now: i64) -> Result<Self, String> {
        let told = |error: rcgen::Error| format!("no key could be made: {error}");
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(told)?;
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(
            DnType::CommonName,
            common_name.chars().take(LONGEST_NAME).collect::<String>(),
        );
        params.distinguished_name = name;
        params.not_before = moment(now.saturating_sub(BEFORE))?;
        params.not_after = moment(now.saturating_add(LIFETIME))?;
        let certificate = params.self_signed(&pair).map_err(told)?;
        Ok(Self {
            private: pair.serialize_der(),
            certificate: certificate.der().to_vec(),
        })
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256: `rsa-sha256` of XML Signature.
    ///
    /// # Errors
    /// When the key is none.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let pair = RsaKeyPair::from_pkcs8(&self.private)
            .map_err(|error| format!("the key of this connection can’t be used: {error}"))?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|error| format!("signing failed: {error}"))?;
        Ok(signature)
    }
}

fn moment(at: i64) -> Result<OffsetDateTime, String> {
    OffsetDateTime::from_unix_timestamp(at / 1_000).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;
    use crate::saml::Certificate;

    const NOW: i64 = 1_795_459_867_123;

    #[test]
    fn a_key_signs_what_its_certificate_verifies() {
        let key = SpKey::generate("vestibule.example", NOW).unwrap();
        let certificate = Certificate::from_der(key.certificate.clone()).unwrap();
        assert!(certificate.subject.contains("vestibule.example"));
        assert!(certificate.not_before < NOW && certificate.not_after > NOW + 9 * 365 * 86_400_000);
        let signature = key.sign(b"message").unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &certificate.spki);
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"massage", &signature).is_err());
    }

    /// SEC-001.
    #[test]
    fn two_keys_differ_and_none_is_shown() {
        let keys = [(); 2].map(|()| SpKey::generate("a", NOW).unwrap());
        assert_ne!(keys[0].private, keys[1].private);
        assert_eq!(format!("{:?}", keys[0]), "SpKey");
        assert!(SpKey::default().sign(b"x").is_err());
    }
}
