//! Inviting in three steps: type the addresses, review what becomes of each, send.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::model::{Sent, TeamName};
use super::queries;
use super::review::{self, Ground, Left, MOST, MOST_TEAMS, Sorted};
use super::sent::{Links, Unneeded};
use super::sheet::{self, Sheet};
use super::{actions, letters};
use crate::access::{EmailAddress, Role};
use crate::audit::Actor;
use crate::connections;
use crate::denied::{self, Denial};
use crate::mail::Post;
use crate::orgs::{self, Organization};
use crate::seats::{self, Seats};
use crate::session::{self, Admin, Frame};
use crate::store::{Conn, DbError};
use crate::teams;
use crate::web::{FieldErrors, Page, Posted, Problem, Site, Uploaded};

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
    /// The text of all addresses, typed or out of a file.
    addresses: String,
    /// Whether a file was chosen although addresses were typed.
    is_double: bool,
    role: Role,
    teams: Vec<String>,
    /// The denied sign-in that this answers; empty for none.
    denial: String,
}

impl Wish {
    fn of(form: &Posted) -> Self {
        Self {
            addresses: form.all("addresses").join("\n").trim().to_owned(),
            is_double: false,
            role: Role::parse(form.text("role")).unwrap_or(Role::Member),
            teams: form.all("team"),
            denial: form.text("denial").to_owned(),
        }
    }

    fn with_file(sent: &Uploaded) -> Self {
        let typed = Self::of(&sent.form);
        match &sent.file {
            Some(_) if !typed.addresses.is_empty() => Self {
                is_double: true,
                ..typed
            },
            Some(file) => Self {
                addresses: tame_lines(&sheet::decode(file)),
                ..typed
            },
            None => typed,
        }
    }

    /// The lines, or what is wrong with the form.
    fn read(&self, own: Role) -> Result<Sheet, FieldErrors> {
        let (mut errors, mut sheet) = (FieldErrors::default(), Sheet::default());
        match sheet::read(&self.addresses) {
            _ if self.is_double => errors.add("file", "Type addresses or choose a file: not both at once."),
            Err(sentence) => errors.add("addresses", sentence),
            Ok(read) if read.lines.is_empty() => {
                errors.add(
                    "addresses",
                    "Type at least one e-mail address, or choose a file that has some.",
                );
            }
            Ok(read) if read.lines.len() > MOST => errors.add(
                "addresses",
                format!(
                    "These are {} addresses. Invite at most {MOST} at a time.",
                    read.lines.len()
                ),
            ),
            Ok(read) => sheet = read,
        }
        if !own.may_grant(self.role) {
            errors.add("role", "Choose a role that is not above your own.");
        }
        errors.into_result(sheet)
    }
}

/// What a file holds, without what no form may hold.
fn tame_lines(text: &str) -> String {
    let fits = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t');
    text.chars().filter(fits).collect::<String>().trim().to_owned()
}

/// What stands around the form: teams, seats, the denial.
struct Around {
    organization: Organization,
    teams: Vec<TeamName>,
    seats: Seats,
    denial: Option<Denial>,
    /// How many links were made today.
    links: i64,
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
            links: queries::links_today(conn, now, organization)?,
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
    is_mailing: bool,
    errors: FieldErrors,
}

impl Form {
    fn new(admin: &Admin, site: &Site, wish: Wish, around: Around, errors: FieldErrors) -> Self {
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
            is_mailing: Post::of(site).is_configured(),
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
    sorted: Sorted,
    seats: Seats,
    /// Whether the numbers of lines say anything.
    has_lines: bool,
    /// Why the seats don't suffice.
    too_few: Option<String>,
    /// Why the day does not suffice.
    enough: Option<String>,
    /// The teams that were made just now.
    made: Vec<String>,
    is_mailing: bool,
}

impl Review {
    fn can_be_sent(&self) -> bool {
        !self.sorted.invite.is_empty() && self.too_few.is_none() && self.enough.is_none()
    }

    fn places(&self) -> Vec<(&'static str, &'static str, &[Left])> {
        let places: [(_, _, &[Left]); 6] = [
            (
                "Can’t be invited like this",
                "Mend these lines, or leave them out: the others don’t wait for them.",
                &self.sorted.invalid,
            ),
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
                "Written to often enough today",
                "An address gets few links a day from one organization. Invite them tomorrow.",
                &self.sorted.too_often,
            ),
            (
                "Twice in the list",
                "Each address is invited once.",
                &self.sorted.duplicates,
            ),
        ];
        places.into_iter().filter(|(_, _, who)| !who.is_empty()).collect()
    }
}

