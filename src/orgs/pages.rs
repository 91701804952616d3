//! The settings of an organization.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Organization, Settings, actions, queries};
use crate::audit::Actor;
use crate::session::{Frame, Owner};
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "orgs/settings.html")]
struct SettingsPage {
    frame: Frame,
    typed: Typed,
    errors: FieldErrors,
    stale: bool,
}

/// What stands in the form: what is stored, or what was typed.
struct Typed {
    name: String,
    contact: String,
    invitation_days: String,
    guests: bool,
    requests: bool,
    session_hours: String,
    idle_minutes: String,
    version: i64,
}

/// The form, filled in.
pub async fn settings(owner: Owner, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let id = owner.organization.clone();
    let organization = site
        .store
        .reading(move |conn| queries::find(conn, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    Ok(shown(
        &owner,
        StatusCode::OK,
        Typed::from(&organization),
        FieldErrors::default(),
        false,
    ))
}

/// Saves it, or shows it again with what is wrong.
pub async fn change_settings(
    owner: Owner,
    site: web::Data<Site>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let typed = Typed::of(&form);
    let settings = match typed.read() {
        Ok(settings) => settings,
        Err(errors) => {
            return Ok(shown(
                &owner,
                StatusCode::UNPROCESSABLE_ENTITY,
                typed,
                errors,
                false,
            ));
        }
    };
    let (now, actor, id) = (site.now(), Actor::from(&*owner), owner.organization.clone());
    let version = form.version();
    let stale = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let before = queries::find(conn, &id)?.ok_or(Problem::NotFound)?;
            // Groups and seats have pages of their own, which show first what another choice changes.
            let settings = Settings {
                seats: before.settings.seats,
                group_convention: before.settings.group_convention,
                ..settings
            };
            if before.version != version {
                return Ok(Some(before));
            }
            actions::change(conn, now, &actor, &before, &settings, version)?;
            Ok(None)
        })
        .await?;
    match stale {
        Some(now_stored) => {
            let typed = Typed::from(&now_stored);
            Ok(shown(
                &owner,
                StatusCode::CONFLICT,
                typed,
                FieldErrors::default(),
                true,
            ))
        }
        None => Ok(Flash::good("The settings are saved.").redirect(&site, &owner.path("/settings"))),
    }
}

fn shown(owner: &Owner, status: StatusCode, typed: Typed, errors: FieldErrors, stale: bool) -> HttpResponse {
    let page = SettingsPage {
        frame: owner.frame("settings"),
        typed,
        errors,
        stale,
    };
    Page::with_status(status, page).response()
}

impl From<&Organization> for Typed {
    fn from(organization: &Organization) -> Self {
        let settings = &organization.settings;
        Self {
            name: settings.name.clone(),
            contact: settings.contact.clone(),
            invitation_days: settings.invitation_days.to_string(),
            guests: settings.guests,
            requests: settings.requests,
            session_hours: settings.session_hours.to_string(),
            idle_minutes: settings.idle_minutes.to_string(),
            version: organization.version,
        }
    }
}

impl Typed {
    fn of(form: &Posted) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            name: text("name"),
            contact: text("contact"),
            invitation_days: text("invitation_days"),
            guests: form.has("guests"),
            requests: form.has("requests"),
            session_hours: text("session_hours"),
            idle_minutes: text("idle_minutes"),
            version: form.version(),
        }
    }

    /// What isn't a whole number becomes one that the settings refuse with their own sentence.
    fn read(&self) -> Result<Settings, FieldErrors> {
        let number = |text: &str| text.parse().unwrap_or(-1);
        let settings = Settings {
            name: self.name.clone(),
            contact: self.contact.clone(),
            seats: None,
            invitation_days: number(&self.invitation_days),
            guests: self.guests,
            requests: self.requests,
            session_hours: number(&self.session_hours),
            idle_minutes: number(&self.idle_minutes),
            group_convention: false,
        };
        settings.check().into_result(settings)
    }
}
