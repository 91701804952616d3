//! Secrets at rest: AES-256-GCM with a key that lives in a file beside the database, not in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::id::random_bytes;

/// Seals and opens secrets, and derives keys for other uses. Cheap to clone.
///
/// The key file may hold several keys, one on each line: the first one seals, and each opens what it sealed. A secret
/// that was sealed with a key we don't know makes us read the file again, so that a new key reaches running servers.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<RwLock<Arc<[Key]>>>,
    file: Option<Arc<Path>>,
    derive: hmac::Key,
}

struct Key {
    id: String,
    aead: LessSafeKey,
}

impl Key {
    fn new(master: &[u8; 32]) -> Result<Self, String> {
        let unbound = UnboundKey::new(&AES_256_GCM, master).map_err(|error| error.to_string())?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master), b"key id");
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(tag.as_ref().get(..6).unwrap_or_default()),
            aead: LessSafeKey::new(unbound),
        })
    }

    fn open(&self, place: &str, nonce: &[u8], sealed: &[u8]) -> Result<String, String> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|error| error.to_string())?;
        let mut bytes = sealed.to_vec();
        let plain = self
            .aead
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes)
            .map_err(|error| error.to_string())?;
        String::from_utf8(plain.to_vec()).map_err(|error| error.to_string())
    }
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
        Self::of(&[*master], None)
    }

    fn of(masters: &[[u8; 32]], file: Option<&Path>) -> Result<Self, String> {
        let newest = masters.first().ok_or("there is no key")?;
        let keys: Vec<Key> = masters.iter().map(Key::new).collect::<Result<_, _>>()?;
        Ok(Self {
            keys: Arc::new(RwLock::new(keys.into())),
            file: file.map(Arc::from),
            derive: hmac::Key::new(hmac::HMAC_SHA256, newest),
        })
    }

    /// Reads the key file, or makes it (mode 0600) at the first start.
    ///
    /// # Errors
    /// When the file can't be read or made, is readable by others, or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        if let Some(keys) = read(path)? {
            return Self::of(&keys, Some(path));
        }
        let key = random_bytes::<32>();
        write(path, &[key])?;
        Self::of(&[key], Some(path))
    }

    /// How many keys there are.
    pub fn keys(&self) -> usize {
        self.known().len()
    }

    /// Seals `secret` for one place (`table:row:column`); it opens in no other.
    ///
    /// # Errors
    /// Only when the cryptography library fails.
    pub fn seal(&self, place: &str, secret: &str) -> Result<String, String> {
        let keys = self.known();
        let key = keys.first().ok_or("there is no key")?;
        let nonce = random_bytes::<NONCE_LEN>();
        let mut bytes = secret.as_bytes().to_vec();
        key.aead
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut bytes,
            )
            .map_err(|error| format!("sealing failed: {error}"))?;
        Ok(format!(
            "2.{}.{}.{}",
            key.id,
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
        let parts: Vec<&str> = sealed.split('.').collect();
        let (id, nonce, bytes) = match parts.as_slice() {
            ["2", id, nonce, bytes] => (Some(*id), nonce, bytes),
            // Before there were several keys.
            ["1", nonce, bytes] => (None, nonce, bytes),
            _ => return Err(told()),
        };
        let (Ok(nonce), Ok(bytes)) = (URL_SAFE_NO_PAD.decode(nonce), URL_SAFE_NO_PAD.decode(bytes)) else {
            return Err(told());
        };
        let fits = |key: &&Key| id.is_none_or(|id| id == key.id);
        let mut keys = self.known();
        if !keys.iter().any(|key| fits(&key)) {
            keys = self.read_again();
        }
        keys.iter()
            .filter(fits)
            .find_map(|key| key.open(place, &nonce, &bytes).ok())
            .ok_or_else(told)
    }

    /// Whether the newest key sealed this.
    pub fn is_newest(&self, sealed: &str) -> bool {
        let keys = self.known();
        let mut parts = sealed.split('.');
        parts.next() == Some("2") && parts.next() == keys.first().map(|key| key.id.as_str())
    }

    /// A key for another use, derived from the newest master key of the start (HMAC-SHA-256 of the use's name).
    pub fn derive(&self, usage: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.derive, usage.as_bytes());
        let mut key = [0; 32];
        key.iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        key
    }

    fn known(&self) -> Arc<[Key]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys of the file as it is now; those that are known where it can't be read.
    fn read_again(&self) -> Arc<[Key]> {
        let read = self.file.as_deref().and_then(|file| read(file).ok().flatten());
        let keys = read.and_then(|masters| masters.iter().map(Key::new).collect::<Result<Vec<_>, _>>().ok());
        if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        }
        self.known()
    }
}

