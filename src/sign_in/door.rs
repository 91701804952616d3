//! Out to the provider and back: the start of an attempt, its answer, and the page for those who are
//! not let in.

use actix_session::Session;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::flow::{self, ATTEMPT_LIFE, Arrival, Attempt, Passage};
use super::oidc::{self, Callback, Oidc, OidcError, Settings};
use super::queries;
use super::record::{Rejection, reject};
use crate::connections::{self, Connection};
use crate::orgs::{self, Organization};
use crate::session;
use crate::store::{Conn, DbError, id};
use crate::web::{Client, Door, Page, Problem, Site, local_path, see_other};

/// The cookie that binds an attempt to its browser.
const BROWSER: &str = "browser";
/// The cookie that an invitation's link leaves.
const INVITATION: &str = "invitation";

/// How a sign-in is to start.
#[derive(Debug, Deserialize)]
pub struct Start {
    #[serde(default)]
    return_to: String,
    /// Present when the person wants to be asked who they are.
    again: Option<String>,
}

/// `GET /sign-in/{org}/{connection}`: off to the provider.
pub async fn start(
    request: HttpRequest,
    site: web::Data<Site>,
    oidc: web::Data<Oidc>,
    client: Client,
    path: web::Path<(String, String)>,
    wanted: web::Query<Start>,
) -> Result<HttpResponse, Problem> {
    let (org, slug) = path.into_inner();
    let connection = site
        .store
        .reading(move |conn| connections::find_by_slugs(conn, &org, &slug))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    if connection.state != connections::State::On {
        return Err(Problem::Forbidden(format!(
            "Single sign-on by “{}” is not turned on. Ask an administrator.",
            connection.name
        )));
    }
    let secrets = oidc::Attempt::new(&id::random_bytes());
    let (settings, now) = (settings(&site, &connection)?, site.now());
    match oidc.authorization_url(&settings, &secrets, None, now).await {
        Ok(mut to) => {
            if wanted.again.is_some() {
                to.query_pairs_mut().append_pair("prompt", "login");
            }
            depart(
                &request,
                &site,
                &connection,
                &secrets,
                local_path(&wanted.return_to),
                to.as_str(),
            )
            .await
        }
        Err(error) => rejected(&site, rejection(&connection, &error, client)).await,
    }
}

/// Writes the attempt down, then sends the browser away.
async fn depart(
    request: &HttpRequest,
    site: &Site,
    connection: &Connection,
    secrets: &oidc::Attempt,
    return_to: &str,
    to: &str,
) -> Result<HttpResponse, Problem> {
    let browser = cookie(request, site, BROWSER)
        .filter(|value| value.len() == 43)
        .unwrap_or_else(id::new_token);
    let now = site.now();
    let attempt = Attempt {
        id: id::new_id(),
        connection: connection.id.clone(),
        organization: connection.organization.clone(),
        browser_hash: id::hash_token(&browser),
        nonce: secrets.nonce.clone(),
        verifier: secrets.verifier.clone(),
        return_to: return_to.to_owned(),
        invitation_hash: cookie(request, site, INVITATION)
            .map(|token| id::hash_token(&token))
            .unwrap_or_default(),
        created_at: now,
        expires_at: now + ATTEMPT_LIFE,
        used_at: None,
    };
    let state_hash = id::hash_token(&secrets.state);
    site.store
        .writing(move |conn| queries::insert_attempt(conn, &attempt, &state_hash))
        .await
        .map_err(Problem::from)?;
    let mut answer = see_other(to);
    let mut kept = site.cookie(BROWSER, browser);
    kept.set_max_age(actix_web::cookie::time::Duration::milliseconds(ATTEMPT_LIFE));
    answer.add_cookie(&kept).map_err(Problem::internal)?;
    Ok(answer)
}

