//! What a decision comes to: in or turned away, and every effect of it, as values for whoever
//! applies them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::denial::{Denial, DenialDetail};
use super::mapping::RoleEffect;
use super::role::Role;
use super::words::words;

/// In or turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The person comes in.
    Admit(Admission),
    /// The person is turned away.
    Deny(Refusal),
}

impl Verdict {
    /// What step 4 did to the account, in or out.
    #[must_use]
    pub fn account(&self) -> AccountEffect {
        match self {
            Self::Admit(admission) => admission.account,
            Self::Deny(refusal) => refusal.account,
        }
    }
}

/// The effects of letting somebody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Admission {
    /// By what right.
    pub reason: AdmitReason,
    /// What happens to the account.
    pub account: AccountEffect,
    /// What happens to the membership.
    pub membership: MembershipEffect,
    /// What happens to the invitation.
    pub invitation: InvitationEffect,
    /// The number of free seats taken. An accepted invitation already held its seat.
    pub seat: u32,
    /// What happens to the teams.
    pub teams: TeamsEffect,
    /// What the mapping says of the role.
    pub role: RoleEffect,
}

/// The effects of turning somebody away: nothing but the account step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Why.
    pub reason: Denial,
    /// What more there is to say.
    pub detail: Option<DenialDetail>,
    /// What happened to the account before.
    pub account: AccountEffect,
}

words! {
    /// By what right somebody is admitted.
    pub enum AdmitReason {
        /// An active member.
        Member = "member",
        /// A pending invitation for the address.
        Invitation = "invitation",
        /// Just-in-time provisioning.
        Jit = "jit",
    }
}

impl AdmitReason {
    /// What happens, for an administrator.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Member => "This person is a member.",
            Self::Invitation => "An invitation is waiting, and this sign-in accepts it.",
            Self::Jit => "Just-in-time provisioning makes this person a member.",
        }
    }
}

words! {
    /// What happens to the account.
    pub enum AccountEffect {
        /// There was none: it is made and this identity is linked to it.
        Created = "created",
        /// There was one for the address: this identity is linked to it.
        Linked = "linked",
        /// This identity was linked to it already.
        Existing = "existing",
        /// The account step was not passed: nothing is made, linked or renamed.
        Unchanged = "unchanged",
    }
}

words! {
    /// What happens to the invitation.
    pub enum InvitationEffect {
        /// It is accepted, and its seat is used.
        Accepted = "accepted",
        /// It is closed: the person was a member anyway.
        Closed = "closed",
        /// There is none to change.
        Unchanged = "unchanged",
    }
}

/// What happens to the membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipEffect {
    /// A new membership, or a removed one that begins again.
    Created {
        /// The role that the new member has.
        role: Role,
        /// Whether a mapped group gave it, and not the invitation or the connection's default.
        by_mapping: bool,
    },
    /// The membership stays as it is.
    Unchanged,
}

impl MembershipEffect {
    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What happens to the teams. All three may apply at once, except default and mapped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TeamsEffect {
    /// The connection's default team.
    pub default: DefaultTeam,
    /// The ids of the accepted invitation's teams, sorted.
    pub invited: Vec<String>,
    /// The ids of the teams that the person is in by mapping from now on, no more and no fewer;
    /// `None` leaves mapped memberships as they are.
    pub mapped: Option<BTreeSet<String>>,
    /// The names of teams that are made first, because a group is called so (`organization:team`); the
    /// person is in them by mapping too.
    pub made: BTreeSet<String>,
}

/// Does the connection's default team apply?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultTeam {
    /// It does not.
    #[default]
    NotApplied,
    /// It does; `None` where the connection has no default team.
    Applied(Option<String>),
}

impl TeamsEffect {
    /// The id of the default team to join, if any.
    #[must_use]
    pub fn default_team(&self) -> Option<&str> {
        match &self.default {
            DefaultTeam::NotApplied => None,
            DefaultTeam::Applied(team) => team.as_deref(),
        }
    }

    /// Does any group apply?
    #[must_use]
    pub fn has_mapped(&self) -> bool {
        self.mapped.as_ref().is_some_and(|teams| !teams.is_empty()) || !self.made.is_empty()
    }

    /// The words for what applies, sorted: `default`, `invited`, `mapped`.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let default = matches!(self.default, DefaultTeam::Applied(_));
        let mapped = self.has_mapped();
        let applying = [
            (default, "default"),
            (!self.invited.is_empty(), "invited"),
            (mapped, "mapped"),
        ];
        applying
            .into_iter()
            .filter(|(applies, _)| *applies)
            .map(|(_, name)| name)
            .collect()
    }
}
