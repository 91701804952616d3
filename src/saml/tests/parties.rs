//! Messages that are signed well and are for somebody else, from somebody else, or not an answer to us.

use super::*;
use crate::saml::ServiceProvider;

/// SAML-039, SAML-040, SAML-041, SAML-042, SAML-049.
#[test]
fn messages_for_somebody_else_are_refused() {
    refused_in_every_way(&[
        (
            "wrong_audience",
            |f| f.conditions = conditions(&audience(&["https://other.example"])),
            "audience",
        ),
        ("no_audience", |f| f.conditions = conditions(""), "audience"),
        ("no conditions", |f| f.conditions.clear(), "audience"),
        (
            "empty audience",
            |f| f.conditions = conditions(&audience(&[])),
            "audience",
        ),
        (
            "audience_prefix",
            |f| f.conditions = conditions(&audience(&[&SP[..SP.len() - 1]])),
            "audience",
        ),
        (
            "audience longer",
            |f| f.conditions = conditions(&audience(&[&format!("{SP}/")])),
            "audience",
        ),
        (
            "audience in capitals",
            |f| f.conditions = conditions(&audience(&[&SP.to_uppercase()])),
            "audience",
        ),
        (
            "two restrictions",
            |f| {
                f.conditions = conditions(&format!(
                    "{}{}",
                    audience(&[SP]),
                    audience(&["https://other.example"])
                ))
            },
            "audience",
        ),
        (
            "wrong_recipient",
            |f| f.confirmation = scd(REQUEST, "https://other.example/acs", MINUTE),
            "recipient",
        ),
        (
            "no_recipient",
            |f| replace(&mut f.confirmation, &format!("Recipient=\"{ACS}\""), ""),
            "recipient",
        ),
        (
            "wrong_destination",
            |f| replace(&mut f.response_attributes, ACS, "https://other.example/acs"),
            "destination",
        ),
        (
            "destination with a query",
            |f| replace(&mut f.response_attributes, ACS, &format!("{ACS}?x")),
            "destination",
        ),
        (
            "empty destination",
            |f| replace(&mut f.response_attributes, ACS, ""),
            "destination",
        ),
        (
            "another request",
            |f| replace(&mut f.response_attributes, REQUEST, "_other"),
            "in_response_to",
        ),
        (
            "another request inside",
            |f| replace(&mut f.confirmation, REQUEST, "_other"),
            "in_response_to",
        ),
        (
            "no request",
            |f| {
                replace(
                    &mut f.response_attributes,
                    &format!("InResponseTo=\"{REQUEST}\""),
                    "",
                )
            },
            "in_response_to",
        ),
        (
            "no request inside",
            |f| replace(&mut f.confirmation, &format!("InResponseTo=\"{REQUEST}\""), ""),
            "in_response_to",
        ),
        (
            "wrong_issuer",
            |f| replace(&mut f.response_issuer, IDP, "https://evil.example"),
            "issuer",
        ),
        (
            "assertion_issuer",
            |f| replace(&mut f.assertion_issuer, IDP, "https://evil.example"),
            "issuer",
        ),
        ("no issuer inside", |f| f.assertion_issuer.clear(), "issuer"),
        (
            "issuer with a format",
            |f| {
                replace(
                    &mut f.assertion_issuer,
                    "<saml:Issuer>",
                    "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified\">",
                )
            },
            "issuer",
        ),
        (
            "issuer with a qualifier",
            |f| {
                replace(
                    &mut f.response_issuer,
                    "<saml:Issuer>",
                    "<saml:Issuer NameQualifier=\"x\">",
                )
            },
            "issuer",
        ),
        (
            "issuer longer",
            |f| replace(&mut f.assertion_issuer, IDP, &format!("{IDP}/")),
            "issuer",
        ),
    ]);
    let unnamed = |sign| {
        let mut forge = Forge::new().signed(sign);
        forge.response_issuer.clear();
        forge.build()
    };
    let nowhere = Forge::new()
        .response_attributes
        .replace(&format!("Destination=\"{ACS}\""), "");
    let nowhere = Forge {
        response_attributes: nowhere,
        ..Forge::new()
    };
    all_refused(&[
        (
            "signed response without an issuer",
            unnamed(Sign::Response),
            "issuer",
        ),
        (
            "signed response without a destination",
            nowhere.clone().signed(Sign::Response).build(),
            "destination",
        ),
    ]);
    judged(&nowhere.build()).unwrap();
    judged(&unnamed(Sign::Assertion)).unwrap();
}

/// SAML-039.
#[test]
fn one_of_several_audiences_is_enough() {
    let conditions = conditions(&audience(&["https://other.example", SP]));
    judged(
        &Forge {
            conditions,
            ..Forge::new()
        }
        .build(),
    )
    .unwrap();
}

/// SAML-038, SAML-041.
#[test]
fn another_connection_does_not_take_the_message() {
    let elsewhere = ServiceProvider {
        entity_id: SP.replace("c1", "c2"),
        acs_url: ACS.replace("c1", "c2"),
        keys: vec![],
    };
    for sign in [Sign::Assertion, Sign::Response, Sign::Both] {
        let xml = Forge::new().signed(sign).build();
        let error = crate::saml::verify(&provider(), &elsewhere, "c2", &xml, Some(REQUEST), NOW).unwrap_err();
        assert_eq!(error.check, "destination");
        assert_eq!(
            error.sentence,
            format!(
                "The response is for another ACS address: {ACS}. Update it in the identity provider to {}.",
                elsewhere.acs_url
            )
        );
    }
}

/// SAML-043, SAML-044.
#[test]
fn unsolicited_responses_need_to_be_allowed() {
    let allowed = Provider {
        idp_initiated: true,
        ..provider()
    };
    for sign in [Sign::Assertion, Sign::Response, Sign::Both] {
        let unsolicited = Forge::unsolicited().signed(sign).build();
        let verified = judged_by(&allowed, &unsolicited, None).unwrap();
        assert!(verified.evidence.unsolicited);
        all_refused_by(
            &provider(),
            None,
            &[("not allowed", unsolicited.clone(), "unsolicited")],
        );
        all_refused_by(
            &allowed,
            Some(REQUEST),
            &[("asked", unsolicited, "in_response_to")],
        );
        let mut old = Forge::unsolicited().signed(sign);
        replace(&mut old.assertion_attributes, &at(0), &at(-6 * MINUTE - 1000));
        let mut inside = Forge::unsolicited().signed(sign);
        inside.confirmation = Forge::new().confirmation;
        all_refused_by(
            &allowed,
            None,
            &[
                (
                    "answers a request",
                    Forge::new().signed(sign).build(),
                    "in_response_to",
                ),
                ("answers one inside", inside.build(), "in_response_to"),
                ("old", old.build(), "too_old"),
            ],
        );
    }
}
