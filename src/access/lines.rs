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
            role: Role::Member,
        }],
        convention: None,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::answer;

    const QUESTION: &str = r#"{"jit":false,"scim":false,"account":"none","member":"no","invitation":"none","seats":"free","domain":"verified","email_verified":true,"groups":"none"}"#;

    fn answered(input: &[u8]) -> (bool, Vec<Value>) {
        let mut output = Vec::new();
        let all_proper = answer(input, &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        (
            all_proper,
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
        )
    }

    fn complaint(line: &str) -> String {
        let (all_proper, answers) = answered(line.as_bytes());
        assert!(!all_proper, "{line}");
        assert_eq!(answers.len(), 1, "{line}");
        assert_eq!(answers[0].as_object().unwrap().len(), 1, "{line}");
        answers[0]["error"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_question_has_the_documented_answer() {
        let mut output = Vec::new();
        assert!(answer(QUESTION.as_bytes(), &mut output).unwrap());
        let expected = concat!(
            r#"{"outcome":"deny","reason":"not_invited","account":"created","membership":"unchanged","#,
            r#""invitation":"unchanged","seat":0,"teams":[],"trace":["#,
            r#"{"rule":"address_proven","outcome":"passed"},{"rule":"account_active","outcome":"passed"},"#,
            r#"{"rule":"membership_not_deactivated","outcome":"passed"},{"rule":"member","outcome":"no_match"},"#,
            r#"{"rule":"invited","outcome":"no_match"},{"rule":"not_removed","outcome":"passed"},"#,
            r#"{"rule":"jit_on","outcome":"denied"}]}"#,
            "\n",
        );
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    #[test]
    fn each_line_has_its_answer_in_order_and_blank_lines_have_none() {
        let jit = QUESTION.replace("\"jit\":false", "\"jit\":true");
        let input = format!("{QUESTION}\r\n\n  \nnonsense\n{jit}");
        let (all_proper, answers) = answered(input.as_bytes());
        assert!(!all_proper);
        assert_eq!(answers.len(), 3);
        assert_eq!(answers[0]["reason"], "not_invited");
        assert_eq!(answers[1], json!({"error": "the line is not a JSON object"}));
        assert_eq!(answers[2]["reason"], "jit");
        assert_eq!(answers[2]["teams"], json!(["default"]));
    }

    #[test]
    fn no_line_at_all_is_no_error() {
        assert_eq!(answered(b""), (true, Vec::new()));
    }

    #[test]
    fn a_missing_field_is_named() {
        let question: Value = serde_json::from_str(QUESTION).unwrap();
        for field in question.as_object().unwrap().keys() {
            let mut without = question.clone();
            without.as_object_mut().unwrap().remove(field);
            assert_eq!(
                complaint(&without.to_string()),
                format!("missing field `{field}`")
            );
        }
    }

    #[test]
    fn a_field_with_a_wrong_value_is_named() {
        let question: Value = serde_json::from_str(QUESTION).unwrap();
        for field in question.as_object().unwrap().keys() {
            for wrong in [
                json!("sometimes"),
                json!(1),
                json!(["none"]),
                json!({}),
                json!("None"),
            ] {
                let mut changed = question.clone();
                changed[field] = wrong;
                assert!(
                    complaint(&changed.to_string()).starts_with(&format!("{field}: must be ")),
                    "{changed}"
                );
            }
            if field != "email_verified" {
                let mut changed = question.clone();
                changed[field] = Value::Null;
                assert!(
                    complaint(&changed.to_string()).starts_with(&format!("{field}: must be ")),
                    "{changed}"
                );
            }
        }
    }

    #[test]
    fn a_field_that_is_not_known_or_comes_twice_is_named() {
        let unknown = QUESTION.replace("{\"jit\"", "{\"jti\":true,\"jit\"");
        assert!(complaint(&unknown).starts_with("unknown field `jti`"));
        let twice = QUESTION.replace("{\"jit\"", "{\"jit\":true,\"jit\"");
        assert_eq!(complaint(&twice), "duplicate field `jit`");
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for line in ["null", "[]", "[true,false,\"none\"]", "\"jit\"", "jit=true"] {
            assert_eq!(complaint(line), "the line is not a JSON object");
        }
        for line in ["{", "{\"jit\":tru}", &format!("{QUESTION} {QUESTION}")] {
            assert!(complaint(line).starts_with("not valid JSON: "), "{line}");
        }
        let (all_proper, answers) = answered(b"{\"jit\":\"\xff\"}\n");
        assert!(!all_proper && answers[0]["error"].is_string());
    }

    #[test]
    fn a_membership_without_an_account_is_impossible() {
        for member in ["active", "deactivated", "removed"] {
            let impossible = QUESTION.replace("\"member\":\"no\"", &format!("\"member\":\"{member}\""));
            assert!(complaint(&impossible).starts_with("member: "));
        }
    }
}
