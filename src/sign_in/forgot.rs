//! A forgotten password: a link by mail, to the address that is stored and to no other. The answer is the same whether
//! there is such an account or not. Where no mail is sent, the page says whom to ask.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::throttle::{self, Counter};
use super::{letters, reset};
use crate::access::EmailAddress;
use crate::accounts;
use crate::audit::Actor;
use crate::mail::Post;
use crate::store::Conn;
use crate::store::time::{MINUTE, Timestamp};
use crate::web::limits::Kind;
use crate::web::{Client, Door, FieldErrors, Page, Posted, Problem, Site};

/// How long a link by mail is good, in milliseconds.
const LIFE: i64 = 15 * MINUTE;

#[derive(Template)]
#[template(path = "sign_in/forgot.html")]
struct Forgot {
    door: Door,
    errors: FieldErrors,
    email: String,
    /// Whether letters are sent from here.
    mails: bool,
    /// Whether a link is on its way, if there is such an account.
    sent: bool,
}

/// `GET /sign-in/forgot`.
pub async fn ask(door: Door, site: web::Data<Site>) -> Page<impl Template> {
    Page::new(page(door, &site, String::new(), FieldErrors::default()))
}

fn page(door: Door, site: &Site, email: String, errors: FieldErrors) -> Forgot {
    Forgot {
        door,
        errors,
        email,
        mails: Post::of(site).is_configured(),
        sent: false,
    }
}

/// `POST /sign-in/forgot`.
pub async fn send(
    door: Door,
    site: web::Data<Site>,
    client: Client,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let now = site.now();
    let typed = form.text("email").to_owned();
    let email = match EmailAddress::parse(&typed) {
        Ok(email) => email,
        Err(error) => {
            let errors = FieldErrors::one("email", error.to_string());
            return Ok(Page::unprocessable(page(door, &site, typed, errors)).response());
        }
    };
    let form = page(door, &site, typed, FieldErrors::default());
    if !form.mails {
        return Ok(Page::new(form).response());
    }
    site.limits.take(Kind::Mail, &client.ip, now)?;
    // Counted for whatever address is typed, so that it tells nothing.
    let counters = vec![Counter::everywhere("mail", email.key())];
    throttle::count(&site.store, now, email.key(), counters).await?;
    let post = Post::of(&site);
    site.store
        .writing(move |conn| queue(conn, now, &post, &email, &client))
        .await?;
    Ok(Page::new(Forgot { sent: true, ..form }).response())
}

fn queue(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    email: &EmailAddress,
    client: &Client,
) -> Result<(), Problem> {
    let account = accounts::find_by_email(conn, email)?
        .filter(|account| account.is_active && account.password_hash.is_some());
    let Some(account) = account else {
        return Ok(());
    };
    let actor = Actor::person(&account.id, account.shown_name(), &client.ip);
    let path = reset::link(conn, now, &actor, &account, (LIFE, false))?;
    letters::new_password(conn, now, post, &account, (&path, now + LIFE))
}
