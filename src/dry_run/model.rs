//! The question of a dry run, and its answer.

use serde::{Deserialize, Serialize};

use crate::access::{
    AccountEffect, Decision, EmailAddress, Identity, InvitationEffect, MembershipEffect, PersonName, Role,
    Step, Verdict,
};
use crate::sign_in::Foreseen;
use crate::sign_ins::Line;

/// Somebody who might come, and what might be otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// The connection, by its short name or its id.
    pub connection: String,
    /// The reference or the id of a recorded sign-in, from which is taken what is not given here.
    pub sign_in: String,
    /// The address that the provider sends.
    pub email: Option<String>,
    /// What the provider says about the address.
    pub email_verified: Option<bool>,
    /// The name.
    pub name: Option<String>,
    /// The groups; none where the provider sends no such claim.
    pub groups: Option<Vec<String>>,
    /// The provider's own name; where it is left out, the one by which the address's account is linked.
    pub issuer: Option<String>,
    /// The person's name at the provider; likewise.
    pub subject: Option<String>,
    /// The browser carries the link of the invitation that waits for this address.
    pub link: bool,
    /// What might be otherwise.
    pub changes: Changes,
}

/// What might be otherwise. What is none is as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// Just-in-time provisioning.
    pub jit: Option<bool>,
    /// SCIM.
    pub scim: Option<bool>,
    /// The address's domain is verified and attached.
    pub domain: bool,
    /// Whether a seat is free.
    pub seats: Option<Seats>,
}

/// Whether a seat is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seats {
    /// One is.
    Free,
    /// None is.
    Full,
}

impl Question {
    /// Whom the provider would vouch for.
    ///
    /// # Errors
    /// A sentence about the address.
    pub(super) fn identity(&self, connection: &str) -> Result<Identity, String> {
        let typed = self
            .email
            .as_deref()
            .map(str::trim)
            .filter(|email| !email.is_empty());
        let email = typed.map(EmailAddress::parse).transpose();
        Ok(Identity {
            connection: connection.to_owned(),
            issuer: self.issuer.clone().unwrap_or_default(),
            subject: self.subject.clone().unwrap_or_default(),
            email: email.map_err(|error| error.to_string())?,
            email_verified: self.email_verified,
            name: PersonName {
                full: self.name.clone(),
                ..PersonName::default()
            },
            groups: self.groups.clone(),
        })
    }
}

/// What would happen.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// The connection's name.
    pub connection: String,
    /// Whether people can come by it now. It is judged as if they could.
    pub is_on: bool,
    /// The address that was judged, or empty.
    pub email: String,
    /// `admit` or `deny`.
    pub outcome: &'static str,
    /// A word of [`crate::access::AdmitReason`] or [`crate::access::Denial`].
    pub reason: &'static str,
    /// A word of [`crate::access::DenialDetail`], if there is more to say.
    pub detail: Option<&'static str>,
    /// Why, in a sentence.
    pub sentence: &'static str,
    /// Everything that would become otherwise.
    pub effects: Effects,
    /// Each rule that was asked.
    pub trace: Vec<Step>,
    /// The same for a page.
    #[serde(skip)]
    pub lines: Vec<Line>,
}

/// What a sign-in would change.
#[derive(Debug, Clone, Serialize)]
pub struct Effects {
    /// `created`, `linked`, `existing` or `unchanged`.
    pub account: &'static str,
    /// The name that the account would get, where it would change.
    pub name: Option<String>,
    /// `created` or `unchanged`.
    pub membership: &'static str,
    /// The role afterwards, for who comes in.
    pub role: Option<Role>,
    /// The role before, where it would change.
    pub role_before: Option<Role>,
    /// Names of the teams that the person would join.
    pub joins: Vec<String>,
    /// Names of the teams that would be made for it.
    pub makes: Vec<String>,
    /// Names of the teams that the person would leave.
    pub leaves: Vec<String>,
    /// How many free seats would be taken.
    pub seat: u32,
    /// `accepted`, `closed` or `unchanged`.
    pub invitation: &'static str,
    /// Whether a session would be opened.
    pub session: bool,
}

impl Effects {
    /// What follows; `teams` are names, in the place of the ids.
    pub(super) fn of(
        foreseen: &Foreseen,
        teams: impl Fn(&[String]) -> Vec<String>,
        name: Option<String>,
    ) -> Self {
        let (membership, seat, invitation) = match &foreseen.decision.verdict {
            Verdict::Admit(admission) => (admission.membership, admission.seat, admission.invitation),
            Verdict::Deny(_) => (MembershipEffect::Unchanged, 0, InvitationEffect::Unchanged),
        };
        Self {
            account: foreseen.decision.verdict.account().as_str(),
            name,
            membership: membership.as_str(),
            role: foreseen.role,
            role_before: foreseen.role_before,
            joins: teams(&foreseen.joins),
            makes: foreseen.makes.clone(),
            leaves: teams(&foreseen.leaves),
            seat,
            invitation: invitation.as_str(),
            session: foreseen.comes_in(),
        }
    }

