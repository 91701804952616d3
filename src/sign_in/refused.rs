//! The page for those who are not let in: Access denied, or what went wrong, in plain words.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::queries;
use crate::connections::{self, Connection};
use crate::orgs::{self, Organization};
use crate::store::Conn;
use crate::web::{Door, Page, Problem, Site};

#[derive(Template)]
#[template(path = "sign_in/denied.html")]
struct Denied {
    door: Door,
    organization: String,
    contact: String,
    reference: String,
    again: Option<String>,
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
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reference = path.into_inner();
    let wanted = reference.clone();
    let found = site
        .store
        .reading(move |conn| about_refused(conn, &wanted))
        .await
        .map_err(Problem::from)?;
    let (record, organization, connection) = found.ok_or(Problem::NotFound)?;
    let again = connection
        .filter(|connection| connection.state == connections::State::On)
        .map(|connection| format!("/sign-in/{}/{}", organization.slug, connection.slug));
    let name = organization.settings.name;
    match record.outcome.as_str() {
        "denied" => {
            let page = Denied {
                door,
                organization: name,
                contact: organization.settings.contact,
                reference,
                again,
            };
            Ok(Page::with_status(StatusCode::FORBIDDEN, page).response())
        }
        "rejected" => {
            let page = Failed {
                door,
                organization: name,
                sentence: for_the_person(&record.reason),
                reference,
                again,
                start: if record.reason == "unsolicited" {
                    "Start here"
                } else {
                    "Start again"
                },
            };
            Ok(Page::with_status(status_of(&record.evidence), page).response())
        }
        _ => Err(Problem::NotFound),
    }
}

type AboutRefused = (queries::Refused, Organization, Option<Connection>);

fn about_refused(conn: &mut Conn, reference: &str) -> crate::store::Result<Option<AboutRefused>> {
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
    Ok(Some((record, organization, connection)))
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
        _ => {
            "Your organization’s sign-in service sent an answer that we can’t accept. Start again; if it happens again, tell an administrator the reference below."
        }
    }
}
