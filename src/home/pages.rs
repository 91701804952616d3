//! The home page, for those who look after the organization and for its members.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::needs::{Desk, Need, needs};
use super::picture::Picture;
use super::queries;
use crate::access::Role;
use crate::session::{Frame, Member};
use crate::set_up;
use crate::sign_ins::{self, chart};
use crate::store::DbError;
use crate::store::time::Timestamp;
use crate::teams;
use crate::web::{Page, Problem, Site};

#[derive(Template)]
#[template(path = "home/desk.html")]
struct DeskPage {
    frame: Frame,
    needs: Vec<Need>,
    /// How far the set-up is, for an owner, until it is done.
    set_up: Option<set_up::Path>,
    picture: Option<Picture>,
}

#[derive(Template)]
#[template(path = "home/member.html")]
struct MemberPage {
    frame: Frame,
    email: String,
    joined_at: Timestamp,
    contact: String,
    teams: Vec<String>,
}

/// `GET /orgs/{org}`.
pub async fn home(member: Member, site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    if member.role >= Role::Admin {
        desk(&member, &site).await
    } else {
        own(&member, &site).await
    }
}

async fn desk(member: &Member, site: &Site) -> Result<HttpResponse, Problem> {
    let (organization, now) = (member.organization.clone(), site.now());
    let is_owner = member.role == Role::Owner;
    let (facts, days, path) = site
        .store
        .reading(move |conn| -> Result<_, DbError> {
            let facts = queries::facts(conn, &organization, now)?;
            let days = sign_ins::days(conn, &organization, chart::first_day(now))?;
            let path = is_owner.then(|| set_up::path(conn, &organization)).transpose()?;
            Ok((facts, days, path))
        })
        .await?;
    let frame = member.frame("home");
    let desk = Desk {
        now,
        role: member.role,
        paused: &frame.paused,
        is_mailing: site.config.smtp.is_some(),
    };
    Ok(Page::new(DeskPage {
        needs: needs(&desk, &facts),
        set_up: path.filter(|path| !path.is_done()),
        picture: Picture::of(now, &days),
        frame,
    })
    .response())
}

async fn own(member: &Member, site: &Site) -> Result<HttpResponse, Problem> {
    let (organization, id) = (member.organization.clone(), member.member.clone());
    let ((joined_at, contact), teams) = site
        .store
        .reading(move |conn| -> Result<_, DbError> {
            let standing = queries::membership(conn, &organization, &id)?;
            Ok((standing, teams::of_member(conn, &id)?))
        })
        .await?;
    let mut teams: Vec<String> = teams.into_iter().map(|belonging| belonging.name).collect();
    teams.dedup();
    Ok(Page::new(MemberPage {
        frame: member.frame("home"),
        email: member.signed.email.clone(),
        joined_at,
        contact,
        teams,
    })
    .response())
}
