//! Why the decision is what it is: each rule that was asked, its answer and the facts.
//!
//! The rule and its record are one statement: whoever asks a rule writes it down.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::denial::Denial;
use super::words::words;

words! {
    /// A rule of entry, in the order in which they are asked.
    pub enum Rule {
        /// Step 3 of the decision.
        AddressProven = "address_proven",
        /// Step 4 of the decision.
        AccountActive = "account_active",
        /// Step 5: a deactivated member is denied, whatever else is true.
        MembershipNotDeactivated = "membership_not_deactivated",
        /// Step 5: an active member is admitted.
        Member = "member",
        /// Step 5: whom a pending invitation awaits is admitted.
        Invited = "invited",
        /// Step 5: removed stays removed.
        NotRemoved = "not_removed",
        /// Step 5: without an invitation only just-in-time provisioning lets anybody in.
        JitOn = "jit_on",
        /// Step 5: just-in-time provisioning asks for the domain, a link alone is not enough.
        DomainVouches = "domain_vouches",
        /// Step 5: just-in-time provisioning takes a seat.
        SeatFree = "seat_free",
        /// Step 6: do the provider's groups write team memberships?
        GroupsMapped = "groups_mapped",
    }
}

impl Rule {
    /// The rule as a short name for people; the answer stands beside it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::AddressProven => "Proof of the address",
            Self::AccountActive => "Account in order",
            Self::MembershipNotDeactivated => "Membership not deactivated",
            Self::Member => "Existing member",
            Self::Invited => "Waiting invitation",
            Self::NotRemoved => "Not removed",
            Self::JitOn => "Just-in-time provisioning",
            Self::DomainVouches => "Domain vouches for the address",
            Self::SeatFree => "Free seat",
            Self::GroupsMapped => "Groups that give teams",
        }
    }
}

words! {
    /// A rule's answer.
    pub enum StepOutcome {
        /// The rule holds.
        Passed = "passed",
        /// The rule does not hold, which decides nothing: the next one is asked.
        NoMatch = "no_match",
        /// The rule does not hold, and that denies the sign-in.
        Denied = "denied",
    }
}

impl StepOutcome {
    /// The answer as people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::NoMatch => "No match",
            Self::Denied => "Denied",
        }
    }

    /// The variant of its badge.
    #[must_use]
    pub const fn badge(self) -> &'static str {
        match self {
            Self::Passed => "good",
            Self::NoMatch => "",
            Self::Denied => "bad",
        }
    }
}

/// One rule that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// Its answer.
    pub outcome: StepOutcome,
    /// Why, in plain words.
    pub facts: Cow<'static, str>,
}

/// The rules that were asked, in order. In JSON it is the list of its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trace {
    steps: Vec<Step>,
}

impl Trace {
    /// A trace with room for every rule, so that a decision allocates it once.
    pub(super) fn new() -> Self {
        Self {
            steps: Vec::with_capacity(Rule::ALL.len()),
        }
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Asks a rule that must hold. Where it does not, the sign-in is denied.
    pub(super) fn require(
        &mut self,
        rule: Rule,
        holds: bool,
        facts: &'static str,
        denial: Denial,
    ) -> Result<(), Denial> {
        let outcome = if holds {
            StepOutcome::Passed
        } else {
            StepOutcome::Denied
        };
        self.write(rule, outcome, facts);
        if holds { Ok(()) } else { Err(denial) }
    }

    /// Asks a rule that may hold or not, and says which.
    pub(super) fn ask(&mut self, rule: Rule, holds: bool, facts: &'static str) -> bool {
        let outcome = if holds {
            StepOutcome::Passed
        } else {
            StepOutcome::NoMatch
        };
        self.write(rule, outcome, facts);
        holds
    }

    fn write(&mut self, rule: Rule, outcome: StepOutcome, facts: &'static str) {
        self.steps.push(Step {
            rule,
            outcome,
            facts: Cow::Borrowed(facts),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_holds_lets_on_and_is_written() {
        let mut trace = Trace::new();
        assert_eq!(
            trace.require(Rule::SeatFree, true, "A seat is free.", Denial::NoSeat),
            Ok(())
        );
        assert!(trace.ask(Rule::Member, true, "The person is a member."));
        let outcomes: Vec<_> = trace.steps().iter().map(|step| step.outcome).collect();
        assert_eq!(outcomes, [StepOutcome::Passed, StepOutcome::Passed]);
    }

    #[test]
    fn a_required_rule_that_fails_denies_and_is_written() {
        let mut trace = Trace::new();
        let asked = trace.require(Rule::SeatFree, false, "Every seat is taken.", Denial::NoSeat);
        assert_eq!(asked, Err(Denial::NoSeat));
        assert_eq!(trace.steps()[0].outcome, StepOutcome::Denied);
        assert!(!trace.ask(Rule::Member, false, "The person is not a member."));
        assert_eq!(trace.steps()[1].outcome, StepOutcome::NoMatch);
    }

    #[test]
    fn a_stored_trace_is_read_back() {
        let mut trace = Trace::new();
        trace.ask(Rule::Invited, false, "Nobody has invited this person.");
        let stored = serde_json::to_string(&trace).unwrap();
        let expected =
            r#"[{"rule":"invited","outcome":"no_match","facts":"Nobody has invited this person."}]"#;
        assert_eq!(stored, expected);
        assert_eq!(serde_json::from_str::<Trace>(&stored).unwrap(), trace);
    }

    #[test]
    fn each_rule_has_a_title_of_its_own() {
        let titles: std::collections::BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.title()).collect();
        assert_eq!(titles.len(), Rule::ALL.len());
    }
}
