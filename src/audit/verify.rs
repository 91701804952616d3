//! Whether the log is whole: every chain is read from its beginning to its end and hashed again.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::queries::{Head, Kept};
use super::{chain, queries, tend};
use crate::store::time::{Timestamp, machine};
use crate::store::{Conn, Result};

/// How many entries are read at once.
const BATCH: i64 = 1_000;

/// Where a chain ended at some time, kept outside of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// When that was.
    pub at: Timestamp,
    /// The chain.
    pub chain: String,
    /// The place of its last entry then.
    pub seq: i64,
    /// That entry's hash.
    pub hash: String,
}

impl Anchor {
    /// Reads an anchor file.
    ///
    /// # Errors
    /// A sentence that names the line that can't be read.
    pub fn read(path: &Path) -> std::result::Result<Vec<Self>, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let line = |(number, line)| {
            serde_json::from_str(line)
                .map_err(|error| format!("{}:{}: {error}", path.display(), number + 1_usize))
        };
        text.lines().enumerate().map(line).collect()
    }

    /// The anchor as a line of its file.
    pub fn line(&self) -> String {
        serde_json::to_string(self)
            .map(|line| line + "\n")
            .unwrap_or_default()
    }
}

/// What is wrong with a chain: the first thing that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The chain: an organization's id, or one of the installation's.
    pub chain: String,
    /// The place of the first entry that is wrong.
    pub seq: i64,
    /// A sentence.
    pub what: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many chains there are.
    pub chains: usize,
    /// How many entries were read.
    pub entries: i64,
    /// The chains that are broken, each with its first wrong entry.
    pub broken: Vec<Broken>,
}

/// Reads and hashes the whole log, and holds it against what was kept outside.
///
/// # Errors
/// When the database refuses.
pub fn verify(conn: &mut Conn, anchors: &[Anchor]) -> Result<Findings> {
    let mut found = Findings::default();
    let heads = queries::heads(conn)?;
    found.chains = heads.len();
    for head in &heads {
        let broken = match walk(conn, head, &mut found.entries)? {
            Some(broken) => Some(broken),
            None => beginning(conn, head)?,
        };
        let broken = match broken {
            Some(broken) => Some(broken),
            None => against_anchors(conn, head, anchors)?,
        };
        found.broken.extend(broken);
    }
    for name in queries::headless(conn)? {
        found.broken.push(broken(
            &name,
            0,
            "the chain has entries and no head: its head was taken away",
        ));
    }
    for anchor in lost(anchors, &heads) {
        found.broken.push(broken(
            &anchor.chain,
            anchor.seq,
            "the whole chain is gone, which the anchor file knows",
        ));
    }
    if let Some(entry) = queries::without_place(conn, 1)?.first() {
        let what = format!(
            "entry {} has no place in any chain. A start of the server gives it one, if an older program wrote it",
            entry.id
        );
        found.broken.push(broken("", 0, &what));
    }
    Ok(found)
}

fn broken(chain: &str, seq: i64, what: &str) -> Broken {
    Broken {
        chain: chain.to_owned(),
        seq,
        what: what.to_owned(),
    }
}

/// From the beginning to the end.
fn walk(conn: &mut Conn, head: &Head, entries: &mut i64) -> Result<Option<Broken>> {
    let (mut seq, mut hash) = (head.first_seq - 1, head.first_hash.clone());
    loop {
        let some = queries::after(conn, &head.chain, seq, BATCH)?;
        if some.is_empty() {
            break;
        }
        for entry in &some {
            if let Some(what) = follows(seq, &hash, entry) {
                return Ok(Some(broken(&head.chain, seq + 1, &what)));
            }
            seq += 1;
            *entries += 1;
            hash.clone_from(&entry.hash);
        }
    }
    Ok(ends(head, seq, &hash))
}

/// Whether the entry follows one at this place with this hash; else why not.
fn follows(seq: i64, hash: &str, entry: &Kept) -> Option<String> {
    let next = seq + 1;
    let place = entry.seq.unwrap_or_default();
    if place != next {
        let missing = if place == next + 1 {
            format!("entry {next} is missing")
        } else {
            format!("entries {next} to {} are missing", place - 1)
        };
        return Some(missing);
    }
    (chain::hash(hash, entry) != entry.hash).then(|| {
        format!(
            "entry {next} ({}, {} of {}) or what stands before it was changed: its hash is another",
            entry.id,
            entry.action,
            machine(entry.at)
        )
    })
}

/// Whether the chain ends where its head says.
fn ends(head: &Head, seq: i64, hash: &str) -> Option<Broken> {
    let what = if seq < head.seq {
        format!(
            "the last entries are missing: it ends at {seq} and had {}",
            head.seq
        )
    } else if hash != head.hash || seq > head.seq {
        "its head says another end: one of the two was changed".to_owned()
    } else {
        return None;
    };
    Some(broken(&head.chain, seq.min(head.seq) + 1, &what))
}

/// What was taken away from its beginning must be told by an entry.
fn beginning(conn: &mut Conn, head: &Head) -> Result<Option<Broken>> {
    if head.first_seq == 1 {
        return Ok(None);
    }
    let told = queries::last_told(conn, &head.chain, tend::TRIMMED)?
        .and_then(|json| serde_json::from_str::<Value>(&json).ok())
        .unwrap_or_default();
    let fits = told.get("through") == Some(&Value::from(head.first_seq - 1))
        && told.get("hash") == Some(&Value::from(head.first_hash.as_str()));
    Ok((!fits).then(|| {
        broken(
            &head.chain,
            1,
            "its first entries are gone, and no entry tells that their time was over",
        )
    }))
}

fn against_anchors(conn: &mut Conn, head: &Head, anchors: &[Anchor]) -> Result<Option<Broken>> {
    for anchor in anchors.iter().filter(|anchor| anchor.chain == head.chain) {
        let when = machine(anchor.at);
        if anchor.seq > head.seq {
            let what = format!(
                "it ends at {}, and on {when} the anchor file saw {}: entries are missing, or an older back-up was restored",
                head.seq, anchor.seq
            );
            return Ok(Some(broken(&head.chain, head.seq + 1, &what)));
        }
        let kept = if anchor.seq == head.first_seq - 1 {
            Some(head.first_hash.clone())
        } else {
            queries::hash_at(conn, &head.chain, anchor.seq)?
        };
        // What is gone by its time has no hash any more.
        if kept.is_some_and(|hash| hash != anchor.hash) {
            let what = format!(
                "entry {} or one before it is another than on {when}, by the anchor file",
                anchor.seq
            );
            return Ok(Some(broken(&head.chain, anchor.seq, &what)));
        }
    }
    Ok(None)
}

fn lost<'a>(anchors: &'a [Anchor], heads: &[Head]) -> Vec<&'a Anchor> {
    let mut lost: Vec<&Anchor> = anchors
        .iter()
        .filter(|anchor| !heads.iter().any(|head| head.chain == anchor.chain))
        .collect();
    lost.dedup_by(|one, other| one.chain == other.chain);
    lost
}
