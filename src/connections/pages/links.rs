//! Set-up links as owners see them: made, shown once, revoked.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::access::EmailAddress;
use crate::audit::Actor;
use crate::connections::links::{self, ABOUT, Link, State, TERMS, Wanted};
use crate::connections::{Connection, queries};
use crate::mail::{self, Mailed, Post};
use crate::session::{Frame, Fresh, Owner};
use crate::store::time::Timestamp;
use crate::web::{Choice, FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/links.html")]
struct Links {
    frame: Frame,
    base: String,
    connection: Connection,
    links: Vec<Shown>,
    /// Whether letters are sent from here.
    mails: bool,
    typed: Typed,
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
    /// To be copied; none where it is on its way by mail.
    address: Option<String>,
}

#[derive(Template)]
#[template(path = "connections/link_revoke.html")]
struct Revoke {
    frame: Frame,
    base: String,
    link: Link,
    state: State,
}

/// A link of the list, how it stands, and what became of its letter.
struct Shown {
    link: Link,
    state: State,
    mailed: Option<Mailed>,
}

/// What stands in the form.
struct Typed {
    name: String,
    days: String,
    may_switch: bool,
    email: String,
}

impl Typed {
    fn of(form: &Posted) -> Self {
        Self {
            name: form.text("name").to_owned(),
            days: form.text("days").to_owned(),
            may_switch: form.has("may_switch"),
            email: form.text("email").to_owned(),
        }
    }

    /// What is asked for, if the address is one or is left out.
    fn wanted(&self) -> Result<Wanted, FieldErrors> {
        let email = match self.email.as_str() {
            "" => None,
            written => Some(EmailAddress::parse(written).map_err(|_what_is_wrong| {
                FieldErrors::one(
                    "email",
                    "Write an e-mail address, such as ines@acme.example, or leave it out and copy the link.",
                )
            })?),
        };
        Ok(Wanted {
            name: self.name.clone(),
            days: self.days.clone(),
            may_switch: self.may_switch,
            email,
        })
    }
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
        email: String::new(),
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
    let typed = Typed::of(&form);
    let wanted = match typed.wanted() {
        Ok(wanted) => wanted,
        Err(errors) => return shown(&owner, &site, &path.1, typed, errors).await,
    };
    let (now, actor, id) = (site.now(), Actor::from(&*owner), path.1.clone());
    let (organization, post) = (owner.organization.clone(), Post::of(&site));
    let made = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let (link, token) = links::actions::create(conn, now, &actor, &post, &known, &wanted)?;
            Ok((known, link, token))
        })
        .await;
    match made {
        Ok((connection, link, token)) => Ok(Page::new(Made {
            frame: owner.frame("connections"),
            base: owner.path(&format!("/connections/{}", connection.id)),
            // Who gets it by mail is the only one who has it.
            address: link
                .email
                .is_empty()
                .then(|| site.url(&format!("/connect/open/{token}"))),
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
    let (connection, links) = load_with_mail(owner, site, id).await?;
    let is_fine = errors.is_empty();
    let page = Links {
        frame: owner.frame("connections"),
        base: owner.path(&format!("/connections/{}", connection.id)),
        links,
        mails: Post::of(site).is_configured(),
        connection,
        terms: TERMS
            .iter()
            .map(|(word, title)| Choice::new(word, title, &typed.days))
            .collect(),
        typed,
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

/// The connection, and its links with what became of their letters.
async fn load_with_mail(
    owner: &Owner,
    site: &web::Data<Site>,
    id: &str,
) -> Result<(Connection, Vec<Shown>), Problem> {
    let (organization, id, now) = (owner.organization.clone(), id.to_owned(), site.now());
    site.store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let links = links::list(conn, &connection.id)?;
            let mailed = links.iter().filter(|link| !link.email.is_empty());
            let mailed: Vec<&str> = mailed.map(|link| link.id.as_str()).collect();
            let mut states = mail::states(conn, &organization, ABOUT, &mailed)?;
            let shown = links.into_iter().map(|link| Shown {
                state: link.state(now),
                mailed: states.remove(&link.id),
                link,
            });
            Ok((connection, shown.collect()))
        })
        .await
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
