//! A table of groups, seen by name before it is saved. It is too large for an address, so this server remembers it.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::shown::{Asked, Shown, answered};
use super::{Here, Id, Runs, Undone, act, connection};
use crate::access::MappedGroup;
use crate::connections::{self, Connection};
use crate::groups;
use crate::previews::change::Change;
use crate::previews::runs::Table;
use crate::session::{Frame, Fresh, Owner};
use crate::store::id;
use crate::web::{Flash, Page, Posted, Problem, see_other};

#[derive(Template)]
#[template(path = "previews/groups.html")]
struct Groups<'a> {
    frame: Frame,
    connection: Connection,
    lines: usize,
    table: String,
    shown: &'a Shown,
    stale: bool,
    refusal: Option<String>,
}

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    table: String,
    #[serde(flatten)]
    asked: Asked,
}

fn gone() -> Problem {
    Problem::Gone(
        "This preview of a table is no longer here. Open the page of groups, and review the table again."
            .to_owned(),
    )
}

fn change(table: &Table) -> Change {
    Change::Groups {
        connection: table.connection.clone(),
        mapping: table.lines.iter().map(MappedGroup::from).collect(),
        convention: table.convention,
    }
}

/// `GET /orgs/{org}/connections/{id}/groups/preview`
pub async fn groups(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let connection = connection(&owner, &site, path.into_inner().1).await?;
    let wanted = wanted.into_inner();
    if wanted.table.is_empty() {
        return Ok(see_other(
            &owner.path(&format!("/connections/{}/groups", connection.id)),
        ));
    }
    let table = runs
        .table(&owner.organization, &connection.id, &wanted.table)
        .ok_or_else(gone)?;
    page(
        &owner,
        &site,
        &runs,
        connection,
        table,
        &wanted.asked,
        Undone::default(),
    )
    .await
}

/// `POST /orgs/{org}/connections/{id}/groups/preview`: remembers a typed table; or saves one that was shown.
pub async fn set_groups(
    Fresh(owner): Fresh<Owner>,
    site: Here,
    runs: Runs,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let known = connection(&owner, &site, path.into_inner().1).await?;
    if !form.has("table") {
        return remember(&owner, &site, &runs, &known, form).await;
    }
    let table = runs
        .table(&owner.organization, &known.id, form.text("table"))
        .ok_or_else(gone)?;
    let (organization, id, wanted) = (owner.organization.clone(), known.id.clone(), table.clone());
    let done = act(
        &owner,
        &site,
        &runs,
        change(&table),
        &form,
        move |conn, now, actor| {
            let connection = connections::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            groups::actions::save(conn, now, actor, &connection, &wanted.lines, wanted.convention).map(Some)
        },
    )
    .await?;
    if let Err(undone) = done {
        return page(&owner, &site, &runs, known, table, &Asked::default(), undone).await;
    }
    let path = owner.path(&format!("/connections/{}/groups", known.id));
    Ok(Flash::good("The table of groups is saved.").redirect(&site, &path))
}

async fn remember(
    owner: &Owner,
    site: &Here,
    runs: &Runs,
    known: &Connection,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (organization, connection) = (owner.organization.clone(), known.id.clone());
    let typed = site
        .store
        .reading(move |conn| groups::typed(conn, &organization, &connection, &form));
    let Some((lines, convention)) = typed.await? else {
        return Err(Problem::Conflict(
            "The table changed meanwhile, or a line of it is wrong. Open the page of groups again."
                .to_owned(),
        ));
    };
    let key = runs.remember(Table {
        key: id::new_id(),
        organization: owner.organization.clone(),
        connection: known.id.clone(),
        lines,
        convention,
    });
    let path = format!("/connections/{}/groups/preview?table={key}", known.id);
    Ok(see_other(&owner.path(&path)))
}

async fn page(
    owner: &Owner,
    site: &Here,
    runs: &Runs,
    connection: Connection,
    table: Table,
    asked: &Asked,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let query = vec![("table".to_owned(), table.key.clone())];
    let shown = Shown::load(owner, site, runs, &change(&table), asked, query).await?;
    if let Some(file) = shown.file() {
        return file;
    }
    let page = Groups {
        frame: owner.frame("connections"),
        connection,
        lines: table.lines.len(),
        table: table.key,
        shown: &shown,
        stale: undone.stale,
        refusal: undone.refusal,
    };
    Ok(answered(shown.again(), Page::with_status(undone.status, page)))
}
