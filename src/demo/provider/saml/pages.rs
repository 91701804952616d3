//! The pages of the front channel by SAML.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::request::Request;
use super::response;
use crate::demo::provider::model::{Person, Provider};
use crate::demo::provider::pages::{Refused, page, page_with_script};
use crate::demo::provider::parameters::Parameters;

#[derive(Template)]
#[template(path = "demo/choose_saml.html")]
struct Choose<'a> {
    origin: String,
    request: &'a Request,
    people: &'a [Person],
}

#[derive(Template)]
#[template(path = "demo/onwards.html")]
struct Onwards<'a> {
    person: &'a Person,
    request: &'a Request,
    response: String,
}

/// `GET /saml/metadata`.
pub async fn metadata(provider: web::Data<Provider>) -> HttpResponse {
    match provider.metadata() {
        Ok(xml) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/samlmetadata+xml"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(xml),
        Err(error) => failed(&error),
    }
}

/// `GET /onwards.js`: the product's own script.
pub async fn script() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(include_str!("../../../../static/onwards.js"))
}

/// `GET /saml/sso`: whom to be.
pub async fn by_redirect(provider: web::Data<Provider>, request: HttpRequest) -> HttpResponse {
    choice(
        &provider,
        Request::read(request.query_string(), true, &provider.applications()),
    )
}

/// `POST /saml/sso`: the same for a request that came by a form.
pub async fn by_form(provider: web::Data<Provider>, body: String) -> HttpResponse {
    choice(&provider, Request::read(&body, false, &provider.applications()))
}

/// `POST /saml/choose`: on to the application, as the person named in the form.
pub async fn chosen(provider: web::Data<Provider>, body: String) -> HttpResponse {
    let answer = Parameters::read(&body).unwrap_or_default();
    let field = |name: &str| answer.get(name).unwrap_or_default();
    let applications = provider.applications();
    let asked = Request::of(
        field("request"),
        field("application"),
        field("relay_state"),
        &applications,
    );
    let (asked, person) = match (asked, provider.person(field("person"))) {
        (Ok(asked), Some(person)) => (asked, person),
        (Err(sentence), _) => return refused(sentence),
        (_, None) => return refused("The form names nobody who lives here."),
    };
    match response::write(&provider, &asked, person) {
        Ok(xml) => {
            let target = origin(&asked.application.acs_url);
            let onwards = Onwards {
                person,
                request: &asked,
                response: STANDARD.encode(xml),
            };
            page_with_script(StatusCode::OK, &onwards, &target)
        }
        Err(error) => failed(&error),
    }
}

fn choice(provider: &Provider, asked: Result<Request, &'static str>) -> HttpResponse {
    match asked {
        Ok(asked) => {
            let choose = Choose {
                origin: origin(&asked.application.acs_url),
                request: &asked,
                people: provider.people(),
            };
            page(StatusCode::OK, &choose, "'self'")
        }
        Err(sentence) => refused(sentence),
    }
}

fn refused(sentence: &str) -> HttpResponse {
    page(StatusCode::BAD_REQUEST, &Refused { sentence }, "'none'")
}

fn failed(error: &impl std::fmt::Display) -> HttpResponse {
    tracing::error!(%error, "the demo's provider could not answer");
    HttpResponse::InternalServerError().finish()
}

/// As a source for the page's `form-action`.
fn origin(address: &str) -> String {
    Url::parse(address).map_or_else(|_| "'none'".to_owned(), |url| url.origin().ascii_serialization())
}
