//! The pages of connections: everything at a glance here, the form and the switches beside it.

mod deletion;
mod desk;
mod draft;
mod enforce;
mod form;
pub mod guest;
mod guides;
mod links;
mod queries;
mod saml_form;
mod saml_keys;
mod saml_metadata;
mod saml_shown;
mod saml_typed;
mod switches;
mod test;

pub use deletion::{delete, deletion};
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

use self::queries::{Several, Whole};
use super::plans::{self, Plan};
use super::saml::expiry::Expiry;
use super::testing::{self, Test};
use super::{Connection, OidcSettings, Protocol, ProviderSettings, State, saml};
use crate::access::Role;
use crate::saml::Certificate;
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
    /// Its domains, those that could be attached, and its table of groups.
    several: Several,
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
    /// What is missing before anybody can sign in.
    missing: Option<&'static str>,
    /// Since when nobody comes in by it although it is on: the provider's keys have moved.
    shut_since: Option<Timestamp>,
}

impl Life {
    fn of(whole: &Whole, saml: Option<&SamlShown>, tests: Vec<Test>, plans: Vec<Plan>) -> Self {
        let live = match saml {
            None => ProviderSettings::Oidc(OidcSettings::from(&whole.connection)),
            Some(saml) => saml.provider(),
        };
        let print = live.print();
        Self {
            draft: whole.draft.clone(),
            previous: whole.previous.clone(),
            missing: live.missing(),
            shut_since: whole
                .connection
                .keys_moved_at
                .filter(|_| whole.connection.is_on()),
            test: tests.into_iter().find(|test| test.print == print),
            plans,
        }
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
            let attached = super::queries::all_attached(conn, &organization)?;
            let of = |id: &str| {
                let own = attached.iter().filter(|(connection, _)| connection == id);
                own.map(|(_, domain)| domain.clone()).collect()
            };
            let connections = super::queries::list(conn, &organization)?;
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
    let (organization, id, now) = (admin.organization.clone(), path.into_inner().1, site.now());
    let (mut whole, beside) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let whole = queries::whole(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let beside = Beside::load(conn, now, &whole)?;
            Ok((whole, beside))
        })
        .await?;
    let saml = whole
        .saml
        .take()
        .map(|saml| SamlShown::of(&site, &whole.connection.id, saml, beside.certificates));
    let life = Life::of(&whole, saml.as_ref(), beside.tests, beside.plans);
    let connection = whole.connection;
    Ok(Page::new(Show {
        frame: admin.frame("connections"),
        redirect_uri: return_address(&site, &connection),
        start_url: site.url(&format!("/sign-in/{}/{}", admin.slug, connection.slug)),
        has_secret: !connection.client_secret_sealed.is_empty(),
        default_team: whole.default_team.unwrap_or_default(),
        jit_changed_at: connection.jit_changed_at.unwrap_or_default(),
        lapsed: !connection.scim && whole.had_directory,
        connection,
        several: beside.several,
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

/// What a connection has several of.
struct Beside {
    several: Several,
    tests: Vec<Test>,
    /// Switches that are planned, watched, or ended in the last week.
    plans: Vec<Plan>,
    certificates: Vec<Certificate>,
}

impl Beside {
    fn load(conn: &mut Conn, now: Timestamp, whole: &Whole) -> store::Result<Self> {
        let id = &whole.connection.id;
        Ok(Self {
            several: queries::several(conn, &whole.connection)?,
            tests: testing::latest(conn, id)?,
            plans: if whole.has_plans {
                plans::recent(conn, id, now - 7 * DAY)?
            } else {
                Vec::new()
            },
            certificates: match whole.saml {
                Some(_) => saml::certificates(conn, id)?,
                None => Vec::new(),
            },
        })
    }
}
