//! What the provider answers, honest or not, at each of its addresses.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::rt::time::{Interval, interval, sleep};
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, crypto};
use serde_json::{Map, Value, json};
use url::Url;
use vestibule::store::id::new_token;

use super::board::{Board, Grant, Recorded};
use super::fault::Fault;
use super::id_token::{Occasion, id_token};
use super::keys::{self, ATTACKER, CURRENT};

type Pairs = Vec<(String, String)>;

/// Twice what a careful client reads.
const HUGE: usize = 2 * 1024 * 1024;

/// Records the request, waits if a fault says so, and answers.
pub async fn answer(board: web::Data<Mutex<Board>>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let recorded = recorded(&request, &body);
    let delay = {
        let mut board = lock(&board);
        board.requests.push(recorded.clone());
        board.faults.iter().find_map(|fault| delay(fault, &recorded.path))
    };
    if let Some(delay) = delay {
        sleep(delay).await;
    }
    let board = &mut lock(&board);
    match recorded.path.as_str() {
        "/.well-known/openid-configuration" => discovery(board),
        "/jwks" | "/other-jwks" => jwks(board),
        "/attacker" => HttpResponse::Ok().json(json!({ "keys": [ATTACKER.public()] })),
        "/authorize" => authorize(board, &recorded),
        "/token" => token(board, &recorded),
        "/userinfo" => userinfo(board, &recorded),
        _ => HttpResponse::NotFound().finish(),
    }
}

pub fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

