//! `vestibule backup`: the whole database in one encrypted file, taken while the server runs.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::archive::{self, Counts, Reader};
use super::envelope::{Opening, Sealing, Secret};
use super::{Fault, archive::About};
use crate::store::Store;
use crate::store::time::Timestamp;

/// The shortest passphrase.
const SHORTEST: usize = 12;

/// What opens the back-up: the file of that name, else this line.
///
/// # Errors
/// A sentence, when the file can't be read or either is too short.
pub fn secret(
    key_file: Option<&Path>,
    passphrase: impl FnOnce() -> Result<String, String>,
) -> Result<Secret, Fault> {
    let Some(path) = key_file else {
        let line = passphrase().map_err(Fault::new)?;
        let line = line.trim_end_matches(['\r', '\n']);
        if line.chars().count() < SHORTEST {
            return Err(Fault::new(format!(
                "The passphrase is too short: {SHORTEST} characters at least."
            )));
        }
        return Ok(Secret::Passphrase(line.to_owned()));
    };
    let bytes = std::fs::read(path).map_err(|error| Fault::new(format!("{}: {error}", path.display())))?;
    if bytes.len() < 32 {
        return Err(Fault::new(format!(
            "{} is too short for a key: 32 bytes at least, such as “head -c 32 /dev/urandom” makes.",
            path.display()
        )));
    }
    Ok(Secret::KeyFile(bytes))
}

/// Writes the whole database to a new file, and reads it again before it gets its name.
///
/// # Errors
/// A sentence; then there is no such file.
pub fn write(store: &Store, now: Timestamp, path: &Path, secret: &Secret) -> Result<Counts, Fault> {
    if path.exists() {
        return Err(Fault::new(format!(
            "{} is there already. Choose another name.",
            path.display()
        )));
    }
    let unfinished = Unfinished::beside(path)?;
    let counts = store.read(|conn| -> Result<Counts, Fault> {
        let file = BufWriter::new(&unfinished.file);
        let mut packed = GzEncoder::new(Sealing::new(file, secret)?, Compression::fast());
        let counts = archive::write(conn, now, &mut packed)?;
        packed.finish()?.finish()?;
        Ok(counts)
    })?;
    unfinished.file.sync_all()?;
    let (_, found) = check(&unfinished.path, secret)?;
    if found != counts {
        return Err(Fault::new(
            "What was written is not what was read again. Is the disk well?",
        ));
    }
    unfinished.finish(path)?;
    Ok(counts)
}

/// Reads a whole back-up and checks every piece, number and digest. Answers what it is and how many rows it has.
///
/// # Errors
/// A sentence, when it is not whole or does not open.
pub fn check(path: &Path, secret: &Secret) -> Result<(About, Counts), Fault> {
    let reader = open(path, secret)?;
    let about = reader.about.clone();
    let (counts, _) = reader.each(|_, _, _| Ok(()))?;
    Ok((about, counts))
}

/// Opens a back-up to be read.
///
/// # Errors
/// A sentence, when it does not open.
pub fn open(path: &Path, secret: &Secret) -> Result<Reader<impl std::io::BufRead>, Fault> {
    let file = File::open(path).map_err(|error| Fault::new(format!("{}: {error}", path.display())))?;
    let opening = Opening::new(BufReader::new(file), secret)?;
    Reader::new(BufReader::new(Whole(GzDecoder::new(opening))))
}

/// The end of what was packed must be the end of the envelope as well.
struct Whole<R: Read>(GzDecoder<R>);

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let some = self.0.read(bytes)?;
        if some == 0 && !bytes.is_empty() && self.0.get_mut().read(&mut [0])? > 0 {
            return Err(std::io::Error::other("The back-up goes on after its end."));
        }
        Ok(some)
    }
}

/// A file that is not whole yet; it goes with the value unless it is finished.
struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Unfinished {
    fn beside(path: &Path) -> Result<Self, Fault> {
        let mut name = path.as_os_str().to_owned();
        name.push(".unfinished");
        let path = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Fault::new(format!("{}: {error}", path.display())))?;
        Ok(Self { file, path })
    }

    /// Gives it its name; the folder is synced, so that the name stays.
    fn finish(self, path: &Path) -> Result<(), Fault> {
        std::fs::rename(&self.path, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After it got its name there is none of the old one.
        drop(std::fs::remove_file(&self.path));
    }
}