    /// What becomes of each thing, for people.
    pub fn in_words(&self) -> Vec<(&'static str, String)> {
        let account = match self.account {
            "created" => "Is made, and this identity is linked to it",
            "linked" => "This identity is linked to the one that there is",
            "existing" => "The one that is linked already",
            _ => "Nothing is made, linked or renamed",
        };
        let mut told = vec![("Account", account.to_owned())];
        told.extend(self.name.iter().map(|name| ("Name", format!("Becomes {name}"))));
        let membership = match (self.membership, self.role) {
            ("created", Some(role)) => format!("Begins, as {}", role.title()),
            (_, Some(_)) => "Stays as it is".to_owned(),
            _ => "None begins".to_owned(),
        };
        told.push(("Membership", membership));
        if let (Some(before), Some(role)) = (self.role_before, self.role) {
            told.push(("Role", format!("{} instead of {}", role.title(), before.title())));
        }
        told.push(("Teams", self.teams()));
        let seat = if self.seat == 0 {
            "None is taken"
        } else {
            "One free seat is taken"
        };
        told.push(("Seat", seat.to_owned()));
        let invitation = match self.invitation {
            "accepted" => "Is accepted, and the seat that it held is used",
            "closed" => "Is closed: the person is a member anyway",
            _ => "Nothing changes",
        };
        told.push(("Invitation", invitation.to_owned()));
        let session = if self.session {
            "Begins"
        } else {
            "None begins: Access denied is shown"
        };
        told.push(("Session", session.to_owned()));
        told
    }

    fn teams(&self) -> String {
        let some = |verb: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("{verb} {}", names.join(", ")))
        };
        let told = [
            some("Joins", &self.joins),
            some("Joins, newly made,", &self.makes),
            some("Leaves", &self.leaves),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        if told.is_empty() {
            "Nothing changes".to_owned()
        } else {
            told.join(". ")
        }
    }
}

/// Outcome, reason, detail and sentence of a decision.
pub(super) fn in_words(
    decision: &Decision,
) -> (&'static str, &'static str, Option<&'static str>, &'static str) {
    match &decision.verdict {
        Verdict::Admit(admission) => (
            "admit",
            admission.reason.as_str(),
            None,
            admission.reason.sentence(),
        ),
        Verdict::Deny(refusal) => (
            "deny",
            refusal.reason.as_str(),
            refusal.detail.map(crate::access::DenialDetail::as_str),
            refusal.reason.sentence(refusal.detail),
        ),
    }
}

/// The name that the account would have, where it differs.
pub(super) fn renamed(effect: AccountEffect, before: Option<&str>, sent: Option<String>) -> Option<String> {
    let sent = sent.filter(|_| effect != AccountEffect::Unchanged)?;
    (before != Some(sent.as_str())).then_some(sent)
}

impl Explained {
    /// The answer as text, for the command line.
    pub fn to_text(&self) -> String {
        let who = if self.email.is_empty() {
            "Somebody without an address"
        } else {
            &self.email
        };
        let way = if self.outcome == "admit" {
            "would come in"
        } else {
            "would be denied"
        };
        let mut text = format!("{who} {way} by {}: {}\n", self.connection, self.sentence);
        if !self.is_on {
            text.push_str("(Nobody can come by this connection now: it is judged as if it were on.)\n");
        }
        text.push_str("\nEach rule that was asked:\n");
        for step in &self.trace {
            text.push_str(&format!(
                "  {:<9} {}: {}\n",
                step.outcome.as_str(),
                step.rule.title(),
                step.facts
            ));
        }
        text.push_str("\nWhat would change:\n");
        for (what, becomes) in self.effects.in_words() {
            text.push_str(&format!("  {what}: {becomes}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_what_it_does_not_know() {
        let wrong = serde_json::from_str::<Question>(r#"{"conection": "okta"}"#).unwrap_err();
        assert!(wrong.to_string().contains("conection"));
        let asked: Question =
            serde_json::from_str(r#"{"connection": "okta", "email": "ada@corp.example", "changes": {"jit": false, "seats": "full"}}"#)
                .unwrap();
        assert_eq!(
            (asked.changes.jit, asked.changes.seats),
            (Some(false), Some(Seats::Full))
        );
        assert!(asked.identity("c").unwrap().email.is_some());
        let wrong = Question {
            email: Some("ada@@corp".into()),
            ..Question::default()
        };
        assert!(wrong.identity("c").is_err());
    }

    #[test]
    fn only_another_name_is_a_change() {
        let sent = || Some("Ada".to_owned());
        assert_eq!(renamed(AccountEffect::Existing, Some("Ada"), sent()), None);
        assert_eq!(renamed(AccountEffect::Existing, Some("Ida"), sent()), sent());
        assert_eq!(renamed(AccountEffect::Created, None, None), None);
        assert_eq!(renamed(AccountEffect::Unchanged, Some("Ida"), sent()), None);
    }
}