/// Puts a new key before those of the file.
///
/// # Errors
/// A sentence, when the file can't be read or written; then it is as it was.
pub fn add_key(path: &Path) -> Result<(), String> {
    let known = read(path)?.ok_or_else(|| format!("{} is not there", path.display()))?;
    let keys: Vec<_> = [random_bytes::<32>()].into_iter().chain(known).collect();
    write(path, &keys)
}

/// Leaves only the newest key in the file.
///
/// # Errors
/// As [`add_key`].
pub fn drop_old_keys(path: &Path) -> Result<(), String> {
    let known = read(path)?.ok_or_else(|| format!("{} is not there", path.display()))?;
    write(path, known.get(..1).unwrap_or_default())
}

/// The keys of the file, the newest first; none where there is no file.
fn read(path: &Path) -> Result<Option<Vec<[u8; 32]>>, String> {
    let shown = path.display();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{shown}: {error}")),
    };
    let mode = fs::metadata(path)
        .map_err(|error| format!("{shown}: {error}"))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "{shown}: others may read this key. Run: chmod 600 {shown}"
        ));
    }
    let key = |line: &str| {
        let bytes = STANDARD_NO_PAD
            .decode(line.trim())
            .map_err(|error| format!("{shown} does not hold a key of Vestibule: {error}"))?;
        <[u8; 32]>::try_from(bytes.as_slice())
            .map_err(|error| format!("{shown} does not hold a key of 32 bytes: {error}"))
    };
    let keys: Vec<_> = text.lines().map(key).collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(format!("{shown} does not hold a key of Vestibule: it is empty"));
    }
    Ok(Some(keys))
}

/// Writes the file beside, then puts it in its place at once: whoever reads it sees the old one or the new one.
fn write(path: &Path, keys: &[[u8; 32]]) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let is_new = !path.exists();
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let text: String = keys
        .iter()
        .map(|key| STANDARD_NO_PAD.encode(key) + "\n")
        .collect();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(told)?;
    file.write_all(text.as_bytes()).map_err(told)?;
    file.sync_all().map_err(told)?;
    if is_new {
        // Of two servers that start together, one makes the key; the other one is told that it is there.
        let linked = fs::hard_link(&beside, path).map_err(told);
        fs::remove_file(&beside).map_err(told)?;
        linked?;
    } else {
        fs::rename(&beside, path).map_err(told)?;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(told)
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

    /// SEC-003.
    #[test]
    fn a_new_key_seals_and_the_old_ones_still_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vestibule.key");
        let running = Sealer::from_file(&path).unwrap();
        let old = running.seal("a", "old").unwrap();
        assert!(running.is_newest(&old));
        add_key(&path).unwrap();
        let started = Sealer::from_file(&path).unwrap();
        assert_eq!((started.keys(), started.is_newest(&old)), (2, false));
        assert_eq!(started.open("a", &old).unwrap(), "old");
        // One that runs meets the new key, and reads the file again.
        let new = started.seal("a", "new").unwrap();
        assert_eq!(running.open("a", &new).unwrap(), "new");
        assert_eq!(running.keys(), 2);
        assert!(started.is_newest(&running.seal("a", "x").unwrap()));
        drop_old_keys(&path).unwrap();
        let last = Sealer::from_file(&path).unwrap();
        assert!(last.open("a", &old).is_err());
        assert_eq!(last.open("a", &new).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_sealed_before_there_were_several_keys_still_opens() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let sealed = sealer.seal("a", "secret").unwrap();
        let parts: Vec<_> = sealed.split('.').collect();
        let before = format!("1.{}.{}", parts[2], parts[3]);
        assert_eq!(sealer.open("a", &before).unwrap(), "secret");
        assert!(!sealer.is_newest(&before));
        assert!(sealer.open("b", &before).is_err());
    }
}
