//! Signed parts at the wrong place, changed, or signed by somebody else: messages of attackers who have an
//! honest one.

use super::*;

/// An assertion about somebody else, with the same or another id.
fn evil(id: &str) -> Forge {
    let forge = Forge::new();
    Forge {
        name_id: forge.name_id.replace("ada@corp.example", EVIL),
        attributes: forge.attributes.replace("ada@corp.example", EVIL),
        assertion_id: id.to_owned(),
        ..forge
    }
}

/// SAML-002 to SAML-012, SAML-036, SAML-037.
#[test]
fn wrapped_signatures_are_refused() {
    let forge = Forge::new();
    let honest = forge.signed_assertion();
    let signed = signature(&honest);
    let bare = format!("{}{}", signed.before, signed.after);
    let whole = forge.clone().signed(Sign::Response).build();
    let over = signature(&whole);
    let original = format!("{}{}", over.before, over.after);
    let wrong = evil("_evil").assertion();
    let wrong_response = |inner: &str, extra: &str| {
        let response = Forge {
            response_id: "_evil_response".to_owned(),
            ..Forge::new()
        };
        response.signed(Sign::Nothing).around(&format!("{extra}{inner}"))
    };
    let inside =
        |outer: &str, inner: &str| outer.replace("</saml:Assertion>", &format!("{inner}</saml:Assertion>"));
    let in_signature = |inner: &str| {
        signed
            .part
            .replace("</Signature>", &format!("{inner}</Signature>"))
    };
    let object = |inner: &str| in_signature(&format!("<Object>{inner}</Object>"));
    let carrying = |signature: &str| {
        let issuer = cut(&wrong, "<saml:Issuer>", "</saml:Issuer>");
        format!("{}{}{signature}{}", issuer.before, issuer.part, issuer.after)
    };
    let with_original = over
        .part
        .replace("</Signature>", &format!("{original}</Signature>"));
    let extensions = |inner: &str| format!("<samlp:Extensions>{inner}</samlp:Extensions>");
    all_refused(&[
        ("xsw1", wrong_response(&wrong, &with_original), "assertions"),
        (
            "xsw2",
            wrong_response(&wrong, &format!("{}{original}", over.part)),
            "unknown_element",
        ),
        (
            "xsw3",
            forge.around(&format!("{wrong}{honest}")),
            "unknown_element",
        ),
        ("xsw4", forge.around(&inside(&wrong, &honest)), "assertions"),
        (
            "xsw5",
            forge.around(&format!("{}{bare}", carrying(&signed.part))),
            "unknown_element",
        ),
        (
            "xsw6",
            forge.around(&carrying(&in_signature(&bare))),
            "assertions",
        ),
        (
            "xsw7",
            forge.around(&format!("{}{honest}", extensions(&wrong))),
            "assertions",
        ),
        ("xsw8", forge.around(&carrying(&object(&bare))), "assertions"),
        (
            "evil behind",
            forge.around(&format!("{honest}{wrong}")),
            "unknown_element",
        ),
        (
            "evil around",
            forge.around(&wrong.replace(
                "<saml:Subject>",
                &format!("<saml:Advice>{honest}</saml:Advice><saml:Subject>"),
            )),
            "assertions",
        ),
        (
            "evil in advice",
            forge.around(&honest.replace(
                "<saml:Subject>",
                &format!("<saml:Advice>{wrong}</saml:Advice><saml:Subject>"),
            )),
            "assertions",
        ),
        (
            "in a status detail",
            forge.build().replace(
                "</samlp:Status>",
                &format!("<samlp:StatusDetail>{wrong}</samlp:StatusDetail></samlp:Status>"),
            ),
            "assertions",
        ),
        (
            "in a value",
            forge.around(&honest.replace(
                "ada@corp.example</saml:AttributeValue>",
                &format!("{wrong}</saml:AttributeValue>"),
            )),
            "assertions",
        ),
        (
            "evil of another namespace",
            forge.around(&format!(
                "{honest}{}",
                wrong.replace(
                    "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
                    "xmlns:saml=\"urn:evil\""
                )
            )),
            "unknown_element",
        ),
        (
            "two responses",
            format!("{}{}", forge.build(), forge.build()),
            "xml",
        ),
        (
            "response in response",
            forge.around(&forge.build()),
            "unknown_element",
        ),
        (
            "unsigned",
            forge.clone().signed(Sign::Nothing).build(),
            "unsigned",
        ),
        ("signature removed", forge.around(&bare), "unsigned"),
        ("response’s signature removed", original.clone(), "unsigned"),
        (
            "signature of the response in the assertion",
            forge.around(&carrying(&over.part)),
            "reference",
        ),
        (
            "signature of the assertion in the response",
            original.replace("<samlp:Status>", &format!("{}<samlp:Status>", signed.part)),
            "reference",
        ),
        (
            "signature elsewhere",
            forge.around(&bare.replace("<saml:Subject>", &format!("<saml:Subject>{}", signed.part))),
            "signature_place",
        ),
        (
            "of another message",
            forge.around(&carrying(&signed.part.replace("_assertion1", "_evil"))),
            "signature",
        ),
        (
            "with the same id",
            forge.around(
                &evil("_assertion1")
                    .assertion()
                    .replace("<saml:Subject>", &format!("{}<saml:Subject>", signed.part)),
            ),
            "signature",
        ),
        (
            "two signed people",
            forge.around(&format!("{honest}{}", sign(&wrong, "_evil", &IDP_KEY))),
            "unknown_element",
        ),
    ]);
}

