//! Just-in-time provisioning and SCIM: on or off; and whom enforcement concerns.

use actix_web::HttpResponse;
use actix_web::web;
use askama::Template;

use super::shown::{Asked, Shown, answered};
use super::{Here, Id, Runs, Undone, act, connection, turned_on, unchanged, unconfirmed};
use crate::connections::{Connection, actions};
use crate::previews::change::Change;
use crate::previews::queries;
use crate::seats;
use crate::session::{Frame, Fresh, Owner};
use crate::store::time::{DAY, Timestamp};
use crate::store::{self, Conn};
use crate::web::{Flash, Page, Posted, Problem, Site};

/// What each of these pages needs.
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

#[derive(Template)]
#[template(path = "previews/jit.html")]
struct Jit<'a> {
    ask: Ask,
    frame: Frame,
    numbers: JitNumbers,
    shown: &'a Shown,
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
#[template(path = "previews/scim.html")]
struct Scim<'a> {
    ask: Ask,
    frame: Frame,
    members: i64,
    mapped: i64,
    /// Verified domains of the connection, with commas.
    domains: String,
    shown: &'a Shown,
}

impl Scim<'_> {
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
#[template(path = "previews/enforce.html")]
struct Enforce<'a> {
    frame: Frame,
    connection: Connection,
    shown: &'a Shown,
}

/// `GET /orgs/{org}/connections/{id}/jit`
pub async fn jit(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    jit_page(
        &owner,
        &site,
        &runs,
        path.into_inner().1,
        &asked,
        Undone::default(),
    )
    .await
}

/// `POST /orgs/{org}/connections/{id}/jit`
pub async fn set_jit(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, on) = (path.into_inner().1, turned_on(&form)?);
    let asked = Asked::default();
    if let Some(undone) = unconfirmed(&owner, &form).filter(|_| !on) {
        return jit_page(&owner, &site, &runs, id, &asked, undone).await;
    }
    let change = Change::Jit {
        connection: id.clone(),
        on,
    };
    let (organization, known, version) = (owner.organization.clone(), id.clone(), form.version());
    let done = act(&owner, &site, &runs, change, &form, move |conn, now, actor| {
        let known = unchanged(conn, &organization, &known, version)?;
        known
            .map(|known| actions::set_jit(conn, now, actor, &known, on))
            .transpose()
    })
    .await?;
    match done {
        Err(undone) => jit_page(&owner, &site, &runs, id, &asked, undone).await,
        Ok(done) if done.jit => Ok(said(&owner, &site, &done, "Just-in-time provisioning is on for")),
        Ok(done) => Ok(said(&owner, &site, &done, "Just-in-time provisioning is off for")),
    }
}

async fn jit_page(
    owner: &Owner,
    site: &Here,
    runs: &Runs,
    id: String,
    asked: &Asked,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let connection = connection(owner, site, id).await?;
    let change = Change::Jit {
        connection: connection.id.clone(),
        on: !connection.jit,
    };
    let shown = Shown::load(owner, site, runs, &change, asked, Vec::new()).await?;
    if let Some(file) = shown.file() {
        return file;
    }
    let (known, now) = (connection.clone(), site.now());
    let numbers = site
        .store
        .reading(move |conn| jit_numbers(conn, &known, now))
        .await;
    let status = undone.status;
    let page = Jit {
        frame: owner.frame("connections"),
        ask: Ask::of(owner, connection, undone),
        numbers: numbers.map_err(Problem::from)?,
        shown: &shown,
    };
    Ok(answered(shown.again(), Page::with_status(status, page)))
}

fn jit_numbers(conn: &mut Conn, connection: &Connection, now: Timestamp) -> store::Result<JitNumbers> {
    Ok(JitNumbers {
        domains: queries::verified_domains(conn, &connection.id)?.join(", "),
        members: queries::active_members(conn, &connection.organization)?,
        pending: queries::pending_invitations(conn, &connection.organization, now)?,
        joined: queries::joined_by_jit(conn, connection, now - 30 * DAY)?,
        denied: queries::denied_but_for_jit(conn, connection, now - 90 * DAY)?,
        mapped: queries::mapped_memberships(conn, &connection.id)?,
        free_seats: seats::count(conn, &connection.organization, now)?.free(),
    })
}

