//! `POST /sign-in/saml/{id}/acs`: back from the provider. The form comes from another site, so that it has
//! no token of ours; what binds it to the browser is the attempt that it answers.

use actix_session::Session;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{BROWSER, Parties, form, parties};
use crate::connections::testing::Claim;
use crate::connections::{Connection, Protocol};
use crate::saml::{self, SamlError, Verified};
use crate::sign_in::door::{self, Return, Unfit, judge_attempt, judge_proof, rejected};
use crate::sign_in::flow::{Arrival, Attempt, Once};
use crate::sign_in::queries;
use crate::sign_in::record::Rejection;
use crate::sign_in::testing::{self, Start, Tested};
use crate::store::{DbError, id};
use crate::web::limits::Kind;
use crate::web::{Client, Problem, Site, local_path};

const UNSOLICITED: Unfit = (
    "unsolicited",
    "The provider sent a response that nobody asked for: the sign-in was started there, not here. Give people the start link of this connection, or allow sign-ins that start at the provider in its settings.",
);
const UNKNOWN_REQUEST: Unfit = (
    "in_response_to",
    "The response answers a request that was not sent from here, or more than 10 minutes ago (InResponseTo).",
);
const RELAY_STATE: Unfit = (
    "relay_state",
    "The response came with another RelayState than its request was sent with. The provider has to return it unchanged.",
);

/// Back from the provider.
pub async fn returned(
    request: HttpRequest,
    site: web::Data<Site>,
    session: Session,
    client: Client,
    path: web::Path<String>,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    site.limits.look(Kind::Answer, &client.ip, site.now())?;
    let connection = door::connection(&site, path.into_inner(), Protocol::Saml).await?;
    let body = form::body(body)?;
    let back = Return {
        request,
        session,
        client,
        connection,
    };
    match judge(&site, &back, &body).await? {
        Ok(arrival) => back.admit(&site, arrival, BROWSER).await,
        Err(rejection) => rejected(&site, *rejection).await,
    }
}

/// Who came, if the response is genuine and belongs to an attempt of this browser.
async fn judge(site: &Site, back: &Return, body: &[u8]) -> Result<Result<Arrival, Box<Rejection>>, Problem> {
    let read = form::read(content_type(&back.request), body)
        .and_then(|form| Ok((saml::decode(&form.response)?, form.relay_state)));
    let (xml, relay_state) = match read {
        Ok(read) => read,
        Err(error) => return Ok(Err(rejection(back, &error, "", None))),
    };
    let request = saml::in_response_to(&xml);
    let attempt = match &request {
        Some(id) => match find_attempt(site, back, id, &relay_state).await? {
            Ok(attempt) => Some(attempt),
            Err(unfit) => return Ok(Err(lost(back, unfit, &xml, None))),
        },
        None => None,
    };
    let start = attempt.as_ref().and_then(Start::of);
    let tested = match &start {
        None => None,
        Some(test) => match testing::provider(site, &back.connection, test).await? {
            Ok(provider) => Some(provider),
            Err(unfit) => return Ok(Err(lost(back, unfit, &xml, start))),
        },
    };
    let parties = parties(site, &back.connection, tested).await?;
    let allowed = request.is_some() || parties.provider.idp_initiated;
    match verify(site, &back.connection, parties, xml.clone(), request).await? {
        Ok(_) if !allowed => Ok(Err(lost(back, UNSOLICITED, &xml, None))),
        Ok(verified) => {
            let proof = attempt.as_ref().map_or(Ok(()), |attempt| {
                judge_proof(attempt, Some(verified.authenticated_at))
            });
            Ok(match proof {
                Ok(()) => Ok(arrival(back, attempt, start, verified, &relay_state)),
                Err(unfit) => Err(lost(back, unfit, &xml, start)),
            })
        }
        Err(error) => Ok(Err(rejection(back, &error, &xml, start))),
    }
}

