//! The three switches of a connection: whether people sign in by it, just-in-time provisioning, SCIM.
//! GET says what will change and for whom; POST does it. A form that was made from an older version is
//! answered with the page as it stands now, and changes nothing.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::attached_domains;
use crate::audit::Actor;
use crate::connections::{Connection, Protocol, State, actions, discovery, queries, saml, testing};
use crate::outbound::Outbound;
use crate::seats;
use crate::session::{Frame, Owner};
use crate::store::time::{DAY, Timestamp};
use crate::store::{self, Conn};
use crate::web::{Flash, Page, Posted, Problem, Site};

/// What a switch page needs besides its numbers.
struct Ask {
    connection: Connection,
    /// The organization's slug, which is typed where people can be locked out.
    word: String,
    /// What was wrong with the word.
    word_error: Option<String>,
    /// Why it was not done.
    refusal: Option<String>,
    stale: bool,
}

#[derive(Template)]
#[template(path = "connections/jit.html")]
struct Jit {
    ask: Ask,
    frame: Frame,
    numbers: JitNumbers,
}

/// Whom just-in-time provisioning concerns.
struct JitNumbers {
    /// Verified domains of the connection, with commas.
    domains: String,
    members: i64,
    pending: i64,
    joined: i64,
    denied: i64,
    mapped: i64,
    /// None where there is no limit.
    free_seats: Option<i64>,
}

#[derive(Template)]
#[template(path = "connections/scim.html")]
struct Scim {
    ask: Ask,
    frame: Frame,
    members: i64,
    mapped: i64,
    /// Verified domains of the connection, with commas.
    domains: String,
}

impl Scim {
    fn writers_now(&self) -> &'static str {
        writers(self.ask.connection.scim, self.ask.connection.jit)
    }

    fn writers_afterwards(&self) -> &'static str {
        writers(!self.ask.connection.scim, self.ask.connection.jit)
    }
}

/// Who puts people into mapped teams.
fn writers(scim: bool, jit: bool) -> &'static str {
    match (scim, jit) {
        (true, _) => "The directory, and nobody else",
        (false, true) => "Groups in a sign-in",
        (false, false) => "Nobody",
    }
}

#[derive(Template)]
#[template(path = "connections/state.html")]
struct StatePage {
    ask: Ask,
    frame: Frame,
    members: i64,
    without: i64,
    owners: i64,
    /// Whether the settings passed their last test.
    tested: bool,
    is_saml: bool,
    /// SAML: our entity id.
    entity_id: String,
    redirect_uri: String,
}

/// How a POST ended that did not do it.
#[derive(Default)]
struct Undone {
    /// 200 where nothing was asked yet.
    status: StatusCode,
    word_error: Option<String>,
    refusal: Option<String>,
    stale: bool,
}

impl Undone {
    fn refused(status: StatusCode, sentence: String) -> Self {
        Self {
            status,
            refusal: Some(sentence),
            ..Self::default()
        }
    }
}

