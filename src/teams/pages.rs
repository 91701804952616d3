//! The pages of teams: the list, and the forms that make, rename and delete one and put people in. One team with its people is
//! a page of [`members`](crate::members).

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::actions;
use super::model::{Team, Uses};
use super::queries;
use crate::audit::Actor;
use crate::session::{Admin, Frame};
use crate::store::Conn;
use crate::web::{FieldErrors, Flash, Page, Posted, Problem, Site};

#[derive(Template)]
#[template(path = "teams/list.html")]
pub struct List {
    frame: Frame,
    teams: Vec<Team>,
}

/// All teams, by name.
pub async fn list(admin: Admin, site: web::Data<Site>) -> Result<Page<List>, Problem> {
    let organization = admin.organization.clone();
    let teams = site
        .store
        .reading(move |conn| queries::list(conn, &organization).map_err(Problem::from))
        .await?;
    Ok(Page::new(List {
        frame: admin.frame("teams"),
        teams,
    }))
}

/// The form for a new name, of a new team or of one that has a name.
#[derive(Template)]
#[template(path = "teams/name.html")]
struct NameForm {
    frame: Frame,
    team: Option<Team>,
    typed: String,
    errors: FieldErrors,
    conflict: bool,
}

impl NameForm {
    fn new(admin: &Admin, team: Option<Team>) -> Self {
        Self {
            frame: admin.frame("teams"),
            typed: team.as_ref().map(|team| team.name.clone()).unwrap_or_default(),
            team,
            errors: FieldErrors::default(),
            conflict: false,
        }
    }
}

/// The form for a new team.
pub async fn new(admin: Admin) -> HttpResponse {
    Page::new(NameForm::new(&admin, None)).response()
}

/// Makes a team.
pub async fn create(admin: Admin, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let (now, actor, organization) = (site.now(), Actor::from(&*admin), admin.organization.clone());
    let name = form.text("name").to_owned();
    let made = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            if let Some(fault) = actions::name_fault(conn, &organization, &name, None)? {
                return Ok(Err(fault));
            }
            actions::create(conn, now, &actor, &organization, &name).map(Ok)
        })
        .await?;
    match made {
        Ok(id) => Ok(Flash::good("The team is made. Now add its people.")
            .redirect(&site, &admin.path(&format!("/teams/{id}")))),
        Err(fault) => Ok(Page::unprocessable(NameForm {
            typed: form.text("name").to_owned(),
            errors: FieldErrors::one("name", fault),
            ..NameForm::new(&admin, None)
        })
        .response()),
    }
}

/// The form for another name.
pub async fn renaming(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let team = load(&admin, &site, path.into_inner().1).await?;
    Ok(Page::new(NameForm::new(&admin, Some(team))).response())
}

/// What became of a form about a team.
enum Outcome {
    Done,
    /// Somebody else changed the team meanwhile: this is how it stands.
    Stale(Team),
    /// The name won't do, for the reason in the sentence.
    Fault(Team, String),
}

/// Renames a team.
pub async fn rename(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let (now, actor, organization) = (site.now(), Actor::from(&*admin), admin.organization.clone());
    let (name, version, whom) = (form.text("name").to_owned(), form.version(), id.clone());
    let outcome = site
        .store
        .writing_in(&admin.organization, move |conn| {
            let team = found(conn, &organization, &whom)?;
            if team.version != version {
                return Ok(Outcome::Stale(team));
            }
            if let Some(fault) = actions::name_fault(conn, &organization, &name, Some(&whom))? {
                return Ok(Outcome::Fault(team, fault));
            }
            actions::rename(conn, now, &actor, &organization, &team, &name).map(|()| Outcome::Done)
        })
        .await?;
    Ok(match outcome {
        Outcome::Done => {
            Flash::good("The team has its new name.").redirect(&site, &admin.path(&format!("/teams/{id}")))
        }
        Outcome::Stale(team) => {
            let page = NameForm {
                conflict: true,
                ..NameForm::new(&admin, Some(team))
            };
            Page::with_status(StatusCode::CONFLICT, page).response()
        }
        Outcome::Fault(team, fault) => Page::unprocessable(NameForm {
            typed: form.text("name").to_owned(),
            errors: FieldErrors::one("name", fault),
            ..NameForm::new(&admin, Some(team))
        })
        .response(),
    })
}

