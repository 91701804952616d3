//! The chain: each entry carries the hash of everything up to it, so that none can be changed, left out or put in
//! between without every later hash being wrong.
//!
//! Every organization has a chain of its own, so that organizations don't wait for each other. Entries that belong to
//! no organization lie in several: which one is a matter of the thread that writes, and each is a chain for itself.

use super::queries::Kept;
use crate::store::{Conn, id};

/// How many chains the installation has at most.
const PARTS: usize = 16;
/// How the chains of the installation are called.
const INSTALLATION: &str = "installation";

/// The chain of an entry of this organization, or of none.
pub fn name(conn: &Conn, organization: Option<&str>) -> String {
    match (organization, conn.part(PARTS)) {
        (Some(organization), _) => organization.to_owned(),
        (None, 0) => INSTALLATION.to_owned(),
        (None, part) => format!("{INSTALLATION}-{part}"),
    }
}

/// Whether this chain is one of the installation's.
pub fn is_installation(chain: &str) -> bool {
    chain.starts_with(INSTALLATION)
}

/// The entry as it is hashed: one line of JSON without spaces, an array of its fields in this order. What is derived
/// from them to be searched by is not among them.
pub fn canonical(entry: &Kept) -> String {
    serde_json::json!([
        entry.chain,
        entry.seq,
        entry.id,
        entry.organization_id,
        entry.at,
        entry.actor_kind,
        entry.actor_id,
        entry.actor_name,
        entry.action,
        entry.subject_kind,
        entry.subject_id,
        entry.subject_name,
        entry.ip,
        entry.before_json,
        entry.after_json
    ])
    .to_string()
}

/// The hash of an entry that follows one with the hash `previous`: SHA-256 of that hash, a line feed, and the entry,
/// in hexadecimal. The first of a chain follows nothing.
pub fn hash(previous: &str, entry: &Kept) -> String {
    id::hash_token(&format!("{previous}\n{}", canonical(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Kept {
        Kept {
            id: "e1".into(),
            organization_id: Some("o1".into()),
            at: 1_795_459_867_123,
            actor_kind: "person".into(),
            actor_name: "Ada \"Countess\"".into(),
            action: "member.removed".into(),
            before_json: r#"{"role":"member"}"#.into(),
            chain: "o1".into(),
            seq: Some(7),
            ..Kept::default()
        }
    }

    #[test]
    fn the_form_that_is_hashed_stays_as_it_is() {
        assert_eq!(
            canonical(&entry()),
            r#"["o1",7,"e1","o1",1795459867123,"person","","Ada \"Countess\"","member.removed","","","","","{\"role\":\"member\"}",""]"#
        );
        // printf '%s\n%s' abc '[…]' | sha256sum
        assert_eq!(
            hash("abc", &entry()),
            "04b47c01256b972672dc5799bdd42573d6eae5926db31414f25dd4c6bf8bca66"
        );
    }

    /// ADM-012.
    #[test]
    fn each_field_counts_and_so_does_what_went_before() {
        let known = hash("abc", &entry());
        assert_ne!(known, hash("abd", &entry()));
        let changes: [fn(&mut Kept); 14] = [
            |entry| entry.chain.push('x'),
            |entry| entry.seq = Some(8),
            |entry| entry.id.push('x'),
            |entry| entry.organization_id = None,
            |entry| entry.at += 1,
            |entry| entry.actor_kind.push('x'),
            |entry| entry.actor_id.push('x'),
            |entry| entry.actor_name.push('x'),
            |entry| entry.action.push('x'),
            |entry| entry.subject_kind.push('x'),
            |entry| entry.subject_id.push('x'),
            |entry| entry.subject_name.push('x'),
            |entry| entry.before_json.push('x'),
            |entry| entry.after_json.push('x'),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = entry();
            change(&mut changed);
            assert_ne!(known, hash("abc", &changed), "{number}");
        }
    }

    #[test]
    fn the_installation_has_chains_of_its_own() {
        assert!(is_installation("installation") && is_installation("installation-3"));
        assert!(!is_installation("0199aa"));
    }
}
