//! What can go wrong with a request, by what the caller can do about it.

use actix_web::error::InternalError;
use actix_web::http::{StatusCode, header};
use actix_web::{Error, HttpResponse, ResponseError};
use askama::Template;

use crate::store::{DbError, id};

/// A request that could not be answered as asked. Handlers return it; it renders as a page.
#[derive(Debug)]
pub enum Problem {
    /// There is no such page, or not for this person. 404.
    NotFound,
    /// The person may not do this; the sentence says who may. 403.
    Forbidden(String),
    /// The request itself is wrong; the sentence says what to send. 400.
    Invalid(String),
    /// Something changed meanwhile, or a rule stands against it. 409.
    Conflict(String),
    /// It was there and is no more. 410.
    Gone(String),
    /// More than we read; the sentence says how much that is. 413.
    TooLarge(String),
    /// Too often; try again after so many seconds. 429.
    TooMany(u64),
    /// What may be done in a day is done; the sentence says how much that is. 429.
    Enough(String),
    /// Another server that we need did not answer properly. 502.
    Upstream(String),
    /// Nobody is signed in: off to the sign-in page, and back to this path afterwards. 303.
    SignInFirst(String),
    /// The person was signed in too long ago for this: they are asked again at this path. 303.
    StillYou(String),
    /// Our own fault. Logged with a reference; its text never leaves. 500, or 503 when trying again helps.
    Internal(String),
    /// We can't do it now; nothing has happened. 503.
    Unavailable(String),
    /// The database went away at the last moment, or time ran out: nobody knows whether it happened. 503.
    Unsure(String),
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    title: &'a str,
    sentence: &'a str,
    reference: Option<&'a str>,
}

impl Problem {
    /// An internal problem from any error.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "There is no such page",
            Self::Forbidden(_) => "You may not do this",
            Self::Invalid(_) => "This request can’t be read",
            Self::Conflict(_) => "This can’t be done now",
            Self::Gone(_) => "This is no longer here",
            Self::TooLarge(_) => "This is too large",
            Self::TooMany(_) => "Too many attempts",
            Self::Enough(_) => "Enough for today",
            Self::Upstream(_) => "Another server did not answer",
            Self::SignInFirst(_) => "Sign in first",
            Self::StillYou(_) => "Is it still you?",
            Self::Internal(_) => "Something went wrong on our side",
            Self::Unavailable(_) => "Try again in a moment",
            Self::Unsure(_) => "It is not known whether this was done",
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::NotFound => {
                "The address may be mistyped, or what it named is gone, or it is not for you.".to_owned()
            }
            Self::Forbidden(text)
            | Self::Invalid(text)
            | Self::Conflict(text)
            | Self::Gone(text)
            | Self::TooLarge(text)
            | Self::Enough(text)
            | Self::Upstream(text) => text.clone(),
            Self::TooMany(seconds) => format!("Wait {seconds} seconds, then try again."),
            Self::SignInFirst(_) => "Sign in, then you are brought back here.".to_owned(),
            Self::StillYou(_) => "Show that it is still you, then you are brought back here.".to_owned(),
            Self::Internal(_) => {
                "Nothing was changed. If it happens again, tell whoever runs this server the reference below."
                    .to_owned()
            }
            Self::Unavailable(_) => "Nothing was changed. Try again in a moment.".to_owned(),
            Self::Unsure(_) => {
                "The server or its database did not come to an end with it. Look whether it was done before you do it again."
                    .to_owned()
            }
        }
    }
}

/// The same error, with its answer changed. What stands around the pages fails without a request, so there is no answer
/// yet to be changed; and an error may be asked for its answer only once.
pub fn answering(error: Error, change: impl FnOnce(&mut HttpResponse)) -> Error {
    let mut answer = error.error_response();
    change(&mut answer);
    InternalError::from_response(error, answer).into()
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Internal(text) | Self::Unavailable(text) | Self::Unsure(text) => f.write_str(text),
            other => f.write_str(&other.sentence()),
        }
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NotFound => Self::NotFound,
            other if crate::store::is_collision(&other) => Self::Conflict(
                "Somebody else changed the same thing at the same moment. Go back and try again.".to_owned(),
            ),
            other if crate::store::is_unsure(&other) => Self::Unsure(other.to_string()),
            other if crate::store::is_unavailable(&other) => Self::Unavailable(other.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Gone(_) => StatusCode::GONE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) | Self::Enough(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Upstream(_) => StatusCode::BAD_GATEWAY,
            Self::SignInFirst(_) | Self::StillYou(_) => StatusCode::SEE_OTHER,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) | Self::Unsure(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::SignInFirst(path) = self {
            let to: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
            return super::see_other(&format!("/sign-in?return_to={to}"));
        }
        if let Self::StillYou(path) = self {
            return super::see_other(path);
        }
        let reference = matches!(self, Self::Internal(_) | Self::Unavailable(_) | Self::Unsure(_))
            .then(id::new_reference);
        if let Some(reference) = &reference {
            tracing::error!(reference, error = %self, "a request failed");
        }
        let page = ProblemPage {
            title: self.title(),
            sentence: &self.sentence(),
            reference: reference.as_deref(),
        };
        let mut answer = HttpResponse::build(self.status_code());
        if let Self::TooMany(seconds) = self {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Self::Unavailable(_) | Self::Unsure(_) = self {
            answer.insert_header((header::RETRY_AFTER, "5"));
        }
        answer
            .content_type("text/html; charset=utf-8")
            .body(page.render().unwrap_or_else(|error| error.to_string()))
    }
}
