//! Every combination of what the rules look at, compared with an account of the rules that was
//! written independently of [`decide`], and the promises that hold over all of them.

use std::io::{BufReader, Cursor};

use serde_json::{Value, json};

use super::*;

/// One combination, in the words of the command line. `unlinked_deactivated` is a deactivated
/// account that only shares the address; the command line has no word for it.
#[derive(Clone, Copy, Debug)]
struct Cell {
    jit: bool,
    scim: bool,
    account: &'static str,
    member: &'static str,
    invitation: &'static str,
    seats: &'static str,
    domain: &'static str,
    email_verified: Option<bool>,
    groups: &'static str,
}

const ACCOUNTS: [&str; 5] = [
    "none",
    "linked",
    "unlinked",
    "deactivated",
    "unlinked_deactivated",
];
const MEMBERS: [&str; 4] = ["no", "active", "deactivated", "removed"];
const INVITATIONS: [&str; 7] = [
    "none",
    "pending_link",
    "pending",
    "expired",
    "revoked",
    "declined",
    "other_email",
];
const DOMAINS: [&str; 3] = ["verified", "unverified", "other_org"];
const GROUPS: [&str; 3] = ["none", "mapped", "unmapped"];

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for account in ACCOUNTS {
        for member in MEMBERS
            .into_iter()
            .filter(|member| account != "none" || *member == "no")
        {
            for invitation in INVITATIONS {
                for domain in DOMAINS {
                    for email_verified in [Some(true), Some(false), None] {
                        cells.extend(switches().map(|(jit, scim, seats, groups)| Cell {
                            jit,
                            scim,
                            account,
                            member,
                            invitation,
                            seats,
                            domain,
                            email_verified,
                            groups,
                        }));
                    }
                }
            }
        }
    }
    cells
}

fn switches() -> impl Iterator<Item = (bool, bool, &'static str, &'static str)> {
    (0..24).map(|n| {
        (
            n % 2 == 1,
            n / 2 % 2 == 1,
            ["free", "full"][n / 4 % 2],
            GROUPS[n / 8],
        )
    })
}

impl Cell {
    fn decided(self) -> Decision {
        decide(&self.policy(), &self.identity(), &self.standing())
    }

    fn policy(self) -> Policy {
        Policy {
            jit: self.jit,
            scim: self.scim,
            default_role: Role::Member,
            default_team: Some("t-default".to_owned()),
            mapping: vec![MappedGroup {
                group: "g".to_owned(),
                team: "t-mapped".to_owned(),
                role: Role::Member,
            }],
            convention: None,
        }
    }

    fn identity(self) -> Identity {
        Identity {
            connection: "c".to_owned(),
            issuer: "https://idp.example".to_owned(),
            subject: "1".to_owned(),
            email: Some(EmailAddress::parse("ada@corp.example").unwrap()),
            email_verified: self.email_verified,
            name: PersonName::default(),
            groups: match self.groups {
                "mapped" => Some(vec!["other".to_owned(), "g".to_owned()]),
                "unmapped" => Some(vec!["other".to_owned()]),
                _ => None,
            },
        }
    }

    fn standing(self) -> Standing {
        let pending = |proves_mailbox| InvitationStanding::Pending {
            proves_mailbox,
            role: Role::Admin,
            teams: vec!["t-2".to_owned(), "t-1".to_owned(), "t-2".to_owned()],
        };
        Standing {
            account: match self.account {
                "none" => AccountStanding::None,
                "linked" => AccountStanding::Active { linked: true },
                "unlinked" => AccountStanding::Active { linked: false },
                "deactivated" => AccountStanding::Deactivated { linked: true },
                _ => AccountStanding::Deactivated { linked: false },
            },
            member: match self.member {
                "no" => MemberStanding::No,
                "active" => MemberStanding::Active,
                "deactivated" => MemberStanding::Deactivated,
                _ => MemberStanding::Removed,
            },
            invitation: match self.invitation {
                "none" => InvitationStanding::None,
                "pending_link" => pending(true),
                "pending" => pending(false),
                "expired" => InvitationStanding::Expired,
                "revoked" => InvitationStanding::Revoked,
                "declined" => InvitationStanding::Declined,
                _ => InvitationStanding::OtherAddress,
            },
            seats: if self.seats == "free" {
                Seats::Free
            } else {
                Seats::Full
            },
            domain: match self.domain {
                "verified" => DomainStanding::Verified,
                "unverified" => DomainStanding::Unverified,
                _ => DomainStanding::OtherOrganization,
            },
        }
    }

