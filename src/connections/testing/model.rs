//! What a test found.

use serde::{Deserialize, Serialize};

use crate::access::{AdmitReason, Decision, Denial, Identity, Trace, Verdict};
use crate::store::time::Timestamp;

/// Which settings are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Those by which people sign in, or will once the connection is on.
    Live,
    /// Those that are being prepared.
    Draft,
}

impl Kind {
    /// The word in the database and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Draft => "draft",
        }
    }

    /// Reads the word; the live ones where it is none.
    pub fn of(word: &str) -> Self {
        if word == "draft" { Self::Draft } else { Self::Live }
    }
}

/// One thing that the provider said about the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What the provider calls it.
    pub name: String,
    /// What it says, cut to a length that can be shown.
    pub value: String,
}

/// How much a remark matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Nobody comes in like this.
    Bad,
    /// Some don't come in like this, or something is lost.
    Warn,
    /// Good to know.
    Note,
}

impl Weight {
    /// The word of its badge.
    pub fn title(self) -> &'static str {
        match self {
            Self::Bad => "Stops people",
            Self::Warn => "Missing",
            Self::Note => "Note",
        }
    }

    /// The variant of its badge.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Note => "",
        }
    }
}

/// Something to put right, or to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// How much it matters.
    pub weight: Weight,
    /// What is the matter and what to do, in sentences.
    pub sentence: String,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The provider's answer was not accepted: which check failed, and what is to be done.
    Failed {
        /// One word for the check.
        check: String,
        /// A sentence for administrators.
        sentence: String,
    },
    /// The provider's answer is genuine.
    Answered {
        /// Whom the provider vouches for.
        identity: Box<Identity>,
        /// Whether this person would come in.
        admitted: bool,
        /// Why, as a sentence.
        sentence: String,
        /// Why not; none for whoever would come in, and of tests that were kept before it was noted.
        #[serde(default)]
        reason: Option<Denial>,
        /// Each rule that was asked.
        trace: Trace,
    },
}

impl Outcome {
    /// What was decided about this person.
    pub fn decided(identity: Identity, decision: Decision) -> Self {
        let sentence = match &decision.verdict {
            Verdict::Admit(admission) => match admission.reason {
                AdmitReason::Member => "This person is a member.",
                AdmitReason::Invitation => "An invitation waits for this person.",
                AdmitReason::Jit => "Just-in-time provisioning would make this person a member.",
            },
            Verdict::Deny(refusal) => refusal.reason.sentence(refusal.detail),
        };
        let reason = match &decision.verdict {
            Verdict::Admit(_) => None,
            Verdict::Deny(refusal) => Some(refusal.reason),
        };
        Self::Answered {
            reason,
            identity: Box::new(identity),
            admitted: matches!(decision.verdict, Verdict::Admit(_)),
            sentence: sentence.to_owned(),
            trace: decision.trace,
        }
    }
}

/// All that a test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How it ended.
    pub outcome: Outcome,
    /// What the provider said, in its own words.
    pub claims: Vec<Claim>,
    /// What is to be put right, the worst first.
    pub remarks: Vec<Remark>,
}

impl Finding {
    /// Whether people can come by these settings: the provider's answer is genuine, and it names an address.
    pub fn is_passed(&self) -> bool {
        match &self.outcome {
            Outcome::Failed { .. } => false,
            Outcome::Answered { identity, .. } => identity.email.is_some(),
        }
    }
}

/// A test as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its id.
    pub id: String,
    /// Which settings were tested.
    pub kind: Kind,
    /// What tells these settings from others ([`super::super::ProviderSettings::print`]).
    pub print: String,
    /// When it ended.
    pub at: Timestamp,
    /// Who tested, as the name was then.
    pub by: String,
    /// Whether it passed.
    pub passed: bool,
    /// What it found.
    pub finding: Finding,
}

impl Test {
    /// Whether the provider’s answer was good, and whoever tested would be denied all the same.
    pub fn is_denied(&self) -> bool {
        self.passed && matches!(self.finding.outcome, Outcome::Answered { admitted: false, .. })
    }
}
