//! Making and revoking tokens. A new token is shown on the answer to the form, and nowhere again.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{Around, Id, Within, connection, path_of};
use crate::audit::Actor;
use crate::connections::Connection;
use crate::provisioning::tokens::{self, Token};
use crate::session::{Frame, Fresh, Owner};
use crate::store::time::{DAY, Timestamp};
use crate::web::{Choice, FieldErrors, Flash, Page, Posted, Problem, Site};

/// For how many days a token may be made, with the words for it. 0: for ever.
const TERMS: [(&str, &str); 5] = [
    ("365", "A year"),
    ("180", "180 days"),
    ("90", "90 days"),
    ("30", "30 days"),
    ("0", "Never"),
];

#[derive(Template)]
#[template(path = "provisioning/token_new.html")]
struct New {
    around: Around,
    frame: Frame,
    /// The name as it was typed.
    typed: String,
    terms: Vec<Choice>,
    errors: FieldErrors,
    /// The names of the tokens that are accepted now.
    live: Vec<String>,
}

#[derive(Template)]
#[template(path = "provisioning/token_made.html")]
struct Made {
    around: Around,
    frame: Frame,
    token: Token,
    secret: String,
}

#[derive(Template)]
#[template(path = "provisioning/token_revoke.html")]
struct Revoke {
    around: Around,
    frame: Frame,
    token: Token,
    /// How many tokens would be accepted afterwards.
    left: usize,
    is_live: bool,
}

/// `GET /orgs/{org}/connections/{id}/directory/tokens/new`
pub async fn new(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    form(&owner, &site, id, ("", "365"), FieldErrors::default()).await
}

/// `POST /orgs/{org}/connections/{id}/directory/tokens/new`
pub async fn create(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    posted: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, now, actor) = (path.into_inner().1, site.now(), Actor::from(&*owner));
    let (name, days) = (posted.text("name").to_owned(), posted.text("expires").to_owned());
    let Some(term) = TERMS.iter().find(|(word, _)| *word == days) else {
        let errors = FieldErrors::one("expires", "Choose how long the token is good for.");
        return form(&owner, &site, id, (&name, "365"), errors).await;
    };
    let expires = end(now, term.0);
    let (organization, asked, called) = (owner.organization.clone(), id.clone(), name.clone());
    let made = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &asked)?;
            let (token, secret) = tokens::create(conn, now, &actor, &connection, &called, expires)?;
            Ok((connection, token, secret))
        })
        .await;
    match made {
        Ok((connection, token, secret)) => Ok(shown(&owner, &site, connection, token, secret)),
        Err(Problem::Invalid(sentence) | Problem::Conflict(sentence)) => {
            form(
                &owner,
                &site,
                id,
                (&name, &days),
                FieldErrors::one("name", sentence),
            )
            .await
        }
        Err(problem) => Err(problem),
    }
}

/// When a token made now for so many days ends.
fn end(now: Timestamp, days: &str) -> Option<Timestamp> {
    let days: i64 = days.parse().ok()?;
    (days > 0).then(|| now + days * DAY)
}

fn shown(owner: &Owner, site: &Site, connection: Connection, token: Token, secret: String) -> HttpResponse {
    let around = Around::of(owner, site, connection);
    let page = Made {
        frame: around.frame.clone(),
        around,
        token,
        secret,
    };
    Page::new(page).response()
}

async fn form(
    owner: &Owner,
    site: &web::Data<Site>,
    id: String,
    (name, days): (&str, &str),
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    let (organization, now) = (owner.organization.clone(), site.now());
    let (connection, tokens) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            let tokens = tokens::list(conn, &connection.id)?;
            Ok((connection, tokens))
        })
        .await?;
    let around = Around::of(owner, site, connection);
    let is_fine = errors.is_empty();
    let live = tokens.into_iter().filter(|token| token.is_live(now));
    let page = New {
        frame: around.frame.clone(),
        around,
        typed: name.to_owned(),
        terms: TERMS
            .iter()
            .map(|(word, title)| Choice::new(word, title, days))
            .collect(),
        errors,
        live: live.map(|token| token.name).collect(),
    };
    Ok(if is_fine {
        Page::new(page).response()
    } else {
        Page::unprocessable(page).response()
    })
}

/// `GET /orgs/{org}/connections/{id}/directory/tokens/{key}/revoke`
pub async fn ask(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Within,
) -> Result<HttpResponse, Problem> {
    let (_, id, key) = path.into_inner();
    let (organization, now) = (owner.organization.clone(), site.now());
    let (connection, tokens) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            let tokens = tokens::list(conn, &connection.id)?;
            Ok((connection, tokens))
        })
        .await?;
    let is_other = |token: &&Token| token.id != key && token.is_live(now);
    let left = tokens.iter().filter(is_other).count();
    let token = tokens.into_iter().find(|token| token.id == key);
    let token = token.ok_or(Problem::NotFound)?;
    let around = Around::of(&owner, &site, connection);
    Ok(Page::new(Revoke {
        frame: around.frame.clone(),
        around,
        is_live: token.is_live(now),
        token,
        left,
    })
    .response())
}

/// `POST /orgs/{org}/connections/{id}/directory/tokens/{key}/revoke`
pub async fn revoke(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Within,
    _: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id, key) = path.into_inner();
    let (organization, now, actor) = (owner.organization.clone(), site.now(), Actor::from(&*owner));
    let back = path_of(&owner, &id);
    let token = site
        .store
        .writing_in(&owner.organization, move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            tokens::revoke(conn, now, &actor, &connection, &key)
        })
        .await?;
    let sentence = format!(
        "The token “{}” is revoked. It is refused from now on.",
        token.name
    );
    Ok(Flash::good(sentence).redirect(&site, &back))
}
