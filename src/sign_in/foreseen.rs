//! What a decision would do to a person, in full: for those who ask before anything happens. Pure.

use std::collections::BTreeSet;

use super::standing::Person;
use crate::access::{
    Admission, Decision, HeldRole, Identity, MembershipEffect, Policy, Role, Verdict, decide, role_change,
    teams_to_join, teams_to_leave,
};
use crate::connections::Connection;

/// A decision, and what would become of teams and role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// The decision.
    pub decision: Decision,
    /// Ids of teams that the person joins, sorted.
    pub joins: Vec<String>,
    /// Names of teams that are made, and that the person joins.
    pub makes: Vec<String>,
    /// Ids of teams that the person leaves, as far as nobody else put them there; sorted.
    pub leaves: Vec<String>,
    /// The role afterwards; none for who stays outside.
    pub role: Option<Role>,
    /// The role before, where it changes.
    pub role_before: Option<Role>,
}

impl Foreseen {
    /// Whether the person comes in.
    pub fn comes_in(&self) -> bool {
        matches!(self.decision.verdict, Verdict::Admit(_))
    }
}

/// Decides, and works out what follows. `mapped` are the teams that this connection's groups have given.
pub fn foresee(
    connection: &Connection,
    policy: &Policy,
    identity: &Identity,
    person: &Person,
    mapped: &BTreeSet<String>,
) -> Foreseen {
    let decision = decide(policy, identity, &person.standing);
    let Verdict::Admit(admission) = &decision.verdict else {
        return Foreseen {
            decision,
            joins: Vec::new(),
            makes: Vec::new(),
            leaves: Vec::new(),
            role: None,
            role_before: None,
        };
    };
    let teams = &admission.teams;
    let mut joins: BTreeSet<String> = teams.invited.iter().cloned().collect();
    joins.extend(teams.default_team().map(str::to_owned));
    joins.extend(teams_to_join(teams.mapped.as_ref(), mapped));
    let (role, role_before) = roles(connection, policy, admission, person);
    Foreseen {
        joins: joins.into_iter().collect(),
        makes: teams.made.iter().cloned().collect(),
        leaves: teams_to_leave(teams.mapped.as_ref(), mapped),
        role,
        role_before,
        decision,
    }
}

fn roles(
    connection: &Connection,
    policy: &Policy,
    admission: &Admission,
    person: &Person,
) -> (Option<Role>, Option<Role>) {
    match (admission.membership, &person.member) {
        (MembershipEffect::Created { role, .. }, _) => (Some(role), None),
        (MembershipEffect::Unchanged, Some(member)) => {
            let held = HeldRole {
                role: member.role,
                by_mapping: member.role_given_by.as_ref() == Some(&connection.id),
            };
            match role_change(admission.role, held, policy.default_role) {
                Some(after) if after.role != member.role => (Some(after.role), Some(member.role)),
                _ => (Some(member.role), None),
            }
        }
        (MembershipEffect::Unchanged, None) => (None, None),
    }
}
