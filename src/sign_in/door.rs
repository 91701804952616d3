//! Out to the provider and back, as far as it is the same for every protocol: the attempt that is written
//! down at the start, whether an answer belongs to it, and what follows from the answer.

use actix_session::Session;
use actix_web::cookie::{Cookie, time::Duration};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::flow::{self, ATTEMPT_LIFE, Arrival, Attempt, Passage};
use super::oidc::Oidc;
use super::record::{Rejection, reject};
use super::testing::{self, Trial};
use super::{by_oidc, proof, queries, saml};
use crate::connections::{self, Connection, Protocol};
use crate::session;
use crate::store::time::MINUTE;
use crate::store::{DbError, id};
use crate::web::limits::Kind;
use crate::web::{Client, Problem, Site, local_path, see_other};

/// The cookie that an invitation's link leaves.
const INVITATION: &str = "invitation";

/// How a sign-in is to start.
#[derive(Debug, Deserialize)]
pub struct Start {
    #[serde(default)]
    return_to: String,
    /// Present when the person wants to be asked who they are; `anew` where they have to be, and the provider must
    /// say that it did.
    again: Option<String>,
}

/// Somebody who is about to be sent to the provider.
pub(super) struct Departure {
    /// What they asked.
    pub request: HttpRequest,
    /// By which connection.
    pub connection: Connection,
    /// Where they go afterwards: a path of ours.
    pub return_to: String,
    /// Whether the provider is to ask who they are, even if it knows.
    pub again: bool,
    /// Whether it must, and say so.
    pub anew: bool,
    /// The browser.
    pub client: Client,
    /// What this is a test of; none where somebody really comes.
    pub test: Option<Trial>,
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
    site.limits.take(Kind::Start, &client.ip, site.now())?;
    let (org, slug) = path.into_inner();
    let (connection, is_on) = site
        .store
        .reading(move |conn| connections::find_at_door(conn, &org, &slug))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    if !is_on {
        return Err(Problem::Forbidden(
            "This organization is turned off on this server, and lets nobody in at present.".to_owned(),
        ));
    }
    if connection.state != connections::State::On {
        return Err(Problem::Forbidden(format!(
            "Single sign-on by “{}” is not turned on. Ask an administrator.",
            connection.name
        )));
    }
    let departure = Departure {
        request,
        connection,
        return_to: local_path(&wanted.return_to).to_owned(),
        again: wanted.again.is_some(),
        anew: wanted.again.as_deref() == Some("anew"),
        client,
        test: None,
    };
    leave(&site, &oidc, departure).await
}

/// Off to the provider, by its protocol.
pub(super) async fn leave(site: &Site, oidc: &Oidc, departure: Departure) -> Result<HttpResponse, Problem> {
    match departure.connection.protocol {
        Protocol::Oidc => by_oidc::depart(site, oidc, departure).await,
        Protocol::Saml => saml::depart(site, departure).await,
    }
}

/// What an attempt must meet again.
pub(super) struct Secrets {
    /// By what its answer is found: the state, or the id of the request.
    pub key: String,
    /// What the answer must repeat besides.
    pub nonce: String,
    /// What only we know.
    pub verifier: String,
}

impl Departure {
    /// Writes the attempt down, bound to the browser that holds this cookie.
    pub async fn keep(&self, site: &Site, secrets: Secrets, browser: &str) -> Result<(), Problem> {
        let now = site.now();
        let attempt = Attempt {
            id: id::new_id(),
            connection: self.connection.id.clone(),
            organization: self.connection.organization.clone(),
            browser_hash: id::hash_token(browser),
            nonce: secrets.nonce,
            verifier: secrets.verifier,
            return_to: self.return_to.clone(),
            invitation_hash: self
                .cookie(site, INVITATION)
                .map(|token| id::hash_token(&token))
                .unwrap_or_default(),
            anew: self.anew,
            created_at: now,
            expires_at: now + ATTEMPT_LIFE,
            used_at: None,
            test: self
                .test
                .as_ref()
                .map(Trial::written)
                .transpose()?
                .unwrap_or_default(),
        };
        let key_hash = id::hash_token(&secrets.key);
        site.store
            .writing(move |conn| queries::insert_attempt(conn, &attempt, &key_hash))
            .await
            .map_err(Problem::from)
    }

