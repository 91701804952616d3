//! Getting in the first time: the one-time set-up link, and `vestibule make-owner`.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{password, queries};
use crate::access::{EmailAddress, Role};
use crate::accounts::{self, Account};
use crate::audit::Actor;
use crate::factors;
use crate::members::{self, Doer, Joining, Source, State};
use crate::orgs::{self, Organization, Settings};
use crate::session::{self, NewSession};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, Store, id};
use crate::web::{Client, Door, FieldErrors, Page, Posted, Problem, Site, see_other};

const COOKIE: &str = "set_up";

/// The first owner of an organization.
#[derive(Debug)]
pub struct NewOwner<'a> {
    /// The organization as paths name it; made if it is missing.
    pub slug: &'a str,
    /// Its name, where it is made.
    pub organization_name: &'a str,
    /// The owner's address.
    pub email: &'a EmailAddress,
    /// The owner's name, or empty.
    pub name: &'a str,
    /// The hash of the password, if one is set.
    pub password_hash: Option<&'a str>,
    /// Whether the person also runs the installation.
    pub operator: bool,
}

/// Makes the person an owner: organization, account and membership, as far as they are missing.
///
/// # Errors
/// Where slug or name are wrong.
pub fn make_owner(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    owner: &NewOwner<'_>,
) -> Result<(Organization, Account), Problem> {
    let organization = match orgs::find_by_slug(conn, owner.slug)? {
        Some(organization) => organization,
        None => orgs::actions::create(
            conn,
            now,
            actor,
            owner.slug,
            Settings::named(owner.organization_name),
        )?,
    };
    let account = match accounts::find_by_email(conn, owner.email)? {
        Some(account) => account,
        None => accounts::actions::create(conn, now, owner.email, owner.name)?,
    };
    if owner.operator {
        accounts::actions::set_operator(conn, now, actor, &account, true)?;
    }
    let joining = Joining {
        by_password: false,
        organization: &organization.id,
        account: &account.id,
        name: account.shown_name(),
        role: Role::Owner,
        source: Source::Setup,
        invited_by: "",
    };
    enter_as_owner(conn, now, actor, &joining)?;
    if let Some(hash) = owner.password_hash {
        give_password(conn, now, actor, &account, hash)?;
    }
    accounts::actions::admitted(conn, now, &account)?;
    Ok((organization, account))
}

/// Sets the password that whoever runs the installation gives to an owner, which opens whatever they own. Nobody stays in by
/// what was before.
///
/// # Errors
/// When the database refuses.
pub fn give_password(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    hash: &str,
) -> Result<(), Problem> {
    trust_password(conn, now, actor, account)?;
    accounts::actions::set_password(conn, now, actor, account, hash)?;
    session::end_all_of_account(conn, &account.id)?;
    Ok(())
}

/// The account's password is given by whoever runs the installation, and opens whatever the person owns. Where it did not
/// before, what may open that besides goes: another organization may have given passkeys and sessions.
///
/// # Errors
/// When the database refuses.
pub fn trust_password(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
) -> Result<(), Problem> {
    conn.lock_account(&account.id)?;
    if members::actions::trust_password_of_owner(conn, &account.id)? > 0 {
        factors::actions::remove_all(conn, now, actor, account)?;
        session::end_all_of_account(conn, &account.id)?;
    }
    Ok(())
}

fn enter_as_owner(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    joining: &Joining<'_>,
) -> Result<(), Problem> {
    let operator = Doer::operator();
    let known = members::find_by_account(conn, joining.organization, joining.account)?;
    let member = match known {
        None => return Ok(members::actions::join(conn, now, actor, joining).map(drop)?),
        Some(member) => match member.state {
            State::Removed => return Ok(members::actions::join(conn, now, actor, joining).map(drop)?),
            State::Active => member,
            State::Deactivated => {
                members::actions::reactivate(
                    conn,
                    now,
                    &operator,
                    joining.organization,
                    &member.id,
                    member.version,
                )?;
                members::find(conn, joining.organization, &member.id)?.ok_or(Problem::NotFound)?
            }
        },
    };
    if member.role < Role::Owner {
        members::actions::change_role(
            conn,
            now,
            &operator,
            joining.organization,
            &member.id,
            member.version,
            Role::Owner,
        )?;
    }
    Ok(())
}

/// Whether nobody has set this installation up yet.
fn is_empty(conn: &mut Conn) -> crate::store::Result<bool> {
    Ok(accounts::count(conn)? == 0 && orgs::count(conn)? == 0)
}

/// The path of a fresh set-up link, good for a day, where the installation is empty.
///
/// # Errors
/// When the database refuses.
pub fn link_for_empty(store: &Store, now: Timestamp) -> crate::store::Result<Option<String>> {
    let token = id::new_token();
    let hash = id::hash_token(&token);
    let made = store.write(|conn| -> crate::store::Result<bool> {
        let empty = is_empty(conn)?;
        if empty {
            queries::insert_setup_link(conn, &hash, now + DAY)?;
        }
        Ok(empty)
    })?;
    Ok(made.then(|| format!("/set-up/{token}")))
}

