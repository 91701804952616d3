//! The second factors of one's own account. All of it wants a proof of a moment ago, ends the person's other sessions,
//! and is for those who sign in by a password.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::accounts::{self, Account};
use crate::audit::Actor;
use crate::factors::{self, Enrolment, Factors, MOST_PASSKEYS, Named, Purpose};
use crate::mail::Post;
use crate::session::{self, Fresh, Signed};
use crate::sign_in;
use crate::store::Conn;
use crate::web::{Door, FieldErrors, Flash, Page, Posted, Problem, Site};

/// The account, if it signs in by a password, and did now.
fn own(conn: &mut Conn, signed: &Signed) -> Result<Account, Problem> {
    let account = accounts::find(conn, &signed.account)?.ok_or(Problem::NotFound)?;
    if account.password_hash.is_none() || signed.organization.is_some() {
        return Err(Problem::Forbidden(
            "Your organization’s identity provider asks for whatever is needed besides. Here this is for those who sign in by a password, and did so now."
                .to_owned(),
        ));
    }
    Ok(account)
}

async fn load(site: &Site, signed: &Signed) -> Result<(Account, Factors), Problem> {
    let signed = signed.clone();
    site.store
        .reading(move |conn| {
            let account = own(conn, &signed)?;
            let factors = factors::factors(conn, &account.id)?;
            Ok((account, factors))
        })
        .await
}

/// What was done, if anything was: then the person is told by mail, and signed out elsewhere.
type Done = Option<&'static str>;

/// Changes something; what `deed` answers, and what it did.
async fn change<T: Send + 'static>(
    site: &Site,
    signed: &Signed,
    deed: impl Fn(&mut Conn, &Account, &Actor) -> Result<(T, Done), Problem> + Send + 'static,
) -> Result<T, Problem> {
    let (signed, now, post) = (signed.clone(), site.now(), Post::of(site));
    site.store
        .writing(move |conn| {
            let account = own(conn, &signed)?;
            let (answer, done) = deed(conn, &account, &Actor::from(&signed))?;
            if let Some(what) = done {
                session::end_others(conn, &account.id, &signed.session)?;
                sign_in::told_by_mail(conn, now, &post, &account, (what, &signed.client))?;
            }
            Ok(answer)
        })
        .await
}

#[derive(Template)]
#[template(path = "my_account/app.html")]
struct App {
    door: Door,
    errors: FieldErrors,
    enrolment: Enrolment,
    sealed: String,
    replaces: bool,
}

/// `GET /account/app`: a key for an authenticator app.
pub async fn offer_app(
    door: Door,
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
) -> Result<Page<impl Template>, Problem> {
    let (account, factors) = load(&site, &signed).await?;
    let (enrolment, sealed) = factors::actions::offer_app(&site, &account)?;
    Ok(Page::new(App {
        door,
        errors: FieldErrors::default(),
        enrolment,
        sealed,
        replaces: factors.app_since.is_some(),
    }))
}

#[derive(Template)]
#[template(path = "my_account/codes.html")]
struct Codes {
    door: Door,
    codes: Vec<String>,
    what: String,
}

/// `POST /account/app`: the first code shows that the app has the key.
pub async fn add_app(
    door: Door,
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (account, factors) = load(&site, &signed).await?;
    let (now, sealer) = (site.now(), site.sealer.clone());
    let (sealed, typed) = (form.text("key").to_owned(), form.text("code").to_owned());
    let enrolment = factors::actions::offer_again(&site, &account, &sealed)?;
    let offered = sealed.clone();
    let codes = change(&site, &signed, move |conn, account, actor| {
        let codes = factors::actions::add_app(conn, now, &sealer, actor, account, (&offered, &typed))?;
        let done = codes.is_some().then_some("An authenticator app was added");
        Ok((codes, done))
    });
    match codes.await? {
        Some(codes) => Ok(Page::new(Codes {
            door,
            codes,
            what: "Your app is asked from now on.".to_owned(),
        })
        .response()),
        None => Ok(Page::unprocessable(App {
            door,
            errors: FieldErrors::one(
                "code",
                "This is not the code that the app shows now. Wait for the next one.",
            ),
            enrolment,
            sealed,
            replaces: factors.app_since.is_some(),
        })
        .response()),
    }
}

/// What would be done, before it is.
#[derive(Template)]
#[template(path = "my_account/factor_change.html")]
struct Change {
    door: Door,
    title: String,
    sentences: Vec<&'static str>,
    button: &'static str,
    path: String,
}

const OTHERS: &str = "Your other browsers are signed out.";

/// `GET /account/app/remove`.
pub async fn explain_app_removal(
    door: Door,
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
) -> Result<Page<impl Template>, Problem> {
    load(&site, &signed).await?;
    Ok(Page::new(Change {
        door,
        title: "Remove the authenticator app?".to_owned(),
        sentences: vec![
            "No code of the app is asked for any more. Without a passkey, your password alone signs you in, and the recovery codes go too.",
            OTHERS,
        ],
        button: "Remove the app",
        path: "/account/app/remove".to_owned(),
    }))
}

/// `POST /account/app/remove`.
pub async fn remove_app(
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let now = site.now();
    let removed = change(&site, &signed, move |conn, account, actor| {
        let removed = factors::actions::remove_app(conn, now, actor, account)?;
        Ok((removed, removed.then_some("The authenticator app was removed")))
    });
    let flash = if removed.await? {
        Flash::good("The app is not asked any more.")
    } else {
        Flash::bad("There was no app to remove.")
    };
    Ok(flash.redirect(&site, "/account"))
}

