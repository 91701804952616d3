//! The organizations of the installation: the list, and what the operator may do to one.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::Desk;
use super::queries::{self, Row};
use crate::audit::Actor;
use crate::domains::{self, Domain};
use crate::orgs::{self, Settings};
use crate::session::{Fresh, Operator};
use crate::store::DbError;
use crate::store::text::tame;
use crate::web::paging::base;
use crate::web::{FieldErrors, Flash, Page, Paging, Posted, Problem, Site, Slice};

/// What the list is searched by.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    #[serde(default)]
    q: String,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Template)]
#[template(path = "operator/organizations.html")]
pub struct List {
    desk: Desk,
    search: String,
    page: Slice<Row>,
    base: String,
}

/// `GET /operator/organizations`.
pub async fn list(
    operator: Operator,
    site: web::Data<Site>,
    filter: web::Query<Filter>,
) -> Result<Page<List>, Problem> {
    let (now, search) = (site.now(), tame(filter.q.trim(), 100));
    let (wanted, paging) = (search.clone(), filter.paging.clone());
    let rows = site
        .store
        .reading(move |conn| queries::page(conn, now, &wanted, &paging))
        .await
        .map_err(Problem::from)?;
    Ok(Page::new(List {
        desk: Desk::of(&operator, "organizations"),
        base: base(&[("q", &search)]),
        page: Slice::cut(rows, &filter.paging, |row| row.slug.clone()),
        search,
    }))
}

#[derive(Template)]
#[template(path = "operator/organization.html")]
struct One {
    desk: Desk,
    row: Row,
    domains: Vec<Domain>,
    seats: String,
    errors: FieldErrors,
}

/// `GET /operator/organizations/{id}`.
pub async fn one(
    operator: Operator,
    site: web::Data<Site>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    shown(&operator, &site, path.into_inner(), None, FieldErrors::default()).await
}

async fn shown(
    operator: &Operator,
    site: &Site,
    id: String,
    typed: Option<String>,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    let now = site.now();
    let (row, domains) = site
        .store
        .reading(move |conn| -> Result<_, DbError> {
            Ok((queries::one(conn, now, &id)?, domains::list(conn, &id)?))
        })
        .await?;
    let row = row.ok_or(Problem::NotFound)?;
    let stored = row.seats.map(|seats| seats.to_string()).unwrap_or_default();
    let page = One {
        desk: Desk::of(operator, "organizations"),
        seats: typed.unwrap_or(stored),
        row,
        domains,
        errors,
    };
    Ok(if page.errors.is_empty() {
        Page::new(page)
    } else {
        Page::unprocessable(page)
    }
    .response())
}

/// `POST /operator/organizations/{id}/seats`.
pub async fn set_seats(
    Fresh(operator): Fresh<Operator>,
    site: web::Data<Site>,
    path: web::Path<String>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, typed) = (path.into_inner(), form.text("seats").to_owned());
    // What is no whole number becomes one that the settings refuse with their own sentence.
    let seats: Option<i64> = (!typed.is_empty()).then(|| typed.parse().unwrap_or(-1));
    let (now, actor, organization) = (site.now(), Actor::from(&*operator), id.clone());
    let wrong = site
        .store
        .writing_in(&id, move |conn| -> Result<_, Problem> {
            let before = orgs::find(conn, &organization)?.ok_or(Problem::NotFound)?;
            let settings = Settings {
                seats,
                ..before.settings.clone()
            };
            let errors = settings.check();
            if errors.of("seats").is_some() {
                return Ok(errors);
            }
            orgs::actions::change(conn, now, &actor, &before, &settings, before.version)?;
            Ok(FieldErrors::default())
        })
        .await?;
    if !wrong.is_empty() {
        return shown(&operator, &site, id, Some(typed), wrong).await;
    }
    Ok(Flash::good("The number of seats is changed.")
        .redirect(&site, &format!("/operator/organizations/{id}")))
}

#[derive(Template)]
#[template(path = "operator/vouch.html")]
struct Vouch {
    desk: Desk,
    organization: String,
    organization_name: String,
    domain: Domain,
}

/// `GET /operator/organizations/{id}/domains/{domain}/vouch`.
pub async fn ask_to_vouch(
    Fresh(operator): Fresh<Operator>,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<Page<impl Template>, Problem> {
    let (id, domain) = path.into_inner();
    let asked = id.clone();
    let (organization, domain) = site
        .store
        .reading(move |conn| -> Result<_, DbError> {
            Ok((orgs::find(conn, &asked)?, domains::find(conn, &asked, &domain)?))
        })
        .await?;
    let organization = organization.ok_or(Problem::NotFound)?;
    Ok(Page::new(Vouch {
        desk: Desk::of(&operator, "organizations"),
        organization: id,
        organization_name: organization.settings.name,
        domain: domain.ok_or(Problem::NotFound)?,
    }))
}

/// `POST /operator/organizations/{id}/domains/{domain}/vouch`.
pub async fn vouch(
    Fresh(operator): Fresh<Operator>,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, domain) = path.into_inner();
    let (now, actor, organization) = (site.now(), Actor::from(&*operator), id.clone());
    let is_new = site
        .store
        .writing_in(&id, move |conn| {
            domains::actions::vouch(conn, now, &actor, &organization, &domain)
        })
        .await?;
    let flash = if is_new {
        Flash::good("You answer for this domain now. That stands in the organization’s audit log.")
    } else {
        Flash::bad("This domain was verified already.")
    };
    Ok(flash.redirect(&site, &format!("/operator/organizations/{id}")))
}