    fn invited(self) -> bool {
        self.invitation.starts_with("pending")
    }

    fn vouched(self) -> bool {
        self.domain == "verified" && self.email_verified != Some(false)
    }
}

/// What a decision comes to, in words.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    admitted: bool,
    reason: &'static str,
    detail: Option<&'static str>,
    account: &'static str,
    membership: &'static str,
    invitation: &'static str,
    seat: u32,
    teams: Vec<&'static str>,
}

impl Outcome {
    fn denied(reason: &'static str, detail: Option<&'static str>, account: &'static str) -> Self {
        let unchanged = "unchanged";
        let (membership, invitation) = (unchanged, unchanged);
        Self {
            admitted: false,
            reason,
            detail,
            account,
            membership,
            invitation,
            seat: 0,
            teams: Vec::new(),
        }
    }

    fn of(decision: &Decision) -> Self {
        match &decision.verdict {
            Verdict::Deny(refusal) => {
                let detail = refusal.detail.map(DenialDetail::as_str);
                Self::denied(refusal.reason.as_str(), detail, refusal.account.as_str())
            }
            Verdict::Admit(admission) => Self {
                admitted: true,
                reason: admission.reason.as_str(),
                detail: None,
                account: admission.account.as_str(),
                membership: admission.membership.as_str(),
                invitation: admission.invitation.as_str(),
                seat: admission.seat,
                teams: admission.teams.names(),
            },
        }
    }

    fn without_teams(mut self) -> Self {
        self.teams.clear();
        self
    }
}

/// The rules once more, as a table of refusals of which the first that fits counts.
fn expected(cell: Cell) -> Outcome {
    let unproven = match cell.domain {
        "verified" => "email_not_verified",
        "unverified" => "domain_not_verified",
        _ => "domain_of_another_organization",
    };
    let linked = ["linked", "deactivated"].contains(&cell.account);
    let proven = linked || cell.vouched() || cell.invitation == "pending_link";
    let stranger = cell.member == "no" && !cell.invited();
    let refusals = [
        (!proven, unproven),
        (cell.account.ends_with("deactivated"), "account_deactivated"),
        (cell.member == "deactivated", "membership_deactivated"),
        (cell.member == "removed" && !cell.invited(), "removed"),
        (stranger && !cell.jit, "not_invited"),
        (stranger && !cell.vouched(), unproven),
        (stranger && cell.seats == "full", "no_seat"),
    ];
    let account = match cell.account {
        "none" => "created",
        "unlinked" => "linked",
        _ => "existing",
    };
    match refusals.iter().position(|(refused, _)| *refused) {
        Some(step) => {
            let account = if step < 2 { "unchanged" } else { account };
            let reason = refusals[step].1;
            Outcome::denied(reason, detail(reason, cell.invitation), account)
        }
        None => expected_admission(cell, account),
    }
}

fn detail(reason: &str, invitation: &str) -> Option<&'static str> {
    match (reason, invitation) {
        ("not_invited", "expired") => Some("invitation_expired"),
        ("not_invited", "revoked") => Some("invitation_revoked"),
        ("not_invited", "declined") => Some("invitation_declined"),
        ("not_invited", "other_email") => Some("invitation_for_another_address"),
        _ => None,
    }
}

fn expected_admission(cell: Cell, account: &'static str) -> Outcome {
    let mapped = cell.jit && !cell.scim && cell.groups == "mapped";
    let (reason, membership, invitation, seat, team) = match (cell.member, cell.invited()) {
        ("active", true) => ("member", "unchanged", "closed", 0, None),
        ("active", false) => ("member", "unchanged", "unchanged", 0, None),
        (_, true) => ("invitation", "created", "accepted", 0, Some("invited")),
        (_, false) => ("jit", "created", "unchanged", 1, (!mapped).then_some("default")),
    };
    let teams = team.into_iter().chain(mapped.then_some("mapped")).collect();
    Outcome {
        admitted: true,
        reason,
        detail: None,
        account,
        membership,
        invitation,
        seat,
        teams,
    }
}

