//! Text of people, made harmless for letters: what somebody calls themselves or their organization is read, never
//! followed.

/// The longest text that one part of a letter holds, in characters.
const LONGEST: usize = 2_000;

/// The text without control characters and those that turn the reading direction, in one line, and with each
/// address of the web broken (`evil[.]example`, `http[:]//…`), so that no mail program makes a link of it.
pub fn disarm(text: &str) -> String {
    let seen = text.chars().take(LONGEST).map(visible).collect::<String>();
    // The beginning of an encoded word (RFC 2047 §2), which a mail program would read as something else.
    let seen = seen.replace("=?", "= ?");
    seen.split_whitespace().map(broken).collect::<Vec<_>>().join(" ")
}

fn visible(letter: char) -> char {
    let turns = matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if letter.is_control() || turns { ' ' } else { letter }
}

/// Breaks dots that a domain's label follows, and colons of schemes.
fn broken(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::with_capacity(word.len());
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(place + 1..).unwrap_or_default();
        let is_link = before.is_some()
            && match letter {
                '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => is_label(after),
                ':' => before.is_some_and(char::is_ascii_alphabetic) && !after.is_empty(),
                _ => false,
            };
        if is_link {
            out.extend(['[', *letter, ']']);
        } else {
            out.push(*letter);
        }
    }
    out
}

/// Whether a label of a domain may begin here that is more than an initial: two letters, or a sign of IDNA.
fn is_label(after: &[char]) -> bool {
    match after {
        [one, two, ..] => {
            one.is_alphanumeric() && (two.is_alphanumeric() || *two == '-') && !both_digits(*one, *two)
        }
        _ => false,
    }
}

fn both_digits(one: char, two: char) -> bool {
    one.is_ascii_digit() && two.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::disarm;

    /// EML-003.
    #[test]
    fn no_name_is_a_link() {
        for (name, read) in [
            ("Visit evil.example", "Visit evil[.]example"),
            ("https://evil.example/x", "https[:]//evil[.]example/x"),
            ("www.evil.example.", "www[.]evil[.]example."),
            ("mailto:a@evil.example", "mailto[:]a@evil[.]example"),
            ("evil\u{3002}example", "evil[\u{3002}]example"),
            ("javascript:alert(1)", "javascript[:]alert(1)"),
            ("evil.xn--p1ai", "evil[.]xn--p1ai"),
            ("evil.рф", "evil[.]рф"),
        ] {
            assert_eq!(disarm(name), read);
        }
    }

    #[test]
    fn names_of_people_stay_as_they_are() {
        for name in [
            "Ada King",
            "J. R. R. Tolkien",
            "Acme Inc.",
            "Жанна d’Arc",
            "18:51 UTC",
            "3.14",
            "Müller & Söhne",
            "山田 太郎",
            "نازنین\u{200c}زهرا",
        ] {
            assert_eq!(disarm(name), name);
        }
    }

    /// EML-001, OUT-003.
    #[test]
    fn no_line_is_broken_and_no_direction_turned() {
        assert_eq!(disarm("Ada\r\nBcc: x@corp.example"), "Ada Bcc: x@corp[.]example");
        assert_eq!(disarm("Ada\0\u{202e}gnik\u{2028}x"), "Ada gnik x");
        assert_eq!(disarm("=?utf-8?q?Bcc?="), "= ?utf-8?q?Bcc?=");
        assert_eq!(disarm(&"x".repeat(9_999)).len(), 2_000);
    }
}
