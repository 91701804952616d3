//! HTTP that knows no feature: pages, problems, forms, paging, cookies and the headers of every answer.

pub mod assets;
pub mod client;
pub mod csrf;
pub mod download;
pub mod flash;
pub mod form;
pub mod headers;
pub mod limits;
pub mod metrics;
mod multipart;
pub mod page;
pub mod paging;
pub mod problem;
pub mod request;
pub mod site;
pub mod tls;
pub mod turns;
pub mod zone;

pub use client::Client;
pub use flash::Flash;
pub use form::{Choice, FieldErrors, Posted, Uploaded};
pub use page::{Door, Page, Theme};
pub use paging::{Paging, Slice};
pub use problem::Problem;
pub use site::Site;

use actix_web::HttpResponse;
use actix_web::http::header;

/// 303 See Other: the answer to every POST that did something.
pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, to))
        .finish()
}

/// A path of ours that is safe to send a browser to, or `/`. Refuses other hosts in all their disguises.
pub fn local_path(text: &str) -> &str {
    // What browsers send is percent-encoded; other letters would not fit into a header.
    let safe = text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && text.len() <= 1_000;
    if safe
        && url::Url::parse("http://own.invalid")
            .and_then(|own| own.join(text))
            .is_ok_and(|url| url.host_str() == Some("own.invalid") && !url.path().starts_with("//"))
    {
        text
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    /// OUT-006.
    #[test]
    fn only_paths_of_our_own_are_returned_to() {
        assert_eq!(local_path("/orgs/acme/members?q=a"), "/orgs/acme/members?q=a");
        for evil in [
            "//e",
            "/\\e",
            "https:e",
            "https://e/",
            "/\t/e",
            "",
            "javascript:x",
            "e",
            "/a\r\nX: y",
            "/..//e",
            "/.//e",
            "/\u{e9}",
            "/a b",
        ] {
            assert_eq!(local_path(evil), "/", "{evil:?}");
        }
    }
}