/// DEC-001.
#[test]
fn every_case_is_decided_as_the_rules_say() {
    let cells = cells();
    assert_eq!(cells.len(), 17 * 7 * 3 * 3 * 24);
    for cell in cells {
        assert_eq!(Outcome::of(&cell.decided()), expected(cell), "{cell:?}");
    }
}

/// DEC-001.
#[test]
fn with_jit_off_nobody_enters_who_is_neither_a_member_nor_invited() {
    for cell in cells()
        .into_iter()
        .filter(|cell| !cell.jit && cell.member != "active" && !cell.invited())
    {
        assert!(!Outcome::of(&cell.decided()).admitted, "{cell:?}");
    }
}

#[test]
fn turning_jit_off_admits_nobody_more() {
    for cell in cells().into_iter().filter(|cell| !cell.jit) {
        let (off, on) = (
            Outcome::of(&cell.decided()),
            Outcome::of(&Cell { jit: true, ..cell }.decided()),
        );
        assert!(on.admitted || !off.admitted, "{cell:?}");
    }
}

/// DEC-018, DEC-019.
#[test]
fn a_deactivated_or_removed_person_enters_by_no_switch() {
    for cell in cells() {
        let barred = cell.account.ends_with("deactivated") || cell.member == "deactivated";
        let removed = cell.member == "removed" && !cell.invited();
        if barred || removed {
            assert!(!Outcome::of(&cell.decided()).admitted, "{cell:?}");
        }
    }
}

/// DEC-016.
#[test]
fn only_jit_takes_a_seat_and_never_one_that_is_not_there() {
    for cell in cells() {
        let outcome = Outcome::of(&cell.decided());
        assert_eq!(
            outcome.seat,
            u32::from(outcome.admitted && outcome.reason == "jit"),
            "{cell:?}"
        );
        assert!(outcome.seat == 0 || cell.seats == "free", "{cell:?}");
    }
}

/// DEC-017.
#[test]
fn full_seats_turn_away_nobody_but_a_newcomer_by_jit() {
    for cell in cells().into_iter().filter(|cell| cell.seats == "free") {
        let (free, full) = (
            Outcome::of(&cell.decided()),
            Outcome::of(
                &Cell {
                    seats: "full",
                    ..cell
                }
                .decided(),
            ),
        );
        if free.admitted && free.reason == "jit" {
            assert_eq!(full.reason, "no_seat", "{cell:?}");
        } else {
            assert_eq!(free, full, "{cell:?}");
        }
    }
}

/// DEC-005, DEC-007.
#[test]
fn scim_and_groups_change_nothing_but_teams() {
    for cell in cells() {
        let plain = Cell {
            scim: false,
            groups: "none",
            ..cell
        };
        let (outcome, plain) = (Outcome::of(&cell.decided()), Outcome::of(&plain.decided()));
        assert_eq!(outcome.without_teams(), plain.without_teams(), "{cell:?}");
    }
}

#[test]
fn nobody_without_proof_of_the_address_gets_an_account_or_a_link() {
    for cell in cells()
        .into_iter()
        .filter(|cell| !cell.vouched() && cell.invitation != "pending_link")
    {
        let outcome = Outcome::of(&cell.decided());
        assert!(["unchanged", "existing"].contains(&outcome.account), "{cell:?}");
    }
}

#[test]
fn groups_write_teams_only_with_jit_on_and_scim_off() {
    for cell in cells() {
        if let Verdict::Admit(admission) = cell.decided().verdict {
            let teams = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let mapped = match (cell.jit, cell.scim, cell.groups) {
                (true, false, "mapped") => Some(teams(&["t-mapped"])),
                (true, false, "unmapped") => Some(teams(&[])),
                _ => None,
            };
            assert_eq!(admission.teams.mapped, mapped, "{cell:?}");
        }
    }
}

#[test]
fn the_trace_asks_in_order_and_stops_at_the_one_rule_that_denied() {
    for cell in cells() {
        let decision = cell.decided();
        let steps = decision.trace.steps();
        assert!(
            steps
                .iter()
                .map(|step| step.rule)
                .is_sorted_by(|rule, next| rule < next),
            "{cell:?}"
        );
        let denied = steps.iter().position(|step| step.outcome == StepOutcome::Denied);
        let last = (!Outcome::of(&decision).admitted).then(|| steps.len() - 1);
        assert_eq!(denied, last, "{cell:?}");
    }
}