    /// The cookie by which this browser is known, or one that makes it so; for as long as an attempt lasts.
    pub fn browser(&self, site: &Site, name: &str) -> Cookie<'static> {
        let value = self
            .cookie(site, name)
            .filter(|value| value.len() == 43)
            .unwrap_or_else(id::new_token);
        let mut cookie = site.cookie(name, value);
        cookie.set_max_age(Duration::milliseconds(ATTEMPT_LIFE));
        cookie
    }

    fn cookie(&self, site: &Site, name: &str) -> Option<String> {
        cookie(&self.request, site, name)
    }
}

/// What is known of an answer before anything of it is believed.
pub(super) struct Return {
    /// What brought it.
    pub request: HttpRequest,
    /// The session to be.
    pub session: Session,
    /// The browser.
    pub client: Client,
    /// At whose address it arrived.
    pub connection: Connection,
}

impl Return {
    /// The hash of this browser's cookie, if it sent one.
    pub fn browser_hash(&self, site: &Site, name: &str) -> Option<String> {
        cookie(&self.request, site, name).map(|value| id::hash_token(&value))
    }

    /// The answer was genuine: the decision, and where it leads. `spent` is the cookie of the attempt.
    pub async fn admit(
        &self,
        site: &Site,
        mut arrival: Arrival,
        spent: &str,
    ) -> Result<HttpResponse, Problem> {
        if let Some(tested) = arrival.test.take() {
            return without(site, testing::finish(site, arrival, *tested).await?, &[spent]);
        }
        match flow::admit(&site.store, site.now(), arrival).await? {
            Passage::In { session, return_to } => {
                site.limits.give_back(Kind::Start, &self.client.ip, site.now());
                session::enter(&self.request, &self.session, &session)?;
                // The other cookie stays for its ten minutes: another tab may still be at the provider.
                without(site, see_other(local_path(&return_to)), &[INVITATION])
            }
            Passage::Refused { reference, decided } => {
                // A genuine answer that is played again costs as much as one that is none. Whoever is denied is counted
                // by the start that is not given back: an office may be denied at once, when a switch is thrown.
                if !decided {
                    site.limits.take(Kind::Answer, &self.client.ip, site.now())?;
                }
                let mut answer = see_other(&format!("/sign-in/refused/{reference}"));
                let proof = proof::cookie(site, &reference);
                answer.add_cookie(&proof).map_err(Problem::internal)?;
                without(site, answer, &[spent])
            }
        }
    }
}

/// The connection at whose address something arrived, if it speaks this protocol.
pub(super) async fn connection(site: &Site, id: String, protocol: Protocol) -> Result<Connection, Problem> {
    site.store
        .reading(move |conn| connections::find(conn, &id))
        .await
        .map_err(Problem::from)?
        .filter(|connection| connection.protocol == protocol)
        .ok_or(Problem::NotFound)
}

/// Which check failed, and what an administrator should know.
pub(super) type Unfit = (&'static str, &'static str);

/// The attempt was used up before.
pub(super) const USED: Unfit = (
    "state_used",
    "This sign-in was finished already: the same answer of the provider arrived a second time.",
);

/// Whether an answer that arrived at this connection's address belongs to this attempt, was started in this
/// browser and comes in time.
pub(super) fn judge_attempt(
    attempt: &Attempt,
    connection: &str,
    browser: Option<&str>,
    now: i64,
) -> Result<(), Unfit> {
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
    Ok(())
}

/// How far the provider's clock may be behind ours, in milliseconds.
const SLOW_CLOCK: i64 = MINUTE;

/// Whether the provider asked the person anew, where this attempt wants that.
pub(super) fn judge_proof(attempt: &Attempt, authenticated_at: Option<i64>) -> Result<(), Unfit> {
    match authenticated_at {
        _ if !attempt.anew => Ok(()),
        Some(at) if at + SLOW_CLOCK >= attempt.created_at => Ok(()),
        Some(_) => Err((
            "not_asked_anew",
            "The provider was told to ask the person again, and answered by an older sign-in of theirs.",
        )),
        None => Err((
            "no_time_of_proof",
            "The provider does not say when the person proved themselves (auth_time). Let it send this claim in its ID tokens.",
        )),
    }
}

/// Keeps the record of a rejected message and shows its page. A test that failed is no sign-in, and has no record.
pub(super) async fn rejected(site: &Site, mut rejection: Rejection) -> Result<HttpResponse, Problem> {
    if let Some(start) = rejection.test.take() {
        return without(site, testing::failed(site, *start, rejection).await?, &[]);
    }
    let now = site.now();
    site.limits.take(Kind::Answer, &rejection.client.ip, now)?;
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
