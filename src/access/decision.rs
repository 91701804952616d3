//! The rules of entry, steps 3 to 6 of a sign-in.
//!
//! [`decide`] reads like the list of the rules: is the address proven, may the account be used, by
//! what right does the person enter, and which teams follow from that.

use std::collections::BTreeSet;

use serde::Serialize;

use super::convention::NamedTeams;
use super::denial::{Denial, DenialDetail};
use super::identity::Identity;
use super::mapping::{RoleEffect, mapped_role, mapped_teams};
use super::policy::Policy;
use super::role::Role;
use super::standing::{AccountStanding, DomainStanding, InvitationStanding, MemberStanding, Seats, Standing};
use super::trace::{Rule, Trace};
use super::verdict::{
    AccountEffect, Admission, AdmitReason, DefaultTeam, InvitationEffect, MembershipEffect, Refusal,
    TeamsEffect, Verdict,
};

/// The outcome of one sign-in, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// In or turned away, with every effect.
    pub verdict: Verdict,
    /// Each rule that was asked.
    pub trace: Trace,
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
        } else if self.domain_vouches() || self.lapsed_domain_of_a_member() {
            (true, self.domain_facts())
        } else if self.identity.email.is_some() && self.standing.invitation.proves_mailbox() {
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

    /// A domain whose proof is lost goes on to prove the addresses of those who are members already.
    fn lapsed_domain_of_a_member(&self) -> bool {
        self.identity.email.is_some()
            && self.standing.domain == DomainStanding::Lapsed
            && self.standing.member == MemberStanding::Active
            && self.identity.email_verified != Some(false)
    }

    fn domain_facts(&self) -> &'static str {
        match self.standing.domain {
            _ if self.identity.email.is_none() => "The identity provider sent no e-mail address.",
            DomainStanding::Unverified => "The domain of this address is not verified for this connection.",
            DomainStanding::Lapsed => {
                "The domain was verified for this connection, but its proof has been missing for 7 days or more: its members may enter, and nobody new."
            }
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
            DomainStanding::Unverified | DomainStanding::Lapsed => Denial::DomainNotVerified,
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
        let mapped = self.mapped_role();
        let (membership, invitation, seat, invited) = match (reason, &self.standing.invitation) {
            (AdmitReason::Invitation, InvitationStanding::Pending { role, teams, .. }) => (
                invited_as(*role, mapped),
                InvitationEffect::Accepted,
                0,
                sorted(teams),
            ),
            (AdmitReason::Jit, _) => (self.newcomer(mapped), InvitationEffect::Unchanged, 1, Vec::new()),
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
            role: mapped,
        }
    }

    /// A newcomer has the role of the first line that fits, else the connection's default.
    fn newcomer(&self, mapped: RoleEffect) -> MembershipEffect {
        match mapped {
            RoleEffect::Mapped(role) => MembershipEffect::Created {
                role,
                by_mapping: role == Role::Admin,
            },
            _ => MembershipEffect::Created {
                role: self.policy.default_role,
                by_mapping: false,
            },
        }
    }

    /// The groups that write something: with just-in-time provisioning on and SCIM off those of the
    /// sign-in; in every other case none.
    fn writing_groups(&self) -> Option<&[String]> {
        let groups = self.identity.groups.as_deref();
        groups.filter(|_| self.policy.jit && !self.policy.scim)
    }

    fn mapped_role(&self) -> RoleEffect {
        match self.writing_groups() {
            None => RoleEffect::Kept,
            Some(groups) => {
                mapped_role(&self.policy.mapping, groups).map_or(RoleEffect::NotMapped, RoleEffect::Mapped)
            }
        }
    }

    /// Step 6: the mapped memberships, and those of the convention.
    fn teams(&mut self, reason: AdmitReason, invited: Vec<String>) -> TeamsEffect {
        let groups = self.writing_groups();
        let named = match (&self.policy.convention, groups) {
            (Some(convention), Some(groups)) => convention.teams_of(groups),
            _ => NamedTeams::default(),
        };
        let mapped = groups.map(|groups| {
            let mut teams = mapped_teams(&self.policy.mapping, groups);
            teams.extend(named.known);
            teams
        });
        let applies = mapped.as_ref().is_some_and(|teams| !teams.is_empty()) || !named.missing.is_empty();
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
            made: named.missing,
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

/// The invitation's role, unless a mapped group gives more.
fn invited_as(role: Role, mapped: RoleEffect) -> MembershipEffect {
    let by_mapping = mapped == RoleEffect::Mapped(Role::Admin) && role < Role::Admin;
    MembershipEffect::Created {
        role: if by_mapping { Role::Admin } else { role },
        by_mapping,
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

#[cfg(test)]
mod tests {
    use super::super::{Convention, EmailAddress, MappedGroup, PersonName};
    use super::*;

    fn policy() -> Policy {
        let line = |group: &str, team: &str| MappedGroup {
            group: group.to_owned(),
            team: team.to_owned(),
            role: Role::Member,
        };
        Policy {
            jit: true,
            scim: false,
            default_role: Role::Admin,
            default_team: Some("t-all".to_owned()),
            mapping: vec![line("eng", "t-eng"), line("ops", "t-ops")],
            convention: None,
        }
    }

    fn identity(groups: Option<&[&str]>) -> Identity {
        Identity {
            connection: "corp".to_owned(),
            issuer: "https://idp.example".to_owned(),
            subject: "ada-1".to_owned(),
            email: EmailAddress::parse("ada@corp.example").ok(),
            email_verified: Some(true),
            name: PersonName::default(),
            groups: groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()),
        }
    }

    /// A stranger of a verified domain, with a seat free.
    fn stranger() -> Standing {
        Standing {
            account: AccountStanding::None,
            member: MemberStanding::No,
            invitation: InvitationStanding::None,
            seats: Seats::Free,
            domain: DomainStanding::Verified,
        }
    }

    fn invitation(role: Role, teams: &[&str]) -> InvitationStanding {
        let teams = teams.iter().map(|team| (*team).to_owned()).collect();
        InvitationStanding::Pending {
            proves_mailbox: false,
            role,
            teams,
        }
    }

    fn admitted(policy: &Policy, identity: &Identity, standing: &Standing) -> Admission {
        match decide(policy, identity, standing).verdict {
            Verdict::Admit(admission) => admission,
            Verdict::Deny(refusal) => panic!("denied: {refusal:?}"),
        }
    }

    fn denied(policy: &Policy, identity: &Identity, standing: &Standing) -> Refusal {
        match decide(policy, identity, standing).verdict {
            Verdict::Admit(admission) => panic!("admitted: {admission:?}"),
            Verdict::Deny(refusal) => refusal,
        }
    }

    #[test]
    fn a_stranger_is_turned_away_with_jit_off_and_has_an_account_afterwards() {
        let refusal = denied(
            &Policy {
                jit: false,
                ..policy()
            },
            &identity(None),
            &stranger(),
        );
        let expected = Refusal {
            reason: Denial::NotInvited,
            detail: None,
            account: AccountEffect::Created,
        };
        assert_eq!(refusal, expected);
    }

    #[test]
    fn a_member_by_jit_has_the_default_role_and_team() {
        let admission = admitted(&policy(), &identity(Some(&[])), &stranger());
        assert_eq!(
            admission.membership,
            MembershipEffect::Created {
                role: Role::Admin,
                by_mapping: false
            }
        );
        assert_eq!(admission.teams.default_team(), Some("t-all"));
        assert_eq!(admission.teams.mapped, Some(BTreeSet::new()));
    }

    #[test]
    fn mapped_groups_take_the_place_of_the_default_team() {
        let admission = admitted(&policy(), &identity(Some(&["ops", "eng", "sales"])), &stranger());
        assert_eq!(admission.teams.default, DefaultTeam::NotApplied);
        assert_eq!(
            admission.teams.mapped,
            Some(["t-eng".to_owned(), "t-ops".to_owned()].into())
        );
        assert_eq!(admission.teams.names(), ["mapped"]);
    }

    #[test]
    fn the_default_is_named_even_where_there_is_no_default_team() {
        let admission = admitted(
            &Policy {
                default_team: None,
                ..policy()
            },
            &identity(None),
            &stranger(),
        );
        assert_eq!(admission.teams.default_team(), None);
        assert_eq!(admission.teams.names(), ["default"]);
    }

    #[test]
    fn a_mapped_role_takes_the_place_of_the_default_one_and_is_remembered() {
        let mut policy = policy();
        policy.default_role = Role::Member;
        policy.mapping[0].role = Role::Admin;
        let admission = admitted(&policy, &identity(Some(&["eng"])), &stranger());
        let expected = MembershipEffect::Created {
            role: Role::Admin,
            by_mapping: true,
        };
        assert_eq!(admission.membership, expected);
        for groups in [None, Some(&["hr"][..]), Some(&["ops"])] {
            let admission = admitted(&policy, &identity(groups), &stranger());
            let expected = MembershipEffect::Created {
                role: Role::Member,
                by_mapping: false,
            };
            assert_eq!(admission.membership, expected, "{groups:?}");
        }
    }

    #[test]
    fn a_mapped_role_raises_an_invited_member_and_nobody_else() {
        let mut policy = policy();
        policy.mapping[0].role = Role::Admin;
        for (invited, role, by_mapping) in [
            (Role::Member, Role::Admin, true),
            (Role::Admin, Role::Admin, false),
            (Role::Owner, Role::Owner, false),
        ] {
            let standing = Standing {
                invitation: invitation(invited, &[]),
                ..stranger()
            };
            let admission = admitted(&policy, &identity(Some(&["eng"])), &standing);
            let expected = MembershipEffect::Created { role, by_mapping };
            assert_eq!(admission.membership, expected, "{invited:?}");
        }
    }

    #[test]
    fn roles_and_named_teams_follow_groups_only_where_a_sign_in_writes() {
        let convention = Convention {
            organization: "acme".to_owned(),
            teams: [("core".to_owned(), "t-core".to_owned())].into(),
        };
        let policy = Policy {
            convention: Some(convention),
            ..policy()
        };
        let identity = identity(Some(&["acme:Core", "acme:New", "other:Core", "acme:"]));
        let admission = admitted(&policy, &identity, &stranger());
        assert_eq!(
            admission.teams.mapped,
            Some(BTreeSet::from(["t-core".to_owned()]))
        );
        assert_eq!(admission.teams.made, BTreeSet::from(["New".to_owned()]));
        assert_eq!(admission.teams.default, DefaultTeam::NotApplied);
        assert_eq!(admission.role, RoleEffect::NotMapped);
        let member = Standing {
            member: MemberStanding::Active,
            account: AccountStanding::Active { linked: true },
            ..stranger()
        };
        for (jit, scim) in [(false, false), (false, true), (true, true)] {
            let policy = Policy {
                jit,
                scim,
                ..policy.clone()
            };
            let admission = admitted(&policy, &identity, &member);
            assert_eq!(admission.teams, TeamsEffect::default(), "{jit} {scim}");
            assert_eq!(admission.role, RoleEffect::Kept, "{jit} {scim}");
        }
    }

    #[test]
    fn an_invitation_gives_its_own_role_and_teams_beside_the_mapped_ones() {
        let standing = Standing {
            invitation: invitation(Role::Owner, &["t-b", "t-a", "t-b"]),
            ..stranger()
        };
        let admission = admitted(&policy(), &identity(Some(&["eng"])), &standing);
        assert_eq!(
            admission.membership,
            MembershipEffect::Created {
                role: Role::Owner,
                by_mapping: false
            }
        );
        assert_eq!(admission.teams.invited, ["t-a", "t-b"]);
        assert_eq!(admission.teams.names(), ["invited", "mapped"]);
        assert_eq!(admission.seat, 0);
    }

    #[test]
    fn a_removed_person_comes_back_by_a_new_invitation_only() {
        let removed = Standing {
            member: MemberStanding::Removed,
            account: linked(),
            ..stranger()
        };
        assert_eq!(
            denied(&policy(), &identity(None), &removed).reason,
            Denial::Removed
        );
        let invited = Standing {
            invitation: invitation(Role::Member, &[]),
            seats: Seats::Full,
            ..removed
        };
        let admission = admitted(&policy(), &identity(None), &invited);
        assert_eq!(admission.reason, AdmitReason::Invitation);
        assert_eq!(
            admission.membership,
            MembershipEffect::Created {
                role: Role::Member,
                by_mapping: false
            }
        );
    }

    #[test]
    fn a_deactivated_member_cannot_come_back_by_jit_or_invitation() {
        let standing = Standing {
            member: MemberStanding::Deactivated,
            account: linked(),
            ..stranger()
        };
        assert_eq!(
            denied(&policy(), &identity(None), &standing).reason,
            Denial::MembershipDeactivated
        );
        let invited = Standing {
            invitation: invitation(Role::Admin, &[]),
            ..standing
        };
        assert_eq!(
            denied(&policy(), &identity(None), &invited).reason,
            Denial::MembershipDeactivated
        );
    }

    #[test]
    fn a_link_alone_is_not_enough_for_jit() {
        let standing = Standing {
            account: linked(),
            domain: DomainStanding::Unverified,
            ..stranger()
        };
        let refusal = denied(&policy(), &identity(None), &standing);
        let expected = Refusal {
            reason: Denial::DomainNotVerified,
            detail: None,
            account: AccountEffect::Existing,
        };
        assert_eq!(refusal, expected);
    }

    #[test]
    fn a_member_keeps_signing_in_when_the_domain_is_lost() {
        let standing = Standing {
            account: linked(),
            member: MemberStanding::Active,
            domain: DomainStanding::Unverified,
            ..stranger()
        };
        assert_eq!(
            admitted(&policy(), &identity(None), &standing).reason,
            AdmitReason::Member
        );
    }

    #[test]
    fn an_expired_invitation_is_told_of() {
        let standing = Standing {
            invitation: InvitationStanding::Expired,
            ..stranger()
        };
        let refusal = denied(
            &Policy {
                jit: false,
                ..policy()
            },
            &identity(None),
            &standing,
        );
        assert_eq!(refusal.detail, Some(DenialDetail::InvitationExpired));
        assert_eq!(
            admitted(&policy(), &identity(None), &standing).reason,
            AdmitReason::Jit
        );
    }

    #[test]
    fn a_deactivated_account_is_left_alone() {
        for linked in [true, false] {
            let standing = Standing {
                account: AccountStanding::Deactivated { linked },
                ..stranger()
            };
            let refusal = denied(&policy(), &identity(None), &standing);
            assert_eq!(refusal.reason, Denial::AccountDeactivated);
            assert_eq!(refusal.account, AccountEffect::Unchanged);
        }
    }

    fn linked() -> AccountStanding {
        AccountStanding::Active { linked: true }
    }

    #[test]
    fn a_lapsed_domain_lets_in_its_members_and_nobody_new() {
        let lapsed = Standing {
            domain: DomainStanding::Lapsed,
            ..stranger()
        };
        let judge = |standing: &Standing, claim: Option<bool>| {
            let identity = Identity {
                email_verified: claim,
                ..identity(None)
            };
            match decide(&policy(), &identity, standing).verdict {
                Verdict::Admit(admission) => Ok(admission.reason),
                Verdict::Deny(refusal) => Err(refusal.reason),
            }
        };
        let standing = |account: AccountStanding, member: MemberStanding| Standing {
            account,
            member,
            ..lapsed.clone()
        };
        let (linked, unlinked) = (
            AccountStanding::Active { linked: true },
            AccountStanding::Active { linked: false },
        );
        assert_eq!(judge(&lapsed, Some(true)), Err(Denial::DomainNotVerified));
        let known_stranger = standing(linked, MemberStanding::No);
        assert_eq!(judge(&known_stranger, Some(true)), Err(Denial::DomainNotVerified));
        for account in [linked, unlinked] {
            let member = standing(account, MemberStanding::Active);
            assert_eq!(judge(&member, None), Ok(AdmitReason::Member));
        }
        let disowned = standing(unlinked, MemberStanding::Active);
        assert_eq!(judge(&disowned, Some(false)), Err(Denial::DomainNotVerified));
        let invited = Standing {
            invitation: invitation(Role::Member, &[]),
            ..lapsed.clone()
        };
        assert_eq!(judge(&invited, Some(true)), Err(Denial::DomainNotVerified));
    }
}