/// DEC-030.
#[test]
fn without_an_address_only_a_linked_identity_is_proven() {
    for cell in cells() {
        let identity = Identity {
            email: None,
            ..cell.identity()
        };
        let decision = decide(&cell.policy(), &identity, &cell.standing());
        let proven = decision.trace.steps()[0].outcome == StepOutcome::Passed;
        assert_eq!(
            proven,
            ["linked", "deactivated"].contains(&cell.account),
            "{cell:?}"
        );
        assert_ne!(Outcome::of(&decision).reason, "jit", "{cell:?}");
    }
}

/// The cells, and what they leave out: no address, and a domain whose proof was lost.
fn situations() -> Vec<(Policy, Identity, Standing)> {
    let mut all: Vec<_> = cells()
        .into_iter()
        .map(|cell| (cell.policy(), cell.identity(), cell.standing()))
        .collect();
    for (policy, identity, standing) in all.clone() {
        if standing.domain == DomainStanding::Verified {
            let nameless = Identity {
                email: None,
                ..identity.clone()
            };
            all.push((policy.clone(), nameless, standing.clone()));
            let lapsed = Standing {
                domain: DomainStanding::Lapsed,
                ..standing
            };
            all.push((policy, identity, lapsed));
        }
    }
    all
}

/// What a trace may say, and when: a sentence that is not true of the case would mislead whoever reads it.
#[test]
fn a_trace_says_what_is_so() {
    for (policy, identity, standing) in situations() {
        let decision = decide(&policy, &identity, &standing);
        for step in decision.trace.steps() {
            let expected = match step.rule {
                Rule::AddressProven => proof(&identity, &standing),
                Rule::AccountActive => match standing.account {
                    AccountStanding::Deactivated { .. } => "The account is deactivated.",
                    AccountStanding::Active { linked: true } => {
                        "This identity is already linked to its account."
                    }
                    AccountStanding::Active { linked: false } => {
                        "There is an account for this address: this identity is linked to it."
                    }
                    AccountStanding::None => "There is no account yet: one is created and linked.",
                },
                Rule::MembershipNotDeactivated | Rule::Member | Rule::NotRemoved => match standing.member {
                    MemberStanding::No => "The person is not a member.",
                    MemberStanding::Active => "The person is a member.",
                    MemberStanding::Deactivated => "The membership is deactivated.",
                    MemberStanding::Removed => "The person was removed from the organization.",
                },
                Rule::Invited => invited(&standing.invitation),
                Rule::JitOn if policy.jit => "Just-in-time provisioning is on for this connection.",
                Rule::JitOn => "Just-in-time provisioning is off: only members and invited people may enter.",
                Rule::DomainVouches => domain(&identity, standing.domain),
                Rule::SeatFree if standing.seats == Seats::Free => "A seat is free.",
                Rule::SeatFree => "Every seat is taken.",
                Rule::GroupsMapped => groups(&policy, &identity),
            };
            assert_eq!(
                step.facts, expected,
                "{:?} of {standing:?} {identity:?}",
                step.rule
            );
        }
    }
}

fn proof(identity: &Identity, standing: &Standing) -> &'static str {
    let linked = matches!(
        standing.account,
        AccountStanding::Active { linked: true } | AccountStanding::Deactivated { linked: true }
    );
    let said = identity.email.is_some() && identity.email_verified != Some(false);
    let vouched = said
        && (standing.domain == DomainStanding::Verified
            || standing.domain == DomainStanding::Lapsed && standing.member == MemberStanding::Active);
    let by_link = matches!(
        standing.invitation,
        InvitationStanding::Pending {
            proves_mailbox: true,
            ..
        }
    );
    if linked {
        "This identity is already linked to an account."
    } else if !vouched && by_link && identity.email.is_some() {
        "The browser carries the link of an invitation that was sent to this address."
    } else {
        domain(identity, standing.domain)
    }
}

fn domain(identity: &Identity, standing: DomainStanding) -> &'static str {
    if identity.email.is_none() {
        return "The identity provider sent no e-mail address.";
    }
    match (standing, identity.email_verified) {
        (DomainStanding::Verified, Some(false)) => {
            "The domain is verified for this connection, but the provider says that the address is not verified."
        }
        (DomainStanding::Verified, _) => "The domain is verified and attached to this connection.",
        (DomainStanding::Unverified, _) => "The domain of this address is not verified for this connection.",
        (DomainStanding::OtherOrganization, _) => {
            "The domain of this address belongs to another organization."
        }
        (DomainStanding::Lapsed, _) => {
            "The domain was verified for this connection, but its proof has been missing for 7 days or more: its members may enter, and nobody new."
        }
    }
}

