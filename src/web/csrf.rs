//! Forms come only from our own pages.
//!
//! Two independent checks. The browser itself says where a request comes from (`Sec-Fetch-Site`,
//! `Origin`): [`same_origin`]. And each form carries the HMAC of a random cookie of this browser, which
//! no other site can read or compute: [`token`] and [`holds`]. Nothing is stored for it, so that a
//! visitor who only looks costs no row.

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Site;
use crate::store::id;

const COOKIE: &str = "form";
/// The name of the hidden field.
pub const FIELD: &str = "form_token";

/// The cookie that this browser is to get with the answer.
#[derive(Clone)]
pub(super) struct NewCookie(pub String);

/// The value of the hidden field for this browser; makes its cookie if it has none.
pub fn token(request: &HttpRequest, site: &Site) -> String {
    let known = request
        .cookie(&site.cookie_name(COOKIE))
        .map(|cookie| cookie.value().to_owned());
    let secret = known.filter(|value| value.len() == 43).unwrap_or_else(|| {
        let made = request.extensions().get::<NewCookie>().map(|made| made.0.clone());
        made.unwrap_or_else(|| {
            let made = id::new_token();
            request.extensions_mut().insert(NewCookie(made.clone()));
            made
        })
    });
    URL_SAFE_NO_PAD.encode(hmac::sign(&key(site), secret.as_bytes()))
}

/// Whether the field belongs to this browser's cookie; compared in constant time.
pub fn holds(request: &HttpRequest, site: &Site, field: &str) -> bool {
    let Some(cookie) = request.cookie(&site.cookie_name(COOKIE)) else {
        return false;
    };
    let Ok(tag) = URL_SAFE_NO_PAD.decode(field) else {
        return false;
    };
    hmac::verify(&key(site), cookie.value().as_bytes(), &tag).is_ok()
}

/// A fresh cookie at each change of who is signed in: older forms end with it.
pub fn renew(request: &HttpRequest) {
    request.extensions_mut().insert(NewCookie(id::new_token()));
}

pub(super) fn cookie(site: &Site, made: NewCookie) -> actix_web::cookie::Cookie<'static> {
    site.cookie(COOKIE, made.0)
}

/// Whether the browser says that this request comes from a page of ours. Browsers send
/// `Sec-Fetch-Site` to trustworthy addresses; where it is missing, `Origin` must be ours if it is there.
/// (Our pages have no referrer, so that their `Origin` may be `null`: `Sec-Fetch-Site` decides first.)
pub fn same_origin(headers: &header::HeaderMap, own_origin: &str) -> bool {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match said("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => said("origin").is_none_or(|origin| origin == own_origin),
    }
}

fn key(site: &Site) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, site.form_key())
}
