//! The pages of the front door: address, password, start page, sign-out.

use actix_session::Session;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::known;
use super::password::{self, Guess, Outcome};
use super::second;
use crate::access::EmailAddress;
use crate::audit::{self, Actor, Event, Subject};
use crate::connections;
use crate::factors;
use crate::mail::Post;
use crate::orgs;
use crate::session::{self, Signed};
use crate::store::Conn;
use crate::web::limits::Kind;
use crate::web::{Client, Door, FieldErrors, Page, Posted, Problem, Site, Theme, local_path, see_other};

/// Where to go after signing in.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    return_to: String,
}

#[derive(Template)]
#[template(path = "sign_in/address.html")]
struct Address {
    door: Door,
    errors: FieldErrors,
    email: String,
    return_to: String,
    passkeys: bool,
}

/// One connection that a person may continue with.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The organization's name.
    pub organization: String,
    /// The connection's name.
    pub connection: String,
    /// Where it starts.
    pub path: String,
}

#[derive(Template)]
#[template(path = "sign_in/choose.html")]
struct Choose {
    door: Door,
    email: String,
    choices: Vec<Choice>,
    return_to: String,
}

#[derive(Template)]
#[template(path = "sign_in/password.html")]
struct Password {
    door: Door,
    errors: FieldErrors,
    email: String,
    return_to: String,
}

#[derive(Template)]
#[template(path = "sign_in/start.html")]
struct Start {
    door: Door,
    name: String,
    organizations: Vec<(String, String)>,
}

/// `GET /sign-in`: asks for the address.
pub async fn address(door: Door, site: web::Data<Site>, wanted: web::Query<Wanted>) -> Page<impl Template> {
    let return_to = local_path(&wanted.return_to).to_owned();
    Page::new(Address {
        door,
        errors: FieldErrors::default(),
        email: String::new(),
        return_to,
        passkeys: factors::can_be_used(&site),
    })
}

/// `POST /sign-in`: the address's domain chooses the connection. The answer depends on the domain alone,
/// so that it tells nobody whether an account exists.
pub async fn by_address(door: Door, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let return_to = local_path(form.text("return_to")).to_owned();
    let typed = form.text("email").to_owned();
    let email = match EmailAddress::parse(&typed) {
        Ok(email) => email,
        Err(error) => {
            let errors = FieldErrors::one("email", error.to_string());
            return Ok(Page::unprocessable(Address {
                door,
                errors,
                email: typed,
                return_to,
                passkeys: factors::can_be_used(&site),
            })
            .response());
        }
    };
    let domain = email.domain().to_owned();
    let wanted = return_to.clone();
    let choices = site
        .store
        .reading(move |conn| choices(conn, &domain, &wanted))
        .await?;
    if form.has("password") || choices.is_empty() {
        let errors = FieldErrors::default();
        return Ok(Page::new(Password {
            door,
            errors,
            email: email.as_str().to_owned(),
            return_to,
        })
        .response());
    }
    Ok(Page::new(Choose {
        door,
        email: email.as_str().to_owned(),
        choices,
        return_to,
    })
    .response())
}

fn choices(conn: &mut Conn, domain: &str, return_to: &str) -> Result<Vec<Choice>, Problem> {
    let mut choices = Vec::new();
    for connection in connections::for_domain(conn, domain)? {
        let Some(organization) = orgs::find(conn, &connection.organization)? else {
            continue;
        };
        let to: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        choices.push(Choice {
            path: format!(
                "/sign-in/{}/{}?return_to={to}",
                organization.slug, connection.slug
            ),
            organization: organization.settings.name,
            connection: connection.name,
        });
    }
    Ok(choices)
}

/// `POST /sign-in/password`.
pub async fn by_password(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    session: Session,
    client: Client,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let email = form.text("email").to_owned();
    let return_to = local_path(form.text("return_to")).to_owned();
    let key = EmailAddress::parse(&email).map_or_else(|_none| String::new(), |email| email.key().to_owned());
    let (ip, known) = (client.ip.clone(), known::mark(&request, &site, &key));
    if known.is_none() {
        site.limits.look(Kind::Password, &ip, site.now())?;
    }
    let guess = Guess {
        email: email.clone(),
        password: form.raw("password").to_owned(),
        client,
        known,
        return_to: return_to.clone(),
        post: Post::of(&site),
    };
    let sentence = match password::try_password(&site, guess).await? {
        Outcome::In(id) => {
            session::enter(&request, &session, &id)?;
            let mut answer = see_other(&return_to);
            answer
                .add_cookie(&known::cookie(&site, &key))
                .map_err(Problem::internal)?;
            return Ok(answer);
        }
        Outcome::Second(key) => return second::begun(&site, key),
        Outcome::Wrong => {
            site.limits.take(Kind::Password, &ip, site.now())?;
            "Address and password don’t fit together. Check both and try again."
        }
        Outcome::Refused(sentence) => sentence,
    };
    let errors = FieldErrors::one("password", sentence);
    Ok(Page::unprocessable(Password {
        door,
        errors,
        email,
        return_to,
    })
    .response())
}

/// `POST /sign-out`: ends this session.
pub async fn sign_out(
    request: HttpRequest,
    site: web::Data<Site>,
    session: Session,
    signed: Signed,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (now, actor) = (site.now(), Actor::from(&signed));
    site.store
        .writing(move |conn| -> Result<_, Problem> {
            session::end(conn, &signed.account, &signed.session)?;
            let subject = Subject {
                kind: "account",
                id: &signed.account,
                name: &signed.email,
            };
            let organization = signed.organization.as_deref();
            Ok(audit::record(
                conn,
                now,
                &actor,
                &Event {
                    organization,
                    action: "session.ended",
                    subject,
                    ..Event::default()
                },
            )?)
        })
        .await?;
    session::leave(&request, &session);
    let mut answer = see_other("/sign-in");
    answer.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        header::HeaderValue::from_static("\"cache\", \"storage\""),
    );
    Ok(answer)
}

/// `GET /`: one organization goes straight there; several: the person chooses.
pub async fn start(
    door: Door,
    site: web::Data<Site>,
    signed: Result<Signed, Problem>,
) -> Result<HttpResponse, Problem> {
    let Ok(signed) = signed else {
        return Ok(see_other("/sign-in"));
    };
    let (account, own) = (signed.account.clone(), signed.organization.clone());
    let organizations = site
        .store
        .reading(move |conn| session::organizations_of(conn, &account, own.as_deref()))
        .await
        .map_err(Problem::from)?;
    if let [(_, slug, _)] = organizations.as_slice() {
        return Ok(see_other(&format!("/orgs/{slug}")));
    }
    let organizations = organizations
        .into_iter()
        .map(|(_, slug, name)| (slug, name))
        .collect();
    Ok(Page::new(Start {
        door,
        name: signed.name,
        organizations,
    })
    .response())
}

/// `POST /theme`: light, dark, or as the system says.
pub async fn theme(site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let mut answer = see_other(local_path(form.text("return_to")));
    let mut cookie = site.cookie("theme", Theme::parse(form.text("theme")).as_str().to_owned());
    cookie.set_max_age(actix_web::cookie::time::Duration::days(365));
    answer.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(answer)
}
