//! What every page that asks an authenticator shares: the question as JSON, and the cookie that ties its answer to
//! this browser.

use actix_web::cookie::time::Duration;
use actix_web::{HttpRequest, HttpResponse};

use super::Asked;
use crate::web::{Problem, Site};

const COOKIE: &str = "passkey";

/// The question, for the script of the page that asked.
///
/// # Errors
/// When the cookie can't be written.
pub fn told(site: &Site, asked: Asked) -> Result<HttpResponse, Problem> {
    let mut answer = HttpResponse::Ok().json(asked.options);
    let mut cookie = site.cookie(COOKIE, asked.key);
    cookie.set_max_age(Duration::minutes(5));
    answer.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(answer)
}

/// The key of the question that this browser was asked, or empty.
pub fn key(request: &HttpRequest, site: &Site) -> String {
    let cookie = request.cookie(&site.cookie_name(COOKIE));
    cookie.map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}
