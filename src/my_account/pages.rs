//! The page itself, and what is chosen on it: name, username, invitations.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::queries::{self, Belonging, Method, Waiting};
use crate::access::{EmailAddress, Username};
use crate::accounts::{self, Account};
use crate::audit::Actor;
use crate::connections::{self, Connection};
use crate::factors::{self, Factors};
use crate::invitations;
use crate::session::{self, Open, Signed};
use crate::store::Conn;
use crate::web::{Choice, Door, FieldErrors, Flash, Page, Posted, Problem, Site, zone};

/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 200;

#[derive(Template)]
#[template(path = "my_account/account.html")]
struct Mine {
    door: Door,
    account: Account,
    loaded: Loaded,
    here: String,
    /// Who came by an organization's provider sees only that organization.
    is_scoped: bool,
    errors: FieldErrors,
    typed: Typed,
    zones: Vec<Choice>,
}

/// What stands in the fields: what is stored, or what was typed.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The name.
    pub name: Option<String>,
    /// The username.
    pub username: Option<String>,
}

struct Loaded {
    factors: Factors,
    sessions: Vec<Open>,
    organizations: Vec<Belonging>,
    methods: Vec<Method>,
    waiting: Vec<(Waiting, Way)>,
}

/// How an invitation that waits can be accepted.
enum Way {
    /// By signing in by one of these.
    SignIn(Vec<Connection>),
    /// By its link, which shows that the address is the person's: who signed in by a password showed no such thing.
    Link,
    /// Not by this person alone.
    Ask,
}

impl Mine {
    fn name(&self) -> &str {
        self.typed.name.as_deref().unwrap_or(&self.account.full_name)
    }

    fn username(&self) -> &str {
        self.typed.username.as_deref().unwrap_or(&self.account.username)
    }

    fn others(&self) -> bool {
        self.loaded.sessions.iter().any(|open| open.id != self.here)
    }
}

/// The page with these errors, for whoever is signed in.
pub(super) async fn mine(
    door: Door,
    site: &Site,
    signed: &Signed,
    errors: FieldErrors,
    typed: Typed,
) -> Result<Page<impl Template>, Problem> {
    let (id, own, now) = (signed.account.clone(), signed.organization.clone(), site.now());
    let (account, loaded) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let account = accounts::find(conn, &id)?.ok_or(Problem::NotFound)?;
            let own = own.as_deref();
            let waiting = match own {
                None => waiting(conn, &account, now)?,
                Some(_) => Vec::new(),
            };
            let loaded = Loaded {
                factors: factors::factors(conn, &id)?,
                sessions: session::list(conn, &id, own, now)?,
                organizations: queries::organizations(conn, &id, own)?,
                methods: queries::methods(conn, &id, own)?,
                waiting,
            };
            Ok((account, loaded))
        })
        .await?;
    let page = Mine {
        door,
        account,
        loaded,
        here: signed.session.clone(),
        is_scoped: signed.organization.is_some(),
        errors,
        typed,
        zones: zones(&zone::chosen()),
    };
    Ok(if page.errors.is_empty() {
        Page::new(page)
    } else {
        Page::unprocessable(page)
    })
}

fn waiting(conn: &mut Conn, account: &Account, now: i64) -> Result<Vec<(Waiting, Way)>, Problem> {
    let waiting = queries::waiting(conn, &account.email_key, now)?;
    let connections = match (waiting.is_empty(), EmailAddress::parse(&account.email)) {
        (false, Ok(email)) => connections::for_domain(conn, email.domain())?,
        _ => Vec::new(),
    };
    let with_way = waiting.into_iter().map(|one| {
        let here = |connection: &&Connection| connection.organization == one.organization;
        let own: Vec<Connection> = connections.iter().filter(here).cloned().collect();
        let way = match (own.is_empty(), one.guests) {
            (false, _) => Way::SignIn(own),
            (true, true) => Way::Link,
            (true, false) => Way::Ask,
        };
        (one, way)
    });
    Ok(with_way.collect())
}

/// `GET /account`.
pub async fn show(door: Door, site: web::Data<Site>, signed: Signed) -> Result<HttpResponse, Problem> {
    let page = mine(door, &site, &signed, FieldErrors::default(), Typed::default());
    Ok(page.await?.response())
}

