//! Signing everybody out at once: GET says whom it concerns, POST does it. Whoever does it stays.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::actions;
use crate::audit::Actor;
use crate::session::{self, Frame, Fresh, Owner};
use crate::web::{Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "orgs/everybody.html")]
struct Everybody {
    frame: Frame,
    sessions: i64,
}

/// `GET /orgs/{org}/sign-out-everybody`.
pub async fn explain(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
) -> Result<Page<impl Template>, Problem> {
    let (organization, own, now) = (
        owner.organization.clone(),
        owner.signed.session.clone(),
        site.now(),
    );
    let sessions = site
        .store
        .reading(move |conn| session::count_in_organization(conn, &organization, &own, now))
        .await
        .map_err(Problem::from)?;
    Ok(Page::new(Everybody {
        frame: owner.frame("settings"),
        sessions,
    }))
}

/// `POST /orgs/{org}/sign-out-everybody`.
pub async fn sign_out(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (now, actor) = (site.now(), Actor::from(&*owner));
    let (organization, own) = (owner.organization.clone(), owner.signed.session.clone());
    let name = owner.organization_name.clone();
    let ended = site
        .store
        .writing_in(&owner.organization, move |conn| {
            actions::sign_everybody_out(conn, now, &actor, (&organization, &name), &own)
        })
        .await?;
    let sentence = match ended {
        0 => "Nobody else was signed in.".to_owned(),
        1 => "1 browser is signed out.".to_owned(),
        some => format!("{some} browsers are signed out."),
    };
    Ok(Flash::good(sentence).redirect(&site, &owner.path("/settings")))
}
