//! Extractors: who asks, and what they may be. Each asks the database anew.

use std::future::Future;
use std::pin::Pin;

use actix_session::SessionExt as _;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::frame::Frame;
use super::fresh::PROOF_LASTS;
use super::{model, queries};
use crate::access::Role;
use crate::store::time::MINUTE;
use crate::web::{Client, Flash, Problem, Site, Theme, csrf};

/// Somebody is signed in.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The session's row.
    pub session: String,
    /// The account's id.
    pub account: String,
    /// The person's name, or the address where none is known.
    pub name: String,
    /// The account's address.
    pub email: String,
    /// The account's username.
    pub username: String,
    /// Whether this person runs the installation.
    pub operator: bool,
    /// The organization that single sign-on was for; none for a password.
    pub organization: Option<String>,
    /// Whether they showed a moment ago that it is them.
    pub is_fresh: bool,
    /// The browser.
    pub client: Client,
    /// The chosen appearance.
    pub theme: Theme,
    /// The hidden field of forms.
    pub form_token: String,
    /// What the page before has to say.
    pub flash: Option<Flash>,
}

/// An active member of the organization that the path names.
#[derive(Debug, Clone)]
pub struct Member {
    /// The person.
    pub signed: Signed,
    /// The organization's id. Every query takes it.
    pub organization: String,
    /// The organization's name.
    pub organization_name: String,
    /// The organization as the path names it.
    pub slug: String,
    /// The membership's id.
    pub member: String,
    /// What the person may do.
    pub role: Role,
    open_denials: usize,
    paused: Vec<(String, String)>,
}

/// A member whose role is admin or owner.
#[derive(Debug, Clone)]
pub struct Admin(pub Member);

/// A member whose role is owner.
#[derive(Debug, Clone)]
pub struct Owner(pub Member);

/// Who runs the installation, signed in by their own password: no organization's provider can make one.
#[derive(Debug, Clone)]
pub struct Operator(pub Signed);

impl Signed {
    /// Whether the operator’s pages open: to whoever runs the installation, signed in by a password alone.
    pub fn may_operate(&self) -> bool {
        self.operator && self.organization.is_none()
    }
}

impl Member {
    /// The frame of a page whose navigation entry is `here`, such as `members`.
    pub fn frame(&self, here: &'static str) -> Frame {
        Frame {
            organization_name: self.organization_name.clone(),
            organization_slug: self.slug.clone(),
            person_name: self.signed.name.clone(),
            role: self.role,
            theme: self.signed.theme,
            form_token: self.signed.form_token.clone(),
            flash: self.signed.flash.clone(),
            open_denials: self.open_denials,
            paused: self.paused.clone(),
            here,
            guest: false,
        }
    }

    /// The path of a page of this organization, such as `/orgs/acme/members`.
    pub fn path(&self, rest: &str) -> String {
        format!("/orgs/{}{rest}", self.slug)
    }
}

impl std::ops::Deref for Operator {
    type Target = Signed;
    fn deref(&self) -> &Signed {
        &self.0
    }
}

impl std::ops::Deref for Admin {
    type Target = Member;
    fn deref(&self) -> &Member {
        &self.0
    }
}

impl std::ops::Deref for Owner {
    type Target = Member;
    fn deref(&self) -> &Member {
        &self.0
    }
}

pub(super) type Found<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl FromRequest for Signed {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { signed(&request, None).await.map(|(signed, _)| signed) })
    }
}

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let signed = Signed::from_request(request, payload);
        Box::pin(async move {
            let signed = signed.await?;
            if !signed.operator {
                // Nobody else is told what there is.
                return Err(Problem::NotFound);
            }
            if signed.organization.is_some() {
                return Err(Problem::Forbidden(
                    "The operator’s pages open to a password alone, because no organization’s identity provider \
                     speaks for the installation. Sign out, and sign in by your password."
                        .to_owned(),
                ));
            }
            Ok(Self(signed))
        })
    }
}

