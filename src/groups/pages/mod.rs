//! The page of a connection's groups: which team and role each stands for. A form first, then what the table
//! would change and for whom, and only then the change.

mod forecast;
mod form;
mod queries;
mod view;
mod visitors;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use self::form::Row;
use self::view::{Told, View};
use crate::access::Role;
use crate::audit::Actor;
use crate::connections::{self, Connection};
use crate::groups::model::{Changes, Line};
use crate::groups::{self, actions};
use crate::orgs::{self, Organization};
use crate::session::{Frame, Fresh, Owner};
use crate::store::{Conn, DbError, id};
use crate::web::{Flash, Page, Posted, Problem, Site};

/// Which groups without a line are shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
}

#[derive(Template)]
#[template(path = "groups/edit.html")]
struct Edit {
    frame: Frame,
    connection: Connection,
    view: View,
    rows: Vec<(Row, Told)>,
    convention: bool,
    state: String,
    q: String,
    stale: bool,
    is_wrong: bool,
}

#[derive(Template)]
#[template(path = "groups/review.html")]
struct Review {
    frame: Frame,
    connection: Connection,
    changes: Changes,
    rows: Vec<Row>,
    lines: Vec<(Line, String)>,
    convention: bool,
    convention_changes: bool,
    state: String,
    /// Somebody came, or was changed, after the table was reviewed.
    moved: bool,
}

