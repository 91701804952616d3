//! Ending one's own sessions: one, the others, all.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::audit::{self, Actor, Event, Subject};
use crate::session::{self, Signed};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Flash, Posted, Problem, Site, see_other};

/// `POST /account/sessions/{id}/end`: signs one browser out.
pub async fn end(
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

/// `POST /account/sessions/end-others`: signs every browser out but this one.
pub async fn end_others(
    site: web::Data<Site>,
    signed: Signed,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (now, actor) = (site.now(), Actor::from(&signed));
    let ended = site
        .store
        .writing(move |conn| -> Result<_, Problem> {
            let ended = session::end_others(conn, &signed.account, &signed.session)?;
            note_ended(conn, now, &actor, &signed)?;
            Ok(ended)
        })
        .await?;
    let sentence = match ended {
        0 => "No other browser was signed in.".to_owned(),
        1 => "1 other browser is signed out.".to_owned(),
        some => format!("{some} other browsers are signed out."),
    };
    Ok(Flash::good(sentence).redirect(&site, "/account"))
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
