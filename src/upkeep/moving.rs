//! `vestibule migrate --from … --to …`: everything from one database into another, of either kind, in one transaction.

use std::io::{BufReader, BufWriter};

use super::Fault;
use super::archive::{self, Counts, Reader};
use crate::store::time::Timestamp;
use crate::store::{Store, health};

/// Copies every table, then holds number and digest of each against the other. The source is only read; it must be up
/// to date, and nobody should write to it meanwhile: what comes after the beginning is not copied.
///
/// # Errors
/// A sentence; then the target is as it was.
pub fn copy(from: &Store, to: &Store, now: Timestamp) -> Result<Counts, Fault> {
    if let Some(step) = from.read(health::pending)?.first() {
        return Err(Fault::new(format!(
            "The database to be moved is not up to date: {step} waits. Run “vestibule migrate” on it first."
        )));
    }
    to.read(archive::must_be_unused)?;
    let (reader, writer) = std::io::pipe()?;
    std::thread::scope(|scope| {
        let source = scope.spawn(move || {
            from.read(|conn| {
                let mut writer = BufWriter::new(writer);
                let counts = archive::write(conn, now, &mut writer)?;
                std::io::Write::flush(&mut writer)?;
                Ok::<_, Fault>(counts)
            })
        });
        let put = to.write(|conn| archive::put(conn, Reader::new(BufReader::new(reader))?));
        let read = source
            .join()
            .unwrap_or_else(|_broken| Err(Fault::new("Reading the database broke off.")));
        match (put, read) {
            (Ok(counts), Ok(_)) => Ok(counts),
            // Where reading failed, the other side only saw that the end was missing.
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Err(put), Err(read)) => Err(Fault::new(format!("{read} {put}"))),
        }
    })
}
