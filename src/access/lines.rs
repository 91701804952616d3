//! The rules as JSON lines: one question a line in, one answer a line out. It is what
//! `vestibule decide` speaks, so that a script can ask the very function that judges sign-ins.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decision::{Decision, decide};
use super::email::EmailAddress;
use super::identity::{Identity, PersonName};
use super::mapping::MappedGroup;
use super::policy::Policy;
use super::role::Role;
use super::standing::{AccountStanding, DomainStanding, InvitationStanding, MemberStanding, Seats, Standing};
use super::trace::{Rule, StepOutcome};
use super::verdict::Verdict;

/// Answers each line of `input` by one line on `output`, in order and as it comes; blank lines are
/// passed over. Says whether every line was a proper question.
///
/// # Errors
/// Only where reading or writing fails. A line that is no question is answered by
/// `{"error": "..."}`, which names the field.
pub fn answer(mut input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut all_proper = true;
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let asked = line.trim_ascii();
        if !asked.is_empty() {
            let answered = answer_line(asked);
            all_proper &= answered.is_ok();
            match answered {
                Ok(answer) => serde_json::to_writer(&mut output, &answer)?,
                Err(error) => serde_json::to_writer(&mut output, &Complaint { error })?,
            }
            output.write_all(b"\n")?;
            output.flush()?;
        }
        line.clear();
    }
    Ok(all_proper)
}

#[derive(Serialize)]
struct Complaint {
    error: String,
}

/// The fields of a question. Their values are looked at one by one, so that a complaint can name
/// the field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    jit: Value,
    scim: Value,
    account: Value,
    member: Value,
    invitation: Value,
    seats: Value,
    domain: Value,
    email_verified: Value,
    groups: Value,
}

#[derive(Debug, Serialize)]
struct Answer {
    outcome: &'static str,
    reason: &'static str,
    account: &'static str,
    membership: &'static str,
    invitation: &'static str,
    seat: u32,
    teams: Vec<&'static str>,
    trace: Vec<AnswerStep>,
}

#[derive(Debug, Serialize)]
struct AnswerStep {
    rule: Rule,
    outcome: StepOutcome,
}

fn answer_line(line: &[u8]) -> Result<Answer, String> {
    let question = read(line)?;
    let policy = policy(&question)?;
    let standing = standing(&question)?;
    let identity = identity(&question)?;
    if standing.account == AccountStanding::None && standing.member != MemberStanding::No {
        return Err(
            r#"member: must be "no" where account is "none", because a membership belongs to an account"#
                .into(),
        );
    }
    Ok(Answer::from(decide(&policy, &identity, &standing)))
}

fn read(line: &[u8]) -> Result<Question, String> {
    // serde would read a list as an object without names.
    if line.first() != Some(&b'{') {
        return Err("the line is not a JSON object".into());
    }
    serde_json::from_slice(line).map_err(|error| {
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = text.strip_suffix(&place).unwrap_or(&text);
        if error.is_data() {
            what.to_owned()
        } else {
            format!("not valid JSON: {what} at column {}", error.column())
        }
    })
}

fn policy(question: &Question) -> Result<Policy, String> {
    Ok(Policy {
        jit: boolean("jit", &question.jit)?,
        scim: boolean("scim", &question.scim)?,
        default_role: Role::Member,
        default_team: Some("default".into()),
        mapping: vec![MappedGroup {
            group: "mapped".into(),
            team: "mapped".into(),
        }],
    })
}

fn standing(question: &Question) -> Result<Standing, String> {
    let pending = |proves_mailbox| InvitationStanding::Pending {
        proves_mailbox,
        role: Role::Member,
        teams: vec!["invited".into()],
    };
    Ok(Standing {
        account: word(
            "account",
            &question.account,
            [
                ("none", AccountStanding::None),
                ("linked", AccountStanding::Active { linked: true }),
                ("unlinked", AccountStanding::Active { linked: false }),
                ("deactivated", AccountStanding::Deactivated { linked: true }),
            ],
        )?,
        member: word(
            "member",
            &question.member,
            [
                ("no", MemberStanding::No),
                ("active", MemberStanding::Active),
                ("deactivated", MemberStanding::Deactivated),
                ("removed", MemberStanding::Removed),
            ],
        )?,
        invitation: word(
            "invitation",
            &question.invitation,
            [
                ("none", InvitationStanding::None),
                ("pending_link", pending(true)),
                ("pending", pending(false)),
                ("expired", InvitationStanding::Expired),
                ("revoked", InvitationStanding::Revoked),
                ("declined", InvitationStanding::Declined),
                ("other_email", InvitationStanding::OtherAddress),
            ],
        )?,
        seats: word(
            "seats",
            &question.seats,
            [("free", Seats::Free), ("full", Seats::Full)],
        )?,
        domain: word(
            "domain",
            &question.domain,
            [
                ("verified", DomainStanding::Verified),
                ("unverified", DomainStanding::Unverified),
                ("other_org", DomainStanding::OtherOrganization),
            ],
        )?,
    })
}

fn identity(question: &Question) -> Result<Identity, String> {
    Ok(Identity {
        connection: String::new(),
        issuer: String::new(),
        subject: String::new(),
        email: EmailAddress::parse("person@example.com").ok(),
        email_verified: match question.email_verified {
            Value::Null => None,
            Value::Bool(verified) => Some(verified),
            _ => return Err("email_verified: must be true, false or null".into()),
        },
        name: PersonName::default(),
        groups: word(
            "groups",
            &question.groups,
            [
                ("none", None),
                ("mapped", Some(vec!["mapped".into()])),
                ("unmapped", Some(vec!["unmapped".into()])),
            ],
        )?,
    })
}

fn boolean(field: &str, value: &Value) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| format!("{field}: must be true or false"))
}

fn word<T, const N: usize>(field: &str, value: &Value, words: [(&str, T); N]) -> Result<T, String> {
    let known = words.each_ref().map(|(word, _)| *word);
    let found = words.into_iter().find(|(word, _)| value.as_str() == Some(word));
    found
        .map(|(_, meaning)| meaning)
        .ok_or_else(|| format!("{field}: must be one of {}", known.join(", ")))
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Self {
        let trace = decision
            .trace
            .steps()
            .iter()
            .map(|step| AnswerStep {
                rule: step.rule,
                outcome: step.outcome,
            })
            .collect();
        match decision.verdict {
            Verdict::Admit(admission) => Self {
                outcome: "admit",
                reason: admission.reason.as_str(),
                account: admission.account.as_str(),
                membership: admission.membership.as_str(),
                invitation: admission.invitation.as_str(),
                seat: admission.seat,
                teams: admission.teams.names(),
                trace,
            },
            Verdict::Deny(refusal) => Self {
                outcome: "deny",
                reason: refusal.reason.as_str(),
                account: refusal.account.as_str(),
                membership: "unchanged",
                invitation: "unchanged",
                seat: 0,
                teams: Vec::new(),
                trace,
            },
        }
    }
}
