//! Lists as files, read in pieces from the database while they are sent: however long a list is, little of it is in
//! memory at once.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::web::Bytes;
use tokio::sync::mpsc;

use crate::store::{Conn, DbError, Store};

/// What a spreadsheet would take for the beginning of a formula. (NUL is none, but hides what follows.)
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\0'];

/// How many rows are read at once.
pub const ROWS: i64 = 500;

/// A row of a CSV file (RFC 4180): each cell in quotation marks; what a spreadsheet would run as a formula is made
/// text by an apostrophe.
pub fn csv_row<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text.as_ref())).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let safe = if text.starts_with(FORMULA) { "'" } else { "" };
    format!("\"{safe}{}\"", text.replace('"', "\"\""))
}

/// A CSV file with this name and header. `next` answers the lines after those it answered before, and an empty text at
/// the end; each of its goes is one transaction.
pub fn csv(
    store: &Store,
    name: &str,
    head: &[&str],
    next: impl FnMut(&mut Conn) -> Result<String, DbError> + Send + 'static,
) -> HttpResponse {
    let kind = "text/csv; charset=utf-8; header=present";
    file(store, &format!("{name}.csv"), kind, csv_row(head), next)
}

/// A file of any kind, as [`csv`]. `head` stands before what `next` answers, and may be empty.
pub fn file(
    store: &Store,
    name: &str,
    kind: &'static str,
    head: String,
    mut next: impl FnMut(&mut Conn) -> Result<String, DbError> + Send + 'static,
) -> HttpResponse {
    let (sender, receiver) = mpsc::channel(2);
    let store = store.clone();
    // Whoever reads slowly or goes away stops it: the channel is short, and then closed.
    drop(actix_web::web::block(move || {
        let mut piece = if head.is_empty() {
            store.read(&mut next)
        } else {
            Ok(head)
        };
        loop {
            let is_over = !matches!(&piece, Ok(text) if !text.is_empty());
            if let Err(error) = &piece {
                tracing::error!(%error, "a list could not be sent whole");
            }
            let sent = match piece {
                Ok(text) if text.is_empty() => return,
                piece => sender.blocking_send(piece.map(Bytes::from)),
            };
            if is_over || sent.is_err() {
                return;
            }
            piece = store.read(&mut next);
        }
    }));
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ))
        .body(Body(receiver))
}

struct Body(mpsc::Receiver<Result<Bytes, DbError>>);

impl MessageBody for Body {
    type Error = DbError;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, DbError>>> {
        self.0.poll_recv(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::csv_row;

    #[test]
    fn a_spreadsheet_sees_text_and_no_formula() {
        for (text, expected) in [
            ("Ada", "\"Ada\""),
            ("", "\"\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("a,b\n\"c\"", "\"a,b\n\"\"c\"\"\""),
            ("a=b", "\"a=b\""),
        ] {
            assert_eq!(csv_row(&[text]), format!("{expected}\r\n"));
        }
        assert_eq!(csv_row(&["a", "b"]), "\"a\",\"b\"\r\n");
    }
}
