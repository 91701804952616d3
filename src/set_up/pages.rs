//! The page of the path.

use actix_web::web;
use askama::Template;

use super::model::Path;
use super::queries;
use crate::mail::Post;
use crate::session::{Frame, Owner};
use crate::web::{Page, Problem, Site};

#[derive(Template)]
#[template(path = "set_up/path.html")]
pub struct PathPage {
    frame: Frame,
    path: Path,
    /// The number of the step that comes next; 0 where all are done.
    next: usize,
    /// Whether letters can be sent.
    mails: bool,
}

/// `GET /orgs/{org}/set-up`
pub async fn show(owner: Owner, site: web::Data<Site>) -> Result<Page<PathPage>, Problem> {
    let organization = owner.organization.clone();
    let path = site
        .store
        .reading(move |conn| queries::path(conn, &organization))
        .await
        .map_err(Problem::from)?;
    Ok(Page::new(PathPage {
        frame: owner.frame("home"),
        next: path.next().map_or(0, |(number, _)| number),
        path,
        mails: Post::of(&site).is_configured(),
    }))
}
