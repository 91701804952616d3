//! The pages of switches: what would change and for whom, and then the deed. A form carries what its page was worked
//! out from; where that is true no longer, the page comes back as things stand now, and nothing is done.

mod choices;
mod groups;
mod plans;
mod removal;
mod seats;
mod shown;
mod switches;

pub use choices::{domains, newcomers, set_domains, set_newcomers};
pub use groups::{groups, set_groups};
pub use plans::{ask_to_cancel, cancel};
pub use removal::{removal, remove};
pub use seats::{seats, set_seats};
pub use switches::{enforce, jit, scim, set_jit, set_scim};

use actix_web::http::StatusCode;
use actix_web::web;

use super::change::Change;
use super::guard::{Guard, still};
use super::runs::Previews;
use crate::audit::Actor;
use crate::connections::{self, Connection};
use crate::session::Owner;
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Posted, Problem, Site};

/// Organization and connection of a path.
type Id = web::Path<(String, String)>;
/// The installation.
type Here = web::Data<Site>;
/// The replays of this server.
type Runs = web::Data<Previews>;

/// How a POST ended that did not do it.
#[derive(Default)]
struct Undone {
    /// 200 where nothing was asked yet.
    status: StatusCode,
    word_error: Option<String>,
    refusal: Option<String>,
    stale: bool,
    /// What was typed of a set time and a way back.
    when: String,
    most_denied: String,
}

impl Undone {
    /// With what was typed.
    fn typed(self, form: &Posted) -> Self {
        Self {
            when: form.text("when").to_owned(),
            most_denied: form.text("most_denied").to_owned(),
            ..self
        }
    }

    fn stale() -> Self {
        Self {
            status: StatusCode::CONFLICT,
            stale: true,
            ..Self::default()
        }
    }

    fn refused(status: StatusCode, sentence: String) -> Self {
        Self {
            status,
            refusal: Some(sentence),
            ..Self::default()
        }
    }
}

/// One of the organization's connections.
async fn connection(owner: &Owner, site: &Site, id: String) -> Result<Connection, Problem> {
    let organization = owner.organization.clone();
    site.store
        .reading(move |conn| connections::find_in(conn, &organization, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)
}

/// Does what the page showed, if it is still true. `deed` answers nothing where what it would change has changed.
async fn act<T: Send + 'static>(
    owner: &Owner,
    site: &Site,
    previews: &Previews,
    change: Change,
    form: &Posted,
    deed: impl FnOnce(&mut Conn, Timestamp, &Actor) -> Result<Option<T>, Problem> + Send + 'static,
) -> Result<Result<T, Undone>, Problem> {
    let deed = move |conn: &mut Conn, now, actor: &Actor, _: &[String]| deed(conn, now, actor);
    act_on(owner, site, previews, change, form, deed).await
}

/// The same for a deed that wants to know the addresses that would be kept out.
async fn act_on<T: Send + 'static>(
    owner: &Owner,
    site: &Site,
    previews: &Previews,
    change: Change,
    form: &Posted,
    deed: impl FnOnce(&mut Conn, Timestamp, &Actor, &[String]) -> Result<Option<T>, Problem> + Send + 'static,
) -> Result<Result<T, Undone>, Problem> {
    let (now, actor, organization) = (site.now(), Actor::from(&**owner), owner.organization.clone());
    let (days, seen) = (shown::days(form.text("days")), form.text("seen").to_owned());
    let base = previews.of_digest(&organization, &seen);
    let wanted = change.clone();
    let done = site
        .store
        .writing_in(&owner.organization, move |conn| {
            match still(conn, now, &organization, &wanted, days, &seen, base.as_deref())? {
                Guard::Holds(kept_out) => deed(conn, now, &actor, &kept_out),
                Guard::Changed => Ok(None),
            }
        })
        .await;
    match done {
        Ok(Some(done)) => Ok(Ok(done)),
        Ok(None) => {
            previews.outdated(&owner.organization, &change);
            Ok(Err(Undone::stale()))
        }
        Err(Problem::Conflict(sentence)) => Ok(Err(Undone::refused(StatusCode::CONFLICT, sentence))),
        Err(problem) => Err(problem),
    }
}

/// The connection as it was when the form was made; none where it changed since.
fn unchanged(
    conn: &mut Conn,
    organization: &str,
    id: &str,
    version: i64,
) -> Result<Option<Connection>, Problem> {
    let known = connections::find_in(conn, organization, id)?.ok_or(Problem::NotFound)?;
    Ok((known.version == version).then_some(known))
}

/// Which way the form turns the switch. The form says it, so that sent twice it turns nothing back.
fn turned_on(form: &Posted) -> Result<bool, Problem> {
    match form.text("to") {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Problem::Invalid(
            "The form does not say “on” or “off”.".to_owned(),
        )),
    }
}

/// What lets people in, or keeps them out, is confirmed by the organization's name.
fn unconfirmed(owner: &Owner, form: &Posted) -> Option<Undone> {
    (form.text("word") != owner.slug).then(|| Undone {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        word_error: Some(format!(
            "That is not the organization’s short name. Type “{}”.",
            owner.slug
        )),
        ..Undone::default()
    })
}