impl FromRequest for Member {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let slug = request.match_info().get("org").unwrap_or_default().to_owned();
            let (signed, standing) = signed(&request, Some(slug.clone())).await?;
            let Some(standing) = standing else {
                return Err(Problem::NotFound);
            };
            if !standing.is_on {
                return Err(Problem::Forbidden(format!(
                    "{} is turned off on this server, and lets nobody in until whoever runs the server turns it on again.",
                    standing.name
                )));
            }
            let opens = match &signed.organization {
                Some(own) => *own == standing.organization,
                None => standing.by_password,
            };
            if !opens {
                // Signed in by another organization's provider, or by a password that another organization's
                // invitation may have set: that says nothing here.
                return Err(Problem::SignInFirst(here(&request)));
            }
            let role =
                Role::parse(&standing.role).ok_or_else(|| Problem::internal("a membership has no role"))?;
            Ok(Self {
                signed,
                organization: standing.organization,
                organization_name: standing.name,
                slug,
                member: standing.member,
                role,
                open_denials: standing.open_denials,
                paused: standing.paused,
            })
        })
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let member = Member::from_request(request, payload);
        Box::pin(async move {
            let member = member.await?;
            if member.role < Role::Admin {
                return Err(Problem::Forbidden(
                    "Only admins and owners of this organization may open this page.".to_owned(),
                ));
            }
            Ok(Self(member))
        })
    }
}

impl FromRequest for Owner {
    type Error = Problem;
    type Future = Found<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let member = Member::from_request(request, payload);
        Box::pin(async move {
            let member = member.await?;
            if member.role < Role::Owner {
                return Err(Problem::Forbidden(
                    "Only owners of this organization may do this. Ask one of them.".to_owned(),
                ));
            }
            Ok(Self(member))
        })
    }
}

/// A membership as the path's organization has it.
struct Standing {
    organization: String,
    name: String,
    member: String,
    role: String,
    by_password: bool,
    is_on: bool,
    open_denials: usize,
    paused: Vec<(String, String)>,
}

/// Everything about the person, in one read.
async fn signed(request: &HttpRequest, slug: Option<String>) -> Result<(Signed, Option<Standing>), Problem> {
    let site = request
        .app_data::<web::Data<Site>>()
        .cloned()
        .ok_or_else(|| Problem::internal("the application has no Site"))?;
    let sign_in_first = || Problem::SignInFirst(here(request));
    let id: String = request
        .get_session()
        .get(model::STATE)
        .map_err(Problem::internal)?
        .ok_or_else(sign_in_first)?;
    let now = site.now();
    let (row, standing) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let Some(row) = queries::signed(conn, &id, slug.as_deref(), now)? else {
                return Ok((None, None));
            };
            let standing = standing(conn, &row)?;
            Ok((Some(row), standing))
        })
        .await?;
    let row = row.ok_or_else(sign_in_first)?;
    if now - row.last_seen_at >= MINUTE {
        let id = row.session.clone();
        site.store
            .writing(move |conn| queries::touch(conn, &id, now))
            .await
            .map_err(Problem::from)?;
    }
    Ok((present(request, &site, row).await?, standing))
}

fn standing(conn: &mut crate::store::Conn, row: &queries::Row) -> crate::store::Result<Option<Standing>> {
    let (Some(organization), Some(name), Some(state), Some(member), Some(role)) = (
        &row.organization,
        &row.organization_name,
        &row.organization_state,
        &row.member,
        &row.role,
    ) else {
        return Ok(None);
    };
    let paused = if row.paused > 0 {
        queries::paused_directories(conn, organization)?
    } else {
        Vec::new()
    };
    Ok(Some(Standing {
        organization: organization.clone(),
        name: name.clone(),
        member: member.clone(),
        role: role.clone(),
        by_password: row.by_password,
        is_on: state == "on",
        open_denials: usize::try_from(row.denials).unwrap_or_default(),
        paused,
    }))
}

async fn present(request: &HttpRequest, site: &Site, row: queries::Row) -> Result<Signed, Problem> {
    Ok(Signed {
        session: row.session,
        account: row.account,
        name: if row.full_name.is_empty() {
            row.email.clone()
        } else {
            row.full_name
        },
        email: row.email,
        username: row.username,
        operator: row.operator,
        organization: row.came_by,
        is_fresh: site.now() - row.proved_at <= PROOF_LASTS,
        client: Client::extract(request).await?,
        theme: Theme::of(request, site),
        form_token: csrf::token(request, site),
        flash: if request.method() == actix_web::http::Method::GET {
            Flash::take(request, site)
        } else {
            None
        },
    })
}

/// The page to come back to after signing in: this one, if it only shows something.
pub(super) fn here(request: &HttpRequest) -> String {
    if request.method() == actix_web::http::Method::GET {
        request
            .uri()
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default()
    } else {
        String::new()
    }
}
