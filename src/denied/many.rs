//! Letting several denials be at once.

use actix_web::{HttpResponse, web};
use askama::Template;

use std::collections::BTreeMap;

use super::model::{Denial, State};
use super::{actions, letters, queries};
use crate::audit::Actor;
use crate::mail::Post;
use crate::orgs;
use crate::session::{Admin, Frame};
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site, paging};

/// How many can be dismissed at once.
const MOST: usize = 1_000;

#[derive(Template)]
#[template(path = "denied/dismiss_many.html")]
struct Dismiss {
    frame: Frame,
    denials: Vec<Denial>,
    /// To how many of these people a letter goes.
    told: usize,
    note: String,
    errors: FieldErrors,
    /// The filters of the list that one came from.
    list: String,
}

type Query = web::Query<Vec<(String, String)>>;

/// `GET /orgs/{org}/denied/dismiss?id=…&id=…`: what dismissing these will do.
pub async fn ask_to_dismiss(
    admin: Admin,
    site: web::Data<Site>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let list = paging::kept(&query);
    let fields = query.into_inner();
    let ids = fields.into_iter().filter(|(name, _)| name == "id");
    let ids = ids.map(|(_, id)| id).collect();
    page(&admin, &site, ids, list, String::new(), FieldErrors::default()).await
}

/// `POST /orgs/{org}/denied/dismiss`
pub async fn dismiss(admin: Admin, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let (ids, note) = (form.all("id"), form.text("note").to_owned());
    let list = paging::kept(form.fields());
    if note.chars().count() > actions::LONGEST_NOTE {
        let errors = FieldErrors::one("note", "The note has more than 500 characters. Shorten it.");
        return page(&admin, &site, ids, list, note, errors).await;
    }
    if ids.is_empty() || ids.len() > MOST {
        return Ok(nobody(&admin, &site, &list));
    }
    let (organization, now, actor) = (admin.organization.clone(), site.now(), Actor::from(&*admin));
    let (post, meant) = (Post::of(&site), ids.len());
    let versions = form.all("version");
    let shown = ids.into_iter().zip(versions);
    let shown: BTreeMap<String, i64> = shown
        .filter_map(|(id, version)| Some((id, version.parse().ok()?)))
        .collect();
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let before = actions::dismiss_many(conn, now, &actor, &organization, &shown, &note)?;
            let organization = orgs::find(conn, &organization)?.ok_or(Problem::NotFound)?;
            letters::dismissed(conn, now, &post, &organization, &before)?;
            Ok(before.len())
        })
        .await?;
    let sentence = match done {
        1 => "1 denial is dismissed.".to_owned(),
        count => format!("{count} denials are dismissed."),
    };
    let sentence = match meant.saturating_sub(done) {
        0 => sentence,
        1 => format!("{sentence} 1 changed meanwhile and is left as it is."),
        left => format!("{sentence} {left} changed meanwhile and are left as they are."),
    };
    Ok(Flash::good(sentence).redirect(&site, &admin.path(&format!("/denied{list}"))))
}

fn nobody(admin: &Admin, site: &Site, list: &str) -> HttpResponse {
    let list = admin.path(&format!("/denied{list}"));
    Flash::bad("Tick the people first, at most a thousand at once.").redirect(site, &list)
}

async fn page(
    admin: &Admin,
    site: &Site,
    ids: Vec<String>,
    list: String,
    note: String,
    errors: FieldErrors,
) -> Result<HttpResponse, Problem> {
    let organization = admin.organization.clone();
    let found = site
        .store
        .reading(move |conn| queries::find_many(conn, &organization, &ids));
    let mut denials = found.await.map_err(Problem::from)?;
    denials.retain(|denial| matches!(denial.state, State::Open | State::Invited));
    if denials.is_empty() || denials.len() > MOST {
        return Ok(nobody(admin, site, &list));
    }
    let is_fine = errors.is_empty();
    let page = Dismiss {
        frame: admin.frame("denied"),
        told: denials
            .iter()
            .filter(|denial| Post::of(site).is_configured() && letters::whom_to_tell(denial).is_some())
            .count(),
        denials,
        note,
        errors,
        list,
    };
    Ok(if is_fine {
        Page::new(page).response()
    } else {
        Page::unprocessable(page).response()
    })
}
