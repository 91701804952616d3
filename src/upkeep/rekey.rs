//! `vestibule rekey`: a new key for the secrets in the database, while the servers run.
//!
//! The new key is put before the old one in the key file; servers read the file again when they meet a secret that was
//! sealed with a key they don't know. Then every secret is sealed anew. The old key stays in the file, because a server
//! that has not read it again still seals with it; `vestibule rekey --finish` seals what is left and takes it out. Each
//! step may be interrupted and begun again.

use std::path::Path;

use serde_json::json;

use super::{Fault, key_check, queries};
use crate::audit::{self, Actor, Event, Subject};
use crate::store::sealed::{self, Sealer};
use crate::store::time::Timestamp;
use crate::store::{Conn, DbError, Store, catalog};

/// How many secrets are sealed in one transaction.
const BATCH: usize = 200;
/// Tables whose secrets are those of another: what a connection had before, or shall have.
const MOVED: [(&str, &str); 1] = [("connection_versions", "connections")];

/// A column of sealed secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its table.
    pub table: String,
    /// The column that names a row.
    pub key: String,
    /// Its own name.
    pub name: String,
}

impl Column {
    /// The places that a secret of this row may be sealed for: with the column's name, or without its ending; of the
    /// table, or of the one that the secret comes from and goes back to.
    fn places(&self, id: &str) -> Vec<String> {
        let short = self.name.strip_suffix("_sealed").unwrap_or(&self.name);
        let own = self.table.as_str();
        let from = MOVED
            .iter()
            .find(|(table, _)| *table == own)
            .map(|(_, from)| *from);
        [Some(own), from]
            .into_iter()
            .flatten()
            .flat_map(|table| [short, &self.name].map(|name| format!("{table}:{id}:{name}")))
            .collect()
    }

    /// Opens a secret and answers for which place it was sealed.
    ///
    /// # Errors
    /// When no known key opens it there.
    pub fn open(&self, sealer: &Sealer, id: &str, sealed: &str) -> Result<(String, String), String> {
        let open = |place: String| Some((sealer.open(&place, sealed).ok()?, place));
        let opened = self.places(id).into_iter().find_map(open);
        opened
            .map(|(plain, place)| (place, plain))
            .ok_or_else(|| format!("{} of {} {id} opens with no key", self.name, self.table))
    }
}

/// Every column that holds sealed secrets: those whose names say so.
///
/// # Errors
/// When the database refuses.
pub fn columns(conn: &mut Conn) -> Result<Vec<Column>, DbError> {
    let mut columns = Vec::new();
    for table in catalog::tables(conn)? {
        let Some(key) = table.key.first() else { continue };
        for column in table
            .columns
            .iter()
            .filter(|column| column.name.ends_with("_sealed"))
        {
            columns.push(Column {
                table: table.name.clone(),
                key: key.clone(),
                name: column.name.clone(),
            });
        }
    }
    Ok(columns)
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// Secrets that were sealed with the new key now.
    pub sealed: usize,
    /// Secrets that no key of the file opens; they were left as they are.
    pub lost: usize,
}

/// Makes a new key, or goes on with the one that was begun, and seals everything with it.
///
/// # Errors
/// A sentence, when the key file is not this database's, or either can't be written.
pub fn begin(store: &Store, key_file: &Path, now: Timestamp) -> Result<Done, Fault> {
    let sealer = Sealer::from_file(key_file).map_err(Fault::new)?;
    key_check::at_start(store, &sealer).map_err(Fault::new)?;
    if sealer.keys() == 1 {
        sealed::add_key(key_file).map_err(Fault::new)?;
    }
    let sealer = Sealer::from_file(key_file).map_err(Fault::new)?;
    let done = seal_all(store, &sealer)?;
    tell(store, now, "installation.key_added", done)?;
    Ok(done)
}

/// Seals what is left with the new key, and takes the old ones out of the file.
///
/// # Errors
/// A sentence, when no new key was begun, when a secret opens with none, or either can't be written.
pub fn finish(store: &Store, key_file: &Path, now: Timestamp) -> Result<Done, Fault> {
    let sealer = Sealer::from_file(key_file).map_err(Fault::new)?;
    key_check::at_start(store, &sealer).map_err(Fault::new)?;
    if sealer.keys() == 1 {
        return Err(Fault::new(
            "The key file holds one key: there is no old one to take out. “vestibule rekey” makes a new one.",
        ));
    }
    let done = seal_all(store, &sealer)?;
    if done.lost > 0 {
        return Err(Fault::new(format!(
            "{} secrets open with no key of the file; the old keys stay in it. “vestibule doctor” names them.",
            done.lost
        )));
    }
    sealed::drop_old_keys(key_file).map_err(Fault::new)?;
    tell(store, now, "installation.key_dropped", done)?;
    Ok(done)
}

fn tell(store: &Store, now: Timestamp, action: &str, done: Done) -> Result<(), Fault> {
    let event = Event {
        action,
        subject: Subject {
            kind: "installation",
            id: "",
            name: "Installation",
        },
        after: Some(json!({"sealed": done.sealed})),
        ..Event::default()
    };
    store.write(|conn| Ok(audit::record(conn, now, &Actor::operator(), &event)?))
}

fn seal_all(store: &Store, sealer: &Sealer) -> Result<Done, Fault> {
    let mut done = Done::default();
    store.write(|conn| -> Result<(), Fault> {
        if let Some(known) = queries::fact(conn, key_check::FACT)?.filter(|known| !sealer.is_newest(known)) {
            let plain = sealer.open(key_check::PLACE, &known).map_err(Fault::new)?;
            let anew = sealer.seal(key_check::PLACE, &plain).map_err(Fault::new)?;
            queries::change_fact(conn, key_check::FACT, &anew)?;
        }
        Ok(())
    })?;
    for column in store.read(columns)? {
        let all = store.read(|conn| queries::sealed(conn, &column))?;
        for some in all.chunks(BATCH) {
            store.write(|conn| seal_some(conn, sealer, &column, some, &mut done))?;
        }
    }
    Ok(done)
}

fn seal_some(
    conn: &mut Conn,
    sealer: &Sealer,
    column: &Column,
    some: &[(String, String)],
    done: &mut Done,
) -> Result<(), Fault> {
    for (id, known) in some.iter().filter(|(_, known)| !sealer.is_newest(known)) {
        let Ok((place, plain)) = column.open(sealer, id, known) else {
            done.lost += 1;
            continue;
        };
        let anew = sealer.seal(&place, &plain).map_err(Fault::new)?;
        // Whoever changed it meanwhile wins; the next run finds it.
        done.sealed += queries::seal_anew(conn, column, id, known, &anew)?;
    }
    Ok(())
}
