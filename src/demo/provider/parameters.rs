//! The parameters of a request, from its query or its form.

use std::collections::BTreeMap;

/// Parameters by name. Each was sent at most once (RFC 6749 §3.1).
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text; `None` when a name comes twice.
    pub fn read(text: &str) -> Option<Self> {
        let mut found = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if found.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        Some(Self(found))
    }

    /// The value, if one was sent. An empty one counts as not sent (RFC 6749 §3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}
