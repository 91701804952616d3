//! Our own keys of a connection. They change one at a time: the next one is in our metadata before it
//! signs, and the one before it still opens what was encrypted for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::queries;
use crate::audit::Actor;
use crate::connections::Connection;
use crate::connections::actions::{record, reread, touch};
use crate::saml::{SpKey, fingerprint};
use crate::store::sealed::Sealer;
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::Problem;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is in our metadata and signs nothing yet.
    Next,
    /// It signs.
    Current,
    /// It only opens what was encrypted for it.
    Retired,
}

impl KeyState {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
        }
    }

    /// The word for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Next => "Next",
            Self::Current => "Current",
            Self::Retired => "Retired",
        }
    }

    pub(super) fn parse(word: &str) -> Self {
        match word {
            "current" => Self::Current,
            "next" => Self::Next,
            _ => Self::Retired,
        }
    }
}

/// One key, closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The id of its row.
    pub id: String,
    /// What it does.
    pub state: KeyState,
    /// The private key, sealed.
    pub(super) sealed: String,
    /// Its certificate, Base64 of DER.
    pub certificate: String,
    /// Until when the certificate says that it is good.
    pub not_after: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The keys of a connection: the current one, the next ones, the retired ones.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<(KeyState, SpKey)>);

impl Key {
    /// The certificate's bytes.
    pub fn der(&self) -> Vec<u8> {
        STANDARD.decode(&self.certificate).unwrap_or_default()
    }

    /// SHA-256 of the certificate, as `AB:CD:…`.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.der())
    }

    fn open(&self, sealer: &Sealer) -> Result<SpKey, Problem> {
        let place = place(&self.id);
        let text = sealer.open(&place, &self.sealed).map_err(Problem::internal)?;
        Ok(SpKey {
            private: STANDARD.decode(text).map_err(Problem::internal)?,
            certificate: self.der(),
        })
    }
}

impl Keys {
    /// Opens them.
    ///
    /// # Errors
    /// When one was sealed with another key file.
    pub fn open(sealer: &Sealer, keys: &[Key]) -> Result<Self, Problem> {
        let order = |key: &&Key| match key.state {
            KeyState::Current => 0,
            KeyState::Next => 1,
            KeyState::Retired => 2,
        };
        let mut sorted: Vec<&Key> = keys.iter().collect();
        sorted.sort_by_key(order);
        let opened = sorted.into_iter().map(|key| Ok((key.state, key.open(sealer)?)));
        opened.collect::<Result<_, Problem>>().map(Self)
    }

    /// The one that signs.
    pub fn current(&self) -> Option<&SpKey> {
        let mut keys = self.0.iter();
        keys.find(|(state, _)| *state == KeyState::Current)
            .map(|(_, key)| key)
    }

    /// The certificates (DER) that our metadata names: of the current key, then of the next ones.
    pub fn published(&self) -> Vec<Vec<u8>> {
        let keys = self.0.iter().filter(|(state, _)| *state != KeyState::Retired);
        keys.map(|(_, key)| key.certificate.clone()).collect()
    }

    /// Every one: what was encrypted for a key that has retired can be opened.
    pub fn all(&self) -> Vec<SpKey> {
        self.0.iter().map(|(_, key)| key.clone()).collect()
    }
}

/// Keeps a key: the first one is the current one, a later one the next.
pub(super) fn keep(
    conn: &mut Conn,
    now: Timestamp,
    sealer: &Sealer,
    connection: &str,
    state: KeyState,
    key: &SpKey,
    not_after: Timestamp,
) -> Result<Key, Problem> {
    let id = id::new_id();
    let private = STANDARD.encode(&key.private);
    let row = Key {
        certificate: STANDARD.encode(&key.certificate),
        sealed: sealer.seal(&place(&id), &private).map_err(Problem::internal)?,
        id,
        state,
        not_after,
        created_at: now,
    };
    queries::insert_key(conn, connection, &row)?;
    Ok(row)
}

/// Puts a new key beside the current one.
///
/// # Errors
/// `Conflict` when there is a next one already, or the connection changed meanwhile.
pub fn add_key(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    sealer: &Sealer,
    known: &Connection,
    key: &SpKey,
) -> Result<Connection, Problem> {
    if of_state(conn, known, KeyState::Next)?.is_some() {
        return Err(Problem::Conflict(
            "There is a next key already. Make it the current one first, or delete it.".to_owned(),
        ));
    }
    let not_after = super::actions::lasts_until(key)?;
    let row = keep(conn, now, sealer, &known.id, KeyState::Next, key, not_after)?;
    touch(conn, known)?;
    let after = json!({"fingerprint": row.fingerprint(), "state": "next"});
    record(conn, now, actor, known, "connection.key_added", None, after)?;
    reread(conn, known)
}

/// Lets the next key sign. The one that signed until now only opens messages.
///
/// # Errors
/// `Conflict` when there is no next one, or the connection changed meanwhile.
pub fn make_current(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
) -> Result<Connection, Problem> {
    let Some(next) = of_state(conn, known, KeyState::Next)? else {
        return Err(Problem::Conflict(
            "There is no next key. Make one first.".to_owned(),
        ));
    };
    let current = of_state(conn, known, KeyState::Current)?;
    if let Some(current) = &current {
        queries::set_key_state(conn, &current.id, KeyState::Retired)?;
    }
    queries::set_key_state(conn, &next.id, KeyState::Current)?;
    touch(conn, known)?;
    let before = json!({"fingerprint": current.map(|key| key.fingerprint())});
    let after = json!({"fingerprint": next.fingerprint()});
    record(
        conn,
        now,
        actor,
        known,
        "connection.key_changed",
        Some(before),
        after,
    )?;
    reread(conn, known)
}

/// Deletes a key that does not sign.
///
/// # Errors
/// `NotFound` when the connection has no such key, `Conflict` when it is the current one.
pub fn drop_key(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    id: &str,
) -> Result<Connection, Problem> {
    let keys = queries::keys(conn, &known.id)?;
    let key = keys
        .into_iter()
        .find(|key| key.id == id)
        .ok_or(Problem::NotFound)?;
    if key.state == KeyState::Current {
        return Err(Problem::Conflict(
            "This key signs. Let another one become the current one first.".to_owned(),
        ));
    }
    queries::delete_key(conn, id)?;
    touch(conn, known)?;
    let before = json!({"fingerprint": key.fingerprint(), "state": key.state.as_str()});
    let nothing = serde_json::Value::Null;
    record(
        conn,
        now,
        actor,
        known,
        "connection.key_deleted",
        Some(before),
        nothing,
    )?;
    reread(conn, known)
}

fn of_state(conn: &mut Conn, known: &Connection, state: KeyState) -> Result<Option<Key>, Problem> {
    let keys = queries::keys(conn, &known.id)?;
    Ok(keys.into_iter().find(|key| key.state == state))
}

fn place(id: &str) -> String {
    format!("saml_keys:{id}:key")
}
