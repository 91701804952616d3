//! Groups of the provider and the teams that they stand for.
//!
//! A mapping gives and takes what it gave itself: team memberships, and the role of admin. What was given
//! by hand or by an invitation is not its business, and it neither makes an owner nor touches one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::role::Role;

/// One line of a connection's table: who is in the group is in the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedGroup {
    /// The group's id or name, exactly as the provider sends it.
    pub group: String,
    /// The team's id.
    pub team: String,
    /// The role in the organization, never owner. Of several lines that fit the first one's counts.
    #[serde(default = "Role::least")]
    pub role: Role,
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

/// The role that the table gives for these groups: that of the first line that fits.
#[must_use]
pub fn mapped_role(table: &[MappedGroup], groups: &[String]) -> Option<Role> {
    let line = table.iter().find(|line| groups.contains(&line.group))?;
    Some(line.role.min(Role::Admin))
}

/// What a connection's mapping says of somebody's role now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleEffect {
    /// No mapping applies: the role stays.
    #[default]
    Kept,
    /// None of the person's groups has a line.
    NotMapped,
    /// The first line that fits gives this role.
    Mapped(Role),
}

/// A member's role as a mapping finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// The role.
    pub role: Role,
    /// Whether this connection's mapping gave it.
    pub by_mapping: bool,
}

/// What becomes of a member's role, if it changes. `default` is the connection's default role, to which
/// a role falls back that the mapping gave and gives no longer.
#[must_use]
pub fn role_change(effect: RoleEffect, held: HeldRole, default: Role) -> Option<HeldRole> {
    let lowered = |role: Role| HeldRole {
        role: role.min(Role::Admin),
        by_mapping: false,
    };
    let is_ours = held.by_mapping && held.role == Role::Admin;
    match effect {
        RoleEffect::Mapped(Role::Admin) if held.role == Role::Member => Some(HeldRole {
            role: Role::Admin,
            by_mapping: true,
        }),
        RoleEffect::Mapped(Role::Member) if is_ours => Some(lowered(Role::Member)),
        RoleEffect::NotMapped if is_ours => Some(lowered(default)),
        _ => None,
    }
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
            role: Role::Member,
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
    fn of_the_lines_that_fit_the_first_ones_role_counts() {
        let mut table = table(&[("eng", "a"), ("ops", "b"), ("root", "c")]);
        table[1].role = Role::Admin;
        table[2].role = Role::Owner;
        let role = |groups: &[&str]| mapped_role(&table, &list(groups));
        assert_eq!(role(&["ops", "eng"]), Some(Role::Member));
        assert_eq!(role(&["ops"]), Some(Role::Admin));
        assert_eq!(role(&["hr"]), None);
        assert_eq!(role(&["root"]), Some(Role::Admin), "no mapping makes an owner");
    }

    /// DEC-033.
    #[test]
    fn a_mapping_raises_a_member_and_takes_only_what_it_gave() {
        use Role::{Admin, Member, Owner};
        use RoleEffect::{Kept, Mapped, NotMapped};
        let held = |role, by_mapping| HeldRole { role, by_mapping };
        let becomes = [
            (
                Mapped(Admin),
                held(Member, false),
                Member,
                Some(held(Admin, true)),
            ),
            (Mapped(Admin), held(Admin, false), Member, None),
            (Mapped(Admin), held(Admin, true), Member, None),
            (Mapped(Admin), held(Owner, false), Member, None),
            (Mapped(Owner), held(Member, false), Member, None),
            (
                Mapped(Member),
                held(Admin, true),
                Admin,
                Some(held(Member, false)),
            ),
            (Mapped(Member), held(Admin, false), Member, None),
            (Mapped(Member), held(Owner, true), Member, None),
            (NotMapped, held(Admin, true), Member, Some(held(Member, false))),
            (NotMapped, held(Admin, true), Admin, Some(held(Admin, false))),
            (NotMapped, held(Admin, true), Owner, Some(held(Admin, false))),
            (NotMapped, held(Admin, false), Member, None),
            (NotMapped, held(Owner, true), Member, None),
            (Kept, held(Admin, true), Member, None),
        ];
        for (effect, before, default, after) in becomes {
            assert_eq!(
                role_change(effect, before, default),
                after,
                "{effect:?} {before:?} {default}"
            );
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

    /// DEC-032.
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
