//! The name convention: where an organization turned it on, a group called `organization:team` is that
//! team of that organization. What is not called so, or names another organization, is ignored alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The longest name of a team, in characters.
const LONGEST: usize = 60;
/// How many of somebody's groups are read by their names. What sends more makes no more teams.
const MOST: usize = 200;

/// The convention as one sign-in finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convention {
    /// What stands before the colon: the organization's slug, exactly.
    pub organization: String,
    /// The teams that there are: the [`team_key`] of the name, and the id.
    pub teams: BTreeMap<String, String>,
}

/// A team that a group's name names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTeam {
    /// The name with single spaces, 1 to 60 characters.
    pub name: String,
}

/// Why a group's name names no team here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// There is no colon: the convention is not meant.
    Plain,
    /// Another organization's.
    Organization,
    /// No name of a team stands behind the colon.
    Malformed,
}

impl Foreign {
    /// For administrators, beside the group.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Plain => "Not called organization:team.",
            Self::Organization => "Names another organization: ignored.",
            Self::Malformed => {
                "What stands behind the colon is no name of a team (1 to 60 characters, no second colon): ignored."
            }
        }
    }
}

/// The teams of somebody's groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NamedTeams {
    /// Ids of those that there are.
    pub(super) known: BTreeSet<String>,
    /// Names of those that are to be made, one for each that compares equal.
    pub(super) missing: BTreeSet<String>,
}

impl NamedTeam {
    /// Reads a group's name.
    ///
    /// # Errors
    /// Why it names no team of this organization.
    pub fn parse(organization: &str, group: &str) -> Result<Self, Foreign> {
        let (before, name) = group.split_once(':').ok_or(Foreign::Plain)?;
        if before != organization {
            return Err(Foreign::Organization);
        }
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_fine = (1..=LONGEST).contains(&name.chars().count())
            && !name.chars().any(|letter| letter.is_control() || letter == ':');
        if is_fine {
            Ok(Self { name })
        } else {
            Err(Foreign::Malformed)
        }
    }

    /// The names of teams in these groups, in the order of the groups and at most 200.
    pub fn all<'a>(
        organization: &'a str,
        groups: impl IntoIterator<Item = &'a String>,
    ) -> impl Iterator<Item = Self> {
        let read = |group: &'a String| Self::parse(organization, group).ok();
        groups.into_iter().filter_map(read).take(MOST)
    }
}

/// By what the names of teams are compared.
#[must_use]
pub fn team_key(name: &str) -> String {
    name.to_lowercase()
}

impl Convention {
    /// The teams that these groups name.
    pub(super) fn teams_of(&self, groups: &[String]) -> NamedTeams {
        let mut named = NamedTeams::default();
        let mut missing = BTreeSet::new();
        for team in NamedTeam::all(&self.organization, groups) {
            let key = team_key(&team.name);
            if let Some(id) = self.teams.get(&key) {
                named.known.insert(id.clone());
            } else if missing.insert(key) {
                named.missing.insert(team.name);
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_names_a_team_of_its_organization() {
        let read = |group| NamedTeam::parse("acme", group).map(|team| team.name);
        assert_eq!(read("acme:Platform"), Ok("Platform".to_owned()));
        assert_eq!(
            read("acme:  Site   Reliability "),
            Ok("Site Reliability".to_owned())
        );
        for (group, why) in [
            ("Platform", Foreign::Plain),
            ("", Foreign::Plain),
            ("umbrella:Platform", Foreign::Organization),
            ("Acme:Platform", Foreign::Organization),
            (":Platform", Foreign::Organization),
            ("acme:", Foreign::Malformed),
            ("acme: \u{a0} ", Foreign::Malformed),
            ("acme:a:b", Foreign::Malformed),
            ("acme:a\u{0}b", Foreign::Malformed),
        ] {
            assert_eq!(read(group), Err(why), "{group:?}");
        }
        assert_eq!(read(&format!("acme:{}", "a".repeat(61))), Err(Foreign::Malformed));
    }

    #[test]
    fn a_missing_team_is_made_once_and_a_bad_name_is_ignored_alone() {
        let convention = Convention {
            organization: "acme".to_owned(),
            teams: BTreeMap::from([("platform".to_owned(), "t-1".to_owned())]),
        };
        let groups = [
            "acme:PLATFORM",
            "acme:Ops",
            "acme:ops",
            "acme:",
            "other:Ops",
            "hr",
        ]
        .map(str::to_owned);
        let named = convention.teams_of(&groups);
        assert_eq!(named.known, BTreeSet::from(["t-1".to_owned()]));
        assert_eq!(named.missing, BTreeSet::from(["Ops".to_owned()]));
    }

    #[test]
    fn nobody_makes_teams_without_end() {
        let convention = Convention {
            organization: "acme".to_owned(),
            teams: BTreeMap::new(),
        };
        let groups: Vec<_> = (0..1000).map(|number| format!("acme:t{number}")).collect();
        assert_eq!(convention.teams_of(&groups).missing.len(), MOST);
    }
}
