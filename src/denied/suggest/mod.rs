//! What may be behind a denial: an address that was mistyped, a second address of somebody who is known, a domain that
//! was forgotten, an invitation that ran out. Guesses, said as guesses. Pure.

mod queries;

pub use queries::around;

use super::model::Denial;
use crate::access::Denial as Reason;
use crate::store::time::{DAY, Timestamp, date};

/// A member who may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The membership's id.
    pub member: String,
    /// The name, or empty.
    pub name: String,
    /// The address, folded.
    pub email_key: String,
}

/// A domain of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// What it proves.
    pub proof: Proof,
    /// Whether it is attached to the connection that the person came by.
    pub attached: bool,
}

/// What a domain of the organization proves of the addresses at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing yet.
    Missing,
    /// Nothing new any more: its record is missing.
    Lapsed,
    /// That they are the organization's.
    Good,
}

/// What is known of the neighbourhood of a denial.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Active members with the same name, or an address that is almost the same.
    pub candidates: Vec<Candidate>,
    /// The organization's own domain of this name.
    pub domain: Option<Known>,
    /// How many people of this domain wait.
    pub of_domain: i64,
    /// The latest invitation of the address that ran out: its id, and when.
    pub expired: Option<(String, Timestamp)>,
}

/// A guess, with a link to what it is about, below `/orgs/{org}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The guess.
    pub sentence: String,
    /// The text of the link.
    pub link: &'static str,
    /// Where it leads.
    pub path: String,
}

/// How long an invitation that ran out is remembered here.
const LATELY: i64 = 30 * DAY;

/// The guesses, the likeliest first; at most four.
pub fn suggestions(denial: &Denial, around: &Around, now: Timestamp) -> Vec<Suggestion> {
    let mut found = Vec::new();
    found.extend(expired(around, now));
    // Who was known here at once is nobody else.
    let is_known = matches!(
        denial.known_reason(),
        Some(Reason::Removed | Reason::MembershipDeactivated | Reason::AccountDeactivated)
    );
    if is_known {
        return found;
    }
    found.extend(
        around
            .candidates
            .iter()
            .filter_map(|one| typed(denial, one))
            .take(1),
    );
    found.extend(
        around
            .candidates
            .iter()
            .filter_map(|one| second(denial, one))
            .take(1),
    );
    found.extend(domain(denial, around));
    found
}

fn expired(around: &Around, now: Timestamp) -> Option<Suggestion> {
    let (id, at) = around.expired.as_ref()?;
    (now - at <= LATELY).then(|| Suggestion {
        sentence: format!("This person’s invitation ran out on {}.", date(*at)),
        link: "Send it again",
        path: format!("/invitations/{id}/resend"),
    })
}

/// An address that differs by a letter or two from a member's.
fn typed(denial: &Denial, one: &Candidate) -> Option<Suggestion> {
    let is_near = one.email_key != denial.email_key
        && !denial.email_key.is_empty()
        && distance(&one.email_key, &denial.email_key) <= 2;
    is_near.then(|| Suggestion {
        sentence: format!(
            "The address is almost that of the member {}. Perhaps it was mistyped at the provider.",
            one.email_key
        ),
        link: "See that member",
        path: format!("/members/{}", one.member),
    })
}

/// The same name, or the same name before the `@`, with another address.
fn second(denial: &Denial, one: &Candidate) -> Option<Suggestion> {
    let local = |address: &str| address.split('@').next().unwrap_or_default().to_owned();
    let same_name = !denial.name.is_empty() && one.name.to_lowercase() == denial.name.to_lowercase();
    let same_local = !denial.email_key.is_empty() && local(&one.email_key) == local(&denial.email_key);
    let is_other = one.email_key != denial.email_key && distance(&one.email_key, &denial.email_key) > 2;
    (is_other && (same_name || same_local)).then(|| Suggestion {
        sentence: format!(
            "{} is a member with the address {}. Perhaps this is a second address of the same person.",
            if one.name.is_empty() {
                "Somebody of this name"
            } else {
                &one.name
            },
            one.email_key
        ),
        link: "See that member",
        path: format!("/members/{}", one.member),
    })
}

/// A domain that is not verified, or not attached.
fn domain(denial: &Denial, around: &Around) -> Option<Suggestion> {
    if denial.known_reason() != Some(Reason::DomainNotVerified) || denial.domain.is_empty() {
        return None;
    }
    let others = match around.of_domain {
        0 | 1 => String::new(),
        count => format!(" {count} people of this domain wait."),
    };
    let own = |known: &Known, what: &str| Suggestion {
        sentence: format!("{} {what}{others}", denial.domain),
        link: "See the domain",
        path: format!("/domains/{}", known.id),
    };
    Some(match &around.domain {
        Some(known) => match (known.proof, known.attached) {
            (Proof::Missing, _) => own(known, "was added here, and its proof is still missing."),
            (Proof::Lapsed, _) => own(known, "was verified here, and its record is missing now."),
            (Proof::Good, false) => own(known, "is verified, but not attached to this connection."),
            (Proof::Good, true) => return None,
        },
        None if around.of_domain > 1 => Suggestion {
            sentence: format!(
                "Perhaps {} is a domain of yours that was forgotten.{others}",
                denial.domain
            ),
            link: "Add the domain",
            path: "/domains".to_owned(),
        },
        None => return None,
    })
}

