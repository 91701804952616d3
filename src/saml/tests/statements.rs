//! Messages that are signed well and do not say what they must.

use super::*;

/// SAML-050, SAML-051, SAML-052, SAML-053, SAML-054, SAML-056.
#[test]
fn messages_that_do_not_say_enough_are_refused() {
    fn status(inside: &str) -> String {
        format!("<samlp:Status>{inside}</samlp:Status>")
    }
    refused_in_every_way(&[
        (
            "status_denied",
            |f| {
                f.status =
                    status(r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Requester"/>"#)
            },
            "status",
        ),
        (
            "nested",
            |f| {
                f.status = status(
                    r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:RequestDenied"/></samlp:StatusCode>"#,
                )
            },
            "status",
        ),
        ("no status code", |f| f.status = status(""), "status"),
        ("no status", |f| f.status.clear(), "status"),
        (
            "version_11",
            |f| replace(&mut f.assertion_attributes, "2.0", "1.1"),
            "version",
        ),
        (
            "response of another version",
            |f| replace(&mut f.response_attributes, "\"2.0\"", "\"1.1\""),
            "version",
        ),
        (
            "holder_of_key",
            |f| replace(&mut f.confirmation, "cm:bearer", "cm:holder-of-key"),
            "confirmation",
        ),
        (
            "sender_vouches",
            |f| replace(&mut f.confirmation, "cm:bearer", "cm:sender-vouches"),
            "confirmation",
        ),
        ("no confirmation", |f| f.confirmation.clear(), "confirmation"),
        (
            "no confirmation data",
            |f| {
                f.confirmation =
                    r#"<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"/>"#.to_owned()
            },
            "recipient",
        ),
        ("no NameID", |f| f.name_id.clear(), "name_id"),
        (
            "empty NameID",
            |f| replace(&mut f.name_id, "ada@corp.example", ""),
            "name_id",
        ),
        (
            "blank NameID",
            |f| replace(&mut f.name_id, "ada@corp.example", " \n "),
            "name_id",
        ),
        (
            "long NameID",
            |f| replace(&mut f.name_id, "ada@corp.example", &"a".repeat(10_000)),
            "name_id",
        ),
        ("two NameIDs", |f| f.name_id = f.name_id.repeat(2), "name_id"),
        (
            "encrypted NameID",
            |f| f.name_id = "<saml:EncryptedID/>".to_owned(),
            "name_id",
        ),
        (
            "transient",
            |f| {
                replace(
                    &mut f.name_id,
                    "1.1:nameid-format:emailAddress",
                    "2.0:nameid-format:transient",
                )
            },
            "name_id_format",
        ),
        (
            "Windows name",
            |f| replace(&mut f.name_id, "emailAddress", "WindowsDomainQualifiedName"),
            "name_id_format",
        ),
        ("no AuthnStatement", |f| f.statement.clear(), "authn_statement"),
        (
            "unknown condition",
            |f| {
                f.conditions = conditions(&format!(
                    r#"{}<saml:Condition xmlns:x="urn:x" xsi:type="x:Odd"/>"#,
                    audience(&[SP])
                ))
            },
            "condition",
        ),
        (
            "foreign condition",
            |f| f.conditions = conditions(&format!(r#"{}<x:Odd xmlns:x="urn:x"/>"#, audience(&[SP]))),
            "condition",
        ),
        (
            "unknown statement",
            |f| f.statement.push_str("<saml:AuthzDecisionStatement/>"),
            "unknown_element",
        ),
        (
            "unknown part",
            |f| f.status.push_str("<x:Odd xmlns:x=\"urn:x\"/>"),
            "unknown_element",
        ),
        (
            "two conditions",
            |f| f.conditions = f.conditions.repeat(2),
            "unknown_element",
        ),
        (
            "two addresses",
            |f| {
                replace(
                    &mut f.attributes,
                    "ada@corp.example</saml:AttributeValue>",
                    "ada@corp.example</saml:AttributeValue><saml:AttributeValue>b@corp.example</saml:AttributeValue>",
                )
            },
            "email_malformed",
        ),
        (
            "malformed address",
            |f| replace(&mut f.attributes, "ada@corp.example", "ada@@corp.example"),
            "email_malformed",
        ),
    ]);
}

/// SAML-053.
#[test]
fn no_subject_at_all_is_refused() {
    let xml = Forge::new().assertion();
    let from = xml.find("<saml:Subject>").unwrap();
    let to = xml.find("</saml:Subject>").unwrap() + "</saml:Subject>".len();
    let bare = format!("{}{}", xml.split_at(from).0, xml.split_at(to).1);
    let signed = sign(&bare, "_assertion1", &IDP_KEY);
    all_refused(&[("no subject", Forge::new().around(&signed), "subject")]);
}

/// SAML-050.
#[test]
fn a_provider_that_refuses_is_quoted() {
    let status = r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>&lt;b&gt;No&#x202e; entry</samlp:StatusMessage></samlp:Status>"#;
    let forge = Forge {
        status: status.to_owned(),
        ..Forge::new()
    }
    .signed(Sign::Nothing);
    let error = judged(&forge.around("")).unwrap_err();
    assert_eq!(error.check, "status");
    assert!(
        error
            .sentence
            .contains("(Responder, AuthnFailed). It says: “<b>No entry”."),
        "{}",
        error.sentence
    );
    all_refused(&[(
        "success without an assertion",
        Forge::new().signed(Sign::Nothing).around(""),
        "assertions",
    )]);
}

/// SAML-052.
#[test]
fn one_good_confirmation_is_enough() {
    let good = Forge::new().confirmation;
    for other in [
        good.replace("cm:bearer", "cm:holder-of-key"),
        scd(REQUEST, "https://other.example/acs", MINUTE),
        scd(REQUEST, ACS, -10 * MINUTE),
    ] {
        for confirmation in [format!("{good}{other}"), format!("{other}{good}")] {
            judged(
                &Forge {
                    confirmation,
                    ..Forge::new()
                }
                .build(),
            )
            .unwrap();
        }
    }
}

/// SAML-056.
#[test]
fn known_conditions_hurt_nobody() {
    let inside = format!(
        r#"{}<saml:OneTimeUse/><saml:ProxyRestriction Count="0"/>"#,
        audience(&[SP])
    );
    judged(
        &Forge {
            conditions: conditions(&inside),
            ..Forge::new()
        }
        .build(),
    )
    .unwrap();
}
