//! Leaving an organization: GET says what it means, POST does it.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::audit::Actor;
use crate::members::{self, Refusal};
use crate::session::{self, Member};
use crate::web::{Door, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "my_account/leave.html")]
struct Leave {
    door: Door,
    name: String,
    slug: String,
    refusal: Option<Refusal>,
}

/// `GET /account/organizations/{org}/leave`.
pub async fn explain(
    door: Door,
    member: Member,
    site: web::Data<Site>,
) -> Result<Page<impl Template>, Problem> {
    let (organization, id) = (member.organization.clone(), member.member.clone());
    let refusal = site
        .store
        .reading(move |conn| members::actions::why_not_leave(conn, &organization, &id))
        .await?;
    Ok(Page::new(Leave {
        door,
        name: member.organization_name,
        slug: member.slug,
        refusal,
    }))
}

/// `POST /account/organizations/{org}/leave`.
pub async fn leave(
    request: HttpRequest,
    member: Member,
    site: web::Data<Site>,
    session: Session,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (now, actor, id) = (site.now(), Actor::from(&member), member.member.clone());
    let organization = member.organization.clone();
    site.store
        .writing_in(&member.organization, move |conn| {
            members::actions::leave(conn, now, &actor, &organization, &id)
        })
        .await?;
    let left = Flash::good(format!("You have left {}.", member.organization_name));
    if member.signed.organization.is_some() {
        // The session was of that organization, and has ended with the membership.
        session::leave(&request, &session);
        return Ok(left.redirect(&site, "/sign-in"));
    }
    Ok(left.redirect(&site, "/account"))
}
