//! Keys, tokens and references: all randomness of the product is made here.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;

/// A new key of a row: UUID version 7 (RFC 9562), so that keys sort by the time they were made.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// The least key that was made so many milliseconds before this one (RFC 9562 §5.7: a key begins with its time).
/// What is no key stays as it is.
pub fn earlier(id: &str, milliseconds: i64) -> String {
    let time = id
        .get(..12)
        .and_then(|digits| i64::from_str_radix(digits, 16).ok());
    time.map_or_else(
        || id.to_owned(),
        |time| format!("{:012x}", (time - milliseconds).max(0)),
    )
}

/// A new secret of 256 random bits, as 43 characters that are safe in a URL.
pub fn new_token() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// What is stored of a token: the hexadecimal SHA-256. A table of these opens nothing.
pub fn hash_token(token: &str) -> String {
    use std::fmt::Write as _;
    digest(&SHA256, token.as_bytes())
        .as_ref()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// A short reference that can be read aloud over the telephone, such as `k7f2-91qd`: 40 bits, without
/// letters that are mistaken for others (i, l, o, u).
pub fn new_reference() -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut text = String::with_capacity(9);
    for (place, byte) in random_bytes::<8>().into_iter().enumerate() {
        if place == 4 {
            text.push('-');
        }
        text.push(
            LETTERS
                .get(usize::from(byte % 32))
                .copied()
                .map_or('0', char::from),
        );
    }
    text
}

/// Random bytes from the operating system's generator, by way of the thread's CSPRNG.
#[expect(clippy::disallowed_methods, reason = "the one place that makes randomness")]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_which_were_made_before_it() {
        let (first, second) = (new_id(), new_id());
        assert!(earlier(&second, 60_000) < first);
        assert!(earlier(&first, -60_000) > second);
        assert_eq!(earlier("", 5), "");
    }

    /// SEC-006, INV-001.
    #[test]
    fn tokens_are_long_and_differ() {
        let (one, two) = (new_token(), new_token());
        assert_eq!(one.len(), 43);
        assert_ne!(one, two);
        assert_eq!(
            hash_token("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_reference_can_be_read_aloud() {
        let reference = new_reference();
        assert_eq!(reference.len(), 9);
        assert!(!reference.contains(['i', 'l', 'o', 'u']));
    }
}
