//! Making a connection and changing what was typed about it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::desk::Desk;
use super::saml_form;
use crate::access::Role;
use crate::connections::model::{is_slug, issuer_address, suggested_slug};
use crate::connections::versions::{self, actions as drafting};
use crate::connections::{Connection, Protocol, Settings, actions, discovery, queries};
use crate::domains::{self, Domain};
use crate::outbound::Outbound;
use crate::session::{Frame, Fresh, Owner};
use crate::store::{self, Conn};
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/edit.html")]
struct Edit {
    frame: Frame,
    /// The path of the connection's pages.
    base: String,
    /// None for a new one.
    known: Option<Connection>,
    typed: Typed,
    errors: FieldErrors,
    stale: bool,
    teams: Vec<(String, String)>,
    domains: Vec<Domain>,
    /// Whether domains, default role and team are typed here. While people sign in by it they have pages of their own,
    /// which say first whom another choice concerns.
    asks_whom: bool,
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
    /// Whether what the provider gives may come later; never while people sign in by it.
    later: bool,
}

/// How an attempt to save ended.
enum Saved {
    /// The connection, and whether its provider's settings became a draft.
    Done(Box<Connection>, bool),
    Wrong(FieldErrors),
    Stale,
}

/// A connection as its form shows it.
struct Loaded {
    connection: Connection,
    /// With the provider's settings that are being prepared.
    prepared: Connection,
    typed: Typed,
}

/// `GET /orgs/{org}/connections/new`
pub async fn new(Fresh(owner): Fresh<Owner>, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let typed = Typed {
        domains: domains_to_attach(&site, &owner.organization).await?,
        ..Typed::from_settings(&Settings::default())
    };
    let desk = Desk::of_owner(&owner, "");
    shown(&desk, &site, None, typed, FieldErrors::default(), StatusCode::OK).await
}

/// The ids of the verified domains that no connection has yet: a new one is most likely for their people, and
/// without a domain it would turn everybody away.
pub(super) async fn domains_to_attach(
    site: &web::Data<Site>,
    organization: &str,
) -> Result<Vec<String>, Problem> {
    let organization = organization.to_owned();
    site.store
        .reading(move |conn| -> Result<_, Problem> {
            let attached = domains::connections_of(conn, &organization)?;
            let is_free = |domain: &Domain| !attached.iter().any(|(id, _, _)| *id == domain.id);
            let all = domains::list(conn, &organization)?;
            Ok(all
                .into_iter()
                .filter(|domain| domain.verified && is_free(domain))
                .map(|domain| domain.id)
                .collect())
        })
        .await
}

/// `POST /orgs/{org}/connections/new`
pub async fn create(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (desk, typed) = (Desk::of_owner(&owner, ""), Typed::of(&form));
    let settings = match typed.read(&form, &outbound, None) {
        Ok(settings) => settings,
        Err(errors) => return wrong(&desk, &site, None, typed, errors).await,
    };
    let (now, actor, sealer) = (site.now(), desk.actor.clone(), site.sealer.clone());
    let (organization, attach) = (owner.organization.clone(), typed.domains.clone());
    let saved = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            if let Some(errors) = refused(conn, &organization, "", &settings)? {
                return Ok(Saved::Wrong(errors));
            }
            let made = actions::create(conn, now, &actor, &sealer, &organization, &settings)?;
            let made = actions::set_domains(conn, now, &actor, &made, &attach)?;
            Ok(Saved::Done(Box::new(made), false))
        })
        .await?;
    match saved {
        Saved::Done(made, _) => {
            let sentence = if made.client_id.is_empty() {
                "is made, as a draft. Give the provider the redirect address below, then fill in what it gives you."
            } else {
                "is made, as a draft. Give the provider the redirect address, then test the connection."
            };
            let path = desk.path(&format!("/{}", made.id));
            Ok(Flash::good(format!("{} {sentence}", made.name)).redirect(&site, &path))
        }
        Saved::Wrong(errors) => wrong(&desk, &site, None, typed, errors).await,
        Saved::Stale => Err(Problem::internal("a new connection was stale")),
    }
}

/// `GET /orgs/{org}/connections/{id}/edit`
pub async fn edit(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    edit_at(&Desk::of_owner(&owner, &path.1), &site).await
}

/// `POST /orgs/{org}/connections/{id}/edit`
pub async fn change(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    path: web::Path<(String, String)>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    change_at(&Desk::of_owner(&owner, &path.1), &site, &outbound, &form).await
}

/// The form of a connection, by its protocol.
pub(super) async fn edit_at(desk: &Desk, site: &web::Data<Site>) -> Result<HttpResponse, Problem> {
    let loaded = load(desk, site).await?;
    if loaded.connection.protocol == Protocol::Saml {
        return saml_form::edit(desk, site).await;
    }
    let (known, none) = (Some(loaded.connection), FieldErrors::default());
    shown(desk, site, known, loaded.typed, none, StatusCode::OK).await
}

