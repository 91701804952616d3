//! The SCIM server over HTTP (RFC 7644): who speaks, in what form, and the form of every answer.

use std::sync::Arc;
use std::time::Instant;

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::hands::Hands;
use super::log::{Entry, Log};
use super::rate::{Over, Rate};
use super::request::{Answer, Context, Request, Verb};
use super::tokens::{self, Caller, Seen};
use super::{BASE, body, guard, route};
use crate::scim::{ScimError, ScimType};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::limits::Kind;
use crate::web::{Client, Site};

/// The type of every answer (RFC 7644 §8.1).
const SCIM_JSON: &str = "application/scim+json";
/// The longest body in bytes.
const LONGEST: usize = 1024 * 1024;
/// The longest body that describes a group, which may name each of its people.
const LONGEST_GROUP: usize = 16 * 1024 * 1024;
/// How often a request is tried when others change the same at the same moment.
const TRIES: usize = 3;
/// The longest text of an answer that the log is given.
const LOGGED: usize = 16 * 1024;

/// Registers the server. It takes all that is below `/scim`, so that no answer there is a page.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::scope("/scim").default_service(web::to(serve)));
}

async fn serve(
    http: HttpRequest,
    payload: web::Payload,
    site: Data<Site>,
    log: Data<Log>,
    (seen, rate, hands): (Data<Seen>, Data<Rate>, Data<Hands>),
    client: Client,
) -> HttpResponse {
    let started = Instant::now();
    let (caller, bearer) = match caller(&http, &site, &seen).await {
        Ok(found) => found,
        Err(error) => return refusal(&limited(&site, &client, error), None),
    };
    let Some(_hand) = hands.take(&caller.connection.id) else {
        return too_many_at_once();
    };
    let path = http.uri().path_and_query().map_or("", |path| path.as_str());
    let mut entry = Entry::of(&caller, site.now(), http.method().as_str(), path);
    if let Err(over) = rate.take(&caller.connection.id, site.now()) {
        return too_many(over, entry, &log);
    }
    let outcome = match request(&http, payload, &mut entry).await {
        Ok(request) => {
            let context = Context {
                now: site.now(),
                begun: started,
                base: site.url(BASE),
                ip: client.ip,
            };
            run(&site, context, &caller, &bearer, request)
                .await
                .map_err(plainly)
        }
        // What is not read does not come so far that the token is looked at.
        Err(refused) => Err(holds(&site, &bearer).await.err().map_or(refused, plainly)),
    };
    let response = match outcome {
        Ok(answer) => respond(answer, &mut entry),
        Err((error, allow)) => {
            if error.status == 401 {
                seen.forget(&bearer);
            }
            entry.decision = error.detail.clone();
            entry.answer = error.body().to_string().into_bytes();
            refusal(&error, allow)
        }
    };
    entry.status = response.status().as_u16();
    entry.duration_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
    log.add(entry);
    response
}

/// The directory has to wait. Its log has one line of it a minute, not one for each request.
fn too_many(over: Over, mut entry: Entry, log: &Log) -> HttpResponse {
    let error = ScimError::new(
        429,
        format!(
            "The directory sends more requests than are taken in a minute. Go on in {} seconds.",
            over.seconds
        ),
    );
    let mut response = refusal(&error, None);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from(over.seconds));
    if over.is_news {
        entry.decision = error.detail.clone();
        entry.answer = error.body().to_string().into_bytes();
        entry.status = 429;
        log.add(entry);
    }
    response
}

