//! How many people the organization may have: chosen, seen, and then set.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::choices::{pairs, values};
use super::shown::{Asked, Shown, answered};
use super::{Here, Runs, Undone, act};
use crate::orgs::{self, Organization};
use crate::previews::change::Change;
use crate::seats::{self as organization_seats, Seats};
use crate::session::{Frame, Owner};
use crate::web::{Flash, Page, Posted, Problem};

/// The most seats that a form takes.
const MOST_SEATS: i64 = 10_000_000;

#[derive(Template)]
#[template(path = "previews/seats.html")]
struct SeatsPage {
    frame: Frame,
    typed: String,
    error: Option<String>,
    seats: Seats,
    version: i64,
    change: Option<String>,
    shown: Option<Shown>,
    stale: bool,
}

/// `GET /orgs/{org}/settings/seats`
pub async fn seats(
    owner: Owner,
    site: Here,
    runs: Runs,
    request: HttpRequest,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let chosen = values(&pairs(&request), "seats").into_iter().next();
    seats_page(&owner, &site, &runs, &asked, chosen, Undone::default()).await
}

/// `POST /orgs/{org}/settings/seats`
pub async fn set_seats(owner: Owner, site: Here, runs: Runs, form: Posted) -> Result<HttpResponse, Problem> {
    let typed = form.text("seats").to_owned();
    let asked = Asked::default();
    let Ok(wanted) = limit(&typed) else {
        return seats_page(&owner, &site, &runs, &asked, Some(typed), Undone::default()).await;
    };
    let (organization, version) = (owner.organization.clone(), form.version());
    let done = act(
        &owner,
        &site,
        &runs,
        Change::Seats(wanted),
        &form,
        move |conn, now, actor| {
            let before = orgs::find(conn, &organization)?.ok_or(Problem::NotFound)?;
            if before.version != version {
                return Ok(None);
            }
            let settings = orgs::Settings {
                seats: wanted,
                ..before.settings.clone()
            };
            orgs::actions::change(conn, now, actor, &before, &settings, version).map(Some)
        },
    )
    .await?;
    match done {
        Err(undone) => seats_page(&owner, &site, &runs, &asked, Some(typed), undone).await,
        Ok(()) => {
            Ok(Flash::good("The number of seats is changed.").redirect(&site, &owner.path("/settings")))
        }
    }
}

/// The number that was typed; empty means no limit.
fn limit(typed: &str) -> Result<Option<i64>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    match typed.parse::<i64>() {
        Ok(seats) if (0..=MOST_SEATS).contains(&seats) => Ok(Some(seats)),
        _ => Err("Write a whole number, or leave it empty for no limit.".to_owned()),
    }
}

async fn seats_page(
    owner: &Owner,
    site: &Here,
    runs: &Runs,
    asked: &Asked,
    chosen: Option<String>,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let (id, now) = (owner.organization.clone(), site.now());
    let read = site
        .store
        .reading(move |conn| -> Result<(Organization, Seats), Problem> {
            let organization = orgs::find(conn, &id)?.ok_or(Problem::NotFound)?;
            Ok((organization, organization_seats::count(conn, &id, now)?))
        });
    let (organization, seats) = read.await?;
    let in_words = |limit: Option<i64>| limit.map(|seats| seats.to_string()).unwrap_or_default();
    let typed = chosen.unwrap_or_else(|| in_words(seats.limit));
    let read = limit(&typed);
    let error = read.clone().err();
    let wanted = read.ok().filter(|wanted| *wanted != seats.limit);
    let shown = match wanted {
        Some(wanted) => {
            let query = vec![("seats".to_owned(), typed.clone())];
            Some(Shown::load(owner, site, runs, &Change::Seats(wanted), asked, query).await?)
        }
        None => None,
    };
    if let Some(file) = shown.as_ref().and_then(Shown::file) {
        return file;
    }
    let again = shown.as_ref().and_then(Shown::again);
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        undone.status
    };
    let page = SeatsPage {
        frame: owner.frame("settings"),
        change: wanted.map(|wanted| match wanted {
            Some(1) => "1 seat".to_owned(),
            Some(seats) => format!("{seats} seats"),
            None => "No limit".to_owned(),
        }),
        typed,
        error,
        seats,
        version: organization.version,
        shown,
        stale: undone.stale,
    };
    Ok(answered(again, Page::with_status(status, page)))
}
