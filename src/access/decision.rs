//! The rules of entry, steps 3 to 6 of a sign-in.
//!
//! [`decide`] reads like the list of the rules: is the address proven, may the account be used, by
//! what right does the person enter, and which teams follow from that.

use std::collections::BTreeSet;

use serde::Serialize;

use super::denial::{Denial, DenialDetail};
use super::identity::Identity;
use super::mapping::mapped_teams;
use super::policy::Policy;
use super::role::Role;
use super::standing::{AccountStanding, DomainStanding, InvitationStanding, MemberStanding, Seats, Standing};
use super::trace::{Rule, Trace};
use super::words::words;

/// The outcome of one sign-in, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// In or turned away, with every effect.
    pub verdict: Verdict,
    /// Each rule that was asked.
    pub trace: Trace,
}

/// In or turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The person comes in.
    Admit(Admission),
    /// The person is turned away.
    Deny(Refusal),
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

    /// The words for what applies, sorted: `default`, `invited`, `mapped`.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let default = matches!(self.default, DefaultTeam::Applied(_));
        let mapped = self.mapped.as_ref().is_some_and(|teams| !teams.is_empty());
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

/// Judges one sign-in. Pure: the same question has the same answer at the door, in a dry run and in
/// a preview.
#[must_use]
pub fn decide(policy: &Policy, identity: &Identity, standing: &Standing) -> Decision {
    let mut case = Case {
        policy,
        identity,
        standing,
        trace: Trace::new(),
    };
    let verdict = case.judge().map_or_else(Verdict::Deny, Verdict::Admit);
    Decision {
        verdict,
        trace: case.trace,
    }
}

/// One sign-in under judgement.
struct Case<'a> {
    policy: &'a Policy,
    identity: &'a Identity,
    standing: &'a Standing,
    trace: Trace,
}

