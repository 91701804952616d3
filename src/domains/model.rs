//! A domain of an organization, how it stands, and when its proof is looked up again.

use crate::outbound::dns::LookupError;
use crate::store::time::{DAY, HOUR, MINUTE, Timestamp};

/// How long a new domain is looked up by itself, and how long a lost proof changes nothing, in milliseconds.
pub const PATIENCE: i64 = 7 * DAY;

/// A domain that an organization claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domain {
    /// The id of its row.
    pub id: String,
    /// The organization's id.
    pub organization: String,
    /// The domain in lower-case A-labels.
    pub name: String,
    /// What its TXT record has to say. No secret: everybody can read the DNS.
    pub token: String,
    /// Whether the organization answers for it. At most one organization does.
    pub verified: bool,
    /// Whether that is the operator's word rather than a TXT record.
    pub vouched: bool,
    /// Since when it is verified.
    pub verified_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Whose word it is, where it is vouched for.
    pub vouched_by: String,
    /// Since when its record is waited for.
    pub waiting_since: Timestamp,
    /// What was asked last.
    pub last: Option<Look>,
    /// When the record was there last.
    pub confirmed_at: Option<Timestamp>,
    /// Since when the record of a verified domain is missing.
    pub lost_at: Option<Timestamp>,
    /// Since when that lets in nobody new.
    pub lapsed_at: Option<Timestamp>,
    /// When it is looked up by itself again; none where it is not.
    pub next_check_at: Option<Timestamp>,
}

/// One look-up and what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// What was found.
    pub finding: Finding,
}

/// What a look-up of a domain's record found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The record with the token.
    Present,
    /// No TXT record at that name.
    None,
    /// So many TXT records, none with the token.
    Other(usize),
    /// The record, but another organization has verified the domain.
    Taken,
    /// No answer in time.
    TimedOut,
    /// An answer that settles nothing, or a server that can't be reached.
    Failed,
}

impl Finding {
    /// The record's value among the texts that were found; or why there are none. Some providers keep the
    /// quotation marks that a person typed.
    pub fn of(found: &Result<Vec<String>, LookupError>, value: &str) -> Self {
        match found {
            Ok(texts)
                if texts
                    .iter()
                    .any(|text| text.trim_matches(['"', ' ', '\t']) == value) =>
            {
                Self::Present
            }
            Ok(texts) if texts.is_empty() => Self::None,
            Ok(texts) => Self::Other(texts.len()),
            Err(LookupError::TimedOut) => Self::TimedOut,
            Err(_) => Self::Failed,
        }
    }

    /// Whether the question was settled. An outage settles nothing.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::TimedOut | Self::Failed)
    }

    /// The word in the database, and the number beside it.
    pub fn stored(self) -> (&'static str, i64) {
        match self {
            Self::Present => ("present", 0),
            Self::None => ("none", 0),
            Self::Other(count) => ("other", i64::try_from(count).unwrap_or(i64::MAX)),
            Self::Taken => ("taken", 0),
            Self::TimedOut => ("timed_out", 0),
            Self::Failed => ("failed", 0),
        }
    }

    /// What [`Finding::stored`] wrote.
    pub fn read(word: &str, count: i64) -> Option<Self> {
        Some(match word {
            "present" => Self::Present,
            "none" => Self::None,
            "other" => Self::Other(usize::try_from(count).unwrap_or(0)),
            "taken" => Self::Taken,
            "timed_out" => Self::TimedOut,
            "failed" => Self::Failed,
            _ => return None,
        })
    }
}

/// How a domain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its TXT record was found.
    Verified,
    /// The operator of the installation answers for it.
    Vouched,
    /// Its TXT record is missing since then, which changes nothing yet.
    Lost(Timestamp),
    /// Its TXT record has been missing for so long that nobody new is let in, since then.
    Lapsed(Timestamp),
    /// It waits for its TXT record.
    Waiting,
    /// It waited in vain, and is no longer looked up by itself.
    Stopped,
    /// Another organization has verified it.
    Taken,
}

