//! Secrets at rest: AES-256-GCM with a key that lives in a file beside the database, not in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::id::random_bytes;

/// Seals and opens secrets, and derives keys for other uses. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    key: Arc<LessSafeKey>,
    derive: hmac::Key,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// A sealer from 32 bytes.
    ///
    /// # Errors
    /// Never for 32 bytes; the cryptography library says so all the same.
    pub fn new(master: &[u8; 32]) -> Result<Self, String> {
        let unbound = UnboundKey::new(&AES_256_GCM, master).map_err(|error| error.to_string())?;
        Ok(Self {
            key: Arc::new(LessSafeKey::new(unbound)),
            derive: hmac::Key::new(hmac::HMAC_SHA256, master),
        })
    }

    /// Reads the key file, or makes it (mode 0600) at the first start.
    ///
    /// # Errors
    /// When the file can't be read or made, is readable by others, or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        match fs::read_to_string(path) {
            Ok(text) => {
                let mode = fs::metadata(path)
                    .map_err(|e| format!("{shown}: {e}"))?
                    .permissions()
                    .mode();
                if mode & 0o077 != 0 {
                    return Err(format!(
                        "{shown}: others may read this key. Run: chmod 600 {shown}"
                    ));
                }
                let bytes = STANDARD_NO_PAD
                    .decode(text.trim())
                    .map_err(|error| format!("{shown} does not hold a key of Vestibule: {error}"))?;
                let key = <[u8; 32]>::try_from(bytes.as_slice())
                    .map_err(|error| format!("{shown} does not hold a key of 32 bytes: {error}"))?;
                Self::new(&key)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make_file(path),
            Err(error) => Err(format!("{shown}: {error}")),
        }
    }

    fn make_file(path: &Path) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        let key = random_bytes::<32>();
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(told)?;
        writeln!(file, "{}", STANDARD_NO_PAD.encode(key)).map_err(told)?;
        file.sync_all().map_err(told)?;
        Self::new(&key)
    }

    /// Seals `secret` for one place (`table:row:column`); it opens in no other.
    ///
    /// # Errors
    /// Only when the cryptography library fails.
    pub fn seal(&self, place: &str, secret: &str) -> Result<String, String> {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut bytes = secret.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut bytes,
            )
            .map_err(|error| format!("sealing failed: {error}"))?;
        Ok(format!(
            "1.{}.{}",
            URL_SAFE_NO_PAD.encode(nonce),
            URL_SAFE_NO_PAD.encode(bytes)
        ))
    }

    /// Opens what [`Sealer::seal`] made for the same place.
    ///
    /// # Errors
    /// When it was sealed with another key or for another place, or is damaged.
    pub fn open(&self, place: &str, sealed: &str) -> Result<String, String> {
        let told = || format!("{place} can't be opened with this key file");
        let mut parts = sealed.split('.').skip(1).map(|part| URL_SAFE_NO_PAD.decode(part));
        let (Some(Ok(nonce)), Some(Ok(mut bytes))) = (parts.next(), parts.next()) else {
            return Err(told());
        };
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|e| format!("{}: {e}", told()))?;
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes)
            .map_err(|error| format!("{}: {error}", told()))?;
        String::from_utf8(plain.to_vec()).map_err(|error| format!("{}: {error}", told()))
    }

    /// A key for another use, derived from the master key (HMAC-SHA-256 of the use's name).
    pub fn derive(&self, usage: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.derive, usage.as_bytes());
        let mut key = [0; 32];
        key.iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-002.
    #[test]
    fn a_secret_opens_only_in_its_place() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let kept = sealer.seal("connections:1:client_secret", "s3cret").unwrap();
        assert!(!kept.contains("s3cret"));
        assert_eq!(
            sealer.open("connections:1:client_secret", &kept).unwrap(),
            "s3cret"
        );
        assert!(sealer.open("connections:2:client_secret", &kept).is_err());
        assert!(
            Sealer::new(&[8; 32])
                .unwrap()
                .open("connections:1:client_secret", &kept)
                .is_err()
        );
        assert!(sealer.open("connections:1:client_secret", "1.x").is_err());
    }

    /// SEC-005.
    #[test]
    fn the_key_file_is_made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vestibule.key");
        let kept = Sealer::from_file(&path).unwrap().seal("a", "b").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Sealer::from_file(&path).unwrap().open("a", &kept).unwrap(), "b");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Sealer::from_file(&path).unwrap_err().contains("chmod 600"));
    }
}
