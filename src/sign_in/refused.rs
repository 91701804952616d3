//! The page for those who are not let in: Access denied, or what went wrong, in plain words.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{proof, queries};
use crate::audit::Actor;
use crate::connections::{self, Connection};
use crate::denied::{self, Denial};
use crate::mail::Post;
use crate::orgs::{self, Organization};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Client, Door, Page, Posted, Problem, Site, see_other};

#[derive(Template)]
#[template(path = "sign_in/denied.html")]
struct Denied {
    door: Door,
    organization: String,
    contact: String,
    reference: String,
    /// The address that was asserted, for the browser that came with it.
    email: Option<String>,
    again: Option<String>,
    asking: Asking,
    message: String,
    error: Option<String>,
}

/// Whether the page offers to request access.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// Another browser, the organization does not want it, or somebody has said yes since.
    No,
    /// The form.
    May,
    /// It was done today.
    Asked,
}

#[derive(Template)]
#[template(path = "sign_in/failed.html")]
struct Failed {
    door: Door,
    organization: String,
    sentence: &'static str,
    reference: String,
    again: Option<String>,
    /// What the button says that leads there.
    start: &'static str,
}

/// `GET /sign-in/refused/{reference}`: Access denied, or what went wrong, in plain words. The reason of
/// a denial is for the administrator, not for whoever holds the reference.
pub async fn refused(
    door: Door,
    site: web::Data<Site>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reference = path.into_inner();
    let about = about(&site, &reference).await?;
    let is_theirs = proof::holds(&request, &site, &reference);
    match about.record.outcome.as_str() {
        "denied" => {
            let page = Denied::of(door, reference, &about, site.now(), is_theirs);
            Ok(Page::with_status(StatusCode::FORBIDDEN, page).response())
        }
        "rejected" => {
            let (again, start) = way_on(&about.record.reason, about.again());
            let page = Failed {
                door,
                sentence: for_the_person(&about.record.reason),
                reference,
                again,
                organization: about.organization.settings.name,
                start,
            };
            Ok(Page::with_status(status_of(&about.record.evidence), page).response())
        }
        _ => Err(Problem::NotFound),
    }
}

/// `POST /sign-in/refused/{reference}/ask`: the person who was just denied in this browser asks to be let in.
pub async fn ask(
    door: Door,
    site: web::Data<Site>,
    request: HttpRequest,
    client: Client,
    path: web::Path<String>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let reference = path.into_inner();
    let about = about(&site, &reference).await?;
    let (Some(denial), true) = (about.denial.clone(), about.organization.settings.requests) else {
        return Err(Problem::NotFound);
    };
    if !proof::holds(&request, &site, &reference) {
        return Err(Problem::Conflict(
            "This page was open for too long, or in another browser. Sign in again, and request access from the \
             page that you get."
                .to_owned(),
        ));
    }
    let message = form.text("message").to_owned();
    let (now, organization) = (site.now(), about.organization.id.clone());
    let account = about.record.account.as_deref().unwrap_or_default();
    let actor = Actor::person(account, denial.person(), &client.ip);
    let (typed, id) = (message.clone(), denial.id);
    let (post, asked_of) = (Post::of(&site), about.organization.clone());
    let asked = site
        .store
        .writing_in(&organization.clone(), move |conn| {
            let denial = denied::actions::ask(conn, now, &actor, &organization, &id, &typed)?;
            denied::letters::asked(conn, now, &post, &asked_of, &denial)?;
            Ok(denial)
        })
        .await;
    match asked {
        Ok(_) => Ok(see_other(&format!("/sign-in/refused/{reference}"))),
        Err(Problem::Invalid(error)) => {
            let page = Denied {
                message,
                error: Some(error),
                ..Denied::of(door, reference, &about, now, true)
            };
            Ok(Page::unprocessable(page).response())
        }
        Err(problem) => Err(problem),
    }
}

impl Denied {
    fn of(door: Door, reference: String, about: &About, now: Timestamp, is_theirs: bool) -> Self {
        Self {
            door,
            organization: about.organization.settings.name.clone(),
            contact: about.organization.settings.contact.clone(),
            reference,
            again: about.again(),
            email: Some(about.record.email.clone()).filter(|email| is_theirs && !email.is_empty()),
            asking: match &about.denial {
                Some(denial) if is_theirs && about.organization.settings.requests => {
                    Asking::about(denial, now)
                }
                _ => Asking::No,
            },
            message: String::new(),
            error: None,
        }
    }
}

impl Asking {
    fn about(denial: &Denial, now: Timestamp) -> Self {
        if denial.may_ask(now) {
            Self::May
        } else if denial.state != denied::State::Settled && denial.asked_of_late(now) {
            Self::Asked
        } else {
            Self::No
        }
    }
}

