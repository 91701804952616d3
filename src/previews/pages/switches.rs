//! Just-in-time provisioning and SCIM: on or off; and whom enforcement concerns.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::plans::Planned;
use super::shown::{self, Asked, Shown, answered};
use super::{Here, Id, Runs, Undone, act_on, connection, turned_on, unchanged, unconfirmed};
use crate::audit::Actor;
use crate::connections::plans::actions::{Wish, make};
use crate::connections::plans::{Plan, Switch};
use crate::connections::{Connection, actions};
use crate::previews::change::Change;
use crate::previews::queries;
use crate::seats;
use crate::session::{Frame, Fresh, Owner};
use crate::store::time::{DAY, Timestamp};
use crate::store::{self, Conn};
use crate::web::{Flash, Page, Posted, Problem, Site, zone};

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
    /// What was typed of a set time and a way back.
    when: String,
    most_denied: String,
    /// Whether people can be denied by it, so that it may make itself back.
    may_watch: bool,
}

impl Ask {
    /// By which clock a time is read.
    #[expect(clippy::unused_self, reason = "what its page asks of it")]
    fn zone(&self) -> String {
        match zone::chosen() {
            zone if zone.is_empty() => "UTC".to_owned(),
            zone => zone,
        }
    }

    fn of(owner: &Owner, connection: Connection, undone: Undone, may_watch: bool) -> Self {
        Self {
            when: undone.when,
            most_denied: undone.most_denied,
            may_watch,
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
        return jit_page(&owner, &site, &runs, id, &asked, undone.typed(&form)).await;
    }
    let planned = match Planned::of(&form, site.now()) {
        Ok(planned) => Planned {
            most_denied: planned.most_denied.filter(|_| !on),
            ..planned
        },
        Err(sentence) => {
            let undone = Undone::refused(StatusCode::UNPROCESSABLE_ENTITY, sentence).typed(&form);
            return jit_page(&owner, &site, &runs, id, &asked, undone).await;
        }
    };
    let change = Change::Jit {
        connection: id.clone(),
        on,
    };
    let (organization, known, version) = (owner.organization.clone(), id.clone(), form.version());
    let wish = Wanted {
        switch: Switch::Jit,
        on,
        planned,
        days: shown::days(form.text("days")),
    };
    let done = act_on(
        &owner,
        &site,
        &runs,
        change,
        &form,
        move |conn, now, actor, kept_out| {
            let Some(known) = unchanged(conn, &organization, &known, version)? else {
                return Ok(None);
            };
            if let Some(plan) = wish.plan(conn, now, actor, &known, kept_out)? {
                return Ok(Some((known, Some(plan))));
            }
            let done = actions::set_jit(conn, now, actor, &known, on)?;
            Ok(Some((done, None)))
        },
    )
    .await?;
    match done {
        Err(undone) => jit_page(&owner, &site, &runs, id, &asked, undone.typed(&form)).await,
        Ok((known, Some(plan))) => Ok(said_of_plan(&owner, &site, &known, &plan)),
        Ok((done, None)) if done.jit => Ok(said(&owner, &site, &done, "Just-in-time provisioning is on for")),
        Ok((done, None)) => Ok(said(&owner, &site, &done, "Just-in-time provisioning is off for")),
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
    let off = Change::Jit {
        connection: connection.id.clone(),
        on: false,
    };
    let page = Jit {
        frame: owner.frame("connections"),
        ask: Ask::of(owner, connection, undone, change == off),
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
    let planned = match Planned::of(&form, site.now()) {
        Ok(planned) => Planned {
            most_denied: None,
            ..planned
        },
        Err(sentence) => {
            let undone = Undone::refused(StatusCode::UNPROCESSABLE_ENTITY, sentence).typed(&form);
            return scim_page(&owner, &site, &runs, id, &Asked::default(), undone).await;
        }
    };
    let wish = Wanted {
        switch: Switch::Scim,
        on,
        planned,
        days: shown::days(form.text("days")),
    };
    let deed = move |conn: &mut Conn, now: Timestamp, actor: &Actor, kept_out: &[String]| {
        let Some(known) = unchanged(conn, &organization, &known, version)? else {
            return Ok(None);
        };
        if on && queries::verified_domains(conn, &known.id)?.is_empty() {
            return Err(Problem::Conflict(
                "A directory needs a verified domain. Attach one to this connection first.".to_owned(),
            ));
        }
        if let Some(plan) = wish.plan(conn, now, actor, &known, kept_out)? {
            return Ok(Some((known, Some(plan))));
        }
        let done = actions::set_scim(conn, now, actor, &known, on)?;
        Ok(Some((done, None)))
    };
    match act_on(&owner, &site, &runs, change, &form, deed).await? {
        Err(undone) => {
            let undone = undone.typed(&form);
            scim_page(&owner, &site, &runs, id, &Asked::default(), undone).await
        }
        Ok((known, Some(plan))) => Ok(said_of_plan(&owner, &site, &known, &plan)),
        Ok((done, None)) if done.scim => {
            let path = owner.path(&format!("/connections/{}/directory", done.id));
            Ok(Flash::good(format!("SCIM is on for {}.", done.name)).redirect(&site, &path))
        }
        Ok((done, None)) => Ok(said(&owner, &site, &done, "SCIM is off for")),
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
        ask: Ask::of(owner, connection, undone, false),
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

/// A switch, and what the form asks besides.
#[derive(Clone, Copy)]
struct Wanted {
    switch: Switch,
    on: bool,
    planned: Planned,
    days: i64,
}

impl Wanted {
    /// Plans it, or makes it and watches it; nothing where neither is asked.
    fn plan(
        self,
        conn: &mut Conn,
        now: Timestamp,
        actor: &Actor,
        known: &Connection,
        kept_out: &[String],
    ) -> Result<Option<Plan>, Problem> {
        if self.planned.is_nothing() {
            return Ok(None);
        }
        let wish = Wish {
            switch: self.switch,
            on: self.on,
            at: self.planned.at,
            most_denied: self.planned.most_denied,
            days: self.days,
        };
        make(conn, now, actor, known, wish, kept_out.iter().map(String::as_str)).map(Some)
    }
}

fn said_of_plan(owner: &Owner, site: &Site, known: &Connection, plan: &Plan) -> HttpResponse {
    let path = owner.path(&format!("/connections/{}", known.id));
    let when = if plan.at > site.now() {
        format!(
            "{} for {} at {}. Until then it can be cancelled here.",
            plan.deed(),
            known.name,
            zone::short(plan.at)
        )
    } else {
        format!("{} for {}. It is watched for an hour.", plan.deed(), known.name)
    };
    Flash::good(when).redirect(site, &path)
}

fn said(owner: &Owner, site: &Site, done: &Connection, sentence: &str) -> HttpResponse {
    let path = owner.path(&format!("/connections/{}", done.id));
    Flash::good(format!("{sentence} {}.", done.name)).redirect(site, &path)
}