/// Takes the form of a connection, by its protocol.
pub(super) async fn change_at(
    desk: &Desk,
    site: &web::Data<Site>,
    outbound: &web::Data<Outbound>,
    form: &Posted,
) -> Result<HttpResponse, Problem> {
    let loaded = load(desk, site).await?;
    if loaded.connection.protocol == Protocol::Saml {
        return saml_form::change(desk, site, outbound, form).await;
    }
    let mut typed = Typed::of(form).of_desk(desk, &loaded.typed);
    if loaded.connection.is_on() {
        typed = typed.but_for_people(&loaded.typed);
    }
    typed.later &= !loaded.connection.is_on();
    let settings = match typed.read(form, outbound, Some(&loaded.prepared)) {
        Ok(settings) => settings,
        Err(errors) => return wrong(desk, site, Some(loaded.connection), typed, errors).await,
    };
    if loaded.connection.is_on()
        && loaded.prepared.issuer != settings.issuer
        && let Err(sentence) = discovery::look(outbound, &settings.issuer).await
    {
        let errors = FieldErrors::one("issuer", sentence);
        return wrong(desk, site, Some(loaded.connection), typed, errors).await;
    }
    let (version, attach) = (form.version(), typed.domains.clone());
    match save(desk, site, settings, attach, version).await? {
        Saved::Done(done, is_draft) => Ok(said(desk, site, &done, is_draft)),
        Saved::Wrong(errors) => wrong(desk, site, Some(loaded.connection), typed, errors).await,
        Saved::Stale => {
            let now = load(desk, site).await?;
            let (known, none) = (Some(now.connection), FieldErrors::default());
            shown(desk, site, known, now.typed, none, StatusCode::CONFLICT).await
        }
    }
}

async fn save(
    desk: &Desk,
    site: &web::Data<Site>,
    settings: Settings,
    attach: Vec<String>,
    version: i64,
) -> Result<Saved, Problem> {
    let (now, actor, sealer) = (site.now(), desk.actor.clone(), site.sealer.clone());
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    site.store
        .writing_in(&desk.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            if known.version != version {
                return Ok(Saved::Stale);
            }
            if let Some(errors) = refused(conn, &organization, &id, &settings)? {
                return Ok(Saved::Wrong(errors));
            }
            let (changed, is_draft) = drafting::change(conn, now, &actor, &sealer, &known, &settings)?;
            let done = actions::set_domains(conn, now, &actor, &changed, &attach)?;
            Ok(Saved::Done(Box::new(done), is_draft))
        })
        .await
}

/// It is saved: back to the connection, or on to the draft.
pub(super) fn said(desk: &Desk, site: &Site, done: &Connection, is_draft: bool) -> HttpResponse {
    if is_draft {
        let sentence = format!(
            "What you changed about the provider of {} is kept as a draft. Everybody signs in as before until you swap it in.",
            done.name
        );
        return Flash::good(sentence).redirect(site, &desk.path("/draft"));
    }
    Flash::good(format!("{} is saved.", done.name)).redirect(site, &desk.base)
}

/// The connection, and the form filled in with it.
async fn load(desk: &Desk, site: &web::Data<Site>) -> Result<Loaded, Problem> {
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    site.store
        .reading(move |conn| {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let attached = queries::attached(conn, &connection.id)?;
            let prepared = versions::prepared(conn, &connection)?.over(&connection);
            let typed = Typed {
                domains: attached.into_iter().map(|(id, _)| id).collect(),
                version: connection.version,
                later: prepared.issuer.is_empty() && !connection.is_on(),
                ..Typed::from_settings(&Settings::from(&prepared))
            };
            Ok(Loaded {
                connection,
                prepared,
                typed,
            })
        })
        .await
}

async fn wrong(
    desk: &Desk,
    site: &web::Data<Site>,
    known: Option<Connection>,
    typed: Typed,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    shown(desk, site, known, typed, errors, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn shown(
    desk: &Desk,
    site: &web::Data<Site>,
    known: Option<Connection>,
    typed: Typed,
    errors: FieldErrors,
    status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let organization = desk.organization.clone();
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
        frame: desk.frame.clone(),
        base: desk.base.clone(),
        stale: status == StatusCode::CONFLICT,
        asks_whom: known.as_ref().is_none_or(|known| !known.is_on()),
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
            later: false,
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
            later: form.has("later"),
        }
    }

    /// Of whoever looks after the provider alone, the rest stays as it is.
    fn of_desk(self, desk: &Desk, known: &Self) -> Self {
        if !desk.frame.guest {
            return self;
        }
        Self {
            name: known.name.clone(),
            slug: known.slug.clone(),
            ..self.but_for_people(known)
        }
    }

    /// Whom the connection lets in and what they get stays as it is.
    fn but_for_people(self, known: &Self) -> Self {
        Self {
            default_role: known.default_role.clone(),
            default_team: known.default_team.clone(),
            domains: known.domains.clone(),
            ..self
        }
    }

    fn read(
        &self,
        form: &Posted,
        outbound: &Outbound,
        known: Option<&Connection>,
    ) -> Result<Settings, FieldErrors> {
        let may_wait = !known.is_some_and(Connection::is_on);
        let mut errors = self.wrong_texts(outbound, may_wait);
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

    /// `may_wait`: nobody signs in by it, so the client may come later; many providers make one only once they know
    /// our redirect address, which a saved draft has.
    fn wrong_texts(&self, outbound: &Outbound, may_wait: bool) -> FieldErrors {
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
        let is_later = self.later && self.issuer.is_empty();
        if !is_later && let Err(sentence) = self.wrong_issuer(outbound) {
            errors.add("issuer", sentence);
        }
        let waits = may_wait && self.client_id.is_empty();
        if !waits && !(1..=255).contains(&length(&self.client_id)) {
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
