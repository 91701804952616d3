//! Browsers in which an account was signed in before. A stranger who guesses can't make them wait, and their sign-ins
//! are no news to the person.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, time::Duration};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::store::id;
use crate::web::Site;

const COOKIE: &str = "known";

/// What this browser is known by to the account of this address (folded), if it is.
pub fn mark(request: &HttpRequest, site: &Site, email_key: &str) -> Option<String> {
    let cookie = request.cookie(&site.cookie_name(COOKIE))?;
    let (nonce, tag) = cookie.value().split_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    hmac::verify(&key(site), said(email_key, nonce).as_bytes(), &tag)
        .ok()
        .map(|()| nonce.to_owned())
}

/// The cookie by which this browser will be known. It opens nothing.
pub fn cookie(site: &Site, email_key: &str) -> Cookie<'static> {
    let nonce = id::new_token();
    let tag = hmac::sign(&key(site), said(email_key, &nonce).as_bytes());
    let mut cookie = site.cookie(COOKIE, format!("{nonce}.{}", URL_SAFE_NO_PAD.encode(tag)));
    cookie.set_max_age(Duration::days(365));
    cookie
}

fn said(email_key: &str, nonce: &str) -> String {
    format!("{nonce}|{email_key}")
}

fn key(site: &Site) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &site.sealer.derive("known browsers"))
}