/// `GET /sign-in/oidc/{id}/callback`: back from the provider.
pub async fn returned(
    request: HttpRequest,
    site: web::Data<Site>,
    oidc: web::Data<Oidc>,
    session: Session,
    client: Client,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let connection = connection(&site, path.into_inner()).await?;
    let callback = match Callback::parse(request.query_string()) {
        Ok(callback) => callback,
        Err(error) => return rejected(&site, rejection(&connection, &error, client)).await,
    };
    let attempt = match claim_attempt(&request, &site, &connection, &callback.state).await? {
        Ok(attempt) => attempt,
        Err((check, sentence)) => {
            return rejected(&site, lost(&connection, check, sentence, client)).await;
        }
    };
    let secrets = oidc::Attempt {
        state: callback.state.clone(),
        nonce: attempt.nonce.clone(),
        verifier: attempt.verifier.clone(),
    };
    let settings = settings(&site, &connection)?;
    let verified = match oidc
        .verify(&settings, &secrets, &callback, &connection.id, site.now())
        .await
    {
        Ok(verified) => verified,
        Err(error) => return rejected(&site, rejection(&connection, &error, client)).await,
    };
    let arrival = Arrival {
        attempt,
        identity: verified.identity,
        evidence: json!(verified.evidence),
        client,
    };
    match flow::admit(&site.store, site.now(), arrival).await? {
        Passage::In {
            session: opened,
            return_to,
        } => {
            session::enter(&request, &session, &opened)?;
            // The other cookie stays for its ten minutes: another tab may still be at the provider.
            without(&site, see_other(local_path(&return_to)), &[INVITATION])
        }
        Passage::Refused { reference } => without(
            &site,
            see_other(&format!("/sign-in/refused/{reference}")),
            &[BROWSER],
        ),
    }
}

