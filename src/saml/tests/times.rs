//! Messages that are signed well and not of now.

use super::*;

/// SAML-047, SAML-048, SAML-055.
#[test]
fn messages_of_another_time_are_refused() {
    refused_in_every_way(&[
        (
            "expired_scd",
            |f| f.confirmation = scd(REQUEST, ACS, -61_000),
            "expired",
        ),
        (
            "no_scd_noa",
            |f| f.confirmation = bearer(&format!(r#"InResponseTo="{REQUEST}" Recipient="{ACS}""#)),
            "no_expiry",
        ),
        (
            "ten years",
            |f| f.confirmation = scd(REQUEST, ACS, 3650 * 24 * 60 * MINUTE),
            "lifetime",
        ),
        (
            "NotBefore",
            |f| {
                replace(
                    &mut f.confirmation,
                    "InResponseTo",
                    &format!("NotBefore=\"{}\" InResponseTo", at(-MINUTE)),
                )
            },
            "confirmation",
        ),
        (
            "expired_conditions",
            |f| replace(&mut f.conditions, &at(5 * MINUTE), &at(-61_000)),
            "expired",
        ),
        (
            "not_yet",
            |f| replace(&mut f.conditions, &at(-MINUTE), &at(61_000)),
            "not_yet",
        ),
        (
            "issued_in_future",
            |f| replace(&mut f.assertion_attributes, &at(0), &at(61_000)),
            "issued_in_future",
        ),
        (
            "response in future",
            |f| replace(&mut f.response_attributes, &at(0), &at(61_000)),
            "issued_in_future",
        ),
        (
            "issued long ago",
            |f| replace(&mut f.assertion_attributes, &at(0), &at(-11 * MINUTE)),
            "too_old",
        ),
        (
            "response long ago",
            |f| replace(&mut f.response_attributes, &at(0), &at(-11 * MINUTE)),
            "too_old",
        ),
        (
            "signed in in future",
            |f| replace(&mut f.statement, &at(-MINUTE), &at(61_000)),
            "issued_in_future",
        ),
        (
            "session over",
            |f| f.statement = statement(&format!("SessionNotOnOrAfter=\"{}\"", at(-1000))),
            "session_over",
        ),
        (
            "no zone",
            |f| replace(&mut f.assertion_attributes, "03Z", "03"),
            "time",
        ),
        (
            "offset",
            |f| replace(&mut f.assertion_attributes, "03Z", "03+00:00"),
            "time",
        ),
        (
            "leap second",
            |f| replace(&mut f.conditions, "01:07:03Z", "01:07:60Z"),
            "time",
        ),
        (
            "year 10000",
            |f| replace(&mut f.conditions, "2026-11-24T01:07:03Z", "10000-11-24T01:07:03Z"),
            "time",
        ),
        (
            "24:00:00",
            |f| replace(&mut f.conditions, "01:07:03Z", "24:00:00Z"),
            "time",
        ),
        (
            "no IssueInstant",
            |f| f.assertion_attributes = "Version=\"2.0\"".to_owned(),
            "time",
        ),
        (
            "empty time",
            |f| replace(&mut f.statement, &at(-MINUTE), ""),
            "time",
        ),
    ]);
}

/// SAML-047, SAML-048.
#[test]
fn clocks_may_be_a_minute_apart() {
    let honest = |change: Change| {
        let mut forge = Forge::new();
        change(&mut forge);
        judged(&forge.build()).unwrap()
    };
    honest(|f| f.confirmation = scd(REQUEST, ACS, -59_000));
    honest(|f| replace(&mut f.conditions, &at(5 * MINUTE), &at(-59_000)));
    honest(|f| replace(&mut f.conditions, &at(-MINUTE), &at(59_000)));
    honest(|f| replace(&mut f.assertion_attributes, &at(0), &at(59_000)));
    honest(|f| replace(&mut f.assertion_attributes, "03Z", "03.999999999Z"));
    let hour = honest(|f| f.confirmation = scd(REQUEST, ACS, 60 * MINUTE));
    assert!(hour.expires_at >= NOW + 61 * MINUTE);
}

/// SAML-055.
#[test]
fn a_session_ends_when_the_provider_says() {
    let statement = statement(&format!(
        "SessionIndex=\"s9\" SessionNotOnOrAfter=\"{}\"",
        at(5 * MINUTE)
    ));
    let verified = judged(
        &Forge {
            statement,
            ..Forge::new()
        }
        .build(),
    )
    .unwrap();
    assert_eq!(verified.session_ends_at, Some(NOW + 5 * MINUTE));
    assert_eq!(verified.evidence.session_index.as_deref(), Some("s9"));
    assert_eq!(judged(&Forge::new().build()).unwrap().session_ends_at, None);
}
