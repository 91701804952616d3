//! The organization's domains, and adding one.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Domain, Standing, actions, queries};
use crate::access::{DomainName, Role};
use crate::audit::Actor;
use crate::session::{Admin, Frame, Member, Owner};
use crate::store;
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "domains/list.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    typed: String,
    errors: FieldErrors,
}

/// One domain of the list.
struct Row {
    domain: Domain,
    connections: Vec<String>,
}

/// `GET /orgs/{org}/domains`
pub async fn list(admin: Admin, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    shown(
        &admin,
        &site,
        String::new(),
        FieldErrors::default(),
        StatusCode::OK,
    )
    .await
}

/// `POST /orgs/{org}/domains`: adds one, or gives one that waits a new token.
pub async fn add(owner: Owner, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let typed = form.text("name").to_owned();
    let name = match DomainName::parse(&typed) {
        Ok(name) => name,
        Err(error) => return wrong(&owner, &site, typed, error.to_string()).await,
    };
    let (now, actor, organization) = (site.now(), Actor::from(&*owner), owner.organization.clone());
    let wanted = name.clone();
    let added = site
        .store
        .writing_in(&owner.organization, move |conn| {
            actions::add(conn, now, &actor, &organization, &wanted)
        })
        .await;
    match added {
        Ok(_) => {
            let sentence = format!("{name} waits for its TXT record. The record is shown below.");
            Ok(Flash::good(sentence).redirect(&site, &owner.path("/domains")))
        }
        Err(Problem::Conflict(sentence)) => wrong(&owner, &site, typed, sentence).await,
        Err(problem) => Err(problem),
    }
}

async fn wrong(
    owner: &Owner,
    site: &web::Data<Site>,
    typed: String,
    sentence: String,
) -> Result<HttpResponse, Problem> {
    let errors = FieldErrors::one("name", sentence);
    shown(owner, site, typed, errors, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn shown(
    member: &Member,
    site: &web::Data<Site>,
    typed: String,
    errors: FieldErrors,
    status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let organization = member.organization.clone();
    let rows = site
        .store
        .reading(move |conn| -> store::Result<_> {
            let attached = queries::connections_of(conn, &organization)?;
            let of = |id: &str| {
                let own = attached.iter().filter(|(domain, _)| domain == id);
                own.map(|(_, name)| name.clone()).collect()
            };
            let domains = queries::list(conn, &organization)?;
            Ok(domains
                .into_iter()
                .map(|domain| Row {
                    connections: of(&domain.id),
                    domain,
                })
                .collect())
        })
        .await
        .map_err(Problem::from)?;
    let page = List {
        frame: member.frame("domains"),
        rows,
        typed,
        errors,
    };
    Ok(Page::with_status(status, page).response())
}
