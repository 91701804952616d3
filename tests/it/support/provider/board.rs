//! What the provider has been told, has given out and has seen.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vestibule::store::time::Clock;

use super::fault::Fault;
use super::person::Person;

/// The switchboard, shared by the test and the server.
pub struct Board {
    pub issuer: String,
    pub clock: Clock,
    /// Seconds by which the provider's clock is ahead.
    pub skew: i64,
    pub faults: Vec<Fault>,
    pub person: Person,
    pub queue: VecDeque<Person>,
    pub known: Vec<Person>,
    pub clients: Vec<(String, String)>,
    pub codes: HashMap<String, Grant>,
    pub tokens: HashMap<String, Person>,
    pub requests: Vec<Recorded>,
}

/// What a code stands for.
#[derive(Clone)]
pub struct Grant {
    pub client: String,
    pub redirect_uri: String,
    pub nonce: Option<String>,
    pub challenge: Option<String>,
    pub person: Person,
    pub used: bool,
}

impl Board {
    pub fn has(&self, fault: &Fault) -> bool {
        self.faults.contains(fault)
    }

    /// Unix seconds by the provider's clock.
    pub fn now(&self) -> i64 {
        self.clock.now() / 1000 + self.skew
    }

    /// The person whom `login_hint` names by address or subject, else the next in the queue, else the usual one.
    pub fn who(&mut self, hint: Option<&str>) -> Person {
        let hinted = self
            .known
            .iter()
            .find(|person| hint == Some(&person.email) || hint == Some(&person.sub));
        match hinted.cloned() {
            Some(person) => person,
            None => self.queue.pop_front().unwrap_or_else(|| self.person.clone()),
        }
    }

    pub fn secret_of(&self, client: &str) -> Option<&str> {
        let found = self.clients.iter().find(|(id, _)| id == client)?;
        Some(&found.1)
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Recorded {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// A field of the form in the body.
    pub fn field(&self, name: &str) -> Option<String> {
        first(&self.form(), name).map(str::to_owned)
    }

    /// The form in the body.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// User and password of HTTP Basic authentication, as they were sent: still form-encoded.
    pub fn basic(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        pair.split_once(':')
            .map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}
