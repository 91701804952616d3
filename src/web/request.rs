//! Each request has an id: it stands in every line of the log that it causes, and in its answer. It is counted, and
//! has an end.

use std::time::{Duration, Instant};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError as _, web};
use tracing::Instrument as _;

use super::client::is_trusted;
use super::metrics::metrics;
use super::{Problem, Site, problem};
use crate::store::id;

/// The name of the header.
const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// How long a request may take in all, its body included: sending it slowly gains nobody a place.
const LONGEST: Duration = Duration::from_mins(1);
/// The longest path and query that are read.
const LONGEST_ADDRESS: usize = 8 * 1024;

/// Gives the request its id, its time and its place in the numbers.
///
/// # Errors
/// What the handler's own error is.
pub async fn watched<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // Those who watch servers ask by either.
    if request.method() == Method::HEAD && matches!(request.path(), "/healthz" | "/readyz") {
        request.head_mut().method = Method::GET;
    }
    let (began, id) = (Instant::now(), id_of(&request));
    let method = request.method().clone();
    let span = tracing::info_span!("request", id, %method);
    let answer = answered(request, next).instrument(span.clone()).await;
    let seconds = began.elapsed().as_secs_f64();
    let done = |status: StatusCode, route: Option<&str>, headers: &mut HeaderMap| {
        let status = status.as_u16();
        if let Ok(metrics) = metrics() {
            metrics.answered(route, method.as_str(), status, seconds);
        }
        // The pattern and never the path, which may hold a token.
        let route = route.unwrap_or("none");
        span.in_scope(|| tracing::debug!(route, status, ms = seconds * 1_000.0, "answered"));
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.insert(NAME, value);
        }
    };
    match answer {
        Ok(mut answer) => {
            let (status, route) = (answer.status(), answer.request().match_pattern());
            done(status, route.as_deref(), answer.headers_mut());
            Ok(answer)
        }
        Err(error) => Err(problem::answering(error, |answer| {
            done(answer.status(), None, answer.headers_mut());
        })),
    }
}

async fn answered<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let long = request
        .uri()
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    if long > LONGEST_ADDRESS {
        let problem = Problem::Invalid("The address of this page is too long to be read.".to_owned());
        let mut answer = problem.error_response();
        *answer.status_mut() = StatusCode::URI_TOO_LONG;
        return Ok(request.into_response(answer).map_into_right_body());
    }
    // Nothing of the request may be kept meanwhile: the router wants it for itself.
    match tokio::time::timeout(LONGEST, next.call(request)).await {
        Ok(answer) => Ok(answer?.map_into_left_body()),
        Err(_late) => {
            tracing::warn!("a request took too long and was given up");
            Err(Problem::Unsure("the request took too long".to_owned()).into())
        }
    }
}

/// The id that a trusted proxy gave, if it is one; else a new one.
fn id_of(request: &ServiceRequest) -> String {
    let trusted = request.app_data::<web::Data<Site>>().is_some_and(|site| {
        request
            .peer_addr()
            .is_some_and(|peer| is_trusted(&site.config.trusted_proxies, peer.ip().to_canonical()))
    });
    let given = request
        .headers()
        .get(&NAME)
        .and_then(|value| value.to_str().ok())
        .filter(|text| trusted && is_id(text));
    given.map_or_else(id::new_id, str::to_owned)
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn an_id_is_short_and_plain() {
        assert!(is_id("0199-aF_.9"));
        for text in ["", "a b", "a\"", "é", &"x".repeat(65)] {
            assert!(!is_id(text), "{text}");
        }
    }
}