#[derive(Template)]
#[template(path = "teams/delete.html")]
struct Deleting {
    frame: Frame,
    team: Team,
    uses: Uses,
    conflict: bool,
}

/// Says what deleting will do.
pub async fn deleting(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    explained(&admin, &site, path.into_inner().1, false).await
}

/// Deletes the team, or explains anew where it changed meanwhile.
pub async fn delete(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let (now, actor, organization) = (site.now(), Actor::from(&*admin), admin.organization.clone());
    let (version, whom) = (form.version(), id.clone());
    let gone = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let team = found(conn, &organization, &whom)?;
            if team.version != version {
                return Ok(None);
            }
            actions::delete(conn, now, &actor, &organization, &team)?;
            Ok(Some(team.name))
        })
        .await?;
    match gone {
        Some(name) => {
            Ok(Flash::good(format!("The team {name} is deleted.")).redirect(&site, &admin.path("/teams")))
        }
        None => explained(&admin, &site, id, true).await,
    }
}

async fn explained(admin: &Admin, site: &Site, id: String, conflict: bool) -> Result<HttpResponse, Problem> {
    let organization = admin.organization.clone();
    let (team, uses) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let team = found(conn, &organization, &id)?;
            let uses = queries::uses(conn, &team.id)?;
            Ok((team, uses))
        })
        .await?;
    let status = if conflict {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    let page = Deleting {
        frame: admin.frame("teams"),
        team,
        uses,
        conflict,
    };
    Ok(Page::with_status(status, page).response())
}

/// Puts a member into the team.
pub async fn add(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
    form: Posted,
) -> Result<HttpResponse, Problem> {
    let id = path.into_inner().1;
    let member = form.text("member").to_owned();
    if member.is_empty() {
        return Ok(Flash::bad("Choose whom to add.").redirect(&site, &admin.path(&format!("/teams/{id}"))));
    }
    let (now, actor, organization) = (site.now(), Actor::from(&*admin), admin.organization.clone());
    let whom = id.clone();
    let (team, name) = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let team = found(conn, &organization, &whom)?;
            let name = actions::add_by_hand(conn, now, &actor, &organization, &team, &member)?;
            Ok((team.name, name))
        })
        .await?;
    Ok(Flash::good(format!("{name} is in {team}.")).redirect(&site, &admin.path(&format!("/teams/{id}"))))
}

/// Takes a member out of the team.
pub async fn take_out(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String, String)>,
    _form: Posted,
) -> Result<HttpResponse, Problem> {
    let (_, id, member) = path.into_inner();
    let (now, actor, organization) = (site.now(), Actor::from(&*admin), admin.organization.clone());
    let whom = id.clone();
    let (team, name) = site
        .store
        .writing_in(&admin.organization, move |conn| -> Result<_, Problem> {
            let team = found(conn, &organization, &whom)?;
            let name = actions::take_out(conn, now, &actor, &organization, &team, &member)?;
            Ok((team.name, name))
        })
        .await?;
    Ok(Flash::good(format!("{name} is taken out of {team}."))
        .redirect(&site, &admin.path(&format!("/teams/{id}"))))
}

async fn load(admin: &Admin, site: &Site, id: String) -> Result<Team, Problem> {
    let organization = admin.organization.clone();
    site.store
        .reading(move |conn| found(conn, &organization, &id))
        .await
}

fn found(conn: &mut Conn, organization: &str, id: &str) -> Result<Team, Problem> {
    queries::find(conn, organization, id)?.ok_or(Problem::NotFound)
}