/// `POST /account/name`: what one is called.
pub async fn choose_name(
    door: Door,
    site: web::Data<Site>,
    signed: Signed,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let name = form.text("name").to_owned();
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
        let sentence = format!("Write a name of 1 to {LONGEST_NAME} characters.");
        let typed = Typed {
            name: Some(name),
            ..Typed::default()
        };
        let page = mine(door, &site, &signed, FieldErrors::one("name", sentence), typed);
        return Ok(page.await?.response());
    }
    let (now, actor, id) = (site.now(), Actor::from(&signed), signed.account.clone());
    site.store
        .writing(move |conn| -> Result<_, Problem> {
            let account = accounts::find(conn, &id)?.ok_or(Problem::NotFound)?;
            Ok(accounts::actions::rename(conn, now, &actor, &account, &name)?)
        })
        .await?;
    Ok(Flash::good("Your name is changed.").redirect(&site, "/account"))
}

/// `POST /account/username`: a person chooses another one.
pub async fn choose_username(
    door: Door,
    site: web::Data<Site>,
    signed: Signed,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let username = form.text("username").to_owned();
    let errors = match Username::parse(&username) {
        Err(error) => FieldErrors::one("username", error.to_string()),
        Ok(username) => {
            let (now, actor, id) = (site.now(), Actor::from(&signed), signed.account.clone());
            let outcome = site
                .store
                .writing(move |conn| -> Result<_, Problem> {
                    let account = accounts::find(conn, &id)?.ok_or(Problem::NotFound)?;
                    accounts::actions::choose_username(conn, now, &actor, &account, &username)
                })
                .await?;
            match outcome {
                Ok(()) => return Ok(Flash::good("Your username is changed.").redirect(&site, "/account")),
                Err(errors) => errors,
            }
        }
    };
    let typed = Typed {
        username: Some(username),
        ..Typed::default()
    };
    Ok(mine(door, &site, &signed, errors, typed).await?.response())
}

/// `POST /account/zone`: in which zone this browser is told times.
pub async fn choose_zone(
    site: web::Data<Site>,
    _signed: Signed,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let name = form.text("zone").to_owned();
    let mut answer = Flash::good("Times are written so from now on.").redirect(&site, "/account");
    let cookie = if zone::named(&name).is_some() {
        let mut cookie = site.cookie(zone::COOKIE, name);
        cookie.set_max_age(actix_web::cookie::time::Duration::days(365));
        cookie
    } else {
        site.gone_cookie(zone::COOKIE)
    };
    answer.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(answer)
}

/// The zones to choose from.
fn zones(chosen: &str) -> Vec<Choice> {
    let titled = |name: &&str| Choice::new(name, &name.replace('_', " "), chosen);
    [
        Choice::new("", "As this browser says, else UTC", chosen),
        Choice::new(zone::UTC, "UTC", chosen),
    ]
    .into_iter()
    .chain(zone::ZONES.iter().map(titled))
    .collect()
}

/// `POST /account/invitations/{id}/decline`.
pub async fn decline(
    site: web::Data<Site>,
    signed: Signed,
    path: web::Path<String>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (now, id, actor) = (site.now(), path.into_inner(), Actor::from(&signed));
    let organization = waiting_at(&site, &signed, &id).await?;
    let declined = site
        .store
        .writing_in(&organization, move |conn| {
            invitations::actions::decline(conn, now, &actor, &id)
        })
        .await?;
    let flash = if declined {
        Flash::good("The invitation is declined.")
    } else {
        Flash::bad("That invitation was not open any more.")
    };
    Ok(flash.redirect(&site, "/account"))
}

/// The organization of the invitation, if it waits for the person who is signed in by their own password.
async fn waiting_at(site: &Site, signed: &Signed, id: &str) -> Result<String, Problem> {
    if signed.organization.is_some() {
        return Err(Problem::NotFound);
    }
    let (account, id) = (signed.account.clone(), id.to_owned());
    site.store
        .reading(move |conn| -> Result<_, Problem> {
            let account = accounts::find(conn, &account)?.ok_or(Problem::NotFound)?;
            queries::waiting_at(conn, &account.email_key, &id)?.ok_or(Problem::NotFound)
        })
        .await
}
