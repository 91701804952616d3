//! Moments on the wire: `xsd:dateTime` in UTC with milliseconds (RFC 7643 §2.3.5).

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// The text of a moment in Unix milliseconds: `2026-11-24T01:02:03.004Z`.
#[must_use]
pub fn format(at: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        ))
        .unwrap_or_default()
}

/// The moment that a text names, in Unix milliseconds; a text without an offset is taken for UTC.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339))
        .ok()?;
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_go_there_and_back() {
        assert_eq!(format(1_795_482_123_004), "2026-11-24T01:02:03.004Z");
        assert_eq!(parse("2026-11-24T01:02:03.004Z"), Some(1_795_482_123_004));
        assert_eq!(parse("2026-11-24T02:02:03.004+01:00"), Some(1_795_482_123_004));
        assert_eq!(parse("2026-11-24T01:02:03"), Some(1_795_482_123_000));
        assert_eq!(parse("yesterday"), None);
    }
}
