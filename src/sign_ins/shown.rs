//! A record as administrators read it: sentences, the rules that were asked, what was presented.

use super::judged::Judged;
use crate::access::{AdmitReason, Denial, DenialDetail, Rule, Step, Trace};
use crate::sign_ins::Outcome;
use crate::store::time::Timestamp;

/// One recorded attempt.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Its id.
    pub id: String,
    /// The connection, if it still exists.
    pub connection: Option<String>,
    /// The connection's name as it was then.
    pub connection_name: String,
    /// `oidc`, `saml` or `password`.
    pub protocol: String,
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The word of the reason.
    pub reason: String,
    /// What more there is to say.
    pub detail: String,
    /// What the person can read out.
    pub reference: String,
    /// See [`super::Record::person_key`].
    pub person_key: String,
    /// The account, if it still exists.
    pub account: Option<String>,
    /// The denial that it belongs to.
    pub denial: Option<String>,
    /// The provider's own name.
    pub issuer: String,
    /// The person's name at the provider.
    pub subject: String,
    /// The address as it was presented.
    pub email: String,
    /// The e-mail-verified claim.
    pub email_verified: Option<bool>,
    /// The name as it was presented.
    pub name: String,
    /// The groups; none when the provider sent no such claim.
    pub groups: Option<Vec<String>>,
    /// Each rule that was asked.
    pub trace: Trace,
    /// Facts of the protocol, by name.
    pub evidence: Vec<(String, String)>,
    /// What was judged, for links.
    pub judged: Judged,
    /// The provider's message, shortened; empty where it was not kept.
    pub message: String,
    /// The network address.
    pub ip: String,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// One rule of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The rule, where it is one of the decision's.
    pub rule: Option<Rule>,
    /// The badge's word.
    pub answer: &'static str,
    /// The badge's variant.
    pub badge: &'static str,
    /// The rule as a sentence.
    pub title: &'static str,
    /// Why.
    pub facts: String,
    /// What the answer came from: the text of each link, and its path below `/orgs/{org}`.
    pub links: Vec<(String, String)>,
}

/// One thing that was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// As it was presented, cut to a length that can be shown.
    pub value: String,
    /// Whether it is for machines, and shown as such.
    pub code: bool,
}

impl SignIn {
    /// The person by address, else by name, else by subject.
    pub fn person(&self) -> String {
        let known = [&self.email, &self.name, &self.subject]
            .into_iter()
            .find(|text| !text.is_empty());
        known.map_or_else(|| "Nobody who is known".to_owned(), |text| cut(text, 100))
    }

    /// Why it ended so, as a sentence.
    pub fn sentence(&self) -> String {
        match self.outcome {
            Outcome::Admitted => self.admission().to_owned(),
            Outcome::Denied => self.denial_sentence(),
            Outcome::Rejected => self.rejection(),
        }
    }

    fn admission(&self) -> &str {
        match AdmitReason::parse(&self.reason) {
            Some(AdmitReason::Member) => "This person is a member.",
            Some(AdmitReason::Invitation) => "An invitation was waiting, and this sign-in accepted it.",
            Some(AdmitReason::Jit) => "Just-in-time provisioning made this person a member.",
            None if self.protocol == "password" => "The password was right.",
            None => &self.reason,
        }
    }

    fn denial_sentence(&self) -> String {
        match Denial::parse(&self.reason) {
            Some(reason) => reason.sentence(DenialDetail::parse(&self.detail)).to_owned(),
            None => self.reason.clone(),
        }
    }

    fn rejection(&self) -> String {
        if self.detail.is_empty() {
            format!("The check “{}” failed.", self.reason)
        } else {
            self.detail.clone()
        }
    }

    /// The protocol as people write it.
    pub fn protocol_title(&self) -> &str {
        match self.protocol.as_str() {
            "oidc" => "OIDC",
            "saml" => "SAML",
            "password" => "Password",
            other => other,
        }
    }

    /// The connection, or that a password was used.
    pub fn way_in(&self) -> String {
        match (self.connection_name.is_empty(), self.protocol.as_str()) {
            (true, "password") => "E-mail and password".to_owned(),
            (true, _) => self.protocol_title().to_owned(),
            (false, _) => format!("{} ({})", cut(&self.connection_name, 80), self.protocol_title()),
        }
    }

    /// Each rule that was asked, in order; before them, whether the message itself was genuine.
    pub fn lines(&self) -> Vec<Line> {
        let asked = Self::lines_of(&self.trace, &self.judged, self.connection.as_deref());
        std::iter::once(self.genuine()).chain(asked).collect()
    }

    /// Each rule of a trace, with links to what was judged.
    pub fn lines_of(trace: &Trace, judged: &Judged, connection: Option<&str>) -> Vec<Line> {
        let line = |step: &Step| Line {
            rule: Some(step.rule),
            answer: step.outcome.title(),
            badge: step.outcome.badge(),
            title: step.rule.title(),
            facts: step.facts.to_string(),
            links: judged.links(step.rule, connection),
        };
        trace.steps().iter().map(line).collect()
    }

