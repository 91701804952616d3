//! Where the keys of an OpenID Connect provider are: what was confirmed, what the provider says now, and an owner's yes to
//! that. By these keys everybody is believed, so that a provider's description moves them no further than an owner knows.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::by_oidc::settings;
use super::oidc::{Checked, Oidc};
use crate::audit::Actor;
use crate::connections::{self, Connection, Protocol, actions};
use crate::session::{Frame, Fresh, Owner};
use crate::store::Conn;
use crate::web::{Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "sign_in/provider_keys.html")]
pub struct Keys {
    frame: Frame,
    connection: Connection,
    /// What the provider says now, or why it can't be known.
    found: Result<Checked, String>,
}

impl Keys {
    fn has_moved(&self, found: &Checked) -> bool {
        found.jwks_uri != self.connection.confirmed_jwks_uri
    }

    /// What there is to confirm.
    fn moved(&self) -> Option<&Checked> {
        let found = self.found.as_ref().ok()?;
        // Also where they came back: the note that they had moved goes with a yes, too.
        (self.has_moved(found) || self.connection.keys_moved_at.is_some()).then_some(found)
    }
}

type Named = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/provider-keys`: asks the provider now.
pub async fn ask(
    owner: Fresh<Owner>,
    site: web::Data<Site>,
    oidc: web::Data<Oidc>,
    path: Named,
) -> Result<Page<Keys>, Problem> {
    let connection = connection(&owner, &site, path.into_inner().1).await?;
    let found = look(&site, &oidc, &connection).await?;
    Ok(Page::new(Keys {
        frame: owner.frame("connections"),
        connection,
        found,
    }))
}

/// `POST` of the same path: what was shown is confirmed, if the provider still says so.
pub async fn confirm(
    owner: Fresh<Owner>,
    site: web::Data<Site>,
    oidc: web::Data<Oidc>,
    path: Named,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let (shown, version) = (form.text("jwks_uri").to_owned(), form.version());
    let known = connection(&owner, &site, id.clone()).await?;
    let found = look(&site, &oidc, &known).await?.map_err(Problem::Conflict)?;
    if found.jwks_uri != shown || known.version != version {
        return Err(Problem::Conflict(
            "The provider or the connection was changed since you opened this page. Nothing was confirmed: look again."
                .to_owned(),
        ));
    }
    let (now, actor) = (site.now(), Actor::from(&**owner));
    site.store
        .writing_in(&owner.organization, move |conn| {
            actions::confirm_keys(conn, now, &actor, &known, &shown)
        })
        .await?;
    let back = owner.path(&format!("/connections/{id}"));
    Ok(Flash::good("The address of the provider’s keys is confirmed.").redirect(&site, &back))
}

async fn connection(owner: &Owner, site: &Site, id: String) -> Result<Connection, Problem> {
    let organization = owner.organization.clone();
    let find = move |conn: &mut Conn| connections::find_in(conn, &organization, &id);
    let found = site.store.reading(find).await.map_err(Problem::from)?;
    found
        .filter(|connection| connection.protocol == Protocol::Oidc)
        .ok_or(Problem::NotFound)
}

async fn look(site: &Site, oidc: &Oidc, connection: &Connection) -> Result<Result<Checked, String>, Problem> {
    let found = oidc.check(&settings(site, connection)?, site.now()).await;
    Ok(found.map_err(|error| error.sentence))
}
