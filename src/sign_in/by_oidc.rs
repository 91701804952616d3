//! The door of an OpenID Connect connection: out to the provider with a code challenge, back with a code.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::door::{self, Departure, Return, Secrets, USED, Unfit, judge_attempt, judge_proof, rejected};
use super::flow::{Arrival, Attempt};
use super::oidc::{self, Callback, Oidc, OidcError, Settings, Verified};
use super::queries;
use super::record::Rejection;
use super::testing::{self, Start, Tested};
use crate::connections::testing::Claim;
use crate::connections::{self, Connection, Protocol};
use crate::store::time::SECOND;
use crate::store::{DbError, id};
use crate::web::limits::Kind;
use crate::web::{Client, Problem, Site, see_other};

/// The cookie that binds an attempt to its browser.
const BROWSER: &str = "browser";

/// Off to the provider's authorization endpoint.
pub(super) async fn depart(site: &Site, oidc: &Oidc, departure: Departure) -> Result<HttpResponse, Problem> {
    let secrets = oidc::Attempt::new(&id::random_bytes());
    let (mut settings, now) = (settings(site, &departure.connection)?, site.now());
    if departure.test.is_some() {
        settings.confirmed_jwks_uri = None;
    }
    let mut to = match oidc.authorization_url(&settings, &secrets, None, now).await {
        Ok(to) => to,
        Err(error) => {
            let start = departure.test.map(|trial| trial.start);
            let rejection = rejection(&departure.connection, &error, departure.client, start);
            return rejected(site, rejection).await;
        }
    };
    if departure.again {
        to.query_pairs_mut().append_pair("prompt", "login");
    }
    if departure.anew {
        // OpenID Connect Core §3.1.2.1: then the ID token has to say when.
        to.query_pairs_mut().append_pair("max_age", "0");
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
    site.limits.look(Kind::Answer, &client.ip, site.now())?;
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
    let callback = match Callback::parse(back.request.query_string()) {
        Ok(callback) => callback,
        Err(error) => return Ok(Err(refused(back, &error, None))),
    };
    let attempt = match claim_attempt(site, back, &callback.state).await? {
        Ok(attempt) => attempt,
        Err(unfit) => return Ok(Err(lost(back, unfit, None))),
    };
    let start = Start::of(&attempt);
    let connection = match &start {
        None => back.connection.clone(),
        Some(test) => match testing::provider(site, &back.connection, test).await? {
            Ok(provider) => provider.over(&back.connection),
            Err(unfit) => return Ok(Err(lost(back, unfit, start))),
        },
    };
    let secrets = oidc::Attempt {
        state: callback.state.clone(),
        nonce: attempt.nonce.clone(),
        verifier: attempt.verifier.clone(),
    };
    let mut settings = settings(site, &connection)?;
    if start.is_some() {
        // A test lets nobody in, and may be of another provider.
        settings.confirmed_jwks_uri = None;
    }
    let verified = oidc
        .verify(&settings, &secrets, &callback, &connection.id, site.now())
        .await;
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return Ok(Err(refused(back, &error, start))),
    };
    let authenticated_at = verified
        .authenticated_at
        .map(|seconds| seconds.saturating_mul(SECOND));
    if let Err(unfit) = judge_proof(&attempt, authenticated_at) {
        return Ok(Err(lost(back, unfit, start)));
    }
    Ok(Ok(arrival(back, attempt, start, verified)))
}

fn arrival(back: &Return, attempt: Attempt, start: Option<Start>, verified: Verified) -> Arrival {
    let test = start.map(|start| {
        let claims = said(&verified);
        Box::new(Tested { start, claims })
    });
    Arrival {
        organization: attempt.organization,
        connection: attempt.connection,
        return_to: attempt.return_to,
        invitation_hash: attempt.invitation_hash,
        identity: verified.identity,
        keys_at: verified.jwks_uri,
        evidence: json!(verified.evidence),
        client: back.client.clone(),
        once: None,
        session_ends_at: None,
        authenticated_at: verified
            .authenticated_at
            .map(|seconds| seconds.saturating_mul(SECOND)),
        test,
    }
}

/// What the provider said of the person, for whoever tests. What only ties messages together says nothing.
fn said(verified: &Verified) -> Vec<Claim> {
    const TIES: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];
    let shown = |(name, value): (&String, &Value), from: &str| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        testing::claim(&format!("{name}{from}"), &text)
    };
    let userinfo = verified.userinfo.iter().flatten();
    let of_token = verified
        .id_token
        .iter()
        .filter(|(name, _)| !TIES.contains(&name.as_str()));
    of_token
        .map(|claim| shown(claim, ""))
        .chain(userinfo.map(|claim| shown(claim, " (userinfo)")))
        .collect()
}

fn refused(back: &Return, error: &OidcError, start: Option<Start>) -> Box<Rejection> {
    Box::new(rejection(&back.connection, error, back.client.clone(), start))
}

fn lost(back: &Return, unfit: Unfit, start: Option<Start>) -> Box<Rejection> {
    Box::new(Rejection {
        test: start.map(Box::new),
        ..Rejection::lost(&back.connection, unfit, back.client.clone())
    })
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

pub(super) fn settings(site: &Site, connection: &Connection) -> Result<Settings, Problem> {
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
    settings.confirmed_jwks_uri = Some(connection.confirmed_jwks_uri.clone()).filter(|uri| !uri.is_empty());
    Ok(settings)
}

fn rejection(connection: &Connection, error: &OidcError, client: Client, start: Option<Start>) -> Rejection {
    Rejection {
        status: error.http_status(),
        test: start.map(Box::new),
        ..Rejection::new(connection, error.check.as_str(), &error.sentence, client)
    }
}
