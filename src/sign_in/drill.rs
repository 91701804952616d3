//! The drill of an owner for emergencies: password and second factor are judged as at the door, and nothing else
//! happens. The session stays as it is.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::password;
use super::second::Factor;
use super::throttle::{self, Counter};
use crate::accounts;
use crate::audit::Actor;
use crate::break_glass::{self, Keeper};
use crate::factors::{self, Factors, Purpose};
use crate::session::{Frame, Owner};
use crate::store::time::Timestamp;
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "sign_in/drill.html")]
struct Drill {
    frame: Frame,
    errors: FieldErrors,
    keeper: Keeper,
    factors: Factors,
    passkeys: bool,
    now: Timestamp,
}

impl Drill {
    fn trouble(&self) -> Option<&'static str> {
        self.keeper.trouble(self.now)
    }
}

/// `GET /orgs/{org}/break-glass/drill`.
pub async fn ask(owner: Owner, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    shown(&owner, &site, FieldErrors::default()).await
}

async fn shown(owner: &Owner, site: &Site, errors: FieldErrors) -> Result<HttpResponse, Problem> {
    let (organization, account) = (owner.organization.clone(), owner.signed.account.clone());
    let (keeper, factors) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let owners = break_glass::actions::owners(conn, &organization)?;
            let keeper = owners.into_iter().find(|one| one.account == account);
            Ok((keeper, factors::factors(conn, &account)?))
        })
        .await?;
    let is_fine = errors.is_empty();
    let page = Drill {
        frame: owner.frame("settings"),
        errors,
        keeper: keeper.ok_or(Problem::NotFound)?,
        // An authenticator is asked for whoever came by password; others have their code.
        passkeys: factors.passkeys > 0 && factors::can_be_used(site) && owner.signed.organization.is_none(),
        factors,
        now: site.now(),
    };
    Ok(if is_fine {
        Page::new(page).response()
    } else {
        Page::unprocessable(page).response()
    })
}

/// `POST /orgs/{org}/break-glass/drill`.
pub async fn tried(
    request: HttpRequest,
    owner: Owner,
    site: web::Data<Site>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let password = form.raw("password").to_owned();
    if !password::fits(&site, &owner.signed.account, password).await? {
        let errors = FieldErrors::one(
            "password",
            "This is not your password. At the door it would not let you in.",
        );
        return shown(&owner, &site, errors).await;
    }
    let factor = Factor::of(&form, factors::pages::key(&request, &site));
    if !second_fits(&site, &owner, factor).await? {
        let errors = FieldErrors::one("code", "This is not right, was used before, or is too old.");
        return shown(&owner, &site, errors).await;
    }
    Ok(Flash::good("It works: you could come in.").redirect(&site, &owner.path("/break-glass")))
}

/// Judges the second factor, if the account has one, and notes the drill.
async fn second_fits(site: &Site, owner: &Owner, factor: Factor) -> Result<bool, Problem> {
    let (now, here, id) = (site.now(), site.clone(), owner.signed.account.clone());
    let counters = vec![Counter::here("proof-code", &id, "signed-in")];
    throttle::count(&site.store, now, &id, counters.clone()).await?;
    let (actor, ip) = (Actor::from(&**owner), owner.signed.client.ip.clone());
    site.store
        .writing_in(&owner.organization.clone(), {
            let organization = owner.organization.clone();
            move |conn| -> Result<_, Problem> {
                let account = accounts::find(conn, &id)?.ok_or(Problem::NotFound)?;
                let asked = factors::factors(conn, &id)?.any();
                if asked && !factor.fits(conn, now, &here, &account, (Purpose::StillYou, &ip))? {
                    return Ok(false);
                }
                throttle::right(conn, &counters)?;
                break_glass::actions::tried(conn, now, &actor, &organization, &account)?;
                Ok(true)
            }
        })
        .await
}
