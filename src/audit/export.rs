//! The log as a file: JSON lines for machines, CSV for spreadsheets. Read in pieces and sent as it is read, the oldest
//! entry first.

use serde_json::{Value, json};

use super::queries::{self, Kept};
use crate::store::Store;
use crate::store::time::machine;
use crate::web::download::{ROWS, csv_row};

/// The columns of the CSV file.
const COLUMNS: [&str; 12] = [
    "at",
    "action",
    "actor_kind",
    "actor_id",
    "actor",
    "subject_kind",
    "subject_id",
    "subject",
    "ip",
    "before",
    "after",
    "id",
];

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An object on each line, with the entry's place in its chain and its hash.
    JsonLines,
    /// RFC 4180, with a header.
    Csv,
}

impl Format {
    /// How files of this kind end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// What stands before the first entry.
    pub fn header(self) -> String {
        match self {
            Self::JsonLines => String::new(),
            Self::Csv => csv_row(&COLUMNS),
        }
    }

    /// One entry, with the end of its line.
    pub fn line(self, entry: &Kept) -> String {
        match self {
            Self::JsonLines => object(entry).to_string() + "\n",
            Self::Csv => row(entry),
        }
    }
}

/// Everything that is hashed (see [`super::chain::canonical`]) and the hash, so that whoever has the file can check
/// the chain.
fn object(entry: &Kept) -> Value {
    json!({
        "chain": entry.chain,
        "seq": entry.seq,
        "id": entry.id,
        "organization": entry.organization_id,
        "at": entry.at,
        "time": machine(entry.at),
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "actor": entry.actor_name,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "subject": entry.subject_name,
        "ip": entry.ip,
        // As the very text that was hashed.
        "before": entry.before_json,
        "after": entry.after_json,
        "hash": entry.hash,
    })
}

fn row(entry: &Kept) -> String {
    csv_row(&[
        machine(entry.at).as_str(),
        &entry.action,
        &entry.actor_kind,
        &entry.actor_id,
        &entry.actor_name,
        &entry.subject_kind,
        &entry.subject_id,
        &entry.subject_name,
        &entry.ip,
        &entry.before_json,
        &entry.after_json,
        &entry.id,
    ])
}

/// Writes the whole log, chain by chain, as JSON lines. With a chain's name, that one alone.
///
/// # Errors
/// A sentence, when the database or `to` refuses.
pub fn write_all(
    store: &Store,
    only: Option<&str>,
    to: &mut dyn std::io::Write,
) -> std::result::Result<(), String> {
    let heads = store.read(queries::heads).map_err(|error| error.to_string())?;
    for head in heads
        .iter()
        .filter(|head| only.is_none_or(|name| name == head.chain))
    {
        let mut seq = 0;
        loop {
            let some = store
                .read(|conn| queries::after(conn, &head.chain, seq, ROWS))
                .map_err(|error| error.to_string())?;
            let Some(last) = some.last() else { break };
            seq = last.seq.unwrap_or(i64::MAX);
            for entry in &some {
                to.write_all(Format::JsonLines.line(entry).as_bytes())
                    .map_err(|error| error.to_string())?;
            }
        }
    }
    to.flush().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UPL-005.
    #[test]
    fn each_line_is_one_object() {
        let entry = Kept {
            actor_name: "A\nB".into(),
            seq: Some(3),
            ..Kept::default()
        };
        let line = Format::JsonLines.line(&entry);
        assert_eq!(line.matches('\n').count(), 1);
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&read["actor"], &read["seq"]), (&json!("A\nB"), &json!(3)));
    }
}
