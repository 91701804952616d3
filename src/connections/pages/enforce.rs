//! Enforcement: whether people of the connection's domains have to come by it. GET says who would lose the password, and who
//! keeps it; POST does it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::desk::Desk;
use super::draft;
use super::queries::attached;
use crate::break_glass;
use crate::connections::queries::Named;
use crate::connections::{Connection, actions, queries};
use crate::session::{Frame, Fresh, Owner};
use crate::store::{self, Conn, id};
use crate::web::{Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/enforce.html")]
struct Enforce {
    frame: Frame,
    base: String,
    connection: Connection,
    whom: Whom,
    /// The organization's slug, which is typed where people can be locked out.
    word: String,
    word_error: Option<String>,
    refusal: Option<String>,
}

/// Whom enforcement concerns.
struct Whom {
    /// The verified domains of the connection, with commas.
    domains: String,
    /// How many have a password that would open nothing any more.
    losing: usize,
    /// The first of them.
    first: Vec<Named>,
    /// The owners who keep theirs.
    keeping: Vec<Named>,
    /// Tells one answer from another: the form carries it.
    print: String,
}

/// Somebody set a password, became an owner for emergencies, or a domain lost its proof.
const CHANGED: &str =
    "Whom it concerns has changed meanwhile, so nothing was done. This is how it stands now.";

impl Whom {
    fn load(conn: &mut Conn, connection: &Connection) -> store::Result<Self> {
        let verified: Vec<String> = attached(conn, &connection.id)?
            .into_iter()
            .filter(|domain| domain.verified)
            .map(|domain| domain.name)
            .collect();
        let keepers: Vec<_> = break_glass::owners(conn, &connection.organization)?
            .into_iter()
            .filter(|owner| owner.is_keeper && owner.has_password)
            .collect();
        let accounts: Vec<String> = keepers.iter().map(|keeper| keeper.account.clone()).collect();
        let (losing, first) = queries::losing_passwords(conn, &verified, &accounts)?;
        let domains = verified.join(", ");
        Ok(Self {
            print: id::hash_token(&format!(
                "{domains}\n{}\n{}",
                losing.join(" "),
                accounts.join(" ")
            )),
            losing: losing.len(),
            first,
            keeping: keepers
                .into_iter()
                .map(|keeper| Named {
                    name: keeper.name,
                    email: keeper.email,
                })
                .collect(),
            domains,
        })
    }

    /// Why it can't be turned on.
    fn obstacle(&self, connection: &Connection) -> Option<&'static str> {
        if !connection.is_on() {
            return Some("The connection is not on: people would have no way in at all. Turn it on first.");
        }
        if self.domains.is_empty() {
            return Some(
                "No verified domain is attached to the connection, so there is nobody to enforce it for.",
            );
        }
        self.keeping.is_empty().then_some(
            "No owner has a password: nobody could get in to help if the provider fails. Let one owner set a password first.",
        )
    }
}

type Id = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/enforce`
pub async fn enforce(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
) -> Result<HttpResponse, Problem> {
    shown(&owner, &site, &path.1, None, None).await
}

/// `POST /orgs/{org}/connections/{id}/enforce`
pub async fn set_enforce(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let on = match form.text("to") {
        "on" => true,
        "off" => false,
        _ => {
            return Err(Problem::Invalid(
                "The form does not say “on” or “off”.".to_owned(),
            ));
        }
    };
    if on && form.text("word") != owner.slug {
        let sentence = format!(
            "That is not the organization’s short name. Type “{}”.",
            owner.slug
        );
        return shown(&owner, &site, &path.1, Some(sentence), None).await;
    }
    let (desk, seen) = (Desk::of_owner(&owner, &path.1), form.text("seen").to_owned());
    let done = draft::act(&desk, &site, form.version(), move |conn, now, actor, known| {
        let whom = Whom::load(conn, known)?;
        if on && let Some(obstacle) = whom.obstacle(known) {
            return Err(Problem::Conflict(obstacle.to_owned()));
        }
        if whom.print != seen {
            return Err(Problem::Conflict(CHANGED.to_owned()));
        }
        actions::set_enforce(conn, now, actor, known, on)
    })
    .await?;
    match done {
        Err(refusal) => shown(&owner, &site, &path.1, None, Some(refusal)).await,
        Ok(done) => {
            let sentence = if on {
                format!("People of its domains have to come by {} from now on.", done.name)
            } else {
                format!("People of {}’s domains may use a password again.", done.name)
            };
            Ok(Flash::good(sentence).redirect(&site, &desk.base))
        }
    }
}

async fn shown(
    owner: &Owner,
    site: &web::Data<Site>,
    id: &str,
    word_error: Option<String>,
    refusal: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (organization, wanted) = (owner.organization.clone(), id.to_owned());
    let (connection, whom) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &wanted)?.ok_or(Problem::NotFound)?;
            let whom = Whom::load(conn, &connection)?;
            Ok((connection, whom))
        })
        .await?;
    let status = match (&word_error, &refusal) {
        (Some(_), _) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, Some(_)) => StatusCode::CONFLICT,
        (None, None) => StatusCode::OK,
    };
    let page = Enforce {
        frame: owner.frame("connections"),
        base: owner.path(&format!("/connections/{}", connection.id)),
        word: owner.slug.clone(),
        connection,
        whom,
        word_error,
        refusal,
    };
    Ok(Page::with_status(status, page).response())
}