type Id = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/groups`
pub async fn edit(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let q = asked.into_inner().q.trim().chars().take(200).collect();
    shown(
        &owner,
        &site,
        path.into_inner().1,
        Shown {
            q,
            ..Shown::default()
        },
    )
    .await
}

/// `POST /orgs/{org}/connections/{id}/groups`: reviews the table, or saves the reviewed one.
pub async fn change(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let Some(mut rows) = form::rows(&form) else {
        return Err(Problem::Invalid(
            "The form did not arrive whole. Open the page again.".to_owned(),
        ));
    };
    let (convention, step) = (form.has("convention"), form.text("step").to_owned());
    let (organization, known) = (owner.organization.clone(), id.clone());
    let now = site
        .store
        .reading(move |conn| Now::load(conn, &organization, &known))
        .await?;
    if now.state() != form.text("state") {
        let stale = Shown {
            stale: true,
            ..Shown::default()
        };
        return shown(&owner, &site, id, stale).await;
    }
    let lines = form::read(&mut rows, &now.teams, &now.live);
    let typed = |rows| Shown {
        typed: Some((rows, convention)),
        ..Shown::default()
    };
    match (lines, step.as_str()) {
        (None, _) | (Some(_), "edit") => shown(&owner, &site, id, typed(rows)).await,
        (Some(lines), step) => {
            let table = Table {
                lines,
                rows,
                convention,
            };
            match step {
                "save" => save(&owner, &site, now, table, form.text("seen").to_owned()).await,
                _ => review(&owner, &site, now, table).await,
            }
        }
    }
}

/// The table and the switch of the name convention that a form of this page holds; none where something is wrong with
/// them, or they were made from a table that has changed since.
///
/// # Errors
/// `NotFound` where the organization has no such connection.
pub fn typed(
    conn: &mut Conn,
    organization: &str,
    id: &str,
    form: &Posted,
) -> Result<Option<(Vec<Line>, bool)>, Problem> {
    let now = Now::load(conn, organization, id)?;
    let Some(mut rows) = form::rows(form).filter(|_| now.state() == form.text("state")) else {
        return Ok(None);
    };
    let lines = form::read(&mut rows, &now.teams, &now.live);
    Ok(lines.map(|lines| (lines, form.has("convention"))))
}

/// What stands there now.
struct Now {
    organization: Organization,
    connection: Connection,
    lines: Vec<Line>,
    teams: Vec<(String, String)>,
    live: Vec<String>,
}

impl Now {
    fn load(conn: &mut Conn, organization: &str, id: &str) -> Result<Self, Problem> {
        let connection = connections::find_in(conn, organization, id)?.ok_or(Problem::NotFound)?;
        let lines = groups::lines(conn, id)?;
        Ok(Self {
            organization: orgs::find(conn, organization)?.ok_or(Problem::NotFound)?,
            teams: view::teams(conn, organization)?,
            live: view::live(conn, id, &lines)?,
            lines,
            connection,
        })
    }

    /// Changes with the table and the switch: a form carries the one that it was made from.
    fn state(&self) -> String {
        let lines = serde_json::to_string(&self.lines).unwrap_or_default();
        id::hash_token(&format!(
            "{} {lines}",
            self.organization.settings.group_convention
        ))
    }
}

/// What the form shows besides what stands there.
#[derive(Default)]
struct Shown {
    q: String,
    stale: bool,
    typed: Option<(Vec<Row>, bool)>,
}

async fn shown(owner: &Owner, site: &Site, id: String, what: Shown) -> Result<HttpResponse, Problem> {
    let (organization, part) = (owner.organization.clone(), what.q.clone());
    let (now, view) = site
        .store
        .reading(move |conn| {
            let now = Now::load(conn, &organization, &id)?;
            let view = View::load(conn, &now.organization, &now.connection, &now.lines, &part)?;
            Ok::<_, Problem>((now, view))
        })
        .await?;
    let state = now.state();
    let convention = now.organization.settings.group_convention;
    let (rows, convention, is_typed) = match what.typed {
        Some((rows, convention)) => (view.completed(rows), convention, true),
        None => (view.rows(&now.lines), convention, false),
    };
    let is_wrong = rows.iter().any(Row::is_wrong);
    let status = match (what.stale, is_typed && is_wrong) {
        (true, _) => StatusCode::CONFLICT,
        (_, true) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let rows = rows
        .into_iter()
        .map(|row| (view.told(&row), row))
        .map(|(told, row)| (row, told));
    let page = Edit {
        frame: owner.frame("connections"),
        rows: rows.collect(),
        connection: now.connection,
        view,
        convention,
        state,
        q: what.q,
        stale: what.stale,
        is_wrong,
    };
    Ok(Page::with_status(status, page).response())
}

/// A table as it was typed, and read.
struct Table {
    lines: Vec<Line>,
    rows: Vec<Row>,
    convention: bool,
}

/// How a save that is only tried ends: its transaction is taken back.
enum Tried {
    Done(Box<Changes>),
    Problem(Problem),
}

impl From<Problem> for Tried {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<DbError> for Tried {
    fn from(error: DbError) -> Self {
        Self::Problem(error.into())
    }
}

async fn review(owner: &Owner, site: &Site, now: Now, table: Table) -> Result<HttpResponse, Problem> {
    let (at, actor, connection) = (site.now(), Actor::from(&**owner), now.connection.clone());
    let (tried, convention) = (table.lines.clone(), table.convention);
    let outcome = site
        .store
        .writing_in(&owner.organization, move |conn| {
            let changes = if connection.scim {
                actions::save(conn, at, &actor, &connection, &tried, convention)
            } else {
                view::forecast(conn, &connection, &tried, convention)
            };
            // The changes are told and not done: an error takes the transaction back.
            Err::<(), _>(changes.map_or_else(Tried::Problem, |changes| Tried::Done(Box::new(changes))))
        })
        .await;
    let changes = match outcome {
        Ok(()) => Changes::default(),
        Err(Tried::Done(changes)) => *changes,
        Err(Tried::Problem(problem)) => return Err(problem),
    };
    Ok(reviewed(owner, now, table, changes, false))
}

/// The page that names those whom the table concerns.
fn reviewed(owner: &Owner, now: Now, table: Table, changes: Changes, moved: bool) -> HttpResponse {
    let name = |team: &str| {
        now.teams
            .iter()
            .find(|(id, _)| id == team)
            .map_or("", |(_, name)| name)
    };
    let named = table
        .lines
        .into_iter()
        .map(|line| (name(&line.team).to_owned(), line));
    let page = Review {
        frame: owner.frame("connections"),
        changes,
        rows: table
            .rows
            .into_iter()
            .filter(|row| !row.team.is_empty())
            .collect(),
        lines: named.map(|(name, line)| (line, name)).collect(),
        convention: table.convention,
        convention_changes: table.convention != now.organization.settings.group_convention,
        state: now.state(),
        connection: now.connection,
        moved,
    };
    let status = if moved {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    Page::with_status(status, page).response()
}

/// How saving ended.
enum Saved {
    Done,
    /// The table was changed by somebody else.
    Stale,
}

async fn save(
    owner: &Owner,
    site: &Site,
    before: Now,
    table: Table,
    seen: String,
) -> Result<HttpResponse, Problem> {
    let (at, actor, state) = (site.now(), Actor::from(&**owner), before.state());
    let (organization, id) = (owner.organization.clone(), before.connection.id.clone());
    let (lines, convention) = (table.lines.clone(), table.convention);
    let done = site
        .store
        .writing_in(&owner.organization, move |conn| {
            let now = Now::load(conn, &organization, &id)?;
            if now.state() != state {
                return Ok(Saved::Stale);
            }
            let foretold = view::forecast(conn, &now.connection, &lines, convention)?;
            let done = actions::save(conn, at, &actor, &now.connection, &lines, convention)?;
            let changes = if now.connection.scim { done } else { foretold };
            if changes.print() == seen {
                Ok(Saved::Done)
            } else {
                // What was shown is not what would be done: an error takes the transaction back.
                Err(Tried::Done(Box::new(changes)))
            }
        })
        .await;
    let id = before.connection.id.clone();
    match done {
        Ok(Saved::Done) => {}
        Ok(Saved::Stale) => {
            let anew = Shown {
                stale: true,
                ..Shown::default()
            };
            return shown(owner, site, id, anew).await;
        }
        Err(Tried::Done(changes)) => return Ok(reviewed(owner, before, table, *changes, true)),
        Err(Tried::Problem(problem)) => return Err(problem),
    }
    let path = owner.path(&format!("/connections/{id}/groups"));
    Ok(Flash::good("The table of groups is saved.").redirect(site, &path))
}
