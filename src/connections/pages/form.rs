//! Making a connection and changing what was typed about it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::saml_form;
use crate::access::Role;
use crate::audit::Actor;
use crate::connections::model::{is_slug, issuer_address, suggested_slug};
use crate::connections::{Connection, Protocol, Settings, actions, discovery, queries};
use crate::domains::{self, Domain};
use crate::outbound::Outbound;
use crate::session::{Frame, Owner};
use crate::store::{self, Conn};
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/edit.html")]
struct Edit {
    frame: Frame,
    /// None for a new one.
    known: Option<Connection>,
    typed: Typed,
    errors: FieldErrors,
    stale: bool,
    teams: Vec<(String, String)>,
    domains: Vec<Domain>,
}

/// What stands in the form; the secret never does.
#[derive(Clone)]
struct Typed {
    name: String,
    slug: String,
    issuer: String,
    client_id: String,
    scopes: String,
    groups_claim: String,
    default_role: String,
    default_team: String,
    domains: Vec<String>,
    version: i64,
}

/// How an attempt to save ended.
enum Saved {
    /// Its id and name.
    Done(String, String),
    Wrong(FieldErrors),
    Stale,
}

impl Saved {
    fn done(connection: Connection) -> Self {
        Self::Done(connection.id, connection.name)
    }
}

/// `GET /orgs/{org}/connections/new`
pub async fn new(owner: Owner, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let typed = Typed::from_settings(&Settings::default());
    shown(&owner, &site, None, typed, FieldErrors::default(), StatusCode::OK).await
}

/// `POST /orgs/{org}/connections/new`
pub async fn create(
    owner: Owner,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let typed = Typed::of(&form);
    let settings = match typed.read(&form, &outbound, None) {
        Ok(settings) => settings,
        Err(errors) => return wrong(&owner, &site, None, typed, errors).await,
    };
    let (now, actor, sealer) = (site.now(), Actor::from(&*owner), site.sealer.clone());
    let (organization, attach) = (owner.organization.clone(), typed.domains.clone());
    let saved = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            if let Some(errors) = refused(conn, &organization, "", &settings)? {
                return Ok(Saved::Wrong(errors));
            }
            let made = actions::create(conn, now, &actor, &sealer, &organization, &settings)?;
            actions::set_domains(conn, now, &actor, &made, &attach).map(Saved::done)
        })
        .await?;
    let sentence =
        "is made, as a draft. Give the provider the redirect address, then turn the connection on.";
    answer(&owner, &site, None, typed, saved, sentence).await
}

/// `GET /orgs/{org}/connections/{id}/edit`
pub async fn edit(
    owner: Owner,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (known, typed) = load(&owner, &site, path.into_inner().1).await?;
    if known.protocol == Protocol::Saml {
        return saml_form::edit(owner, site, known.id).await;
    }
    shown(
        &owner,
        &site,
        Some(known),
        typed,
        FieldErrors::default(),
        StatusCode::OK,
    )
    .await
}

/// `POST /orgs/{org}/connections/{id}/edit`
pub async fn change(
    owner: Owner,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    path: web::Path<(String, String)>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let (known, _) = load(&owner, &site, id.clone()).await?;
    if known.protocol == Protocol::Saml {
        return saml_form::change(owner, site, outbound, id, form).await;
    }
    let typed = Typed::of(&form);
    let settings = match typed.read(&form, &outbound, Some(&known)) {
        Ok(settings) => settings,
        Err(errors) => return wrong(&owner, &site, Some(known), typed, errors).await,
    };
    if known.is_on()
        && known.issuer != settings.issuer
        && let Err(sentence) = discovery::look(&outbound, &settings.issuer).await
    {
        let errors = FieldErrors::one("issuer", sentence);
        return wrong(&owner, &site, Some(known), typed, errors).await;
    }
    let (now, actor, sealer) = (site.now(), Actor::from(&*owner), site.sealer.clone());
    let (organization, attach, version) = (owner.organization.clone(), typed.domains.clone(), form.version());
    let saved = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            if known.version != version {
                return Ok(Saved::Stale);
            }
            if let Some(errors) = refused(conn, &organization, &id, &settings)? {
                return Ok(Saved::Wrong(errors));
            }
            let changed = actions::change(conn, now, &actor, &sealer, &known, &settings)?;
            actions::set_domains(conn, now, &actor, &changed, &attach).map(Saved::done)
        })
        .await?;
    answer(&owner, &site, Some(known), typed, saved, "is saved.").await
}

async fn answer(
    owner: &Owner,
    site: &web::Data<Site>,
    known: Option<Connection>,
    typed: Typed,
    saved: Saved,
    sentence: &str,
) -> Result<HttpResponse, Problem> {
    match saved {
        Saved::Done(id, name) => {
            let path = owner.path(&format!("/connections/{id}"));
            Ok(Flash::good(format!("{name} {sentence}")).redirect(site, &path))
        }
        Saved::Wrong(errors) => wrong(owner, site, known, typed, errors).await,
        Saved::Stale => {
            let id = known.map(|known| known.id).unwrap_or_default();
            let (known, typed) = load(owner, site, id).await?;
            let status = StatusCode::CONFLICT;
            shown(owner, site, Some(known), typed, FieldErrors::default(), status).await
        }
    }
}

/// The connection, and the form filled in with it.
async fn load(owner: &Owner, site: &web::Data<Site>, id: String) -> Result<(Connection, Typed), Problem> {
    let organization = owner.organization.clone();
    site.store
        .reading(move |conn| {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let attached = queries::attached(conn, &known.id)?;
            let typed = Typed {
                domains: attached.into_iter().map(|(id, _)| id).collect(),
                version: known.version,
                ..Typed::from_settings(&Settings::from(&known))
            };
            Ok((known, typed))
        })
        .await
}

