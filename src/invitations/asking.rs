//! Inviting in three steps: type the addresses, review what becomes of each, send.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::actions;
use super::model::{New, Sent, TeamName};
use super::queries;
use super::review::{self, Sorted};
use crate::access::Role;
use crate::audit::Actor;
use crate::denied::{self, Denial};
use crate::orgs::{self, Organization};
use crate::seats::{self, Seats};
use crate::session::{Admin, Frame};
use crate::store::{Conn, DbError};
use crate::teams;
use crate::web::{FieldErrors, Page, Posted, Problem, Site};

/// What the address of the form may fill in.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Prefilled {
    #[serde(default)]
    email: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    denial: String,
}

/// What is typed.
#[derive(Debug, Clone)]
struct Wish {
    /// The text of all addresses.
    addresses: String,
    role: Role,
    teams: Vec<String>,
    /// The denied sign-in that this answers; empty for none.
    denial: String,
}

impl Wish {
    fn of(form: &Posted) -> Self {
        Self {
            addresses: form.all("addresses").join("\n").trim().to_owned(),
            role: Role::parse(form.text("role")).unwrap_or(Role::Member),
            teams: form.all("team"),
            denial: form.text("denial").to_owned(),
        }
    }

    fn pieces(&self) -> Vec<String> {
        review::split(&self.addresses)
    }

    fn check(&self, own: Role) -> FieldErrors {
        let mut errors = FieldErrors::default();
        let pieces = self.pieces().len();
        if pieces == 0 {
            errors.add("addresses", "Type at least one e-mail address.");
        } else if pieces > review::MOST {
            errors.add(
                "addresses",
                format!(
                    "These are {pieces} addresses. Invite at most {} at a time.",
                    review::MOST
                ),
            );
        }
        if !own.may_grant(self.role) {
            errors.add("role", "Choose a role that is not above your own.");
        }
        errors
    }
}

/// What stands around the form: teams, seats, the denial.
struct Around {
    organization: Organization,
    teams: Vec<TeamName>,
    seats: Seats,
    denial: Option<Denial>,
}

impl Around {
    fn load(conn: &mut Conn, organization: &str, now: i64, denial: &str) -> Result<Self, Problem> {
        let teams = teams::list(conn, organization)?;
        Ok(Self {
            organization: orgs::find(conn, organization)?.ok_or(Problem::NotFound)?,
            teams: teams
                .into_iter()
                .map(|team| TeamName {
                    id: team.id,
                    name: team.name,
                })
                .collect(),
            seats: seats::count(conn, organization, now)?,
            denial: if denial.is_empty() {
                None
            } else {
                denied::find(conn, organization, denial)?
            },
        })
    }
}

/// The form.
#[derive(Template)]
#[template(path = "invitations/new.html")]
struct Form {
    frame: Frame,
    wish: Wish,
    roles: Vec<Role>,
    around: Around,
    errors: FieldErrors,
}

impl Form {
    fn new(admin: &Admin, wish: Wish, around: Around, errors: FieldErrors) -> Self {
        let own = admin.role;
        Self {
            frame: admin.frame("invitations"),
            wish,
            roles: Role::ALL
                .iter()
                .copied()
                .filter(|role| own.may_grant(*role))
                .collect(),
            around,
            errors,
        }
    }
}

/// What becomes of each address.
#[derive(Template)]
#[template(path = "invitations/review.html")]
struct Review {
    frame: Frame,
    wish: Wish,
    teams: Vec<TeamName>,
    sorted: Sorted,
    seats: Seats,
    /// Why the seats don't suffice.
    too_few: Option<String>,
}

impl Review {
    fn places(&self) -> Vec<(&'static str, &'static str, &[String])> {
        let places: [(_, _, &[String]); 4] = [
            (
                "Already invited",
                "The link that they have goes on counting. To give them a fresh one, resend their invitation.",
                &self.sorted.invited,
            ),
            (
                "Already a member",
                "They can sign in already.",
                &self.sorted.members,
            ),
            (
                "Deactivated",
                "An invitation lets no deactivated member in. Reactivate them under Members instead.",
                &self.sorted.deactivated,
            ),
            (
                "Typed twice",
                "Each address is invited once.",
                &self.sorted.duplicates,
            ),
        ];
        places.into_iter().filter(|(_, _, who)| !who.is_empty()).collect()
    }
}

/// The links, shown once.
#[derive(Template)]
#[template(path = "invitations/sent.html")]
pub(super) struct Links {
    pub frame: Frame,
    pub again: bool,
    pub sent: Vec<(String, String)>,
    pub left_out: Vec<(String, String)>,
    pub denial: Option<String>,
}

impl Links {
    /// Address and link of each invitation that was sent.
    pub fn of(site: &Site, sent: &[Sent]) -> Vec<(String, String)> {
        let link = |one: &Sent| site.url(&format!("/invitation/{}", one.token));
        sent.iter().map(|one| (one.email.clone(), link(one))).collect()
    }
}

