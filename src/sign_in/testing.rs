//! Test sign-ins: out to the provider and back as everybody, by the settings that hold or by the draft. Nothing comes of it
//! but what was found: no account, no membership, no session, no denial, no record of a sign-in.

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::door::{self, Departure, Unfit};
use super::flow::{self, Arrival, Attempt, Fault};
use super::oidc::Oidc;
use super::record::Rejection;
use crate::access::EmailAddress;
use crate::audit::Actor;
use crate::connections::links::SetupGuest;
use crate::connections::saml::expiry::Expiry;
use crate::connections::testing::{self, Claim, Facts, Finding, Kind, Outcome, Test, remarks};
use crate::connections::versions;
use crate::connections::{self, Connection, ProviderSettings};
use crate::domains;
use crate::session::{Frame, Owner};
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::{Client, Flash, Problem, Site, csrf, see_other};

/// The settings were changed between the way out and the way back.
const CHANGED: Unfit = (
    "settings_changed",
    "The settings were changed while you were at the provider, so the answer says nothing about them. Test again.",
);
/// The longest name and value of a claim that is kept, in characters.
const LONGEST: usize = 300;

/// What an attempt is a test of, and where it leads back to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    kind: Kind,
    print: String,
    account: String,
    name: String,
    back: String,
}

/// A test on its way out.
pub(super) struct Trial {
    /// What the attempt keeps.
    pub start: Start,
    /// The settings that are tested.
    pub provider: ProviderSettings,
}

/// A test on its way back, with what the provider said.
#[derive(Debug, Clone)]
pub struct Tested {
    /// What the attempt kept.
    pub start: Start,
    /// What the provider said, in its own words.
    pub claims: Vec<Claim>,
}

impl Start {
    /// What the attempt is a test of; none where somebody really comes.
    pub(super) fn of(attempt: &Attempt) -> Option<Self> {
        serde_json::from_str(&attempt.test).ok()
    }

    fn actor(&self, client: &Client) -> Actor {
        Actor::person(&self.account, &self.name, &client.ip)
    }
}

impl Trial {
    /// As the attempt keeps it.
    pub(super) fn written(&self) -> Result<String, Problem> {
        serde_json::to_string(&self.start).map_err(Problem::internal)
    }
}

/// Which settings are to be tested.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    of: String,
}

/// Who wants to test which connection.
struct Tester {
    organization: String,
    connection: String,
    actor: Actor,
    /// Where the connection's pages are for them.
    base: String,
}

/// `GET /orgs/{org}/connections/{id}/test/start`: off to the provider.
pub async fn start(
    request: HttpRequest,
    site: web::Data<Site>,
    oidc: web::Data<Oidc>,
    owner: Owner,
    path: web::Path<(String, String)>,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let tester = Tester {
        organization: owner.organization.clone(),
        actor: Actor::from(&*owner),
        base: owner.path(&format!("/connections/{id}")),
        connection: id,
    };
    depart(
        request,
        &site,
        &oidc,
        owner.signed.client.clone(),
        tester,
        Kind::of(&wanted.of),
    )
    .await
}

/// `GET /connect/test/start`: the same, for whoever holds a set-up link.
pub async fn start_by_link(
    request: HttpRequest,
    site: web::Data<Site>,
    oidc: web::Data<Oidc>,
    guest: SetupGuest,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let tester = Tester {
        organization: guest.organization.clone(),
        connection: guest.link.connection.clone(),
        actor: guest.actor(),
        base: Frame::GUESTS.to_owned(),
    };
    depart(
        request,
        &site,
        &oidc,
        guest.client.clone(),
        tester,
        Kind::of(&wanted.of),
    )
    .await
}

async fn depart(
    request: HttpRequest,
    site: &Site,
    oidc: &Oidc,
    client: Client,
    tester: Tester,
    kind: Kind,
) -> Result<HttpResponse, Problem> {
    let test_page = format!("{}/test", tester.base);
    let (organization, wanted) = (tester.organization.clone(), tester.connection.clone());
    let (connection, provider) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = connections::find_in(conn, &organization, &wanted)?.ok_or(Problem::NotFound)?;
            let provider = settings(conn, &connection, kind)?;
            Ok((connection, provider))
        })
        .await?;
    if !is_ours(request.headers(), site) {
        return Ok(see_other(&test_page));
    }
    let Some(provider) = provider else {
        return Ok(Flash::bad("There is no draft any longer.").redirect(site, &test_page));
    };
    if let Some(missing) = provider.missing() {
        let sentence = format!("There is nothing to test yet. {missing}");
        return Ok(Flash::bad(sentence).redirect(site, &test_page));
    }
    let start = Start {
        kind,
        print: provider.print(),
        account: tester.actor.id,
        name: tester.actor.name,
        back: format!("{}/tests", tester.base),
    };
    let departure = Departure {
        request,
        connection: provider.over(&connection),
        return_to: String::new(),
        again: false,
        anew: false,
        client,
        test: Some(Trial { start, provider }),
    };
    door::leave(site, oidc, departure).await
}

/// A link on another site sends nobody to a test.
fn is_ours(headers: &HeaderMap, site: &Site) -> bool {
    csrf::same_origin(headers, site.config.public_url.origin())
}

