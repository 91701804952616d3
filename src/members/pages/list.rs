//! The list of members, and the same as a file.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::access::Role;
use crate::members::model::{Filter, Source, State};
use crate::members::search::{self, Answer, Census, Listed, Order, Question};
use crate::seats::{self, Seats};
use crate::session::{Admin, Frame};
use crate::store::time::machine;
use crate::store::{Conn, DbError};
use crate::teams::{self, Team};
use crate::web::paging::{self, PAGE};
use crate::web::{Choice, Page, Paging, Problem, Site, Slice, download};

/// The filter as the address has it. A word that it does not know counts as "any".
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    role: String,
    team: String,
    state: String,
    source: String,
    directory: String,
    sort: String,
}

#[derive(Template)]
#[template(path = "members/list.html")]
pub struct List {
    frame: Frame,
    asked: Asked,
    found: Found,
    caption: String,
    base: String,
    order: Order,
    deeds: Vec<Choice>,
}

/// What the database knows for this page.
struct Found {
    slice: Slice<Listed>,
    /// How many match, where that is known.
    matching: Option<i64>,
    census: Census,
    teams: Vec<Team>,
    seats: Seats,
}

/// Members, filtered and sorted as the address says.
pub async fn list(
    admin: Admin,
    site: web::Data<Site>,
    asked: web::Query<Asked>,
    paging: web::Query<Paging>,
) -> Result<Page<List>, Problem> {
    let (asked, paging) = (asked.into_inner(), paging.into_inner());
    let (organization, filter, now) = (admin.organization.clone(), asked.filter(), site.now());
    let order = Order::parse(&asked.sort);
    let found = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let census = Census::load(conn, &organization, &filter)?;
            let question = Question::new(&organization, &filter, order);
            let Answer { rows, matching } = search::find(conn, &census, &question, &paging, Paging::limit())?;
            Ok(Found {
                matching: whole(&rows, &paging).or(matching),
                slice: Slice::cut(rows, &paging, |row| order.key(row)),
                census,
                teams: teams::list(conn, &organization)?,
                seats: seats::count(conn, &organization, now)?,
            })
        })
        .await?;
    Ok(Page::new(List {
        frame: admin.frame("members"),
        caption: asked.caption(&found),
        base: asked.base(),
        deeds: super::bulk::choices(""),
        order,
        asked,
        found,
    }))
}

/// How many there are, where a first page shows all of them.
fn whole(rows: &[Listed], paging: &Paging) -> Option<i64> {
    (paging.key().is_none() && rows.len() <= PAGE)
        .then(|| i64::try_from(rows.len()).ok())
        .flatten()
}

impl Asked {
    /// From fields by their names.
    pub fn of(text: impl Fn(&str) -> String) -> Self {
        Self {
            q: text("q"),
            role: text("role"),
            team: text("team"),
            state: text("state"),
            source: text("source"),
            directory: text("directory"),
            sort: text("sort"),
        }
    }

    /// What the fields mean.
    pub fn filter(&self) -> Filter {
        let team = self.team.trim();
        Filter {
            text: self.q.trim().chars().take(200).collect::<String>().to_lowercase(),
            role: Role::parse(&self.role),
            team: (!team.is_empty()).then(|| team.to_owned()),
            state: State::parse(&self.state),
            source: Source::parse(&self.source),
            managed: match self.directory.as_str() {
                "managed" => Some(true),
                "unmanaged" => Some(false),
                _ => None,
            },
        }
    }

    fn is_filtered(&self) -> bool {
        self.filter() != Filter::default()
    }

    /// The fields of the filter, without the order.
    pub fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("q", &self.q),
            ("role", &self.role),
            ("team", &self.team),
            ("state", &self.state),
            ("source", &self.source),
            ("directory", &self.directory),
        ]
    }

    /// The filter in words: `“Ad”`, `role admin`.
    pub fn words(&self, teams: &[Team]) -> Vec<String> {
        let filter = self.filter();
        let name = |id: &String| {
            let team = teams.iter().find(|team| team.id == *id);
            team.map_or("gone", |team| team.name.as_str())
        };
        let parts = [
            (!filter.text.is_empty()).then(|| format!("“{}”", self.q.trim())),
            filter.role.map(|role| format!("role {role}")),
            filter.team.as_ref().map(|team| format!("team {}", name(team))),
            filter.state.map(|state| format!("state {}", state.as_str())),
            filter.source.map(|source| format!("came by {}", source.title())),
            filter.managed.map(|managed| {
                let not = if managed { "" } else { "not " };
                format!("{not}managed by a directory")
            }),
        ];
        parts.into_iter().flatten().collect()
    }

    /// "4 of 128 members, by name · role admin": what is seen, said once more in words.
    fn caption(&self, found: &Found) -> String {
        let total = found.census.total();
        let word = if total == 1 { "member" } else { "members" };
        let order = Order::parse(&self.sort).words();
        let mut caption = match found.matching {
            _ if !self.is_filtered() => format!("{total} {word}, {order}"),
            Some(matching) => format!("{matching} of {total} {word}, {order}"),
            None => format!("Some of {total} {word}, {order}"),
        };
        for part in self.words(&found.teams) {
            caption.push_str(" · ");
            caption.push_str(&part);
        }
        caption
    }

    /// The address of this list, to which a page's key is added.
    fn base(&self) -> String {
        let mut fields = self.fields().to_vec();
        fields.push(("sort", Order::parse(&self.sort).as_str()));
        paging::base(&fields)
    }

    /// The address of the same as a file, below the list's.
    fn file(&self) -> String {
        format!(".csv{}", self.base().trim_end_matches(['&', '?']))
    }
}

