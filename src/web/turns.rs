//! Turns at work that takes a whole core, such as hashing a password: so many at once, and so many who wait.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Problem;

/// When to come again, in seconds.
const COME_AGAIN: u64 = 2;

/// The turns of one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Turns {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// A turn, until this goes.
#[derive(Debug)]
pub struct Turn<'a> {
    _place: SemaphorePermit<'a>,
    _turn: SemaphorePermit<'a>,
}

impl Turns {
    /// One turn for each core, and sixteen places in the queue: about a second of work.
    pub fn of_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            places: Arc::new(Semaphore::new(16 * cores)),
            turns: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `TooMany` where too many wait already.
    pub async fn take(&self) -> Result<Turn<'_>, Problem> {
        let place = self.places.try_acquire().ok();
        let place = place.ok_or(Problem::TooMany(COME_AGAIN))?;
        let turn = self.turns.acquire().await.map_err(Problem::internal)?;
        Ok(Turn {
            _place: place,
            _turn: turn,
        })
    }
}
