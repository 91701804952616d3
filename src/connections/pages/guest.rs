//! What whoever holds a set-up link sees: their one connection, by the same forms that owners use.

use actix_web::cookie::time::Duration;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::desk::Desk;
use super::{draft as drafts, form, guides as guide_pages, saml_metadata, test as tests};
use crate::connections::links::{self, COOKIE, SetupGuest};
use crate::connections::saml;
use crate::connections::testing::{self, Test};
use crate::connections::versions::{self, Kind};
use crate::connections::{Connection, Protocol, State, actions, queries};
use crate::outbound::Outbound;
use crate::session::Frame;
use crate::store::id;
use crate::store::time::Timestamp;
use crate::web::{Client, Door, Flash, Page, Posted, Problem, Site, see_other};

/// The cookie that carries the link's token until it is taken.
const TOKEN: &str = "connect_token";

#[derive(Template)]
#[template(path = "connections/link_begin.html")]
struct Begin {
    door: Door,
    organization: String,
    name: String,
    expires_at: Timestamp,
}

#[derive(Template)]
#[template(path = "connections/guest.html")]
struct GuestPage {
    frame: Frame,
    connection: Connection,
    expires_at: Timestamp,
    may_switch: bool,
    /// What is missing in the settings that are being prepared.
    missing: Option<&'static str>,
    has_draft: bool,
    /// The last test of the settings that are being prepared.
    test: Option<Test>,
    /// Our addresses: what each is called, and the address.
    addresses: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "connections/guest_state.html")]
struct StatePage {
    frame: Frame,
    connection: Connection,
    tested: bool,
    may_switch: bool,
    refusal: Option<String>,
}

/// `GET /connect/open/{token}`: keeps the token in a cookie and goes on at an address without it.
pub async fn open(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let token = path.into_inner();
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if token.len() != 43 || !token.bytes().all(is_ours) {
        return Err(Problem::NotFound);
    }
    let mut answer = see_other("/connect/begin");
    answer
        .add_cookie(&site.cookie(TOKEN, token))
        .map_err(Problem::internal)?;
    Ok(answer)
}

/// `GET /connect/begin`: what the link is for. Opening it takes nothing yet: programs look at links in mail, too.
pub async fn begin(
    request: HttpRequest,
    door: Door,
    site: web::Data<Site>,
    guest: Option<SetupGuest>,
) -> Result<HttpResponse, Problem> {
    let hash = carried(&request, &site)?;
    let now = site.now();
    let held = site
        .store
        .reading(move |conn| links::waiting(conn, &hash))
        .await
        .map_err(Problem::from)?
        .ok_or_else(over)?;
    if guest.is_some_and(|guest| guest.link.id == held.link.id) {
        return Ok(see_other(Frame::GUESTS));
    }
    match held.link.state(now) {
        links::State::Waiting => Ok(Page::new(Begin {
            door,
            organization: held.organization_name,
            name: held.link.name,
            expires_at: held.link.expires_at,
        })
        .response()),
        links::State::Open => Err(in_use()),
        links::State::Expired | links::State::Revoked => Err(over()),
    }
}

/// `POST /connect/begin`: this browser takes the link, and no other may.
pub async fn take(
    request: HttpRequest,
    client: Client,
    site: web::Data<Site>,
    _: Posted,
) -> Result<HttpResponse, Problem> {
    let hash = carried(&request, &site)?;
    let (now, key, wanted) = (site.now(), id::new_token(), hash.clone());
    let organization = site
        .store
        .reading(move |conn| links::waiting(conn, &wanted))
        .await
        .map_err(Problem::from)?
        .ok_or_else(over)?
        .organization;
    let browser = key.clone();
    let expires_at = site
        .store
        .writing_in(&organization, move |conn| -> Result<_, Problem> {
            let held = links::waiting(conn, &hash)?.ok_or_else(over)?;
            if links::actions::begin(conn, now, &held, &browser, &client.ip)? {
                return Ok(held.link.expires_at);
            }
            let is_taken = held.link.state(now) == links::State::Open;
            Err(if is_taken { in_use() } else { over() })
        })
        .await?;
    let mut cookie = site.cookie(COOKIE, key);
    cookie.set_max_age(Duration::milliseconds(expires_at - now));
    let mut answer = see_other(Frame::GUESTS);
    for cookie in [cookie, site.gone_cookie(TOKEN)] {
        answer.add_cookie(&cookie).map_err(Problem::internal)?;
    }
    Ok(answer)
}

fn carried(request: &HttpRequest, site: &Site) -> Result<String, Problem> {
    let cookie = request
        .cookie(&site.cookie_name(TOKEN))
        .ok_or(Problem::NotFound)?;
    Ok(id::hash_token(cookie.value()))
}

fn over() -> Problem {
    Problem::Gone(
        "This set-up link was revoked or has expired, or was never made here. Ask whoever gave it to you for another one."
            .to_owned(),
    )
}

fn in_use() -> Problem {
    Problem::Gone(
        "This set-up link is in use in another browser. Go on there, or ask whoever gave it to you for another one."
            .to_owned(),
    )
}

impl Desk {
    /// Whoever holds a set-up link, at its connection.
    pub fn of_guest(guest: &SetupGuest, here: &'static str) -> Self {
        Self {
            frame: guest.frame(here),
            organization: guest.organization.clone(),
            actor: guest.actor(),
            id: guest.link.connection.clone(),
            base: Frame::GUESTS.to_owned(),
            may_switch: guest.link.may_switch,
        }
    }
}

