//! Texts, ids, namespaces and whole documents that two readers of XML might read in two ways.

use super::*;

/// SAML-016, SAML-017, SAML-072.
#[test]
fn texts_that_hide_a_part_are_refused() {
    let honest = Forge::new().build();
    let name =
        |text: &str| honest.replace("ada@corp.example</saml:NameID>", &format!("{text}</saml:NameID>"));
    let value = |text: &str| {
        honest.replace(
            "ada@corp.example</saml:AttributeValue>",
            &format!("{text}</saml:AttributeValue>"),
        )
    };
    let signed = |name_id: &str| {
        let name_id = Forge::new().name_id.replace("ada@corp.example", name_id);
        Forge {
            name_id,
            ..Forge::new()
        }
        .build()
    };
    all_refused(&[
        (
            "comment_nameid",
            name("ada@corp.example<!---->.evil.example"),
            "mixed_text",
        ),
        (
            "comment kept by the signature",
            name("ada@corp.example<!-- x -->"),
            "mixed_text",
        ),
        ("comment before", name("<!-- x -->ada@corp.example"), "mixed_text"),
        (
            "comment in a value",
            value("ada@corp<!---->.example"),
            "mixed_text",
        ),
        (
            "comment signed",
            signed("admin@corp.example<!---->.evil.example"),
            "mixed_text",
        ),
        ("pi_nameid", name("ada@corp.example<?x y?>.evil.example"), "xml"),
        ("cdata", name("<![CDATA[ada@corp.example]]>"), "xml"),
        ("entity", name("ada&evil;@corp.example"), "xml"),
        ("numeric zero", name("ada&#0;@corp.example"), "xml"),
        ("noncharacter", name("ada&#xFFFE;@corp.example"), "xml"),
        ("noncharacter itself", name("ada\u{fffe}@corp.example"), "xml"),
        ("surrogate", name("ada&#xD800;@corp.example"), "xml"),
        ("element", signed("ada@corp.example<b>.evil</b>"), "mixed_text"),
        ("element alone", signed("<b>ada@corp.example</b>"), "name_id"),
        ("unclosed comment", name("ada<!--"), "xml"),
        (
            "another form of the name",
            name("ada&#x301;@corp.example"),
            "signature",
        ),
    ]);
}

/// SAML-021, SAML-022, SAML-023, SAML-028.
#[test]
fn ids_and_namespaces_of_another_kind_are_refused() {
    let honest = Forge::new().build();
    let start = |text: &str| honest.replace("ID=\"_assertion1\"", text);
    let namespace = |from: &str, to: &str| honest.replace(from, to);
    all_refused(&[
        (
            "dup_id",
            honest.replace("_response1", "_assertion1"),
            "duplicate_id",
        ),
        (
            "dup in a value",
            honest.replace(
                "<saml:Attribute Name=\"mail\"",
                "<saml:Attribute ID=\"_assertion1\" Name=\"mail\"",
            ),
            "duplicate_id",
        ),
        (
            "namespaced too",
            start("ID=\"_assertion1\" xs:ID=\"_x\""),
            "id_attribute",
        ),
        ("namespaced only", start("xs:ID=\"_assertion1\""), "id_attribute"),
        ("id", start("ID=\"_assertion1\" id=\"_x\""), "id_attribute"),
        ("Id", start("Id=\"_assertion1\""), "id_attribute"),
        (
            "xml:id",
            start("ID=\"_assertion1\" xml:id=\"_x\""),
            "id_attribute",
        ),
        ("empty id", start("ID=\"\""), "id_attribute"),
        ("no id", start(""), "reference"),
        ("id twice", start("ID=\"_assertion1\" ID=\"_x\""), "xml"),
        ("odd id", start("ID=\"a b\""), "id_attribute"),
        (
            "relative namespace",
            namespace("xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", "xmlns:xs=\"1\""),
            "xml",
        ),
        (
            "void_c14n",
            namespace("<samlp:Response ", "<samlp:Response xmlns:ns=\"relative\" "),
            "xml",
        ),
        (
            "entity in a namespace",
            namespace(
                "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"",
                "xmlns:xs=\"http://a&#x20;b\"",
            ),
            "xml",
        ),
        (
            "character in a namespace",
            namespace(
                "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"",
                "xmlns:xs=\"http://a\u{80}b\"",
            ),
            "xml",
        ),
        (
            "saml redeclared",
            namespace("<saml:Subject>", "<saml:Subject xmlns:saml=\"urn:evil\">"),
            "namespace",
        ),
        (
            "ds redeclared",
            namespace("<saml:Subject>", "<saml:Subject xmlns:ds=\"urn:evil\">"),
            "namespace",
        ),
        (
            "xml redeclared",
            namespace("<saml:Subject>", "<saml:Subject xmlns:xml=\"urn:evil\">"),
            "xml",
        ),
        (
            "xmlns redeclared",
            namespace("<saml:Subject>", "<saml:Subject xmlns:xmlns=\"urn:evil\">"),
            "xml",
        ),
        (
            "declared twice",
            namespace("<samlp:Response ", "<samlp:Response xmlns:saml=\"urn:evil\" "),
            "xml",
        ),
        (
            "prefix without a namespace",
            namespace("<saml:Subject>", "<evil:Subject>"),
            "xml",
        ),
        (
            "prefix undeclared",
            namespace("<saml:Subject>", "<saml:Subject xmlns:xs=\"\">"),
            "xml",
        ),
        (
            "assertion of SAML 1.1",
            namespace(
                "urn:oasis:names:tc:SAML:2.0:assertion",
                "urn:oasis:names:tc:SAML:1.0:assertion",
            ),
            "unknown_element",
        ),
    ]);
}

