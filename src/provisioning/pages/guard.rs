//! The guard: what it lets through, and letting it go on.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Around, Id, connection, path_of};
use crate::audit::Actor;
use crate::provisioning::guard::{self, Guard};
use crate::provisioning::log::{self, Log};
use crate::session::{Frame, Owner};
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "provisioning/guard.html")]
struct Show {
    around: Around,
    frame: Frame,
    guard: Guard,
    deactivated: i64,
    members: i64,
    /// The two fields as they were typed.
    share: String,
    least: String,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "provisioning/resume.html")]
struct Resume {
    around: Around,
    frame: Frame,
    guard: Guard,
    deactivated: i64,
    refused: Vec<log::Kept>,
}

/// `GET /orgs/{org}/connections/{id}/directory/guard`
pub async fn show(owner: Owner, site: web::Data<Site>, path: Id) -> Result<HttpResponse, Problem> {
    page(&owner, &site, path.into_inner().1, None).await
}

/// `POST /orgs/{org}/connections/{id}/directory/guard`
pub async fn change(
    owner: Owner,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let (Some(share), Some(least)) = (form.number("share"), form.number("least")) else {
        let field = if form.number("share").is_none() {
            "share"
        } else {
            "least"
        };
        let errors = FieldErrors::one(field, "Type a whole number.");
        return page(&owner, &site, id, Some((&form, errors))).await;
    };
    let (organization, now, actor) = (owner.organization.clone(), site.now(), Actor::from(&*owner));
    let asked = id.clone();
    let done = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &asked)?;
            guard::set(conn, now, &actor, &connection, (share, least))
        })
        .await;
    match done {
        Ok(()) => Ok(Flash::good("The guard is set.").redirect(&site, &path_of(&owner, &id))),
        Err(Problem::Invalid(sentence)) => {
            let errors = FieldErrors::one("share", sentence);
            page(&owner, &site, id, Some((&form, errors))).await
        }
        Err(problem) => Err(problem),
    }
}

async fn page(
    owner: &Owner,
    site: &web::Data<Site>,
    id: String,
    typed: Option<(&Posted, FieldErrors)>,
) -> Result<HttpResponse, Problem> {
    let (organization, now) = (owner.organization.clone(), site.now());
    let (connection, guard, deactivated, members) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            let guard = guard::find(conn, &connection.id)?.unwrap_or_default();
            let deactivated = guard::within_the_hour(conn, now, &connection.id)?;
            let members = guard::active_members(conn, &organization)?;
            Ok((connection, guard, deactivated, members))
        })
        .await?;
    let around = Around::of(owner, site, connection);
    let (share, least, errors) = match typed {
        Some((form, errors)) => (
            form.text("share").to_owned(),
            form.text("least").to_owned(),
            errors,
        ),
        None => (
            guard.share.to_string(),
            guard.least.to_string(),
            FieldErrors::default(),
        ),
    };
    let is_fine = errors.is_empty();
    let page = Show {
        frame: around.frame.clone(),
        around,
        guard,
        deactivated,
        members,
        share,
        least,
        errors,
    };
    Ok(if is_fine {
        Page::new(page).response()
    } else {
        Page::unprocessable(page).response()
    })
}

/// `GET /orgs/{org}/connections/{id}/directory/guard/resume`
pub async fn ask(
    owner: Owner,
    site: web::Data<Site>,
    log: web::Data<Log>,
    path: Id,
) -> Result<HttpResponse, Problem> {
    log.settle().await;
    let (organization, id, now) = (owner.organization.clone(), path.into_inner().1, site.now());
    let (connection, guard, deactivated, refused) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            let guard = guard::find(conn, &connection.id)?.unwrap_or_default();
            let deactivated = guard::within_the_hour(conn, now, &connection.id)?;
            let since = guard.paused_at.unwrap_or(now);
            let refused = log::refused_by_guard(conn, &connection.id, since)?;
            Ok((connection, guard, deactivated, refused))
        })
        .await?;
    let around = Around::of(&owner, &site, connection);
    Ok(Page::new(Resume {
        frame: around.frame.clone(),
        around,
        guard,
        deactivated,
        refused,
    })
    .response())
}

/// `POST /orgs/{org}/connections/{id}/directory/guard/resume`
pub async fn resume(
    owner: Owner,
    site: web::Data<Site>,
    path: Id,
    _: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let (organization, now, actor) = (owner.organization.clone(), site.now(), Actor::from(&*owner));
    let back = path_of(&owner, &id);
    site.store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            guard::resume(conn, now, &actor, &connection)
        })
        .await?;
    let sentence = "The directory may deactivate people again. It will try again by itself.";
    Ok(Flash::good(sentence).redirect(&site, &back))
}
