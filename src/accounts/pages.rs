//! My account: who one is here, where one is signed in, username and password.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Account, actions, passwords, queries};
use crate::access::Username;
use crate::audit::{self, Actor, Event, Subject};
use crate::session::{self, Open, Signed};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Door, FieldErrors, Flash, Page, Posted, Problem, Site, see_other};

#[derive(Template)]
#[template(path = "accounts/account.html")]
struct Mine {
    door: Door,
    account: Account,
    sessions: Vec<Open>,
    here: String,
    organizations: Vec<(String, String)>,
    errors: FieldErrors,
    username: String,
}

async fn mine(
    door: Door,
    site: &Site,
    signed: &Signed,
    errors: FieldErrors,
    typed: Option<String>,
) -> Result<Mine, Problem> {
    let (id, own, now) = (signed.account.clone(), signed.organization.clone(), site.now());
    let (account, sessions, mut organizations) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let account = queries::find(conn, &id)?.ok_or(Problem::NotFound)?;
            Ok((
                account,
                session::list(conn, &id, own.as_deref(), now)?,
                session::organizations_of(conn, &id)?,
            ))
        })
        .await?;
    // Whoever came by one organization's provider is told nothing of the person's other organizations.
    if let Some(own) = &signed.organization {
        organizations.retain(|(id, ..)| id == own);
    }
    let organizations = organizations
        .into_iter()
        .map(|(_, slug, name)| (slug, name))
        .collect();
    let username = typed.unwrap_or_else(|| account.username.clone());
    Ok(Mine {
        door,
        account,
        sessions,
        here: signed.session.clone(),
        organizations,
        errors,
        username,
    })
}

/// `GET /account`.
pub async fn show(door: Door, site: web::Data<Site>, signed: Signed) -> Result<Page<impl Template>, Problem> {
    Ok(Page::new(
        mine(door, &site, &signed, FieldErrors::default(), None).await?,
    ))
}

/// `POST /account/username`: a person chooses another one.
pub async fn choose_username(
    door: Door,
    site: web::Data<Site>,
    signed: Signed,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let typed = form.text("username").to_owned();
    let errors = match Username::parse(&typed) {
        Err(error) => FieldErrors::one("username", error.to_string()),
        Ok(username) => {
            let (now, actor, id) = (site.now(), Actor::from(&signed), signed.account.clone());
            let outcome = site
                .store
                .writing(move |conn| -> Result<_, Problem> {
                    let account = queries::find(conn, &id)?.ok_or(Problem::NotFound)?;
                    actions::choose_username(conn, now, &actor, &account, &username)
                })
                .await?;
            match outcome {
                Ok(()) => return Ok(Flash::good("Your username is changed.").redirect(&site, "/account")),
                Err(errors) => errors,
            }
        }
    };
    Ok(Page::unprocessable(mine(door, &site, &signed, errors, Some(typed)).await?).response())
}

/// `POST /account/password`: sets or changes the password of somebody who came by password.
pub async fn change_password(
    door: Door,
    site: web::Data<Site>,
    signed: Signed,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = signed.account.clone();
    let account = site
        .store
        .reading(move |conn| queries::find(conn, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    let Some(old_hash) = account.password_hash.clone() else {
        return Err(Problem::Forbidden(
            "This account has no password. It signs in by single sign-on.".to_owned(),
        ));
    };
    let (old, new) = (form.raw("current").to_owned(), form.raw("password").to_owned());
    let mut errors = FieldErrors::default();
    if let Err(sentence) = passwords::check_policy(&new, &account.email) {
        errors.add("password", sentence);
    }
    let fits = web::block(move || passwords::verify(&old, Some(&old_hash)))
        .await
        .map_err(Problem::internal)?;
    if !fits {
        errors.add("current", "This is not your current password.");
    }
    if !errors.is_empty() {
        return Ok(Page::unprocessable(mine(door, &site, &signed, errors, None).await?).response());
    }
    let hash = web::block(move || passwords::hash(&new))
        .await
        .map_err(Problem::internal)?
        .map_err(Problem::Internal)?;
    let (now, actor) = (site.now(), Actor::from(&signed));
    site.store
        .writing(move |conn| -> Result<_, Problem> {
            actions::set_password(conn, now, &actor, &account, &hash)?;
            Ok(session::end_others(conn, &account.id, &signed.session)?)
        })
        .await?;
    Ok(Flash::good("Your password is changed. Other browsers are signed out.").redirect(&site, "/account"))
}

/// `POST /account/sessions/{id}/end`: signs one browser out.
pub async fn end_session(
    request: HttpRequest,
    site: web::Data<Site>,
    session: Session,
    signed: Signed,
    path: web::Path<String>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, now, actor) = (path.into_inner(), site.now(), Actor::from(&signed));
    let is_this = id == signed.session;
    let ended = site
        .store
        .writing(move |conn| -> Result<_, Problem> {
            let ended = session::end(conn, &signed.account, &id)?;
            note_ended(conn, now, &actor, &signed)?;
            Ok(ended)
        })
        .await?;
    if is_this {
        session::leave(&request, &session);
        return Ok(see_other("/sign-in"));
    }
    let flash = if ended == 0 {
        Flash::bad("That session had ended already.")
    } else {
        Flash::good("That browser is signed out.")
    };
    Ok(flash.redirect(&site, "/account"))
}

/// `POST /account/sign-out-everywhere`.
pub async fn sign_out_everywhere(
    request: HttpRequest,
    site: web::Data<Site>,
    session: Session,
    signed: Signed,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (now, actor) = (site.now(), Actor::from(&signed));
    site.store
        .writing(move |conn| -> Result<_, Problem> {
            session::end_all_of_account(conn, &signed.account)?;
            note_ended(conn, now, &actor, &signed)
        })
        .await?;
    session::leave(&request, &session);
    Ok(see_other("/sign-in"))
}

fn note_ended(conn: &mut Conn, now: Timestamp, actor: &Actor, signed: &Signed) -> Result<(), Problem> {
    let subject = Subject {
        kind: "account",
        id: &signed.account,
        name: &signed.email,
    };
    let organization = signed.organization.as_deref();
    Ok(audit::record(
        conn,
        now,
        actor,
        &Event {
            organization,
            action: "session.ended",
            subject,
            ..Event::default()
        },
    )?)
}
