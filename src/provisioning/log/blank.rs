//! What a request carries, made fit to be kept: without secrets, and not longer than anybody would read.

use serde_json::Value;

use crate::store::text::tame;

/// How many bytes of a body are kept.
const MOST: usize = 8 * 1024;
/// What stands in the place of a secret.
const BLANK: &str = "(blanked)";
/// Parts of names whose values are secrets.
const SECRETS: [&str; 4] = ["password", "secret", "token", "credential"];

/// The body as it is kept. What is no JSON is not kept: nobody could tell what in it is secret.
pub fn body(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let text = match (std::str::from_utf8(bytes), may_hold_secret(bytes)) {
        (Ok(text), false) => text.to_owned(),
        _ => match serde_json::from_slice::<Value>(bytes) {
            Ok(mut value) => {
                blank(&mut value);
                value.to_string()
            }
            Err(_) => return format!("({} bytes that are no JSON)", bytes.len()),
        },
    };
    cut(&text.replace('\0', "\u{fffd}"))
}

/// Path and query as they are kept.
pub fn path(path: &str) -> String {
    let Some((before, query)) = path.split_once('?') else {
        return tame(path, 1_000);
    };
    let parts: Vec<String> = query
        .split('&')
        .map(|part| {
            let name = part.split('=').next().unwrap_or_default();
            if is_secret(&plain(part)) {
                format!("{}={BLANK}", tame(name, 40))
            } else {
                part.to_owned()
            }
        })
        .collect();
    tame(&format!("{before}?{}", parts.join("&")), 1_000)
}

/// The part of a query as it is meant.
fn plain(part: &str) -> String {
    url::form_urlencoded::parse(part.as_bytes())
        .next()
        .map(|(name, value)| format!("{name}={value}"))
        .unwrap_or_default()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

/// Whether it is worth reading it as JSON. Escapes could spell a name that the bytes don't show.
fn may_hold_secret(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\\u") || is_secret(&String::from_utf8_lossy(bytes))
}

fn blank(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(blank),
        Value::Object(fields) => {
            // An operation of a PATCH names its attribute beside the value.
            let names_secret = fields.iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("path") && value.as_str().is_some_and(is_secret)
            });
            for (name, value) in fields {
                if is_secret(name) || (names_secret && name.eq_ignore_ascii_case("value")) {
                    *value = Value::from(BLANK);
                } else {
                    blank(value);
                }
            }
        }
        _ => {}
    }
}

fn cut(text: &str) -> String {
    if text.len() <= MOST {
        return text.to_owned();
    }
    let end = (0..=MOST)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    let start = text.get(..end).unwrap_or_default();
    format!("{start} … ({} bytes in all)", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-001.
    #[test]
    fn secrets_are_blanked_wherever_they_stand() {
        for (sent, kept) in [
            (r#"{"userName":"ada"}"#, r#"{"userName":"ada"}"#),
            (
                r#"{"userName":"ada","Password":"x"}"#,
                r#"{"Password":"(blanked)","userName":"ada"}"#,
            ),
            (r#"{"pass\u0077ord":"x"}"#, r#"{"password":"(blanked)"}"#),
            (
                r#"{"Operations":[{"op":"replace","path":"password","value":"x"}]}"#,
                r#"{"Operations":[{"op":"replace","path":"password","value":"(blanked)"}]}"#,
            ),
            (
                r#"{"Operations":[{"op":"add","Path":"urn:a:2.0:User:password","Value":{"a":1}}]}"#,
                r#"{"Operations":[{"Path":"urn:a:2.0:User:password","Value":"(blanked)","op":"add"}]}"#,
            ),
            (
                r#"{"Operations":[{"method":"POST","data":{"password":"x"}}]}"#,
                r#"{"Operations":[{"data":{"password":"(blanked)"},"method":"POST"}]}"#,
            ),
            (r#"{"password": x"#, "(14 bytes that are no JSON)"),
            ("", ""),
        ] {
            assert_eq!(body(sent.as_bytes()), kept, "{sent}");
        }
        assert_eq!(body(b"\xff\xfe"), "(2 bytes that are no JSON)");
    }

    #[test]
    fn long_bodies_are_cut_between_letters() {
        let kept = body("é".repeat(5_000).as_bytes());
        assert!(
            kept.ends_with("… (10000 bytes in all)") && kept.len() < MOST + 40,
            "{}",
            kept.len()
        );
    }

    /// SEC-001.
    #[test]
    fn a_query_tells_no_secret() {
        assert_eq!(
            path("/scim/v2/Users?filter=userName%20eq%20%22a%22"),
            "/scim/v2/Users?filter=userName%20eq%20%22a%22"
        );
        assert_eq!(
            path("/scim/v2/Users?access_token=abc&count=1"),
            "/scim/v2/Users?access_token=(blanked)&count=1"
        );
        assert_eq!(
            path("/scim/v2/Users?filter=p%61ssword+sw+%22a%22"),
            "/scim/v2/Users?filter=(blanked)"
        );
    }
}