fn invited(invitation: &InvitationStanding) -> &'static str {
    match invitation {
        InvitationStanding::None => "Nobody has invited this person.",
        InvitationStanding::Pending { .. } => "An invitation for this address is waiting.",
        InvitationStanding::Expired => "The invitation for this address has expired.",
        InvitationStanding::Revoked => "The invitation for this address was revoked.",
        InvitationStanding::Declined => "The invitation for this address was declined.",
        InvitationStanding::OtherAddress => "The invitation that was opened is for another address.",
    }
}

fn groups(policy: &Policy, identity: &Identity) -> &'static str {
    match &identity.groups {
        _ if policy.scim => "SCIM is on: only the directory writes groups.",
        _ if !policy.jit => "Just-in-time provisioning is off: groups of a sign-in write nothing.",
        None => "The identity provider sent no groups: mapped teams stay as they are.",
        Some(groups) if groups.iter().any(|group| group == "g") => "At least one group stands for a team.",
        Some(_) => "None of the groups stands for a team: mapped teams are left.",
    }
}

/// Every word for people begins like a sentence, and no two of a kind are the same.
#[test]
fn words_for_people_are_words() {
    let said = |error: &dyn std::error::Error| error.to_string();
    let refusals = [
        said(&EmailError::Empty),
        said(&EmailError::NoAt),
        said(&UsernameError::TooShort),
        said(&UsernameError::Reserved),
    ];
    let kinds: [Vec<&str>; 7] = [
        refusals.iter().map(String::as_str).collect(),
        AdmitReason::ALL.iter().map(|reason| reason.sentence()).collect(),
        Rule::ALL.iter().map(|rule| rule.title()).collect(),
        StepOutcome::ALL.iter().map(|outcome| outcome.title()).collect(),
        Denial::ALL.iter().map(|denial| denial.title()).collect(),
        Role::ALL.iter().map(|role| role.title()).collect(),
        [Foreign::Plain, Foreign::Organization, Foreign::Malformed]
            .map(Foreign::sentence)
            .to_vec(),
    ];
    for words in kinds {
        assert!(
            words.iter().all(|word| word.starts_with(char::is_uppercase)),
            "{words:?}"
        );
        let different: std::collections::BTreeSet<_> = words.iter().collect();
        assert_eq!(different.len(), words.len(), "{words:?}");
    }
    let badges: Vec<&str> = StepOutcome::ALL.iter().map(|outcome| outcome.badge()).collect();
    assert_eq!(badges, ["good", "", "bad"]);
}

/// DEC-001.
#[test]
fn the_command_line_answers_every_case_like_the_rules() {
    let cells: Vec<_> = cells()
        .into_iter()
        .filter(|cell| cell.account != "unlinked_deactivated")
        .collect();
    let questions: Vec<_> = cells.iter().map(|cell| question(*cell).to_string()).collect();
    let mut answers = Vec::new();
    let input = BufReader::with_capacity(50, Cursor::new(questions.join("\n")));
    assert!(lines::answer(input, &mut answers).unwrap());

    let answers: Vec<_> = answers.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(answers.len(), cells.len());
    for (cell, answer) in cells.into_iter().zip(answers) {
        let mut answer: Value = serde_json::from_slice(answer).unwrap();
        assert!(
            answer["trace"]
                .take()
                .as_array()
                .is_some_and(|steps| !steps.is_empty())
        );
        assert_eq!(answer, answer_of(&expected(cell)), "{cell:?}");
    }
}

fn question(cell: Cell) -> Value {
    json!({
        "jit": cell.jit, "scim": cell.scim, "account": cell.account, "member": cell.member,
        "invitation": cell.invitation, "seats": cell.seats, "domain": cell.domain,
        "email_verified": cell.email_verified, "groups": cell.groups,
    })
}

fn answer_of(outcome: &Outcome) -> Value {
    json!({
        "outcome": if outcome.admitted { "admit" } else { "deny" }, "reason": outcome.reason,
        "account": outcome.account, "membership": outcome.membership, "invitation": outcome.invitation,
        "seat": outcome.seat, "teams": outcome.teams, "trace": null,
    })
}
