//! Times in the reader's zone: the one that a browser chose in My account, from its cookie. Where none is chosen
//! pages say UTC, and a small script writes the browser's own.
//!
//! A page is made in one go while its request is answered, so that the zone is a value of that task: no template has
//! to hand it on. What is written for machines, and the exact moment on hover, stay in UTC.

use std::future::Future;

use actix_web::HttpRequest;
use jiff::tz::TimeZone;

use super::Site;
use crate::store::time::{self, Timestamp};

/// The name of the cookie.
pub const COOKIE: &str = "zone";

/// The zones to choose from, by the names of the time zone database.
pub const ZONES: [&str; 52] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Toronto",
    "Asia/Bangkok",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Jerusalem",
    "Asia/Karachi",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Riyadh",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Taipei",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Reykjavik",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Moscow",
    "Europe/Paris",
    "Europe/Warsaw",
    "Pacific/Auckland",
    "Pacific/Honolulu",
];

/// What stands for the choice of UTC itself.
pub const UTC: &str = "UTC";

tokio::task_local! {
    static ZONE: Option<TimeZone>;
}

/// The zone of this name, if it is one to choose.
pub fn named(name: &str) -> Option<TimeZone> {
    if name == UTC {
        return Some(TimeZone::UTC);
    }
    ZONES.contains(&name).then(|| TimeZone::get(name).ok()).flatten()
}

/// The name of the zone that the reader chose, empty for none.
pub fn chosen() -> String {
    let zone = ZONE.try_with(Clone::clone).unwrap_or_default();
    zone.and_then(|zone| zone.iana_name().map(str::to_owned))
        .unwrap_or_default()
}

/// The zone that this browser chose.
pub(super) fn of(request: &HttpRequest, site: &Site) -> Option<TimeZone> {
    named(request.cookie(&site.cookie_name(COOKIE))?.value())
}

/// Does the work with this zone.
pub(super) async fn within<F: Future>(zone: Option<TimeZone>, work: F) -> F::Output {
    ZONE.scope(zone, work).await
}

/// Whether the reader chose a zone.
pub fn is_chosen() -> bool {
    ZONE.try_with(Option::is_some).unwrap_or(false)
}

/// "23 Nov 2026, 19:51" in the reader's zone.
pub fn short(at: Timestamp) -> String {
    let zone = ZONE.try_with(Clone::clone).unwrap_or_default();
    let ahead = zone.and_then(|zone| {
        let moment = jiff::Timestamp::from_millisecond(at).ok()?;
        Some(i64::from(zone.to_offset(moment).seconds()) * time::SECOND)
    });
    time::short(at + ahead.unwrap_or_default())
}

/// The moment that a field for date and time says, `2026-11-23T19:51`, by the reader's clock; none where it says none.
pub fn moment(text: &str) -> Option<Timestamp> {
    let zone = ZONE.try_with(Clone::clone).unwrap_or_default();
    let read = |format: &str| jiff::civil::DateTime::strptime(format, text).ok();
    let civil = read("%Y-%m-%dT%H:%M").or_else(|| read("%Y-%m-%d %H:%M"))?;
    let moment = zone.unwrap_or(TimeZone::UTC).to_timestamp(civil).ok()?;
    Some(moment.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = 1_795_459_867_123; // 23 November 2026, 18:51:07 UTC

    #[test]
    fn every_zone_to_choose_is_known() {
        for name in ZONES {
            assert!(named(name).is_some(), "{name}");
        }
        assert!(named("Mars/Olympus_Mons").is_none() && named("").is_none());
    }

    #[actix_web::test]
    async fn a_time_reads_as_the_readers_clock() {
        let read = async |name: &str| within(named(name), async { short(AT) }).await;
        assert_eq!(read("Europe/Berlin").await, "23 Nov 2026, 19:51");
        assert_eq!(read("Asia/Kathmandu").await, "24 Nov 2026, 00:36");
        assert_eq!(read("UTC").await, "23 Nov 2026, 18:51");
        assert_eq!(
            (read("").await, short(AT)),
            ("23 Nov 2026, 18:51".into(), "23 Nov 2026, 18:51".into())
        );
        // Summer time is the zone's own matter.
        let july = async { short(AT + 230 * time::DAY) };
        assert_eq!(within(named("Europe/Berlin"), july).await, "11 Jul 2027, 20:51");
    }

    #[actix_web::test]
    async fn a_moment_is_typed_by_the_readers_clock() {
        let minute = AT - AT % time::MINUTE;
        let read = async |name: &str, text: &str| within(named(name), async { moment(text) }).await;
        assert_eq!(read("Europe/Berlin", "2026-11-23T19:51").await, Some(minute));
        assert_eq!(read("", "2026-11-23 18:51").await, Some(minute));
        assert_eq!(moment("2026-11-23T18:51"), Some(minute));
        for wrong in ["", "soon", "2026-13-01T10:00", "2026-11-23"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
