//! What the page of groups tells: the groups that were seen, how many people are in each, and what is odd
//! about a line.

use std::collections::{BTreeMap, BTreeSet};

use super::forecast::{Forecast, Visitor};
use super::form::Row;
use super::queries::{self, Known};
use super::visitors::visitors;
use crate::access::{Convention, Foreign, NamedTeam};
use crate::connections::Connection;
use crate::groups;
use crate::groups::model::{Changes, Line};
use crate::orgs::{self, Organization};
use crate::store::{Conn, Result};
use crate::teams;
use crate::web::Problem;

/// How many groups without a line are shown at once.
const MOST: i64 = 200;

/// Everything that the page knows besides the table.
pub struct View {
    /// The organization's teams: id and name, by name.
    pub teams: Vec<(String, String)>,
    /// Whether there are more groups than are shown.
    pub has_more: bool,
    directory: BTreeMap<String, Known>,
    listed: Vec<String>,
    seen: Vec<String>,
    people: BTreeMap<String, usize>,
    slug: String,
    has_convention: bool,
}

/// What stands beside a row.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Told {
    /// The group's name.
    pub name: String,
    /// The directory's id; empty where it comes from sign-ins.
    pub id: String,
    /// How many people are in it; none where nobody knows.
    pub people: Option<i64>,
    /// What is odd about it.
    pub notes: Vec<String>,
}

/// The organization's teams: id and name, by name.
pub fn teams(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    let all = teams::list(conn, organization)?;
    Ok(all.into_iter().map(|team| (team.id, team.name)).collect())
}

/// Those of the directory's groups that the lines follow, and all that could be confirmed.
pub fn live(conn: &mut Conn, connection: &str, lines: &[Line]) -> Result<Vec<String>> {
    let followed: Vec<&String> = lines.iter().map(|line| &line.scim_group).collect();
    let mut live = queries::directory_groups_by_id(conn, connection, &followed)?;
    live.extend(queries::directory_groups(conn, connection, "", 10 * MOST)?);
    Ok(live.into_iter().map(|group| group.id).collect())
}

/// What the table would do at people's next sign-ins, where groups of a sign-in write.
pub fn forecast(
    conn: &mut Conn,
    connection: &Connection,
    lines: &[Line],
    convention: bool,
) -> std::result::Result<Changes, Problem> {
    if !connection.jit || connection.scim {
        return Ok(Changes::default());
    }
    let mut organization = orgs::find(conn, &connection.organization)?.ok_or(Problem::NotFound)?;
    organization.settings.group_convention = convention;
    let visitors = visitors(conn, connection)?;
    let convention = convention_for(conn, &organization, &visitors)?;
    let teams = teams(conn, &organization.id)?;
    let forecast = Forecast {
        lines,
        convention: convention.as_ref(),
        default: connection.default_role,
        teams: &teams,
    };
    Ok(forecast.of(&visitors))
}

fn convention_for(
    conn: &mut Conn,
    organization: &Organization,
    visitors: &[Visitor],
) -> Result<Option<Convention>> {
    let groups: BTreeSet<String> = visitors
        .iter()
        .flat_map(|visitor| visitor.groups.iter().cloned())
        .collect();
    let groups: Vec<String> = groups.into_iter().collect();
    groups::convention(conn, organization, Some(&groups))
}

impl View {
    /// Loads it. `part` is what the names of groups without a line contain.
    pub fn load(
        conn: &mut Conn,
        organization: &Organization,
        connection: &Connection,
        lines: &[Line],
        part: &str,
    ) -> Result<Self> {
        let listed = queries::directory_groups(conn, &connection.id, part, MOST + 1)?;
        let followed: Vec<&String> = lines.iter().map(|line| &line.scim_group).collect();
        let followed = queries::directory_groups_by_id(conn, &connection.id, &followed)?;
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let mut seen = queries::seen(conn, &connection.id, part, MOST + 1)?;
        let has_more = seen.len() > most || listed.len() > most;
        seen.truncate(most);
        let mut people: BTreeMap<String, usize> = BTreeMap::new();
        for visitor in visitors(conn, connection)? {
            for group in visitor.groups {
                *people.entry(group).or_default() += 1;
            }
        }
        Ok(Self {
            teams: teams(conn, &organization.id)?,
            has_more,
            listed: listed.iter().take(most).map(|group| group.id.clone()).collect(),
            directory: listed
                .into_iter()
                .chain(followed)
                .map(|group| (group.id.clone(), group))
                .collect(),
            seen,
            people,
            slug: organization.slug.clone(),
            has_convention: organization.settings.group_convention,
        })
    }

    /// The rows of the form: the table in its order, then the groups that have no line, then two empty ones.
    pub fn rows(&self, lines: &[Line]) -> Vec<Row> {
        let mut rows: Vec<Row> = (1..)
            .zip(lines)
            .map(|(number, line)| Row::of(line, number))
            .collect();
        for row in &mut rows {
            if let Some(known) = self.directory.get(&row.scim) {
                row.group.clone_from(&known.name);
            }
        }
        let is_followed = |id: &String| lines.iter().any(|line| line.scim_group == *id);
        for id in self.listed.iter().filter(|id| !is_followed(id)) {
            let name = self.directory.get(id).map_or("", |known| known.name.as_str());
            rows.push(Row::unmapped(name.to_owned(), id.clone()));
        }
        for name in &self.seen {
            if !rows.iter().any(|row| row.group == *name) {
                rows.push(Row::unmapped(name.clone(), String::new()));
            }
        }
        rows.extend([(); 2].map(|()| Row::unmapped(String::new(), String::new())));
        rows
    }

    /// The typed rows, and those of the groups that are not among them: a review sends only rows with a team.
    pub fn completed(&self, mut typed: Vec<Row>) -> Vec<Row> {
        let is_typed = |row: &Row| {
            let same = |other: &Row| other.group == row.group && other.scim == row.scim;
            typed.iter().any(same)
        };
        let mut missing = self.rows(&[]);
        missing.retain(|row| !is_typed(row));
        typed.extend(missing);
        typed
    }

    /// What there is to tell of a row.
    pub fn told(&self, row: &Row) -> Told {
        let known = self.directory.get(&row.scim);
        let name = known.map_or(&row.group, |known| &known.name);
        let mut notes = Vec::new();
        if !row.scim.is_empty() && known.is_none() {
            notes.push(
                "The directory deleted this group: the line gives nothing. A new group of the same name gets \
                 nothing either, until you choose its team and take this one’s away."
                    .to_owned(),
            );
        }
        if self.has_convention && !name.is_empty() {
            notes.extend(match NamedTeam::parse(&self.slug, name) {
                Ok(named) => Some(format!("By its name it is the team {}.", named.name)),
                Err(Foreign::Plain) => None,
                Err(why) => Some(why.sentence().to_owned()),
            });
        }
        let counted = || self.people.get(name).and_then(|count| i64::try_from(*count).ok());
        Told {
            id: known.map_or(String::new(), |known| known.id.clone()),
            people: known.map(|known| known.people).or_else(counted),
            name: name.clone(),
            notes,
        }
    }
}
