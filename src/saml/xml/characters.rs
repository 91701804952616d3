//! Characters and references of XML.

use std::borrow::Cow;

use super::XmlError;

/// The characters of XML 1.0 §2.2.
pub(super) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// References replaced, line ends made one line feed, and in attributes white space made spaces (XML 1.0 §2.11,
/// §3.3.3, §4.1, §4.6).
pub(super) fn replaced(text: &str, attribute: bool) -> Result<Cow<'_, str>, XmlError> {
    let odd = |c: char| c == '&' || c == '\r' || (attribute && (c == '\n' || c == '\t'));
    if !text.contains(odd) {
        return Ok(Cow::Borrowed(text));
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        match character {
            '&' => {
                let (name, behind) = rest
                    .split_once(';')
                    .ok_or("An “&” in the XML is not the start of a reference.")?;
                result.push(reference(name)?);
                rest = behind;
            }
            '\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                result.push(if attribute { ' ' } else { '\n' });
            }
            '\n' | '\t' if attribute => result.push(' '),
            other => result.push(other),
        }
    }
    Ok(Cow::Owned(result))
}

fn reference(name: &str) -> Result<char, XmlError> {
    let number = |digits: &str, radix| {
        let plain = !digits.is_empty() && digits.len() <= 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let code = plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten();
        code.and_then(char::from_u32).filter(|c| is_allowed(*c))
    };
    let found = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix("#x") {
            Some(digits) => number(digits, 16),
            None => name.strip_prefix('#').and_then(|digits| number(digits, 10)),
        },
    };
    found.ok_or_else(|| "The XML has a reference that is not read here.".to_owned())
}
