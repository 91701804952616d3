//! One sentence that the next page shows: a cookie, taken away when it is shown.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Site, see_other};

const COOKIE: &str = "flash";

/// What the page before has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// Whether it is good news.
    pub good: bool,
    /// The sentence.
    pub text: String,
}

/// The answer is to take the cookie away.
pub(super) struct Shown;

impl Flash {
    /// Something was done.
    pub fn good(text: impl Into<String>) -> Self {
        Self {
            good: true,
            text: text.into(),
        }
    }

    /// Something could not be done.
    pub fn bad(text: impl Into<String>) -> Self {
        Self {
            good: false,
            text: text.into(),
        }
    }

    /// 303 to `path`, which will show this.
    pub fn redirect(self, site: &Site, path: &str) -> HttpResponse {
        let mut answer = see_other(path);
        let value = URL_SAFE_NO_PAD.encode(format!("{}{}", if self.good { '+' } else { '-' }, self.text));
        if let Err(error) = answer.add_cookie(&site.cookie(COOKIE, value)) {
            tracing::warn!(%error, "a message could not be kept for the next page");
        }
        answer
    }

    /// The sentence for this page, once.
    pub fn take(request: &HttpRequest, site: &Site) -> Option<Self> {
        let cookie = request.cookie(&site.cookie_name(COOKIE))?;
        request.extensions_mut().insert(Shown);
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cookie.value()).ok()?).ok()?;
        let text = text.get(..text.len().min(1_000))?;
        match text.split_at_checked(1)? {
            ("+", rest) => Some(Self::good(rest)),
            ("-", rest) => Some(Self::bad(rest)),
            _ => None,
        }
    }

    pub(super) fn gone(site: &Site) -> actix_web::cookie::Cookie<'static> {
        site.gone_cookie(COOKIE)
    }
}
