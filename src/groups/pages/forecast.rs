//! What a table of groups will do at people's next sign-ins, judged by the groups that each of them brought
//! last. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{
    Convention, HeldRole, MappedGroup, NamedTeam, Role, RoleEffect, mapped_role, mapped_teams, role_change,
    team_key,
};
use crate::groups::model::{Changes, Line, TeamChange};

/// A member who signed in by the connection.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The name, or the address.
    pub name: String,
    /// The role, and whether this connection's mapping gave it.
    pub held: HeldRole,
    /// The groups of the last sign-in.
    pub groups: Vec<String>,
    /// The teams that the connection's groups gave.
    pub teams: BTreeSet<String>,
}

/// What the table is judged with.
#[derive(Debug)]
pub struct Forecast<'a> {
    /// The table as it would be.
    pub lines: &'a [Line],
    /// The name convention, where it would be on.
    pub convention: Option<&'a Convention>,
    /// The connection's default role.
    pub default: Role,
    /// The organization's teams: id and name.
    pub teams: &'a [(String, String)],
}

impl Forecast<'_> {
    /// Who joins and leaves which team, and whose role changes.
    #[must_use]
    pub fn of(&self, visitors: &[Visitor]) -> Changes {
        let table: Vec<MappedGroup> = self.lines.iter().map(MappedGroup::from).collect();
        let mut teams: BTreeMap<String, TeamChange> = BTreeMap::new();
        let mut changes = Changes::default();
        for visitor in visitors {
            let wanted = self.teams_of(&table, &visitor.groups);
            for team in wanted.difference(&visitor.teams) {
                self.team(&mut teams, team).joining.add(visitor.name.clone());
            }
            for team in visitor.teams.difference(&wanted) {
                self.team(&mut teams, team).leaving.add(visitor.name.clone());
            }
            let effect =
                mapped_role(&table, &visitor.groups).map_or(RoleEffect::NotMapped, RoleEffect::Mapped);
            match role_change(effect, visitor.held, self.default) {
                Some(after) if after.role > visitor.held.role => changes.raised.add(visitor.name.clone()),
                Some(after) if after.role < visitor.held.role => changes.lowered.add(visitor.name.clone()),
                _ => {}
            }
        }
        changes.teams = teams.into_values().collect();
        changes.teams.sort_by_key(|change| change.name.to_lowercase());
        changes
    }

    /// The ids of the teams of these groups. A team that is to be made has its name for an id.
    fn teams_of(&self, table: &[MappedGroup], groups: &[String]) -> BTreeSet<String> {
        let mut wanted = mapped_teams(table, groups);
        if let Some(convention) = self.convention {
            for named in NamedTeam::all(&convention.organization, groups) {
                let known = convention.teams.get(&team_key(&named.name));
                wanted.insert(known.cloned().unwrap_or(named.name));
            }
        }
        wanted
    }

    fn team<'a>(&self, changes: &'a mut BTreeMap<String, TeamChange>, id: &str) -> &'a mut TeamChange {
        changes.entry(id.to_owned()).or_insert_with(|| {
            let known = self.teams.iter().find(|(team, _)| team == id);
            TeamChange {
                team: known.map_or(String::new(), |(id, _)| id.clone()),
                name: known.map_or(id, |(_, name)| name).to_owned(),
                ..TeamChange::default()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_says_who_joins_leaves_rises_and_falls() {
        let line = |group: &str, team: &str, role| Line {
            group: group.into(),
            team: team.into(),
            role,
            scim_group: String::new(),
        };
        let visitor = |name: &str, role, by_mapping, groups: &[&str], teams: &[&str]| Visitor {
            name: name.into(),
            held: HeldRole { role, by_mapping },
            groups: groups.iter().map(|&group| group.into()).collect(),
            teams: teams.iter().map(|&team| team.into()).collect(),
        };
        let convention = Convention {
            organization: "acme".into(),
            teams: BTreeMap::new(),
        };
        let forecast = Forecast {
            lines: &[line("eng", "t-1", Role::Member), line("ops", "t-2", Role::Admin)],
            convention: Some(&convention),
            default: Role::Member,
            teams: &[("t-1".into(), "Engineering".into()), ("t-2".into(), "Ops".into())],
        };
        let changes = forecast.of(&[
            visitor("Ann", Role::Member, false, &["eng"], &["t-2"]),
            visitor("Bob", Role::Member, false, &["ops", "acme:New"], &["t-2"]),
            visitor("Cleo", Role::Admin, true, &[], &[]),
            visitor("Olive", Role::Owner, false, &["ops"], &["t-2"]),
        ]);
        let told: Vec<_> = changes
            .teams
            .iter()
            .map(|team| {
                (
                    team.name.as_str(),
                    team.joining.names.join(),
                    team.leaving.names.join(),
                )
            })
            .collect();
        let expected = [("Engineering", "Ann", ""), ("New", "Bob", ""), ("Ops", "", "Ann")];
        assert_eq!(
            told,
            expected.map(|(team, one, two)| (team, one.to_owned(), two.to_owned()))
        );
        assert_eq!(
            (changes.raised.names, changes.lowered.names),
            (vec!["Bob".into()], vec!["Cleo".into()])
        );
    }

    trait Join {
        fn join(&self) -> String;
    }

    impl Join for Vec<String> {
        fn join(&self) -> String {
            <[String]>::join(self, ",")
        }
    }
}