/// `GET /orgs/{org}/invitations/new`.
pub(super) async fn form(
    admin: Admin,
    site: web::Data<Site>,
    request: HttpRequest,
    prefilled: web::Query<Prefilled>,
) -> Result<HttpResponse, Problem> {
    let prefilled = prefilled.into_inner();
    let denied = of_denials(&admin, &site, &request).await?;
    let wish = Wish {
        addresses: format!("{} {denied}", prefilled.email.trim()).trim().to_owned(),
        is_double: false,
        role: Role::parse(&prefilled.role)
            .filter(|role| admin.role.may_grant(*role))
            .unwrap_or(Role::Member),
        teams: Vec::new(),
        denial: prefilled.denial,
    };
    show(&admin, &site, wish, FieldErrors::default()).await
}

/// The addresses of the denied sign-ins that were ticked, one on each line.
async fn of_denials(admin: &Admin, site: &Site, request: &HttpRequest) -> Result<String, Problem> {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    let ids = pairs
        .filter(|(name, _)| name == "id")
        .map(|(_, id)| id.into_owned());
    let ids: Vec<String> = ids.take(review::MOST).collect();
    if ids.is_empty() {
        return Ok(String::new());
    }
    let organization = admin.organization.clone();
    let found = site
        .store
        .reading(move |conn| denied::addresses(conn, &organization, &ids));
    Ok(found.await.map_err(Problem::from)?.join("\n"))
}

async fn show(admin: &Admin, site: &Site, wish: Wish, errors: FieldErrors) -> Result<HttpResponse, Problem> {
    let (organization, now, denial) = (admin.organization.clone(), site.now(), wish.denial.clone());
    let around = site
        .store
        .reading(move |conn| Around::load(conn, &organization, now, &denial))
        .await?;
    let is_fine = errors.is_empty();
    let form = Form::new(admin, site, wish, around, errors);
    Ok(if is_fine {
        Page::new(form).response()
    } else {
        Page::unprocessable(form).response()
    })
}

/// `GET /orgs/{org}/invitations/template.csv`: the file to fill in.
pub(super) async fn template(_admin: Admin) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"people.csv\""))
        .body(sheet::TEMPLATE)
}

/// `POST /orgs/{org}/invitations/new`: the review; or the form again, to change it. Nothing is written, unless the teams
/// are to be made that the list names and that there are not.
pub(super) async fn review(
    admin: Admin,
    site: web::Data<Site>,
    sent: Uploaded,
) -> Result<HttpResponse, Problem> {
    let wish = Wish::with_file(&sent);
    if sent.form.has("edit") {
        return show(&admin, &site, wish, FieldErrors::default()).await;
    }
    let sheet = match wish.read(admin.role) {
        Ok(sheet) => sheet,
        Err(errors) => return show(&admin, &site, wish, errors).await,
    };
    let has_lines = sheet.lines.iter().any(|line| line.number > 1);
    let (inviter, now) = (admin.clone(), site.now());
    let (role, teams) = (wish.role, wish.teams.clone());
    let ((sorted, around), made) = if sent.form.has("make_teams") {
        let making = move |conn: &mut Conn| -> Result<_, Problem> {
            let own = actions::role_now(conn, &inviter)?;
            let judge =
                |conn: &mut Conn| sort(conn, now, (&inviter.organization, own), (role, &teams), &sheet);
            let (sorted, _) = judge(conn)?;
            let made = make_teams(conn, now, &inviter, sorted)?;
            Ok((judge(conn)?, made))
        };
        site.store.writing_in(&admin.organization, making).await?
    } else {
        let sorting = move |conn: &mut Conn| {
            let who = (inviter.organization.as_str(), inviter.role);
            sort(conn, now, who, (role, &teams), &sheet)
        };
        (site.store.reading(sorting).await?, Vec::new())
    };
    let name = &around.organization.settings.name;
    Ok(Page::new(Review {
        frame: admin.frame("invitations"),
        too_few: actions::too_few(name, &around.seats, sorted.invite.len()),
        enough: actions::enough(name, around.links, sorted.invite.len()),
        seats: around.seats,
        has_lines,
        sorted,
        wish,
        made,
        is_mailing: Post::of(&site).is_configured(),
    })
    .response())
}

/// Judges the lines by what the organization knows now, for somebody with this role. The second role and the teams are for
/// lines that name none.
fn sort(
    conn: &mut Conn,
    now: i64,
    (organization, own): (&str, Role),
    (role, teams): (Role, &[String]),
    sheet: &Sheet,
) -> Result<(Sorted, Around), Problem> {
    let known = queries::known(conn, now, organization, &review::keys(&sheet.lines))?;
    let around = Around::load(conn, organization, now, "")?;
    let ground = Ground {
        own,
        role,
        teams,
        all_teams: &around.teams,
        known: &known,
    };
    Ok((review::sort(&sheet.lines, &ground), around))
}

