//! What every handler may ask for: the settings, the database, the clock, the sealer.

use std::sync::Arc;

use super::limits::Limits;
use super::turns::Turns;
use crate::config::Config;
use crate::store::Store;
use crate::store::sealed::Sealer;
use crate::store::time::{Clock, Timestamp};

/// The installation as handlers see it. Cheap to clone; registered as `web::Data<Site>`.
#[derive(Clone)]
pub struct Site {
    /// The settings.
    pub config: Arc<Config>,
    /// The only door to the database.
    pub store: Store,
    /// Where the time is read.
    pub clock: Clock,
    /// Seals secrets at rest.
    pub sealer: Sealer,
    /// How often one network address may do what proves nothing.
    pub limits: Limits,
    /// Whose turn it is to hash a password: each takes 19 MiB and a core.
    pub hashing: Turns,
    form_key: [u8; 32],
}

impl Site {
    /// Puts an installation together.
    pub fn new(config: Config, store: Store, clock: Clock, sealer: Sealer) -> Self {
        let form_key = sealer.derive("form tokens");
        Self {
            limits: Limits::new(config.rate_limit),
            hashing: Turns::of_this_machine(),
            config: Arc::new(config),
            store,
            clock,
            sealer,
            form_key,
        }
    }

    /// The time now, in Unix milliseconds.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The absolute address of a path of ours. The `Host` header has no say in it.
    pub fn url(&self, path: &str) -> String {
        self.config.public_url.to(path)
    }

    /// The name of a cookie: with the `__Host-` prefix (RFC 6265bis §4.1.3.2) wherever browsers speak
    /// TLS to us.
    pub fn cookie_name(&self, name: &str) -> String {
        if self.is_https() {
            format!("__Host-vestibule_{name}")
        } else {
            format!("vestibule_{name}")
        }
    }

    /// Whether browsers speak TLS to us.
    pub fn is_https(&self) -> bool {
        self.config.public_url.is_https()
    }

    pub(super) fn form_key(&self) -> &[u8; 32] {
        &self.form_key
    }

    /// A cookie for this browser's session: `HttpOnly`, `SameSite=Lax`, path `/`.
    pub fn cookie(&self, name: &str, value: String) -> actix_web::cookie::Cookie<'static> {
        actix_web::cookie::Cookie::build(self.cookie_name(name), value)
            .path("/")
            .http_only(true)
            .secure(self.is_https())
            .same_site(actix_web::cookie::SameSite::Lax)
            .finish()
    }

    /// A cookie that takes the one of this name away.
    pub fn gone_cookie(&self, name: &str) -> actix_web::cookie::Cookie<'static> {
        let mut cookie = self.cookie(name, String::new());
        cookie.make_removal();
        cookie
    }
}
