//! Whether the key file is the one that this database's secrets were sealed with: asked at each start, so that a wrong
//! file is told at once, and not by the first sign-in that fails.

use super::queries;
use crate::store::sealed::Sealer;
use crate::store::time::now;
use crate::store::{Conn, DbError, Store};

/// The fact that holds a sealed word.
pub const FACT: &str = "key_check";
/// Where that word is sealed for.
pub const PLACE: &str = "installation_facts:key_check:value";
const WORD: &str = "vestibule";

/// Whether this database knows a key already.
///
/// # Errors
/// When the database refuses.
pub fn knows_a_key(store: &Store) -> Result<bool, DbError> {
    store.read(|conn| Ok(queries::fact(conn, FACT)?.is_some()))
}

/// Checks the key at a start. A database that knows none yet learns this one.
///
/// # Errors
/// A sentence, when it is another key, or the database refuses.
pub fn at_start(store: &Store, sealer: &Sealer) -> Result<(), String> {
    let known = knows_a_key(store).map_err(|error| error.to_string())?;
    if known {
        return store
            .read(|conn| Ok::<_, DbError>(check(conn, sealer)))
            .map_err(|error| error.to_string())?;
    }
    store
        .write(|conn| -> Result<Result<(), String>, DbError> {
            // Of two servers that start together one writes, and the other one compares.
            if queries::fact(conn, FACT)?.is_none()
                && let Some(sealed) = opens_what_is_there(conn, sealer)?
                    .then(|| sealer.seal(PLACE, WORD).ok())
                    .flatten()
            {
                queries::learn_fact(conn, FACT, &sealed, now())?;
            }
            Ok(check(conn, sealer))
        })
        .map_err(|error| error.to_string())?
}

/// Whether this key opens the word that was sealed when the installation began.
///
/// # Errors
/// A sentence, when it does not.
pub fn check(conn: &mut Conn, sealer: &Sealer) -> Result<(), String> {
    let sealed = queries::fact(conn, FACT).map_err(|error| error.to_string())?;
    let opened = sealed.is_some_and(|sealed| sealer.open(PLACE, &sealed).as_deref() == Ok(WORD));
    opened.then_some(()).ok_or_else(wrong)
}

fn wrong() -> String {
    "The key file (VESTIBULE_KEY_FILE) is not the one that this database’s secrets were sealed with. Put the right \
     one in its place; without it client secrets and keys of connections can’t be read. Nothing was changed."
        .to_owned()
}

/// Whether the first secret that was sealed before there was a check opens; true where there is none.
fn opens_what_is_there(conn: &mut Conn, sealer: &Sealer) -> Result<bool, DbError> {
    for column in super::rekey::columns(conn)? {
        if let Some((id, sealed)) = queries::sealed(conn, &column)?.first()
            && column.open(sealer, id, sealed).is_err()
        {
            return Ok(false);
        }
    }
    Ok(true)
}
