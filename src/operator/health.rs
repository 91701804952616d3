//! Health: version, database, clock, mail.

use actix_web::web;
use askama::Template;

use super::Desk;
use crate::mail::{self, State};
use crate::session::Operator;
use crate::store::health::Health;
use crate::store::time::Timestamp;
use crate::store::{Backend, DbError};
use crate::web::{Page, Problem, Site};

/// Past this the clocks of server and database differ too much: 60 seconds.
const SKEW: i64 = 60_000;

#[derive(Template)]
#[template(path = "operator/health.html")]
pub struct Shown {
    desk: Desk,
    version: &'static str,
    address: String,
    now: Timestamp,
    database: &'static str,
    health: Health,
    mail: Mail,
    pending: Vec<String>,
    took_ms: u128,
}

/// How the mail is doing.
struct Mail {
    is_configured: bool,
    server: mail::Server,
    given_up: i64,
    waiting: i64,
}

impl Shown {
    /// How far the database's clock is ahead of ours, in seconds, where that is worth a word.
    fn skew(&self) -> Option<i64> {
        let ahead = self.health.clock? - self.now;
        (ahead.abs() > SKEW).then_some(ahead / 1_000)
    }

    fn size(&self) -> String {
        size(self.health.bytes)
    }

    fn is_fine(&self) -> bool {
        self.pending.is_empty() && self.skew().is_none() && self.mail.server.fault.is_empty()
    }
}

/// `GET /operator`.
pub async fn show(operator: Operator, site: web::Data<Site>) -> Result<Page<Shown>, Problem> {
    let began = std::time::Instant::now();
    let (health, pending, server, tally) = site
        .store
        .reading(|conn| -> Result<_, DbError> {
            let health = crate::store::health::look(conn)?;
            let pending = crate::store::health::pending(conn)?;
            Ok((health, pending, mail::server(conn)?, mail::tally(conn)?))
        })
        .await?;
    let letters = |states: &[State]| {
        let of_them = tally.iter().filter(|tally| states.contains(&tally.state));
        of_them.map(|tally| tally.letters).sum()
    };
    Ok(Page::new(Shown {
        desk: Desk::of(&operator, "health"),
        version: env!("CARGO_PKG_VERSION"),
        address: site.config.public_url.origin().to_owned(),
        now: site.now(),
        database: match site.store.backend() {
            Backend::Sqlite => "SQLite",
            Backend::Postgres => "PostgreSQL",
        },
        mail: Mail {
            is_configured: site.config.smtp.is_some(),
            server,
            given_up: letters(&[State::Dead]),
            waiting: letters(&[State::Waiting, State::Retrying]),
        },
        health,
        pending,
        took_ms: began.elapsed().as_millis(),
    }))
}

/// Bytes as people read them: "12.3 MB".
fn size(bytes: i64) -> String {
    let tenths = |unit: i64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1_000_000 => format!("{} kB", tenths(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_read_at_a_glance() {
        let sizes = [4_096, 12_345_678, 2_000_000_000].map(super::size);
        assert_eq!(sizes, ["4.0 kB", "12.3 MB", "2.0 GB"]);
    }
}
