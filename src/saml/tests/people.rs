//! Who is here, by which name.

use super::*;

/// SAML-054.
#[test]
fn the_key_has_format_and_qualifiers() {
    let keyed = |attributes: &str, value: &str| {
        let name_id = format!("<saml:NameID {attributes}>{value}</saml:NameID>");
        judged(
            &Forge {
                name_id,
                ..Forge::new()
            }
            .build(),
        )
        .unwrap()
        .identity
        .subject
    };
    let persistent = "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\"";
    assert_eq!(keyed("", "ada"), "unspecified:ada");
    assert_eq!(keyed(persistent, " a1 "), "persistent:a1");
    assert_eq!(
        keyed(
            &format!("{persistent} NameQualifier=\"{IDP}\" SPNameQualifier=\"{SP}\""),
            "a1"
        ),
        "persistent:a1"
    );
    assert_eq!(
        keyed(&format!("{persistent} NameQualifier=\"other|%\""), "a1"),
        "persistent|other%7C%25||a1"
    );
    assert_eq!(
        keyed(&format!("{persistent} SPNameQualifier=\"other\""), "a1"),
        "persistent||other|a1"
    );
}

#[test]
fn attributes_have_many_names() {
    let read = |provider: &Provider, name_id: &str, attributes: &str| {
        let forge = Forge {
            name_id: format!("<saml:NameID>{name_id}</saml:NameID>"),
            attributes: attributes.to_owned(),
            ..Forge::new()
        };
        judged_by(provider, &forge.build(), Some(REQUEST)).unwrap()
    };
    let claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
    for (email, given, family, groups) in [
        ("email", "firstName", "lastName", "groups"),
        ("mail", "givenName", "sn", "Group"),
        (
            "urn:oid:0.9.2342.19200300.100.1.3",
            "urn:oid:2.5.4.42",
            "urn:oid:2.5.4.4",
            "memberOf",
        ),
        (
            &format!("{claims}/emailaddress"),
            &format!("{claims}/givenname"),
            &format!("{claims}/surname"),
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
        ),
        (
            &format!("{claims}/upn"),
            "givenName",
            "surname",
            "http://schemas.xmlsoap.org/claims/Group",
        ),
        (&format!("{claims}/name"), "givenName", "surname", "groups"),
    ] {
        let attributes = [
            attribute(email, &["ada@corp.example"]),
            attribute(given, &["Ada"]),
            attribute(family, &["King"]),
            attribute(groups, &["a", "b"]),
        ];
        let identity = read(&provider(), "7", &attributes.concat()).identity;
        assert_eq!(identity.email.unwrap().as_str(), "ada@corp.example", "{email}");
        assert_eq!(
            (identity.name.given.as_deref(), identity.name.family.as_deref()),
            (Some("Ada"), Some("King"))
        );
        assert_eq!(identity.name.full, None);
        assert_eq!(
            identity.groups,
            Some(vec!["a".to_owned(), "b".to_owned()]),
            "{groups}"
        );
    }
    let mut named = provider();
    named.attributes.email = "work".to_owned();
    named.attributes.groups = "roles".to_owned();
    let both = [
        attribute("mail", &["x@corp.example"]),
        attribute("work", &["ada@corp.example"]),
        attribute("groups", &["x"]),
    ]
    .concat();
    let found = read(&named, "7", &both).identity;
    assert_eq!(
        (found.email.unwrap().as_str(), found.groups),
        ("ada@corp.example", None)
    );
    let nobody = read(&provider(), "7", &attribute("groups", &[]));
    assert_eq!(
        (nobody.identity.email, nobody.identity.groups),
        (None, Some(vec![]))
    );
    assert!(nobody.evidence.note.unwrap().contains("no e-mail address"));
    let by_name = read(&provider(), "ada@corp.example", "");
    assert_eq!(by_name.identity.email.unwrap().as_str(), "ada@corp.example");
}

/// SAML-053.
#[test]
fn an_address_in_the_name_must_be_one() {
    let name_id = Forge::new().name_id.replace("ada@corp.example", "ada");
    let forge = Forge {
        name_id,
        attributes: String::new(),
        ..Forge::new()
    };
    all_refused(&[("not an address", forge.build(), "email_malformed")]);
}
