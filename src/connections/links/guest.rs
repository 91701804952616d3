//! Whoever holds a set-up link, in the one browser that opened it.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::model::{Link, State};
use super::{actions, queries};
use crate::access::Role;
use crate::audit::Actor;
use crate::session::Frame;
use crate::store::id;
use crate::store::time::MINUTE;
use crate::web::{Client, Flash, Problem, Site, Theme, csrf};

/// The cookie of the browser that opened the link.
pub const COOKIE: &str = "connect";

/// Somebody without an account who may look after one connection's provider, and nothing else.
#[derive(Debug, Clone)]
pub struct SetupGuest {
    /// The link.
    pub link: Link,
    /// The organization's id. Every query takes it.
    pub organization: String,
    /// The browser.
    pub client: Client,
    organization_name: String,
    theme: Theme,
    form_token: String,
    flash: Option<Flash>,
}

impl SetupGuest {
    /// The frame of a page whose navigation entry is `here`.
    pub fn frame(&self, here: &'static str) -> Frame {
        Frame {
            organization_name: self.organization_name.clone(),
            organization_slug: String::new(),
            person_name: self.link.name.clone(),
            role: Role::Member,
            theme: self.theme,
            form_token: self.form_token.clone(),
            flash: self.flash.clone(),
            open_denials: 0,
            paused: Vec::new(),
            here,
            guest: true,
        }
    }

    /// Who acts.
    pub fn actor(&self) -> Actor {
        actions::actor(&self.link.name, &self.client.ip)
    }
}

impl FromRequest for SetupGuest {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { guest(&request).await })
    }
}

async fn guest(request: &HttpRequest) -> Result<SetupGuest, Problem> {
    let site = request
        .app_data::<web::Data<Site>>()
        .cloned()
        .ok_or_else(|| Problem::internal("the application has no Site"))?;
    // Nobody else is told what there is.
    let cookie = request
        .cookie(&site.cookie_name(COOKIE))
        .ok_or(Problem::NotFound)?;
    let (hash, now) = (id::hash_token(cookie.value()), site.now());
    let held = site
        .store
        .reading(move |conn| queries::held_by(conn, &hash))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    match held.link.state(now) {
        State::Open => {}
        State::Revoked => return Err(over("was revoked")),
        State::Expired | State::Waiting => return Err(over("has expired")),
    }
    if held.link.seen_at.is_none_or(|at| now - at >= MINUTE) {
        let id = held.link.id.clone();
        site.store
            .writing(move |conn| queries::touch(conn, &id, now))
            .await
            .map_err(Problem::from)?;
    }
    Ok(SetupGuest {
        link: held.link,
        organization: held.organization,
        organization_name: held.organization_name,
        client: Client::extract(request).await?,
        theme: Theme::of(request, &site),
        form_token: csrf::token(request, &site),
        flash: (request.method() == actix_web::http::Method::GET)
            .then(|| Flash::take(request, &site))
            .flatten(),
    })
}

fn over(how: &str) -> Problem {
    Problem::Gone(format!(
        "This set-up link {how}. Everything that you saved is kept. Ask whoever gave you the link for another one."
    ))
}
