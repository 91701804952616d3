//! Honest responses are believed; everything in the tables is refused, by the check that is named there.
#![expect(
    clippy::too_many_lines,
    clippy::semicolon_if_nothing_returned,
    reason = "a table is as long as its subject"
)]

mod documents;
mod encrypted;
mod mutants;
mod parties;
mod people;
mod signatures;
mod statements;
mod times;
mod wrapping;

use super::testing::*;
use super::{Provider, SamlError, Verified};

/// Somebody who is not in the signed bytes.
const EVIL: &str = "mallory@evil.example";

/// Text around a part.
struct Cut {
    before: String,
    part: String,
    after: String,
}

/// The part from `start` to the end of `end`, the first one or the last one.
fn cut(text: &str, start: &str, end: &str) -> Cut {
    let from = text.find(start).unwrap();
    let to = from + text.split_at(from).1.find(end).unwrap() + end.len();
    Cut {
        before: text.split_at(from).0.to_owned(),
        part: text.split_at(to).0.split_at(from).1.to_owned(),
        after: text.split_at(to).1.to_owned(),
    }
}

fn signature(text: &str) -> Cut {
    cut(text, "<Signature ", "</Signature>")
}

/// Every message of a table must be refused by its check; all that are not are told at once.
fn all_refused(table: &[(&str, String, &str)]) {
    all_refused_by(&provider(), Some(REQUEST), table);
}

fn all_refused_by(provider: &Provider, request: Option<&str>, table: &[(&str, String, &str)]) {
    let faults: Vec<String> = table
        .iter()
        .filter_map(|(name, xml, check)| fault(name, judged_by(provider, xml, request), check))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn fault(name: &str, judged: Result<Verified, SamlError>, check: &str) -> Option<String> {
    match judged {
        Ok(verified) => Some(format!("{name}: believed as {}", verified.identity.subject)),
        Err(error) if error.check != check => Some(format!("{name}: {} ({})", error.check, error.sentence)),
        Err(error) if error.sentence.len() < 20 || !error.sentence.ends_with(['.', '”']) => {
            Some(format!("{name}: “{}”", error.sentence))
        }
        Err(_) => None,
    }
}

type Change = fn(&mut Forge);

/// Each change in a response signed in each of the ways; when only the assertion is signed, what stands outside
/// it is judged just the same.
fn refused_in_every_way(changes: &[(&str, Change, &str)]) {
    for sign in [Sign::Assertion, Sign::Response, Sign::Both] {
        let table: Vec<_> = changes
            .iter()
            .map(|(name, change, check)| {
                let mut forge = Forge::new().signed(sign);
                change(&mut forge);
                (*name, forge.build(), *check)
            })
            .collect();
        all_refused(&table);
    }
}

fn scd(request: &str, recipient: &str, end: i64) -> String {
    bearer(&format!(
        r#"InResponseTo="{request}" Recipient="{recipient}" NotOnOrAfter="{}""#,
        at(end)
    ))
}

fn replace(text: &mut String, from: &str, to: &str) {
    assert!(text.contains(from), "{from} is not in {text}");
    *text = text.replace(from, to);
}

/// SAML-001.
#[test]
fn a_signed_response_is_believed_wherever_its_signature_is() {
    for sign in [Sign::Assertion, Sign::Response, Sign::Both] {
        let judged = judged(&Forge::new().signed(sign).build());
        let verified = judged.unwrap_or_else(|error| panic!("{sign:?}: {error:?}"));
        let identity = &verified.identity;
        assert_eq!(identity.subject, "email:ada@corp.example");
        assert_eq!(
            (identity.issuer.as_str(), identity.connection.as_str()),
            (IDP, "c1")
        );
        let email = identity.email.as_ref().map(ToString::to_string);
        assert_eq!(
            (email.as_deref(), identity.email_verified),
            (Some("ada@corp.example"), None)
        );
        assert_eq!(identity.name.full.as_deref(), Some("Ada King"));
        assert_eq!(
            identity.groups,
            Some(vec!["staff".to_owned(), "admins".to_owned()])
        );
        assert_eq!(verified.assertion_id, "_assertion1");
        assert!(verified.expires_at >= NOW + 6 * MINUTE && verified.expires_at < NOW + 10 * MINUTE);
        assert!(verified.evidence.key.len() > 60 && !verified.evidence.encrypted);
        let signed: &[&str] = match sign {
            Sign::Assertion => &["assertion"],
            Sign::Response => &["response"],
            _ => &["response", "assertion"],
        };
        assert_eq!(verified.evidence.signed, signed);
    }
}

/// SAML-062.
#[test]
fn any_pinned_key_may_sign() {
    let provider = Provider {
        keys: vec![spki(&FOREIGN_KEY), spki(&IDP_KEY)],
        ..provider()
    };
    judged_by(&provider, &Forge::new().build(), Some(REQUEST)).unwrap();
    let nobody = Provider {
        keys: vec![],
        ..provider.clone()
    };
    all_refused_by(
        &nobody,
        Some(REQUEST),
        &[("no key", Forge::new().build(), "signature")],
    );
    let garbage = Provider {
        keys: vec![vec![], b"no key".to_vec()],
        ..provider
    };
    all_refused_by(
        &garbage,
        Some(REQUEST),
        &[("bad key", Forge::new().build(), "signature")],
    );
}

#[test]
fn white_space_and_comments_between_elements_hurt_nobody() {
    let forge = Forge::new();
    let pretty = forge.around(&format!("\r\n<!-- one -->\t{}\n", forge.signed_assertion()));
    judged(&format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{pretty}\n<!-- end -->\n"
    ))
    .unwrap();
}