    fn genuine(&self) -> Line {
        let fine = self.outcome != Outcome::Rejected;
        let (title, facts) = match (self.protocol.as_str(), fine) {
            ("password", true) => ("The password is right", String::new()),
            ("password", false) => ("The password is right", self.rejection()),
            (_, true) => (
                "The provider’s answer is genuine",
                "Signature, audience, time and the attempt that it answers were checked.".to_owned(),
            ),
            (_, false) => ("The provider’s answer is genuine", self.rejection()),
        };
        Line {
            rule: None,
            answer: if fine { "Passed" } else { "Failed" },
            badge: if fine { "good" } else { "bad" },
            title,
            facts,
            links: Vec::new(),
        }
    }

    /// What was presented, in the order of reading.
    pub fn facts(&self) -> Vec<Fact> {
        let verified = match self.email_verified {
            Some(true) => "Yes, says the provider",
            Some(false) => "No, says the provider",
            None => "The provider does not say",
        };
        let mut facts = vec![Fact::text("Connection", &self.way_in())];
        facts.extend(Fact::code_unless_empty("Issuer", &self.issuer));
        facts.extend(Fact::code_unless_empty("Subject", &self.subject));
        facts.push(Fact::text("E-mail", or_none(&self.email)));
        if self.protocol != "password" {
            facts.push(Fact::text("E-mail verified", verified));
            facts.push(Fact::text("Name", or_none(&self.name)));
            facts.push(Fact::text("Groups", &self.groups_sentence()));
        }
        facts.extend(Fact::code_unless_empty("Network address", &self.ip));
        facts.push(Fact::text("Browser", or_none(&self.user_agent)));
        let evidence = self.evidence.iter();
        facts.extend(evidence.map(|(name, value)| Fact::new(&cut(name, 120), value, true)));
        facts
    }

    fn groups_sentence(&self) -> String {
        const MOST: usize = 20;
        let Some(groups) = &self.groups else {
            return "The provider sent none".to_owned();
        };
        if groups.is_empty() {
            return "The provider sent an empty list".to_owned();
        }
        let shown: Vec<String> = groups.iter().take(MOST).map(|group| cut(group, 60)).collect();
        match groups.len().saturating_sub(MOST) {
            0 => shown.join(", "),
            more => format!("{}, and {more} more", shown.join(", ")),
        }
    }
}

impl Fact {
    fn new(name: &str, value: &str, code: bool) -> Self {
        Self {
            name: name.to_owned(),
            value: cut(value, 300),
            code,
        }
    }

    fn text(name: &str, value: &str) -> Self {
        Self {
            value: value.to_owned(),
            ..Self::new(name, "", false)
        }
    }

    fn code_unless_empty(name: &str, value: &str) -> Option<Self> {
        (!value.is_empty()).then(|| Self::new(name, value, true))
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "None" } else { text }
}

/// At most `most` characters, with an ellipsis where something is missing.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in(outcome: Outcome, reason: &str, detail: &str) -> SignIn {
        SignIn {
            id: "1".into(),
            connection: None,
            connection_name: "Okta".into(),
            protocol: "oidc".into(),
            at: 0,
            outcome,
            reason: reason.into(),
            detail: detail.into(),
            reference: "k7f2-91qd".into(),
            person_key: String::new(),
            account: None,
            denial: None,
            issuer: String::new(),
            subject: "00u1".into(),
            email: String::new(),
            email_verified: None,
            name: String::new(),
            groups: None,
            trace: Trace::default(),
            evidence: vec![],
            judged: Judged::default(),
            message: String::new(),
            ip: String::new(),
            user_agent: String::new(),
        }
    }

    #[test]
    fn each_outcome_has_its_sentence() {
        let sentences = [
            (Outcome::Admitted, "member", "", "This person is a member."),
            (
                Outcome::Denied,
                "not_invited",
                "invitation_expired",
                "invitation has expired",
            ),
            (
                Outcome::Rejected,
                "nonce",
                "The nonce is another's.",
                "The nonce is another's.",
            ),
            (Outcome::Rejected, "nonce", "", "The check “nonce” failed."),
            (Outcome::Denied, "a_new_word", "", "a_new_word"),
        ];
        for (outcome, reason, detail, part) in sentences {
            let sentence = sign_in(outcome, reason, detail).sentence();
            assert!(sentence.contains(part), "{sentence}");
        }
    }

    #[test]
    fn many_groups_are_counted_rather_than_listed() {
        let mut one = sign_in(Outcome::Denied, "not_invited", "");
        assert_eq!(one.groups_sentence(), "The provider sent none");
        one.groups = Some(vec![]);
        assert_eq!(one.groups_sentence(), "The provider sent an empty list");
        one.groups = Some((0..25).map(|n| format!("g{n}")).collect());
        assert!(one.groups_sentence().ends_with("g19, and 5 more"));
    }

    #[test]
    fn a_failure_shows_as_the_one_line_of_its_trace() {
        let lines = sign_in(Outcome::Rejected, "nonce", "").lines();
        assert_eq!((lines.len(), lines[0].answer), (1, "Failed"));
        let lines = sign_in(Outcome::Denied, "not_invited", "").lines();
        assert_eq!(lines[0].answer, "Passed");
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(cut("Жанна", 3), "Жан…");
        assert_eq!(cut("Жан", 3), "Жан");
    }
}
