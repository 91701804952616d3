//! The log as a file: JSON lines for machines, CSV for spreadsheets. Read in pieces and sent as it is read, the oldest
//! entry first.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::pages::Wanted;
use super::queries::{self, Kept};
use crate::store::time::machine;
use crate::store::{DbError, Store};

/// How many entries are read at once.
const BATCH: i64 = 500;
/// What a spreadsheet would take for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

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
    pub fn header(self) -> &'static str {
        match self {
            Self::JsonLines => "",
            Self::Csv => {
                "at,action,actor_kind,actor_id,actor,subject_kind,subject_id,subject,ip,before,after,id\r\n"
            }
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
    let fields = [
        &machine(entry.at),
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
    ];
    fields.map(|field| cell(field)).join(",") + "\r\n"
}

/// A field in quotation marks; what would be a formula is made text by an apostrophe.
fn cell(text: &str) -> String {
    let safe = if text.starts_with(FORMULA) { "'" } else { "" };
    format!("\"{safe}{}\"", text.replace('"', "\"\""))
}

/// An answer's body that is read from the database while it is sent.
pub struct Body(mpsc::Receiver<std::result::Result<Bytes, DbError>>);

impl Body {
    /// Every entry of the organization that is wanted.
    pub fn of(store: Store, organization: String, wanted: Wanted, format: Format) -> Self {
        let (sender, receiver) = mpsc::channel(2);
        // Whoever reads slowly or goes away stops it: the channel is short, and then closed.
        drop(actix_web::web::block(move || {
            let outcome = pieces(&store, &organization, &wanted, format, &mut |piece| {
                sender.blocking_send(Ok(piece)).is_ok()
            });
            if let Err(error) = outcome {
                tracing::error!(%error, "the audit log could not be sent whole");
                drop(sender.blocking_send(Err(error)));
            }
        }));
        Self(receiver)
    }
}

fn pieces(
    store: &Store,
    organization: &str,
    wanted: &Wanted,
    format: Format,
    send: &mut dyn FnMut(Bytes) -> bool,
) -> std::result::Result<(), DbError> {
    let mut last = String::new();
    if !send(Bytes::from_static(format.header().as_bytes())) {
        return Ok(());
    }
    loop {
        let some = store.read(|conn| queries::wanted_after(conn, organization, wanted, &last, BATCH))?;
        let Some(end) = some.last() else {
            return Ok(());
        };
        last.clone_from(&end.id);
        let text: String = some.iter().map(|entry| format.line(entry)).collect();
        if !send(Bytes::from(text)) {
            return Ok(());
        }
    }
}

impl MessageBody for Body {
    type Error = DbError;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, DbError>>> {
        self.0.poll_recv(cx)
    }
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
                .read(|conn| queries::after(conn, &head.chain, seq, BATCH))
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
    fn a_spreadsheet_sees_text_and_no_formula() {
        for (text, expected) in [
            ("Ada", "\"Ada\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("-1", "\"'-1\""),
            ("a,b\nc", "\"a,b\nc\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

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