/// `GET /connect`: the connection, and what is to be done.
pub async fn show(guest: SetupGuest, site: web::Data<Site>) -> Result<Page<impl Template>, Problem> {
    let (organization, id) = (guest.organization.clone(), guest.link.connection.clone());
    let (connection, provider, has_draft, test) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let draft = versions::find(conn, &connection, Kind::Draft)?;
            let has_draft = draft.is_some();
            let provider = match draft {
                Some(draft) => draft.provider,
                None => versions::live(conn, &connection)?,
            };
            let print = provider.print();
            let test = testing::latest(conn, &connection.id)?
                .into_iter()
                .find(|test| test.print == print);
            Ok((connection, provider, has_draft, test))
        })
        .await?;
    Ok(Page::new(GuestPage {
        frame: guest.frame(""),
        expires_at: guest.link.expires_at,
        may_switch: guest.link.may_switch,
        missing: provider.missing(),
        addresses: addresses(&site, &connection),
        connection,
        has_draft,
        test,
    }))
}

/// Our addresses as the provider has to know them.
pub(super) fn addresses(site: &Site, connection: &Connection) -> Vec<(&'static str, String)> {
    let back = super::return_address(site, connection);
    match connection.protocol {
        Protocol::Oidc => vec![("Redirect address", back)],
        Protocol::Saml => vec![
            ("Our entity id", saml::entity_id(site, &connection.id)),
            ("Our ACS address", back),
        ],
    }
}

/// `GET /connect/edit`
pub async fn edit(guest: SetupGuest, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    form::edit_at(&Desk::of_guest(&guest, "edit"), &site).await
}

/// `POST /connect/edit`
pub async fn change(
    guest: SetupGuest,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    posted: Posted,
) -> Result<HttpResponse, Problem> {
    form::change_at(&Desk::of_guest(&guest, "edit"), &site, &outbound, &posted).await
}

/// `GET /connect/metadata`
pub async fn metadata(guest: SetupGuest, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    saml_metadata::metadata_at(&Desk::of_guest(&guest, "edit"), &site).await
}

/// `POST /connect/metadata`
pub async fn change_metadata(
    guest: SetupGuest,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    posted: Posted,
) -> Result<HttpResponse, Problem> {
    saml_metadata::change_metadata_at(&Desk::of_guest(&guest, "edit"), &site, &outbound, &posted).await
}

/// `GET /connect/draft`
pub async fn draft(guest: SetupGuest, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    drafts::draft_at(&Desk::of_guest(&guest, ""), &site, None).await
}

/// `POST /connect/draft`
pub async fn settle(
    guest: SetupGuest,
    site: web::Data<Site>,
    posted: Posted,
) -> Result<HttpResponse, Problem> {
    drafts::settle_at(&Desk::of_guest(&guest, ""), &site, &posted).await
}

/// `GET /connect/test`
pub async fn test(guest: SetupGuest, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    tests::test_at(&Desk::of_guest(&guest, "test"), &site).await
}

/// `GET /connect/tests/{test}`
pub async fn found(
    guest: SetupGuest,
    site: web::Data<Site>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    tests::found_at(&Desk::of_guest(&guest, "test"), &site, path.into_inner()).await
}

/// `GET /connect/guides`
pub async fn guides(guest: SetupGuest, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    guide_pages::list_at(&Desk::of_guest(&guest, "guides"), &site).await
}

/// `GET /connect/guides/{provider}`
pub async fn guide(
    guest: SetupGuest,
    site: web::Data<Site>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    guide_pages::show_at(&Desk::of_guest(&guest, "guides"), &site, &path.into_inner()).await
}

/// `GET /connect/state`
pub async fn state(guest: SetupGuest, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    state_page(&guest, &site, None).await
}

/// `POST /connect/state`: turns the connection on, where the link lets its holder.
pub async fn turn_on(
    guest: SetupGuest,
    site: web::Data<Site>,
    posted: Posted,
) -> Result<HttpResponse, Problem> {
    if !guest.link.may_switch {
        return Err(Problem::Forbidden(
            "This set-up link does not let you turn the connection on. Ask whoever gave it to you."
                .to_owned(),
        ));
    }
    let desk = Desk::of_guest(&guest, "");
    let done = drafts::act(&desk, &site, posted.version(), |conn, now, actor, known| {
        actions::turn_on(conn, now, actor, known, false)
    })
    .await?;
    match done {
        Err(refusal) => state_page(&guest, &site, Some(refusal)).await,
        Ok(done) => {
            let sentence = format!("People can now sign in by {}.", done.name);
            Ok(Flash::good(sentence).redirect(&site, Frame::GUESTS))
        }
    }
}

async fn state_page(
    guest: &SetupGuest,
    site: &web::Data<Site>,
    refusal: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (organization, id) = (guest.organization.clone(), guest.link.connection.clone());
    let (connection, tested) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let tested = testing::live_passed(conn, &connection)?;
            Ok((connection, tested))
        })
        .await?;
    let status = refusal.as_ref().map_or(StatusCode::OK, |_| StatusCode::CONFLICT);
    let page = StatePage {
        frame: guest.frame(""),
        may_switch: guest.link.may_switch,
        connection,
        tested,
        refusal,
    };
    Ok(Page::with_status(status, page).response())
}

/// `POST /connect/leave`: this browser forgets the link. Nothing else can open it either.
pub async fn leave(_: SetupGuest, site: web::Data<Site>, _: Posted) -> Result<HttpResponse, Problem> {
    let mut answer = see_other("/sign-in");
    answer
        .add_cookie(&site.gone_cookie(COOKIE))
        .map_err(Problem::internal)?;
    Ok(answer)
}
