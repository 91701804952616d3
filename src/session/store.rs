//! actix-session on our table: the key is stored as its hash, and a session that was ended in the
//! database is ended.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::cookie::time::Duration;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::middleware::Next;

use super::{model, queries};
use crate::store::time::Clock;
use crate::store::{DbError, Store, id};
use crate::web::Problem;

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
            .asking(move |conn| queries::state(conn, &hash, now))
            .await
            .map_err(|error: DbError| LoadError::Other(BoxError::from(error).context(UNREAD)))?;
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

/// How the error of a session that could not be read begins.
const UNREAD: &str = "the session could not be read";

/// What actix-session says when the database fails it is an empty 500: here it becomes a page. Reading comes before
/// everything, so nothing has happened; writing comes after the work was done.
///
/// # Errors
/// A [`Problem`] in place of those of actix-session; all others as they are.
pub async fn or_a_page<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    next.call(request).await.map_err(|error| {
        let text = format!("{error:#}");
        let is_ours = error.as_error::<InternalError<BoxError>>().is_some()
            || error.as_error::<InternalError<SaveError>>().is_some()
            || error.as_error::<InternalError<UpdateError>>().is_some();
        match is_ours {
            true if text.starts_with(UNREAD) => Problem::Unavailable(text).into(),
            true => Problem::Unsure(text).into(),
            false => error,
        }
    })
}
