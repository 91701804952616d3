//! Making a SAML connection and changing what was typed about it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::desk::Desk;
use super::saml_typed::{Known, Read, Typed, read};
use crate::connections::saml::{actions, binding_word};
use crate::connections::versions::{self, actions as drafting};
use crate::connections::{Connection, ProviderSettings, actions as verbs, queries};
use crate::domains::{self, Domain};
use crate::outbound::Outbound;
use crate::saml::{Certificate, SpKey};
use crate::session::{Frame, Fresh, Owner};
use crate::store;
use crate::store::Conn;
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/saml_edit.html")]
struct Edit {
    frame: Frame,
    /// The path of the connection's pages.
    base: String,
    /// None for a new one.
    known: Option<Connection>,
    /// The certificates that there are.
    certificates: Vec<Certificate>,
    typed: Typed,
    errors: FieldErrors,
    stale: bool,
    teams: Vec<(String, String)>,
    domains: Vec<Domain>,
    /// Whether domains, default role and team are typed here. While people sign in by it they have pages of their own,
    /// which say first whom another choice concerns.
    asks_whom: bool,
}

/// How an attempt to save ended.
enum Saved {
    /// The connection, and whether its provider's settings became a draft.
    Done(Box<Connection>, bool),
    Wrong(FieldErrors),
    Stale,
}

/// `GET /orgs/{org}/connections/new/saml`
pub async fn new(Fresh(owner): Fresh<Owner>, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let typed = Typed {
        how: "url".to_owned(),
        domains: super::form::domains_to_attach(&site, &owner.organization).await?,
        ..Typed::default()
    };
    let desk = Desk::of_owner(&owner, "");
    shown(&desk, &site, None, typed, FieldErrors::default(), StatusCode::OK).await
}

/// `POST /orgs/{org}/connections/new/saml`
pub async fn create(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (desk, typed) = (Desk::of_owner(&owner, ""), Typed::of(&form));
    let read = match read(&typed, &outbound, None, site.now()).await {
        Ok(read) => read,
        Err(errors) => return wrong(&desk, &site, None, typed, errors).await,
    };
    let key = new_key(&site).await?;
    let (now, actor, sealer) = (site.now(), desk.actor.clone(), site.sealer.clone());
    let (organization, attach) = (owner.organization.clone(), typed.domains.clone());
    let saved = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            if let Some(errors) = super::form::refused(conn, &organization, "", &read.settings)? {
                return Ok(Saved::Wrong(errors));
            }
            let wanted = read.wanted();
            let made = actions::create(conn, now, &actor, &sealer, &organization, &wanted, &key)?;
            let made = verbs::set_domains(conn, now, &actor, &made, &attach)?;
            Ok(Saved::Done(Box::new(made), false))
        })
        .await?;
    match saved {
        Saved::Done(made, _) => {
            let sentence =
                "is made, as a draft. Copy its addresses into the provider, then test the connection.";
            let path = desk.path(&format!("/{}", made.id));
            Ok(Flash::good(format!("{} {sentence}", made.name)).redirect(&site, &path))
        }
        Saved::Wrong(errors) => wrong(&desk, &site, None, typed, errors).await,
        Saved::Stale => Err(Problem::internal("a new connection was stale")),
    }
}

/// The form of a SAML connection.
pub(super) async fn edit(desk: &Desk, site: &web::Data<Site>) -> Result<HttpResponse, Problem> {
    let (known, typed) = load(desk, site).await?;
    let errors = FieldErrors::default();
    shown(desk, site, Some(known), typed, errors, StatusCode::OK).await
}

/// Takes the form of a SAML connection.
pub(super) async fn change(
    desk: &Desk,
    site: &web::Data<Site>,
    outbound: &web::Data<Outbound>,
    form: &Posted,
) -> Result<HttpResponse, Problem> {
    let (known, filled) = load(desk, site).await?;
    let mut typed = Typed::of(form).of_desk(desk, &filled);
    if known.connection.is_on() {
        typed = typed.but_for_people(&filled);
    }
    let read = match read(&typed, outbound, Some(&known), site.now()).await {
        Ok(read) => read,
        Err(errors) => return wrong(desk, site, Some(known), typed, errors).await,
    };
    let (version, attach) = (form.version(), typed.domains.clone());
    match save(desk, site, read, attach, version).await? {
        Saved::Done(done, is_draft) => Ok(super::form::said(desk, site, &done, is_draft)),
        Saved::Wrong(errors) => wrong(desk, site, Some(known), typed, errors).await,
        Saved::Stale => {
            let (known, typed) = load(desk, site).await?;
            let none = FieldErrors::default();
            shown(desk, site, Some(known), typed, none, StatusCode::CONFLICT).await
        }
    }
}

async fn save(
    desk: &Desk,
    site: &web::Data<Site>,
    read: Read,
    attach: Vec<String>,
    version: i64,
) -> Result<Saved, Problem> {
    let (now, actor) = (site.now(), desk.actor.clone());
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    site.store
        .writing_in(&desk.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            if known.version != version {
                return Ok(Saved::Stale);
            }
            if let Some(errors) = super::form::refused(conn, &organization, &id, &read.settings)? {
                return Ok(Saved::Wrong(errors));
            }
            let (changed, is_draft) = drafting::change_saml(conn, now, &actor, &known, &read.wanted())?;
            let done = verbs::set_domains(conn, now, &actor, &changed, &attach)?;
            Ok(Saved::Done(Box::new(done), is_draft))
        })
        .await
}

/// Making an RSA key takes a while, and no request waits for it but this one.
pub(super) async fn new_key(site: &web::Data<Site>) -> Result<SpKey, Problem> {
    let (name, now) = (site.config.public_url.authority().to_owned(), site.now());
    web::block(move || SpKey::generate(&name, now))
        .await
        .map_err(Problem::internal)?
        .map_err(Problem::Internal)
}

/// The connection as it is being prepared, and the form filled in with it.
async fn load(desk: &Desk, site: &web::Data<Site>) -> Result<(Known, Typed), Problem> {
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    site.store
        .reading(move |conn| {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let ProviderSettings::Saml(saml, certificates) = versions::prepared(conn, &connection)? else {
                return Err(Problem::NotFound);
            };
            let known = Known {
                connection,
                saml,
                certificates,
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
    desk: &Desk,
    site: &web::Data<Site>,
    known: Option<Known>,
    typed: Typed,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    shown(desk, site, known, typed, errors, status).await
}

async fn shown(
    desk: &Desk,
    site: &web::Data<Site>,
    known: Option<Known>,
    typed: Typed,
    errors: FieldErrors,
    status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let organization = desk.organization.clone();
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
        frame: desk.frame.clone(),
        base: desk.base.clone(),
        stale: status == StatusCode::CONFLICT,
        asks_whom: known.as_ref().is_none_or(|known| !known.is_on()),
        known,
        certificates,
        typed,
        errors,
        teams,
        domains,
    };
    Ok(Page::with_status(status, page).response())
}
