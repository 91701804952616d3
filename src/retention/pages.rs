//! The page that says what is kept, for how long and why, and lets owners set it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::model::{Kept, Retention};
use super::{actions, queries};
use crate::audit::Actor;
use crate::session::{Frame, Owner};
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "retention/show.html")]
struct Show {
    frame: Frame,
    kept: Vec<Kept>,
    typed: Typed,
    errors: FieldErrors,
    stale: bool,
}

/// What stands in the form.
struct Typed {
    record_days: String,
    claim_days: String,
    denial_days: String,
    version: i64,
}

impl From<&Retention> for Typed {
    fn from(retention: &Retention) -> Self {
        Self {
            record_days: retention.record_days.to_string(),
            claim_days: retention.claim_days.to_string(),
            denial_days: retention.denial_days.to_string(),
            version: retention.version,
        }
    }
}

/// `GET /orgs/{org}/settings/retention`
pub async fn show(owner: Owner, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let now = stored(&owner, &site).await?;
    Ok(page(
        &owner,
        &site,
        StatusCode::OK,
        &now,
        Typed::from(&now),
        FieldErrors::default(),
    ))
}

/// `POST /orgs/{org}/settings/retention`
pub async fn change(owner: Owner, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let number = |name: &str| form.number(name).unwrap_or(-1);
    let wanted = Retention {
        record_days: number("record_days"),
        claim_days: number("claim_days"),
        denial_days: number("denial_days"),
        version: form.version(),
    };
    let errors = wanted.check();
    let now = stored(&owner, &site).await?;
    if !errors.is_empty() {
        let text = |name: &str| form.text(name).to_owned();
        let typed = Typed {
            record_days: text("record_days"),
            claim_days: text("claim_days"),
            denial_days: text("denial_days"),
            version: now.version,
        };
        return Ok(page(
            &owner,
            &site,
            StatusCode::UNPROCESSABLE_ENTITY,
            &now,
            typed,
            errors,
        ));
    }
    let (at, actor, organization) = (site.now(), Actor::from(&*owner), owner.organization.clone());
    let done = site
        .store
        .writing_in(&owner.organization, move |conn| {
            actions::change(conn, at, &actor, &organization, &wanted, wanted.version)
        })
        .await;
    match done {
        Ok(()) => {
            let path = owner.path("/settings/retention");
            Ok(Flash::good("How long things are kept is changed.").redirect(&site, &path))
        }
        Err(Problem::Conflict(_)) => {
            let now = stored(&owner, &site).await?;
            let typed = Typed::from(&now);
            Ok(page(
                &owner,
                &site,
                StatusCode::CONFLICT,
                &now,
                typed,
                FieldErrors::default(),
            ))
        }
        Err(problem) => Err(problem),
    }
}

async fn stored(owner: &Owner, site: &Site) -> Result<Retention, Problem> {
    let organization = owner.organization.clone();
    let found = site.store.reading(move |conn| queries::find(conn, &organization));
    found.await.map_err(Problem::from)
}

fn page(
    owner: &Owner,
    site: &Site,
    status: StatusCode,
    now: &Retention,
    typed: Typed,
    errors: FieldErrors,
) -> HttpResponse {
    let page = Show {
        frame: owner.frame("settings"),
        kept: now.told(site.config.stranger_days),
        stale: status == StatusCode::CONFLICT,
        typed,
        errors,
    };
    Page::with_status(status, page).response()
}
