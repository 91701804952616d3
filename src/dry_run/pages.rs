//! The page of the dry run, and the same as JSON.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::actions;
use super::model::{Beside, Changes, Explained, Mapped, Question, Seats};
use crate::access::Role;
use crate::connections;
use crate::session::{Admin, Frame};
use crate::sign_ins::{self, Line};
use crate::store::Conn;
use crate::teams;
use crate::web::{Choice, Page, Posted, Problem, Site};

/// The largest question as JSON, in bytes.
const LARGEST: usize = 256 * 1024;

/// From which record the form is filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Prefilled {
    sign_in: String,
}

#[derive(Template)]
#[template(path = "dry_run/ask.html")]
struct Ask {
    frame: Frame,
    connections: Vec<Choice>,
    /// Ids and names.
    teams: Vec<(String, String)>,
    typed: Typed,
    error: Option<String>,
    explained: Option<Explained>,
}

/// What stands in the form.
#[derive(Debug, Clone, Default)]
struct Typed {
    connection: String,
    email: String,
    verified: String,
    name: String,
    has_groups: bool,
    groups: String,
    issuer: String,
    subject: String,
    link: bool,
    jit: String,
    scim: String,
    domain: bool,
    seats: String,
    draft: String,
    has_mapping: String,
    mapping: String,
    convention: String,
    default_role: String,
    default_team: String,
}

/// What there is to choose from: ids and names.
struct Known {
    connections: Vec<(String, String)>,
    teams: Vec<(String, String)>,
}

/// What stands for no team where empty stands for the one there is.
const NO_TEAM: &str = "-";

/// `GET /orgs/{org}/dry-run`: the form, filled in from a record where one is named.
pub async fn ask(
    admin: Admin,
    site: web::Data<Site>,
    prefilled: web::Query<Prefilled>,
) -> Result<HttpResponse, Problem> {
    let (organization, id) = (admin.organization.clone(), prefilled.into_inner().sign_in);
    let (typed, all) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let typed = match id.as_str() {
                "" => Typed::empty(),
                id => Typed::of_record(conn, &organization, id)?,
            };
            Ok((typed, Known::load(conn, &organization)?))
        })
        .await?;
    Ok(shown(&admin, StatusCode::OK, typed, all, Ok(None)))
}

/// `POST /orgs/{org}/dry-run`: what would happen. Nothing is written.
pub async fn answer(admin: Admin, site: web::Data<Site>, form: Posted) -> Result<HttpResponse, Problem> {
    let typed = Typed::of(&form);
    let (organization, now, question) = (admin.organization.clone(), site.now(), typed.question());
    let (all, explained) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let all = Known::load(conn, &organization)?;
            let explained = question
                .map_err(Problem::Invalid)
                .and_then(|question| actions::explain(conn, now, &organization, &question));
            match explained {
                Ok(explained) => Ok((all, Ok(explained))),
                Err(Problem::Invalid(sentence)) => Ok((all, Err(sentence))),
                Err(problem) => Err(problem),
            }
        })
        .await?;
    Ok(match explained {
        Ok(explained) => shown(&admin, StatusCode::OK, typed, all, Ok(Some(explained))),
        Err(sentence) => shown(
            &admin,
            StatusCode::UNPROCESSABLE_ENTITY,
            typed,
            all,
            Err(sentence),
        ),
    })
}

/// `POST /orgs/{org}/dry-run/json`: a question as JSON, answered as JSON. Nothing is written.
///
/// No form of another site can send this kind of content without asking the browser first.
pub async fn json(
    admin: Admin,
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let kind = request
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    if kind.is_none_or(|kind| kind.split(';').next().unwrap_or_default().trim() != "application/json") {
        return Err(Problem::Forbidden(
            "Send the question as application/json.".to_owned(),
        ));
    }
    if body.len() > LARGEST {
        return Err(Problem::TooLarge("A question has at most 256 kB.".to_owned()));
    }
    let asked: Result<Question, _> = serde_json::from_slice(&body);
    let question = match asked {
        Ok(question) => question,
        Err(error) => return Ok(complaint(&error.to_string())),
    };
    let (organization, now) = (admin.organization.clone(), site.now());
    let explained = site
        .store
        .reading(move |conn| actions::explain(conn, now, &organization, &question))
        .await;
    match explained {
        Ok(explained) => Ok(HttpResponse::Ok().json(explained)),
        Err(Problem::Invalid(sentence)) => Ok(complaint(&sentence)),
        Err(problem) => Err(problem),
    }
}

fn complaint(sentence: &str) -> HttpResponse {
    HttpResponse::UnprocessableEntity().json(serde_json::json!({ "error": sentence }))
}

impl Known {
    fn load(conn: &mut Conn, organization: &str) -> Result<Self, Problem> {
        let connections = connections::list(conn, organization)?.into_iter();
        let connections = connections.map(|one| {
            let name = if one.is_on() {
                one.name
            } else {
                format!("{} ({})", one.name, one.state.title())
            };
            (one.id, name)
        });
        let teams = teams::list(conn, organization)?.into_iter();
        Ok(Self {
            connections: connections.collect(),
            teams: teams.map(|team| (team.id, team.name)).collect(),
        })
    }
}