/// `GET /orgs/{org}/connections/{id}/scim`
pub async fn scim(
    Fresh(owner): Fresh<Owner>,
    site: Here,
    runs: Runs,
    path: Id,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    scim_page(
        &owner,
        &site,
        &runs,
        path.into_inner().1,
        &asked,
        Undone::default(),
    )
    .await
}

/// `POST /orgs/{org}/connections/{id}/scim`
pub async fn set_scim(
    Fresh(owner): Fresh<Owner>,
    site: Here,
    runs: Runs,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, on) = (path.into_inner().1, turned_on(&form)?);
    let change = Change::Scim {
        connection: id.clone(),
        on,
    };
    let (organization, known, version) = (owner.organization.clone(), id.clone(), form.version());
    let done = act(&owner, &site, &runs, change, &form, move |conn, now, actor| {
        let Some(known) = unchanged(conn, &organization, &known, version)? else {
            return Ok(None);
        };
        if on && queries::verified_domains(conn, &known.id)?.is_empty() {
            return Err(Problem::Conflict(
                "A directory needs a verified domain. Attach one to this connection first.".to_owned(),
            ));
        }
        actions::set_scim(conn, now, actor, &known, on).map(Some)
    })
    .await?;
    match done {
        Err(undone) => scim_page(&owner, &site, &runs, id, &Asked::default(), undone).await,
        Ok(done) if done.scim => {
            let path = owner.path(&format!("/connections/{}/directory", done.id));
            Ok(Flash::good(format!("SCIM is on for {}.", done.name)).redirect(&site, &path))
        }
        Ok(done) => Ok(said(&owner, &site, &done, "SCIM is off for")),
    }
}

async fn scim_page(
    owner: &Owner,
    site: &Here,
    runs: &Runs,
    id: String,
    asked: &Asked,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let connection = connection(owner, site, id).await?;
    let change = Change::Scim {
        connection: connection.id.clone(),
        on: !connection.scim,
    };
    let shown = Shown::load(owner, site, runs, &change, asked, Vec::new()).await?;
    if let Some(file) = shown.file() {
        return file;
    }
    let known = connection.clone();
    let numbers = site
        .store
        .reading(move |conn| -> store::Result<_> {
            Ok((
                queries::active_members(conn, &known.organization)?,
                queries::mapped_memberships(conn, &known.id)?,
                queries::verified_domains(conn, &known.id)?,
            ))
        })
        .await;
    let (members, mapped, domains) = numbers.map_err(Problem::from)?;
    let status = undone.status;
    let page = Scim {
        frame: owner.frame("connections"),
        ask: Ask::of(owner, connection, undone),
        members,
        mapped,
        domains: domains.join(", "),
        shown: &shown,
    };
    Ok(answered(shown.again(), Page::with_status(status, page)))
}

/// `GET /orgs/{org}/connections/{id}/enforce/people`: whom enforcement concerns. The switch itself stands beside it.
pub async fn enforce(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let connection = connection(&owner, &site, path.into_inner().1).await?;
    let change = Change::Enforce {
        connection: connection.id.clone(),
        on: !connection.enforce,
    };
    let shown = Shown::load(&owner, &site, &runs, &change, &asked, Vec::new()).await?;
    if let Some(file) = shown.file() {
        return file;
    }
    let page = Enforce {
        frame: owner.frame("connections"),
        connection,
        shown: &shown,
    };
    Ok(answered(shown.again(), Page::new(page)))
}

fn said(owner: &Owner, site: &Site, done: &Connection, sentence: &str) -> HttpResponse {
    let path = owner.path(&format!("/connections/{}", done.id));
    Flash::good(format!("{sentence} {}.", done.name)).redirect(site, &path)
}