/// `GET /set-up/{token}`: keeps the token in a cookie and goes on at an address without it.
pub async fn follow(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let token = path.into_inner();
    if !token
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    {
        // None of ours, and no cookie could hold it.
        return Err(Problem::NotFound);
    }
    let mut answer = see_other("/set-up");
    answer
        .add_cookie(&site.cookie(COOKIE, token))
        .map_err(Problem::internal)?;
    Ok(answer)
}

#[derive(Template)]
#[template(path = "sign_in/set_up.html")]
struct SetUp {
    door: Door,
    errors: FieldErrors,
    typed: Typed,
}

/// What an old link opens.
#[derive(Template)]
#[template(path = "sign_in/set_up_already.html")]
struct Already {
    door: Door,
}

#[derive(Debug, Clone, Default)]
struct Typed {
    organization: String,
    slug: String,
    name: String,
    email: String,
}

/// `GET /set-up`: the form for organization and first owner.
pub async fn show(request: HttpRequest, door: Door, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let Some(hash) = token_hash(&request, &site) else {
        return over(door, &site).await;
    };
    let now = site.now();
    let open = site
        .store
        .reading(move |conn| queries::setup_link_is_open(conn, &hash, now))
        .await
        .map_err(Problem::from)?;
    if !open {
        return over(door, &site).await;
    }
    Ok(Page::new(SetUp {
        door,
        errors: FieldErrors::default(),
        typed: Typed::default(),
    })
    .response())
}

/// The answer to a link that was used or has expired, or to none at all.
async fn over(door: Door, site: &Site) -> Result<HttpResponse, Problem> {
    let is_set_up = site
        .store
        .reading(queries::is_set_up)
        .await
        .map_err(Problem::from)?;
    if is_set_up {
        return Ok(Page::with_status(StatusCode::GONE, Already { door }).response());
    }
    Err(Problem::Gone(
        "This set-up link was used or has expired. Start the server again for a new one, or run “vestibule make-owner”."
            .to_owned(),
    ))
}

/// `POST /set-up`: makes them, and signs the owner in.
pub async fn set_up(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    session: Session,
    client: Client,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let Some(token) = token_hash(&request, &site) else {
        return over(door, &site).await;
    };
    let typed = Typed {
        organization: form.text("organization").to_owned(),
        slug: form.text("slug").to_owned(),
        name: form.text("name").to_owned(),
        email: form.text("email").to_owned(),
    };
    let email = match check(&typed, form.raw("password")) {
        Ok(email) => email,
        Err(errors) => return Ok(Page::unprocessable(SetUp { door, errors, typed }).response()),
    };
    let hash = password::hash(&site, form.raw("password").to_owned()).await?;
    let (now, slug) = (site.now(), typed.slug.clone());
    let opened = site
        .store
        .writing(move |conn| {
            let owner = NewOwner {
                slug: &typed.slug,
                organization_name: &typed.organization,
                email: &email,
                name: &typed.name,
                password_hash: Some(&hash),
                operator: true,
            };
            first_owner(conn, now, &token, &owner, &client)
        })
        .await?;
    let Some(opened) = opened else {
        return over(door, &site).await;
    };
    session::enter(&request, &session, &opened)?;
    let mut answer = see_other(&format!("/orgs/{slug}"));
    answer
        .add_cookie(&site.gone_cookie(COOKIE))
        .map_err(Problem::internal)?;
    Ok(answer)
}

/// Makes them by the link, and opens the owner's session. None where the link opens nothing any more.
fn first_owner(
    conn: &mut Conn,
    now: Timestamp,
    link: &str,
    owner: &NewOwner<'_>,
    client: &Client,
) -> Result<Option<String>, Problem> {
    if !queries::use_setup_link(conn, link, now)? {
        return Ok(None);
    }
    let actor = Actor::person("", owner.name, &client.ip);
    let (organization, account) = make_owner(conn, now, &actor, owner)?;
    if let Some(member) = members::find_by_account(conn, &organization.id, &account.id)? {
        members::actions::signed_in(conn, now, &member.id)?;
    }
    let new = NewSession {
        account: &account.id,
        organization: None,
        connection: None,
        strength: session::Strength::Password,
        proved_at: now,
        client,
        lifetime: session::LIFETIME,
        idle: session::IDLE,
    };
    Ok(Some(session::begin(conn, now, &new)?))
}

fn token_hash(request: &HttpRequest, site: &Site) -> Option<String> {
    let cookie = request.cookie(&site.cookie_name(COOKIE))?;
    Some(id::hash_token(cookie.value()))
}

fn check(typed: &Typed, password: &str) -> Result<EmailAddress, FieldErrors> {
    let mut errors = FieldErrors::default();
    if typed.organization.is_empty() || typed.organization.chars().count() > 100 {
        errors.add(
            "organization",
            "Write the organization’s name, 100 characters at most.",
        );
    }
    if let Err(sentence) = orgs::check_slug(&typed.slug) {
        errors.add("slug", sentence);
    }
    let email = EmailAddress::parse(&typed.email);
    if let Err(error) = &email {
        errors.add("email", error.to_string());
    }
    if let Err(sentence) = accounts::check_policy(password, &typed.email) {
        errors.add("password", sentence);
    }
    match email {
        Ok(email) => errors.into_result(email),
        Err(_) => Err(errors),
    }
}
