//! Resending and revoking, one or many: first what it will do, then it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::model::{Invitation, State};
use super::queries::{self, Wanted};
use super::sent::{Links, Unneeded};
use super::{actions, letters};
use crate::access::Role;
use crate::audit::Actor;
use crate::connections;
use crate::mail::Post;
use crate::orgs;
use crate::seats::{self, Seats};
use crate::session::{Admin, Frame};
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::{Flash, Page, Posted, Problem, Site, paging};

/// How many are acted on at once, so that nobody who signs in has to wait for it.
const MOST: usize = 1_000;

/// Which invitations are meant.
#[derive(Debug, Clone)]
enum Whom {
    /// These.
    Ids(Vec<String>),
    /// All that match.
    Matching(Wanted),
}

impl Whom {
    /// From the fields of an address or a form: `id`s, or `all` and the fields of the list's filter.
    fn of(fields: &[(String, String)]) -> Self {
        let text = |name: &str| {
            let field = fields.iter().find(|(known, _)| known == name);
            field
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        if !text("all").is_empty() {
            return Self::Matching(Wanted::of(&text("q"), &text("state")));
        }
        let ids = fields.iter().filter(|(name, _)| name == "id");
        Self::Ids(ids.map(|(_, id)| id.clone()).take(MOST).collect())
    }

    /// What is said where they are not what was shown.
    fn moved_on(&self) -> &'static str {
        match self {
            Self::Ids(_) => {
                "One of these invitations was changed meanwhile. Nothing was done: tick them again to see how they stand."
            }
            Self::Matching(_) => {
                "Other invitations match by now than were shown. Nothing was changed: look at them again."
            }
        }
    }

    /// The newest of those that are meant, and whether there are more than are acted on at once.
    fn load(
        &self,
        conn: &mut Conn,
        act: Act,
        organization: &str,
        now: Timestamp,
    ) -> Result<(Vec<Invitation>, bool), Problem> {
        match self {
            Self::Ids(ids) => Ok((queries::find_many(conn, organization, ids)?, false)),
            Self::Matching(wanted) => {
                let most = i64::try_from(MOST + 1).map_err(Problem::internal)?;
                let mut found = queries::matching(conn, organization, now, wanted, act.stored(wanted), most)?;
                let more = found.len() > MOST;
                found.truncate(MOST);
                Ok((found, more))
            }
        }
    }
}

/// What the page showed, in few letters: whoever confirms it confirms just that.
fn digest(chosen: &[Invitation]) -> String {
    let shown: Vec<String> = chosen
        .iter()
        .map(|one| format!("{} {}", one.id, one.version))
        .collect();
    id::hash_token(&shown.join("\n"))
}

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

    /// The states in the table of those that are meant. Who was taken back or said no is meant only where somebody asks for
    /// that state.
    fn stored(self, wanted: &Wanted) -> &'static [State] {
        match self {
            Self::Resend if wanted.state.is_some() => &[State::Pending, State::Revoked, State::Declined],
            Self::Resend | Self::Revoke => &[State::Pending],
        }
    }

    /// Those that it is possible for, and why it is not for the others.
    fn choose(
        self,
        conn: &mut Conn,
        organization: &str,
        now: Timestamp,
        found: Vec<Invitation>,
    ) -> Result<actions::Sifted, Problem> {
        match self {
            Self::Resend => actions::resendable(conn, now, organization, found),
            Self::Revoke => {
                let (chosen, others): (Vec<_>, Vec<_>) =
                    found.into_iter().partition(|one| one.state(now).can_be_revoked());
                let why = |one: Invitation| (one, "Only what waits can be revoked.".to_owned());
                Ok((chosen, others.into_iter().map(why).collect()))
            }
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
    /// Those that can't be acted on, and why.
    others: Vec<(Invitation, String)>,
    /// The filter by which they were found.
    wanted: Option<Wanted>,
    /// The filter of the list that one came from.
    list: String,
    /// Whether more match.
    more: bool,
    digest: String,
    seats: Seats,
    too_few: Option<String>,
    days: i64,
    is_mailing: bool,
    now: Timestamp,
}

impl Confirm {
    /// Whether those that were revoked or declined are left out.
    fn is_about_those_that_wait(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted.state.is_none())
    }

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
            (Act::Resend, Some(_)) if self.is_mailing => "Send a fresh link".to_owned(),
            (Act::Resend, Some(_)) => "Make a fresh link".to_owned(),
            (Act::Revoke, Some(_)) => "Revoke the invitation".to_owned(),
            (Act::Resend, None) if self.is_mailing => {
                format!("Send {}", count(self.chosen.len(), "fresh link"))
            }
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
            None => self.frame.path(&format!("/invitations{}", self.list)),
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
    let mut confirm = load(act, &admin, &site, Whom::Ids(vec![id])).await?;
    confirm.single = confirm.chosen.first().cloned();
    match (&confirm.single, confirm.others.first()) {
        (None, Some((other, _))) if !act.is_possible(other.state(confirm.now)) => {
            Err(refused(act, other, confirm.now))
        }
        (None, Some((_, why))) => Err(Problem::Conflict(why.clone())),
        (None, None) => Err(Problem::NotFound),
        _ => Ok(Page::new(confirm).response()),
    }
}