/// SAML-070, SAML-072, SAML-059.
#[test]
fn a_field_may_be_broken_into_lines_and_nothing_else() {
    let packed = field(&Forge::new().build());
    let lines: Vec<&str> = packed
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    assert!(super::decode(&lines.join("\r\n")).is_ok());
    let sixteen: Vec<u8> = Forge::new()
        .build()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let encode = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    for (name, text, check) in [
        ("garbage behind", format!("{packed}!"), "base64"),
        ("padding in the middle", format!("QQ=={packed}"), "base64"),
        ("of URLs", "PHg-PC94Pg__".to_owned(), "base64"),
        ("in parts", format!("{packed}%0A"), "base64"),
        ("zero", encode(b"<a>\0</a>"), "encoding"),
        ("overlong", encode(b"<a>\xc0\xbc</a>"), "encoding"),
        ("surrogate", encode(b"<a>\xed\xa0\x80</a>"), "encoding"),
        ("UTF-16", encode(&sixteen), "encoding"),
        ("long", encode(&vec![b'a'; 256 * 1024 + 1]), "too_long"),
        ("very long", "A".repeat(10_000_000), "too_long"),
    ] {
        let error = super::decode(&text).unwrap_err();
        assert_eq!((error.check, error.status), (check, 400), "{name}");
    }
}

#[test]
fn a_look_before_judging_finds_request_and_issuer() {
    let xml = Forge::new().build();
    assert_eq!(super::in_response_to(&xml).as_deref(), Some(REQUEST));
    assert_eq!(super::issuer(&xml).as_deref(), Some(IDP));
    assert_eq!(super::in_response_to(&Forge::unsolicited().build()), None);
    assert_eq!(super::in_response_to("<a"), None);
    assert_eq!(super::issuer("<a/>"), None);
}

/// SEC-001.
#[test]
fn what_an_administrator_sees_has_no_signatures() {
    let xml = Forge::new().signed(Sign::Both).build();
    let shown = super::shown(&xml);
    assert!(shown.contains("ada@corp.example") && shown.contains("(344 characters)") && shown.contains(SP));
    assert!(!shown.contains("MIICq") || shown.len() < 7_000, "{shown}");
    for text in [
        "",
        "<",
        ">",
        "a<b",
        "<a>é",
        &"<a>é".repeat(9_000),
        &"é".repeat(20_000),
        &"A ".repeat(30_000),
    ] {
        assert!(super::shown(text).len() <= 17 * 1024);
    }
    let broken = format!("<Value>{}</Value>", "QUJD\n".repeat(40));
    assert_eq!(
        super::shown(&broken),
        "<Value>QUJD\nQUJD\nQU… (160 characters)</Value>"
    );
}
