//! Whether people sign in by a connection. (The switches that change who comes in stand in `previews`.)
//! GET says what will change and for whom; POST does it. A form that was made from an older version is
//! answered with the page as it stands now, and changes nothing.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::audit::Actor;
use crate::connections::testing::{self, Test};
use crate::connections::{Connection, Protocol, State, actions, discovery, queries, saml, versions};
use crate::outbound::Outbound;
use crate::session::{Frame, Fresh, Owner};
use crate::store::time::Timestamp;
use crate::store::{self, Conn};
use crate::web::{Flash, Page, Posted, Problem, Site};

/// What a switch page needs besides its numbers.
struct Ask {
    connection: Connection,
    /// The organization's slug, which is typed where people can be locked out.
    word: String,
    /// What was wrong with the word.
    word_error: Option<String>,
    /// Why it was not done.
    refusal: Option<String>,
    stale: bool,
}

#[derive(Template)]
#[template(path = "connections/state.html")]
struct StatePage {
    ask: Ask,
    frame: Frame,
    /// Who has another way in, for turning off.
    others: Others,
    /// What is known of the settings, for turning on.
    ready: Ready,
    is_saml: bool,
    /// SAML: our entity id.
    entity_id: String,
    redirect_uri: String,
}

/// Who has another way in.
#[derive(Default)]
struct Others {
    members: i64,
    without: i64,
    owners: i64,
}

/// Whether it can be turned on, and who comes in then.
#[derive(Default)]
struct Ready {
    /// What is missing in the settings.
    missing: Option<&'static str>,
    /// The last test of the settings.
    test: Option<Test>,
    /// The attached domains that are verified, by name.
    domains: Vec<String>,
    /// Where newcomers would come in: another connection that is on and lets none in, by name.
    stricter: Option<String>,
}

impl Ready {
    fn load(conn: &mut Conn, connection: &Connection) -> store::Result<Self> {
        let live = versions::live(conn, connection)?;
        let print = live.print();
        let tests = testing::latest(conn, &connection.id)?;
        let attached = super::queries::attached(conn, &connection.id)?;
        Ok(Self {
            missing: live.missing(),
            test: tests.into_iter().find(|test| test.print == print),
            domains: attached
                .into_iter()
                .filter(|domain| domain.verified)
                .map(|domain| domain.name)
                .collect(),
            stricter: Self::stricter(conn, connection)?,
        })
    }

    fn stricter(conn: &mut Conn, connection: &Connection) -> store::Result<Option<String>> {
        if !connection.jit {
            return Ok(None);
        }
        let all = queries::list(conn, &connection.organization)?;
        let stricter = all.into_iter().find(|other| other.is_on() && !other.jit);
        Ok(stricter.map(|other| other.name))
    }

    /// Whether the settings passed their last test.
    fn is_tested(&self) -> bool {
        self.test.as_ref().is_some_and(|test| test.passed)
    }

    /// Whether the person of that test would be denied.
    fn is_denied(&self) -> bool {
        self.test.as_ref().is_some_and(Test::is_denied)
    }
}

impl Others {
    fn load(conn: &mut Conn, connection: &Connection) -> store::Result<Self> {
        let members = queries::active_members(conn, &connection.organization)?;
        let with = queries::with_another_way(conn, connection, false)?;
        Ok(Self {
            members,
            without: (members - with).max(0),
            owners: queries::with_another_way(conn, connection, true)?,
        })
    }
}

/// How a POST ended that did not do it.
#[derive(Default)]
struct Undone {
    /// 200 where nothing was asked yet.
    status: StatusCode,
    word_error: Option<String>,
    refusal: Option<String>,
    stale: bool,
}

impl Undone {
    fn refused(status: StatusCode, sentence: String) -> Self {
        Self {
            status,
            refusal: Some(sentence),
            ..Self::default()
        }
    }
}

type Id = web::Path<(String, String)>;

/// `GET /orgs/{org}/connections/{id}/state`
pub async fn state(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    path: Id,
) -> Result<HttpResponse, Problem> {
    state_page(&owner, &site, path.into_inner().1, Undone::default()).await
}

/// `POST /orgs/{org}/connections/{id}/state`
pub async fn set_state(
    Fresh(owner): Fresh<Owner>,
    site: web::Data<Site>,
    outbound: web::Data<Outbound>,
    path: Id,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let (id, on) = (path.into_inner().1, turned_on(&form)?);
    if let Some(undone) = unconfirmed(&owner, &form, on) {
        return state_page(&owner, &site, id, undone).await;
    }
    if on && let Some(undone) = unready(&owner, &site, &outbound, &id).await? {
        return state_page(&owner, &site, id, undone).await;
    }
    let even_untested = form.has("untested");
    match act(&owner, &site, &id, &form, move |conn, now, actor, known| {
        if on {
            return actions::turn_on(conn, now, actor, known, even_untested);
        }
        actions::set_state(conn, now, actor, known, State::Off)
    })
    .await?
    {
        Err(undone) => state_page(&owner, &site, id, undone).await,
        Ok(done) if on => Ok(said(&owner, &site, &done, "People can now sign in by")),
        Ok(done) => Ok(said(&owner, &site, &done, "Nobody can sign in any longer by")),
    }
}

