//! TLS of our own, where no proxy speaks it: 1.2 and 1.3, by rustls. The files are looked at twice a minute; a new
//! certificate is taken without a restart, and one that can't be used is told in the log while the old one stays.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::TlsFiles;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_secs(30);

/// The certificate that is shown now. Cheap to clone.
#[derive(Clone)]
pub struct Certificate(Arc<Shown>);

struct Shown {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    now: RwLock<(Bytes, Arc<CertifiedKey>)>,
}

/// What both files held when they were last looked at.
type Bytes = (Vec<u8>, Vec<u8>);

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// A sentence, when one can't be read, or they don't go together.
    pub fn open(files: &TlsFiles) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let bytes = read(files)?;
        let key = certified(files, &bytes, &provider)?;
        Ok(Self(Arc::new(Shown {
            files: files.clone(),
            provider,
            now: RwLock::new((bytes, key)),
        })))
    }

    /// How a server speaks TLS with it.
    ///
    /// # Errors
    /// Never in practice: the versions are those of the provider.
    pub fn config(&self) -> Result<ServerConfig, String> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.0.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Takes the files as they are now, if they changed and can be used. Answers whether another certificate is shown.
    ///
    /// # Errors
    /// A sentence, when they changed and can't be used; the old one stays.
    pub fn look_again(&self) -> Result<bool, String> {
        let shown = &self.0;
        let bytes = read(&shown.files)?;
        if shown.now.read().unwrap_or_else(PoisonError::into_inner).0 == bytes {
            return Ok(false);
        }
        let key = certified(&shown.files, &bytes, &shown.provider)?;
        *shown.now.write().unwrap_or_else(PoisonError::into_inner) = (bytes, key);
        Ok(true)
    }

    /// Looks again and again, until the server stops.
    pub async fn watch_for_ever(self) {
        loop {
            tokio::time::sleep(PAUSE).await;
            match self.look_again() {
                Ok(true) => tracing::info!("another TLS certificate is shown from now on"),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(error, "the new TLS certificate can’t be used; the old one stays");
                }
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&now.1))
    }
}

fn read(files: &TlsFiles) -> Result<Bytes, String> {
    let file = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    Ok((file(&files.certificate)?, file(&files.key)?))
}

fn certified(
    files: &TlsFiles,
    bytes: &Bytes,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, String> {
    let told = |path: &Path, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes.0)
        .collect::<Result<_, _>>()
        .map_err(|error| told(&files.certificate, &error))?;
    if chain.is_empty() {
        return Err(told(&files.certificate, &"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes.1).map_err(|error| told(&files.key, &error))?;
    let key = CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| told(&files.key, &format!("{error}; does it go with the certificate?")))?;
    Ok(Arc::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(names: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec![names.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    /// FLT-019.
    #[test]
    fn a_new_certificate_is_taken_and_garbage_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        let put = |(certificate, key): &(String, String)| {
            std::fs::write(&files.certificate, certificate).unwrap();
            std::fs::write(&files.key, key).unwrap();
        };
        assert!(Certificate::open(&files).unwrap_err().contains("cert.pem"));
        let (one, other) = (made("a.example"), made("b.example"));
        put(&one);
        let shown = Certificate::open(&files).unwrap();
        shown.config().unwrap();
        assert_eq!(shown.look_again(), Ok(false));
        for wrong in [
            (one.0.clone(), other.1.clone()),
            (String::new(), one.1.clone()),
            (one.0.clone(), "garbage".to_owned()),
        ] {
            put(&wrong);
            assert!(shown.look_again().is_err());
        }
        put(&other);
        assert_eq!(shown.look_again(), Ok(true));
        std::fs::remove_file(&files.key).unwrap();
        assert!(shown.look_again().is_err());
    }
}