fn recorded(request: &HttpRequest, body: &[u8]) -> Recorded {
    let header = |(name, value): (
        &actix_web::http::header::HeaderName,
        &actix_web::http::header::HeaderValue,
    )| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    };
    Recorded {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: url::form_urlencoded::parse(request.query_string().as_bytes())
            .into_owned()
            .collect(),
        headers: request.headers().iter().map(header).collect(),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

fn delay(fault: &Fault, path: &str) -> Option<Duration> {
    let (slow, delay) = match fault {
        Fault::DiscoverySlow(delay) => ("/.well-known/openid-configuration", delay),
        Fault::JwksSlow(delay) => ("/jwks", delay),
        Fault::TokenSlow(delay) => ("/token", delay),
        Fault::UserinfoSlow(delay) => ("/userinfo", delay),
        _ => return None,
    };
    (slow == path).then_some(*delay)
}

fn discovery(board: &Board) -> HttpResponse {
    let issuer = &board.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    for fault in &board.faults {
        match fault {
            Fault::Discovery404 => return HttpResponse::NotFound().finish(),
            Fault::DiscoveryHtml => return html(StatusCode::OK, "<h1>Welcome</h1>"),
            Fault::DiscoveryHuge => document["padding"] = json!("x".repeat(HUGE)),
            Fault::DiscoveryRedirect => return redirect("http://169.254.169.254/latest/meta-data"),
            Fault::DiscoveryIssuerMismatch => document["issuer"] = json!("https://another.example"),
            Fault::DiscoveryIssuerTrailingSlash => document["issuer"] = json!(format!("{issuer}/")),
            Fault::DiscoveryOtherJwksUri => document["jwks_uri"] = json!(format!("{issuer}/other-jwks")),
            Fault::DiscoveryWithoutTokenEndpoint => remove(&mut document, "token_endpoint"),
            Fault::DiscoveryWithoutUserinfo => remove(&mut document, "userinfo_endpoint"),
            Fault::IssParameterUnknown => {
                remove(&mut document, "authorization_response_iss_parameter_supported");
            }
            Fault::OnlyClientSecretPost => {
                document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
            }
            Fault::DiscoveryPrivateEndpoints => {
                for (name, path) in [
                    ("token_endpoint", "token"),
                    ("jwks_uri", "jwks"),
                    ("userinfo_endpoint", "me"),
                ] {
                    document[name] = json!(format!("http://169.254.169.254/{path}"));
                }
            }
            _ => {}
        }
    }
    HttpResponse::Ok().json(document)
}

fn jwks(board: &Board) -> HttpResponse {
    let mut set = json!({ "keys": keys::published(&board.faults) });
    for fault in &board.faults {
        match fault {
            Fault::JwksDown => return HttpResponse::ServiceUnavailable().finish(),
            Fault::JwksHtml => return html(StatusCode::OK, "<h1>Keys</h1>"),
            Fault::JwksHuge => set["padding"] = json!("x".repeat(HUGE)),
            _ => {}
        }
    }
    HttpResponse::Ok().json(set)
}

fn authorize(board: &mut Board, asked: &Recorded) -> HttpResponse {
    let Some(to) = asked
        .parameter("redirect_uri")
        .and_then(|uri| Url::parse(uri).ok())
    else {
        return html(StatusCode::BAD_REQUEST, "<h1>No redirect_uri</h1>");
    };
    for fault in &board.faults {
        if let Fault::ForwardTo(address, client) = fault {
            return redirect(&forwarded(asked, address, client));
        }
    }
    let answer = authorization_answer(board, asked, to.as_str());
    send_back(board, to, &answer)
}

/// The same request to another provider, as a client of that provider.
fn forwarded(asked: &Recorded, address: &str, client: &str) -> String {
    let mut to = Url::parse(address).unwrap();
    for (name, value) in &asked.query {
        let value = if name == "client_id" { client } else { value };
        to.query_pairs_mut().append_pair(name, value);
    }
    to.into()
}

fn authorization_answer(board: &mut Board, asked: &Recorded, redirect_uri: &str) -> Pairs {
    let grant = Grant {
        client: asked.parameter("client_id").unwrap_or_default().to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        nonce: asked.parameter("nonce").map(str::to_owned),
        challenge: asked.parameter("code_challenge").map(str::to_owned),
        person: board.who(asked.parameter("login_hint")),
        used: false,
    };
    let mut answer: Pairs = Vec::new();
    answer.extend(asked.parameter("state").map(|state| pair("state", state)));
    answer.push(pair("iss", &board.issuer));
    let refusal = board.faults.iter().find_map(|fault| match fault {
        Fault::Refuses(error, description) => {
            Some([pair("error", error), pair("error_description", description)])
        }
        _ => None,
    });
    if let Some(refusal) = refusal {
        answer.extend(refusal);
    } else if board.has(&Fault::IdTokenInQuery) {
        answer.push(pair("id_token", &token_of(board, &grant, "access")));
    } else {
        let code = new_token();
        board.codes.insert(code.clone(), grant);
        answer.push(pair("code", &code));
    }
    board
        .faults
        .iter()
        .for_each(|fault| bend_answer(&mut answer, fault));
    answer
}

fn bend_answer(answer: &mut Pairs, fault: &Fault) {
    let mut replace = |name: &str, values: &[&str]| {
        answer.retain(|(known, _)| known != name);
        answer.extend(values.iter().map(|value| pair(name, value)));
    };
    match fault {
        Fault::StateMissing => replace("state", &[]),
        Fault::StateWrong => replace("state", &["another"]),
        Fault::CodeMissing => replace("code", &[]),
        Fault::IssParameterWrong => replace("iss", &["https://another.example"]),
        Fault::IssParameterMissing | Fault::IssParameterUnknown => replace("iss", &[]),
        Fault::StateTwice => again(answer, "state"),
        Fault::CodeTwice => again(answer, "code"),
        _ => {}
    }
}

fn again(answer: &mut Pairs, name: &str) {
    let found: Pairs = answer
        .iter()
        .filter(|(known, _)| known == name)
        .cloned()
        .collect();
    answer.extend(found);
}

fn send_back(board: &Board, mut to: Url, answer: &[(String, String)]) -> HttpResponse {
    if board.has(&Fault::AnswerByPost) {
        let field = |(name, value): &(String, String)| {
            format!(r#"<input type="hidden" name="{name}" value="{value}">"#)
        };
        let fields: String = answer.iter().map(field).collect();
        return html(
            StatusCode::OK,
            &format!(r#"<form method="post" action="{to}">{fields}<button>Continue</button></form>"#),
        );
    }
    if board.has(&Fault::AnswerInFragment) {
        let text = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(answer)
            .finish();
        to.set_fragment(Some(&text));
    } else {
        to.query_pairs_mut().extend_pairs(answer);
    }
    redirect(to.as_str())
}

fn token(board: &mut Board, asked: &Recorded) -> HttpResponse {
    if let Some(answer) = board.faults.iter().find_map(useless_token_answer) {
        return answer;
    }
    let grant = match redeem(board, asked) {
        Ok(grant) => grant,
        Err(error) => return token_error(error),
    };
    let access = new_token();
    board.tokens.insert(access.clone(), grant.person.clone());
    let mut answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": 300,
        "id_token": token_of(board, &grant, &access),
    });
    for fault in &board.faults {
        match fault {
            Fault::TokenHuge => answer["padding"] = json!("x".repeat(HUGE)),
            Fault::TokenWithoutIdToken => remove(&mut answer, "id_token"),
            Fault::TokenWithoutAccessToken => remove(&mut answer, "access_token"),
            _ => {}
        }
    }
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(answer)
}

fn useless_token_answer(fault: &Fault) -> Option<HttpResponse> {
    Some(match fault {
        Fault::Token500 => HttpResponse::InternalServerError().body("out of order"),
        Fault::TokenHtml => html(StatusCode::OK, "<h1>Please sign in</h1>"),
        Fault::TokenEmpty => HttpResponse::Ok().content_type("application/json").finish(),
        Fault::TokenMalformed => HttpResponse::Ok()
            .content_type("application/json")
            .body(r#"{"id_token": "a.b"#),
        Fault::TokenArray => HttpResponse::Ok().json(["id_token"]),
        Fault::TokenError(error) => token_error(error),
        Fault::Token307(to) => HttpResponse::TemporaryRedirect()
            .insert_header((LOCATION, to.as_str()))
            .finish(),
        Fault::TokenTrickle => HttpResponse::Ok()
            .content_type("application/json")
            .body(Trickle(interval(Duration::from_millis(100)))),
        _ => return None,
    })
}

/// The grant of the code, if who asks may have it.
fn redeem(board: &mut Board, asked: &Recorded) -> Result<Grant, &'static str> {
    let (client, secret) = credentials(board, asked).ok_or("invalid_client")?;
    if board.secret_of(&client) != Some(&secret) {
        return Err("invalid_client");
    }
    let reusable = board.has(&Fault::CodeReusable);
    let grant = board
        .codes
        .get_mut(&asked.field("code").unwrap_or_default())
        .ok_or("invalid_grant")?;
    let fresh = reusable || !grant.used;
    grant.used = true;
    let verifier = asked.field("code_verifier").unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let proven = grant.challenge.as_ref().is_none_or(|known| *known == challenge);
    let same = grant.client == client && asked.field("redirect_uri").as_ref() == Some(&grant.redirect_uri);
    if fresh && proven && same {
        Ok(grant.clone())
    } else {
        Err("invalid_grant")
    }
}

/// Client and secret, by `client_secret_basic` (each form-encoded, RFC 6749 §2.3.1) or `client_secret_post`.
fn credentials(board: &Board, asked: &Recorded) -> Option<(String, String)> {
    match asked.basic() {
        Some(_) if board.has(&Fault::OnlyClientSecretPost) => None,
        Some((user, password)) => Some((decoded(&user), decoded(&password))),
        None => Some((asked.field("client_id")?, asked.field("client_secret")?)),
    }
}

fn decoded(text: &str) -> String {
    // A literal `=` or `&` would have been encoded.
    url::form_urlencoded::parse(text.as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect()
}

fn token_of(board: &Board, grant: &Grant, access: &str) -> String {
    let occasion = Occasion {
        issuer: &board.issuer,
        client: &grant.client,
        secret: board.secret_of(&grant.client).unwrap_or_default(),
        nonce: grant.nonce.as_deref(),
        access_token: access,
        now: board.now(),
    };
    let mut about = grant.person.claims(&board.faults);
    if board.has(&Fault::ClaimsOnlyAtUserinfo) {
        about.retain(|claim, _| claim == "sub");
    }
    id_token(&occasion, about, &board.faults)
}

fn userinfo(board: &Board, asked: &Recorded) -> HttpResponse {
    let token = asked
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(person) = token.and_then(|token| board.tokens.get(token)) else {
        return HttpResponse::Unauthorized()
            .insert_header(("www-authenticate", "Bearer"))
            .finish();
    };
    let mut claims = person.claims(&board.faults);
    for fault in &board.faults {
        match fault {
            Fault::Userinfo500 => return HttpResponse::InternalServerError().finish(),
            Fault::UserinfoHtml => return html(StatusCode::OK, "<h1>Ada</h1>"),
            Fault::UserinfoSigned => return signed(&claims),
            Fault::UserinfoOtherSub => drop(claims.insert("sub".into(), json!("another"))),
            Fault::UserinfoWithoutSub => drop(claims.remove("sub")),
            Fault::UserinfoHuge => drop(claims.insert("padding".into(), json!("x".repeat(HUGE)))),
            _ => {}
        }
    }
    HttpResponse::Ok().json(claims)
}

/// Claims as a signed token (OpenID Connect Core §5.3.2).
fn signed(claims: &Map<String, Value>) -> HttpResponse {
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": CURRENT.kid }).to_string());
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(json!(claims).to_string()));
    let signature = crypto::sign(message.as_bytes(), &CURRENT.private, Algorithm::RS256).unwrap();
    HttpResponse::Ok()
        .content_type("application/jwt")
        .body(format!("{message}.{signature}"))
}

fn token_error(error: &str) -> HttpResponse {
    let status = if error == "invalid_client" {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::BAD_REQUEST
    };
    HttpResponse::build(status).json(json!({ "error": error, "error_description": "<b>no</b>" }))
}

fn html(status: StatusCode, body: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(body.to_owned())
}

fn redirect(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, to)).finish()
}

fn remove(object: &mut Value, member: &str) {
    object.as_object_mut().unwrap().remove(member);
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A body without end, a space at a time.
struct Trickle(Interval);

impl MessageBody for Trickle {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Infallible>>> {
        ready!(self.0.poll_tick(context));
        Poll::Ready(Some(Ok(web::Bytes::from_static(b" "))))
    }
}
