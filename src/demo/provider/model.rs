//! Who may sign in, who may ask, and what the provider remembers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use crate::saml::SpKey;
use crate::store::time::{Clock, MINUTE, SECOND, Timestamp};

use super::grants::Shelf;
use super::saml::Application;
use super::signing::{SigningError, SigningKey};

/// How long a code waits to be exchanged. RFC 6749 §4.1.2 allows ten minutes at most.
pub(super) const CODE_LIFETIME: i64 = 60 * SECOND;
/// How long an ID token and an access token are good for.
pub(super) const TOKEN_LIFETIME: i64 = 5 * MINUTE;

/// Somebody whom one can sign in as.
#[derive(Debug, Clone)]
pub struct Person {
    /// The subject, and what the form field `person` says. Never changes, unlike an address.
    pub key: String,
    /// The full name.
    pub name: String,
    /// The claim `given_name`.
    pub given_name: String,
    /// The claim `family_name`.
    pub family_name: String,
    /// The claim `email`.
    pub email: String,
    /// The claim `email_verified`; `None` leaves it out, as some providers do.
    pub email_verified: Option<bool>,
    /// The claim `groups`.
    pub groups: Vec<String>,
    /// One line for the page: who this is in the story.
    pub about: &'static str,
}

impl Person {
    /// What the provider says of this person, in the ID token and at `/userinfo`.
    pub(super) fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), json!(self.key));
        claims.insert("name".to_owned(), json!(self.name));
        claims.insert("given_name".to_owned(), json!(self.given_name));
        claims.insert("family_name".to_owned(), json!(self.family_name));
        claims.insert("email".to_owned(), json!(self.email));
        claims.insert("groups".to_owned(), json!(self.groups));
        if let Some(verified) = self.email_verified {
            claims.insert("email_verified".to_owned(), json!(verified));
        }
        claims
    }
}

/// An application that may send people here.
#[derive(Debug, Clone)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`.
    pub secret: String,
    /// Where people may be sent back to. Compared letter by letter.
    pub redirect_uris: Vec<String>,
}

/// A code that waits to be exchanged for tokens, with all it is bound to.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub client: String,
    pub redirect_uri: String,
    pub challenge: String,
    pub nonce: Option<String>,
    pub person: Person,
    pub signed_in_at: Timestamp,
}

/// The provider. Cheap to clone; the clones are one provider.
#[derive(Clone)]
pub struct Provider {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: String,
    clock: Clock,
    key: SigningKey,
    saml_key: SpKey,
    people: Vec<Person>,
    clients: Mutex<Vec<Client>>,
    applications: Mutex<Vec<Application>>,
    codes: Mutex<Shelf<Code>>,
    tokens: Mutex<Shelf<Person>>,
}

impl Provider {
    /// A provider with a new key. `issuer` is its address, without a slash at the end.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(
        issuer: String,
        clients: Vec<Client>,
        people: Vec<Person>,
        clock: Clock,
    ) -> Result<Self, SigningError> {
        let saml_key = SpKey::generate("demo provider", clock.now()).map_err(SigningError)?;
        let inner = Inner {
            issuer,
            clock,
            key: SigningKey::generate()?,
            saml_key,
            people,
            clients: Mutex::new(clients),
            applications: Mutex::default(),
            codes: Mutex::new(Shelf::new(CODE_LIFETIME)),
            tokens: Mutex::new(Shelf::new(TOKEN_LIFETIME)),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Lets one more application send people here, or replaces the one of the same id.
    pub fn register(&self, client: Client) {
        let mut clients = lock(&self.inner.clients);
        clients.retain(|known| known.id != client.id);
        clients.push(client);
    }

    /// Lets one more application send people here by SAML, or replaces the one of the same entity id.
    pub fn register_by_saml(&self, application: Application) {
        let mut applications = lock(&self.inner.applications);
        applications.retain(|known| known.entity_id != application.entity_id);
        applications.push(application);
    }

    /// The address of this provider as it stands in its tokens.
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// Everyone whom one can sign in as.
    pub fn people(&self) -> &[Person] {
        &self.inner.people
    }

    pub(super) fn person(&self, key: &str) -> Option<&Person> {
        self.inner.people.iter().find(|person| person.key == key)
    }

    pub(super) fn clients(&self) -> Vec<Client> {
        lock(&self.inner.clients).clone()
    }

    pub(super) fn applications(&self) -> Vec<Application> {
        lock(&self.inner.applications).clone()
    }

    pub(super) fn saml_key(&self) -> &SpKey {
        &self.inner.saml_key
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.inner.key
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(super) fn keep_code(&self, code: Code) -> String {
        let now = self.now();
        lock(&self.inner.codes).put(code, now)
    }

    /// The code's grant, for the first who asks.
    pub(super) fn take_code(&self, code: &str) -> Option<Code> {
        let now = self.now();
        lock(&self.inner.codes).take(code, now)
    }

    pub(super) fn keep_access(&self, person: Person) -> String {
        let now = self.now();
        lock(&self.inner.tokens).put(person, now)
    }

    pub(super) fn access(&self, token: &str) -> Option<Person> {
        lock(&self.inner.tokens).get(token, self.now()).cloned()
    }
}

/// What another thread left when it panicked is still a list of grants.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
