//! One member: who it is, where they came from, and what can be done.

use actix_web::web;
use askama::Template;

use super::act::Deed;
use crate::members::actions;
use crate::members::model::{Linked, Managed, Membership, State, judge};
use crate::members::queries;
use crate::session::{Admin, Frame};
use crate::teams::{self, Belonging};
use crate::web::{Page, Problem, Site};

#[derive(Template)]
#[template(path = "members/detail.html")]
pub struct Detail {
    frame: Frame,
    member: Membership,
    teams: Vec<InTeam>,
    identities: Vec<Linked>,
    deeds: Vec<Offer>,
    /// The connection whose group gave the role; empty where none did.
    role_by: String,
    managed: Option<Managed>,
    has_directory: bool,
}

/// A team of the member, with all that put them there.
#[derive(Debug, PartialEq, Eq)]
struct InTeam {
    id: String,
    name: String,
    by: String,
}

/// One of the acts, and why it can't be done where it can't.
struct Offer {
    deed: Deed,
    refusal: Option<String>,
}

/// One member, whatever their state.
pub async fn detail(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<Page<Detail>, Problem> {
    let (organization, id, now) = (admin.organization.clone(), path.into_inner().1, site.now());
    let (member, facts, belongings, identities, (role_by, managed, has_directory)) = site
        .store
        .reading(move |conn| {
            let (member, facts) = actions::load(conn, now, &organization, &id)?;
            let belongings = teams::of_member(conn, &member.id)?;
            let identities = queries::identities_of(conn, &organization, &member.account)?;
            let role_by = match &member.role_given_by {
                Some(id) => queries::connection_name(conn, &organization, id)?,
                None => None,
            };
            let directory = (
                role_by.unwrap_or_default(),
                queries::managed(conn, &[&member.id])?.pop(),
                queries::has_directory(conn, &organization)?,
            );
            Ok::<_, Problem>((member, facts, belongings, identities, directory))
        })
        .await?;
    let offer = |deed: Deed| Offer {
        refusal: judge(deed.act(), admin.role, &member, &facts)
            .err()
            .map(|refusal| refusal.to_string()),
        deed,
    };
    Ok(Page::new(Detail {
        frame: admin.frame("members"),
        deeds: Deed::fitting(member.state).into_iter().map(offer).collect(),
        teams: by_team(belongings),
        identities,
        role_by,
        managed,
        has_directory,
        member,
    }))
}

/// One line for each team. The belongings come in the order of the teams' names.
fn by_team(belongings: Vec<Belonging>) -> Vec<InTeam> {
    let mut lines: Vec<InTeam> = Vec::new();
    for belonging in belongings {
        let by = belonging.source.title();
        match lines.last_mut().filter(|line| line.id == belonging.team) {
            Some(line) if !line.by.contains(by) => {
                line.by.push_str(", ");
                line.by.push_str(by);
            }
            Some(_) => {}
            None => lines.push(InTeam {
                id: belonging.team,
                name: belonging.name,
                by: by.to_owned(),
            }),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::teams::Source;

    #[test]
    fn a_team_stands_once_with_all_its_sources() {
        let belonging = |team: &str, source| Belonging {
            team: team.into(),
            name: team.to_uppercase(),
            source,
            since: 0,
        };
        let lines = by_team(vec![
            belonging("a", Source::Hand),
            belonging("a", Source::Mapping),
            belonging("a", Source::Mapping),
            belonging("b", Source::Scim),
        ]);
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.name.as_str(), line.by.as_str()))
            .collect();
        assert_eq!(
            told,
            [("A", "by hand, by a group of the provider"), ("B", "by SCIM")]
        );
    }
}
