//! Deleting a draft: the page says what goes with it, the form does it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::audit::Actor;
use crate::connections::{Connection, Protocol, actions, queries};
use crate::session::{Frame, Fresh, Owner};
use crate::web::{Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/delete.html")]
struct Deletion {
    frame: Frame,
    /// The path of the connection's pages.
    base: String,
    connection: Connection,
    /// Names of the attached domains, which stay.
    domains: Vec<String>,
    /// Why it can't be deleted.
    kept: Option<&'static str>,
    stale: bool,
}

type Id = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/delete`
pub async fn deletion(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
) -> Result<HttpResponse, Problem> {
    page(&owner, &site, path.into_inner().1, StatusCode::OK).await
}

/// `POST /orgs/{org}/connections/{id}/delete`
pub async fn delete(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (now, actor, version) = (site.now(), Actor::from(&*owner), form.version());
    let id = path.into_inner().1;
    let (organization, wanted) = (owner.organization.clone(), id.clone());
    let deleted = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &wanted)?.ok_or(Problem::NotFound)?;
            if known.version != version {
                return Ok(None);
            }
            actions::delete(conn, now, &actor, &known)?;
            Ok(Some(known.name))
        })
        .await;
    match deleted {
        Ok(Some(name)) => {
            let path = owner.path("/connections");
            Ok(Flash::good(format!("The draft {name} is deleted.")).redirect(&site, &path))
        }
        Ok(None) | Err(Problem::Conflict(_)) => page(&owner, &site, id, StatusCode::CONFLICT).await,
        Err(problem) => Err(problem),
    }
}

async fn page(
    owner: &Owner,
    site: &web::Data<Site>,
    id: String,
    status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let organization = owner.organization.clone();
    let (connection, domains, uses) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let domains = queries::attached(conn, &connection.id)?;
            let uses = queries::uses(conn, &connection)?;
            Ok((connection, domains, uses))
        })
        .await?;
    let page = Deletion {
        frame: owner.frame("connections"),
        base: owner.path(&format!("/connections/{}", connection.id)),
        domains: domains.into_iter().map(|(_, name)| name).collect(),
        kept: connection.why_kept(uses),
        stale: status == StatusCode::CONFLICT,
        connection,
    };
    Ok(Page::with_status(status, page).response())
}
