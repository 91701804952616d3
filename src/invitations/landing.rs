//! The invited person's side: the link, what it offers, and declining.
//!
//! The link's own address sets a cookie and leads to one without the secret, so that no page, referrer
//! or history entry of ours holds it. Neither writes to the database.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::actions;
use super::model::{Invitation, State};
use super::queries;
use crate::audit::Actor;
use crate::connections::{self, Connection};
use crate::orgs::{self, Organization};
use crate::store::time::{Timestamp, date};
use crate::store::{Conn, DbError, id};
use crate::web::limits::Kind;
use crate::web::{Client, Door, Flash, Page, Posted, Problem, Site, see_other};

/// The cookie that carries the link's token until the person signs in.
pub(super) const COOKIE: &str = "invitation";

/// The characters of a token.
const LENGTH: usize = 43;

/// An offer that waits.
#[derive(Template)]
#[template(path = "invitations/landing.html")]
struct Landing {
    door: Door,
    organization: Organization,
    invitation: Invitation,
    way: Way,
}

/// How the person can go on.
enum Way {
    /// By one of these connections of the address's domain.
    Connections(Vec<Connection>),
    /// By a password of their own.
    Password,
    /// By one of these connections, if their provider knows the address; or by asking somebody.
    Ask(Vec<Connection>),
}

/// One that opens nothing any more, or never did.
#[derive(Template)]
#[template(path = "invitations/closed.html")]
struct Closed {
    door: Door,
    title: &'static str,
    sentences: Vec<String>,
    sign_in: bool,
}

/// What the database knows of a link.
struct Known {
    invitation: Invitation,
    organization: Organization,
    own: Vec<Connection>,
    all: Vec<Connection>,
}

/// `GET /invitation/{token}`.
pub(super) async fn link(door: Door, site: web::Data<Site>, path: web::Path<String>) -> HttpResponse {
    let token = path.into_inner();
    if !is_token(&token) {
        return unknown(door);
    }
    let mut answer = see_other("/invitation");
    match answer.add_cookie(&site.cookie(COOKIE, token)) {
        Ok(()) => answer,
        Err(error) => HttpResponse::from_error(Problem::internal(error)),
    }
}

/// `GET /invitation`.
pub(super) async fn landing(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    client: Client,
) -> Result<HttpResponse, Problem> {
    let Some(hash) = carried(&request, &site) else {
        return Ok(unknown(door));
    };
    let known = site.store.reading(move |conn| known(conn, &hash)).await?;
    let Some(known) = known else {
        site.limits.take(Kind::Link, &client.ip, site.now())?;
        return Ok(unknown(door));
    };
    let now = site.now();
    if !known.organization.is_on || known.invitation.state(now) != State::Pending {
        return Ok(closed(door, &known, now));
    }
    Ok(Page::new(Landing {
        way: way(&known),
        door,
        organization: known.organization,
        invitation: known.invitation,
    })
    .response())
}

/// `POST /invitation/decline`.
pub(super) async fn decline(
    request: HttpRequest,
    client: Client,
    site: web::Data<Site>,
    _: Posted,
) -> Result<HttpResponse, Problem> {
    let Some(hash) = carried(&request, &site) else {
        return Ok(see_other("/invitation"));
    };
    let found = site
        .store
        .reading(move |conn| queries::by_token(conn, &hash))
        .await?;
    let Some(invitation) = found else {
        return Ok(see_other("/invitation"));
    };
    let (now, organization) = (site.now(), invitation.organization.clone());
    let declined: Result<bool, DbError> = site
        .store
        .writing_in(&organization, move |conn| {
            let actor = Actor::person("", &invitation.email, &client.ip);
            actions::decline(conn, now, &actor, &invitation.id)
        })
        .await;
    Ok(if declined? {
        Flash::good("The invitation is declined. Nothing else is left to do.").redirect(&site, "/invitation")
    } else {
        see_other("/invitation")
    })
}

