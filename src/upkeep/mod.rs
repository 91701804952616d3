//! What an operator does from time to time, by commands: a look at whether everything holds (`doctor`), a new key
//! (`rekey`), back-ups and their return (`backup`, `restore`), the move from one database to another (`moving`).

mod archive;
pub mod backup;
pub mod doctor;
mod envelope;
pub mod key_check;
pub mod log;
pub mod moving;
mod queries;
pub mod rekey;
pub mod restore;

pub use envelope::Secret;

use crate::store::DbError;

/// Why one of these could not be done; the text is for the operator.
#[derive(Debug)]
pub struct Fault(String);

impl Fault {
    fn new(text: impl std::fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        Self(format!("The database refused: {error}."))
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}
