//! Groups of the provider and the teams that they stand for.
//!
//! A mapping gives and takes team memberships that it made itself; what was given by hand or by an
//! invitation is not its business. It never gives a role.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One line of a connection's table: who is in the group is in the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedGroup {
    /// The group's id or name, exactly as the provider sends it.
    pub group: String,
    /// The team's id.
    pub team: String,
}

/// The ids of the teams that the table gives for these groups. Groups that it does not know are
/// ignored, and names are compared exactly.
#[must_use]
pub fn mapped_teams(table: &[MappedGroup], groups: &[String]) -> BTreeSet<String> {
    table
        .iter()
        .filter(|line| groups.contains(&line.group))
        .map(|line| line.team.clone())
        .collect()
}

/// The teams to put the person into. `mapped` is what holds now ([`super::TeamsEffect::mapped`]),
/// `present` every team that the person is in, whatever the source.
#[must_use]
pub fn teams_to_join(mapped: Option<&BTreeSet<String>>, present: &BTreeSet<String>) -> Vec<String> {
    mapped.map_or_else(Vec::new, |mapped| mapped.difference(present).cloned().collect())
}

/// The teams to take the person out of. `by_mapping` are the teams that a mapping put the person
/// into; no other can be lost here. Where no mapping applies (`mapped` is `None`, as with an absent
/// groups claim) nothing is lost.
#[must_use]
pub fn teams_to_leave(mapped: Option<&BTreeSet<String>>, by_mapping: &BTreeSet<String>) -> Vec<String> {
    mapped.map_or_else(Vec::new, |mapped| {
        by_mapping.difference(mapped).cloned().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(teams: &[&str]) -> BTreeSet<String> {
        teams.iter().map(|team| (*team).to_owned()).collect()
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn table(lines: &[(&str, &str)]) -> Vec<MappedGroup> {
        let line = |(group, team): &(&str, &str)| MappedGroup {
            group: (*group).to_owned(),
            team: (*team).to_owned(),
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn groups_give_their_teams_and_unknown_groups_give_none() {
        let table = table(&[
            ("eng", "t-eng"),
            ("ops", "t-eng"),
            ("eng", "t-all"),
            ("hr", "t-hr"),
        ]);
        let given: [(&[&str], &[&str]); 5] = [
            (&[], &[]),
            (&["sales", "Eng", "eng "], &[]),
            (&["eng"], &["t-all", "t-eng"]),
            (&["ops", "ops", "hr"], &["t-eng", "t-hr"]),
            (&["eng", "ops"], &["t-all", "t-eng"]),
        ];
        for (groups, teams) in given {
            assert_eq!(mapped_teams(&table, &list(groups)), set(teams), "{groups:?}");
        }
    }

    #[test]
    fn a_person_joins_only_the_teams_they_are_not_in() {
        let mapped = set(&["a", "b", "c"]);
        assert_eq!(teams_to_join(Some(&mapped), &set(&["b", "x"])), list(&["a", "c"]));
        assert_eq!(teams_to_join(None, &set(&[])), list(&[]));
    }

    #[test]
    fn a_mapped_membership_whose_group_is_gone_is_lost() {
        let by_mapping = set(&["a", "b"]);
        assert_eq!(teams_to_leave(Some(&set(&["b", "c"])), &by_mapping), list(&["a"]));
        assert_eq!(teams_to_leave(Some(&set(&[])), &by_mapping), list(&["a", "b"]));
    }

    #[test]
    fn an_absent_groups_claim_takes_nothing_away() {
        assert_eq!(teams_to_leave(None, &set(&["a", "b"])), list(&[]));
    }

    #[test]
    fn a_membership_given_by_hand_is_not_the_mappings_to_take() {
        let by_mapping = set(&[]);
        assert_eq!(teams_to_leave(Some(&set(&[])), &by_mapping), list(&[]));
    }
}