fn shown(
    admin: &Admin,
    status: StatusCode,
    typed: Typed,
    known: Known,
    answer: Result<Option<Explained>, String>,
) -> HttpResponse {
    let choose = |(id, name): &(String, String)| Choice::new(id, name, &typed.connection);
    let connections = known.connections.iter().map(choose).collect();
    let (explained, error) = match answer {
        Ok(explained) => (explained, None),
        Err(sentence) => (None, Some(sentence)),
    };
    let page = Ask {
        frame: admin.frame("dry-run"),
        connections,
        teams: known.teams,
        typed,
        error,
        explained,
    };
    Page::with_status(status, page).response()
}

impl Ask {
    /// The rules that were asked.
    fn lines(&self) -> &[Line] {
        self.explained.as_ref().map_or(&[], |explained| &explained.lines)
    }

    /// Those that are asked today, where something is supposed to be otherwise.
    fn lines_today(&self) -> &[Line] {
        let today = self
            .explained
            .as_ref()
            .and_then(|explained| explained.today.as_ref());
        today.map_or(&[], |today| &today.lines)
    }

    fn beside(&self) -> Vec<Beside> {
        self.explained.as_ref().map(Explained::beside).unwrap_or_default()
    }

    fn convention(&self) -> Vec<Choice> {
        choices(
            &[("", "As it is"), ("on", "Yes"), ("off", "No")],
            &self.typed.convention,
        )
    }

    fn default_role(&self) -> Vec<Choice> {
        choices(
            &[("", "As it is"), ("member", "Member"), ("admin", "Admin")],
            &self.typed.default_role,
        )
    }

    fn default_team(&self) -> Vec<Choice> {
        let mut all = vec![("", "As it is"), (NO_TEAM, "None")];
        all.extend(self.teams.iter().map(|(id, name)| (id.as_str(), name.as_str())));
        choices(&all, &self.typed.default_team)
    }

    fn verified(&self) -> Vec<Choice> {
        choices(
            &[
                ("true", "Yes"),
                ("false", "No"),
                ("", "The provider does not say"),
            ],
            &self.typed.verified,
        )
    }

    fn jit(&self) -> Vec<Choice> {
        choices(&[("", "As it is"), ("on", "On"), ("off", "Off")], &self.typed.jit)
    }

    fn scim(&self) -> Vec<Choice> {
        choices(
            &[("", "As it is"), ("on", "On"), ("off", "Off")],
            &self.typed.scim,
        )
    }

    fn seats(&self) -> Vec<Choice> {
        choices(
            &[
                ("", "As they are"),
                ("free", "One is free"),
                ("full", "All are taken"),
            ],
            &self.typed.seats,
        )
    }
}

fn choices(all: &[(&str, &str)], chosen: &str) -> Vec<Choice> {
    all.iter()
        .map(|(value, title)| Choice::new(value, title, chosen))
        .collect()
}

impl Typed {
    fn empty() -> Self {
        Self {
            verified: "true".to_owned(),
            ..Self::default()
        }
    }

    fn of_record(conn: &mut Conn, organization: &str, id: &str) -> Result<Self, Problem> {
        let record = sign_ins::find(conn, organization, id)?.ok_or(Problem::NotFound)?;
        Ok(Self {
            connection: record.connection.unwrap_or_default(),
            email: record.email,
            verified: record
                .email_verified
                .map(|yes| yes.to_string())
                .unwrap_or_default(),
            name: record.name,
            has_groups: record.groups.is_some(),
            groups: record.groups.unwrap_or_default().join("\n"),
            issuer: record.issuer,
            subject: record.subject,
            ..Self::default()
        })
    }

    fn of(form: &Posted) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            connection: text("connection"),
            email: text("email"),
            verified: text("verified"),
            name: text("name"),
            has_groups: form.has("has_groups"),
            groups: text("groups"),
            issuer: text("issuer"),
            subject: text("subject"),
            link: form.has("link"),
            jit: text("jit"),
            scim: text("scim"),
            domain: form.has("domain"),
            seats: text("seats"),
            draft: text("draft"),
            has_mapping: text("has_mapping"),
            mapping: text("mapping"),
            convention: text("convention"),
            default_role: text("default_role"),
            default_team: text("default_team"),
        }
    }

    /// The other table of groups; none where the one that there is holds.
    fn table(&self) -> Result<Option<Vec<Mapped>>, String> {
        let lines = self
            .mapping
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let table = lines.map(Mapped::parse).collect::<Result<Vec<_>, _>>()?;
        Ok((!self.has_mapping.is_empty() || !table.is_empty()).then_some(table))
    }

    fn question(&self) -> Result<Question, String> {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let switch = |text: &str| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        let groups = self.groups.lines().map(str::trim).filter(|line| !line.is_empty());
        let groups: Vec<String> = groups.map(str::to_owned).collect();
        Ok(Question {
            connection: self.connection.clone(),
            sign_in: String::new(),
            email: filled(&self.email),
            email_verified: match self.verified.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            name: filled(&self.name),
            groups: (self.has_groups || !groups.is_empty()).then_some(groups),
            issuer: filled(&self.issuer),
            subject: filled(&self.subject),
            link: self.link,
            changes: Changes {
                jit: switch(&self.jit),
                scim: switch(&self.scim),
                domain: self.domain,
                seats: match self.seats.as_str() {
                    "free" => Some(Seats::Free),
                    "full" => Some(Seats::Full),
                    _ => None,
                },
                draft: !self.draft.is_empty(),
                mapping: self.table()?,
                convention: switch(&self.convention),
                default_role: Role::parse(&self.default_role),
                default_team: match self.default_team.as_str() {
                    "" => None,
                    NO_TEAM => Some(String::new()),
                    team => Some(team.to_owned()),
                },
            },
        })
    }
}
