//! The headers of every answer, the cookies that pages asked for, and the first look at every request.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError as _, web};

use super::csrf::{self, NewCookie};
use super::flash::{Flash, Shown};
use super::{Problem, Site, problem, zone};
use crate::scim::{ScimError, ScimType};

/// Nothing from elsewhere, nothing inline, no frames; forms go to these places.
macro_rules! policy {
    ($forms:literal) => {
        concat!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; \
             connect-src 'self'; form-action ",
            $forms,
            "; frame-ancestors 'none'; base-uri 'none'"
        )
    };
}

const POLICY: &str = policy!("'self'");

/// The policy of a page whose form leads elsewhere: to `places`, in the language of `form-action`.
pub fn policy_for_forms_to(places: &str) -> String {
    format!(policy!("{}"), places)
}

/// Refuses requests for another host and forms from other sites, then dresses the answer.
///
/// # Errors
/// What the handler's own error is.
pub async fn every_answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let Some(site) = request.app_data::<web::Data<Site>>().cloned() else {
        return Err(Problem::internal("the application has no Site").into());
    };
    let mut answer = match refusal(&request, &site) {
        Some(refused) => request.into_response(refused).map_into_right_body(),
        None => match in_zone(&site, request, next).await {
            Ok(answer) => answer.map_into_left_body(),
            Err(error) => {
                return Err(problem::answering(error, |answer| {
                    add_headers(answer.headers_mut(), &site);
                }));
            }
        },
    };
    add_cookies(&mut answer, &site);
    add_headers(answer.headers_mut(), &site);
    Ok(answer)
}

/// The handler, whose pages write times in the reader's zone.
async fn in_zone<B: MessageBody + 'static>(
    site: &Site,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let zone = zone::of(request.request(), site);
    zone::within(zone, next.call(request)).await
}

fn refusal(request: &ServiceRequest, site: &Site) -> Option<HttpResponse> {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let one_host = request.headers().get_all(header::HOST).count() == 1;
    let own = host.is_some_and(|host| host.eq_ignore_ascii_case(site.config.public_url.authority()));
    let is_fine = (one_host && own) || matches!(request.path(), "/healthz" | "/readyz");
    if !is_fine {
        let sentence = format!(
            "This server is {}. Open it by that address.",
            site.config.public_url.origin()
        );
        if of_a_directory(request) {
            return Some(told_a_directory(&ScimError::new(421, sentence)));
        }
        let page = Problem::Invalid(sentence).error_response();
        return Some(
            HttpResponse::build(StatusCode::MISDIRECTED_REQUEST)
                .content_type("text/html; charset=utf-8")
                .body(page.into_body()),
        );
    }
    let nul = |text: &str| text.contains("%00");
    if nul(request.uri().path()) || request.uri().query().is_some_and(nul) {
        // PostgreSQL would refuse it later, in words that are not for people.
        if of_a_directory(request) {
            let error = ScimError::bad(ScimType::InvalidValue, "The address holds a NUL.");
            return Some(told_a_directory(&error));
        }
        return Some(Problem::Invalid("The address of this page holds a NUL.".to_owned()).error_response());
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe
        && !is_for_other_sites(request.path())
        // A browser never sends a directory's token by itself.
        && !of_a_directory(request)
        && !csrf::same_origin(request.headers(), site.config.public_url.origin())
    {
        return Some(
            Problem::Forbidden(
                "This form was sent from another site. Open the page here and send it again.".to_owned(),
            )
            .error_response(),
        );
    }
    None
}

/// Whether other sites may send forms there: the responses of SAML providers, and nothing else.
fn is_for_other_sites(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    matches!(parts.as_slice(), ["", "sign-in", "saml", _, "acs"])
}

fn of_a_directory(request: &ServiceRequest) -> bool {
    request.path() == "/scim" || request.path().starts_with("/scim/")
}

/// Directories are answered in their own form, whatever happens.
fn told_a_directory(error: &ScimError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    HttpResponse::build(status)
        .content_type("application/scim+json")
        .body(error.body().to_string())
}

fn add_cookies<B>(answer: &mut ServiceResponse<B>, site: &Site) {
    let made = answer.request().extensions_mut().remove::<NewCookie>();
    let shown = answer.request().extensions_mut().remove::<Shown>();
    let cookies = made
        .map(|made| csrf::cookie(site, made))
        .into_iter()
        .chain(shown.map(|_| Flash::gone(site)));
    for cookie in cookies {
        let outcome = answer.response_mut().add_cookie(&cookie);
        if let Err(error) = outcome {
            tracing::warn!(%error, "a cookie could not be set");
        }
    }
}

fn add_headers(headers: &mut HeaderMap, site: &Site) {
    let mut put = |name: &'static str, value: &'static str| {
        let name = header::HeaderName::from_static(name);
        if !headers.contains_key(&name) {
            headers.insert(name, header::HeaderValue::from_static(value));
        }
    };
    put("content-security-policy", POLICY);
    put("x-content-type-options", "nosniff");
    put("x-frame-options", "DENY");
    put("referrer-policy", "no-referrer");
    put("cross-origin-opener-policy", "same-origin");
    put("cross-origin-resource-policy", "same-origin");
    put(
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    put("cache-control", "no-store");
    if site.is_https() {
        put("strict-transport-security", "max-age=63072000; includeSubDomains");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SES-012.
    #[test]
    fn one_kind_of_address_takes_forms_of_other_sites() {
        assert!(is_for_other_sites("/sign-in/saml/0199/acs"));
        for own in [
            "/sign-in/saml/acs",
            "/sign-in/saml/a/b/acs",
            "/orgs/acme/sign-in/saml/0199/acs",
            "/sign-in/saml/0199/acs/",
            "/",
        ] {
            assert!(!is_for_other_sites(own), "{own}");
        }
    }

    #[test]
    fn only_the_place_of_forms_differs() {
        assert_eq!(policy_for_forms_to("'self'"), POLICY);
        assert!(policy_for_forms_to("https:").contains("; form-action https:; "));
    }
}