/// Makes these teams, and answers how they are called. Whoever asks twice finds none left to make.
fn make_teams(conn: &mut Conn, now: i64, admin: &Admin, sorted: Sorted) -> Result<Vec<String>, Problem> {
    if sorted.names_too_many_teams() {
        return Err(Problem::Invalid(format!(
            "Make at most {MOST_TEAMS} teams at a time."
        )));
    }
    let actor = Actor::from(&**admin);
    for name in &sorted.missing {
        teams::actions::create(conn, now, &actor, &admin.organization, name)?;
    }
    Ok(sorted.missing)
}

/// `POST /orgs/{org}/invitations/send`: judges every line of the list again, and invites.
pub(super) async fn send(admin: Admin, site: web::Data<Site>, form: Posted) -> Result<Page<Links>, Problem> {
    let (role, denial) = (Role::parse(form.text("role")), form.text("denial").to_owned());
    let sheet = sheet::read(form.text("list")).map_err(Problem::Invalid)?;
    let is_owner = |word: &str| Role::parse(&word.trim().to_lowercase()) == Some(Role::Owner);
    let makes_owners = role == Some(Role::Owner) || sheet.lines.iter().any(|line| is_owner(&line.role));
    if makes_owners && !admin.signed.is_fresh {
        return Err(admin
            .signed
            .keep(&site, &admin.path("/invitations/send"), &form)
            .await?);
    }
    if !(1..=MOST).contains(&sheet.lines.len()) {
        return Err(Problem::Invalid(format!("Send 1 to {MOST} addresses.")));
    }
    let post = Post::of(&site);
    let mailed = post.is_configured();
    let (inviter, now, answers) = (admin.clone(), site.now(), denial.clone());
    let ((sent, sorted, answered), vouching, open_denials) = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let role = role.unwrap_or(Role::Member);
            let done = invite(conn, now, (&inviter, &post), &sheet, role, &answers)?;
            let vouching = connections::vouching(conn, &inviter.organization)?;
            Ok((
                done,
                vouching,
                session::open_denials(conn, &inviter.organization)?,
            ))
        })
        .await?;
    Ok(Page::new(Links {
        frame: Frame {
            open_denials,
            ..admin.frame("invitations")
        },
        again: false,
        mailed,
        sent: Links::of(&site, &sent),
        unneeded: Unneeded::of(&site, &admin, &sent, &vouching),
        left_out: left_out(sorted),
        denial: answered.then_some(denial),
    }))
}

fn invite(
    conn: &mut Conn,
    now: i64,
    (admin, post): (&Admin, &Post),
    sheet: &Sheet,
    role: Role,
    denial: &str,
) -> Result<(Vec<Sent>, Sorted, bool), Problem> {
    let own = actions::role_now(conn, admin)?;
    actions::may_grant(own, role)?;
    // Every line of a review names its own teams.
    let (sorted, around) = sort(conn, now, (&admin.organization, own), (role, &[]), sheet)?;
    let actor = Actor::from(&**admin);
    let sent = actions::invite(conn, now, &actor, own, &around.organization, &sorted.offers())?;
    letters::send(conn, now, post, &around.organization, &sent)?;
    let answered = answer(conn, now, &actor, &admin.organization, denial, &sent)?;
    Ok((sent, sorted, answered))
}

/// Marks the denials of these people as answered. Says whether the one was among them from which this began.
fn answer(
    conn: &mut Conn,
    now: i64,
    actor: &Actor,
    organization: &str,
    denial: &str,
    sent: &[Sent],
) -> Result<bool, DbError> {
    let mut answered = false;
    if !denial.is_empty() {
        for one in sent {
            answered |= denied::actions::invited(conn, now, actor, organization, denial, &one.id)?;
        }
    }
    let key = |one: &'_ Sent| EmailAddress::parse(&one.email).map(|email| email.key().to_owned());
    let invited = sent
        .iter()
        .filter_map(|one| Some((key(one).ok()?, one.id.as_str())));
    denied::actions::invited_addresses(conn, now, actor, organization, &invited.collect())?;
    Ok(answered)
}

/// Those who changed between the review and the sending, each with the reason.
fn left_out(sorted: Sorted) -> Vec<(String, String)> {
    let because = |who: Vec<Left>, why: &str| {
        let why = |one: Left| {
            let own = Some(one.why).filter(|own| !own.is_empty());
            (one.text, own.unwrap_or_else(|| why.to_owned()))
        };
        who.into_iter().map(why).collect::<Vec<_>>()
    };
    [
        because(sorted.invited, "Invited already."),
        because(sorted.members, "A member already."),
        because(sorted.deactivated, "Deactivated: reactivate them instead."),
        because(sorted.too_often, "Written to often enough today."),
        because(sorted.duplicates, "Twice in the list."),
        because(sorted.invalid, "Can’t be invited like this."),
    ]
    .concat()
}
