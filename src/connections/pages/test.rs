//! The page from which a connection is tested, and what a test found.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::desk::Desk;
use crate::connections::testing::{self, Ground, Mending, Outcome, Test};
use crate::connections::versions::{self, Version};
use crate::connections::{Connection, ProviderSettings, queries};
use crate::domains;
use crate::session::{Frame, Owner};
use crate::store::{self, Conn};
use crate::web::{Page, Problem, Site};

#[derive(Template)]
#[template(path = "connections/test.html")]
struct TestPage {
    frame: Frame,
    base: String,
    connection: Connection,
    /// Why the settings that hold can't be tested yet.
    missing: Option<&'static str>,
    has_draft: bool,
    /// Why the draft can't be tested yet.
    missing_of_draft: Option<&'static str>,
    tests: Vec<(Test, Tested)>,
}

#[derive(Template)]
#[template(path = "connections/test_found.html")]
struct FoundPage {
    frame: Frame,
    base: String,
    connection: Connection,
    test: Test,
    tested: Tested,
    may_switch: bool,
    /// Whether the provider answers and the person would be denied. Whoever holds a set-up link is not told.
    denied: bool,
    /// What mends that.
    mending: Option<Mending>,
}

/// What the tested settings are by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tested {
    /// Those that hold.
    Live,
    /// The draft.
    Draft,
    /// Neither: they were changed since.
    Changed,
}

impl Tested {
    /// What people read.
    fn title(self) -> &'static str {
        match self {
            Self::Live => "The settings as they are",
            Self::Draft => "The draft as it is",
            Self::Changed => "Settings that were changed since",
        }
    }
}

/// The settings of a connection, those that hold and those that are being prepared.
struct Both {
    live: ProviderSettings,
    draft: Option<Version>,
}

impl Both {
    fn load(conn: &mut Conn, connection: &Connection) -> store::Result<Self> {
        Ok(Self {
            live: versions::live(conn, connection)?,
            draft: versions::find(conn, connection, versions::Kind::Draft)?,
        })
    }

    fn tested(&self, test: &Test) -> Tested {
        let is = |settings: &ProviderSettings| settings.print() == test.print;
        if is(&self.live) {
            Tested::Live
        } else if self.draft.as_ref().is_some_and(|draft| is(&draft.provider)) {
            Tested::Draft
        } else {
            Tested::Changed
        }
    }
}

/// `GET /orgs/{org}/connections/{id}/test`
pub async fn test(
    owner: Owner,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    test_at(&Desk::of_owner(&owner, &path.1), &site).await
}

/// The page, for whoever looks after the connection.
pub(super) async fn test_at(desk: &Desk, site: &web::Data<Site>) -> Result<HttpResponse, Problem> {
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    let (connection, both, tests) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let both = Both::load(conn, &connection)?;
            let tests = testing::latest(conn, &connection.id)?;
            Ok((connection, both, tests))
        })
        .await?;
    Ok(Page::new(TestPage {
        frame: Frame {
            here: place(desk),
            ..desk.frame.clone()
        },
        base: desk.base.clone(),
        connection,
        missing: both.live.missing(),
        has_draft: both.draft.is_some(),
        missing_of_draft: both.draft.as_ref().and_then(|draft| draft.provider.missing()),
        tests: tests
            .into_iter()
            .map(|test| {
                let tested = both.tested(&test);
                (test, tested)
            })
            .collect(),
    })
    .response())
}

/// `GET /orgs/{org}/connections/{id}/tests/{test}`
pub async fn found(
    owner: Owner,
    site: web::Data<Site>,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    found_at(&Desk::of_owner(&owner, &path.1), &site, path.2.clone()).await
}

/// The page of one test, for whoever looks after the connection.
pub(super) async fn found_at(
    desk: &Desk,
    site: &web::Data<Site>,
    test: String,
) -> Result<HttpResponse, Problem> {
    let (organization, id) = (desk.organization.clone(), desk.id.clone());
    let tells = !desk.frame.guest;
    let (connection, both, test, mending) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = queries::find_in(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let test = testing::find(conn, &connection.id, &test)?.ok_or(Problem::NotFound)?;
            let both = Both::load(conn, &connection)?;
            let mending = if tells && test.is_denied() {
                mending(conn, &connection, &test)?
            } else {
                None
            };
            Ok((connection, both, test, mending))
        })
        .await?;
    Ok(Page::new(FoundPage {
        frame: Frame {
            here: place(desk),
            ..desk.frame.clone()
        },
        base: desk.base.clone(),
        tested: both.tested(&test),
        may_switch: desk.may_switch,
        denied: tells && test.is_denied(),
        mending,
        connection,
        test,
    })
    .response())
}

/// What would let the person in, as things are now.
fn mending(conn: &mut Conn, connection: &Connection, test: &Test) -> store::Result<Option<Mending>> {
    let Outcome::Answered {
        identity,
        reason: Some(reason),
        ..
    } = &test.finding.outcome
    else {
        return Ok(None);
    };
    let Some(email) = &identity.email else {
        return Ok(None);
    };
    let attached = queries::attached(conn, &connection.id)?;
    let ground = Ground {
        domain: domains::find_by_name(conn, &connection.organization, email.domain())?,
        attached: attached.into_iter().map(|(id, _)| id).collect(),
    };
    Ok(testing::mending(*reason, identity, connection, &ground))
}

fn place(desk: &Desk) -> &'static str {
    if desk.frame.guest { "test" } else { desk.frame.here }
}
