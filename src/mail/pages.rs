//! An organization's page of its mail: what could not be sent, and what it wants to be written about.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::actions;
use super::model::State;
use super::post::Post;
use super::queries::{self, Kept};
use super::settings::{Requests, Settings};
use crate::access::Role;
use crate::audit::Actor;
use crate::session::{Admin, Frame, Owner};
use crate::store::DbError;
use crate::web::paging::base;
use crate::web::{FieldErrors, Flash, Page, Paging, Posted, Problem, Site, Slice};

/// How many letters are tried again at once.
const MOST: usize = 1_000;

/// What the address of the page asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    state: String,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Template)]
#[template(path = "mail/page.html")]
struct MailPage {
    frame: Frame,
    is_configured: bool,
    /// Whether the person may open the operator’s pages.
    is_operator: bool,
    page: Slice<Kept>,
    state: Option<State>,
    base: String,
    typed: Typed,
    errors: FieldErrors,
    stale: bool,
    now: i64,
}

/// What stands in the form.
struct Typed {
    requests: Requests,
    digest: bool,
    reminder_days: String,
    version: i64,
}

impl From<&Settings> for Typed {
    fn from(settings: &Settings) -> Self {
        Self {
            requests: settings.requests,
            digest: settings.digest,
            reminder_days: settings.reminder_days.to_string(),
            version: settings.version,
        }
    }
}

impl MailPage {
    fn is_state(&self, word: &str) -> bool {
        self.state.is_some_and(|state| state.as_str() == word)
    }

    fn is_owner(&self) -> bool {
        self.frame.role >= Role::Owner
    }

    fn has_dead(&self) -> bool {
        self.page.rows.iter().any(|letter| letter.can_be_tried(self.now))
    }
}

/// `GET /orgs/{org}/mail`.
pub(super) async fn page(
    admin: Admin,
    site: web::Data<Site>,
    filter: web::Query<Filter>,
) -> Result<HttpResponse, Problem> {
    shown(&admin.0, &site, filter.into_inner(), None).await
}

type Wrong = (StatusCode, Option<Typed>, FieldErrors);

async fn shown(
    member: &crate::session::Member,
    site: &Site,
    filter: Filter,
    wrong: Option<Wrong>,
) -> Result<HttpResponse, Problem> {
    let (organization, paging) = (member.organization.clone(), filter.paging.clone());
    let state = State::parse(&filter.state);
    let (settings, rows) = site
        .store
        .reading(move |conn| -> Result<_, DbError> {
            let settings = queries::settings(conn, &organization)?;
            Ok((settings, queries::page(conn, &organization, state, &paging)?))
        })
        .await?;
    let (status, typed, errors) = wrong.unwrap_or((StatusCode::OK, None, FieldErrors::default()));
    let page = MailPage {
        frame: member.frame("mail"),
        is_configured: Post::of(site).is_configured(),
        is_operator: member.signed.may_operate(),
        page: Slice::cut(rows, &filter.paging, |letter| letter.id.clone()),
        state,
        base: base(&[("state", state.map_or("", State::as_str))]),
        typed: typed.unwrap_or_else(|| Typed::from(&settings)),
        errors,
        stale: status == StatusCode::CONFLICT,
        now: site.now(),
    };
    Ok(Page::with_status(status, page).response())
}

/// `POST /orgs/{org}/mail`: the settings.
pub(super) async fn change(
    owner: Owner,
    site: web::Data<Site>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let wanted = match Settings::of(&form) {
        Ok(wanted) => wanted,
        Err(errors) => {
            let typed = Typed {
                requests: Requests::parse(form.text("requests")).unwrap_or(Requests::Now),
                digest: form.has("digest"),
                reminder_days: form.text("reminder_days").to_owned(),
                version: form.version(),
            };
            let wrong = (StatusCode::UNPROCESSABLE_ENTITY, Some(typed), errors);
            return shown(&owner.0, &site, Filter::default(), Some(wrong)).await;
        }
    };
    let (now, actor, organization) = (site.now(), Actor::from(&*owner), owner.organization.clone());
    let is_changed = site
        .store
        .writing_in(&owner.organization, move |conn| {
            actions::change_settings(conn, now, &actor, &organization, &wanted)
        })
        .await
        .map_err(|error: DbError| Problem::from(error))?;
    if is_changed {
        Ok(Flash::good("What is written about is saved.").redirect(&site, &owner.path("/mail")))
    } else {
        let stale = (StatusCode::CONFLICT, None, FieldErrors::default());
        shown(&owner.0, &site, Filter::default(), Some(stale)).await
    }
}

/// `POST /orgs/{org}/mail/again`: tries letters again that were given up.
pub(super) async fn again(
    admin: Admin,
    site: web::Data<Site>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (ids, list) = (form.all("id"), admin.path("/mail"));
    if ids.is_empty() {
        return Ok(Flash::bad("Tick at least one letter first.").redirect(&site, &list));
    }
    if ids.len() > MOST {
        return Err(Problem::Invalid(format!(
            "Send at most {MOST} letters again at once."
        )));
    }
    let (now, actor, organization) = (site.now(), Actor::from(&*admin), admin.organization.clone());
    let tried = site
        .store
        .writing_in(&admin.organization, move |conn| {
            actions::again(conn, now, &actor, Some(&organization), &ids)
        })
        .await
        .map_err(|error: DbError| Problem::from(error))?;
    let flash = match tried {
        0 => Flash::bad(
            "None of these letters can be tried again: they were sent, taken back, or are of no use any more.",
        ),
        1 => Flash::good("The letter is tried again within seconds."),
        some => Flash::good(format!("{some} letters are tried again, from now on.")),
    };
    Ok(flash.redirect(&site, &list))
}
