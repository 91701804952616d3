//! Text and moments as they are written into XML.

use time::OffsetDateTime;
use time::macros::format_description;

/// Text that can stand between tags and in quotes. What XML 1.0 has no place for is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            control if control.is_control() => {}
            '\u{fffe}' | '\u{ffff}' => {}
            fine => out.push(fine),
        }
    }
    out
}

/// A moment (Unix milliseconds) as SAML writes it (SAML Core §1.3.3): UTC, without fractions.
pub(super) fn instant(at: i64) -> String {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
        ))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_written_becomes_markup() {
        assert_eq!(escaped("a<b>&\"'\u{0}\u{7}\nü"), "a&lt;b&gt;&amp;&quot;&#39; ü");
        assert_eq!(instant(1_795_459_867_999), "2026-11-23T18:51:07Z");
    }
}
