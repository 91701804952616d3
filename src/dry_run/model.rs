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
    /// The draft of the provider's settings holds.
    pub draft: bool,
    /// Another table of groups.
    pub mapping: Option<Vec<Mapped>>,
    /// Whether groups are teams by their names.
    pub convention: Option<bool>,
    /// The role of newcomers.
    pub default_role: Option<Role>,
    /// The team of newcomers, by its name or its id; empty for none.
    pub default_team: Option<String>,
}

/// A line of another table of groups.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// The group, exactly as the provider sends it.
    pub group: String,
    /// The team, by its name or its id.
    pub team: String,
    /// The role, member where none is named.
    #[serde(default = "Role::least")]
    pub role: Role,
}

impl Mapped {
    /// Reads a line such as `eng = Engineering` or `ops = Operations, admin`.
    ///
    /// # Errors
    /// A sentence with the line.
    pub fn parse(line: &str) -> Result<Self, String> {
        let wrong = || format!("Write a group and its team, such as “eng = Engineering”, and not “{line}”.");
        let (group, team) = line.rsplit_once('=').ok_or_else(wrong)?;
        let (team, role) = match team.rsplit_once(',').map(|(team, word)| (team, word.trim())) {
            Some((team, "admin")) => (team, Role::Admin),
            Some((team, "member")) => (team, Role::Member),
            _ => (team, Role::Member),
        };
        let (group, team) = (group.trim(), team.trim());
        if group.is_empty() || team.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            group: group.to_owned(),
            team: team.to_owned(),
            role,
        })
    }
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
    /// What can't be known of it, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What happens as things are; none where nothing was supposed to be otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<Box<Self>>,
}

/// One thing, today and with the changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// What.
    pub what: &'static str,
    /// Today.
    pub today: String,
    /// With the changes.
    pub then: String,
}

impl Beside {
    /// Whether it is otherwise.
    pub fn differs(&self) -> bool {
        self.today != self.then
    }
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
    fn told(&self) -> Vec<(&'static str, String)> {
        let way = if self.effects.session {
            "Comes in"
        } else {
            "Is denied"
        };
        let mut told = vec![("Outcome", way.to_owned()), ("Why", self.sentence.to_owned())];
        told.extend(self.effects.in_words());
        told
    }

    /// Everything that becomes of the person, today and with the changes; nothing where there are none.
    pub fn beside(&self) -> Vec<Beside> {
        let Some(today) = &self.today else {
            return Vec::new();
        };
        let (today, then) = (today.told(), self.told());
        let find = |told: &[(&'static str, String)], what: &str| {
            let found = told.iter().find(|(known, _)| *known == what);
            found.map_or("Nothing changes".to_owned(), |(_, becomes)| becomes.clone())
        };
        [
            "Outcome",
            "Why",
            "Account",
            "Name",
            "Membership",
            "Role",
            "Teams",
            "Seat",
            "Invitation",
            "Session",
        ]
        .into_iter()
        .filter(|what| today.iter().chain(&then).any(|(known, _)| known == what))
        .map(|what| Beside {
            what,
            today: find(&today, what),
            then: find(&then, what),
        })
        .collect()
    }

    /// Whether the changes make a difference to this person.
    pub fn differs(&self) -> bool {
        self.beside().iter().any(Beside::differs)
    }

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
            let (outcome, title) = (step.outcome.as_str(), step.rule.title());
            text += &format!("  {outcome:<9} {title}: {}\n", step.facts);
        }
        text.push_str("\nWhat would change:\n");
        for (what, becomes) in self.effects.in_words() {
            text += &format!("  {what}: {becomes}\n");
        }
        for note in &self.notes {
            text += &format!("\n{note}\n");
        }
        if self.today.is_some() {
            text.push_str(if self.differs() {
                "\nToday, without these changes:\n"
            } else {
                "\nToday, without these changes, the same happens.\n"
            });
            for line in self.beside().iter().filter(|line| line.differs()) {
                text += &format!("  {}: {}\n", line.what, line.today);
            }
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
    fn a_line_of_a_table_may_have_a_role_and_a_group_an_equals_sign() {
        let read = |line: &str| Mapped::parse(line).map(|one| (one.group, one.team, one.role));
        let line = |group: &str, team: &str, role| Ok((group.to_owned(), team.to_owned(), role));
        assert_eq!(
            read("eng = Engineering"),
            line("eng", "Engineering", Role::Member)
        );
        assert_eq!(
            read("cn=ops,ou=x = Ops, admin"),
            line("cn=ops,ou=x", "Ops", Role::Admin)
        );
        assert_eq!(read("a = Sales, North"), line("a", "Sales, North", Role::Member));
        for wrong in ["eng", "= Engineering", "eng =", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
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
