//! One team: its people, and whom one may add.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use crate::members::model::{Filter, Membership, State};
use crate::members::search::{self, Census, Listed, Order, Question};
use crate::session::{Admin, Frame};
use crate::store::Conn;
use crate::teams::{self, Source, Team};
use crate::web::{Page, Paging, Problem, Site, Slice, paging};

/// How many people the list to add from offers: where these are all, there is nothing to look for.
const CANDIDATES: usize = 100;
/// … and how many of those whom somebody looks for.
const FOUND: usize = 50;

/// Whom to look for among those who could be added.
#[derive(Debug, Deserialize)]
pub struct Find {
    #[serde(default)]
    find: String,
}

#[derive(Template)]
#[template(path = "members/team.html")]
pub struct OneTeam {
    frame: Frame,
    find: String,
    /// The address that the pages of people go on from.
    base: String,
    found: Found,
}

/// What the database knows for this page.
struct Found {
    team: Team,
    people: Slice<Person>,
    candidates: Vec<Membership>,
    /// Whether there are more to add than are offered.
    more: bool,
}

/// Somebody who is in the team.
struct Person {
    listed: Listed,
    /// Who put them here, each once.
    sources: Vec<Source>,
}

impl Person {
    fn is_active(&self) -> bool {
        self.listed.member.state == State::Active
    }

    /// "by hand, by SCIM".
    fn by(&self) -> String {
        let titles: Vec<_> = self.sources.iter().map(|source| source.title()).collect();
        titles.join(", ")
    }

    /// Whether an administrator can take something away here.
    fn can_be_taken_out(&self) -> bool {
        self.sources.iter().any(|source| source.is_taken_by_hand())
    }
}

/// One team and its people.
pub async fn team(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
    asked: web::Query<Find>,
    paging: web::Query<Paging>,
) -> Result<Page<OneTeam>, Problem> {
    let (organization, id) = (admin.organization.clone(), path.into_inner().1);
    let find: String = asked.find.trim().chars().take(200).collect();
    let (text, paging) = (find.to_lowercase(), paging.into_inner());
    let found = site
        .store
        .reading(move |conn| load(conn, &organization, &id, text, &paging))
        .await?;
    Ok(Page::new(OneTeam {
        frame: admin.frame("teams"),
        base: paging::base(&[("find", &find)]),
        find,
        found,
    }))
}

fn load(
    conn: &mut Conn,
    organization: &str,
    id: &str,
    text: String,
    paging: &Paging,
) -> Result<Found, Problem> {
    let inside = Filter {
        team: Some(id.to_owned()),
        ..Filter::default()
    };
    let wanted = Filter {
        text,
        ..Filter::default()
    };
    let both = Filter {
        text: wanted.text.clone(),
        ..inside.clone()
    };
    let census = Census::load(conn, organization, &both)?;
    let question = Question::new(organization, &inside, Order::Name);
    let (here, _) = search::ids(conn, &census, &question, paging, Paging::limit())?;
    let offered = if wanted.text.is_empty() { CANDIDATES } else { FOUND };
    let most = i64::try_from(offered + 1).map_err(Problem::internal)?;
    // Of very many the first ones by name help nobody.
    let beyond = wanted.text.is_empty() && census.total() >= most;
    let mut outside = Vec::new();
    if !beyond {
        let question = Question {
            outside: Some(id),
            ..Question::new(organization, &wanted, Order::Name)
        };
        (outside, _) = search::ids(conn, &census, &question, &Paging::default(), most)?;
    }
    let more = beyond || outside.len() > offered;
    outside.truncate(offered);
    let team = teams::with_sources(conn, organization, id, &here)?;
    let (team, mut sources) = team.ok_or(Problem::NotFound)?;
    let everybody = search::rows(conn, &[here.as_slice(), &outside].concat())?;
    let (people, candidates): (Vec<_>, Vec<_>) = everybody
        .into_iter()
        .partition(|listed| here.contains(&listed.member.id));
    let people = people.into_iter().map(|listed| Person {
        sources: sources.remove(&listed.member.id).unwrap_or_default(),
        listed,
    });
    Ok(Found {
        people: Slice::cut(people.collect(), paging, |person| Order::Name.key(&person.listed)),
        candidates: candidates.into_iter().map(|listed| listed.member).collect(),
        more,
        team,
    })
}
