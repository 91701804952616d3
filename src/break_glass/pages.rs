//! Who is there for emergencies. (The drill is a sign-in that changes nothing, and lies there.)

use actix_web::{HttpResponse, web};
use askama::Template;

use super::actions;
use super::model::Keeper;
use crate::audit::Actor;
use crate::session::{Frame, Fresh, Owner};
use crate::store::time::Timestamp;
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "break_glass/show.html")]
struct Show {
    frame: Frame,
    errors: FieldErrors,
    owners: Vec<Keeper>,
    /// Whether the reader is one of them.
    is_keeper: bool,
    now: Timestamp,
}

impl Show {
    fn trouble(&self, owner: &Keeper) -> Option<&'static str> {
        owner.trouble(self.now)
    }
}

/// `GET /orgs/{org}/break-glass`.
pub async fn show(owner: Owner, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    shown(&owner, &site, FieldErrors::default()).await
}

async fn shown(owner: &Owner, site: &Site, errors: FieldErrors) -> Result<HttpResponse, Problem> {
    let organization = owner.organization.clone();
    let owners = site
        .store
        .reading(move |conn| actions::owners(conn, &organization))
        .await?;
    let own = |one: &&Keeper| one.account == owner.signed.account && one.is_keeper;
    let is_fine = errors.is_empty();
    let page = Show {
        frame: owner.frame("settings"),
        is_keeper: owners.iter().any(|one| own(&one)),
        owners,
        errors,
        now: site.now(),
    };
    Ok(if is_fine {
        Page::new(page).response()
    } else {
        Page::unprocessable(page).response()
    })
}

/// `POST /orgs/{org}/break-glass`: names them.
pub async fn name(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (now, actor, organization) = (site.now(), Actor::from(&*owner), owner.organization.clone());
    let wanted = form.all("owner");
    let named = site
        .store
        .writing_in(&owner.organization, move |conn| {
            actions::name(conn, now, &actor, &organization, &wanted)
        })
        .await?;
    match named {
        Ok(()) => {
            Ok(Flash::good("The owners for emergencies are named.")
                .redirect(&site, &owner.path("/break-glass")))
        }
        Err(sentence) => shown(&owner, &site, FieldErrors::one("owners", sentence)).await,
    }
}
