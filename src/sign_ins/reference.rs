//! A reference as people type it after a telephone call.

/// The letters of references: those that are not mistaken for others on the telephone.
const LETTERS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// The reference that a text may be, as it is stored: `K7F2 91QD` is `k7f2-91qd`. Whatever separates the
/// letters falls away, and those that were misheard are put right. It may still be a name, such as Mary-Anne.
pub fn as_reference(text: &str) -> Option<String> {
    let parts = |letter: &char| !(letter.is_whitespace() || matches!(letter, '-' | '\u{2010}'..='\u{2015}'));
    let heard = |letter: char| match letter.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        letter => letter,
    };
    let letters: String = text.chars().filter(parts).take(9).map(heard).collect();
    let (one, two) = letters.split_at_checked(4)?;
    let fits = two.len() == 4 && letters.chars().all(|letter| LETTERS.contains(letter));
    fits.then(|| format!("{one}-{two}"))
}

#[cfg(test)]
mod tests {
    use super::as_reference;

    #[test]
    fn a_reference_is_known_as_it_is_read_aloud() {
        for text in [
            "k7f2-91qd",
            " K7F2 91QD ",
            "k7f2 91qd",
            "K7F291QD",
            "k7f2–91qd",
            "k7 f2  91-QD",
            "k7f2-9lqd",
        ] {
            assert_eq!(as_reference(text).as_deref(), Some("k7f2-91qd"), "{text}");
        }
        for text in ["", "mary", "paul-otto", "k7f2-91qd-x", "k7f2-91q", "жаннетжа"] {
            assert_eq!(as_reference(text), None, "{text}");
        }
    }
}