/// SAML-024, SAML-025, SAML-033, SAML-034, SAML-035, SAML-051, RES-004.
#[test]
fn documents_that_are_more_than_a_message_are_refused() {
    let honest = Forge::new().build();
    let laughs: Vec<String> = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let laughs = laughs.concat();
    let deep = |levels: usize| {
        let nested = format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        honest.replace(
            "</samlp:Status>",
            &format!("<samlp:StatusDetail>{nested}</samlp:StatusDetail></samlp:Status>"),
        )
    };
    let many: Vec<String> = (0..1000).map(|n| format!(" a{n}=\"\"")).collect();
    let many = many.concat();
    all_refused(&[
        (
            "round_trip",
            format!("<!DOCTYPE samlp:Response>{honest}"),
            "doctype",
        ),
        (
            "entity_id",
            format!("<!DOCTYPE r [<!ENTITY e \"x\">]>{honest}"),
            "doctype",
        ),
        ("in small letters", format!("<!doctype r>{honest}"), "doctype"),
        (
            "notation",
            format!("<!DOCTYPE r [<!NOTATION n SYSTEM \"x\">]>{honest}"),
            "doctype",
        ),
        (
            "in the middle",
            honest.replace("<saml:Subject>", "<!DOCTYPE x><saml:Subject>"),
            "doctype",
        ),
        (
            "xxe_file",
            format!("<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{honest}"),
            "doctype",
        ),
        (
            "xxe_http",
            format!("<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/x.dtd\">{honest}"),
            "doctype",
        ),
        (
            "parameter entity",
            format!("<!DOCTYPE r [<!ENTITY % e SYSTEM \"http://127.0.0.1:1/\"> %e;]>{honest}"),
            "doctype",
        ),
        (
            "billion_laughs",
            format!("<!DOCTYPE r [<!ENTITY l0 \"lol\">{laughs}]>{honest}"),
            "doctype",
        ),
        (
            "UTF-7",
            format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{honest}"),
            "xml",
        ),
        (
            "UTF-16 by name",
            format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{honest}"),
            "xml",
        ),
        (
            "EBCDIC",
            format!("<?xml version=\"1.0\" encoding=\"IBM037\"?>{honest}"),
            "xml",
        ),
        ("XML 1.1", format!("<?xml version=\"1.1\"?>{honest}"), "xml"),
        (
            "instruction",
            format!("<?xml-stylesheet href=\"http://127.0.0.1:1/\"?>{honest}"),
            "xml",
        ),
        ("deep", deep(200), "xml"),
        ("very deep", deep(30_000), "xml"),
        (
            "many attributes",
            honest.replace("<saml:Subject>", &format!("<saml:Subject{many}>")),
            "xml",
        ),
        (
            "many elements",
            honest.replace(
                "</samlp:Status>",
                &format!(
                    "<samlp:StatusDetail>{}</samlp:StatusDetail></samlp:Status>",
                    "<a/>".repeat(20_000)
                ),
            ),
            "xml",
        ),
        (
            "long text",
            honest.replace("Ada King", &"x".repeat(300_000)),
            "too_long",
        ),
        ("nothing", String::new(), "xml"),
        ("blank", " ".to_owned(), "xml"),
        ("half", honest.split_at(honest.len() / 2).0.to_owned(), "xml"),
        ("not XML", "status=ok".to_owned(), "xml"),
        ("another element", "<a/>".to_owned(), "not_a_response"),
        (
            "logout request",
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>".to_owned(),
            "not_a_response",
        ),
        (
            "request",
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>".to_owned(),
            "not_a_response",
        ),
        (
            "assertion alone",
            Forge::new().signed_assertion(),
            "not_a_response",
        ),
        (
            "response of SAML 1.1",
            "<Response xmlns=\"urn:oasis:names:tc:SAML:1.0:protocol\"/>".to_owned(),
            "not_a_response",
        ),
    ]);
}
