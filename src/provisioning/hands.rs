//! How many requests of one directory are in hand at once: one that floods is told to wait, and keeps neither memory nor
//! the queue of the database from the others. Each server counts for itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many requests of one connection's directory are worked on or wait at once. Directories send a few.
pub const MOST: usize = 64;

/// What is in hand, by the connection's id. Cheap to clone.
#[derive(Clone, Default)]
pub struct Hands(Arc<Mutex<HashMap<String, usize>>>);

/// One request in hand, until this goes.
pub struct Hand {
    hands: Hands,
    connection: String,
}

impl Hands {
    /// Takes one more in hand; none where the connection has enough.
    pub fn take(&self, connection: &str) -> Option<Hand> {
        let mut all = self.lock();
        let count = all.entry(connection.to_owned()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Hand {
            hands: self.clone(),
            connection: connection.to_owned(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut all = self.hands.lock();
        if let Some(count) = all.get_mut(&self.connection) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.connection);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hands, MOST};

    /// RES-012, SCIM-084.
    #[test]
    fn a_directory_has_its_share_and_no_more() {
        let hands = Hands::default();
        let mut all: Vec<_> = (0..MOST).map(|_| hands.take("a").unwrap()).collect();
        assert!(hands.take("a").is_none());
        assert!(hands.take("b").is_some(), "another one is not concerned");
        all.pop();
        all.push(hands.take("a").unwrap());
        drop(all);
        assert!(hands.lock().is_empty());
    }
}
