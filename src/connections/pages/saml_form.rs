//! Making a SAML connection and changing what was typed about it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::saml_typed::{Known, Typed, read};
use crate::audit::Actor;
use crate::connections::saml::actions::{self, Wanted};
use crate::connections::saml::{self, binding_word};
use crate::connections::{Connection, actions as verbs, queries};
use crate::domains::{self, Domain};
use crate::outbound::Outbound;
use crate::saml::{Certificate, SpKey};
use crate::session::{Frame, Owner};
use crate::store;
use crate::store::Conn;
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/saml_edit.html")]
struct Edit {
    frame: Frame,
    /// None for a new one.
    known: Option<Connection>,
    /// The certificates that there are.
    certificates: Vec<Certificate>,
    typed: Typed,
    errors: FieldErrors,
    stale: bool,
    teams: Vec<(String, String)>,
    domains: Vec<Domain>,
}

/// How an attempt to save ended.
enum Saved {
    Done(Box<Connection>),
    Wrong(FieldErrors),
    Stale,
}

/// `GET /orgs/{org}/connections/new/saml`
pub async fn new(owner: Owner, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let typed = Typed {
        how: "url".to_owned(),
        ..Typed::default()
    };
    shown(&owner, &site, None, typed, FieldErrors::default(), StatusCode::OK).await
}

/// `POST /orgs/{org}/connections/new/saml`
pub async fn create(
    owner: Owner,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let typed = Typed::of(&form);
    let read = match read(&typed, &outbound, None, site.now()).await {
        Ok(read) => read,
        Err(errors) => return wrong(&owner, &site, None, typed, errors).await,
    };
    let key = new_key(&site).await?;
    let (now, actor, sealer) = (site.now(), Actor::from(&*owner), site.sealer.clone());
    let (organization, attach) = (owner.organization.clone(), typed.domains.clone());
    let saved = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            if let Some(errors) = super::form::refused(conn, &organization, "", &read.settings)? {
                return Ok(Saved::Wrong(errors));
            }
            let wanted = Wanted {
                settings: &read.settings,
                saml: &read.saml,
                certificates: &read.certificates,
            };
            let made = actions::create(conn, now, &actor, &sealer, &organization, &wanted, &key)?;
            verbs::set_domains(conn, now, &actor, &made, &attach).map(|done| Saved::Done(Box::new(done)))
        })
        .await?;
    let sentence = "is made, as a draft. Copy its addresses into the provider, then turn the connection on.";
    answer(&owner, &site, None, typed, saved, sentence).await
}

/// `GET /orgs/{org}/connections/{id}/edit`, of a SAML connection.
pub async fn edit(owner: Owner, site: web::Data<Site>, id: String) -> Result<HttpResponse, Problem> {
    let (known, typed) = load(&owner, &site, id).await?;
    let errors = FieldErrors::default();
    shown(&owner, &site, Some(known), typed, errors, StatusCode::OK).await
}

/// `POST /orgs/{org}/connections/{id}/edit`, of a SAML connection.
pub async fn change(
    owner: Owner,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    id: String,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (known, _) = load(&owner, &site, id.clone()).await?;
    let typed = Typed::of(&form);
    let read = match read(&typed, &outbound, Some(&known), site.now()).await {
        Ok(read) => read,
        Err(errors) => return wrong(&owner, &site, Some(known), typed, errors).await,
    };
    let (now, actor) = (site.now(), Actor::from(&*owner));
    let (organization, attach, version) = (owner.organization.clone(), typed.domains.clone(), form.version());
    let saved = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            if known.version != version {
                return Ok(Saved::Stale);
            }
            if let Some(errors) = super::form::refused(conn, &organization, &id, &read.settings)? {
                return Ok(Saved::Wrong(errors));
            }
            let wanted = Wanted {
                settings: &read.settings,
                saml: &read.saml,
                certificates: &read.certificates,
            };
            let changed = actions::change(conn, now, &actor, &known, &wanted)?;
            verbs::set_domains(conn, now, &actor, &changed, &attach).map(|done| Saved::Done(Box::new(done)))
        })
        .await?;
    answer(&owner, &site, Some(known), typed, saved, "is saved.").await
}

