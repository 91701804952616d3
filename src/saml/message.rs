//! A message as it arrives: from a form's field to XML text, a look at it before anything is believed, and the
//! text that an administrator may see of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::SamlError;
use super::names::SAML;
use super::xml;

/// Longer messages are refused, in bytes of XML.
const LONGEST: usize = 256 * 1024;
/// How much of a message is kept for the administrator, in bytes.
const LONGEST_SHOWN: usize = 16 * 1024;
/// How much of somebody else's text goes into a sentence, in characters.
const LONGEST_QUOTE: usize = 200;
/// Values in Base64 that are longer are shortened for the administrator.
const LONGEST_VALUE: usize = 24;

/// The XML in a form's `SAMLResponse` field (SAML Bindings §3.5.4): Base64, in which line breaks are allowed.
///
/// # Errors
/// When it is not Base64, too long, not UTF-8, or has what no SAML message may have.
pub fn decode(form_field: &str) -> Result<String, SamlError> {
    if form_field.len() > 2 * LONGEST {
        return Err(too_long());
    }
    let packed: String = form_field.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let Ok(bytes) = STANDARD.decode(packed) else {
        return Err(SamlError::unreadable("base64", "The response is not Base64."));
    };
    if bytes.len() > LONGEST {
        return Err(too_long());
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(SamlError::unreadable(
            "encoding",
            "The response is not text in UTF-8.",
        ));
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    refuse_markup(&text)?;
    Ok(text)
}

fn too_long() -> SamlError {
    let sentence = format!("The response is longer than {} KiB.", LONGEST / 1024);
    SamlError::unreadable("too_long", sentence)
}

/// What is refused before any reader of XML sees the text.
fn refuse_markup(text: &str) -> Result<(), SamlError> {
    if text.contains('\0') {
        return Err(SamlError::unreadable(
            "encoding",
            "The response has a zero character.",
        ));
    }
    for declaration in ["<!doctype", "<!entity", "<!notation", "<!element", "<!attlist"] {
        if contains_ignoring_case(text, declaration) {
            let sentence = "The response has a DOCTYPE or an entity, which a SAML message must not have.";
            return Err(SamlError::unreadable("doctype", sentence));
        }
    }
    Ok(())
}

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("<!") {
        let candidate = behind.as_bytes().get(..part.len() - 2);
        if candidate
            .is_some_and(|bytes| bytes.eq_ignore_ascii_case(part.as_bytes().get(2..).unwrap_or_default()))
        {
            return true;
        }
        rest = behind;
    }
    false
}

/// The request that the message says it answers. Nothing of it is verified: it only serves to find the attempt.
pub fn in_response_to(xml: &str) -> Option<String> {
    let root = xml::parse(xml).ok()?;
    root.attribute("InResponseTo").map(str::to_owned)
}

/// Who the message says it is from. Nothing of it is verified.
pub fn issuer(xml: &str) -> Option<String> {
    let root = xml::parse(xml).ok()?;
    root.only(SAML, "Issuer")?
        .text()
        .map(|text| text.trim().to_owned())
}

/// The message for the administrator's record: signatures, certificates and ciphers shortened, and at most 16 KiB.
pub fn shown(xml: &str) -> String {
    let mut result = String::new();
    let mut rest = xml;
    while result.len() <= LONGEST_SHOWN {
        let Some((before, behind)) = rest.split_once('>') else {
            result.push_str(&shortened(rest));
            break;
        };
        let (text, tag) = before
            .rsplit_once('<')
            .map_or(("", before), |(text, tag)| (text, tag));
        result.push_str(&shortened(text));
        result.extend(["<", tag, ">"]);
        rest = behind;
    }
    cut(result)
}

/// A long text without a space looks like a value in Base64, however its lines are broken.
fn shortened(text: &str) -> String {
    let inside = text.trim();
    let encoded = |c: char| c.is_ascii_alphanumeric() || "+/=\r\n\t ".contains(c);
    let words = inside.split_whitespace().map(str::len);
    let has_long_word = words.clone().max().is_some_and(|longest| longest > LONGEST_VALUE);
    if !(has_long_word || inside.len() > 5 * LONGEST_VALUE) || !inside.chars().all(encoded) {
        return text.to_owned();
    }
    let start: String = inside.chars().take(12).collect();
    format!("{start}… ({} characters)", words.sum::<usize>())
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST_SHOWN {
        let end = text.floor_char_boundary(LONGEST_SHOWN);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Somebody else's text in one of our sentences.
pub(super) fn quoted(text: &str) -> String {
    let visible = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(visible).take(LONGEST_QUOTE).collect()
}
