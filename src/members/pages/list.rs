//! The list of members.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use crate::access::Role;
use crate::members::model::{Filter, Listed, Managed, Source, State};
use crate::members::queries;
use crate::seats::{self, Seats};
use crate::session::{Admin, Frame};
use crate::store::Conn;
use crate::teams::{self, Team};
use crate::web::{Page, Paging, Problem, Site, Slice};

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
}

#[derive(Template)]
#[template(path = "members/list.html")]
pub struct List {
    frame: Frame,
    asked: Asked,
    found: Found,
    caption: String,
    base: String,
}

/// What the database knows for this page.
struct Found {
    slice: Slice<Listed>,
    matching: i64,
    total: i64,
    teams: Vec<Team>,
    seats: Seats,
    /// Whether a directory writes into the organization.
    has_directory: bool,
    /// Those of the page whom a directory knows.
    managed: Vec<Managed>,
}

impl Found {
    fn managed(&self, member: &str) -> Option<&Managed> {
        self.managed.iter().find(|managed| managed.member == member)
    }
}

/// Members by name, filtered as the address says.
pub async fn list(
    admin: Admin,
    site: web::Data<Site>,
    asked: web::Query<Asked>,
    paging: web::Query<Paging>,
) -> Result<Page<List>, Problem> {
    let asked = asked.into_inner();
    let (organization, filter, now) = (admin.organization.clone(), asked.filter(), site.now());
    let found = site
        .store
        .reading(move |conn| {
            let rows = queries::page(conn, &organization, &filter, &paging)?;
            let ids: Vec<&String> = rows.iter().map(|row| &row.member.id).collect();
            let managed = queries::managed(conn, &ids)?;
            Ok::<_, Problem>(Found {
                managed,
                slice: Slice::cut(rows, &paging, key),
                ..counted(conn, &organization, &filter, now)?
            })
        })
        .await?;
    Ok(Page::new(List {
        frame: admin.frame("members"),
        caption: asked.caption(&found),
        base: asked.base(),
        asked,
        found,
    }))
}

fn key(row: &Listed) -> String {
    format!("{}.{}", row.member.id, row.name_key)
}

fn counted(
    conn: &mut Conn,
    organization: &str,
    filter: &Filter,
    now: crate::store::time::Timestamp,
) -> Result<Found, Problem> {
    let total = queries::count(conn, organization, &Filter::default())?;
    let matching = if *filter == Filter::default() {
        total
    } else {
        queries::count(conn, organization, filter)?
    };
    Ok(Found {
        slice: Slice {
            rows: Vec::new(),
            next: None,
            previous: None,
        },
        matching,
        total,
        teams: teams::list(conn, organization)?,
        seats: seats::count(conn, organization, now)?,
        has_directory: queries::has_directory(conn, organization)?,
        managed: Vec::new(),
    })
}

impl Asked {
    fn filter(&self) -> Filter {
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

    fn is_empty(&self) -> bool {
        self.filter() == Filter::default()
    }

    /// "4 of 128 members, by name · role admin": what is seen, said once more in words.
    fn caption(&self, found: &Found) -> String {
        let filter = self.filter();
        let word = if found.total == 1 { "member" } else { "members" };
        let mut caption = if filter == Filter::default() {
            format!("{} {word}, by name", found.total)
        } else {
            format!("{} of {} {word}, by name", found.matching, found.total)
        };
        let team = filter.team.map(|id| {
            found
                .teams
                .iter()
                .find(|team| team.id == id)
                .map_or("gone", |team| &team.name)
        });
        let parts = [
            (!filter.text.is_empty()).then(|| format!("“{}”", self.q.trim())),
            filter.role.map(|role| format!("role {role}")),
            team.map(|name| format!("team {name}")),
            filter.state.map(|state| format!("state {}", state.as_str())),
            filter.source.map(|source| format!("came by {}", source.title())),
            filter.managed.map(|managed| {
                let not = if managed { "" } else { "not " };
                format!("{not}managed by a directory")
            }),
        ];
        for part in parts.into_iter().flatten() {
            caption.push_str(" · ");
            caption.push_str(&part);
        }
        caption
    }

    /// The address of this filter, to which a page's key is added.
    fn base(&self) -> String {
        let fields = [
            ("q", &self.q),
            ("role", &self.role),
            ("team", &self.team),
            ("state", &self.state),
            ("source", &self.source),
            ("directory", &self.directory),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() {
            "?".to_owned()
        } else {
            format!("?{query}&")
        }
    }
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
        assert!(asked("  ", "boss", "any").is_empty());
        assert_eq!(asked(" Ada ", "", "").filter().text, "ada");
        assert_eq!(asked("", "owner", "").filter().role, Some(Role::Owner));
    }

    #[test]
    fn a_filter_stays_in_the_addresses_of_its_pages() {
        assert_eq!(Asked::default().base(), "?");
        assert_eq!(asked("a b&c", "admin", "").base(), "?q=a+b%26c&role=admin&");
    }

    #[test]
    fn the_caption_says_what_is_seen() {
        let seats = Seats {
            limit: None,
            members: 128,
            invited: 0,
        };
        let slice = Slice {
            rows: Vec::new(),
            next: None,
            previous: None,
        };
        let found = Found {
            slice,
            matching: 4,
            total: 128,
            teams: Vec::new(),
            seats,
            has_directory: false,
            managed: Vec::new(),
        };
        assert_eq!(Asked::default().caption(&found), "128 members, by name");
        assert_eq!(
            asked("Ad", "admin", "deactivated").caption(&found),
            "4 of 128 members, by name · “Ad” · role admin · state deactivated"
        );
    }
}
