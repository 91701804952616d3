//! Resending and revoking, one or many: first what it will do, then it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::actions;
use super::asking::Links;
use super::model::{Invitation, State};
use super::queries;
use crate::audit::Actor;
use crate::orgs;
use crate::seats::{self, Seats};
use crate::session::{Admin, Frame};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::{Flash, Page, Posted, Problem, Site};

/// How many are acted on at once.
const MOST: usize = 1_000;

/// What is done to invitations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A fresh link.
    Resend,
    /// Take it back.
    Revoke,
}

impl Act {
    fn path(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Revoke => "revoke",
        }
    }

    fn is_possible(self, state: State) -> bool {
        match self {
            Self::Resend => state.can_be_resent(),
            Self::Revoke => state.can_be_revoked(),
        }
    }
}

/// What it will do.
#[derive(Template)]
#[template(path = "invitations/confirm.html")]
pub(super) struct Confirm {
    frame: Frame,
    act: Act,
    /// The one whose own page this is.
    single: Option<Invitation>,
    chosen: Vec<Invitation>,
    /// Those that can't be acted on.
    others: Vec<Invitation>,
    seats: Seats,
    too_few: Option<String>,
    days: i64,
    now: Timestamp,
}

impl Confirm {
    fn title(&self) -> String {
        match (self.act, &self.single) {
            (Act::Resend, Some(one)) => format!("Send {} a fresh link?", one.email),
            (Act::Revoke, Some(one)) => format!("Revoke the invitation of {}?", one.email),
            (Act::Resend, None) => format!("Make {} fresh?", count(self.chosen.len(), "link")),
            (Act::Revoke, None) => format!("Revoke {}?", count(self.chosen.len(), "invitation")),
        }
    }

    fn button(&self) -> String {
        match (self.act, &self.single) {
            (Act::Resend, Some(_)) => "Make a fresh link".to_owned(),
            (Act::Revoke, Some(_)) => "Revoke the invitation".to_owned(),
            (Act::Resend, None) => format!("Make {}", count(self.chosen.len(), "fresh link")),
            (Act::Revoke, None) => format!("Revoke {}", count(self.chosen.len(), "invitation")),
        }
    }

    fn action(&self) -> String {
        let place = match &self.single {
            Some(one) => format!("/invitations/{}/{}", one.id, self.act.path()),
            None => format!("/invitations/{}", self.act.path()),
        };
        self.frame.path(&place)
    }

