//! What shows that this browser is the one that was just refused: the reference and an hour's time under the
//! installation's key, in a cookie. The reference alone is read aloud and stands in tickets; it proves nothing.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::store::time::{HOUR, Timestamp};
use crate::web::Site;

const COOKIE: &str = "refused";

/// The cookie for the browser whose attempt got this reference. It lasts for an hour.
pub(super) fn cookie(site: &Site, reference: &str) -> Cookie<'static> {
    let until = site.now() + HOUR;
    let tag = hmac::sign(&key(site), said(reference, until).as_bytes());
    let value = format!("{until}.{}", URL_SAFE_NO_PAD.encode(tag));
    let mut cookie = site.cookie(COOKIE, value);
    cookie.set_max_age(Duration::milliseconds(HOUR));
    cookie
}

/// Whether this browser was refused with this reference within the last hour; compared in constant time.
pub(super) fn holds(request: &HttpRequest, site: &Site, reference: &str) -> bool {
    let cookie = request.cookie(&site.cookie_name(COOKIE));
    cookie.is_some_and(|cookie| is_of(site, cookie.value(), reference))
}

fn is_of(site: &Site, value: &str, reference: &str) -> bool {
    let Some((until, tag)) = value.split_once('.') else {
        return false;
    };
    let (Ok(until), Ok(tag)) = (until.parse::<Timestamp>(), URL_SAFE_NO_PAD.decode(tag)) else {
        return false;
    };
    until > site.now() && hmac::verify(&key(site), said(reference, until).as_bytes(), &tag).is_ok()
}

fn said(reference: &str, until: Timestamp) -> String {
    format!("{reference} {until}")
}

fn key(site: &Site) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &site.sealer.derive("refused browsers"))
}