/// A refusal, and for a 405 what would be allowed.
type Refused = (ScimError, Option<&'static [Verb]>);

fn plainly(error: ScimError) -> Refused {
    (error, None)
}

/// Reads the request; refuses what leads nowhere or can't be read.
async fn request(http: &HttpRequest, payload: web::Payload, entry: &mut Entry) -> Result<Request, Refused> {
    let path = segments(http.uri().path()).ok_or_else(|| plainly(ScimError::not_found()))?;
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let allowed = route::allowed(&names).ok_or_else(|| plainly(ScimError::not_found()))?;
    let verb = Verb::parse(http.method().as_str())
        .filter(|verb| allowed.contains(verb))
        .ok_or_else(|| {
            let error = ScimError::new(405, "This can’t be done here.");
            (error, Some(allowed))
        })?;
    accepts(http).map_err(plainly)?;
    let longest = if names.first() == Some(&"Groups") {
        LONGEST_GROUP
    } else {
        LONGEST
    };
    let sent = read(http, payload, longest).await.map_err(plainly)?;
    entry.body = sent.to_vec();
    let header = |name: header::HeaderName| {
        let value = http.headers().get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    Ok(Request {
        verb,
        path,
        query: http.query_string().to_owned(),
        body: content(verb, http, &sent).map_err(plainly)?,
        if_match: header(header::IF_MATCH),
        if_none_match: header(header::IF_NONE_MATCH),
    })
}

/// Refuses where the token holds no longer, or SCIM is off.
async fn holds(site: &Site, bearer: &str) -> Result<(), ScimError> {
    let (now, bearer) = (site.now(), bearer.to_owned());
    let look = move |conn: &mut Conn| holder(conn, now, &bearer).map(drop);
    site.store.asking(look).await
}

/// Whose token this is, looked at now.
fn holder(conn: &mut Conn, now: Timestamp, bearer: &str) -> Result<Caller, ScimError> {
    let caller = tokens::find(conn, now, bearer)?.ok_or_else(stranger)?;
    if !caller.connection.scim {
        return Err(switched_off());
    }
    Ok(caller)
}

/// Who speaks: by a bearer token in the `Authorization` header and in no other way (RFC 6750 §2.1).
async fn caller(http: &HttpRequest, site: &Site, seen: &Seen) -> Result<(Arc<Caller>, String), ScimError> {
    let mut fields = http.headers().get_all(header::AUTHORIZATION);
    let bearer = match (fields.next(), fields.next()) {
        (Some(field), None) => field.to_str().ok().and_then(bearer),
        _ => None,
    };
    let bearer = bearer.ok_or_else(stranger)?.to_owned();
    let (now, shown) = (site.now(), bearer.clone());
    if let Some(caller) = seen.find(now, &bearer) {
        return Ok((caller, bearer));
    }
    let found = site
        .store
        .asking(move |conn| tokens::find(conn, now, &shown).map_err(ScimError::from))
        .await?;
    let caller = Arc::new(found.ok_or_else(stranger)?);
    seen.keep(now, &bearer, &caller);
    Ok((caller, bearer))
}

fn bearer(field: &str) -> Option<&str> {
    let (scheme, token) = field.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn stranger() -> ScimError {
    ScimError::new(
        401,
        "A token of a connection here is wanted, as “Authorization: Bearer …”. This one is unknown, revoked or expired.",
    )
}

/// Whoever comes too often without a good token is told to wait. A good token is never kept waiting for it.
fn limited(site: &Site, client: &Client, error: ScimError) -> ScimError {
    match site.limits.take(Kind::Directory, &client.ip, site.now()) {
        Err(problem) if error.status == 401 => problem.into(),
        _ => error,
    }
}

fn switched_off() -> ScimError {
    ScimError::new(
        403,
        "SCIM is turned off for this connection. An owner turns it on in the connection’s settings.",
    )
}

/// The parts of a path below the server's address. Empty parts, and such as lead elsewhere, lead nowhere.
fn segments(path: &str) -> Option<Vec<String>> {
    let below = path.strip_prefix(BASE)?.strip_prefix('/')?;
    below
        .split('/')
        .map(|part| {
            let part = decoded(part)?;
            let is_plain = !part.is_empty()
                && part != "."
                && part != ".."
                && !part.contains(['/', '\\'])
                && !part.chars().any(char::is_control);
            is_plain.then_some(part)
        })
        .collect()
}

/// A part of a path without its percent-encoding (RFC 3986 §2.1).
fn decoded(part: &str) -> Option<String> {
    let mut pieces = part.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

fn essence(field: &str) -> String {
    let kind = field.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// Whether the directory reads what we write.
fn accepts(http: &HttpRequest) -> Result<(), ScimError> {
    let mut fields = http
        .headers()
        .get_all(header::ACCEPT)
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','))
        .map(essence)
        .filter(|kind| !kind.is_empty())
        .peekable();
    let reads = |kind: String| {
        matches!(
            kind.as_str(),
            "*/*" | "application/*" | SCIM_JSON | "application/json"
        )
    };
    if fields.peek().is_none() || fields.any(reads) {
        return Ok(());
    }
    Err(ScimError::new(406, "Answers here are application/scim+json."))
}

/// The body, as it was sent.
async fn read(http: &HttpRequest, payload: web::Payload, longest: usize) -> Result<Bytes, ScimError> {
    let encoding = http.headers().get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(ScimError::new(415, "Bodies here are not compressed."));
    }
    match payload.to_bytes_limited(longest).await {
        Ok(Ok(sent)) => Ok(sent),
        Ok(Err(error)) => Err(ScimError::bad(
            ScimType::InvalidSyntax,
            format!("The body did not arrive whole: {error}."),
        )),
        Err(too_long) => Err(ScimError::new(
            413,
            format!("The body is longer than {longest} bytes: {too_long}."),
        )),
    }
}

/// The body as JSON, for the verbs that have one.
fn content(verb: Verb, http: &HttpRequest, sent: &[u8]) -> Result<Option<serde_json::Value>, ScimError> {
    if !matches!(verb, Verb::Post | Verb::Put | Verb::Patch) {
        return Ok(None);
    }
    let kind = http.headers().get(header::CONTENT_TYPE);
    let kind = kind.map(|kind| essence(kind.to_str().unwrap_or("?")));
    match kind.as_deref() {
        None | Some("" | SCIM_JSON | "application/json") => body::read(sent).map(Some),
        Some(_) => Err(ScimError::new(
            415,
            "Bodies here are application/scim+json or application/json.",
        )),
    }
}

/// Runs the request where the token is looked at, whatever is remembered of it: one that was revoked does nothing.
async fn run(
    site: &Site,
    context: Context,
    caller: &Caller,
    bearer: &str,
    request: Request,
) -> Result<Answer, ScimError> {
    let work = Arc::new((context, bearer.to_owned(), request));
    if !route::writes(&work.2) {
        return site.store.asking(move |conn| serve_in(conn, &work)).await;
    }
    let mut last = ScimError::new(503, "Try again in a moment.");
    for _ in 0..TRIES {
        let work = Arc::clone(&work);
        let outcome = site
            .store
            .writing_in(&caller.organization, move |conn| serve_in(conn, &work))
            .await;
        match outcome {
            Err(error) if error.at_once => last = error,
            outcome => return outcome,
        }
    }
    Err(last)
}

fn serve_in(
    conn: &mut Conn,
    (context, bearer, request): &(Context, String, Request),
) -> Result<Answer, ScimError> {
    let caller = holder(conn, context.now, bearer)?;
    route::handle(conn, context, &caller, request)
}

fn respond(answer: Answer, entry: &mut Entry) -> HttpResponse {
    entry.decision = answer.decision;
    entry.person = answer.person;
    let mut response = builder(answer.status);
    for (name, value) in [(header::LOCATION, &answer.location), (header::ETAG, &answer.etag)] {
        if let Some(value) = value {
            response.insert_header((name, value.as_str()));
        }
    }
    let Some(text) = answer.text.or_else(|| answer.body.map(|body| body.to_string())) else {
        return response.finish();
    };
    // What was read is told by the request; what was made or refused is worth reading.
    if entry.method != "GET" && text.len() <= LOGGED {
        entry.answer = text.clone().into_bytes();
    }
    response.content_type(SCIM_JSON).body(text)
}

fn refusal(error: &ScimError, allow: Option<&'static [Verb]>) -> HttpResponse {
    let mut response = builder(error.status);
    if error.status == 401 {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"SCIM\""));
    }
    if let Some(allow) = allow {
        let verbs: Vec<&str> = allow.iter().map(|verb| verb.as_str()).collect();
        response.insert_header((header::ALLOW, verbs.join(", ")));
    }
    response.content_type(SCIM_JSON).body(error.body().to_string())
}