/// SAML-013.
#[test]
fn messages_that_were_changed_are_refused() {
    let honest = Forge::new().build();
    let both = Forge::new().signed(Sign::Both).build();
    let outer = Forge::new().signed(Sign::Response).build();
    all_refused(&[
        (
            "name",
            honest.replace("ada@corp.example</saml:NameID>", "bob@corp.example</saml:NameID>"),
            "signature",
        ),
        ("attribute", honest.replace("staff", "owner"), "signature"),
        ("one bit", honest.replace("Ada King", "Ada Kinf"), "signature"),
        (
            "condition",
            honest.replace("01:07:03Z\"><saml:Aud", "02:07:03Z\"><saml:Aud"),
            "signature",
        ),
        (
            "new attribute",
            honest.replace("<saml:Subject>", "<saml:Subject a=\"b\">"),
            "signature",
        ),
        (
            "destination",
            both.replace("Destination=\"https", "Destination=\"http"),
            "signature",
        ),
        (
            "status",
            outer.replace("status:Success", "status:Sucess"),
            "signature",
        ),
        ("inner of both", both.replace("staff", "owner"), "signature"),
        ("inner of response", outer.replace("staff", "owner"), "signature"),
    ]);
}

/// SAML-014.
#[test]
fn foreign_keys_are_refused_whatever_the_message_says_of_them() {
    let forge = Forge::new();
    let foreign = sign(&forge.assertion(), "_assertion1", &FOREIGN_KEY);
    let info = |inside: &str| {
        let key_info = cut(&foreign, "<KeyInfo>", "</KeyInfo>");
        forge.around(&format!(
            "{}<KeyInfo>{inside}</KeyInfo>{}",
            key_info.before, key_info.after
        ))
    };
    let pinned = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &IDP_KEY.certificate);
    all_refused(&[
        ("faked_cert", forge.around(&foreign), "signature"),
        (
            "pinned certificate shown",
            info(&format!(
                "<X509Data><X509Certificate>{pinned}</X509Certificate></X509Data>"
            )),
            "signature",
        ),
        (
            "key value",
            info(
                "<KeyValue><RSAKeyValue><Modulus>AQAB</Modulus><Exponent>AQAB</Exponent></RSAKeyValue></KeyValue>",
            ),
            "signature",
        ),
        (
            "retrieval",
            info("<RetrievalMethod URI=\"http://127.0.0.1:1/key\"/>"),
            "signature",
        ),
        ("key name", info("<KeyName>idp</KeyName>"), "signature"),
        (
            "response",
            sign(
                &forge.clone().signed(Sign::Nothing).build(),
                "_response1",
                &FOREIGN_KEY,
            ),
            "signature",
        ),
        (
            "response around a good one",
            sign(&forge.build(), "_response1", &FOREIGN_KEY),
            "signature",
        ),
    ]);
}
