//! The door of an OpenID Connect connection: out to the provider with a code challenge, back with a code.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::door::{self, Departure, Return, Secrets, USED, Unfit, judge_attempt, rejected};
use super::flow::{Arrival, Attempt};
use super::oidc::{self, Callback, Oidc, OidcError, Settings};
use super::queries;
use super::record::Rejection;
use crate::connections::{self, Connection, Protocol};
use crate::store::{DbError, id};
use crate::web::{Client, Problem, Site, see_other};

/// The cookie that binds an attempt to its browser.
const BROWSER: &str = "browser";

/// Off to the provider's authorization endpoint.
pub(super) async fn depart(site: &Site, oidc: &Oidc, departure: Departure) -> Result<HttpResponse, Problem> {
    let secrets = oidc::Attempt::new(&id::random_bytes());
    let (settings, now) = (settings(site, &departure.connection)?, site.now());
    let mut to = match oidc.authorization_url(&settings, &secrets, None, now).await {
        Ok(to) => to,
        Err(error) => {
            return rejected(site, rejection(&departure.connection, &error, departure.client)).await;
        }
    };
    if departure.again {
        to.query_pairs_mut().append_pair("prompt", "login");
    }
    let browser = departure.browser(site, BROWSER);
    let kept = Secrets {
        key: secrets.state,
        nonce: secrets.nonce,
        verifier: secrets.verifier,
    };
    departure.keep(site, kept, browser.value()).await?;
    let mut answer = see_other(to.as_str());
    answer.add_cookie(&browser).map_err(Problem::internal)?;
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
    let connection = door::connection(&site, path.into_inner(), Protocol::Oidc).await?;
    let back = Return {
        request,
        session,
        client,
        connection,
    };
    match judge(&site, &oidc, &back).await? {
        Ok(arrival) => back.admit(&site, arrival, BROWSER).await,
        Err(rejection) => rejected(&site, *rejection).await,
    }
}

/// Who came, if the provider's answer is genuine and belongs to an attempt of this browser.
async fn judge(site: &Site, oidc: &Oidc, back: &Return) -> Result<Result<Arrival, Box<Rejection>>, Problem> {
    let refuse = |error: &OidcError| {
        Ok(Err(Box::new(rejection(
            &back.connection,
            error,
            back.client.clone(),
        ))))
    };
    let callback = match Callback::parse(back.request.query_string()) {
        Ok(callback) => callback,
        Err(error) => return refuse(&error),
    };
    let attempt = match claim_attempt(site, back, &callback.state).await? {
        Ok(attempt) => attempt,
        Err(unfit) => {
            let rejection = Rejection::lost(&back.connection, unfit, back.client.clone());
            return Ok(Err(Box::new(rejection)));
        }
    };
    let secrets = oidc::Attempt {
        state: callback.state.clone(),
        nonce: attempt.nonce.clone(),
        verifier: attempt.verifier.clone(),
    };
    let settings = settings(site, &back.connection)?;
    let verified = oidc
        .verify(&settings, &secrets, &callback, &back.connection.id, site.now())
        .await;
    match verified {
        Ok(verified) => Ok(Ok(Arrival {
            organization: attempt.organization,
            connection: attempt.connection,
            return_to: attempt.return_to,
            invitation_hash: attempt.invitation_hash,
            identity: verified.identity,
            evidence: json!(verified.evidence),
            client: back.client.clone(),
            once: None,
            session_ends_at: None,
        })),
        Err(error) => refuse(&error),
    }
}

/// Uses up the attempt that this answer belongs to, if it belongs to this browser and connection, in time.
/// Of two answers at once one is the first, and only that one's code is redeemed.
async fn claim_attempt(site: &Site, back: &Return, state: &str) -> Result<Result<Attempt, Unfit>, Problem> {
    let (state, connection, now) = (id::hash_token(state), back.connection.id.clone(), site.now());
    let browser = back.browser_hash(site, BROWSER);
    site.store
        .writing(move |conn| {
            let Some(attempt) = queries::attempt(conn, &state)? else {
                return Ok(Err(("state", "No sign-in was started with this state.")));
            };
            match judge_attempt(&attempt, &connection, browser.as_deref(), now) {
                Ok(()) if !queries::consume(conn, &attempt.id, now)? => Ok(Err(USED)),
                judged => Ok(judged.map(|()| attempt)),
            }
        })
        .await
        .map_err(|error: DbError| Problem::Unavailable(error.to_string()))
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

fn rejection(connection: &Connection, error: &OidcError, client: Client) -> Rejection {
    Rejection {
        status: error.http_status(),
        ..Rejection::new(connection, error.check.as_str(), &error.sentence, client)
    }
}
