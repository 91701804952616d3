//! Pages that change a denial: GET shows what will happen, POST makes it happen.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::model::{Denial, State};
use super::queries;
use super::{actions, letters, pages};
use crate::access::EmailAddress;
use crate::audit::Actor;
use crate::mail::Post;
use crate::orgs;
use crate::session::{Admin, Frame};
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "denied/dismiss.html")]
pub struct Dismiss {
    frame: Frame,
    denial: Denial,
    /// Whom a letter goes to; none where the person is told nothing.
    told: Option<EmailAddress>,
    note: String,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "denied/reopen.html")]
pub struct Reopen {
    frame: Frame,
    denial: Denial,
}

type Named = web::Path<(String, String)>;

/// What dismissing will do, and a note why.
pub async fn ask_to_dismiss(
    admin: Admin,
    site: web::Data<Site>,
    path: Named,
) -> Result<Page<Dismiss>, Problem> {
    let denial = denial(&admin, &site, path.into_inner().1).await?;
    if !matches!(denial.state, State::Open | State::Invited) {
        return Err(already(&denial));
    }
    let page = dismiss_page(&admin, &site, denial, "", FieldErrors::default());
    Ok(Page::new(page))
}

/// Dismisses.
pub async fn dismiss(
    admin: Admin,
    site: web::Data<Site>,
    path: Named,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let note = form.text("note").to_owned();
    if note.chars().count() > actions::LONGEST_NOTE {
        let denial = denial(&admin, &site, id).await?;
        let errors = FieldErrors::one("note", "The note has more than 500 characters. Shorten it.");
        return Ok(Page::unprocessable(dismiss_page(&admin, &site, denial, &note, errors)).response());
    }
    let (organization, now, actor) = (admin.organization.clone(), site.now(), Actor::from(&*admin));
    let (version, post) = (form.version(), Post::of(&site));
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let before = queries::find(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let done = actions::dismiss(conn, now, &actor, &organization, (&id, version), &note)?;
            let organization = orgs::find(conn, &organization)?.ok_or(Problem::NotFound)?;
            letters::dismissed(conn, now, &post, &organization, &[before])?;
            Ok(done)
        })
        .await?;
    Ok(
        Flash::good(format!("The denial of {} is dismissed.", done.person()))
            .redirect(&site, &admin.path(&format!("/denied/{}", done.id))),
    )
}

/// What reopening will do.
pub async fn ask_to_reopen(
    admin: Admin,
    site: web::Data<Site>,
    path: Named,
) -> Result<Page<Reopen>, Problem> {
    let denial = denial(&admin, &site, path.into_inner().1).await?;
    if denial.state != State::Dismissed {
        return Err(already(&denial));
    }
    Ok(Page::new(Reopen {
        frame: admin.frame("denied"),
        denial,
    }))
}

/// Reopens.
pub async fn reopen(
    admin: Admin,
    site: web::Data<Site>,
    path: Named,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let (organization, now, actor) = (admin.organization.clone(), site.now(), Actor::from(&*admin));
    let version = form.version();
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| {
            actions::reopen(conn, now, &actor, &organization, (&id, version))
        })
        .await?;
    Ok(
        Flash::good(format!("The denial of {} is open again.", done.person()))
            .redirect(&site, &admin.path(&format!("/denied/{}", done.id))),
    )
}

/// Gives a denial to somebody, or to nobody.
pub async fn assign(
    admin: Admin,
    site: web::Data<Site>,
    path: Named,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let (organization, now, actor) = (admin.organization.clone(), site.now(), Actor::from(&*admin));
    let (version, account) = (form.version(), form.text("to").to_owned());
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| {
            actions::assign(conn, now, &actor, &organization, (&id, version), &account)
        })
        .await?;
    let sentence = if done.assigned_account.is_empty() {
        "Nobody takes care of this denial now.".to_owned()
    } else {
        format!("{} takes care of this denial.", done.assigned_name)
    };
    Ok(Flash::good(sentence).redirect(&site, &admin.path(&format!("/denied/{}", done.id))))
}

/// Keeps a note.
pub async fn note(
    admin: Admin,
    site: web::Data<Site>,
    path: Named,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let (organization, now, actor) = (admin.organization.clone(), site.now(), Actor::from(&*admin));
    let (text, known) = (form.text("note").to_owned(), id.clone());
    let typed = text.clone();
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| {
            actions::add_note(conn, now, &actor, &organization, &known, &text)
        })
        .await;
    match done {
        Ok(denial) => {
            let path = admin.path(&format!("/denied/{}", denial.id));
            Ok(Flash::good("The note is kept.").redirect(&site, &path))
        }
        Err(Problem::Invalid(sentence)) => {
            let page = pages::shown(&admin, &site, id, typed, Some(sentence)).await?;
            Ok(Page::unprocessable(page).response())
        }
        Err(problem) => Err(problem),
    }
}

async fn denial(admin: &Admin, site: &Site, id: String) -> Result<Denial, Problem> {
    let organization = admin.organization.clone();
    site.store
        .reading(move |conn| queries::find(conn, &organization, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)
}

fn already(denial: &Denial) -> Problem {
    Problem::Conflict(format!("This denial is {} already.", denial.state.as_str()))
}

fn dismiss_page(admin: &Admin, site: &Site, denial: Denial, note: &str, errors: FieldErrors) -> Dismiss {
    Dismiss {
        frame: admin.frame("denied"),
        told: letters::whom_to_tell(&denial).filter(|_| Post::of(site).is_configured()),
        denial,
        note: note.to_owned(),
        errors,
    }
}