/// The attempt that this response answers, if it belongs to this browser and connection, in time. Whether it
/// was used before is seen when it is used: of two answers at once one is the first.
async fn find_attempt(
    site: &Site,
    back: &Return,
    request: &str,
    relay_state: &str,
) -> Result<Result<Attempt, Unfit>, Problem> {
    let (key, now) = (id::hash_token(request), site.now());
    let attempt = site
        .store
        .reading(move |conn| queries::attempt(conn, &key))
        .await
        .map_err(|error: DbError| Problem::Unavailable(error.to_string()))?;
    let browser = back.browser_hash(site, BROWSER);
    Ok(match attempt {
        Some(attempt) => {
            fits(&attempt, &back.connection, relay_state, browser.as_deref(), now).map(|()| attempt)
        }
        None => Err(UNKNOWN_REQUEST),
    })
}

fn fits(
    attempt: &Attempt,
    connection: &Connection,
    relay_state: &str,
    browser: Option<&str>,
    now: i64,
) -> Result<(), Unfit> {
    if attempt.used_at.is_some() && attempt.connection == connection.id {
        // Nobody comes in by it again. That it was the same message shows later, with a better word for it.
        return Ok(());
    }
    judge_attempt(attempt, &connection.id, browser, now)?;
    if !relay_state.is_empty() && id::hash_token(relay_state) != attempt.nonce {
        return Err(RELAY_STATE);
    }
    Ok(())
}

/// Verifying takes a millisecond or more of computing, which other requests should not wait for.
async fn verify(
    site: &Site,
    connection: &Connection,
    parties: Parties,
    xml: String,
    request: Option<String>,
) -> Result<Result<Verified, SamlError>, Problem> {
    let (id, now) = (connection.id.clone(), site.now());
    web::block(move || {
        saml::verify(
            &parties.provider,
            &parties.ours,
            &id,
            &xml,
            request.as_deref(),
            now,
        )
    })
    .await
    .map_err(Problem::internal)
}

/// Without an attempt the person goes to the first page; a path of ours in the `RelayState` is followed.
fn arrival(
    back: &Return,
    attempt: Option<Attempt>,
    start: Option<Start>,
    verified: Verified,
    relay_state: &str,
) -> Arrival {
    let test = start.map(|start| {
        let claims = said(&verified);
        Box::new(Tested { start, claims })
    });
    let once = Once {
        attempt: attempt.as_ref().map(|attempt| attempt.id.clone()),
        message_hash: id::hash_token(&verified.assertion_id),
        expires_at: verified.expires_at,
    };
    let (return_to, invitation_hash) = match attempt {
        Some(attempt) => (attempt.return_to, attempt.invitation_hash),
        None => (local_path(relay_state).to_owned(), String::new()),
    };
    Arrival {
        organization: back.connection.organization.clone(),
        connection: back.connection.id.clone(),
        return_to,
        invitation_hash,
        identity: verified.identity,
        keys_at: String::new(),
        evidence: json!(verified.evidence),
        client: back.client.clone(),
        once: Some(once),
        session_ends_at: verified.session_ends_at,
        authenticated_at: Some(verified.authenticated_at),
        test,
    }
}

/// What the provider said of the person, for whoever tests.
fn said(verified: &Verified) -> Vec<Claim> {
    let evidence = &verified.evidence;
    let name_id = format!("NameID ({})", evidence.name_id_format);
    let attributes = evidence.attributes.iter();
    std::iter::once(testing::claim(&name_id, &evidence.name_id))
        .chain(attributes.map(|one| testing::claim(&one.name, &one.values.join(", "))))
        .collect()
}

fn lost(back: &Return, unfit: Unfit, xml: &str, start: Option<Start>) -> Box<Rejection> {
    Box::new(Rejection {
        test: start.map(Box::new),
        message: saml::shown(xml),
        ..Rejection::lost(&back.connection, unfit, back.client.clone())
    })
}

fn rejection(back: &Return, error: &SamlError, xml: &str, start: Option<Start>) -> Box<Rejection> {
    let message = if xml.is_empty() {
        String::new()
    } else {
        saml::shown(xml)
    };
    Box::new(Rejection {
        status: error.status,
        message,
        test: start.map(Box::new),
        ..Rejection::new(
            &back.connection,
            error.check,
            &error.sentence,
            back.client.clone(),
        )
    })
}

fn content_type(request: &HttpRequest) -> &str {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
