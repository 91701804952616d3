//! An invitation accepted by its link alone: guests of domains without single sign-on set a password,
//! where the organization allows it.
//!
//! A link never sets the password of an account that exists: whoever invites knows the link, and must not
//! get at somebody's account by it. Such a person signs in first, then accepts.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::password;
use crate::access::EmailAddress;
use crate::accounts::{self, Account};
use crate::audit::Actor;
use crate::connections;
use crate::invitations::{self, Invitation};
use crate::members::{self, Joining, Source};
use crate::orgs::{self, Organization};
use crate::session::{self, NewSession, Signed};
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::{Client, Door, FieldErrors, Flash, Page, Posted, Problem, Site, see_other};

const COOKIE: &str = "invitation";

#[derive(Template)]
#[template(path = "sign_in/accept.html")]
struct Accept {
    door: Door,
    errors: FieldErrors,
    organization: String,
    email: String,
    typed_name: String,
    way: Way,
}

/// How this person can accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nobody has this address yet: a password makes the account.
    New,
    /// The account of this address is signed in here.
    SignedIn,
    /// There is an account: it signs in first.
    SignInFirst,
}

/// An invitation that may be accepted by its link, with all that is needed for it.
struct Open {
    invitation: Invitation,
    organization: Organization,
    email: EmailAddress,
    account: Option<Account>,
}

impl Open {
    fn way(&self, signed: Option<&Signed>) -> Way {
        match (&self.account, signed) {
            (None, _) => Way::New,
            // A session by single sign-on speaks for its own organization only.
            (Some(account), Some(signed))
                if signed.account == account.id && signed.organization.is_none() =>
            {
                Way::SignedIn
            }
            (Some(_), _) => Way::SignInFirst,
        }
    }
}

fn token_hash(request: &HttpRequest, site: &Site) -> Result<String, Problem> {
    request
        .cookie(&site.cookie_name(COOKIE))
        .map(|cookie| id::hash_token(cookie.value()))
        .ok_or(Problem::NotFound)
}

fn gone() -> Problem {
    Problem::Gone("This invitation is no longer open. Ask for a new one.".to_owned())
}

/// The invitation of this link with all that is needed to accept it by hand, if it may be so.
fn open(conn: &mut Conn, now: Timestamp, token_hash: &str) -> Result<Open, Problem> {
    let invitation = invitations::by_token(conn, token_hash)?.ok_or_else(gone)?;
    let organization = orgs::find(conn, &invitation.organization)?.ok_or_else(gone)?;
    if invitation.state(now) != invitations::State::Pending || !organization.is_on {
        return Err(gone());
    }
    let own = connections::for_domain(conn, invitation.domain())?;
    if own
        .iter()
        .any(|connection| connection.organization == organization.id)
    {
        return Err(Problem::Forbidden("Accept this invitation by signing in through your organization’s single sign-on. Open the link again and choose it.".to_owned()));
    }
    if !organization.settings.guests {
        return Err(Problem::Forbidden(format!(
            "{} lets people in by single sign-on only. Ask whoever invited you.",
            organization.settings.name
        )));
    }
    let email = EmailAddress::parse(&invitation.email).map_err(Problem::internal)?;
    let account = accounts::find_by_email(conn, &email)?;
    if account.is_none() && own.iter().any(|connection| connection.enforce) {
        return Err(Problem::Forbidden(format!(
            "Whoever has an address of {} signs in by single sign-on and chooses no password. Ask to be invited by another address.",
            invitation.domain()
        )));
    }
    Ok(Open {
        invitation,
        organization,
        email,
        account,
    })
}

/// `GET /invitation/accept`.
pub async fn show(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    signed: Result<Signed, Problem>,
) -> Result<Page<impl Template>, Problem> {
    let (hash, now) = (token_hash(&request, &site)?, site.now());
    let open = site.store.reading(move |conn| open(conn, now, &hash)).await?;
    Ok(Page::new(page(
        door,
        &open,
        signed.ok().as_ref(),
        FieldErrors::default(),
        "",
    )))
}

fn page(door: Door, open: &Open, signed: Option<&Signed>, errors: FieldErrors, name: &str) -> Accept {
    Accept {
        door,
        errors,
        organization: open.organization.settings.name.clone(),
        email: open.email.as_str().to_owned(),
        typed_name: name.to_owned(),
        way: open.way(signed),
    }
}