type Id = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/jit`
pub async fn jit(owner: Owner, site: web::Data<Site>, path: Id) -> Result<HttpResponse, Problem> {
    jit_page(&owner, &site, path.into_inner().1, Undone::default()).await
}

/// `POST /orgs/{org}/connections/{id}/jit`
pub async fn set_jit(
    owner: Owner,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, on) = (path.into_inner().1, turned_on(&form)?);
    if let Some(undone) = unconfirmed(&owner, &form, on) {
        return jit_page(&owner, &site, id, undone).await;
    }
    match act(&owner, &site, &id, &form, move |conn, now, actor, known| {
        actions::set_jit(conn, now, actor, known, on)
    })
    .await?
    {
        Err(undone) => jit_page(&owner, &site, id, undone).await,
        Ok(done) if done.jit => Ok(said(&owner, &site, &done, "Just-in-time provisioning is on for")),
        Ok(done) => Ok(said(&owner, &site, &done, "Just-in-time provisioning is off for")),
    }
}

async fn jit_page(
    owner: &Owner,
    site: &web::Data<Site>,
    id: String,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let (organization, now) = (owner.organization.clone(), site.now());
    let (connection, numbers) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let numbers = jit_numbers(conn, &connection, now)?;
            Ok((connection, numbers))
        })
        .await?;
    let status = undone.status;
    let page = Jit {
        frame: owner.frame("connections"),
        ask: Ask::of(owner, connection, undone),
        numbers,
    };
    Ok(Page::with_status(status, page).response())
}

fn jit_numbers(conn: &mut Conn, connection: &Connection, now: Timestamp) -> store::Result<JitNumbers> {
    let domains = attached_domains(conn, connection)?;
    let verified: Vec<String> = domains
        .into_iter()
        .filter(|domain| domain.verified)
        .map(|domain| domain.name)
        .collect();
    Ok(JitNumbers {
        domains: verified.join(", "),
        members: queries::active_members(conn, &connection.organization)?,
        pending: queries::pending_invitations(conn, &connection.organization, now)?,
        joined: queries::joined_by_jit(conn, connection, now - 30 * DAY)?,
        denied: queries::denied_but_for_jit(conn, connection, now - 90 * DAY)?,
        mapped: queries::mapped_memberships(conn, &connection.id)?,
        free_seats: seats::count(conn, &connection.organization, now)?.free(),
    })
}

/// `GET /orgs/{org}/connections/{id}/scim`
pub async fn scim(owner: Owner, site: web::Data<Site>, path: Id) -> Result<HttpResponse, Problem> {
    scim_page(&owner, &site, path.into_inner().1, Undone::default()).await
}

/// `POST /orgs/{org}/connections/{id}/scim`
pub async fn set_scim(
    owner: Owner,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, on) = (path.into_inner().1, turned_on(&form)?);
    match act(&owner, &site, &id, &form, move |conn, now, actor, known| {
        let is_ready = attached_domains(conn, known)?
            .iter()
            .any(|domain| domain.verified);
        if on && !is_ready {
            return Err(Problem::Conflict(
                "A directory needs a verified domain. Attach one to this connection first.".to_owned(),
            ));
        }
        actions::set_scim(conn, now, actor, known, on)
    })
    .await?
    {
        Err(undone) => scim_page(&owner, &site, id, undone).await,
        Ok(done) if done.scim => {
            let path = owner.path(&format!("/connections/{}/directory", done.id));
            Ok(Flash::good(format!("SCIM is on for {}.", done.name)).redirect(&site, &path))
        }
        Ok(done) => Ok(said(&owner, &site, &done, "SCIM is off for")),
    }
}

async fn scim_page(
    owner: &Owner,
    site: &web::Data<Site>,
    id: String,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let organization = owner.organization.clone();
    let (connection, members, mapped, domains) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let members = queries::active_members(conn, &organization)?;
            let mapped = queries::mapped_memberships(conn, &connection.id)?;
            let domains = attached_domains(conn, &connection)?;
            Ok((connection, members, mapped, domains))
        })
        .await?;
    let verified = domains.into_iter().filter(|domain| domain.verified);
    let status = undone.status;
    let page = Scim {
        frame: owner.frame("connections"),
        ask: Ask::of(owner, connection, undone),
        members,
        mapped,
        domains: verified.map(|domain| domain.name).collect::<Vec<_>>().join(", "),
    };
    Ok(Page::with_status(status, page).response())
}

/// `GET /orgs/{org}/connections/{id}/state`
pub async fn state(owner: Owner, site: web::Data<Site>, path: Id) -> Result<HttpResponse, Problem> {
    state_page(&owner, &site, path.into_inner().1, Undone::default()).await
}

/// `POST /orgs/{org}/connections/{id}/state`
pub async fn set_state(
    owner: Owner,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, on) = (path.into_inner().1, turned_on(&form)?);
    if let Some(undone) = unconfirmed(&owner, &form, on) {
        return state_page(&owner, &site, id, undone).await;
    }
    if on
        && let Some(issuer) = issuer_of(&owner, &site, &id).await?
        && let Err(sentence) = discovery::look(&outbound, &issuer).await
    {
        let sentence = format!("The connection was not turned on. {sentence}");
        let undone = Undone::refused(StatusCode::UNPROCESSABLE_ENTITY, sentence);
        return state_page(&owner, &site, id, undone).await;
    }
    let even_untested = form.has("untested");
    match act(&owner, &site, &id, &form, move |conn, now, actor, known| {
        if on {
            return actions::turn_on(conn, now, actor, known, even_untested);
        }
        actions::set_state(conn, now, actor, known, State::Off)
    })
    .await?
    {
        Err(undone) => state_page(&owner, &site, id, undone).await,
        Ok(done) if on => Ok(said(&owner, &site, &done, "People can now sign in by")),
        Ok(done) => Ok(said(&owner, &site, &done, "Nobody can sign in any longer by")),
    }
}

/// The issuer that can be asked to describe itself; none where SAML is spoken.
async fn issuer_of(owner: &Owner, site: &web::Data<Site>, id: &str) -> Result<Option<String>, Problem> {
    let (organization, id) = (owner.organization.clone(), id.to_owned());
    let known = site
        .store
        .reading(move |conn| queries::find_in(conn, &organization, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    Ok((known.protocol == Protocol::Oidc).then_some(known.issuer))
}

async fn state_page(
    owner: &Owner,
    site: &web::Data<Site>,
    id: String,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let organization = owner.organization.clone();
    let (connection, members, with, owners, tested) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let members = queries::active_members(conn, &organization)?;
            let with = queries::with_another_way(conn, &connection, false)?;
            let owners = queries::with_another_way(conn, &connection, true)?;
            let tested = testing::live_passed(conn, &connection)?;
            Ok((connection, members, with, owners, tested))
        })
        .await?;
    let status = undone.status;
    let page = StatePage {
        frame: owner.frame("connections"),
        is_saml: connection.protocol == Protocol::Saml,
        entity_id: saml::entity_id(site, &connection.id),
        redirect_uri: super::return_address(site, &connection),
        ask: Ask::of(owner, connection, undone),
        without: (members - with).max(0),
        members,
        owners,
        tested,
    };
    Ok(Page::with_status(status, page).response())
}

/// Which way the form turns the switch. The form says it, so that sent twice it turns nothing back.
fn turned_on(form: &Posted) -> Result<bool, Problem> {
    match form.text("to") {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Problem::Invalid(
            "The form does not say “on” or “off”.".to_owned(),
        )),
    }
}

/// Turning off what lets people in is confirmed by the organization's name.
fn unconfirmed(owner: &Owner, form: &Posted, on: bool) -> Option<Undone> {
    let is_confirmed = on || form.text("word") == owner.slug;
    (!is_confirmed).then(|| Undone {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        word_error: Some(format!(
            "That is not the organization’s short name. Type “{}”.",
            owner.slug
        )),
        ..Undone::default()
    })
}

/// Does it to the version that the form was made from. A rule that stands against it, or a change made
/// meanwhile, is no error but an answer.
async fn act(
    owner: &Owner,
    site: &web::Data<Site>,
    id: &str,
    form: &Posted,
    deed: impl FnOnce(&mut Conn, Timestamp, &Actor, &Connection) -> Result<Connection, Problem> + Send + 'static,
) -> Result<Result<Connection, Undone>, Problem> {
    let (now, actor, version) = (site.now(), Actor::from(&**owner), form.version());
    let (organization, id) = (owner.organization.clone(), id.to_owned());
    let done = site
        .store
        .writing_in(&owner.organization, move |conn| {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            if known.version == version {
                deed(conn, now, &actor, &known).map(Some)
            } else {
                Ok(None)
            }
        })
        .await;
    match done {
        Ok(Some(connection)) => Ok(Ok(connection)),
        Ok(None) => Ok(Err(Undone {
            status: StatusCode::CONFLICT,
            stale: true,
            ..Undone::default()
        })),
        Err(Problem::Conflict(sentence)) => Ok(Err(Undone::refused(StatusCode::CONFLICT, sentence))),
        Err(problem) => Err(problem),
    }
}

fn said(owner: &Owner, site: &web::Data<Site>, done: &Connection, sentence: &str) -> HttpResponse {
    let path = owner.path(&format!("/connections/{}", done.id));
    Flash::good(format!("{sentence} {}.", done.name)).redirect(site, &path)
}

impl Ask {
    fn of(owner: &Owner, connection: Connection, undone: Undone) -> Self {
        Self {
            word: owner.slug.clone(),
            word_error: undone.word_error,
            refusal: undone.refusal,
            stale: undone.stale,
            connection,
        }
    }
}