fn settings(
    conn: &mut Conn,
    connection: &Connection,
    kind: Kind,
) -> crate::store::Result<Option<ProviderSettings>> {
    Ok(match kind {
        Kind::Live => Some(versions::live(conn, connection)?),
        Kind::Draft => versions::find(conn, connection, versions::Kind::Draft)?.map(|draft| draft.provider),
    })
}

/// The settings that a test went out by, if they are still the same.
pub(super) async fn provider(
    site: &Site,
    connection: &Connection,
    start: &Start,
) -> Result<Result<ProviderSettings, Unfit>, Problem> {
    let (connection, kind) = (connection.clone(), start.kind);
    let found = site
        .store
        .reading(move |conn| settings(conn, &connection, kind))
        .await
        .map_err(Problem::from)?;
    Ok(found
        .filter(|provider| provider.print() == start.print)
        .ok_or(CHANGED))
}

/// The provider's answer is genuine: what would become of it is found out, and kept.
pub(super) async fn finish(site: &Site, arrival: Arrival, tested: Tested) -> Result<HttpResponse, Problem> {
    let (now, organization, back) = (
        site.now(),
        arrival.organization.clone(),
        tested.start.back.clone(),
    );
    let id = site
        .store
        .writing_in(&organization, move |conn| conclude(conn, now, &arrival, &tested))
        .await
        .map_err(Fault::into_problem)?;
    Ok(see_other(&format!("{back}/{id}")))
}

fn conclude(conn: &mut Conn, now: Timestamp, arrival: &Arrival, tested: &Tested) -> Result<String, Fault> {
    let connection = connections::find(conn, &arrival.connection)?.ok_or(Problem::NotFound)?;
    let finding = match flow::seen_before(conn, now, arrival)? {
        Some((check, sentence)) => failed_finding(check, sentence),
        None => found(conn, now, &connection, arrival, tested)?,
    };
    keep(conn, now, &connection, &tested.start, &arrival.client, finding)
}

fn found(
    conn: &mut Conn,
    now: Timestamp,
    connection: &Connection,
    arrival: &Arrival,
    tested: &Tested,
) -> Result<Finding, Fault> {
    let provider = settings(conn, connection, tested.start.kind)?.ok_or(Problem::NotFound)?;
    let foretold = flow::foretell(conn, now, arrival, connection.clone())?;
    let identity = arrival.identity.clone();
    let own = match identity.email.as_ref().map(EmailAddress::domain) {
        Some(name) => domains::find_by_name(conn, &connection.organization, name)?,
        None => None,
    };
    let facts = Facts {
        protocol: connection.protocol,
        domain: foretold.domain,
        own_domain: own.is_some_and(|domain| domain.verified),
        groups_matter: foretold.groups_matter,
        groups_claim: provider.over(connection).groups_claim,
        certificate: last_certificate(&provider, now),
    };
    Ok(Finding {
        remarks: remarks(&identity, &facts),
        claims: tested.claims.clone(),
        outcome: Outcome::decided(identity, foretold.decision),
    })
}

fn last_certificate(provider: &ProviderSettings, now: Timestamp) -> Option<Expiry> {
    let ProviderSettings::Saml(_, certificates) = provider else {
        return None;
    };
    let last = certificates.iter().map(|one| one.not_after).max()?;
    Some(Expiry::of(last, now))
}

/// The provider's answer was not accepted, or the provider could not be asked: that is kept, as a failed test and as nothing
/// else.
pub(super) async fn failed(site: &Site, start: Start, rejection: Rejection) -> Result<HttpResponse, Problem> {
    let (now, organization, back) = (site.now(), rejection.organization.clone(), start.back.clone());
    let id = site
        .store
        .writing_in(&organization, move |conn| -> Result<_, Fault> {
            let connection = connections::find(conn, &rejection.connection)?.ok_or(Problem::NotFound)?;
            let finding = failed_finding(&rejection.check, &rejection.sentence);
            keep(conn, now, &connection, &start, &rejection.client, finding)
        })
        .await
        .map_err(Fault::into_problem)?;
    Ok(see_other(&format!("{back}/{id}")))
}

fn failed_finding(check: &str, sentence: &str) -> Finding {
    Finding {
        outcome: Outcome::Failed {
            check: check.to_owned(),
            sentence: sentence.to_owned(),
        },
        claims: Vec::new(),
        remarks: Vec::new(),
    }
}

fn keep(
    conn: &mut Conn,
    now: Timestamp,
    connection: &Connection,
    start: &Start,
    client: &Client,
    finding: Finding,
) -> Result<String, Fault> {
    let test = Test {
        id: id::new_id(),
        kind: start.kind,
        print: start.print.clone(),
        at: now,
        by: start.name.clone(),
        passed: finding.is_passed(),
        finding,
    };
    testing::keep(conn, now, &start.actor(client), connection, &test)?;
    Ok(test.id)
}

/// A claim as it is kept.
pub(super) fn claim(name: &str, value: &str) -> Claim {
    use crate::store::text::tame;
    Claim {
        name: tame(name, LONGEST),
        value: tame(value, LONGEST),
    }
}