/// The addresses that one slip of the hand makes of another: two letters changed about, one left out, put in or another one.
/// None where the part before the `@` is long.
fn almost(local: &str, domain: &str) -> Vec<String> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    const LONGEST: usize = 24;
    let letters: Vec<char> = local.chars().collect();
    if letters.len() > LONGEST {
        return Vec::new();
    }
    let mut found = Vec::new();
    for place in 0..=letters.len() {
        let (before, after) = letters.split_at(place);
        let mut put = |middle: &[char], after: &[char]| {
            let local: String = before.iter().chain(middle).chain(after).collect();
            found.push(format!("{local}@{domain}"));
        };
        if let [one, other, rest @ ..] = after {
            put(&[*other, *one], rest);
        }
        if let [_, rest @ ..] = after {
            put(&[], rest);
        }
        for letter in LETTERS.chars() {
            put(&[letter], after);
            if let [_, rest @ ..] = after {
                put(&[letter], rest);
            }
        }
    }
    found
}

/// How many letters have to be put in, left out or changed to make one text the other; 3 for anything more.
fn distance(one: &str, other: &str) -> usize {
    const FAR: usize = 3;
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) >= FAR {
        return FAR;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (place, letter) in one.iter().enumerate() {
        let mut next = vec![place + 1];
        for ((before, pair), there) in row.iter().zip(row.iter().skip(1)).zip(&other) {
            let changed = before + usize::from(letter != there);
            let left_out = pair + 1;
            let put_in = next.last().map_or(FAR, |last| last + 1);
            next.push(changed.min(left_out).min(put_in));
        }
        row = next;
    }
    row.last().copied().unwrap_or(FAR).min(FAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denied::State;
    use crate::denied::model::tests::denial;

    fn member(email: &str, name: &str) -> Candidate {
        Candidate {
            member: "m1".into(),
            name: name.into(),
            email_key: email.into(),
        }
    }

    fn links(reason: &str, around: &Around) -> Vec<String> {
        let found = suggestions(&denial(reason, State::Open), around, 100 * DAY);
        found.into_iter().map(|one| one.path).collect()
    }

    #[test]
    fn letters_are_counted() {
        for (one, other, far) in [
            ("mary@a.example", "mary@a.example", 0),
            ("mray@a.example", "mary@a.example", 2),
            ("mary@a.exmple", "mary@a.example", 1),
            ("", "ab", 2),
            ("жан", "жон", 1),
            ("ann@a.example", "bob@b.example", 3),
        ] {
            assert_eq!(distance(one, other), far, "{one} {other}");
        }
    }

    #[test]
    fn one_slip_is_found() {
        let found = almost("mary", "a.example");
        for slip in [
            "mray@a.example",
            "mry@a.example",
            "marry@a.example",
            "mari@a.example",
        ] {
            assert!(found.contains(&slip.to_owned()), "{slip}");
        }
        assert!(almost(&"x".repeat(25), "a.example").is_empty());
    }

    #[test]
    fn a_guess_leads_to_what_it_is_about() {
        let around = |candidate: Candidate| Around {
            candidates: vec![candidate],
            ..Around::default()
        };
        assert_eq!(
            links("not_invited", &around(member("mari@contoso.example", ""))),
            ["/members/m1"]
        );
        assert_eq!(
            links("not_invited", &around(member("mj@other.example", "mary jones"))),
            ["/members/m1"]
        );
        assert_eq!(
            links("not_invited", &around(member("mary@other.example", ""))),
            ["/members/m1"]
        );
        assert!(links("not_invited", &around(member("bob@other.example", "Bob"))).is_empty());
        let expired = |at| Around {
            expired: Some(("i1".into(), at)),
            ..Around::default()
        };
        assert_eq!(
            links("not_invited", &expired(95 * DAY)),
            ["/invitations/i1/resend"]
        );
        assert!(links("not_invited", &expired(DAY)).is_empty());
        let forgotten = Around {
            of_domain: 4,
            ..Around::default()
        };
        assert_eq!(links("domain_not_verified", &forgotten), ["/domains"]);
        assert!(links("not_invited", &forgotten).is_empty());
        let added = Around {
            domain: Some(Known {
                id: "d9".into(),
                proof: Proof::Missing,
                attached: false,
            }),
            ..Around::default()
        };
        assert_eq!(links("domain_not_verified", &added), ["/domains/d9"]);
    }
}