/// What the file says of each member.
const COLUMNS: [&str; 11] = [
    "email",
    "name",
    "username",
    "role",
    "state",
    "teams",
    "came_by",
    "invited_by",
    "joined",
    "last_sign_in",
    "id",
];

/// `/orgs/{org}/members.csv`: everybody whom the filter lets through.
pub async fn export(admin: Admin, site: web::Data<Site>, asked: web::Query<Asked>) -> HttpResponse {
    let organization = admin.organization.clone();
    let (filter, order) = (asked.filter(), Order::parse(&asked.sort));
    let (mut paging, mut is_over) = (Paging::default(), false);
    download::csv(&site.store, "members", &COLUMNS, move |conn| {
        if is_over {
            return Ok(String::new());
        }
        let rows = some(conn, &organization, &filter, order, &paging)?;
        is_over = i64::try_from(rows.len()).unwrap_or_default() < download::ROWS;
        if let Some(last) = rows.last() {
            paging.after = order.key(last);
        }
        lines(conn, &rows)
    })
}

fn some(
    conn: &mut Conn,
    organization: &str,
    filter: &Filter,
    order: Order,
    paging: &Paging,
) -> Result<Vec<Listed>, DbError> {
    let census = Census::load(conn, organization, filter)?;
    let question = Question::new(organization, filter, order);
    Ok(search::find(conn, &census, &question, paging, download::ROWS)?.rows)
}

fn lines(conn: &mut Conn, rows: &[Listed]) -> Result<String, DbError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.member.id.as_str()).collect();
    let teams = teams::names_of(conn, &ids)?;
    let line = |row: &Listed| {
        let member = &row.member;
        let teams = teams.get(&member.id).map(|names| names.join("; "));
        download::csv_row(&[
            member.email.clone(),
            // Without a name the list shows the address; the file does not say it twice.
            Some(member.name.clone())
                .filter(|name| *name != member.email)
                .unwrap_or_default(),
            row.username.clone(),
            member.role.to_string(),
            member.state.as_str().to_owned(),
            teams.unwrap_or_default(),
            member.source.as_str().to_owned(),
            member.invited_by.clone(),
            machine(member.joined_at),
            member.last_sign_in_at.map(machine).unwrap_or_default(),
            member.id.clone(),
        ])
    };
    Ok(rows.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(q: &str, role: &str, state: &str) -> Asked {
        Asked {
            q: q.into(),
            role: role.into(),
            state: state.into(),
            ..Asked::default()
        }
    }

    #[test]
    fn unknown_words_ask_for_anybody() {
        assert!(!asked("  ", "boss", "any").is_filtered());
        assert_eq!(asked(" Ada ", "", "").filter().text, "ada");
        assert_eq!(asked("", "owner", "").filter().role, Some(Role::Owner));
    }

    #[test]
    fn a_filter_stays_in_the_addresses_of_its_pages() {
        assert_eq!(Asked::default().base(), "?");
        assert_eq!(asked("a b&c", "admin", "").base(), "?q=a+b%26c&role=admin&");
        let newest = Asked {
            sort: "newest".into(),
            ..asked("", "admin", "")
        };
        assert_eq!(newest.base(), "?role=admin&sort=newest&");
        assert_eq!(newest.file(), ".csv?role=admin&sort=newest");
        assert_eq!(Asked::default().file(), ".csv");
    }

    #[test]
    fn the_caption_says_what_is_seen() {
        let seats = Seats {
            limit: None,
            members: 128,
            invited: 0,
        };
        let found = |matching| Found {
            slice: Slice {
                rows: Vec::new(),
                next: None,
                previous: None,
            },
            matching,
            census: Census::default(),
            teams: Vec::new(),
            seats,
        };
        assert_eq!(Asked::default().caption(&found(Some(0))), "0 members, by name");
        assert_eq!(
            asked("Ad", "admin", "deactivated").caption(&found(Some(4))),
            "4 of 0 members, by name · “Ad” · role admin · state deactivated"
        );
        let newest = Asked {
            sort: "newest".into(),
            ..asked("Ad", "", "")
        };
        assert_eq!(
            newest.caption(&found(None)),
            "Some of 0 members, newest first · “Ad”"
        );
    }
}
