//! One person whose way would differ, and in what way.

use std::collections::HashMap;

use crate::access::{AdmitReason, Denial, MembershipEffect, Role, Verdict};
use crate::sign_in::Foreseen;
use crate::store::time::Timestamp;

/// How somebody's way would differ. The order is that of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Comes in today, and would be denied.
    Out(Denial),
    /// Is denied today, and would come in.
    In(AdmitReason),
    /// Comes in all the same, with other teams or another role.
    Teams,
    /// Is denied all the same, for another reason.
    Denied(Denial),
    /// May use a password today, and would have to come by single sign-on: who was seen there.
    NoPassword,
    /// The same, for somebody who was never seen there.
    NoPasswordUnseen,
    /// May use a password again.
    Password,
}

impl Kind {
    /// The word in addresses.
    pub fn word(self) -> String {
        match self {
            Self::Out(reason) => format!("out.{reason}"),
            Self::In(reason) => format!("in.{reason}"),
            Self::Teams => "teams".to_owned(),
            Self::Denied(reason) => format!("denied.{reason}"),
            Self::NoPassword => "no_password".to_owned(),
            Self::NoPasswordUnseen => "no_password_unseen".to_owned(),
            Self::Password => "password".to_owned(),
        }
    }

    /// What so many people would meet, as a heading.
    pub fn heading(self, count: usize) -> String {
        let people = if count == 1 {
            "1 person".to_owned()
        } else {
            format!(
                "{} people",
                crate::sign_ins::chart::grouped(i64::try_from(count).unwrap_or(i64::MAX))
            )
        };
        match self {
            Self::Out(reason) => format!("{people} would be denied: {}", lower(reason.title())),
            Self::In(AdmitReason::Jit) => format!(
                "{people} would be let in, and become {}",
                if count == 1 { "a member" } else { "members" }
            ),
            Self::In(AdmitReason::Invitation) => format!("{people} would be let in by their invitation"),
            Self::In(AdmitReason::Member) => format!(
                "{people} would be let in as {} already",
                if count == 1 {
                    "the member that they are"
                } else {
                    "the members that they are"
                }
            ),
            Self::Teams => format!("{people} would come in with other teams, or another role"),
            Self::Denied(reason) => format!(
                "{people} would be denied as today, but for another reason: {}",
                lower(reason.title())
            ),
            Self::NoPassword => format!("{people} could use no password any longer"),
            Self::NoPasswordUnseen => format!(
                "{people} could use no password any longer, and {} never seen to come by this connection",
                if count == 1 { "was" } else { "were" }
            ),
            Self::Password => format!("{people} could use a password again"),
        }
    }

    /// Whether an invitation is the remedy.
    pub fn is_for_inviting(self) -> bool {
        self == Self::Out(Denial::NotInvited)
    }
}

fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// From what it is known what the provider would say of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The last sign-in, at this moment.
    Seen(Timestamp),
    /// An invitation waits; it is supposed that the provider vouches for the address.
    Invited,
    /// A member who was not seen; likewise.
    Member,
}

impl Basis {
    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Seen(_) => "Last sign-in",
            Self::Invited => "Invited, not seen yet",
            Self::Member => "Member, not seen lately",
        }
    }
}

/// One person whose way would differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In what way.
    pub kind: Kind,
    /// The name, or empty.
    pub name: String,
    /// The address; where there is none, the name at the provider.
    pub email: String,
    /// The address in the form in which it is compared; empty where there is none.
    pub email_key: String,
    /// What happens today.
    pub before: String,
    /// What would happen.
    pub after: String,
    /// From what it is known.
    pub basis: Basis,
    /// By which connection the person comes.
    pub connection: String,
}

impl Line {
    /// By what lines of one kind are sorted, and a page goes on.
    pub fn key(&self) -> String {
        format!(
            "{}\u{1f}{}\u{1f}{}",
            self.name.to_lowercase(),
            self.email.to_lowercase(),
            self.connection
        )
    }
}

/// How somebody's way differs; none where it is the same.
pub(super) fn kind(before: &Foreseen, after: &Foreseen, is_same: bool) -> Option<Kind> {
    match (&before.decision.verdict, &after.decision.verdict) {
        (Verdict::Admit(_), Verdict::Deny(refusal)) => Some(Kind::Out(refusal.reason)),
        (Verdict::Deny(_), Verdict::Admit(admission)) => Some(Kind::In(admission.reason)),
        (Verdict::Admit(_), Verdict::Admit(_)) => (!is_same).then_some(Kind::Teams),
        (Verdict::Deny(one), Verdict::Deny(other)) => {
            (one.reason != other.reason).then_some(Kind::Denied(other.reason))
        }
    }
}

/// What happens to somebody, in words. Two that read the same are the same.
pub(super) fn in_words(foreseen: &Foreseen, teams: &HashMap<String, String>) -> String {
    let admission = match &foreseen.decision.verdict {
        Verdict::Deny(refusal) => return format!("Denied: {}", lower(refusal.reason.title())),
        Verdict::Admit(admission) => admission,
    };
    let mut told = match (admission.reason, admission.membership) {
        (AdmitReason::Invitation, MembershipEffect::Created { role, .. }) => {
            format!("Comes in by invitation, as {}", role.title())
        }
        (AdmitReason::Jit, MembershipEffect::Created { role, .. }) => {
            format!("Becomes a member, as {}", role.title())
        }
        _ => "Comes in".to_owned(),
    };
    if let (Some(_), Some(role)) = (foreseen.role_before, foreseen.role) {
        told += &format!("; becomes {}", becomes(role));
    }
    let names = |ids: &[String]| -> Vec<String> {
        let name = |id: &String| teams.get(id).cloned();
        let mut names: Vec<String> = ids.iter().filter_map(name).collect();
        names.sort();
        names
    };
    let mut joins = names(&foreseen.joins);
    joins.extend(foreseen.makes.iter().map(|name| format!("{name} (new)")));
    if !joins.is_empty() {
        told += &format!("; joins {}", joins.join(", "));
    }
    let leaves = names(&foreseen.leaves);
    if !leaves.is_empty() {
        told += &format!("; leaves {}", leaves.join(", "));
    }
    told
}

fn becomes(role: Role) -> &'static str {
    match role {
        Role::Member => "a member without more rights",
        Role::Admin => "an admin",
        Role::Owner => "an owner",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_word_and_a_heading_of_its_own() {
        let kinds = [
            Kind::Out(Denial::NotInvited),
            Kind::Out(Denial::NoSeat),
            Kind::In(AdmitReason::Jit),
            Kind::In(AdmitReason::Invitation),
            Kind::In(AdmitReason::Member),
            Kind::Teams,
            Kind::Denied(Denial::NotInvited),
            Kind::NoPassword,
            Kind::NoPasswordUnseen,
            Kind::Password,
        ];
        for texts in [
            kinds.map(Kind::word),
            kinds.map(|kind| kind.heading(2)),
            kinds.map(|kind| kind.heading(1)),
        ] {
            let different: std::collections::BTreeSet<_> = texts.iter().collect();
            assert_eq!(different.len(), kinds.len());
        }
        assert_eq!(
            Kind::Out(Denial::NotInvited).heading(11),
            "11 people would be denied: not invited"
        );
    }
}
