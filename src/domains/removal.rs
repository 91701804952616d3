//! Removing a domain: first who is affected, then the deed.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Domain, actions, queries};
use crate::audit::Actor;
use crate::session::{Frame, Owner};
use crate::store::Conn;
use crate::web::{Flash, Page, Posted, Problem, Site};

/// How many members are counted; beyond that the number says nothing more.
const COUNTED: usize = 1_000;

#[derive(Template)]
#[template(path = "domains/remove.html")]
struct Remove {
    frame: Frame,
    domain: Domain,
    /// Names of the connections that it is attached to.
    attached: Vec<String>,
    /// Members with an address there, up to [`COUNTED`] and one more.
    members: usize,
    /// It changed after the page was shown.
    conflict: bool,
}

impl Remove {
    fn members_in_words(&self) -> String {
        match self.members {
            0 => "No member has".to_owned(),
            1 => "1 member has".to_owned(),
            count if count > COUNTED => format!("More than {COUNTED} members have"),
            count => format!("{count} members have"),
        }
    }

    /// What the form is made from: it must not have become verified or lost that since.
    fn version(&self) -> i64 {
        version(&self.domain)
    }
}

fn version(domain: &Domain) -> i64 {
    domain.verified_at.unwrap_or(0)
}

/// `GET /orgs/{org}/domains/{id}/remove`
pub(super) async fn show(
    owner: Owner,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let page = page(&owner, &site, path.into_inner().1, false).await?;
    Ok(Page::new(page).response())
}

/// `POST /orgs/{org}/domains/{id}/remove`
pub(super) async fn remove(
    owner: Owner,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let (now, actor, organization) = (site.now(), Actor::from(&*owner), owner.organization.clone());
    let (wanted, shown) = (id.clone(), form.version());
    let removed = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find(conn, &organization, &wanted)?.ok_or(Problem::NotFound)?;
            if version(&known) != shown {
                return Ok(None);
            }
            actions::remove(conn, now, &actor, &organization, &wanted).map(Some)
        })
        .await?;
    let Some(domain) = removed else {
        let page = page(&owner, &site, id, true).await?;
        return Ok(Page::with_status(StatusCode::CONFLICT, page).response());
    };
    let sentence = format!("{} is removed.", domain.name);
    Ok(Flash::good(sentence).redirect(&site, &owner.path("/domains")))
}

async fn page(owner: &Owner, site: &Site, id: String, conflict: bool) -> Result<Remove, Problem> {
    let organization = owner.organization.clone();
    let (domain, attached, members) = site
        .store
        .reading(move |conn| affected(conn, &organization, &id))
        .await?;
    Ok(Remove {
        frame: owner.frame("domains"),
        domain,
        attached,
        members,
        conflict,
    })
}

fn affected(conn: &mut Conn, organization: &str, id: &str) -> Result<(Domain, Vec<String>, usize), Problem> {
    let domain = queries::find(conn, organization, id)?.ok_or(Problem::NotFound)?;
    let attached = queries::connections_of(conn, organization)?;
    let attached = attached.into_iter().filter(|(of, _, _)| of == id);
    let most = i64::try_from(COUNTED + 1).unwrap_or(i64::MAX);
    let members = queries::members_of(conn, organization, &domain.name, most)?;
    Ok((domain, attached.map(|(_, _, name)| name).collect(), members))
}
