//! Domains and newcomers: something is chosen, seen, and then done. The choice stands in the address, so that
//! it can be looked at by a colleague.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::shown::{Asked, Shown, answered};
use super::{Here, Id, Runs, Undone, act, connection, unchanged};
use crate::access::Role;
use crate::connections::{self, Connection, actions};
use crate::domains::{self as organization_domains, Domain};
use crate::previews::change::Change;
use crate::session::{Frame, Owner};
use crate::store;
use crate::teams::{self, Team};
use crate::web::{Choice, Flash, Page, Posted, Problem};

#[derive(Template)]
#[template(path = "previews/domains.html")]
struct Domains {
    frame: Frame,
    connection: Connection,
    /// Every domain, and whether it is chosen.
    domains: Vec<(Domain, bool)>,
    /// What would be attached and detached, in words; none where nothing differs.
    change: Option<String>,
    /// Whether domains are attached and none is detached, and nobody loses a password by it.
    is_harmless: bool,
    shown: Option<Shown>,
    stale: bool,
    refusal: Option<String>,
}

#[derive(Template)]
#[template(path = "previews/newcomers.html")]
struct Newcomers {
    frame: Frame,
    connection: Connection,
    roles: Vec<Choice>,
    teams: Vec<Choice>,
    change: Option<String>,
    shown: Option<Shown>,
    stale: bool,
    refusal: Option<String>,
}

/// The pairs of an address.
pub(super) fn pairs(request: &HttpRequest) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.query_string().as_bytes())
        .into_owned()
        .collect()
}

pub(super) fn values(pairs: &[(String, String)], name: &str) -> Vec<String> {
    let named = pairs.iter().filter(|(key, _)| key == name);
    named.map(|(_, value)| value.clone()).collect()
}

/// `GET /orgs/{org}/connections/{id}/domains`
pub async fn domains(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    request: HttpRequest,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let pairs = pairs(&request);
    let chosen = pairs
        .iter()
        .any(|(name, _)| name == "chosen")
        .then(|| values(&pairs, "domain"));
    domains_page(
        &owner,
        &site,
        &runs,
        path.into_inner().1,
        &asked,
        chosen,
        Undone::default(),
    )
    .await
}

/// `POST /orgs/{org}/connections/{id}/domains`
pub async fn set_domains(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, wanted) = (path.into_inner().1, form.all("domain"));
    let change = Change::Domains {
        connection: id.clone(),
        domains: wanted.iter().cloned().collect(),
    };
    let (organization, known, version) = (owner.organization.clone(), id.clone(), form.version());
    let attach: Vec<String> = wanted.clone();
    let done = act(&owner, &site, &runs, change, &form, move |conn, now, actor| {
        let known = unchanged(conn, &organization, &known, version)?;
        known
            .map(|known| actions::set_domains(conn, now, actor, &known, &attach))
            .transpose()
    })
    .await?;
    match done {
        Err(undone) => domains_page(&owner, &site, &runs, id, &Asked::default(), Some(wanted), undone).await,
        Ok(done) => {
            let path = owner.path(&format!("/connections/{}", done.id));
            Ok(Flash::good(format!("The domains of {} are changed.", done.name)).redirect(&site, &path))
        }
    }
}

async fn domains_page(
    owner: &Owner,
    site: &Here,
    runs: &Runs,
    id: String,
    asked: &Asked,
    chosen: Option<Vec<String>>,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let connection = connection(owner, site, id).await?;
    let (organization, known) = (owner.organization.clone(), connection.id.clone());
    let read = site.store.reading(move |conn| -> store::Result<_> {
        let all = organization_domains::list(conn, &organization)?;
        Ok((all, connections::attached(conn, &known)?))
    });
    let (all, attached) = read.await.map_err(Problem::from)?;
    let attached: BTreeSet<String> = attached.into_iter().map(|(id, _)| id).collect();
    let is_ours = |id: &String| all.iter().any(|domain| domain.id == *id);
    let wanted: BTreeSet<String> = match chosen {
        Some(chosen) => chosen.into_iter().filter(is_ours).collect(),
        None => attached.clone(),
    };
    let change = difference(&all, &attached, &wanted);
    let shown = if change.is_none() {
        None
    } else {
        let query = wanted.iter().map(|id| ("domain".to_owned(), id.clone()));
        let query = query.chain([("chosen".to_owned(), "yes".to_owned())]).collect();
        let change = Change::Domains {
            connection: connection.id.clone(),
            domains: wanted.clone(),
        };
        Some(Shown::load(owner, site, runs, &change, asked, query).await?)
    };
    if let Some(file) = shown.as_ref().and_then(Shown::file) {
        return file;
    }
    let again = shown.as_ref().and_then(Shown::again);
    let page = Domains {
        frame: owner.frame("connections"),
        domains: all
            .into_iter()
            .map(|domain| (wanted.contains(&domain.id), domain))
            .map(|(chosen, domain)| (domain, chosen))
            .collect(),
        is_harmless: wanted.is_superset(&attached) && !connection.enforce,
        connection,
        change,
        shown,
        stale: undone.stale,
        refusal: undone.refusal,
    };
    Ok(answered(again, Page::with_status(undone.status, page)))
}

