//! Set-up links as owners see them: made, shown once, revoked.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::audit::Actor;
use crate::connections::links::{self, Link, State, TERMS};
use crate::connections::{Connection, queries};
use crate::session::{Frame, Fresh, Owner};
use crate::store::time::Timestamp;
use crate::web::{Choice, FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/links.html")]
struct Links {
    frame: Frame,
    base: String,
    connection: Connection,
    links: Vec<(Link, State)>,
    /// The name as it was typed.
    typed: String,
    may_switch: bool,
    terms: Vec<Choice>,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "connections/link_made.html")]
struct Made {
    frame: Frame,
    base: String,
    connection: Connection,
    link: Link,
    address: String,
}

#[derive(Template)]
#[template(path = "connections/link_revoke.html")]
struct Revoke {
    frame: Frame,
    base: String,
    link: Link,
    state: State,
}

/// What stands in the form.
struct Typed {
    name: String,
    days: String,
    may_switch: bool,
}

type Id = web::Path<(String, String)>;
type Within = web::Path<(String, String, String)>;

/// `GET /orgs/{org}/connections/{id}/links`
pub async fn links(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
) -> Result<HttpResponse, Problem> {
    let typed = Typed {
        name: String::new(),
        days: "7".to_owned(),
        may_switch: false,
    };
    shown(&owner, &site, &path.1, typed, FieldErrors::default()).await
}

/// `POST /orgs/{org}/connections/{id}/links`
pub async fn make_link(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let typed = Typed {
        name: form.text("name").to_owned(),
        days: form.text("days").to_owned(),
        may_switch: form.has("may_switch"),
    };
    let (now, actor, id) = (site.now(), Actor::from(&*owner), path.1.clone());
    let organization = owner.organization.clone();
    let (name, days, may_switch) = (typed.name.clone(), typed.days.clone(), typed.may_switch);
    let made = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let (link, token) =
                links::actions::create(conn, now, &actor, &known, (&name, &days), may_switch)?;
            Ok((known, link, token))
        })
        .await;
    match made {
        Ok((connection, link, token)) => Ok(Page::new(Made {
            frame: owner.frame("connections"),
            base: owner.path(&format!("/connections/{}", connection.id)),
            address: site.url(&format!("/connect/open/{token}")),
            connection,
            link,
        })
        .response()),
        Err(Problem::Invalid(sentence) | Problem::Conflict(sentence)) => {
            shown(&owner, &site, &path.1, typed, FieldErrors::one("name", sentence)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn shown(
    owner: &Owner,
    site: &web::Data<Site>,
    id: &str,
    typed: Typed,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    let (connection, links) = load(owner, site, id).await?;
    let now = site.now();
    let is_fine = errors.is_empty();
    let page = Links {
        frame: owner.frame("connections"),
        base: owner.path(&format!("/connections/{}", connection.id)),
        links: links.into_iter().map(|link| with_state(link, now)).collect(),
        connection,
        typed: typed.name,
        may_switch: typed.may_switch,
        terms: TERMS
            .iter()
            .map(|(word, title)| Choice::new(word, title, &typed.days))
            .collect(),
        errors,
    };
    Ok(if is_fine {
        Page::new(page).response()
    } else {
        Page::unprocessable(page).response()
    })
}

fn with_state(link: Link, now: Timestamp) -> (Link, State) {
    let state = link.state(now);
    (link, state)
}

async fn load(owner: &Owner, site: &web::Data<Site>, id: &str) -> Result<(Connection, Vec<Link>), Problem> {
    let (organization, id) = (owner.organization.clone(), id.to_owned());
    site.store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let links = links::list(conn, &connection.id)?;
            Ok((connection, links))
        })
        .await
}

/// `GET /orgs/{org}/connections/{id}/links/{key}/revoke`
pub async fn ask_to_revoke(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Within,
) -> Result<HttpResponse, Problem> {
    let (connection, links) = load(&owner, &site, &path.1).await?;
    let link = links.into_iter().find(|link| link.id == path.2);
    let (link, state) = with_state(link.ok_or(Problem::NotFound)?, site.now());
    Ok(Page::new(Revoke {
        frame: owner.frame("connections"),
        base: owner.path(&format!("/connections/{}", connection.id)),
        link,
        state,
    })
    .response())
}

/// `POST /orgs/{org}/connections/{id}/links/{key}/revoke`
pub async fn revoke_link(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Within,
    _: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id, key) = path.into_inner();
    let (organization, now, actor) = (owner.organization.clone(), site.now(), Actor::from(&*owner));
    let back = owner.path(&format!("/connections/{id}/links"));
    let link = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            links::actions::revoke(conn, now, &actor, &known, &key)
        })
        .await?;
    let sentence = format!(
        "The link for “{}” is revoked. It opens nothing any more.",
        link.name
    );
    Ok(Flash::good(sentence).redirect(&site, &back))
}
