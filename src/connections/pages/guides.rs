//! The guides: which provider, then what to do there, with this connection's own addresses.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::desk::Desk;
use crate::connections::guides::{Block, GUIDES, Guide, Span};
use crate::connections::{Connection, Protocol, queries, saml};
use crate::session::{Frame, Owner};
use crate::web::{Page, Problem, Site};

#[derive(Template)]
#[template(path = "connections/guides.html")]
struct List {
    frame: Frame,
    base: String,
    connection: Connection,
    addresses: Vec<(&'static str, String)>,
    guides: &'static [Guide],
}

#[derive(Template)]
#[template(path = "connections/guide.html")]
struct Shown {
    frame: Frame,
    base: String,
    connection: Connection,
    name: &'static str,
    blocks: Vec<Block>,
}

/// `GET /orgs/{org}/connections/{id}/guides`
pub async fn guides(
    owner: Owner,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    list_at(&Desk::of_owner(&owner, &path.1), &site).await
}

/// `GET /orgs/{org}/connections/{id}/guides/{provider}`
pub async fn guide(
    owner: Owner,
    site: web::Data<Site>,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    show_at(&Desk::of_owner(&owner, &path.1), &site, &path.2).await
}

/// The list, for whoever looks after the connection.
pub(super) async fn list_at(desk: &Desk, site: &web::Data<Site>) -> Result<HttpResponse, Problem> {
    let connection = load(desk, site).await?;
    Ok(Page::new(List {
        frame: desk.frame.clone(),
        base: desk.base.clone(),
        addresses: super::guest::addresses(site, &connection),
        guides: &GUIDES,
        connection,
    })
    .response())
}

/// One guide, for whoever looks after the connection.
pub(super) async fn show_at(
    desk: &Desk,
    site: &web::Data<Site>,
    word: &str,
) -> Result<HttpResponse, Problem> {
    let guide = Guide::find(word).ok_or(Problem::NotFound)?;
    let connection = load(desk, site).await?;
    let blocks = guide.blocks(connection.protocol.title(), &words(site, &connection));
    Ok(Page::new(Shown {
        frame: desk.frame.clone(),
        base: desk.base.clone(),
        name: guide.name,
        connection,
        blocks,
    })
    .response())
}

async fn load(desk: &Desk, site: &web::Data<Site>) -> Result<Connection, Problem> {
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    site.store
        .reading(move |conn| queries::find_in(conn, &organization, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)
}

/// What stands in the place of the words in braces.
fn words(site: &Site, connection: &Connection) -> Vec<(&'static str, String)> {
    let back = super::return_address(site, connection);
    match connection.protocol {
        Protocol::Oidc => vec![("redirect address", back)],
        Protocol::Saml => {
            let ours = saml::entity_id(site, &connection.id);
            vec![
                ("ACS address", back),
                ("entity id", ours.clone()),
                ("metadata address", ours),
            ]
        }
    }
}