/// What would be attached and detached, in words.
fn difference(all: &[Domain], attached: &BTreeSet<String>, wanted: &BTreeSet<String>) -> Option<String> {
    let names = |ids: Vec<&String>| -> String {
        let known = all.iter().filter(|domain| ids.contains(&&domain.id));
        known
            .map(|domain| domain.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let more = names(wanted.difference(attached).collect());
    let fewer = names(attached.difference(wanted).collect());
    match (more.is_empty(), fewer.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("Attach {more}")),
        (true, false) => Some(format!("Detach {fewer}")),
        (false, false) => Some(format!("Attach {more} and detach {fewer}")),
    }
}

/// `GET /orgs/{org}/connections/{id}/newcomers`
pub async fn newcomers(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    request: HttpRequest,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let pairs = pairs(&request);
    let first = |name: &str| values(&pairs, name).into_iter().next();
    let chosen = first("role").map(|role| (role, first("team").unwrap_or_default()));
    newcomers_page(
        &owner,
        &site,
        &runs,
        path.into_inner().1,
        &asked,
        chosen,
        Undone::default(),
    )
    .await
}

/// `POST /orgs/{org}/connections/{id}/newcomers`
pub async fn set_newcomers(
    owner: Owner,
    site: Here,
    runs: Runs,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let (role, team) = (form.text("role").to_owned(), form.text("team").to_owned());
    let Some(granted) = granted(&role) else {
        let undone = Undone::refused(StatusCode::UNPROCESSABLE_ENTITY, OWNERS.to_owned());
        return newcomers_page(&owner, &site, &runs, id, &Asked::default(), None, undone).await;
    };
    let wanted_team = Some(team.clone()).filter(|team| !team.is_empty());
    let change = Change::Newcomers {
        connection: id.clone(),
        role: granted,
        team: wanted_team.clone(),
    };
    let (organization, known, version) = (owner.organization.clone(), id.clone(), form.version());
    let done = act(&owner, &site, &runs, change, &form, move |conn, now, actor| {
        let known = unchanged(conn, &organization, &known, version)?;
        let newcomers = (granted, wanted_team);
        known
            .map(|known| actions::set_newcomers(conn, now, actor, &known, newcomers))
            .transpose()
    })
    .await?;
    match done {
        Err(undone) => {
            newcomers_page(
                &owner,
                &site,
                &runs,
                id,
                &Asked::default(),
                Some((role, team)),
                undone,
            )
            .await
        }
        Ok(done) => {
            let path = owner.path(&format!("/connections/{}", done.id));
            Ok(
                Flash::good(format!("What newcomers of {} get is changed.", done.name))
                    .redirect(&site, &path),
            )
        }
    }
}

const OWNERS: &str = "Choose member or admin. No connection makes owners.";

fn granted(word: &str) -> Option<Role> {
    Role::parse(word).filter(|role| *role < Role::Owner)
}

async fn newcomers_page(
    owner: &Owner,
    site: &Here,
    runs: &Runs,
    id: String,
    asked: &Asked,
    chosen: Option<(String, String)>,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let connection = connection(owner, site, id).await?;
    let organization = owner.organization.clone();
    let all = site
        .store
        .reading(move |conn| teams::list(conn, &organization))
        .await
        .map_err(Problem::from)?;
    let (role, team) = newcomers_of(&connection, &all, chosen);
    let differs = (role, &team) != (connection.default_role, &connection.default_team);
    let change = differs.then(|| {
        let known = all.iter().find(|known| Some(&known.id) == team.as_ref());
        let name = known.map_or("no team", |team| team.name.as_str());
        format!("Newcomers get the role {} and {name}", role.title())
    });
    let shown = if differs {
        let change = Change::Newcomers {
            connection: connection.id.clone(),
            role,
            team: team.clone(),
        };
        let query = vec![
            ("role".to_owned(), role.as_str().to_owned()),
            ("team".to_owned(), team.clone().unwrap_or_default()),
        ];
        Some(Shown::load(owner, site, runs, &change, asked, query).await?)
    } else {
        None
    };
    if let Some(file) = shown.as_ref().and_then(Shown::file) {
        return file;
    }
    let again = shown.as_ref().and_then(Shown::again);
    let chosen_team = team.unwrap_or_default();
    let none = Choice::new("", "None", &chosen_team);
    let page = Newcomers {
        frame: owner.frame("connections"),
        roles: [Role::Member, Role::Admin]
            .map(|one| Choice::new(one.as_str(), one.title(), role.as_str()))
            .to_vec(),
        teams: std::iter::once(none)
            .chain(
                all.iter()
                    .map(|team| Choice::new(&team.id, &team.name, &chosen_team)),
            )
            .collect(),
        connection,
        change,
        shown,
        stale: undone.stale,
        refusal: undone.refusal,
    };
    Ok(answered(again, Page::with_status(undone.status, page)))
}

/// What was chosen for newcomers, as far as it can be had; else what they get now.
fn newcomers_of(
    connection: &Connection,
    teams: &[Team],
    chosen: Option<(String, String)>,
) -> (Role, Option<String>) {
    match chosen {
        Some((role, team)) => (
            granted(&role).unwrap_or(connection.default_role),
            teams
                .iter()
                .find(|known| known.id == team)
                .map(|known| known.id.clone()),
        ),
        None => (connection.default_role, connection.default_team.clone()),
    }
}
