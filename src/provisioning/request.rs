//! A request of the directory and its answer, whoever carried them: HTTP, or a line of a Bulk request.

use std::time::Instant;

use serde_json::{Map, Value};

use crate::scim::{ScimError, ScimType};
use crate::store::time::Timestamp;
use crate::store::{self, DbError, id};
use crate::web::Problem;

/// What is to be done with a resource (RFC 7644 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read.
    Get,
    /// Create, or search.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
}

impl Verb {
    /// The method on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The verb of a method; none for any other method. Methods are case-sensitive (RFC 9110 §9.1).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|verb| verb.as_str() == word)
    }
}

/// When, where and from where a request came.
#[derive(Debug, Clone)]
pub struct Context {
    /// The time.
    pub now: Timestamp,
    /// The same moment, by the clock that tells how long something takes.
    pub begun: Instant,
    /// The absolute address of the SCIM server, without a slash at its end.
    pub base: String,
    /// The network address of the directory.
    pub ip: String,
}

impl Context {
    /// The absolute address of a resource, such as `Users` and its id.
    #[must_use]
    pub fn location(&self, kind: &str, id: &str) -> String {
        format!("{}/{kind}/{id}", self.base)
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is to be done.
    pub verb: Verb,
    /// The parts of the path below `/scim/v2`, decoded: `["Users", "0190…"]`. None is empty.
    pub path: Vec<String>,
    /// The query of the address, as it came.
    pub query: String,
    /// The body, if there was one.
    pub body: Option<Value>,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    /// The `If-None-Match` header.
    pub if_none_match: Option<String>,
}

impl Request {
    /// The body, which must be an object.
    ///
    /// # Errors
    /// 400 `invalidSyntax` for anything else.
    pub fn object(&self) -> Result<&Map<String, Value>, ScimError> {
        match &self.body {
            Some(Value::Object(body)) => Ok(body),
            _ => Err(ScimError::bad(
                ScimType::InvalidSyntax,
                "The body must be a JSON object.",
            )),
        }
    }

    /// Refuses with 412 where the request was made for another version than this (RFC 7644 §3.14).
    ///
    /// # Errors
    /// Status 412.
    pub fn check_version(&self, etag: &str) -> Result<(), ScimError> {
        match &self.if_match {
            Some(wanted) if !names(wanted, etag) => Err(ScimError::new(
                412,
                "The resource changed meanwhile. Read it again, then repeat the change.",
            )),
            _ => Ok(()),
        }
    }

    /// Whether the directory has this version already.
    #[must_use]
    pub fn has_version(&self, etag: &str) -> bool {
        self.if_none_match
            .as_deref()
            .is_some_and(|known| names(known, etag))
    }
}

/// Whether a list of entity tags names this one. Weak comparison (RFC 9110 §8.8.3.2): all our tags are weak.
fn names(list: &str, etag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.split(',')
        .any(|tag| tag.trim() == "*" || plain(tag) == plain(etag))
}

/// What is answered, and what the log of requests keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, if there is one.
    pub body: Option<Value>,
    /// The body where it is written already; then the other one is none.
    pub text: Option<String>,
    /// Where the resource is.
    pub location: Option<String>,
    /// The resource's version.
    pub etag: Option<String>,
    /// What was done to people and teams, in a sentence or two; empty where nothing was.
    pub decision: String,
    /// Whom it was about: the folded address or user name, for searching the log.
    pub person: String,
}

impl Answer {
    /// An answer with a body.
    #[must_use]
    pub fn new(status: u16, body: Option<Value>) -> Self {
        Self {
            status,
            body,
            text: None,
            location: None,
            etag: None,
            decision: String::new(),
            person: String::new(),
        }
    }

    /// An answer whose body is JSON that is written already.
    #[must_use]
    pub fn written(status: u16, text: String) -> Self {
        Self {
            text: Some(text),
            ..Self::new(status, None)
        }
    }

    /// A refusal that keeps what was written: the record of the refusal itself.
    #[must_use]
    pub fn refused(error: &ScimError) -> Self {
        Self {
            decision: error.detail.clone(),
            ..Self::new(error.status, Some(error.body()))
        }
    }

    /// With a sentence for the log.
    #[must_use]
    pub fn decided(self, decision: impl Into<String>) -> Self {
        Self {
            decision: decision.into(),
            ..self
        }
    }
}

/// What is told where nobody knows whether it was done.
const UNSURE: &str = "The database went away at the last moment, so it is not known whether this was done. \
                      Ask what is there, or try again.";

/// What a page would say, the directory hears as a status and a sentence.
impl From<Problem> for ScimError {
    fn from(problem: Problem) -> Self {
        let sentence = problem.to_string();
        match problem {
            Problem::NotFound | Problem::Gone(_) => Self::not_found(),
            Problem::Forbidden(_) | Problem::SignInFirst(_) | Problem::StillYou(_) => {
                Self::new(403, sentence)
            }
            Problem::TooLarge(_) => Self::new(413, sentence),
            Problem::Invalid(_) => Self::bad(ScimType::InvalidValue, sentence),
            Problem::Conflict(_) => Self::new(409, sentence),
            Problem::TooMany(_) | Problem::Enough(_) => Self::new(429, sentence),
            Problem::Upstream(_) | Problem::Internal(_) => broken(&sentence),
            Problem::Unavailable(_) => Self::new(503, "Nothing was changed. Try again in a moment."),
            Problem::Unsure(_) => Self::new(503, UNSURE),
        }
    }
}

/// Two requests that met may be tried again (503), and so may one for which the database was not there; anything else is
/// our own fault.
impl From<DbError> for ScimError {
    fn from(error: DbError) -> Self {
        if store::is_collision(&error) {
            let met = Self::new(
                503,
                "Another request changed the same thing at the same moment. Nothing was changed; try again.",
            );
            return Self { at_once: true, ..met };
        }
        if store::is_unsure(&error) {
            tracing::error!(%error, "a directory is not told whether it was done");
            return Self::new(503, UNSURE);
        }
        if store::is_unavailable(&error) {
            tracing::error!(%error, "the database does not serve a directory");
            return Self::new(503, "Nothing was changed. Try again in a moment.");
        }
        broken(&error.to_string())
    }
}

/// Our own fault. The text is logged with a reference and never leaves.
fn broken(error: &str) -> ScimError {
    let reference = id::new_reference();
    tracing::error!(reference, error, "a request of a directory failed");
    ScimError::new(
        500,
        format!("Something went wrong on our side, and nothing was changed. Reference: {reference}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCIM-060.
    #[test]
    fn versions_are_compared_weakly() {
        for list in ["*", "W/\"1.2\"", "\"1.2\"", "W/\"9\", W/\"1.2\""] {
            assert!(names(list, "W/\"1.2\""), "{list}");
        }
        for list in ["", "W/\"1\"", "\"1.20\"", "1.2"] {
            assert!(!names(list, "W/\"1.2\""), "{list}");
        }
    }

    /// SCIM-013.
    #[test]
    fn methods_are_read_exactly() {
        assert_eq!(Verb::parse("PATCH"), Some(Verb::Patch));
        assert_eq!((Verb::parse("patch"), Verb::parse("TRACE")), (None, None));
    }
}
