//! Text as it is written into XML.

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

#[cfg(test)]
mod tests {
    use super::*;

    /// SAML-068.
    #[test]
    fn nothing_written_becomes_markup() {
        assert_eq!(escaped("a<b>&\"'\u{0}\u{7}\nü"), "a&lt;b&gt;&amp;&quot;&#39; ü");
    }
}
