//! What a letter needs on its way into the outbox: whether there is mail at all, the seal, our address.

use super::letter::Body;
use crate::store::sealed::Sealer;
use crate::store::{DbError, Result};
use crate::web::Site;

/// The way into the outbox. Taken from the [`Site`] before a transaction begins; cheap to clone.
#[derive(Debug, Clone)]
pub struct Post {
    sealer: Sealer,
    origin: String,
    /// The domain of the sender's address; none where no mail is sent.
    domain: Option<String>,
}

impl Post {
    /// As the settings say.
    pub fn of(site: &Site) -> Self {
        Self {
            sealer: site.sealer.clone(),
            origin: site.config.public_url.origin().to_owned(),
            domain: site
                .config
                .smtp
                .as_ref()
                .map(|smtp| smtp.from.domain().to_owned()),
        }
    }

    /// Whether letters are sent at all. If not, nothing is queued.
    pub fn is_configured(&self) -> bool {
        self.domain.is_some()
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The Message-ID of a letter (RFC 5322 §3.6.4): the same whenever it is tried.
    pub(super) fn message_id(&self, id: &str) -> Option<String> {
        self.domain.as_ref().map(|domain| format!("<{id}@{domain}>"))
    }

    pub(super) fn seal(&self, id: &str, body: &Body) -> Result<String> {
        let json = serde_json::to_string(body).map_err(|error| failed(&error))?;
        self.sealer
            .seal(&place(id), &json)
            .map_err(|error| failed(&error))
    }
}

/// Opens the body of a letter.
pub(super) fn open(sealer: &Sealer, id: &str, sealed: &str) -> std::result::Result<Body, String> {
    let json = sealer.open(&place(id), sealed)?;
    serde_json::from_str(&json).map_err(|error| error.to_string())
}

fn place(id: &str) -> String {
    format!("letters:{id}:body_sealed")
}

/// A letter that can't be written takes its transaction with it.
pub(super) fn failed(error: &dyn std::fmt::Display) -> DbError {
    DbError::QueryBuilderError(format!("a letter could not be written: {error}").into())
}
