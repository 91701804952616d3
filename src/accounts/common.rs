//! Passwords that everybody guesses first. The ten thousand commonest (and all of the thirty thousand commonest that
//! are long enough to be chosen here) lie in `common.bin`: the first five bytes of the SHA-256 of each in lower case,
//! sorted. They come from the list of zxcvbn (MIT licence), which was counted in leaked databases.

use aws_lc_rs::digest::{SHA256, digest};

const LIST: &[u8] = include_bytes!("common.bin");
/// Bytes of an entry.
const ENTRY: usize = 5;
/// Shorter pieces than this are no passwords of the list.
const SHORTEST: usize = 4;

fn is_listed(text: &str) -> bool {
    let hash = digest(&SHA256, text.as_bytes());
    let Some(wanted) = hash.as_ref().get(..ENTRY) else {
        return false;
    };
    let (entries, _) = LIST.as_chunks::<ENTRY>();
    entries
        .binary_search_by(|entry| entry.as_slice().cmp(wanted))
        .is_ok()
}

/// Whether a password is one of the list, one with figures around it, one written twice or more, or two in a row.
pub fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let core = folded.trim_matches(|letter: char| !letter.is_alphabetic());
    [folded.as_str(), core]
        .into_iter()
        .any(|text| text.len() >= SHORTEST && (is_listed(text) || is_repeated(text) || is_two(text)))
}

/// Whether the text is a piece of up to eight letters, again and again, or a listed one twice or more.
fn is_repeated(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    (1..=letters.len() / 2).any(|length| {
        let (unit, rest) = letters.split_at(length);
        let fits = rest.chunks(length).all(|piece| unit.starts_with(piece));
        fits && (length <= 8 || is_listed(&unit.iter().collect::<String>()))
    })
}

fn is_two(text: &str) -> bool {
    text.char_indices()
        .filter(|(place, _)| *place >= SHORTEST && text.len() - place >= SHORTEST)
        .any(|(place, _)| {
            let (one, other) = text.split_at(place);
            is_listed(one) && is_listed(other)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_whole() {
        let (entries, rest) = LIST.as_chunks::<ENTRY>();
        assert!(entries.is_sorted() && rest.is_empty() && entries.len() > 9_000);
    }

    /// LOC-002.
    #[test]
    fn common_passwords_are_known_in_their_disguises() {
        for common in [
            "password",
            "PASSWORD2024!",
            "123qweasdzxc",
            "passwordpassword",
            "qwertyuiop123",
            "dragonmonkey",
            "abcabcabcabc",
            "abcdabcdabcdab",
            "monkey!monkey!",
            "iloveyou1234",
        ] {
            assert!(is_common(common), "{common}");
        }
    }

    #[test]
    fn words_of_ones_own_are_fine() {
        for own in [
            "correct horse battery",
            "olive opens the door",
            "a walk in the rain",
            "Zq7#pL9!vR2x",
            "überraschung im garten",
            "密码是一只在花园里睡觉的猫",
        ] {
            assert!(!is_common(own), "{own}");
        }
    }
}
