//! actix-session on our table: the key is stored as its hash, and a session that was ended in the
//! database is ended.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;

use super::{model, queries};
use crate::store::time::Clock;
use crate::store::{DbError, Store, id};

type State = HashMap<String, String>;

/// The sessions of this installation.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    clock: Clock,
}

impl Sessions {
    /// Sessions in this database.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }
}

/// The id of the row that was opened with the sign-in.
fn row_of(state: &State) -> Option<String> {
    state
        .get(model::STATE)
        .and_then(|json| serde_json::from_str(json).ok())
}

impl SessionStore for Sessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let (hash, now) = (id::hash_token(key.as_ref()), self.clock.now());
        let state = self
            .store
            .reading(move |conn| queries::state(conn, &hash, now))
            .await
            .map_err(|error: DbError| LoadError::Other(error.into()))?;
        state
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| LoadError::Deserialization(error.into()))
    }

    async fn save(&self, state: State, _: &Duration) -> Result<SessionKey, SaveError> {
        let key = id::new_token();
        let text = serde_json::to_string(&state).map_err(|error| SaveError::Serialization(error.into()))?;
        let hash = id::hash_token(&key);
        let Some(row) = row_of(&state) else {
            return Err(SaveError::Other(anyhow::anyhow!("a session without a row")));
        };
        // The row may have been ended between the sign-in and its answer, by a deactivation, say. Then this
        // key opens nothing, and the person is asked to sign in.
        self.store
            .writing(move |conn| queries::adopt(conn, &row, &hash, &text))
            .await
            .map_err(|error: DbError| SaveError::Other(error.into()))?;
        SessionKey::try_from(key).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(&self, key: SessionKey, state: State, _: &Duration) -> Result<SessionKey, UpdateError> {
        let text = serde_json::to_string(&state).map_err(|error| UpdateError::Serialization(error.into()))?;
        let hash = id::hash_token(key.as_ref());
        self.store
            .writing(move |conn| queries::set_state(conn, &hash, &text))
            .await
            .map_err(|error: DbError| UpdateError::Other(error.into()))?;
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> Result<(), BoxError> {
        // The row has its own end; requests of signed-in people move its idle time (people.rs).
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), BoxError> {
        let hash = id::hash_token(key.as_ref());
        let ended: Result<usize, DbError> =
            self.store.writing(move |conn| queries::delete(conn, &hash)).await;
        ended.map(drop).map_err(BoxError::from)
    }
}

type BoxError = anyhow::Error;
