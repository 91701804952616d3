//! Time as the database keeps it (Unix milliseconds, UTC) and as people read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::OffsetDateTime;
use time::macros::format_description;

/// A moment: milliseconds since 1970-01-01 00:00 UTC.
pub type Timestamp = i64;

/// One second, minute, hour and day in milliseconds.
pub const SECOND: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// Where the application reads the time. Tests set it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `now` until it is moved.
    pub fn fixed(now: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now))))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.0
            .as_ref()
            .map_or_else(now, |fixed| fixed.load(Ordering::SeqCst))
    }

    /// Moves a fixed clock forward; does nothing to the machine's.
    pub fn advance(&self, milliseconds: i64) {
        if let Some(fixed) = &self.0 {
            fixed.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }
}

/// The machine's time. Only [`Clock`] and the edges of the program (start, demo) ask for it.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock"
)]
pub fn now() -> Timestamp {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn utc(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// "23 Nov 2026, 18:51:07 UTC": for titles and records.
pub fn exact(at: Timestamp) -> String {
    utc(at)
        .format(format_description!(
            "[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC"
        ))
        .unwrap_or_default()
}

/// "23 Nov 2026, 18:51": for tables.
pub fn short(at: Timestamp) -> String {
    utc(at)
        .format(format_description!(
            "[day padding:none] [month repr:short] [year], [hour]:[minute]"
        ))
        .unwrap_or_default()
}

/// "23 November 2026": for sentences.
pub fn date(at: Timestamp) -> String {
    utc(at)
        .format(format_description!("[day padding:none] [month repr:long] [year]"))
        .unwrap_or_default()
}

/// "2026-11-23T18:51:07Z": for the `datetime` attribute and for machines (RFC 3339).
pub fn machine(at: Timestamp) -> String {
    utc(at)
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
        ))
        .unwrap_or_default()
}

/// Midnight (UTC) at the start of a day written `2026-11-23`, as a date field sends it.
pub fn parse_day(text: &str) -> Option<Timestamp> {
    let day = time::Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
    Some(day.midnight().assume_utc().unix_timestamp() * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_as_people_write_it() {
        let at = 1_795_459_867_123;
        assert_eq!(exact(at), "23 Nov 2026, 18:51:07 UTC");
        assert_eq!(short(at), "23 Nov 2026, 18:51");
        assert_eq!(date(at), "23 November 2026");
        assert_eq!(machine(at), "2026-11-23T18:51:07Z");
        assert_eq!(parse_day("2026-11-23"), Some(1_795_392_000_000));
        assert_eq!(parse_day("2026-13-23"), None);
    }
}