fn nothing_to_recover() -> Problem {
    Problem::Conflict("Recovery codes stand in for an app or a passkey. Add one of those first.".to_owned())
}

/// `GET /account/recovery-codes`.
pub async fn explain_new_codes(
    door: Door,
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
) -> Result<Page<impl Template>, Problem> {
    let (_, factors) = load(&site, &signed).await?;
    if !factors.any() {
        return Err(nothing_to_recover());
    }
    Ok(Page::new(Change {
        door,
        title: "Make new recovery codes?".to_owned(),
        sentences: vec![
            "The codes that you have are good for nothing from then on.",
            OTHERS,
        ],
        button: "Make ten new codes",
        path: "/account/recovery-codes".to_owned(),
    }))
}

/// `POST /account/recovery-codes`.
pub async fn new_codes(
    door: Door,
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let now = site.now();
    let codes = change(&site, &signed, move |conn, account, actor| {
        if !factors::factors(conn, &account.id)?.any() {
            return Err(nothing_to_recover());
        }
        let codes = factors::actions::new_recovery_codes(conn, now, actor, account)?;
        Ok((codes, Some("New recovery codes were made")))
    });
    Ok(Page::new(Codes {
        door,
        codes: codes.await?,
        what: "The codes from before are good for nothing now.".to_owned(),
    })
    .response())
}

#[derive(Template)]
#[template(path = "my_account/passkeys.html")]
struct Passkeys {
    door: Door,
    errors: FieldErrors,
    typed: String,
    passkeys: Vec<Named>,
    usable: bool,
    most: usize,
    host: String,
}

async fn listed(
    door: Door,
    site: &Site,
    signed: &Signed,
    errors: FieldErrors,
    typed: String,
) -> Result<HttpResponse, Problem> {
    let who = signed.clone();
    let passkeys = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let account = own(conn, &who)?;
            Ok(factors::passkeys_of(conn, &account.id)?)
        })
        .await?;
    let is_fine = errors.is_empty();
    let page = Passkeys {
        door,
        errors,
        typed,
        passkeys,
        usable: factors::can_be_used(site),
        most: MOST_PASSKEYS,
        host: site.config.public_url.authority().to_owned(),
    };
    Ok(if is_fine {
        Page::new(page).response()
    } else {
        Page::unprocessable(page).response()
    })
}

/// `GET /account/passkeys`.
pub async fn passkeys(
    door: Door,
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
) -> Result<HttpResponse, Problem> {
    listed(door, &site, &signed, FieldErrors::default(), String::new()).await
}

/// `POST /account/passkeys/ask`: the question that a new passkey answers.
pub async fn ask_passkey(
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (here, now) = (site.clone(), site.now());
    let asked = site
        .store
        .writing(move |conn| -> Result<_, Problem> {
            let account = own(conn, &signed)?;
            factors::actions::ask(conn, now, &here, Purpose::Add, Some(&account))
        })
        .await?;
    factors::pages::told(&site, asked)
}

/// `POST /account/passkeys`: keeps the passkey that answered.
pub async fn add_passkey(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (here, now, key) = (site.clone(), site.now(), factors::pages::key(&request, &site));
    let (name, answer) = (form.text("name").to_owned(), form.text("answer").to_owned());
    let typed = name.clone();
    let added = change(&site, &signed, move |conn, account, actor| {
        let added = factors::actions::add_passkey(conn, now, &here, actor, account, (&key, &name, &answer))?;
        let done = added.is_ok().then_some("A passkey was added");
        Ok((added, done))
    });
    match added.await? {
        Err(errors) => listed(door, &site, &signed, errors, typed).await,
        Ok(codes) if codes.is_empty() => {
            Ok(Flash::good(format!("“{typed}” is added.")).redirect(&site, "/account/passkeys"))
        }
        Ok(codes) => Ok(Page::new(Codes {
            door,
            codes,
            what: format!("“{typed}” is added."),
        })
        .response()),
    }
}

/// `GET /account/passkeys/{id}/remove`.
pub async fn explain_passkey_removal(
    door: Door,
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
    path: web::Path<String>,
) -> Result<Page<impl Template>, Problem> {
    let id = path.into_inner();
    let known = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let account = own(conn, &signed)?;
            Ok(factors::passkeys_of(conn, &account.id)?)
        })
        .await?;
    let passkey = known
        .into_iter()
        .find(|one| one.id == id)
        .ok_or(Problem::NotFound)?;
    Ok(Page::new(Change {
        door,
        title: format!("Remove the passkey “{}”?", passkey.name),
        sentences: vec![
            "It signs nobody in any more. If it is the last one and you have no app, your password alone signs you in, and the recovery codes go too.",
            OTHERS,
        ],
        button: "Remove the passkey",
        path: format!("/account/passkeys/{}/remove", passkey.id),
    }))
}

/// `POST /account/passkeys/{id}/remove`.
pub async fn remove_passkey(
    site: web::Data<Site>,
    Fresh(signed): Fresh<Signed>,
    path: web::Path<String>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, now) = (path.into_inner(), site.now());
    let removed = change(&site, &signed, move |conn, account, actor| {
        let removed = factors::actions::remove_passkey(conn, now, actor, account, &id)?;
        let name = removed.ok_or(Problem::NotFound)?;
        Ok((name, Some("A passkey was removed")))
    });
    let name = removed.await?;
    Ok(Flash::good(format!("“{name}” is removed.")).redirect(&site, "/account/passkeys"))
}
