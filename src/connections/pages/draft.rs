//! The draft beside a live connection: what differs, whether it was tested, and swapping it in; and what held before, for
//! taking back.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::desk::Desk;
use crate::connections::saml::Difference;
use crate::connections::versions::{self, Kind, Version, actions as drafting};
use crate::connections::{Connection, queries, testing};
use crate::session::{Frame, Fresh, Owner};
use crate::store::time::Timestamp;
use crate::web::{Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "connections/draft.html")]
struct DraftPage {
    frame: Frame,
    base: String,
    connection: Connection,
    /// None where nothing is being prepared.
    draft: Option<Shown>,
    may_switch: bool,
    refusal: Option<String>,
}

#[derive(Template)]
#[template(path = "connections/previous.html")]
struct PreviousPage {
    frame: Frame,
    base: String,
    connection: Connection,
    /// None where nothing held before.
    previous: Option<Shown>,
    refusal: Option<String>,
}

/// Settings that would come to hold.
struct Shown {
    differences: Vec<Difference>,
    /// What tells these settings from others.
    seen: String,
    at: Timestamp,
    by: String,
    /// Whether their last test passed.
    tested: bool,
    /// Whether people would be known by another name of the provider.
    other_issuer: bool,
}

type Id = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/draft`
pub async fn draft(owner: Owner, site: web::Data<Site>, path: Id) -> Result<HttpResponse, Problem> {
    draft_at(&Desk::of_owner(&owner, &path.1), &site, None).await
}

/// `POST /orgs/{org}/connections/{id}/draft`
pub async fn settle(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    settle_at(&Desk::of_owner(&owner, &path.1), &site, &form).await
}

/// `GET /orgs/{org}/connections/{id}/previous`
pub async fn previous(owner: Owner, site: web::Data<Site>, path: Id) -> Result<HttpResponse, Problem> {
    previous_at(&Desk::of_owner(&owner, &path.1), &site, None).await
}

/// The page, for whoever looks after the connection; with why nothing was done.
pub(super) async fn draft_at(
    desk: &Desk,
    site: &web::Data<Site>,
    refusal: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (connection, draft) = load(desk, site, Kind::Draft).await?;
    let status = status(refusal.as_ref());
    let page = DraftPage {
        frame: desk.frame.clone(),
        base: desk.base.clone(),
        may_switch: desk.may_switch,
        connection,
        draft,
        refusal,
    };
    Ok(Page::with_status(status, page).response())
}

async fn previous_at(
    desk: &Desk,
    site: &web::Data<Site>,
    refusal: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (connection, previous) = load(desk, site, Kind::Previous).await?;
    let status = status(refusal.as_ref());
    let page = PreviousPage {
        frame: desk.frame.clone(),
        base: desk.base.clone(),
        connection,
        previous,
        refusal,
    };
    Ok(Page::with_status(status, page).response())
}

fn status(refusal: Option<&String>) -> StatusCode {
    refusal.map_or(StatusCode::OK, |_| StatusCode::CONFLICT)
}

async fn load(
    desk: &Desk,
    site: &web::Data<Site>,
    kind: Kind,
) -> Result<(Connection, Option<Shown>), Problem> {
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    site.store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let live = versions::live(conn, &connection)?;
            let Some(Version { provider, at, by }) = versions::find(conn, &connection, kind)? else {
                return Ok((connection, None));
            };
            let seen = provider.print();
            let shown = Shown {
                differences: live.differences(&provider),
                tested: testing::passed(conn, &connection.id, &seen)?,
                other_issuer: live.issuer() != provider.issuer(),
                seen,
                at,
                by,
            };
            Ok((connection, Some(shown)))
        })
        .await
}

/// Swaps the draft in or throws it away, for whoever looks after the connection.
pub(super) async fn settle_at(
    desk: &Desk,
    site: &web::Data<Site>,
    form: &Posted,
) -> Result<HttpResponse, Problem> {
    let is_swap = match form.text("do") {
        "swap" => true,
        "discard" => false,
        _ => return Err(Problem::Invalid("The form does not say what to do.".to_owned())),
    };
    if is_swap && !desk.may_switch {
        return Err(Problem::Forbidden(
            "This set-up link does not let you swap the draft in. Ask whoever gave it to you.".to_owned(),
        ));
    }
    let (seen, untested) = (
        form.text("seen").to_owned(),
        form.has("untested") && !desk.frame.guest,
    );
    let done = act(desk, site, form.version(), move |conn, now, actor, known| {
        if !is_swap {
            return drafting::discard(conn, now, actor, known);
        }
        if !untested && !testing::passed(conn, &known.id, &seen)? {
            return Err(Problem::Conflict(
                "The draft has not passed a test. Test it first.".to_owned(),
            ));
        }
        drafting::swap_in(conn, now, actor, known, &seen)
    })
    .await?;
    match done {
        Err(refusal) => draft_at(desk, site, Some(refusal)).await,
        Ok(done) if is_swap => {
            let sentence = format!(
                "{} uses the new settings from now on. What held before is kept: it can be taken back.",
                done.name
            );
            Ok(Flash::good(sentence).redirect(site, &desk.base))
        }
        Ok(done) => {
            let sentence = format!("The draft of {} is thrown away. Nothing else changed.", done.name);
            Ok(Flash::good(sentence).redirect(site, &desk.base))
        }
    }
}

/// `POST /orgs/{org}/connections/{id}/previous`
pub async fn take_back(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (desk, seen) = (Desk::of_owner(&owner, &path.1), form.text("seen").to_owned());
    let done = act(&desk, &site, form.version(), move |conn, now, actor, known| {
        drafting::take_back(conn, now, actor, known, &seen)
    })
    .await?;
    match done {
        Err(refusal) => previous_at(&desk, &site, Some(refusal)).await,
        Ok(done) => {
            let sentence = format!("{} uses the settings from before again.", done.name);
            Ok(Flash::good(sentence).redirect(&site, &desk.base))
        }
    }
}

/// Does it to the version that the form was made from; or says why not.
pub(super) async fn act(
    desk: &Desk,
    site: &web::Data<Site>,
    version: i64,
    deed: impl FnOnce(
        &mut crate::store::Conn,
        Timestamp,
        &crate::audit::Actor,
        &Connection,
    ) -> Result<Connection, Problem>
    + Send
    + 'static,
) -> Result<Result<Connection, String>, Problem> {
    let (now, actor) = (site.now(), desk.actor.clone());
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    let done = site
        .store
        .writing_in(&desk.organization, move |conn| {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            if known.version != version {
                return Err(Problem::Conflict(
                    "This connection was changed meanwhile. Nothing of yours was done. This is how it stands now."
                        .to_owned(),
                ));
            }
            deed(conn, now, &actor, &known)
        })
        .await;
    match done {
        Ok(connection) => Ok(Ok(connection)),
        Err(Problem::Conflict(sentence)) => Ok(Err(sentence)),
        Err(problem) => Err(problem),
    }
}
