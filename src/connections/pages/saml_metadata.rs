//! What the provider's metadata says otherwise than the settings, and the yes to it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::desk::Desk;
use crate::connections::saml::{self, Difference, MetadataState, SamlSettings, actions};
use crate::connections::{Connection, queries};
use crate::outbound::Outbound;
use crate::saml::read_provider_metadata;
use crate::session::{Frame, Fresh, Owner};
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/saml_metadata.html")]
struct MetadataPage {
    frame: Frame,
    /// The path of the connection's pages.
    base: String,
    connection: Connection,
    settings: SamlSettings,
    state: MetadataState,
    /// 0 where it was never read.
    at: i64,
    differences: Vec<Difference>,
    /// What tells the proposal that is shown.
    seen: String,
    pasted: String,
    errors: FieldErrors,
}

type Id = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/metadata`
pub async fn metadata(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
) -> Result<HttpResponse, Problem> {
    metadata_at(&Desk::of_owner(&owner, &path.1), &site).await
}

/// The page, for whoever looks after the connection.
pub(super) async fn metadata_at(desk: &Desk, site: &web::Data<Site>) -> Result<HttpResponse, Problem> {
    shown(desk, site, String::new(), FieldErrors::default()).await
}

/// `POST /orgs/{org}/connections/{id}/metadata`
pub async fn change_metadata(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    change_metadata_at(&Desk::of_owner(&owner, &path.1), &site, &outbound, &form).await
}

/// Takes the page's forms, from whoever looks after the connection.
pub(super) async fn change_metadata_at(
    desk: &Desk,
    site: &web::Data<Site>,
    outbound: &Outbound,
    form: &Posted,
) -> Result<HttpResponse, Problem> {
    match form.text("do") {
        "fetch" => fetch(desk, site, outbound).await,
        "paste" => paste(desk, site, form.text("metadata").to_owned()).await,
        "confirm" | "dismiss" => settle(desk, site, form).await,
        _ => Err(Problem::Invalid("The form does not say what to do.".to_owned())),
    }
}

async fn fetch(desk: &Desk, site: &web::Data<Site>, outbound: &Outbound) -> Result<HttpResponse, Problem> {
    let found = saml::look(site, outbound, desk.actor.clone(), &desk.organization, &desk.id).await?;
    Ok(told(desk, site, found))
}

async fn paste(desk: &Desk, site: &web::Data<Site>, text: String) -> Result<HttpResponse, Problem> {
    let (organization, wanted) = (desk.organization.clone(), desk.id.clone());
    let known = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &wanted)?.ok_or(Problem::NotFound)?;
            let settings = saml::find(conn, &known.id)?.ok_or(Problem::NotFound)?;
            Ok((known, settings))
        })
        .await?;
    let now = site.now();
    let read = match read_provider_metadata(&text, Some(&known.1.entity_id), now) {
        Ok(read) => read,
        Err(sentence) => return shown(desk, site, text, FieldErrors::one("metadata", sentence)).await,
    };
    let actor = desk.actor.clone();
    let waits = site
        .store
        .writing_in(&desk.organization, move |conn| {
            actions::found(conn, now, &actor, &known.0, Ok(read))
        })
        .await?;
    Ok(told(desk, site, Ok(waits)))
}

fn told(desk: &Desk, site: &web::Data<Site>, found: Result<bool, String>) -> HttpResponse {
    let flash = match found {
        Ok(true) => Flash::good("The metadata is read. See what would change, then confirm it."),
        Ok(false) => {
            Flash::good("The metadata is read. It says what the settings say: there is nothing to change.")
        }
        Err(sentence) => Flash::bad(format!("The metadata could not be read. {sentence}")),
    };
    flash.redirect(site, &desk.path("/metadata"))
}

/// Does what was seen, or leaves it.
async fn settle(desk: &Desk, site: &web::Data<Site>, form: &Posted) -> Result<HttpResponse, Problem> {
    let (now, actor, version) = (site.now(), desk.actor.clone(), form.version());
    let (is_yes, seen) = (form.text("do") == "confirm", form.text("seen").to_owned());
    let (organization, wanted) = (desk.organization.clone(), desk.id.clone());
    let done = site
        .store
        .writing_in(&desk.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &wanted)?.ok_or(Problem::NotFound)?;
            saml::find(conn, &known.id)?.ok_or(Problem::NotFound)?;
            if known.version != version {
                return Err(Problem::Conflict(
                    "This connection was changed meanwhile. See what would change now.".to_owned(),
                ));
            }
            if is_yes {
                return Ok(if actions::confirm(conn, now, &actor, &known, &seen)? {
                    ("The provider’s metadata is taken over into a draft. Everybody signs in as before until you swap it in.", "/draft")
                } else {
                    ("The provider’s metadata is taken over. It holds for the next sign-in.", "")
                });
            }
            actions::dismiss(conn, &known)?;
            Ok(("The settings stay as they are.", ""))
        })
        .await;
    match done {
        Ok((sentence, to)) => Ok(Flash::good(sentence).redirect(site, &desk.path(to))),
        Err(Problem::Conflict(sentence)) => Ok(Flash::bad(sentence).redirect(site, &desk.path("/metadata"))),
        Err(problem) => Err(problem),
    }
}

async fn shown(
    desk: &Desk,
    site: &web::Data<Site>,
    pasted: String,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    let (connection, settings, state, certificates) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let settings = saml::find(conn, &connection.id)?.ok_or(Problem::NotFound)?;
            let state = saml::metadata_state(conn, &connection.id)?;
            let certificates = saml::certificates(conn, &connection.id)?;
            Ok((connection, settings, state, certificates))
        })
        .await?;
    let proposal = state.proposal.as_ref();
    let differences = proposal.map(|waits| waits.differences(&settings, &certificates));
    let seen = proposal.map(saml::Proposal::print).unwrap_or_default();
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = MetadataPage {
        frame: desk.frame.clone(),
        base: desk.base.clone(),
        at: state.at.unwrap_or_default(),
        differences: differences.unwrap_or_default(),
        connection,
        settings,
        seen,
        state,
        pasted,
        errors,
    };
    Ok(Page::with_status(status, page).response())
}
