//! What a form sent, after its token was checked; and what is wrong with it.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use tokio::sync::OnceCell;

use super::{Problem, Site, csrf, multipart};

/// The largest form: 1,000 addresses of the longest kind fit.
const LARGEST: usize = 1024 * 1024;

/// The fields that a form sent. A handler that takes it can't be reached without the form's token.
#[derive(Debug, Clone, Default)]
pub struct Posted(Vec<(String, String)>);

impl Posted {
    /// The fields of a form, for tests of pure functions.
    pub fn of(fields: &[(&str, &str)]) -> Self {
        Self(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    /// The first value of this field with white space cut off, or empty.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value of this field as it was sent (passwords keep their spaces), or empty.
    pub fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// All values of a repeated field.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    /// Every field with its value, in the order in which they were sent.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether a box was ticked or a button pressed.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A whole number, if the field holds one.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }

    /// The version of the row that the form was made from (0 where it has none).
    pub fn version(&self) -> i64 {
        self.number("version").unwrap_or(0)
    }

    /// Itself, if it carries the token of this browser.
    fn own_of(self, request: &HttpRequest) -> Result<Self, Problem> {
        let Some(site) = request.app_data::<web::Data<Site>>() else {
            return Err(Problem::internal("the application has no Site"));
        };
        if !csrf::holds(request, site, self.text(csrf::FIELD)) {
            return Err(Problem::Forbidden(
                "This form was opened too long ago, or not by you. Go back, reload the page, and send it again.".to_owned(),
            ));
        }
        Ok(self)
    }
}

/// What came, or why it could not be read.
type Came = Result<web::Bytes, String>;
type Arriving = Pin<Box<dyn Future<Output = Result<web::Bytes, actix_web::Error>>>>;

/// The body of a request, which is read once, whoever asks for it: the form itself, and what keeps a form that
/// can't be taken yet.
#[derive(Clone)]
struct Body(Rc<(Cell<Option<Arriving>>, OnceCell<Came>)>);

impl Body {
    fn of(request: &HttpRequest, payload: &mut Payload) -> Self {
        if let Some(known) = request.extensions().get::<Self>() {
            return known.clone();
        }
        let arriving: Arriving = Box::pin(web::Bytes::from_request(request, payload));
        let body = Self(Rc::new((Cell::new(Some(arriving)), OnceCell::new())));
        request.extensions_mut().insert(body.clone());
        body
    }

    async fn arrived(&self) -> Result<web::Bytes, String> {
        let (arriving, arrived) = &*self.0;
        let read = async || match arriving.take() {
            Some(body) => body.await.map_err(|error| error.to_string()),
            None => Err("it was cut short".to_owned()),
        };
        arrived.get_or_init(read).await.clone()
    }
}

impl FromRequest for Posted {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let body = Body::of(&request, payload);
        Box::pin(async move {
            if !kind_of(&request).starts_with(ENCODED) {
                return Err(elsewhere());
            }
            let posted = encoded(&whole(body.arrived()).await?)?;
            posted.own_of(&request)
        })
    }
}

/// A form that may carry a file. It arrives in either encoding: that of files, or that of every other form.
#[derive(Debug, Clone, Default)]
pub struct Uploaded {
    /// The other fields.
    pub form: Posted,
    /// What the file holds, if one was chosen that is not empty.
    pub file: Option<Vec<u8>>,
}

impl FromRequest for Uploaded {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let body = web::Bytes::from_request(&request, payload);
        Box::pin(async move {
            let kind = kind_of(&request);
            let body = whole(body).await?;
            let read = if kind.starts_with(ENCODED) {
                Self {
                    form: encoded(&body)?,
                    file: None,
                }
            } else {
                Self::read(kind, &body)?
            };
            Ok(Self {
                form: read.form.own_of(&request)?,
                file: read.file,
            })
        })
    }
}

impl Uploaded {
    fn read(kind: &str, body: &[u8]) -> Result<Self, Problem> {
        let mut read = Self::default();
        for part in multipart::parts(kind, body).ok_or_else(elsewhere)? {
            if part.is_file {
                read.file = (!part.content.is_empty()).then(|| part.content.to_vec());
            } else if part.content.contains(&0) {
                return Err(nul());
            } else {
                let value = String::from_utf8_lossy(part.content).into_owned();
                read.form.0.push((part.name, value));
            }
        }
        Ok(read)
    }
}

/// How every form is written that carries no file.
const ENCODED: &str = "application/x-www-form-urlencoded";

fn kind_of(request: &HttpRequest) -> &str {
    let kind = request.headers().get("content-type");
    kind.and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn elsewhere() -> Problem {
    Problem::Forbidden("Send the form from its own page.".to_owned())
}

fn nul() -> Problem {
    Problem::Invalid("The form holds a NUL character.".to_owned())
}

async fn whole(
    body: impl Future<Output = Result<web::Bytes, impl std::fmt::Display>>,
) -> Result<web::Bytes, Problem> {
    let body = body
        .await
        .map_err(|error| Problem::Invalid(format!("The form did not arrive whole: {error}.")))?;
    if body.len() > LARGEST {
        return Err(Problem::Invalid(
            "The form is larger than 1 MB. Send it in parts.".to_owned(),
        ));
    }
    Ok(body)
}

fn encoded(body: &[u8]) -> Result<Posted, Problem> {
    if body.windows(3).any(|bytes| bytes == b"%00") || body.contains(&0) {
        return Err(nul());
    }
    Ok(Posted(url::form_urlencoded::parse(body).into_owned().collect()))
}

/// One choice of a list to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What people read.
    pub title: String,
    /// Whether it is the chosen one.
    pub chosen: bool,
}

impl Choice {
    /// A choice, chosen if its value is the one that was sent.
    pub fn new(value: &str, title: &str, sent: &str) -> Self {
        Self {
            value: value.to_owned(),
            title: title.to_owned(),
            chosen: value == sent,
        }
    }
}

/// What is wrong with a form, field by field, in the order of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    /// Notes a sentence beside a field.
    pub fn add(&mut self, field: &'static str, sentence: impl Into<String>) {
        self.0.push((field, sentence.into()));
    }

    /// One error alone.
    pub fn one(field: &'static str, sentence: impl Into<String>) -> Self {
        Self(vec![(field, sentence.into())])
    }

    /// The sentence beside this field, if there is one.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, sentence)| sentence.as_str())
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, for the summary above the form.
    pub fn all(&self) -> &[(&'static str, String)] {
        &self.0
    }

    /// `Ok` where nothing is wrong.
    ///
    /// # Errors
    /// Itself, where something is.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}