/// Making an RSA key takes a while, and no request waits for it but this one.
pub(super) async fn new_key(site: &web::Data<Site>) -> Result<SpKey, Problem> {
    let (name, now) = (site.config.public_url.authority().to_owned(), site.now());
    web::block(move || SpKey::generate(&name, now))
        .await
        .map_err(Problem::internal)?
        .map_err(Problem::Internal)
}

async fn answer(
    owner: &Owner,
    site: &web::Data<Site>,
    known: Option<Known>,
    typed: Typed,
    saved: Saved,
    sentence: &str,
) -> Result<HttpResponse, Problem> {
    match saved {
        Saved::Done(done) => {
            let path = owner.path(&format!("/connections/{}", done.id));
            Ok(Flash::good(format!("{} {sentence}", done.name)).redirect(site, &path))
        }
        Saved::Wrong(errors) => wrong(owner, site, known, typed, errors).await,
        Saved::Stale => {
            let id = known.map(|known| known.connection.id).unwrap_or_default();
            let (known, typed) = load(owner, site, id).await?;
            let status = StatusCode::CONFLICT;
            shown(owner, site, Some(known), typed, FieldErrors::default(), status).await
        }
    }
}

/// The connection, and the form filled in with it.
async fn load(owner: &Owner, site: &web::Data<Site>, id: String) -> Result<(Known, Typed), Problem> {
    let organization = owner.organization.clone();
    site.store
        .reading(move |conn| {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let known = Known {
                saml: saml::find(conn, &connection.id)?.ok_or(Problem::NotFound)?,
                certificates: saml::certificates(conn, &connection.id)?,
                connection,
            };
            let typed = filled(conn, &known)?;
            Ok((known, typed))
        })
        .await
}

fn filled(conn: &mut Conn, known: &Known) -> store::Result<Typed> {
    let (connection, saml) = (&known.connection, known.saml.clone());
    let attached = queries::attached(conn, &connection.id)?;
    Ok(Typed {
        name: connection.name.clone(),
        slug: connection.slug.clone(),
        default_role: connection.default_role.as_str().to_owned(),
        default_team: connection.default_team.clone().unwrap_or_default(),
        domains: attached.into_iter().map(|(id, _)| id).collect(),
        version: connection.version,
        how: "hand".to_owned(),
        entity_id: saml.entity_id,
        sso_url: saml.sso_url,
        binding: binding_word(saml.binding).to_owned(),
        keep: known
            .certificates
            .iter()
            .map(|one| one.fingerprint.clone())
            .collect(),
        metadata_url: saml.metadata_url,
        sign_requests: saml.sign_requests,
        idp_initiated: saml.idp_initiated,
        allow_cbc: saml.allow_cbc,
        attributes: saml.attributes,
        ..Typed::default()
    })
}

async fn wrong(
    owner: &Owner,
    site: &web::Data<Site>,
    known: Option<Known>,
    typed: Typed,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    shown(owner, site, known, typed, errors, status).await
}

async fn shown(
    owner: &Owner,
    site: &web::Data<Site>,
    known: Option<Known>,
    typed: Typed,
    errors: FieldErrors,
    status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let organization = owner.organization.clone();
    let (teams, domains) = site
        .store
        .reading(move |conn| -> store::Result<_> {
            let teams = queries::teams_of(conn, &organization)?;
            Ok((teams, domains::list(conn, &organization)?))
        })
        .await?;
    let (known, certificates) = match known {
        Some(known) => (Some(known.connection), known.certificates),
        None => (None, Vec::new()),
    };
    let page = Edit {
        frame: owner.frame("connections"),
        stale: status == StatusCode::CONFLICT,
        known,
        certificates,
        typed,
        errors,
        teams,
        domains,
    };
    Ok(Page::with_status(status, page).response())
}