/// Nothing of it is read, and nothing stands in the log: a flood is not kept.
fn too_many_at_once() -> HttpResponse {
    let error = ScimError::new(
        429,
        "So many requests of this directory are in hand that no more are taken. Send fewer at once.",
    );
    let mut response = refusal(&error, None);
    let soon = header::HeaderValue::from_static("1");
    response.headers_mut().insert(header::RETRY_AFTER, soon);
    response
}

fn builder(status: u16) -> actix_web::HttpResponseBuilder {
    let mut response =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    match status {
        429 => response.insert_header((header::RETRY_AFTER, guard::RETRY_AFTER.to_string())),
        503 => response.insert_header((header::RETRY_AFTER, "1")),
        _ => &mut response,
    };
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCIM-012.
    #[test]
    fn only_plain_paths_lead_anywhere() {
        let parts = |path: &str| segments(path).map(|parts| parts.join("|"));
        assert_eq!(parts("/scim/v2/Users").as_deref(), Some("Users"));
        assert_eq!(parts("/scim/v2/Users/a%20b").as_deref(), Some("Users|a b"));
        for nowhere in [
            "/scim",
            "/scim/v2",
            "/scim/v2/",
            "/scim/v2//Users",
            "/scim/v2/Users/",
            "/scim/v2/Users/%2e%2e/Groups",
            "/scim/v2/Users/..",
            "/scim/v2/Users%2fa",
            "/scim/v2/%00",
            "/scim/v2/%ff",
            "/scim/v3/Users",
        ] {
            assert_eq!(parts(nowhere), None, "{nowhere}");
        }
    }

    /// SCIM-001.
    #[test]
    fn a_token_comes_by_its_scheme() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for none in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(bearer(none), None, "{none}");
        }
    }
}
