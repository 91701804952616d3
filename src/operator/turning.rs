//! Turning an organization off, so that it lets nobody in, and on again: GET says what will change, POST does it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::Desk;
use crate::audit::Actor;
use crate::orgs::{self, Organization};
use crate::session::{self, Fresh, Operator};
use crate::store::DbError;
use crate::web::{Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "operator/turn.html")]
struct Turn {
    desk: Desk,
    organization: Organization,
    sessions: i64,
}

/// `GET /operator/organizations/{id}/state`.
pub async fn ask(
    Fresh(operator): Fresh<Operator>,
    site: web::Data<Site>,
    path: web::Path<String>,
) -> Result<Page<impl Template>, Problem> {
    let (id, own, now) = (path.into_inner(), operator.session.clone(), site.now());
    let (organization, sessions) = site
        .store
        .reading(move |conn| -> Result<_, DbError> {
            let sessions = session::count_in_organization(conn, &id, &own, now)?;
            Ok((orgs::find(conn, &id)?, sessions))
        })
        .await?;
    Ok(Page::new(Turn {
        desk: Desk::of(&operator, "organizations"),
        organization: organization.ok_or(Problem::NotFound)?,
        sessions,
    }))
}

/// `POST /operator/organizations/{id}/state`.
pub async fn turn(
    Fresh(operator): Fresh<Operator>,
    site: web::Data<Site>,
    path: web::Path<String>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let on = match form.text("to") {
        "on" => true,
        "off" => false,
        _other => {
            return Err(Problem::Invalid(
                "The form does not say whether to turn the organization on or off. Go back and reload the page."
                    .to_owned(),
            ));
        }
    };
    let (id, keep) = (path.into_inner(), operator.session.clone());
    let (now, actor, sought) = (site.now(), Actor::from(&*operator), id.clone());
    site.store
        .writing_in(&id, move |conn| -> Result<_, Problem> {
            let before = orgs::find(conn, &sought)?.ok_or(Problem::NotFound)?;
            orgs::actions::turn(conn, now, &actor, (&before, on), &keep)
        })
        .await?;
    let sentence = if on {
        "The organization is on: people may come in again."
    } else {
        "The organization is off: nobody is in, and nobody comes in."
    };
    Ok(Flash::good(sentence).redirect(&site, &format!("/operator/organizations/{id}")))
}
