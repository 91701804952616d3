//! `vestibule apply`: an installation described in a file, and brought about as often as one likes.
//!
//! [`read`] judges the file by itself; [`perform`] compares it with what there is and does what is left
//! to do, by the verbs that the pages use and in one transaction: all of it happens, or nothing. Nothing
//! is removed. `docs/apply.md` lists every key.

mod actions;
mod check;
mod connection;
mod form;
mod model;
mod saml;
mod secrets;
mod work;

use std::path::Path;

pub use actions::perform;
pub use model::{ApplyError, Description, Fault, Place};

use crate::web::Site;
use secrets::Outside;

/// Reads the file and what it refers to. `env` is the environment.
///
/// # Errors
/// Every mistake with file, line and field.
pub fn read(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Description, ApplyError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ApplyError::Other(format!("{} can’t be read: {error}.", path.display())))?;
    let outside = Outside {
        env,
        folder: path.parent().unwrap_or(Path::new("")),
    };
    let form = form::read(&text).map_err(|fault| ApplyError::file(path, vec![fault]))?;
    check::check(&text, form, &outside).map_err(|faults| ApplyError::file(path, faults))
}

/// [`read`], then [`perform`]: the lines to print.
///
/// # Errors
/// Every mistake with file, line and field; nothing has changed then.
pub fn run(
    site: &Site,
    path: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    dry_run: bool,
) -> Result<Vec<String>, ApplyError> {
    perform(site, path, &read(path, env)?, dry_run)
}
