//! “Is it still you?”: whoever was signed in more than a moment ago shows again that it is them before a sensitive
//! act. By their password, a code or a passkey; or by a fresh sign-in at the provider that they came by.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::password;
use super::second::Factor;
use super::throttle::{self, Counter};
use crate::accounts;
use crate::audit::{self, Actor, Event, Subject};
use crate::factors::{self, Factors, Purpose};
use crate::session::{self, KeptForm, Signed, Strength};
use crate::store::Conn;
use crate::web::{Door, FieldErrors, Page, Posted, Problem, Site, local_path, see_other};

/// What waits meanwhile: a page, or a form that was kept.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Waiting {
    #[serde(default)]
    return_to: String,
    #[serde(default)]
    form: String,
}

impl Waiting {
    fn of(form: &Posted) -> Self {
        Self {
            return_to: form.text("return_to").to_owned(),
            form: form.text("form").to_owned(),
        }
    }

    /// Where the person goes afterwards.
    fn then(&self) -> String {
        let is_key = self.form.len() == 43
            && self
                .form
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if is_key {
            format!("/still-you/{}", self.form)
        } else {
            local_path(&self.return_to).to_owned()
        }
    }
}

/// How this person can show that it is them.
enum Way {
    /// By what they have: the password, and whatever is besides.
    Own { factors: Factors, passkeys: bool },
    /// By the connection that they came by: where it starts, and its name.
    Provider { path: String, name: String },
    /// By signing in from the beginning.
    Anew,
}

#[derive(Template)]
#[template(path = "sign_in/still_you.html")]
struct StillYou {
    door: Door,
    errors: FieldErrors,
    email: String,
    waiting: Waiting,
    way: Way,
}

/// `GET /still-you`.
pub async fn ask(
    door: Door,
    site: web::Data<Site>,
    signed: Signed,
    waiting: web::Query<Waiting>,
) -> Result<HttpResponse, Problem> {
    if signed.is_fresh {
        return Ok(see_other(&waiting.then()));
    }
    let page = question(door, &site, &signed, waiting.into_inner(), FieldErrors::default());
    Ok(Page::new(page.await?).response())
}

async fn question(
    door: Door,
    site: &Site,
    signed: &Signed,
    waiting: Waiting,
    errors: FieldErrors,
) -> Result<StillYou, Problem> {
    let way = if signed.organization.is_none() {
        let id = signed.account.clone();
        let factors = site
            .store
            .reading(move |conn| factors::factors(conn, &id))
            .await
            .map_err(Problem::from)?;
        Way::Own {
            passkeys: factors.passkeys > 0 && factors::can_be_used(site),
            factors,
        }
    } else {
        let id = signed.session.clone();
        let back = site
            .store
            .reading(move |conn| session::way_back(conn, &id))
            .await
            .map_err(Problem::from)?;
        back.map_or(Way::Anew, |(org, slug, name)| {
            let to: String = url::form_urlencoded::byte_serialize(waiting.then().as_bytes()).collect();
            let path = format!("/sign-in/{org}/{slug}?again=anew&return_to={to}");
            Way::Provider { path, name }
        })
    };
    Ok(StillYou {
        door,
        errors,
        email: signed.email.clone(),
        waiting,
        way,
    })
}

/// `POST /still-you`: judges password, code or passkey.
pub async fn answer(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    session: Session,
    signed: Signed,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let waiting = Waiting::of(&form);
    if signed.organization.is_some() {
        // Their provider speaks for them, and no password.
        let page = question(door, &site, &signed, waiting, FieldErrors::default());
        return Ok(Page::unprocessable(page.await?).response());
    }
    let (field, sentence, strength) = if form.has("code") || form.has("answer") {
        (
            "code",
            "This is not right, was used before, or is too old.",
            Strength::SecondFactor,
        )
    } else {
        (
            "password",
            "This is not your password. Check it and try again.",
            Strength::Password,
        )
    };
    let fits = if field == "password" {
        password::fits(&site, &signed.account, form.raw("password").to_owned()).await?
    } else {
        let factor = Factor::of(&form, factors::pages::key(&request, &site));
        factor_fits(&site, &signed, factor).await?
    };
    if !fits {
        let page = question(door, &site, &signed, waiting, FieldErrors::one(field, sentence));
        return Ok(Page::unprocessable(page.await?).response());
    }
    proven(&site, &session, &signed, strength).await?;
    Ok(see_other(&waiting.then()))
}

