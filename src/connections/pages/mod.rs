//! The pages of connections: everything at a glance here, the form and the switches beside it.

mod desk;
mod draft;
mod enforce;
mod form;
pub mod guest;
mod guides;
mod links;
mod saml_form;
mod saml_keys;
mod saml_metadata;
mod saml_shown;
mod saml_typed;
mod switches;
mod test;

pub use draft::{draft, previous, settle, take_back};
pub use enforce::{enforce, set_enforce};
pub use form::{change, create, edit, new};
pub use guides::{guide, guides};
pub use links::{ask_to_revoke, links, make_link, revoke_link};
pub use saml_form::{create as create_saml, new as new_saml};
pub use saml_keys::{change_keys, keys};
pub use saml_metadata::{change_metadata, metadata};
pub use switches::{set_state, state};
pub use test::{found as test_found, test};

use saml_shown::SamlShown;

use actix_web::web;
use askama::Template;

use super::plans::{self, Plan};
use super::saml::expiry::Expiry;
use super::testing::{self, Test};
use super::versions::{self, Kind};
use super::{Connection, OidcSettings, Protocol, ProviderSettings, State, queries, saml};
use crate::access::Role;
use crate::domains::{self, Domain};
use crate::session::{Admin, Frame};
use crate::store::time::{DAY, Timestamp};
use crate::store::{self, Conn};
use crate::web::{Page, Problem, Site};

#[derive(Template)]
#[template(path = "connections/list.html")]
pub struct List {
    frame: Frame,
    rows: Vec<Row>,
}

/// One connection of the list.
struct Row {
    connection: Connection,
    domains: Vec<String>,
    /// What is to be said about the provider's certificates.
    expiry: Option<Expiry>,
}

#[derive(Template)]
#[template(path = "connections/show.html")]
pub struct Show {
    frame: Frame,
    connection: Connection,
    domains: Vec<Domain>,
    mapping: Vec<(String, String)>,
    default_team: String,
    redirect_uri: String,
    start_url: String,
    has_secret: bool,
    /// What only a SAML connection has.
    saml: Option<SamlShown>,
    /// 0 where it was never switched.
    jit_changed_at: Timestamp,
    /// SCIM is off, and a directory once spoke.
    lapsed: bool,
    life: Life,
}

/// How far the settings of the provider are: tested, being prepared, changed.
struct Life {
    /// The last test of the settings that hold.
    test: Option<Test>,
    /// When a draft was last changed, and by whom.
    draft: Option<(Timestamp, String)>,
    /// When the settings that hold replaced others, and by whom.
    previous: Option<(Timestamp, String)>,
    /// Switches that are planned or watched, and what became of others in the last week.
    plans: Vec<Plan>,
}

impl Life {
    fn load(
        conn: &mut Conn,
        now: Timestamp,
        connection: &Connection,
        saml: Option<&SamlShown>,
    ) -> store::Result<Self> {
        let live = match saml {
            None => ProviderSettings::Oidc(OidcSettings::from(connection)),
            Some(saml) => saml.provider(),
        };
        let print = live.print();
        let kept = versions::kept(conn, &connection.id)?;
        let of = |wanted: Kind| {
            let found = kept.iter().find(|(kind, ..)| *kind == wanted);
            found.map(|(_, at, by)| (*at, by.clone()))
        };
        Ok(Self {
            draft: of(Kind::Draft),
            previous: of(Kind::Previous),
            plans: plans::recent(conn, &connection.id, now - 7 * DAY)?,
            test: testing::latest(conn, &connection.id)?
                .into_iter()
                .find(|test| test.print == print),
        })
    }
}

/// `GET /orgs/{org}/connections`
pub async fn list(admin: Admin, site: web::Data<Site>) -> Result<Page<List>, Problem> {
    let organization = admin.organization.clone();
    let now = site.now();
    let rows = site
        .store
        .reading(move |conn| -> store::Result<_> {
            let expiries = saml::last_expiries(conn, &organization)?;
            let attached = queries::all_attached(conn, &organization)?;
            let of = |id: &str| {
                let own = attached.iter().filter(|(connection, _)| connection == id);
                own.map(|(_, domain)| domain.clone()).collect()
            };
            let connections = queries::list(conn, &organization)?;
            Ok(connections
                .into_iter()
                .map(|connection| Row {
                    domains: of(&connection.id),
                    expiry: expiries
                        .iter()
                        .find(|(id, _)| *id == connection.id)
                        .map(|(_, not_after)| Expiry::of(*not_after, now)),
                    connection,
                })
                .collect())
        })
        .await?;
    Ok(Page::new(List {
        frame: admin.frame("connections"),
        rows,
    }))
}

/// `GET /orgs/{org}/connections/{id}`
pub async fn show(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<Page<Show>, Problem> {
    let (organization, id) = (admin.organization.clone(), path.into_inner().1);
    let here = site.clone();
    let (connection, domains, mapping, default_team, lapsed, saml, life) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let domains = attached_domains(conn, &connection)?;
            let mapping = queries::mapping(conn, &connection.id)?;
            let teams = queries::teams_of(conn, &organization)?;
            let default = teams
                .into_iter()
                .find(|(id, _)| connection.default_team.as_ref() == Some(id));
            let lapsed = !connection.scim && queries::had_directory(conn, &connection.id)?;
            let saml = SamlShown::load(conn, &here, &connection)?;
            let default = default.map(|(_, name)| name);
            let life = Life::load(conn, here.now(), &connection, saml.as_ref())?;
            Ok((connection, domains, mapping, default, lapsed, saml, life))
        })
        .await?;
    Ok(Page::new(Show {
        frame: admin.frame("connections"),
        redirect_uri: return_address(&site, &connection),
        start_url: site.url(&format!("/sign-in/{}/{}", admin.slug, connection.slug)),
        has_secret: !connection.client_secret_sealed.is_empty(),
        default_team: default_team.unwrap_or_default(),
        jit_changed_at: connection.jit_changed_at.unwrap_or_default(),
        connection,
        domains,
        mapping,
        lapsed,
        saml,
        life,
    }))
}

/// Where the provider sends people back to.
fn return_address(site: &Site, connection: &Connection) -> String {
    match connection.protocol {
        Protocol::Oidc => site.url(&format!("/sign-in/oidc/{}/callback", connection.id)),
        Protocol::Saml => saml::acs_url(site, &connection.id),
    }
}

/// The organization's domains that are attached to this connection.
fn attached_domains(conn: &mut Conn, connection: &Connection) -> store::Result<Vec<Domain>> {
    let attached = queries::attached(conn, &connection.id)?;
    let mut all = domains::list(conn, &connection.organization)?;
    all.retain(|domain| attached.iter().any(|(id, _)| *id == domain.id));
    Ok(all)
}
