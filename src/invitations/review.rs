//! Sorting what somebody typed into whom to invite and whom not. Pure: what the organization knows of
//! the addresses is an argument.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Known;
use crate::access::EmailAddress;
use crate::store::text::tame;

/// How many addresses one batch may have.
pub(super) const MOST: usize = 1_000;

/// How much of a text that is no address is shown again.
const SHOWN: usize = 254;

/// The pieces of a text between commas, semicolons, spaces and lines. The brackets that mail programs
/// put around an address fall away.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split(|letter: char| letter == ',' || letter == ';' || letter.is_whitespace())
        .map(|piece| piece.trim_matches(['<', '>', '"', '\'']))
        .filter(|piece| !piece.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Each piece in its place; the order within is the order in which they were typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    /// Will be invited.
    pub invite: Vec<EmailAddress>,
    /// An invitation waits.
    pub invited: Vec<String>,
    /// Members.
    pub members: Vec<String>,
    /// Deactivated members, who are to be reactivated instead.
    pub deactivated: Vec<String>,
    /// Typed before.
    pub duplicates: Vec<String>,
    /// No addresses, each with the reason.
    pub invalid: Vec<(String, String)>,
}

/// The folded addresses among these pieces, to ask the database about.
pub(super) fn keys(pieces: &[String]) -> Vec<String> {
    let keys: BTreeSet<String> = pieces
        .iter()
        .filter_map(|piece| EmailAddress::parse(piece).ok())
        .map(|address| address.key().to_owned())
        .collect();
    keys.into_iter().collect()
}

/// Sorts the pieces by what the organization knows.
pub(super) fn sort(pieces: &[String], known: &BTreeMap<String, Known>) -> Sorted {
    let (mut sorted, mut seen) = (Sorted::default(), BTreeSet::new());
    for piece in pieces {
        let address = match EmailAddress::parse(piece) {
            Ok(address) => address,
            Err(error) => {
                sorted.invalid.push((tame(piece, SHOWN), error.to_string()));
                continue;
            }
        };
        let written = address.as_str().to_owned();
        if !seen.insert(address.key().to_owned()) {
            sorted.duplicates.push(written);
            continue;
        }
        match known.get(address.key()) {
            None => sorted.invite.push(address),
            Some(Known::Invited) => sorted.invited.push(written),
            Some(Known::Member) => sorted.members.push(written),
            Some(Known::Deactivated) => sorted.deactivated.push(written),
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_be_written_in_any_way() {
        let typed = "ada@corp.example, bob@corp.example;carol@corp.example\r\n\n<dan@corp.example>\teve@corp.example ,";
        assert_eq!(
            split(typed),
            ["ada", "bob", "carol", "dan", "eve"].map(|name| format!("{name}@corp.example"))
        );
        assert_eq!(split(" ,;\n"), [""; 0]);
    }

    #[test]
    fn each_address_has_one_place() {
        let known = BTreeMap::from([
            ("mia@corp.example".to_owned(), Known::Member),
            ("dan@corp.example".to_owned(), Known::Deactivated),
            ("ivy@corp.example".to_owned(), Known::Invited),
        ]);
        let pieces = split(
            "ada@corp.example ADA@Corp.Example Mia@corp.example mia@corp.example dan@corp.example ivy@corp.example nobody a@b@c.example",
        );
        let sorted = sort(&pieces, &known);
        let invite: Vec<&str> = sorted.invite.iter().map(EmailAddress::as_str).collect();
        assert_eq!(invite, ["ada@corp.example"]);
        assert_eq!(sorted.duplicates, ["ADA@corp.example", "mia@corp.example"]);
        assert_eq!(sorted.members, ["Mia@corp.example"]);
        assert_eq!(sorted.deactivated, ["dan@corp.example"]);
        assert_eq!(sorted.invited, ["ivy@corp.example"]);
        let invalid: Vec<&str> = sorted.invalid.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(invalid, ["nobody", "a@b@c.example"]);
        assert!(
            sorted.invalid.iter().all(|(_, why)| why.ends_with('.')),
            "{sorted:?}"
        );
        assert_eq!(keys(&pieces).len(), 4);
    }
}