/// `GET /orgs/{org}/invitations/resend?id=…&id=…` or `…?all=yes&state=…`, and `…/revoke?…`.
pub(super) async fn confirm_many(
    act: Act,
    admin: Admin,
    site: web::Data<Site>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let (whom, list) = (Whom::of(&query), paging::kept(&query));
    if matches!(&whom, Whom::Ids(ids) if ids.is_empty()) {
        let list = admin.path(&format!("/invitations{list}"));
        return Ok(Flash::bad("Tick at least one invitation first.").redirect(&site, &list));
    }
    let confirm = load(act, &admin, &site, whom).await?;
    Ok(Page::new(Confirm { list, ..confirm }).response())
}

async fn load(act: Act, admin: &Admin, site: &Site, whom: Whom) -> Result<Confirm, Problem> {
    let (frame, organization, now) = (admin.frame("invitations"), admin.organization.clone(), site.now());
    let found = site
        .store
        .reading(move |conn| confirm(conn, act, frame, &organization, now, whom))
        .await?;
    Ok(Confirm {
        is_mailing: Post::of(site).is_configured(),
        ..found
    })
}

fn confirm(
    conn: &mut Conn,
    act: Act,
    frame: Frame,
    organization: &str,
    now: Timestamp,
    whom: Whom,
) -> Result<Confirm, Problem> {
    let organization = orgs::find(conn, organization)?.ok_or(Problem::NotFound)?;
    let (found, more) = whom.load(conn, act, &organization.id, now)?;
    let seats = seats::count(conn, &organization.id, now)?;
    let (chosen, others) = act.choose(conn, &organization.id, now, found)?;
    let seatless = chosen
        .iter()
        .filter(|one| one.state(now) != State::Pending)
        .count();
    let too_few = actions::too_few(&organization.settings.name, &seats, seatless);
    Ok(Confirm {
        frame,
        act,
        single: None,
        digest: digest(&chosen),
        chosen,
        others,
        wanted: match whom {
            Whom::Matching(wanted) => Some(wanted),
            Whom::Ids(_) => None,
        },
        list: String::new(),
        more,
        seats,
        too_few: too_few.filter(|_| act == Act::Resend && seatless > 0),
        days: organization.settings.invitation_days,
        is_mailing: false,
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

/// `POST` of the same paths. A form about one invitation carries the version that it showed, one about many what it showed
/// of them.
pub(super) async fn act(
    act: Act,
    admin: Admin,
    site: web::Data<Site>,
    single: Option<String>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let shown = match &single {
        Some(_) => Shown::Version(form.version()),
        None => Shown::Digest(form.text("digest").to_owned()),
    };
    let list = admin.path(&format!("/invitations{}", paging::kept(form.fields())));
    let place = match &single {
        Some(id) => format!("/invitations/{id}/{}", act.path()),
        None => format!("/invitations/{}", act.path()),
    };
    let whom = single.map_or_else(|| Whom::of(form.fields()), |id| Whom::Ids(vec![id]));
    if matches!(&whom, Whom::Ids(ids) if ids.is_empty()) {
        return Err(Problem::Invalid(format!("Send 1 to {MOST} invitations.")));
    }
    let (who, now, post) = (admin.clone(), site.now(), Post::of(&site));
    let mailed = post.is_configured() && !form.has("copy");
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let done = perform(conn, now, act, &who, &whom, &shown)?;
            if let Done::Resent(sent, _) = &done {
                letters::fresh(conn, now, &post, &who.organization, sent, mailed)?;
            }
            Ok(done)
        })
        .await;
    if matches!(done, Err(Problem::StillYou(_))) {
        return Err(admin.signed.keep(&site, &admin.path(&place), &form).await?);
    }
    Ok(match done? {
        Done::Resent(sent, vouching) => Page::new(Links {
            frame: admin.frame("invitations"),
            again: true,
            mailed,
            sent: Links::of(&site, &sent),
            unneeded: Unneeded::of(&site, &admin, &sent, &vouching),
            left_out: Vec::new(),
            denial: None,
        })
        .response(),
        Done::Revoked(number, true) => Flash::good(format!(
            "{number} invitations are revoked. Their links open nothing any more. More match: do it again for the rest."
        ))
        .redirect(&site, &list),
        Done::Revoked(1, _) => {
            Flash::good("The invitation is revoked. Its link opens nothing any more.").redirect(&site, &list)
        }
        Done::Revoked(number, _) => Flash::good(format!(
            "{number} invitations are revoked. Their links open nothing any more."
        ))
        .redirect(&site, &list),
    })
}

enum Done {
    /// These; and what vouches for whose address.
    Resent(Vec<super::Sent>, Vec<(String, String)>),
    /// So many; and whether more match.
    Revoked(usize, bool),
}

/// What the page that was confirmed had shown.
enum Shown {
    Version(i64),
    Digest(String),
}

fn perform(
    conn: &mut Conn,
    now: Timestamp,
    act: Act,
    admin: &Admin,
    whom: &Whom,
    shown: &Shown,
) -> Result<Done, Problem> {
    let own_role = actions::role_now(conn, admin)?;
    let (found, more) = whom.load(conn, act, &admin.organization, now)?;
    let chosen: Vec<Invitation> = match shown {
        Shown::Version(version) => {
            let one = found.first().ok_or(Problem::NotFound)?;
            if !act.is_possible(one.state(now)) {
                return Err(refused(act, one, now));
            }
            if one.version != *version {
                return Err(Problem::Conflict(
                    "This invitation was changed meanwhile. Open it again to see how it stands.".to_owned(),
                ));
            }
            found
        }
        Shown::Digest(shown) => {
            let (chosen, _) = act.choose(conn, &admin.organization, now, found)?;
            if digest(&chosen) != *shown {
                return Err(Problem::Conflict(whom.moved_on().to_owned()));
            }
            chosen
        }
    };
    // A fresh link makes an owner as the first one did.
    let makes_owners = act == Act::Resend && chosen.iter().any(|one| one.role == Role::Owner);
    if makes_owners && !admin.signed.is_fresh {
        return Err(Problem::StillYou(String::new()));
    }
    let ids: Vec<String> = chosen.into_iter().map(|one| one.id).collect();
    let actor = Actor::from(&**admin);
    match act {
        Act::Resend => {
            let organization = orgs::find(conn, &admin.organization)?.ok_or(Problem::NotFound)?;
            let sent = actions::resend(conn, now, &actor, own_role, &organization, &ids)?;
            Ok(Done::Resent(sent, connections::vouching(conn, &organization.id)?))
        }
        Act::Revoke => {
            let number = actions::revoke(conn, now, &actor, own_role, &admin.organization, &ids)?;
            Ok(Done::Revoked(number, more))
        }
    }
}