impl Case<'_> {
    fn judge(&mut self) -> Result<Admission, Refusal> {
        let account = self.account().map_err(|reason| Refusal {
            reason,
            detail: None,
            account: AccountEffect::Unchanged,
        })?;
        let reason = self.right_of_entry().map_err(|reason| Refusal {
            reason,
            detail: self.detail(reason),
            account,
        })?;
        Ok(self.admission(reason, account))
    }

    /// Steps 3 and 4: the address is proven, and the account may be used.
    fn account(&mut self) -> Result<AccountEffect, Denial> {
        let (proven, facts) = self.proof();
        self.trace
            .require(Rule::AddressProven, proven, facts, self.unproven())?;

        let (effect, facts) = match self.standing.account {
            AccountStanding::None => (
                AccountEffect::Created,
                "There is no account yet: one is created and linked.",
            ),
            AccountStanding::Active { linked: false } => (
                AccountEffect::Linked,
                "There is an account for this address: this identity is linked to it.",
            ),
            AccountStanding::Active { linked: true } => (
                AccountEffect::Existing,
                "This identity is already linked to its account.",
            ),
            AccountStanding::Deactivated { .. } => (AccountEffect::Unchanged, "The account is deactivated."),
        };
        let usable = effect != AccountEffect::Unchanged;
        self.trace
            .require(Rule::AccountActive, usable, facts, Denial::AccountDeactivated)?;
        Ok(effect)
    }

    /// What proves the address, or why nothing does.
    fn proof(&self) -> (bool, &'static str) {
        if self.standing.account.is_linked() {
            (true, "This identity is already linked to an account.")
        } else if self.identity.email.is_none() {
            (false, "The identity provider sent no e-mail address.")
        } else if self.domain_vouches() {
            (true, self.domain_facts())
        } else if self.standing.invitation.proves_mailbox() {
            (
                true,
                "The browser carries the link of an invitation that was sent to this address.",
            )
        } else {
            (false, self.domain_facts())
        }
    }

    /// The organization's word for the address: its domain is verified and attached to this
    /// connection, and the provider does not disown it.
    fn domain_vouches(&self) -> bool {
        self.identity.email.is_some()
            && self.standing.domain == DomainStanding::Verified
            && self.identity.email_verified != Some(false)
    }

    fn domain_facts(&self) -> &'static str {
        match self.standing.domain {
            DomainStanding::Unverified => "The domain of this address is not verified for this connection.",
            DomainStanding::OtherOrganization => {
                "The domain of this address belongs to another organization."
            }
            DomainStanding::Verified if self.identity.email_verified == Some(false) => {
                "The domain is verified for this connection, but the provider says that the address is not verified."
            }
            DomainStanding::Verified => "The domain is verified and attached to this connection.",
        }
    }

    /// The reason of a denial where the domain does not vouch: the domain comes before the claim.
    fn unproven(&self) -> Denial {
        match self.standing.domain {
            DomainStanding::Unverified => Denial::DomainNotVerified,
            DomainStanding::OtherOrganization => Denial::DomainOfAnotherOrganization,
            DomainStanding::Verified => Denial::EmailNotVerified,
        }
    }

    /// Step 5: by what right the person enters, if by any.
    fn right_of_entry(&mut self) -> Result<AdmitReason, Denial> {
        let standing = self.standing;
        let facts = member_facts(standing.member);
        let deactivated = standing.member == MemberStanding::Deactivated;
        let denial = Denial::MembershipDeactivated;
        self.trace
            .require(Rule::MembershipNotDeactivated, !deactivated, facts, denial)?;

        if self
            .trace
            .ask(Rule::Member, standing.member == MemberStanding::Active, facts)
        {
            return Ok(AdmitReason::Member);
        }
        let facts_of_invitation = invitation_facts(&standing.invitation);
        if self.trace.ask(
            Rule::Invited,
            standing.invitation.is_pending(),
            facts_of_invitation,
        ) {
            return Ok(AdmitReason::Invitation);
        }
        let removed = standing.member == MemberStanding::Removed;
        self.trace
            .require(Rule::NotRemoved, !removed, facts, Denial::Removed)?;
        self.just_in_time()
    }

    /// Step 5 for somebody who is neither a member nor invited nor removed.
    fn just_in_time(&mut self) -> Result<AdmitReason, Denial> {
        let facts = if self.policy.jit {
            "Just-in-time provisioning is on for this connection."
        } else {
            "Just-in-time provisioning is off: only members and invited people may enter."
        };
        self.trace
            .require(Rule::JitOn, self.policy.jit, facts, Denial::NotInvited)?;

        let vouched = self.domain_vouches();
        self.trace
            .require(Rule::DomainVouches, vouched, self.domain_facts(), self.unproven())?;

        let free = self.standing.seats == Seats::Free;
        let facts = if free {
            "A seat is free."
        } else {
            "Every seat is taken."
        };
        self.trace.require(Rule::SeatFree, free, facts, Denial::NoSeat)?;
        Ok(AdmitReason::Jit)
    }

    fn detail(&self, reason: Denial) -> Option<DenialDetail> {
        match (reason, &self.standing.invitation) {
            (Denial::NotInvited, InvitationStanding::Expired) => Some(DenialDetail::InvitationExpired),
            (Denial::NotInvited, InvitationStanding::Revoked) => Some(DenialDetail::InvitationRevoked),
            (Denial::NotInvited, InvitationStanding::Declined) => Some(DenialDetail::InvitationDeclined),
            (Denial::NotInvited, InvitationStanding::OtherAddress) => {
                Some(DenialDetail::InvitationForAnotherAddress)
            }
            _ => None,
        }
    }

    fn admission(&mut self, reason: AdmitReason, account: AccountEffect) -> Admission {
        let (membership, invitation, seat, invited) = match (reason, &self.standing.invitation) {
            (AdmitReason::Invitation, InvitationStanding::Pending { role, teams, .. }) => (
                MembershipEffect::Created { role: *role },
                InvitationEffect::Accepted,
                0,
                sorted(teams),
            ),
            (AdmitReason::Jit, _) => {
                let role = self.policy.default_role;
                (
                    MembershipEffect::Created { role },
                    InvitationEffect::Unchanged,
                    1,
                    Vec::new(),
                )
            }
            (_, InvitationStanding::Pending { .. }) => (
                MembershipEffect::Unchanged,
                InvitationEffect::Closed,
                0,
                Vec::new(),
            ),
            _ => (
                MembershipEffect::Unchanged,
                InvitationEffect::Unchanged,
                0,
                Vec::new(),
            ),
        };
        let teams = self.teams(reason, invited);
        Admission {
            reason,
            account,
            membership,
            invitation,
            seat,
            teams,
        }
    }

    /// Step 6: with just-in-time provisioning on and SCIM off the provider's groups write mapped
    /// memberships; in every other case they write nothing.
    fn teams(&mut self, reason: AdmitReason, invited: Vec<String>) -> TeamsEffect {
        let mapped = match &self.identity.groups {
            Some(groups) if self.policy.jit && !self.policy.scim => {
                Some(mapped_teams(&self.policy.mapping, groups))
            }
            _ => None,
        };
        let applies = mapped.as_ref().is_some_and(|teams| !teams.is_empty());
        self.trace
            .ask(Rule::GroupsMapped, applies, self.group_facts(applies));

        let default = if reason == AdmitReason::Jit && !applies {
            DefaultTeam::Applied(self.policy.default_team.clone())
        } else {
            DefaultTeam::NotApplied
        };
        TeamsEffect {
            default,
            invited,
            mapped,
        }
    }

    fn group_facts(&self, applies: bool) -> &'static str {
        if self.policy.scim {
            "SCIM is on: only the directory writes groups."
        } else if !self.policy.jit {
            "Just-in-time provisioning is off: groups of a sign-in write nothing."
        } else if self.identity.groups.is_none() {
            "The identity provider sent no groups: mapped teams stay as they are."
        } else if applies {
            "At least one group stands for a team."
        } else {
            "None of the groups stands for a team: mapped teams are left."
        }
    }
}

fn member_facts(member: MemberStanding) -> &'static str {
    match member {
        MemberStanding::No => "The person is not a member.",
        MemberStanding::Active => "The person is a member.",
        MemberStanding::Deactivated => "The membership is deactivated.",
        MemberStanding::Removed => "The person was removed from the organization.",
    }
}

fn invitation_facts(invitation: &InvitationStanding) -> &'static str {
    match invitation {
        InvitationStanding::None => "Nobody has invited this person.",
        InvitationStanding::Pending { .. } => "An invitation for this address is waiting.",
        InvitationStanding::Expired => "The invitation for this address has expired.",
        InvitationStanding::Revoked => "The invitation for this address was revoked.",
        InvitationStanding::Declined => "The invitation for this address was declined.",
        InvitationStanding::OtherAddress => "The invitation that was opened is for another address.",
    }
}

fn sorted(teams: &[String]) -> Vec<String> {
    teams
        .iter()
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}