    fn back(&self) -> String {
        match &self.single {
            Some(one) => self.frame.path(&format!("/invitations/{}", one.id)),
            None => self.frame.path("/invitations"),
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// `GET /orgs/{org}/invitations/{id}/resend` and `…/revoke`.
pub(super) async fn confirm_one(
    act: Act,
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (_, id) = path.into_inner();
    let mut confirm = load(act, &admin, &site, vec![id]).await?;
    confirm.single = confirm.chosen.first().cloned();
    match (&confirm.single, confirm.others.first()) {
        (None, Some(other)) => Err(refused(act, other, confirm.now)),
        (None, None) => Err(Problem::NotFound),
        _ => Ok(Page::new(confirm).response()),
    }
}

/// `GET /orgs/{org}/invitations/resend?id=…&id=…` and `…/revoke?…`.
pub(super) async fn confirm_many(
    act: Act,
    admin: Admin,
    site: web::Data<Site>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let ids: Vec<String> = query
        .into_inner()
        .into_iter()
        .filter(|(name, _)| name == "id")
        .map(|(_, id)| id)
        .take(MOST)
        .collect();
    if ids.is_empty() {
        let list = admin.path("/invitations");
        return Ok(Flash::bad("Tick at least one invitation first.").redirect(&site, &list));
    }
    Ok(Page::new(load(act, &admin, &site, ids).await?).response())
}

async fn load(act: Act, admin: &Admin, site: &Site, ids: Vec<String>) -> Result<Confirm, Problem> {
    let (frame, organization, now) = (admin.frame("invitations"), admin.organization.clone(), site.now());
    site.store
        .reading(move |conn| confirm(conn, act, frame, &organization, now, &ids))
        .await
}

fn confirm(
    conn: &mut Conn,
    act: Act,
    frame: Frame,
    organization: &str,
    now: Timestamp,
    ids: &[String],
) -> Result<Confirm, Problem> {
    let organization = orgs::find(conn, organization)?.ok_or(Problem::NotFound)?;
    let found = queries::find_many(conn, &organization.id, ids)?;
    let seats = seats::count(conn, &organization.id, now)?;
    let (chosen, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|one| act.is_possible(one.state(now)));
    let seatless = chosen
        .iter()
        .filter(|one| one.state(now) != State::Pending)
        .count();
    let too_few = actions::too_few(&organization.settings.name, &seats, seatless);
    Ok(Confirm {
        frame,
        act,
        single: None,
        chosen,
        others,
        seats,
        too_few: too_few.filter(|_| act == Act::Resend && seatless > 0),
        days: organization.settings.invitation_days,
        now,
    })
}

fn refused(act: Act, one: &Invitation, now: Timestamp) -> Problem {
    let done = match act {
        Act::Resend => "sent again",
        Act::Revoke => "revoked",
    };
    Problem::Conflict(format!(
        "The invitation of {} can’t be {done}: it is {}.",
        one.email,
        one.state(now).as_str()
    ))
}

/// `POST` of the same paths. A form about one invitation carries the version that it showed.
pub(super) async fn act(
    act: Act,
    admin: Admin,
    site: web::Data<Site>,
    single: Option<String>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (ids, version) = match single {
        Some(id) => (vec![id], Some(form.version())),
        None => (form.all("id"), None),
    };
    if ids.is_empty() || ids.len() > MOST {
        return Err(Problem::Invalid(format!("Send 1 to {MOST} invitations.")));
    }
    let (who, now) = (admin.clone(), site.now());
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| {
            perform(conn, now, act, &who, &ids, version)
        })
        .await?;
    let list = admin.path("/invitations");
    Ok(match done {
        Done::Resent(sent) => Page::new(Links {
            frame: admin.frame("invitations"),
            again: true,
            sent: Links::of(&site, &sent),
            left_out: Vec::new(),
            denial: None,
        })
        .response(),
        Done::Revoked(1) => {
            Flash::good("The invitation is revoked. Its link opens nothing any more.").redirect(&site, &list)
        }
        Done::Revoked(number) => Flash::good(format!(
            "{number} invitations are revoked. Their links open nothing any more."
        ))
        .redirect(&site, &list),
    })
}

enum Done {
    Resent(Vec<super::Sent>),
    Revoked(usize),
}

fn perform(
    conn: &mut Conn,
    now: Timestamp,
    act: Act,
    admin: &Admin,
    ids: &[String],
    version: Option<i64>,
) -> Result<Done, Problem> {
    let own_role = actions::role_now(conn, admin)?;
    if let (Some(version), [id]) = (version, ids) {
        let one = queries::find(conn, &admin.organization, id)?.ok_or(Problem::NotFound)?;
        if !act.is_possible(one.state(now)) {
            return Err(refused(act, &one, now));
        }
        if one.version != version {
            return Err(Problem::Conflict(
                "This invitation was changed meanwhile. Open it again to see how it stands.".to_owned(),
            ));
        }
    }
    let actor = Actor::from(&**admin);
    match act {
        Act::Resend => {
            let organization = orgs::find(conn, &admin.organization)?.ok_or(Problem::NotFound)?;
            actions::resend(conn, now, &actor, own_role, &organization, ids).map(Done::Resent)
        }
        Act::Revoke => {
            actions::revoke(conn, now, &actor, own_role, &admin.organization, ids).map(Done::Revoked)
        }
    }
}
