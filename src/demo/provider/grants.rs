//! Codes and access tokens: values that can be fetched by an unguessable name until they expire.

use std::collections::{HashMap, VecDeque};

use crate::store::id;
use crate::store::time::Timestamp;

/// Values of one kind and one lifetime, in memory.
pub(super) struct Shelf<T> {
    lifetime: i64,
    kept: HashMap<String, (Timestamp, T)>,
    /// The names with their expiry, oldest first, so that clearing up costs nothing per sign-in.
    order: VecDeque<(Timestamp, String)>,
}

impl<T> Shelf<T> {
    /// An empty shelf whose values are good for `lifetime` milliseconds.
    pub fn new(lifetime: i64) -> Self {
        Self {
            lifetime,
            kept: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Keeps `value` and returns its name.
    pub fn put(&mut self, value: T, now: Timestamp) -> String {
        self.clear_expired(now);
        let name = id::new_token();
        let expires = now.saturating_add(self.lifetime);
        self.order.push_back((expires, name.clone()));
        self.kept.insert(name.clone(), (expires, value));
        name
    }

    /// The value, if it has not expired.
    pub fn get(&self, name: &str, now: Timestamp) -> Option<&T> {
        let (expires, value) = self.kept.get(name)?;
        (now < *expires).then_some(value)
    }

    /// The value, once: whoever asks again gets nothing.
    pub fn take(&mut self, name: &str, now: Timestamp) -> Option<T> {
        let (expires, value) = self.kept.remove(name)?;
        (now < expires).then_some(value)
    }

    fn clear_expired(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(expires, _)| *expires <= now) {
            if let Some((_, name)) = self.order.pop_front() {
                self.kept.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shelf;

    #[test]
    fn a_value_can_be_taken_once() {
        let mut shelf = Shelf::new(60);
        let name = shelf.put("grant", 0);
        assert_eq!(shelf.take(&name, 59), Some("grant"));
        assert_eq!(shelf.take(&name, 59), None);
    }

    #[test]
    fn a_value_expires_and_is_cleared_up() {
        let mut shelf = Shelf::new(60);
        let name = shelf.put("old", 0);
        assert_eq!(shelf.get(&name, 59), Some(&"old"));
        assert_eq!(shelf.get(&name, 60), None);
        shelf.put("new", 60);
        assert_eq!((shelf.kept.len(), shelf.order.len()), (1, 1));
    }
}
