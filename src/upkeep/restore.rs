//! `vestibule restore`: a back-up into an empty database.
//!
//! What was given out since the back-up was made must not come back to life by it: every session and attempt ends, and
//! the links of invitations open nothing until they are sent again. The directories may have said something since; so
//! their owners are asked to let them send everything again.

use std::path::Path;

use serde_json::json;

use super::archive::{self, Counts};
use super::envelope::Secret;
use super::{Fault, backup, key_check, queries};
use crate::audit::{self, Actor, Event, Subject};
use crate::store::catalog;
use crate::store::copy;
use crate::store::sealed::Sealer;
use crate::store::time::{Timestamp, machine};
use crate::store::{Conn, Store};

/// The fact that tells when the installation was restored.
pub const RESTORED: &str = "restored";
/// What opens a door for a while: tables that are emptied, where they are there.
const PASSING: [&str; 8] = [
    "sessions",
    "attempts",
    "setup_links",
    "kept_forms",
    "ceremonies",
    "half_sign_ins",
    "reset_links",
    "connection_links",
];
/// What waits to be sent: it was sent meanwhile, and its links are void.
const LETTERS: &str = "letters";

/// Reads the back-up whole, then puts it into the database in one transaction.
///
/// # Errors
/// A sentence; then nothing was changed.
pub fn restore(
    store: &Store,
    sealer: &Sealer,
    now: Timestamp,
    path: &Path,
    secret: &Secret,
) -> Result<Counts, Fault> {
    store.read(archive::must_be_unused)?;
    // Before the first row is written it is known that the last one can be read.
    let (about, _) = backup::check(path, secret)?;
    store.write(|conn| {
        let counts = archive::put(conn, backup::open(path, secret)?)?;
        // A database that no server was started on yet knows no key.
        if queries::fact(conn, key_check::FACT)?.is_some() {
            key_check::check(conn, sealer).map_err(Fault::new)?;
        }
        settle(conn)?;
        queries::set_fact(conn, RESTORED, &machine(about.made_at), now)?;
        let event = Event {
            action: "installation.restored",
            subject: Subject {
                kind: "installation",
                id: "",
                name: "Installation",
            },
            after: Some(json!({"back_up_of": machine(about.made_at), "made_by": about.vestibule})),
            ..Event::default()
        };
        audit::record(conn, now, &Actor::operator(), &event)?;
        Ok(counts)
    })
}

/// Ends what must not outlive a back-up.
fn settle(conn: &mut Conn) -> Result<(), Fault> {
    // Children before those that they refer to.
    for table in catalog::tables(conn)?.iter().rev() {
        match table.name.as_str() {
            LETTERS => drop(queries::drop_letters_that_wait(conn)?),
            name if PASSING.contains(&name) => drop(copy::empty(conn, name)?),
            _ => {}
        }
    }
    queries::void_invitation_links(conn)?;
    Ok(())
}
