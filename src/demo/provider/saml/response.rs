//! The answer: a response (SAML Core §3.2.2) with one signed assertion about a person.

use askama::Template;

use super::request::Request;
use crate::demo::provider::model::{Person, Provider};
use crate::demo::provider::signing::SigningError;
use crate::saml;
use crate::store::id;
use crate::store::time::{MINUTE, Timestamp};

/// How long the application may take to read it.
const LIFETIME: i64 = 5 * MINUTE;

#[derive(Template)]
#[template(path = "demo/assertion.xml")]
struct Assertion<'a> {
    id: String,
    issuer: String,
    request: &'a Request,
    person: &'a Person,
    now: Timestamp,
    until: Timestamp,
}

#[derive(Template)]
#[template(path = "demo/response.xml")]
struct Response<'a> {
    id: String,
    issuer: String,
    request: &'a Request,
    now: Timestamp,
    assertion: String,
}

/// The answer that says that this person is here.
pub fn write(provider: &Provider, request: &Request, person: &Person) -> Result<String, SigningError> {
    let failed = |error: askama::Error| SigningError(error.to_string());
    let now = provider.now();
    let assertion = Assertion {
        id: new_id(),
        issuer: provider.entity_id(),
        request,
        person,
        now,
        until: now + LIFETIME,
    };
    let xml = assertion.render().map_err(failed)?;
    let key = provider.saml_key();
    let signed = saml::sign_element(&xml, &assertion.id, &key.private, Some(&key.certificate));
    let signed = signed.map_err(SigningError)?;
    let response = Response {
        id: new_id(),
        issuer: provider.entity_id(),
        request,
        now,
        assertion: signed,
    };
    response.render().map_err(failed)
}

fn new_id() -> String {
    saml::request_id(&id::random_bytes())
}