/// What is known of an attempt that was refused.
struct About {
    record: queries::Refused,
    organization: Organization,
    connection: Option<Connection>,
    denial: Option<Denial>,
}

impl About {
    /// Where to try again, while the connection is on.
    fn again(&self) -> Option<String> {
        let connection = self.connection.as_ref()?;
        (connection.state == connections::State::On)
            .then(|| format!("/sign-in/{}/{}", self.organization.slug, connection.slug))
    }
}

async fn about(site: &Site, reference: &str) -> Result<About, Problem> {
    let wanted = reference.to_owned();
    let found = site.store.reading(move |conn| about_refused(conn, &wanted)).await;
    found.map_err(Problem::from)?.ok_or(Problem::NotFound)
}

fn about_refused(conn: &mut Conn, reference: &str) -> crate::store::Result<Option<About>> {
    let Some(record) = queries::refused(conn, reference)? else {
        return Ok(None);
    };
    let Some(organization) = orgs::find(conn, &record.organization)? else {
        return Ok(None);
    };
    let connection = match &record.connection {
        Some(id) => connections::find(conn, id)?,
        None => None,
    };
    let denial = match &record.denial {
        Some(id) => denied::find(conn, &record.organization, id)?,
        None => None,
    };
    Ok(Some(About {
        record,
        organization,
        connection,
        denial,
    }))
}

/// The HTTP status that the rejection was given.
fn status_of(evidence: &str) -> StatusCode {
    let evidence: serde_json::Value = serde_json::from_str(evidence).unwrap_or_default();
    let number = evidence
        .get("status")
        .and_then(serde_json::Value::as_u64)
        .and_then(|number| u16::try_from(number).ok());
    number
        .and_then(|number| StatusCode::from_u16(number).ok())
        .unwrap_or(StatusCode::BAD_REQUEST)
}

/// Where the button leads, and what it says: nowhere where the same would come of it.
fn way_on(check: &str, again: Option<String>) -> (Option<String>, &'static str) {
    match check {
        "break_glass" => (Some("/sign-in".to_owned()), "Sign in with your password"),
        "no_time_of_proof" => (None, ""),
        "unsolicited" => (again, "Start here"),
        _ => (again, "Start again"),
    }
}

/// What the person is told of a check that failed: what to do, and no more.
fn for_the_person(check: &str) -> &'static str {
    match check {
        "state" | "state_of_another_browser" | "in_response_to" | "relay_state" => {
            "We have lost track of this sign-in. Perhaps the page was open for long, or it was started in another browser. Start again."
        }
        "unsolicited" => {
            "Signing in starts here, not at your organization’s sign-in service: we had not asked it for you. Press the button below, and keep this address for the next time."
        }
        "state_used" | "replay" => {
            "This sign-in was finished already. If you came here by the back button, start again."
        }
        "state_expired" => "This sign-in took too long. Start again, and finish within ten minutes.",
        "connection_off" => "Single sign-on was turned off for your organization. Ask an administrator.",
        "provider_refused" | "status" => {
            "Your organization’s sign-in service did not sign you in. Perhaps it was cancelled there. Start again, or ask an administrator."
        }
        "provider_unreachable"
        | "provider_timed_out"
        | "token_endpoint"
        | "discovery"
        | "keys"
        | "userinfo" => {
            "Your organization’s sign-in service does not answer properly. Try again in a few minutes."
        }
        "expired" | "not_yet_valid" | "not_yet" | "issued_in_future" | "too_old" => {
            "The clocks of your organization’s sign-in service and of this server differ. Tell an administrator the reference below."
        }
        "email_malformed" => {
            "Your organization’s sign-in service sent an e-mail address that can’t be read. Tell an administrator the reference below."
        }
        "discovery_changed" => {
            "Something about your organization’s sign-in service was changed, and an owner of the organization has to confirm it before anybody comes in. Tell an administrator the reference below."
        }
        "break_glass" => {
            "You are an owner for emergencies, and come in by your e-mail address and password instead of by your organization’s sign-in service."
        }
        "not_asked_anew" => {
            "Your organization’s sign-in service was to ask you again who you are, and answered by an older sign-in of yours. Sign out there, then go back to the page that you came from and try again. If it happens again, tell an administrator the reference below."
        }
        "no_time_of_proof" => {
            "Your organization’s sign-in service does not say when you showed that it is you, and this step needs to know. It won’t help to try again: an administrator has to look. Tell them the reference below."
        }
        _ => {
            "Your organization’s sign-in service sent an answer that we can’t accept. Start again; if it happens again, tell an administrator the reference below."
        }
    }
}