/// `GET /orgs/{org}/invitations/new`.
pub(super) async fn form(
    admin: Admin,
    site: web::Data<Site>,
    prefilled: web::Query<Prefilled>,
) -> Result<HttpResponse, Problem> {
    let prefilled = prefilled.into_inner();
    let wish = Wish {
        addresses: prefilled.email.trim().to_owned(),
        role: Role::parse(&prefilled.role)
            .filter(|role| admin.role.may_grant(*role))
            .unwrap_or(Role::Member),
        teams: Vec::new(),
        denial: prefilled.denial,
    };
    show(&admin, &site, wish, FieldErrors::default()).await
}

async fn show(admin: &Admin, site: &Site, wish: Wish, errors: FieldErrors) -> Result<HttpResponse, Problem> {
    let (organization, now, denial) = (admin.organization.clone(), site.now(), wish.denial.clone());
    let around = site
        .store
        .reading(move |conn| Around::load(conn, &organization, now, &denial))
        .await?;
    let is_fine = errors.is_empty();
    let form = Form::new(admin, wish, around, errors);
    Ok(if is_fine {
        Page::new(form).response()
    } else {
        Page::unprocessable(form).response()
    })
}

/// `POST /orgs/{org}/invitations/new`: the review; or the form again, to change it. Nothing is written.
pub(super) async fn review(
    admin: Admin,
    site: web::Data<Site>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let wish = Wish::of(&form);
    let errors = wish.check(admin.role);
    if form.has("edit") {
        return show(&admin, &site, wish, FieldErrors::default()).await;
    }
    if !errors.is_empty() {
        return show(&admin, &site, wish, errors).await;
    }
    let (organization, now, pieces) = (admin.organization.clone(), site.now(), wish.pieces());
    let (sorted, around) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let known = queries::known(conn, now, &organization, &review::keys(&pieces))?;
            let around = Around::load(conn, &organization, now, "")?;
            Ok((review::sort(&pieces, &known), around))
        })
        .await?;
    let chosen = |team: &TeamName| wish.teams.contains(&team.id);
    Ok(Page::new(Review {
        frame: admin.frame("invitations"),
        too_few: actions::too_few(
            &around.organization.settings.name,
            &around.seats,
            sorted.invite.len(),
        ),
        teams: around.teams.into_iter().filter(chosen).collect(),
        seats: around.seats,
        sorted,
        wish,
    })
    .response())
}

/// `POST /orgs/{org}/invitations/send`: judges every address again, and invites.
pub(super) async fn send(admin: Admin, site: web::Data<Site>, form: Posted) -> Result<Page<Links>, Problem> {
    let (wish, pieces) = (Wish::of(&form), form.all("address"));
    if pieces.is_empty() || pieces.len() > review::MOST {
        return Err(Problem::Invalid(format!("Send 1 to {} addresses.", review::MOST)));
    }
    let (inviter, now) = (admin.clone(), site.now());
    let denial = wish.denial.clone();
    let (sent, sorted, answered) = site
        .store
        .writing_in(&admin.organization, move |conn| {
            invite(conn, now, &inviter, &wish, &pieces)
        })
        .await?;
    Ok(Page::new(Links {
        frame: admin.frame("invitations"),
        again: false,
        sent: Links::of(&site, &sent),
        left_out: left_out(sorted),
        denial: answered.then_some(denial),
    }))
}

fn invite(
    conn: &mut Conn,
    now: i64,
    admin: &Admin,
    wish: &Wish,
    pieces: &[String],
) -> Result<(Vec<Sent>, Sorted, bool), Problem> {
    let own_role = actions::role_now(conn, admin)?;
    let organization = orgs::find(conn, &admin.organization)?.ok_or(Problem::NotFound)?;
    let known = queries::known(conn, now, &organization.id, &review::keys(pieces))?;
    let sorted = review::sort(pieces, &known);
    let new: Vec<New> = sorted
        .invite
        .iter()
        .map(|email| New {
            email: email.clone(),
            role: wish.role,
            teams: wish.teams.clone(),
        })
        .collect();
    let actor = Actor::from(&**admin);
    let sent = actions::invite(conn, now, &actor, own_role, &organization, &new)?;
    let answered = answer(conn, now, &actor, &organization.id, &wish.denial, &sent)?;
    Ok((sent, sorted, answered))
}

/// Marks the denial as answered, if one of these invitations is for its person.
fn answer(
    conn: &mut Conn,
    now: i64,
    actor: &Actor,
    organization: &str,
    denial: &str,
    sent: &[Sent],
) -> Result<bool, DbError> {
    if denial.is_empty() {
        return Ok(false);
    }
    let mut answered = false;
    for one in sent {
        answered |= denied::actions::invited(conn, now, actor, organization, denial, &one.id)?;
    }
    Ok(answered)
}

/// Those who changed between the review and the sending, each with the reason.
fn left_out(sorted: Sorted) -> Vec<(String, String)> {
    let because = |who: Vec<String>, why: &str| {
        who.into_iter()
            .map(|address| (address, why.to_owned()))
            .collect::<Vec<_>>()
    };
    [
        because(sorted.invited, "Invited already."),
        because(sorted.members, "A member already."),
        because(sorted.deactivated, "Deactivated: reactivate them instead."),
        because(sorted.duplicates, "Typed twice."),
        sorted.invalid,
    ]
    .concat()
}
