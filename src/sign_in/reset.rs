//! A new password by a link: whoever holds it sets the password of one account, once. It opens no session, and whatever
//! is asked besides the password is still asked.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{letters, password, queries, trust_password};
use crate::accounts::{self, Account};
use crate::audit::{self, Actor, Event, Subject};
use crate::factors;
use crate::mail::Post;
use crate::session;
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::limits::Kind;
use crate::web::{Client, Door, FieldErrors, Flash, Page, Posted, Problem, Site, see_other};

const COOKIE: &str = "reset";

/// The path of a link for this account; those before it end.
///
/// # Errors
/// When the database refuses.
pub fn link(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    (life, by_operator): (i64, bool),
) -> Result<String, Problem> {
    let token = id::new_token();
    let hash = id::hash_token(&token);
    queries::insert_reset_link(conn, &hash, &account.id, now + life, by_operator)?;
    note(conn, now, actor, account, "account.reset_link_made")?;
    Ok(format!("/reset/{token}"))
}

/// The same, made by whoever runs the server for somebody who lost their password, or, where `remove_factors`, everything:
/// then whatever else was asked of them is taken away. The person is told.
///
/// # Errors
/// When the database refuses.
pub fn begin_for(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    account: &Account,
    (life, remove_factors): (i64, bool),
) -> Result<String, Problem> {
    let actor = Actor::operator();
    let removed = remove_factors && factors::actions::remove_all(conn, now, &actor, account)?;
    letters::reset_begun(conn, now, post, account, removed)?;
    link(conn, now, &actor, account, (life, true))
}

fn note(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    account: &Account,
    action: &str,
) -> Result<(), Problem> {
    let event = Event {
        action,
        subject: Subject {
            kind: "account",
            id: &account.id,
            name: &account.email,
        },
        ..Event::default()
    };
    Ok(audit::record(conn, now, actor, &event)?)
}

/// `GET /reset/{token}`: keeps the token in a cookie and goes on at an address without it.
pub async fn follow(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let token = path.into_inner();
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if token.len() != 43 || !token.bytes().all(fine) {
        return Err(Problem::NotFound);
    }
    let mut answer = see_other("/reset");
    answer
        .add_cookie(&site.cookie(COOKIE, token))
        .map_err(Problem::internal)?;
    Ok(answer)
}

#[derive(Template)]
#[template(path = "sign_in/reset.html")]
struct Reset {
    door: Door,
    errors: FieldErrors,
    email: String,
}

fn gone() -> Problem {
    Problem::Gone("This link was used, or its time is over. Ask for a new one.".to_owned())
}

/// The hash of the link that this browser carries, and its account, if it is open and active.
async fn carried(request: &HttpRequest, site: &Site, client: &Client) -> Result<(String, Account), Problem> {
    let cookie = request.cookie(&site.cookie_name(COOKIE)).ok_or_else(gone)?;
    let (hash, now) = (id::hash_token(cookie.value()), site.now());
    let sought = hash.clone();
    let found = site.store.reading(move |conn| open(conn, now, &sought)).await?;
    let Some(account) = found else {
        site.limits.take(Kind::Link, &client.ip, now)?;
        return Err(gone());
    };
    Ok((hash, account))
}

fn open(conn: &mut Conn, now: Timestamp, hash: &str) -> Result<Option<Account>, Problem> {
    let Some(account) = queries::reset_link(conn, hash, now)? else {
        return Ok(None);
    };
    Ok(accounts::find(conn, &account)?.filter(|account| account.is_active))
}

/// `GET /reset`: asks for the new password.
pub async fn show(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    client: Client,
) -> Result<Page<impl Template>, Problem> {
    let (_, account) = carried(&request, &site, &client).await?;
    Ok(Page::new(Reset {
        door,
        errors: FieldErrors::default(),
        email: account.email,
    }))
}

/// `POST /reset`: sets it, and ends every session of the account.
pub async fn set(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    client: Client,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (hash, account) = carried(&request, &site, &client).await?;
    let typed = form.raw("password").to_owned();
    if let Err(sentence) = accounts::check_policy(&typed, &account.email) {
        let errors = FieldErrors::one("password", sentence);
        return Ok(Page::unprocessable(Reset {
            door,
            errors,
            email: account.email,
        })
        .response());
    }
    let (new, now, post) = (password::hash(&site, typed).await?, site.now(), Post::of(&site));
    site.store
        .writing(move |conn| -> Result<_, Problem> {
            let account = open(conn, now, &hash)?.ok_or_else(gone)?;
            // Whoever changes the password takes the account first, and then what it began.
            conn.lock_account(&account.id)?;
            let by_operator = queries::use_reset_link(conn, &hash)?.ok_or_else(gone)?;
            let actor = Actor::person(&account.id, account.shown_name(), &client.ip);
            accounts::actions::set_password(conn, now, &actor, &account, &new)?;
            if by_operator {
                trust_password(conn, now, &actor, &account)?;
            }
            session::end_all_of_account(conn, &account.id)?;
            let what = ("A new password was set by a link", &client);
            letters::told(conn, now, &post, &account, what)?;
            note(conn, now, &actor, &account, "account.password_reset")
        })
        .await?;
    let flash = Flash::good("Your new password is set, and every browser is signed out. Sign in with it.");
    let mut answer = flash.redirect(&site, "/sign-in");
    answer
        .add_cookie(&site.gone_cookie(COOKIE))
        .map_err(Problem::internal)?;
    Ok(answer)
}