async fn connection(site: &Site, id: String) -> Result<Connection, Problem> {
    site.store
        .reading(move |conn| connections::find(conn, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)
}

/// Which check failed, and what an administrator should know.
type Unfit = (&'static str, &'static str);

const USED: Unfit = (
    "state_used",
    "This sign-in was finished already: the same answer of the provider arrived a second time.",
);

/// Uses up the attempt that this answer belongs to, if it belongs to this browser and connection, in time.
/// Of two answers at once one is the first, and only that one's code is redeemed.
async fn claim_attempt(
    request: &HttpRequest,
    site: &Site,
    connection: &Connection,
    state: &str,
) -> Result<Result<Attempt, Unfit>, Problem> {
    let (state, connection, now) = (id::hash_token(state), connection.id.clone(), site.now());
    let browser = cookie(request, site, BROWSER).map(|value| id::hash_token(&value));
    site.store
        .writing(move |conn| {
            let attempt = queries::attempt(conn, &state)?;
            match judge_attempt(attempt, &connection, browser.as_deref(), now) {
                Ok(attempt) if !queries::consume(conn, &attempt.id, now)? => Ok(Err(USED)),
                judged => Ok(judged),
            }
        })
        .await
        .map_err(|error: DbError| Problem::Unavailable(error.to_string()))
}

fn judge_attempt(
    attempt: Option<Attempt>,
    connection: &str,
    browser: Option<&str>,
    now: i64,
) -> Result<Attempt, Unfit> {
    let attempt = attempt.ok_or(("state", "No sign-in was started with this state."))?;
    if attempt.connection != connection {
        return Err((
            "state_of_another_connection",
            "The answer arrived at another connection’s address than the one where the sign-in was started.",
        ));
    }
    if attempt.used_at.is_some() {
        return Err(USED);
    }
    if browser != Some(attempt.browser_hash.as_str()) {
        return Err((
            "state_of_another_browser",
            "The sign-in was started in another browser, or this browser keeps no cookies.",
        ));
    }
    if attempt.expires_at <= now {
        return Err((
            "state_expired",
            "The person stayed at the provider for more than 10 minutes.",
        ));
    }
    Ok(attempt)
}

fn settings(site: &Site, connection: &Connection) -> Result<Settings, Problem> {
    let secret = if connection.client_secret_sealed.is_empty() {
        String::new()
    } else {
        site.sealer
            .open(
                &connections::secret_place(&connection.id),
                &connection.client_secret_sealed,
            )
            .map_err(Problem::Internal)?
    };
    let redirect_uri = site.url(&format!("/sign-in/oidc/{}/callback", connection.id));
    let mut settings = Settings::new(&connection.issuer, &connection.client_id, &secret, &redirect_uri);
    settings.scopes.clone_from(&connection.scopes);
    settings.groups_claim.clone_from(&connection.groups_claim);
    Ok(settings)
}

fn lost(connection: &Connection, check: &str, sentence: &str, client: Client) -> Rejection {
    Rejection {
        organization: connection.organization.clone(),
        connection: connection.id.clone(),
        check: check.to_owned(),
        sentence: sentence.to_owned(),
        status: 400,
        client,
    }
}

fn rejection(connection: &Connection, error: &OidcError, client: Client) -> Rejection {
    Rejection {
        status: error.http_status(),
        ..lost(connection, error.check.as_str(), &error.sentence, client)
    }
}

/// Keeps the record of a rejected message and shows its page.
async fn rejected(site: &Site, rejection: Rejection) -> Result<HttpResponse, Problem> {
    let now = site.now();
    let reference = site
        .store
        .writing(move |conn| reject(conn, now, &rejection))
        .await
        .map_err(|error: DbError| Problem::Unavailable(error.to_string()))?;
    without(site, see_other(&format!("/sign-in/refused/{reference}")), &[])
}

fn without(site: &Site, mut answer: HttpResponse, cookies: &[&str]) -> Result<HttpResponse, Problem> {
    for name in cookies {
        answer
            .add_cookie(&site.gone_cookie(name))
            .map_err(Problem::internal)?;
    }
    answer.headers_mut().insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    Ok(answer)
}

fn cookie(request: &HttpRequest, site: &Site, name: &str) -> Option<String> {
    request
        .cookie(&site.cookie_name(name))
        .map(|cookie| cookie.value().to_owned())
}

#[derive(Template)]
#[template(path = "sign_in/denied.html")]
struct Denied {
    door: Door,
    organization: String,
    contact: String,
    reference: String,
    again: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in/failed.html")]
struct Failed {
    door: Door,
    organization: String,
    sentence: &'static str,
    reference: String,
    again: Option<String>,
}

/// `GET /sign-in/refused/{reference}`: Access denied, or what went wrong, in plain words. The reason of
/// a denial is for the administrator, not for whoever holds the reference.
pub async fn refused(
    door: Door,
    site: web::Data<Site>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reference = path.into_inner();
    let wanted = reference.clone();
    let found = site
        .store
        .reading(move |conn| about_refused(conn, &wanted))
        .await
        .map_err(Problem::from)?;
    let (record, organization, connection) = found.ok_or(Problem::NotFound)?;
    let again = connection
        .filter(|connection| connection.state == connections::State::On)
        .map(|connection| format!("/sign-in/{}/{}", organization.slug, connection.slug));
    let name = organization.settings.name;
    match record.outcome.as_str() {
        "denied" => {
            let page = Denied {
                door,
                organization: name,
                contact: organization.settings.contact,
                reference,
                again,
            };
            Ok(Page::with_status(StatusCode::FORBIDDEN, page).response())
        }
        "rejected" => {
            let page = Failed {
                door,
                organization: name,
                sentence: for_the_person(&record.reason),
                reference,
                again,
            };
            Ok(Page::with_status(status_of(&record.evidence), page).response())
        }
        _ => Err(Problem::NotFound),
    }
}

type AboutRefused = (queries::Refused, Organization, Option<Connection>);

fn about_refused(conn: &mut Conn, reference: &str) -> crate::store::Result<Option<AboutRefused>> {
    let Some(record) = queries::refused(conn, reference)? else {
        return Ok(None);
    };
    let Some(organization) = orgs::find(conn, &record.organization)? else {
        return Ok(None);
    };
    let connection = match &record.connection {
        Some(id) => connections::find(conn, id)?,
        None => None,
    };
    Ok(Some((record, organization, connection)))
}

/// The HTTP status that the rejection was given.
fn status_of(evidence: &str) -> StatusCode {
    let evidence: serde_json::Value = serde_json::from_str(evidence).unwrap_or_default();
    let number = evidence
        .get("status")
        .and_then(serde_json::Value::as_u64)
        .and_then(|number| u16::try_from(number).ok());
    number
        .and_then(|number| StatusCode::from_u16(number).ok())
        .unwrap_or(StatusCode::BAD_REQUEST)
}

/// What the person is told of a check that failed: what to do, and no more.
fn for_the_person(check: &str) -> &'static str {
    match check {
        "state" | "state_of_another_browser" => {
            "We have lost track of this sign-in. Perhaps the page was open for long, or it was started in another browser. Start again."
        }
        "state_used" => {
            "This sign-in was finished already. If you came here by the back button, start again."
        }
        "state_expired" => "This sign-in took too long. Start again, and finish within ten minutes.",
        "connection_off" => "Single sign-on was turned off for your organization. Ask an administrator.",
        "provider_refused" => {
            "Your organization’s sign-in service did not sign you in. Perhaps it was cancelled there. Start again, or ask an administrator."
        }
        "provider_unreachable"
        | "provider_timed_out"
        | "token_endpoint"
        | "discovery"
        | "keys"
        | "userinfo" => {
            "Your organization’s sign-in service does not answer properly. Try again in a few minutes."
        }
        "expired" | "not_yet_valid" => {
            "The clocks of your organization’s sign-in service and of this server differ. Tell an administrator the reference below."
        }
        "email_malformed" => {
            "Your organization’s sign-in service sent an e-mail address that can’t be read. Tell an administrator the reference below."
        }
        _ => {
            "Your organization’s sign-in service sent an answer that we can’t accept. Start again; if it happens again, tell an administrator the reference below."
        }
    }
}
