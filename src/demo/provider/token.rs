//! The back channel: a code becomes tokens (OpenID Connect Core §3.1.3), a token becomes claims (§5.3).

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::store::time::SECOND;

use super::model::{Client, Code, Provider, TOKEN_LIFETIME};
use super::parameters::Parameters;
use super::signing::SigningError;

/// Why a token request is refused (RFC 6749 §5.2).
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum TokenError {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnsupportedGrantType,
}

/// `POST /token`.
pub(super) async fn token(provider: web::Data<Provider>, request: HttpRequest, body: String) -> HttpResponse {
    let authorization = header(&request, AUTHORIZATION);
    match grant(&provider, authorization, &body) {
        Ok(code) => tokens(&provider, &code).map_or_else(|error| unable(&error), |answer| private(&answer)),
        Err(error) => refused(error),
    }
}

/// `GET` or `POST /userinfo`.
pub(super) async fn userinfo(provider: web::Data<Provider>, request: HttpRequest) -> HttpResponse {
    let token = header(&request, AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    match token.and_then(|token| provider.access(token)) {
        Some(person) => private(&Value::Object(person.claims())),
        None => HttpResponse::Unauthorized()
            .insert_header((WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#))
            .finish(),
    }
}

/// Checks who asks, and takes the code if it is theirs.
fn grant(provider: &Provider, authorization: Option<&str>, body: &str) -> Result<Code, TokenError> {
    let asked = Parameters::read(body).ok_or(TokenError::InvalidRequest)?;
    let client = authenticated(&provider.clients(), authorization, &asked)?;
    if asked.get("grant_type") != Some("authorization_code") {
        return Err(TokenError::UnsupportedGrantType);
    }
    let code = asked.get("code").ok_or(TokenError::InvalidRequest)?;
    let code = provider.take_code(code).ok_or(TokenError::InvalidGrant)?;
    let verifier = asked.get("code_verifier").unwrap_or_default();
    let fits = code.client == client
        && asked.get("redirect_uri") == Some(&code.redirect_uri)
        && (43..=128).contains(&verifier.len())
        && same(&sha256(verifier), &code.challenge);
    if fits {
        Ok(code)
    } else {
        Err(TokenError::InvalidGrant)
    }
}

/// The client that proved its secret, by `client_secret_basic` or `client_secret_post` but not both.
fn authenticated(
    clients: &[Client],
    authorization: Option<&str>,
    asked: &Parameters,
) -> Result<String, TokenError> {
    let posted = asked.get("client_secret");
    let (id, secret) = match (authorization, posted) {
        (Some(_), Some(_)) => return Err(TokenError::InvalidRequest),
        (Some(header), None) => basic(header).ok_or(TokenError::InvalidClient)?,
        (None, Some(secret)) => (
            asked.get("client_id").unwrap_or_default().to_owned(),
            secret.to_owned(),
        ),
        (None, None) => return Err(TokenError::InvalidClient),
    };
    let client = clients
        .iter()
        .find(|client| client.id == id && same(&client.secret, &secret));
    client
        .map(|client| client.id.clone())
        .ok_or(TokenError::InvalidClient)
}

/// Both halves of Basic credentials are form-encoded first (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let pair = String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((decoded(id)?, decoded(secret)?))
}

fn decoded(text: &str) -> Option<String> {
    let (value, _) = url::form_urlencoded::parse(text.as_bytes()).next()?;
    Some(value.into_owned())
}

fn tokens(provider: &Provider, code: &Code) -> Result<Value, SigningError> {
    let now = provider.now() / SECOND;
    let access = provider.keep_access(code.person.clone());
    let mut claims = code.person.claims();
    claims.insert("iss".to_owned(), json!(provider.issuer()));
    claims.insert("aud".to_owned(), json!(code.client));
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("exp".to_owned(), json!(now + TOKEN_LIFETIME / SECOND));
    claims.insert("auth_time".to_owned(), json!(code.signed_in_at / SECOND));
    claims.insert("at_hash".to_owned(), json!(half_hash(&access)));
    if let Some(nonce) = &code.nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    Ok(json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME / SECOND,
        "scope": "openid email profile groups",
        "id_token": provider.key().sign(&claims)?,
    }))
}

fn refused(error: TokenError) -> HttpResponse {
    let (mut response, word) = match error {
        TokenError::InvalidRequest => (HttpResponse::BadRequest(), "invalid_request"),
        TokenError::InvalidClient => (HttpResponse::Unauthorized(), "invalid_client"),
        TokenError::InvalidGrant => (HttpResponse::BadRequest(), "invalid_grant"),
        TokenError::UnsupportedGrantType => (HttpResponse::BadRequest(), "unsupported_grant_type"),
    };
    if error == TokenError::InvalidClient {
        response.insert_header((WWW_AUTHENTICATE, r#"Basic realm="token""#));
    }
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({ "error": word }))
}

fn unable(error: &SigningError) -> HttpResponse {
    tracing::error!(%error);
    HttpResponse::InternalServerError().json(json!({ "error": "server_error" }))
}

fn private(answer: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(answer)
}

fn header(request: &HttpRequest, name: actix_web::http::header::HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// `at_hash`: the left half of the token's SHA-256 (OpenID Connect Core §3.1.3.6).
fn half_hash(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default())
}

fn same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