/// `POST /invitation/accept`.
pub async fn accept(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    session: Session,
    client: Client,
    signed: Result<Signed, Problem>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (hash, now, signed) = (token_hash(&request, &site)?, site.now(), signed.ok());
    let looked_up = hash.clone();
    let known = site
        .store
        .reading(move |conn| open(conn, now, &looked_up))
        .await?;
    let organization = known.organization.id.clone();
    let home = format!("/orgs/{}", known.organization.slug);
    match known.way(signed.as_ref()) {
        Way::SignInFirst => return Ok(see_other("/sign-in?return_to=/invitation/accept")),
        Way::SignedIn => {
            site.store
                .writing_in(&organization, move |conn| {
                    join(conn, now, &hash, None, &client).map(drop)
                })
                .await?;
        }
        Way::New => {
            let name: String = form
                .text("name")
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            let password = form.raw("password").to_owned();
            if let Err(sentence) = accounts::check_policy(&password, known.email.as_str()) {
                let errors = FieldErrors::one("password", sentence);
                return Ok(Page::unprocessable(page(door, &known, None, errors, &name)).response());
            }
            let new = NewGuest {
                name,
                password_hash: password::hash(&site, password).await?,
            };
            let opened = site
                .store
                .writing_in(&organization, move |conn| {
                    join(conn, now, &hash, Some(&new), &client)
                })
                .await?;
            session::enter(
                &request,
                &session,
                &opened.ok_or_else(|| Problem::internal("no session was opened"))?,
            )?;
        }
    }
    let mut answer =
        Flash::good(format!("Welcome to {}.", known.organization.settings.name)).redirect(&site, &home);
    answer
        .add_cookie(&site.gone_cookie(COOKIE))
        .map_err(Problem::internal)?;
    Ok(answer)
}

struct NewGuest {
    name: String,
    password_hash: String,
}

/// Judges again, then joins. Answers the session of a new account.
fn join(
    conn: &mut Conn,
    now: Timestamp,
    hash: &str,
    new: Option<&NewGuest>,
    client: &Client,
) -> Result<Option<String>, Problem> {
    let open = open(conn, now, hash)?;
    let account = match (&open.account, new) {
        (Some(account), None) if account.is_active => account.clone(),
        (None, Some(new)) => {
            let account = accounts::actions::create(conn, now, &open.email, &new.name)?;
            let actor = Actor::person(&account.id, account.shown_name(), &client.ip);
            accounts::actions::set_password(conn, now, &actor, &account, &new.password_hash)?;
            account
        }
        _ => {
            return Err(Problem::Conflict(
                "Your account changed meanwhile. Open the invitation’s link again.".to_owned(),
            ));
        }
    };
    let actor = Actor::person(&account.id, account.shown_name(), &client.ip);
    let member = enter(conn, now, &actor, &open, &account)?;
    if new.is_none() {
        return Ok(None);
    }
    members::actions::signed_in(conn, now, &member)?;
    let session = NewSession {
        account: &account.id,
        organization: None,
        connection: None,
        strength: session::Strength::Password,
        proved_at: now,
        client,
        lifetime: open.organization.settings.session_lifetime(),
        idle: open.organization.settings.session_idle(),
    };
    Ok(Some(session::begin(conn, now, &session)?))
}

/// Makes the person a member, and answers the membership.
fn enter(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    open: &Open,
    account: &Account,
) -> Result<String, Problem> {
    let (organization, invitation) = (&open.organization.id, &open.invitation);
    let known = members::find_by_account(conn, organization, &account.id)?;
    match known.as_ref().map(|member| (member.state, &member.id)) {
        Some((members::State::Deactivated, _)) => {
            return Err(Problem::Forbidden(
                "Your membership is deactivated. Ask an administrator to reactivate it.".to_owned(),
            ));
        }
        Some((members::State::Active, id)) => {
            invitations::actions::close_pending(conn, now, actor, organization, &account.email_key)?;
            return Ok(id.clone());
        }
        None | Some((members::State::Removed, _)) => {}
    }
    let joining = Joining {
        by_password: true,
        organization,
        account: &account.id,
        name: account.shown_name(),
        role: invitation.role,
        source: Source::Invitation,
        invited_by: &invitation.invited_by_name,
    };
    let member = members::actions::join(conn, now, actor, &joining)?;
    let teams: Vec<String> = invitation.teams.iter().map(|team| team.id.clone()).collect();
    crate::teams::give(conn, now, &member, &teams, crate::teams::Source::Invitation, "")?;
    if !invitations::actions::accept(conn, now, actor, &invitation.id, &member)? {
        return Err(gone());
    }
    accounts::actions::admitted(conn, now, account)?;
    Ok(member)
}
