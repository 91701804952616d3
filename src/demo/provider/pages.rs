//! The front channel: what the provider shows, publishes and sends people back with.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::json;
use url::Url;

use super::authorize::{Refusal, Request};
use super::model::{Code, Person, Provider};
use super::parameters::Parameters;

#[derive(Template)]
#[template(path = "demo/home.html")]
struct Home<'a> {
    issuer: &'a str,
    people: &'a [Person],
    front_doors: Vec<String>,
}

#[derive(Template)]
#[template(path = "demo/choose.html")]
struct Choose<'a> {
    action: String,
    origin: &'a str,
    people: &'a [Person],
    hint: &'a str,
}

#[derive(Template)]
#[template(path = "demo/refused.html")]
pub(super) struct Refused<'a> {
    pub sentence: &'a str,
}

/// `GET /`: what this is.
pub(super) async fn home(provider: web::Data<Provider>) -> HttpResponse {
    let home = Home {
        issuer: provider.issuer(),
        people: provider.people(),
        front_doors: front_doors(&provider),
    };
    page(StatusCode::OK, &home, "'none'")
}

/// `GET /authorize`: whom to be.
pub(super) async fn choose(provider: web::Data<Provider>, request: HttpRequest) -> HttpResponse {
    match Request::read(request.query_string(), &provider.clients(), provider.issuer()) {
        Ok(asked) => choice(&provider, &request, &asked),
        Err(refusal) => refused(refusal),
    }
}

/// `POST /authorize`: back to the application, as the person named in the form.
pub(super) async fn chosen(
    provider: web::Data<Provider>,
    request: HttpRequest,
    body: String,
) -> HttpResponse {
    let asked = match Request::read(request.query_string(), &provider.clients(), provider.issuer()) {
        Ok(asked) => asked,
        Err(refusal) => return refused(refusal),
    };
    let answer = Parameters::read(&body).unwrap_or_default();
    if answer.get("decline").is_some() {
        return back(&asked.refused(
            provider.issuer(),
            "access_denied",
            "The person chose not to sign in.",
        ));
    }
    match answer.get("person").and_then(|key| provider.person(key)) {
        Some(person) => granted(&provider, &asked, person),
        None => refused(Refusal::Here("The form names nobody who lives here.")),
    }
}

/// `GET /app.css`: the product's own stylesheet.
pub(super) async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(include_str!("../../../static/app.css"))
}

/// `GET /favicon.ico`: nothing, which is quieter than an error in the browser's console.
pub(super) async fn no_icon() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// `GET /.well-known/openid-configuration` (OpenID Connect Discovery §3).
pub(super) async fn discovery(provider: web::Data<Provider>) -> HttpResponse {
    let issuer = provider.issuer();
    HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "email", "profile", "groups"],
        "claims_supported": ["sub", "email", "email_verified", "name", "given_name", "family_name", "groups"],
        "authorization_response_iss_parameter_supported": true,
        "request_uri_parameter_supported": false,
    }))
}

/// `GET /jwks`.
pub(super) async fn jwks(provider: web::Data<Provider>) -> HttpResponse {
    HttpResponse::Ok().json(provider.key().public())
}

fn choice(provider: &Provider, request: &HttpRequest, asked: &Request) -> HttpResponse {
    let origin = asked.origin();
    let choose = Choose {
        action: format!("/authorize?{}", request.query_string()),
        origin: &origin,
        people: provider.people(),
        hint: asked.login_hint.as_deref().unwrap_or_default(),
    };
    page(StatusCode::OK, &choose, &format!("'self' {origin}"))
}

fn granted(provider: &Provider, asked: &Request, person: &Person) -> HttpResponse {
    let code = provider.keep_code(Code {
        client: asked.client.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        nonce: asked.nonce.clone(),
        person: person.clone(),
        signed_in_at: provider.now(),
    });
    back(&asked.granted(provider.issuer(), &code))
}

fn refused(refusal: Refusal) -> HttpResponse {
    match refusal {
        Refusal::Here(sentence) => page(StatusCode::BAD_REQUEST, &Refused { sentence }, "'none'"),
        Refusal::Back(to) => back(&to),
    }
}

fn back(to: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, to))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// A page under a strict policy. `form_action` is where its form, and the answer to its form, may lead.
pub(super) fn page(status: StatusCode, template: &impl Template, form_action: &str) -> HttpResponse {
    page_by(status, template, form_action, "'none'")
}

/// A page with the script that sends its form.
pub(super) fn page_with_script(
    status: StatusCode,
    template: &impl Template,
    form_action: &str,
) -> HttpResponse {
    page_by(status, template, form_action, "'self'")
}

fn page_by(status: StatusCode, template: &impl Template, form_action: &str, scripts: &str) -> HttpResponse {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src {scripts}; form-action {form_action}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page of the demo's provider did not render");
            return HttpResponse::InternalServerError().finish();
        }
    };
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(html)
}

/// The applications that send people here, as addresses one can open.
fn front_doors(provider: &Provider) -> Vec<String> {
    let clients = provider.clients();
    let addresses = clients.iter().flat_map(|client| &client.redirect_uris);
    let mut doors: Vec<String> = addresses
        .filter_map(|uri| Some(Url::parse(uri).ok()?.join("/").ok()?.into()))
        .collect();
    doors.dedup();
    doors
}