async fn wrong(
    owner: &Owner,
    site: &web::Data<Site>,
    known: Option<Connection>,
    typed: Typed,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    shown(
        owner,
        site,
        known,
        typed,
        errors,
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .await
}

async fn shown(
    owner: &Owner,
    site: &web::Data<Site>,
    known: Option<Connection>,
    typed: Typed,
    errors: FieldErrors,
    status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let organization = owner.organization.clone();
    let (teams, domains) = site
        .store
        .reading(move |conn| -> store::Result<_> {
            Ok((
                queries::teams_of(conn, &organization)?,
                domains::list(conn, &organization)?,
            ))
        })
        .await?;
    let page = Edit {
        frame: owner.frame("connections"),
        stale: status == StatusCode::CONFLICT,
        known,
        typed,
        errors,
        teams,
        domains,
    };
    Ok(Page::with_status(status, page).response())
}

/// What only the database knows to be wrong.
pub(super) fn refused(
    conn: &mut Conn,
    organization: &str,
    id: &str,
    settings: &Settings,
) -> store::Result<Option<FieldErrors>> {
    let mut errors = FieldErrors::default();
    if queries::slug_is_taken(conn, organization, &settings.slug, id)? {
        errors.add("slug", "Another connection has this short name. Choose another.");
    }
    if let Some(team) = &settings.default_team
        && !queries::has_team(conn, organization, team)?
    {
        errors.add("default_team", "This team is gone. Choose another.");
    }
    Ok(Some(errors).filter(|errors| !errors.is_empty()))
}

impl Typed {
    fn from_settings(settings: &Settings) -> Self {
        Self {
            name: settings.name.clone(),
            slug: settings.slug.clone(),
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            scopes: settings.scopes.clone(),
            groups_claim: settings.groups_claim.clone(),
            default_role: settings.default_role.as_str().to_owned(),
            default_team: settings.default_team.clone().unwrap_or_default(),
            domains: Vec::new(),
            version: 0,
        }
    }

    fn of(form: &Posted) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        let mut domains = form.all("domain");
        domains.sort();
        domains.dedup();
        Self {
            name: text("name"),
            slug: match form.text("slug") {
                "" => suggested_slug(form.text("name")),
                slug => slug.to_owned(),
            },
            issuer: text("issuer"),
            client_id: text("client_id"),
            scopes: text("scopes"),
            groups_claim: text("groups_claim"),
            default_role: text("default_role"),
            default_team: text("default_team"),
            domains,
            version: form.version(),
        }
    }

    fn read(
        &self,
        form: &Posted,
        outbound: &Outbound,
        known: Option<&Connection>,
    ) -> Result<Settings, FieldErrors> {
        let mut errors = self.wrong_texts(outbound);
        let settings = Settings {
            name: self.name.clone(),
            slug: self.slug.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: Some(form.raw("client_secret").trim().to_owned())
                .filter(|secret| !secret.is_empty()),
            scopes: self.scopes.split_whitespace().collect::<Vec<_>>().join(" "),
            groups_claim: self.groups_claim.clone(),
            default_role: Role::parse(&self.default_role).unwrap_or(Role::Owner),
            default_team: Some(self.default_team.clone()).filter(|team| !team.is_empty()),
        };
        if settings
            .client_secret
            .as_ref()
            .is_some_and(|secret| secret.len() > 1_000)
        {
            errors.add("client_secret", "A client secret has at most 1,000 characters.");
        }
        if known.is_some_and(|known| actions::would_send_the_secret_elsewhere(known, &settings)) {
            errors.add(
                "client_secret",
                "The issuer differs, so type its client secret too: the old one is never sent to another server.",
            );
        }
        if settings.default_role == Role::Owner {
            errors.add(
                "default_role",
                "Choose member or admin. No connection makes owners.",
            );
        }
        errors.into_result(settings)
    }

    fn wrong_texts(&self, outbound: &Outbound) -> FieldErrors {
        let mut errors = FieldErrors::default();
        let length = |text: &str| text.chars().count();
        if !(1..=100).contains(&length(&self.name)) {
            errors.add("name", "Write a name of 1 to 100 characters.");
        }
        // Without a name there is nothing to make it from, and the name's own error says so.
        let has_neither = self.slug.is_empty() && self.name.is_empty();
        if !is_slug(&self.slug) && !has_neither {
            errors.add(
                "slug",
                "Use 1 to 40 lower-case letters, digits and hyphens, such as okta.",
            );
        }
        if let Err(sentence) = self.wrong_issuer(outbound) {
            errors.add("issuer", sentence);
        }
        if !(1..=255).contains(&length(&self.client_id)) {
            errors.add(
                "client_id",
                "Copy the client id from the provider: 1 to 255 characters.",
            );
        }
        if length(&self.scopes) > 500 {
            errors.add("scopes", "Write at most 500 characters.");
        }
        if length(&self.groups_claim) > 200 {
            errors.add("groups_claim", "Write at most 200 characters.");
        }
        errors
    }

    fn wrong_issuer(&self, outbound: &Outbound) -> Result<(), String> {
        if self.issuer.chars().count() > 500 {
            return Err("An issuer has at most 500 characters.".to_owned());
        }
        let url = issuer_address(&self.issuer)?;
        outbound.check_url(&url).map_err(|error| error.to_string())
    }
}