/// Why it can't be turned on: something is missing, or the provider does not describe itself as it should.
async fn unready(
    owner: &Owner,
    site: &web::Data<Site>,
    outbound: &Outbound,
    id: &str,
) -> Result<Option<Undone>, Problem> {
    let (organization, id) = (owner.organization.clone(), id.to_owned());
    let (known, missing) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let missing = versions::live(conn, &known)?.missing();
            Ok((known, missing))
        })
        .await?;
    if let Some(missing) = missing {
        let sentence = format!("It can’t be turned on yet. {missing}");
        return Ok(Some(Undone::refused(StatusCode::CONFLICT, sentence)));
    }
    // Only where OpenID Connect is spoken is there somebody to ask.
    if known.protocol == Protocol::Oidc
        && let Err(sentence) = discovery::look(outbound, &known.issuer).await
    {
        let sentence = format!("The connection was not turned on. {sentence}");
        return Ok(Some(Undone::refused(StatusCode::UNPROCESSABLE_ENTITY, sentence)));
    }
    Ok(None)
}

async fn state_page(
    owner: &Owner,
    site: &web::Data<Site>,
    id: String,
    undone: Undone,
) -> Result<HttpResponse, Problem> {
    let organization = owner.organization.clone();
    let (connection, others, ready) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let (others, ready) = if connection.is_on() {
                (Others::load(conn, &connection)?, Ready::default())
            } else {
                (Others::default(), Ready::load(conn, &connection)?)
            };
            Ok((connection, others, ready))
        })
        .await?;
    let status = undone.status;
    let page = StatePage {
        frame: owner.frame("connections"),
        is_saml: connection.protocol == Protocol::Saml,
        entity_id: saml::entity_id(site, &connection.id),
        redirect_uri: super::return_address(site, &connection),
        ask: Ask::of(owner, connection, undone),
        others,
        ready,
    };
    Ok(Page::with_status(status, page).response())
}

/// Which way the form turns the switch. The form says it, so that sent twice it turns nothing back.
fn turned_on(form: &Posted) -> Result<bool, Problem> {
    match form.text("to") {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Problem::Invalid(
            "The form does not say “on” or “off”.".to_owned(),
        )),
    }
}

/// Turning off what lets people in is confirmed by the organization's name.
fn unconfirmed(owner: &Owner, form: &Posted, on: bool) -> Option<Undone> {
    let is_confirmed = on || form.text("word") == owner.slug;
    (!is_confirmed).then(|| Undone {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        word_error: Some(format!(
            "That is not the organization’s short name. Type “{}”.",
            owner.slug
        )),
        ..Undone::default()
    })
}

/// Does it to the version that the form was made from. A rule that stands against it, or a change made
/// meanwhile, is no error but an answer.
async fn act(
    owner: &Owner,
    site: &web::Data<Site>,
    id: &str,
    form: &Posted,
    deed: impl FnOnce(&mut Conn, Timestamp, &Actor, &Connection) -> Result<Connection, Problem> + Send + 'static,
) -> Result<Result<Connection, Undone>, Problem> {
    let (now, actor, version) = (site.now(), Actor::from(&**owner), form.version());
    let (organization, id) = (owner.organization.clone(), id.to_owned());
    let done = site
        .store
        .writing_in(&owner.organization, move |conn| {
            let known = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            if known.version == version {
                deed(conn, now, &actor, &known).map(Some)
            } else {
                Ok(None)
            }
        })
        .await;
    match done {
        Ok(Some(connection)) => Ok(Ok(connection)),
        Ok(None) => Ok(Err(Undone {
            status: StatusCode::CONFLICT,
            stale: true,
            ..Undone::default()
        })),
        Err(Problem::Conflict(sentence)) => Ok(Err(Undone::refused(StatusCode::CONFLICT, sentence))),
        Err(problem) => Err(problem),
    }
}

fn said(owner: &Owner, site: &web::Data<Site>, done: &Connection, sentence: &str) -> HttpResponse {
    let path = owner.path(&format!("/connections/{}", done.id));
    Flash::good(format!("{sentence} {}.", done.name)).redirect(site, &path)
}

impl Ask {
    fn of(owner: &Owner, connection: Connection, undone: Undone) -> Self {
        Self {
            word: owner.slug.clone(),
            word_error: undone.word_error,
            refusal: undone.refusal,
            stale: undone.stale,
            connection,
        }
    }
}
