//! Role and teams of a member, by hand.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::act::Deed;
use crate::access::Role;
use crate::members::actions::{self, Doer, TeamChange};
use crate::members::model::{Act, Facts, Membership, Refusal, State, judge};
use crate::session::{Admin, Frame};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::teams::{self, Belonging, Team};
use crate::web::{Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "members/edit.html")]
struct Edit {
    frame: Frame,
    member: Membership,
    roles: Vec<Role>,
    role_is_fixed: Option<String>,
    teams: Vec<Choice>,
    /// What else can be done to the person, on a page of its own.
    deeds: Vec<Deed>,
    conflict: Option<String>,
}

/// A team to tick.
struct Choice {
    id: String,
    name: String,
    ticked: bool,
    /// By which directory the person is in it whatever is ticked, or empty.
    also: &'static str,
}

/// The form, filled in.
pub async fn edit(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    form(&admin, &site, path.into_inner().1, None).await
}

/// Saves it, or shows it as it stands now where something stands against it.
pub async fn change(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let wanted = Wanted::read(&posted)?;
    let (now, member, whom) = (site.now(), (*admin).clone(), id.clone());
    let done = site
        .store
        .writing_in(&admin.organization, move |conn| {
            let doer = Doer::at_work(conn, &member)?;
            wanted.apply(conn, now, &doer, &member.organization, &whom)
        })
        .await;
    match done {
        Ok(member) => Ok(after(&admin, &site, &member)),
        Err(Problem::Conflict(sentence)) => form(&admin, &site, id, Some(sentence)).await,
        Err(Problem::StillYou(_)) => {
            let path = admin.path(&format!("/members/{id}/edit"));
            Err(admin.signed.keep(&site, &path, &posted).await?)
        }
        Err(problem) => Err(problem),
    }
}

/// Whoever gave up their own power has no page of members to go to.
fn after(admin: &Admin, site: &Site, member: &Membership) -> HttpResponse {
    let flash = Flash::good(format!("{} is saved.", member.name));
    if member.account == admin.signed.account && member.role < Role::Admin {
        return flash.redirect(site, "/account");
    }
    flash.redirect(site, &admin.path(&format!("/members/{}", member.id)))
}

/// What the form wants.
struct Wanted {
    /// None where the form had no choice of role.
    role: Option<Role>,
    teams: TeamChange,
    version: i64,
}

impl Wanted {
    fn read(posted: &Posted) -> Result<Self, Problem> {
        let role = match posted.text("role") {
            "" => None,
            word => Some(
                Role::parse(word)
                    .ok_or_else(|| Problem::Invalid("Choose a role: owner, admin or member.".to_owned()))?,
            ),
        };
        Ok(Self {
            role,
            teams: TeamChange::between(&posted.all("shown"), &posted.all("team")),
            version: posted.version(),
        })
    }

    fn apply(
        &self,
        conn: &mut Conn,
        now: Timestamp,
        doer: &Doer,
        organization: &str,
        id: &str,
    ) -> Result<Membership, Problem> {
        let (member, _) = actions::load(conn, now, organization, id)?;
        let role = self.role.unwrap_or(member.role);
        if role != member.role {
            actions::change_role(conn, now, doer, organization, id, self.version, role)?;
        } else if self.version != member.version {
            return Err(Problem::Conflict(
                "Somebody else changed this member meanwhile. This is how they stand now.".to_owned(),
            ));
        }
        actions::change_teams(conn, now, doer, organization, id, &self.teams)?;
        Ok(Membership { role, ..member })
    }
}

async fn form(
    admin: &Admin,
    site: &Site,
    id: String,
    conflict: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (organization, now) = (admin.organization.clone(), site.now());
    let (member, facts, all, own) = site
        .store
        .reading(move |conn| {
            let (member, facts) = actions::load(conn, now, &organization, &id)?;
            let own = teams::of_member(conn, &member.id)?;
            Ok::<_, Problem>((member, facts, teams::list(conn, &organization)?, own))
        })
        .await?;
    if member.state == State::Removed {
        return Err(Refusal::Removed.into());
    }
    let may = |role: Role| judge(Act::ChangeRole(role), admin.role, &member, &facts);
    let roles: Vec<Role> = Role::ALL
        .iter()
        .rev()
        .copied()
        .filter(|role| may(*role).is_ok())
        .collect();
    let page = Edit {
        frame: admin.frame("members"),
        role_is_fixed: may(Role::Member).err().map(|refusal| refusal.to_string()),
        roles,
        teams: choices(all, &own),
        deeds: deeds(admin.role, &member, &facts),
        member,
        conflict,
    };
    let status = if page.conflict.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    Ok(Page::with_status(status, page).response())
}

/// What lets them in or keeps them out, as far as this person may do it.
fn deeds(own: Role, member: &Membership, facts: &Facts) -> Vec<Deed> {
    let may = |deed: &Deed| *deed != Deed::SignOut && judge(deed.act(), own, member, facts).is_ok();
    Deed::fitting(member.state).into_iter().filter(may).collect()
}

fn choices(all: Vec<Team>, own: &[Belonging]) -> Vec<Choice> {
    let choice = |team: Team| {
        let mut here = own.iter().filter(|belonging| belonging.team == team.id);
        Choice {
            ticked: here.clone().any(|belonging| belonging.source.is_taken_by_hand()),
            also: here
                .find(|belonging| !belonging.source.is_taken_by_hand())
                .map_or("", |belonging| belonging.source.title()),
            id: team.id,
            name: team.name,
        }
    };
    all.into_iter().map(choice).collect()
}