async fn factor_fits(site: &Site, signed: &Signed, factor: Factor) -> Result<bool, Problem> {
    let counters = vec![Counter::here("proof-code", &signed.account, "signed-in")];
    throttle::count(&site.store, site.now(), &signed.account, counters.clone()).await?;
    let (here, now, id, ip) = (
        site.clone(),
        site.now(),
        signed.account.clone(),
        signed.client.ip.clone(),
    );
    site.store
        .writing(move |conn| -> Result<_, Problem> {
            let account = accounts::find(conn, &id)?.ok_or(Problem::NotFound)?;
            let fits = factor.fits(conn, now, &here, &account, (Purpose::StillYou, &ip))?;
            if fits {
                throttle::right(conn, &counters)?;
            }
            Ok(fits)
        })
        .await
}

/// `POST /still-you/passkey`: a question for one of this person's authenticators.
pub async fn ask_passkey(
    site: web::Data<Site>,
    signed: Signed,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    if signed.organization.is_some() {
        return Err(Problem::NotFound);
    }
    let (here, now) = (site.clone(), site.now());
    let asked = site
        .store
        .writing(move |conn| -> Result<_, Problem> {
            let account = accounts::find(conn, &signed.account)?.ok_or(Problem::NotFound)?;
            factors::actions::ask(conn, now, &here, Purpose::StillYou, Some(&account))
        })
        .await?;
    factors::pages::told(&site, asked)
}

/// The session goes on under another id.
pub(super) async fn proven(
    site: &Site,
    session: &Session,
    signed: &Signed,
    strength: Strength,
) -> Result<(), Problem> {
    let (now, actor, who) = (site.now(), Actor::from(signed), signed.clone());
    let moved = site
        .store
        .writing(move |conn| -> Result<_, Problem> {
            let moved = session::prove(conn, now, &who, strength)?;
            note(conn, now, &actor, &who, strength)?;
            Ok(moved)
        })
        .await?;
    let id = moved.ok_or_else(|| Problem::SignInFirst(String::new()))?;
    session::go_on(session, &id)
}

fn note(
    conn: &mut Conn,
    now: i64,
    actor: &Actor,
    signed: &Signed,
    strength: Strength,
) -> Result<(), Problem> {
    let event = Event {
        organization: signed.organization.as_deref(),
        action: "session.proved",
        subject: Subject {
            kind: "account",
            id: &signed.account,
            name: &signed.email,
        },
        after: Some(serde_json::json!({"by": strength.as_str()})),
        ..Event::default()
    };
    Ok(audit::record(conn, now, actor, &event)?)
}

#[derive(Template)]
#[template(path = "sign_in/kept_form.html")]
struct Kept {
    door: Door,
    form: KeptForm,
}

/// `GET /still-you/{form}`: the form that waited, to be sent by whoever filled it in.
pub async fn kept(
    door: Door,
    site: web::Data<Site>,
    signed: Signed,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let key = path.into_inner();
    if !signed.is_fresh {
        return Ok(see_other(&format!("/still-you?form={key}")));
    }
    let form = session::kept_form(&site, &signed, &key).await?.ok_or_else(|| {
        Problem::Gone(
            "What you typed is no longer kept: that ends after half an hour, and at a sign-in as somebody else. Open the page again."
                .to_owned(),
        )
    })?;
    Ok(Page::new(Kept { door, form }).response())
}
