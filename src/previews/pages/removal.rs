//! Removing a domain: first who is affected, by name, then the deed.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::shown::{Asked, Shown, answered};
use super::{Here, Id, Runs, Undone, act};
use crate::domains::{self, Domain, actions};
use crate::previews::change::Change;
use crate::session::{Frame, Owner};
use crate::store::Conn;
use crate::web::{Flash, Page, Posted, Problem};

/// How many members are counted; beyond that the number says nothing more.
const COUNTED: usize = 1_000;

#[derive(Template)]
#[template(path = "previews/removal.html")]
struct Removal<'a> {
    frame: Frame,
    affected: Affected,
    shown: &'a Shown,
    /// It, or whom it concerns, changed after the page was shown.
    stale: bool,
    refusal: Option<String>,
}

/// The domain, and what hangs on it.
struct Affected {
    domain: Domain,
    /// Names of the connections that it is attached to.
    attached: Vec<String>,
    /// Members with an address there, up to [`COUNTED`] and one more.
    members: usize,
}

impl Affected {
    fn load(conn: &mut Conn, organization: &str, id: &str) -> Result<Self, Problem> {
        let domain = domains::find(conn, organization, id)?.ok_or(Problem::NotFound)?;
        let attached = domains::connections_of(conn, organization)?;
        let attached = attached.into_iter().filter(|(of, _, _)| of == id);
        let most = i64::try_from(COUNTED + 1).unwrap_or(i64::MAX);
        Ok(Self {
            members: domains::members_of(conn, organization, &domain.name, most)?,
            attached: attached.map(|(_, _, name)| name).collect(),
            domain,
        })
    }

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
pub async fn removal(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    page(&owner, &site, &runs, id, &asked, Undone::default()).await
}

/// `POST /orgs/{org}/domains/{id}/remove`
pub async fn remove(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let (organization, wanted, shown) = (owner.organization.clone(), id.clone(), form.version());
    let change = Change::Removed { domain: id.clone() };
    let done = act(&owner, &site, &runs, change, &form, move |conn, now, actor| {
        let known = domains::find(conn, &organization, &wanted)?.ok_or(Problem::NotFound)?;
        if version(&known) != shown {
            return Ok(None);
        }
        actions::remove(conn, now, actor, &organization, &wanted).map(Some)
    })
    .await?;
    match done {
        Err(undone) => page(&owner, &site, &runs, id, &Asked::default(), undone).await,
        Ok(domain) => {
            let sentence = format!("{} is removed.", domain.name);
            Ok(Flash::good(sentence).redirect(&site, &owner.path("/domains")))
        }
    }
}

async fn page(
    owner: &Owner,
    site: &Here,
    runs: &Runs,
    id: String,
    asked: &Asked,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let (organization, known) = (owner.organization.clone(), id.clone());
    let affected = site
        .store
        .reading(move |conn| Affected::load(conn, &organization, &known))
        .await?;
    let change = Change::Removed { domain: id };
    let shown = Shown::load(owner, site, runs, &change, asked, Vec::new()).await?;
    if let Some(file) = shown.file() {
        return file;
    }
    let page = Removal {
        frame: owner.frame("domains"),
        affected,
        shown: &shown,
        stale: undone.stale,
        refusal: undone.refusal,
    };
    Ok(answered(shown.again(), Page::with_status(undone.status, page)))
}