impl Domain {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        if !self.verified {
            return match self.last.map(|last| last.finding) {
                Some(Finding::Taken) => Standing::Taken,
                _ if self.next_check_at.is_none() => Standing::Stopped,
                _ => Standing::Waiting,
            };
        }
        match (self.vouched, self.lost_at, self.lapsed_at) {
            (true, _, _) => Standing::Vouched,
            (false, _, Some(at)) => Standing::Lapsed(at),
            (false, Some(at), None) => Standing::Lost(at),
            (false, None, None) => Standing::Verified,
        }
    }

    /// Whether a newcomer's address counts as proven by it.
    pub fn lets_in_newcomers(&self) -> bool {
        self.verified && self.lapsed_at.is_none()
    }

    /// The name of the TXT record that proves it.
    pub fn record_name(&self) -> String {
        format!("_vestibule.{}", self.name)
    }

    /// The text of that record.
    pub fn record_value(&self) -> String {
        format!("vestibule-verification={}", self.token)
    }

    /// What anybody can type to see the record.
    pub fn command(&self) -> String {
        format!("dig +short TXT {}", self.record_name())
    }

    /// When its TXT record stops letting in newcomers unless it is found again.
    pub fn lapses_at(&self) -> Option<Timestamp> {
        self.lost_at.map(|at| at + PATIENCE)
    }

    /// The domain after a look-up. What is lost, regained or verified by it shows in the difference.
    #[must_use]
    pub fn after(&self, now: Timestamp, finding: Finding) -> Self {
        let mut next = self.clone();
        next.last = Some(Look { at: now, finding });
        if finding == Finding::Present {
            next.confirmed_at = Some(now);
            next.verified_at = next.verified_at.or(Some(now));
            (next.verified, next.lost_at, next.lapsed_at) = (true, None, None);
        } else if self.verified && !self.vouched && finding.is_settled() {
            let lost_at = *next.lost_at.get_or_insert(now);
            if now - lost_at >= PATIENCE {
                next.lapsed_at.get_or_insert(now);
            }
        }
        next.next_check_at = next.next_look(now, finding);
        next
    }

    /// When to look again: sooner while something is expected to change, never where nothing is.
    fn next_look(&self, now: Timestamp, finding: Finding) -> Option<Timestamp> {
        if self.vouched {
            return None;
        }
        if !self.verified {
            let (waited, end) = (now - self.waiting_since, self.waiting_since + PATIENCE);
            let pause = (waited / 2).clamp(5 * MINUTE, 12 * HOUR);
            return (now < end).then(|| (now + pause).min(end));
        }
        let pause = match self.lapses_at() {
            // The moment itself is not passed by; where nobody answered then, it is asked again soon.
            Some(lapse) if self.lapsed_at.is_none() => (lapse - now).clamp(15 * MINUTE, HOUR),
            Some(lapse) if now < lapse + PATIENCE => HOUR,
            _ if finding.is_settled() => DAY,
            _ => HOUR,
        };
        Some(now + pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> Domain {
        Domain {
            name: "acme.example".into(),
            token: "abc".into(),
            next_check_at: Some(0),
            ..Domain::default()
        }
    }

    fn verified() -> Domain {
        waiting().after(0, Finding::Present)
    }

    #[test]
    fn the_record_names_the_domain_and_its_token() {
        let domain = waiting();
        assert_eq!(domain.record_name(), "_vestibule.acme.example");
        assert_eq!(domain.record_value(), "vestibule-verification=abc");
        assert_eq!(domain.command(), "dig +short TXT _vestibule.acme.example");
        assert_eq!(domain.standing(), Standing::Waiting);
    }

    /// ADM-009.
    #[test]
    fn only_the_whole_value_is_the_record() {
        let finding = |texts: &[&str]| {
            Finding::of(
                &Ok(texts.iter().map(|text| (*text).to_owned()).collect()),
                "vestibule-verification=abc",
            )
        };
        assert_eq!(finding(&[]), Finding::None);
        assert_eq!(
            finding(&["v=spf1 -all", "vestibule-verification=abcd"]),
            Finding::Other(2)
        );
        assert_eq!(finding(&["vestibule-verification=ABC"]), Finding::Other(1));
        assert_eq!(finding(&["x", "vestibule-verification=abc"]), Finding::Present);
        assert_eq!(finding(&["\"vestibule-verification=abc\" "]), Finding::Present);
        let silent = Finding::of(&Err(LookupError::TimedOut), "");
        assert!(silent == Finding::TimedOut && !silent.is_settled());
    }

    #[test]
    fn a_finding_is_read_back() {
        use Finding::{Failed, Other, Present, Taken, TimedOut};
        for finding in [Present, Finding::None, Other(3), Taken, TimedOut, Failed] {
            let (word, count) = finding.stored();
            assert_eq!(Finding::read(word, count), Some(finding));
        }
        assert_eq!(Finding::read("", 0), None);
    }

    #[test]
    fn a_new_domain_is_looked_up_less_and_less_and_for_seven_days() {
        let (mut domain, mut looks, mut now) = (waiting(), 0, 0);
        while let Some(at) = domain.next_check_at {
            assert!(at >= now);
            now = at;
            domain = domain.after(now, Finding::None);
            looks += 1;
        }
        assert_eq!((now, domain.standing()), (PATIENCE, Standing::Stopped));
        assert!((20..40).contains(&looks), "{looks}");
    }

    #[test]
    fn a_lost_proof_lapses_after_seven_days_and_heals_by_itself() {
        let lost = verified().after(DAY, Finding::Other(2));
        assert_eq!(lost.standing(), Standing::Lost(DAY));
        assert_eq!(lost.next_check_at, Some(DAY + HOUR));
        let nearly = lost.after(DAY + PATIENCE - MINUTE, Finding::None);
        assert!(nearly.lets_in_newcomers());
        assert_eq!(nearly.next_check_at, Some(DAY + PATIENCE + 14 * MINUTE));
        let lapsed = nearly.after(DAY + PATIENCE, Finding::None);
        assert_eq!(lapsed.standing(), Standing::Lapsed(DAY + PATIENCE));
        assert!(lapsed.verified && !lapsed.lets_in_newcomers());
        let healed = lapsed.after(DAY + PATIENCE + HOUR, Finding::Present);
        assert_eq!(
            (healed.standing(), healed.verified_at),
            (Standing::Verified, Some(0))
        );
    }

    /// FLT-010.
    #[test]
    fn an_outage_is_never_a_loss() {
        let (mut domain, mut now) = (verified(), 0);
        for _ in 0..1_000 {
            now = domain.next_check_at.unwrap();
            domain = domain.after(now, Finding::TimedOut);
        }
        assert_eq!(
            (domain.standing(), domain.next_check_at),
            (Standing::Verified, Some(now + HOUR))
        );
        let lost = verified().after(DAY, Finding::None);
        let silent = lost.after(DAY + 2 * PATIENCE, Finding::Failed);
        assert_eq!(silent.standing(), Standing::Lost(DAY));
        assert_eq!(silent.next_check_at, Some(DAY + 2 * PATIENCE + 15 * MINUTE));
    }

    #[test]
    fn what_the_operator_answers_for_is_never_lost() {
        let vouched = Domain {
            vouched: true,
            ..verified()
        };
        let later = vouched.after(DAY, Finding::None);
        assert_eq!((later.standing(), later.next_check_at), (Standing::Vouched, None));
    }
}
