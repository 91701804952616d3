//! The second factor after a right password, and the passkey that needs no password at all.

use actix_session::Session;
use actix_web::cookie::time::Duration;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::half::{self, Half};
use super::known;
use super::letters;
use super::password::{NEW_BROWSER, Outcome, let_in};
use super::throttle::{self, Counter};
use crate::accounts::{self, Account};
use crate::audit::Actor;
use crate::factors::{self, Factors, Purpose};
use crate::mail::Post;
use crate::session::{self, Strength};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::limits::Kind;
use crate::web::{Client, Door, FieldErrors, Flash, Page, Posted, Problem, Site, local_path, see_other};

const COOKIE: &str = "second";
const START_AGAIN: &str =
    "That took too long, or too many codes were wrong. Sign in again from the beginning.";
const WRONG_CODE: &str = "This code is not right, was used before, or is too old. Wait for the next one.";

/// Off to the second factor.
pub(super) fn begun(site: &Site, key: String) -> Result<HttpResponse, Problem> {
    let mut answer = see_other("/sign-in/second");
    let mut cookie = site.cookie(COOKIE, key);
    cookie.set_max_age(Duration::minutes(10));
    answer.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(answer)
}

fn key(request: &HttpRequest, site: &Site) -> String {
    let cookie = request.cookie(&site.cookie_name(COOKIE));
    cookie.map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

fn from_the_beginning(site: &Site) -> Result<HttpResponse, Problem> {
    let mut answer = Flash::bad(START_AGAIN).redirect(site, "/sign-in");
    answer
        .add_cookie(&site.gone_cookie(COOKIE))
        .map_err(Problem::internal)?;
    Ok(answer)
}

#[derive(Template)]
#[template(path = "sign_in/second.html")]
struct Second {
    door: Door,
    errors: FieldErrors,
    factors: Factors,
    passkeys: bool,
}

/// `GET /sign-in/second`.
pub async fn ask(request: HttpRequest, door: Door, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let (key, now) = (key(&request, &site), site.now());
    let found = site.store.reading(move |conn| waiting(conn, now, &key)).await?;
    match found {
        Some((_, factors)) => Ok(Page::new(page(door, &site, factors, FieldErrors::default())).response()),
        None => from_the_beginning(&site),
    }
}

fn page(door: Door, site: &Site, factors: Factors, errors: FieldErrors) -> Second {
    Second {
        door,
        errors,
        passkeys: factors.passkeys > 0 && factors::can_be_used(site),
        factors,
    }
}

fn waiting(conn: &mut Conn, now: Timestamp, key: &str) -> Result<Option<(Half, Factors)>, Problem> {
    let Some(half) = half::find(conn, now, key)? else {
        return Ok(None);
    };
    let factors = factors::factors(conn, &half.account)?;
    Ok(Some((half, factors)))
}

/// What became of a second factor.
enum Judged {
    In {
        session: String,
        half: Half,
        email_key: String,
    },
    Wrong(Factors),
    Refused(&'static str, Factors),
    Over,
}

/// `POST /sign-in/second`: a code, or a passkey's answer.
pub async fn answer(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    session: Session,
    client: Client,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (key, now) = (key(&request, &site), site.now());
    let sought = key.clone();
    let Some((half, _)) = site
        .store
        .reading(move |conn| waiting(conn, now, &sought))
        .await?
    else {
        return from_the_beginning(&site);
    };
    let factor = Factor::of(&form, factors::pages::key(&request, &site));
    let counters = match &factor {
        Factor::Code(_) => counters(&request, &site, &half.account, &client).await?,
        Factor::Passkey { .. } => Vec::new(),
    };
    throttle::count(&site.store, now, &half.account, counters.clone()).await?;
    let (here, from) = (site.clone(), client);
    let judged = site
        .store
        .writing(move |conn| judge(conn, now, &here, &key, (&factor, &counters), &from))
        .await?;
    match judged {
        Judged::In {
            session: id,
            half,
            email_key,
        } => {
            session::enter(&request, &session, &id)?;
            let mut answer = see_other(local_path(&half.return_to));
            for cookie in [site.gone_cookie(COOKIE), known::cookie(&site, &email_key)] {
                answer.add_cookie(&cookie).map_err(Problem::internal)?;
            }
            Ok(answer)
        }
        Judged::Over => from_the_beginning(&site),
        Judged::Wrong(factors) => {
            let errors = FieldErrors::one("code", WRONG_CODE);
            Ok(Page::unprocessable(page(door, &site, factors, errors)).response())
        }
        Judged::Refused(sentence, factors) => {
            let errors = FieldErrors::one("code", sentence);
            Ok(Page::unprocessable(page(door, &site, factors, errors)).response())
        }
    }
}

/// What was sent as a proof besides the password.
pub(super) enum Factor {
    /// What was typed for a code.
    Code(String),
    /// The key of a question, and its signed answer.
    Passkey { key: String, answer: String },
}

impl Factor {
    pub(super) fn of(form: &Posted, key: String) -> Self {
        match form.text("answer") {
            "" => Self::Code(form.text("code").to_owned()),
            answer => Self::Passkey {
                key,
                answer: answer.to_owned(),
            },
        }
    }

    /// Whether it is one of this account's, which uses it up.
    pub(super) fn fits(
        &self,
        conn: &mut Conn,
        now: Timestamp,
        site: &Site,
        account: &Account,
        (purpose, ip): (Purpose, &str),
    ) -> Result<bool, Problem> {
        match self {
            Self::Code(typed) => {
                let actor = Actor::person(&account.id, account.shown_name(), ip);
                let used = factors::actions::use_code(conn, now, &site.sealer, &actor, account, typed)?;
                Ok(used.is_some())
            }
            Self::Passkey { key, answer } => {
                let whose = factors::actions::answered(conn, now, site, purpose, (key, answer))?;
                Ok(whose.as_deref() == Some(account.id.as_str()))
            }
        }
    }
}

/// Codes are counted for the account, whatever the session; a browser that it knows has a counter of its own.
async fn counters(
    request: &HttpRequest,
    site: &Site,
    account: &str,
    client: &Client,
) -> Result<Vec<Counter>, Problem> {
    let id = account.to_owned();
    let known = site
        .store
        .reading(move |conn| accounts::find(conn, &id))
        .await
        .map_err(Problem::from)?
        .and_then(|account| known::mark(request, site, &account.email_key));
    Ok(match known {
        Some(mark) => vec![Counter::here("code", account, &format!("known-{mark}"))],
        None => vec![
            Counter::here("code", account, &client.ip),
            Counter::everywhere("code", account),
        ],
    })
}

fn judge(
    conn: &mut Conn,
    now: Timestamp,
    site: &Site,
    key: &str,
    (factor, counters): (&Factor, &[Counter]),
    client: &Client,
) -> Result<Judged, Problem> {
    // Whoever changes the password takes the account first, and then what waits here.
    if let Some(half) = half::find(conn, now, key)? {
        conn.lock_account(&half.account)?;
    }
    let Some(half) = half::try_once(conn, now, key)? else {
        return Ok(Judged::Over);
    };
    let Some(account) = accounts::find(conn, &half.account)?.filter(|account| account.is_active) else {
        return Ok(Judged::Over);
    };
    let factors = factors::factors(conn, &account.id)?;
    if !factor.fits(conn, now, site, &account, (Purpose::Second, &client.ip))? {
        return Ok(Judged::Wrong(factors));
    }
    throttle::right(conn, counters)?;
    if !half::end(conn, key)? {
        return Ok(Judged::Over);
    }
    match let_in(conn, now, &account.id, client, Strength::SecondFactor)? {
        Outcome::In(session) => {
            // A browser that the account knows has one counter alone.
            if counters.len() > 1 {
                letters::told(conn, now, &Post::of(site), &account, (NEW_BROWSER, client))?;
            }
            Ok(Judged::In {
                session,
                half,
                email_key: account.email_key,
            })
        }
        Outcome::Refused(sentence) => Ok(Judged::Refused(sentence, factors)),
        Outcome::Wrong | Outcome::Second(_) => Ok(Judged::Over),
    }
}

/// `POST /sign-in/passkey/ask`: a question for an authenticator. After a password it is one of that account's.
pub async fn ask_passkey(
    request: HttpRequest,
    site: web::Data<Site>,
    client: Client,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    site.limits.take(Kind::Passkey, &client.ip, site.now())?;
    let (half, here, now) = (key(&request, &site), site.clone(), site.now());
    let second = form.has("second");
    let asked = site
        .store
        .writing(move |conn| -> Result<_, Problem> {
            if !second {
                return factors::actions::ask(conn, now, &here, Purpose::SignIn, None);
            }
            let half = half::find(conn, now, &half)?.ok_or_else(|| Problem::Gone(START_AGAIN.to_owned()))?;
            let account = accounts::find(conn, &half.account)?.ok_or(Problem::NotFound)?;
            factors::actions::ask(conn, now, &here, Purpose::Second, Some(&account))
        })
        .await?;
    factors::pages::told(&site, asked)
}

/// `POST /sign-in/passkey`: in, by a passkey alone.
pub async fn by_passkey(
    request: HttpRequest,
    site: web::Data<Site>,
    session: Session,
    client: Client,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (here, now, ip) = (site.clone(), site.now(), client.ip.clone());
    let (key, answer) = (
        factors::pages::key(&request, &site),
        form.text("answer").to_owned(),
    );
    let outcome = site
        .store
        .writing(move |conn| -> Result<_, Problem> {
            let whose = factors::actions::answered(conn, now, &here, Purpose::SignIn, (&key, &answer))?;
            let Some(account) = whose else {
                return Ok(Outcome::Wrong);
            };
            let_in(conn, now, &account, &client, Strength::Passkey)
        })
        .await?;
    let sentence = match outcome {
        Outcome::In(id) => {
            site.limits.give_back(Kind::Passkey, &ip, now);
            session::enter(&request, &session, &id)?;
            return Ok(see_other(local_path(form.text("return_to"))));
        }
        Outcome::Refused(sentence) => sentence,
        Outcome::Wrong | Outcome::Second(_) => {
            "This passkey is not known here, or its answer came too late. Try again, or go on with your address."
        }
    };
    Ok(Flash::bad(sentence).redirect(&site, "/sign-in"))
}