/// The hash of the token that this browser carries.
fn carried(request: &HttpRequest, site: &Site) -> Option<String> {
    let cookie = request.cookie(&site.cookie_name(COOKIE))?;
    is_token(cookie.value()).then(|| id::hash_token(cookie.value()))
}

fn is_token(text: &str) -> bool {
    text.len() == LENGTH
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn known(conn: &mut Conn, hash: &str) -> Result<Option<Known>, Problem> {
    let Some(invitation) = queries::by_token(conn, hash)? else {
        return Ok(None);
    };
    let organization = orgs::find(conn, &invitation.organization)?.ok_or(Problem::NotFound)?;
    let here = |connection: &Connection| connection.organization == organization.id && connection.is_on();
    let of_domain = connections::for_domain(conn, invitation.domain())?;
    let all = connections::list(conn, &organization.id)?;
    Ok(Some(Known {
        own: of_domain.into_iter().filter(here).collect(),
        all: all.into_iter().filter(here).collect(),
        invitation,
        organization,
    }))
}

fn way(known: &Known) -> Way {
    if !known.own.is_empty() {
        Way::Connections(known.own.clone())
    } else if known.organization.settings.guests {
        Way::Password
    } else {
        Way::Ask(known.all.clone())
    }
}

/// The same answer to a guess, to a link that was cut off, and to one that a fresh link replaced.
fn unknown(door: Door) -> HttpResponse {
    let page = Closed {
        door,
        title: "This invitation link is not known",
        sentences: vec![
            "It may be mistyped or cut off, or a newer link has taken its place. Open the newest link that you were given, or ask whoever invited you for another.".to_owned(),
        ],
        sign_in: false,
    };
    Page::with_status(StatusCode::NOT_FOUND, page).response()
}

fn closed(door: Door, known: &Known, now: Timestamp) -> HttpResponse {
    let name = &known.organization.settings.name;
    let state = known.invitation.state(now);
    let (title, sentence) = match state {
        _ if !known.organization.is_on => (
            "This organization lets nobody in at present",
            format!("{name} is turned off on this server."),
        ),
        State::Expired => (
            "This invitation has expired",
            format!(
                "The invitation to {name} stood until {}.",
                date(known.invitation.expires_at)
            ),
        ),
        State::Revoked => (
            "This invitation was taken back",
            format!("Somebody at {name} revoked it."),
        ),
        State::Declined => (
            "You declined this invitation",
            format!("You are not a member of {name} by it."),
        ),
        State::Accepted => (
            "This invitation has been accepted",
            format!("It was for one person and one time. If that was you, sign in to {name} as usual."),
        ),
        State::Closed | State::Pending => (
            "This invitation is closed",
            format!("It is not needed any more. If you are a member of {name}, sign in as usual."),
        ),
    };
    let is_on = known.organization.is_on;
    let page = Closed {
        door,
        title,
        sentences: vec![sentence, whom_to_ask(&known.organization, &known.invitation)],
        sign_in: is_on && matches!(state, State::Accepted | State::Closed),
    };
    Page::with_status(StatusCode::GONE, page).response()
}

fn whom_to_ask(organization: &Organization, invitation: &Invitation) -> String {
    let contact = &organization.settings.contact;
    let inviter = &invitation.invited_by_name;
    match (contact.is_empty(), invitation.invited_by.is_empty()) {
        (false, _) => format!("Questions, or a fresh invitation: {contact}."),
        (true, false) => format!("For questions or a fresh invitation, ask {inviter}."),
        (true, true) => "For questions or a fresh invitation, ask whoever invited you.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_token;

    /// INV-001.
    #[test]
    fn a_token_is_43_characters_that_are_safe_in_an_address() {
        assert!(is_token(&crate::store::id::new_token()));
        let long = "a".repeat(43);
        assert!(is_token(&long));
        for other in [
            &long[1..],
            &format!("{long}a"),
            &format!("{}+", &long[1..]),
            "",
            &"ä".repeat(21),
        ] {
            assert!(!is_token(other), "{other}");
        }
    }
}
