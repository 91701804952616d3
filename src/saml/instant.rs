//! Times in messages: UTC and nothing else (SAML Core §1.3.3).

use time::{Date, Month};

/// Unix milliseconds of `2026-11-24T01:02:03Z`, with any fraction of a second behind a dot. None for anything
/// else: an offset, no zone, 24:00:00, a leap second, a year of five digits.
pub fn read(text: &str) -> Option<i64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let day = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let days =
        i64::from(day.to_julian_day()) - i64::from(Date::from_ordinal_date(1970, 1).ok()?.to_julian_day());
    let seconds = ((days * 24 + i64::from(hour)) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Some(seconds * 1000 + milliseconds(fraction)?)
}

fn numbers(text: &str, between: char, widths: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let digits = parts.next().filter(|part| part.len() == width && digits(part))?;
        *number = digits.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn milliseconds(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || fraction.len() > 20 || !digits(fraction) {
        return None;
    }
    format!("{fraction:0<3}").get(..3)?.parse().ok()
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// How a time is written in our own messages.
pub fn write(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000);
    let day = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    let epoch = Date::from_ordinal_date(1970, 1).map_or(0, Date::to_julian_day);
    let julian = i32::try_from(day).unwrap_or_default().saturating_add(epoch);
    let date = Date::from_julian_day(julian)
        .map(|date| date.to_string())
        .unwrap_or_default();
    format!(
        "{date}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    /// SAML-048.
    #[test]
    fn times_are_utc_and_nothing_else() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-24T01:02:03Z", Some(1_795_482_123_000)),
            ("2026-11-24T01:02:03.5Z", Some(1_795_482_123_500)),
            ("2026-11-24T01:02:03.123456789Z", Some(1_795_482_123_123)),
            ("2024-02-29T23:59:59Z", Some(1_709_251_199_000)),
            ("2023-02-29T00:00:00Z", None),
            ("2026-11-24T01:02:03", None),
            ("2026-11-24T01:02:03+00:00", None),
            ("2026-11-24T01:02:03+01:00Z", None),
            ("2026-11-24T24:00:00Z", None),
            ("2026-12-31T23:59:60Z", None),
            ("10000-01-01T00:00:00Z", None),
            ("-0001-01-01T00:00:00Z", None),
            ("2026-1-1T0:0:0Z", None),
            ("2026-11-24 01:02:03Z", None),
            ("2026-11-24T01:02:03.Z", None),
            ("2026-11-24T01:02:03,5Z", None),
            ("+026-11-24T01:02:03Z", None),
            ("٢026-11-24T01:02:03Z", None),
            (" 2026-11-24T01:02:03Z", None),
            ("", None),
            ("Z", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_time_written_is_a_time_read() {
        for time in [0, 1_795_482_123_000, 4_102_444_799_000, -1000] {
            assert_eq!(read(&write(time)), Some(time));
        }
    }
}
