//! E-mail addresses and how two of them are compared: by ASCII case folding of the whole and by
//! exact domain, and by nothing else. No plus or dot tricks, no suffixes, no Unicode folding.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::domain::{DomainError, is_unseen, to_a_labels};

/// The longest address (RFC 5321 §4.5.3.1.3, the path without its angle brackets), in bytes.
const LONGEST: usize = 254;
/// The longest local part (RFC 5321 §4.5.3.1.1), in bytes.
const LONGEST_LOCAL_PART: usize = 64;

/// An e-mail address with exactly one `@`, an ASCII local part and a domain. Two are equal when
/// their [`key`](EmailAddress::key) is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    written: String,
    key: String,
    at: usize,
}

/// Why a text is not an e-mail address. `Display` is a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailError {
    /// Nothing was given.
    Empty,
    /// It has spaces, control characters or invisible ones.
    Space,
    /// It has no `@`.
    NoAt,
    /// It has more than one `@`.
    ManyAts,
    /// Nothing stands before the `@`.
    EmptyLocalPart,
    /// Letters beyond ASCII stand before the `@`.
    NotAscii,
    /// A character stands before the `@` that may not.
    Character(char),
    /// The whole or the local part is longer than mail allows.
    TooLong,
    /// What stands behind the `@` is not a domain.
    Domain(DomainError),
}

impl EmailAddress {
    /// Reads an address. Nothing is trimmed or repaired, because it may come from a provider.
    ///
    /// # Errors
    /// Says in a sentence what is wrong.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let (local_part, domain) = split(text)?;
        check_local_part(local_part)?;
        let domain = to_a_labels(domain).map_err(EmailError::Domain)?;
        let written = format!("{local_part}@{domain}");
        if written.len() > LONGEST {
            return Err(EmailError::TooLong);
        }
        let key = written.to_ascii_lowercase();
        Ok(Self {
            at: local_part.len(),
            written,
            key,
        })
    }

    /// The address as it was written, its domain in lower-case A-labels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The form in which addresses are compared: the whole in lower-case ASCII.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What stands before the `@`, as it was written.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.written.get(..self.at).unwrap_or_default()
    }

    /// The domain in lower-case A-labels.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.written.get(self.at + 1..).unwrap_or_default()
    }
}

fn split(text: &str) -> Result<(&str, &str), EmailError> {
    if text.is_empty() {
        return Err(EmailError::Empty);
    }
    // IDNA may shorten a domain, but nothing this long is meant seriously.
    if text.len() > 4 * LONGEST {
        return Err(EmailError::TooLong);
    }
    if text.chars().any(is_unseen) {
        return Err(EmailError::Space);
    }
    let (local_part, domain) = text.split_once('@').ok_or(EmailError::NoAt)?;
    if domain.contains('@') {
        return Err(EmailError::ManyAts);
    }
    Ok((local_part, domain))
}

/// The characters of RFC 5322 §3.2.3 (`atext`) and dots. The quoted form is refused: it serves
/// nobody but attackers.
fn check_local_part(local_part: &str) -> Result<(), EmailError> {
    if local_part.is_empty() {
        return Err(EmailError::EmptyLocalPart);
    }
    if !local_part.is_ascii() {
        return Err(EmailError::NotAscii);
    }
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(character);
    if let Some(character) = local_part.chars().find(|character| !allowed(*character)) {
        return Err(EmailError::Character(character));
    }
    if local_part.len() > LONGEST_LOCAL_PART {
        return Err(EmailError::TooLong);
    }
    Ok(())
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for EmailAddress {}

impl std::hash::Hash for EmailAddress {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.written
    }
}

impl fmt::Display for EmailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Type an e-mail address, such as ada@example.com.",
            Self::Space => "An e-mail address has no spaces and no invisible characters.",
            Self::NoAt => "An e-mail address has an @, as in ada@example.com.",
            Self::ManyAts => "An e-mail address has only one @, as in ada@example.com.",
            Self::EmptyLocalPart => "Something is missing before the @, as in ada@example.com.",
            Self::NotAscii => {
                "Before the @ an e-mail address has only unaccented Latin letters, digits and signs."
            }
            Self::Character(character) => {
                return write!(f, "An e-mail address can't have {character} before the @.");
            }
            Self::TooLong => "An e-mail address has at most 254 characters, and 64 before the @.",
            Self::Domain(DomainError::Empty) => "Something is missing behind the @, as in ada@example.com.",
            Self::Domain(DomainError::Ip) => {
                "Behind the @ stands a domain such as example.com, not an IP address."
            }
            Self::Domain(_) => "Behind the @ stands no proper domain such as example.com.",
        })
    }
}

impl std::error::Error for EmailError {}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

    use super::{DomainError, EmailAddress, EmailError};

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn an_address_keeps_its_writing_and_has_a_key() {
        let ada = address("Ada.King+x@Corp.EXAMPLE");
        assert_eq!(ada.as_str(), "Ada.King+x@corp.example");
        assert_eq!(ada.key(), "ada.king+x@corp.example");
        assert_eq!(ada.local_part(), "Ada.King+x");
        assert_eq!(ada.domain(), "corp.example");
        assert_eq!(ada.to_string(), ada.as_str());
    }

    /// DEC-008, DEC-011.
    #[test]
    fn addresses_are_equal_by_ascii_case_and_idna_only() {
        let equal = [
            ("ada@example.com", "ADA@Example.COM"),
            ("o'brien@example.com", "O'Brien@example.com"),
            ("ada@bücher.example", "ada@XN--BCHER-KVA.example"),
        ];
        for (one, other) in equal {
            assert_eq!(address(one), address(other));
        }
        let different = [
            ("ada@example.com", "ada+x@example.com"),
            ("ada@example.com", "a.da@example.com"),
            ("ada@example.com", "ada@sub.example.com"),
            ("ada@example.com", "ada@example.com.evil.net"),
            ("ada@example.com", "ada@evilexample.com"),
            ("ada@example.com", "ada@ex\u{430}mple.com"),
            ("ada@example.com", "ada@example.co"),
        ];
        for (one, other) in different {
            assert_ne!(address(one), address(other));
        }
    }

    /// DEC-009, EML-002.
    #[test]
    fn what_is_not_an_address_is_refused_with_its_reason() {
        let refused = [
            ("", EmailError::Empty),
            ("ada", EmailError::NoAt),
            ("@example.com", EmailError::EmptyLocalPart),
            ("ada@", EmailError::Domain(DomainError::Empty)),
            ("ada@corp.example@evil.example", EmailError::ManyAts),
            ("\"ada@corp.example\"@evil.example", EmailError::ManyAts),
            ("\"ada\"@example.com", EmailError::Character('"')),
            ("ada\\@example.com", EmailError::Character('\\')),
            ("ada,bob@example.com", EmailError::Character(',')),
            ("ada;bob@example.com", EmailError::Character(';')),
            ("<ada@example.com", EmailError::Character('<')),
            ("ada(king)@example.com", EmailError::Character('(')),
            ("Ada <ada@example.com>", EmailError::Space),
            ("ada@example.com ", EmailError::Space),
            (" ada@example.com", EmailError::Space),
            ("ada@example.com\n", EmailError::Space),
            ("ada@example.com\r\nBcc: x", EmailError::Space),
            ("ada@example.com\u{a0}", EmailError::Space),
            ("ada\0@example.com", EmailError::Space),
            ("ada@exam\u{200b}ple.com", EmailError::Space),
            ("\u{430}da@example.com", EmailError::NotAscii),
            ("\u{ff41}da@example.com", EmailError::NotAscii),
            ("ada\u{ff20}example.com", EmailError::NoAt),
            ("ada@example.com.", EmailError::Domain(DomainError::EmptyLabel)),
            ("ada@.example.com", EmailError::Domain(DomainError::EmptyLabel)),
            ("ada@example..com", EmailError::Domain(DomainError::EmptyLabel)),
            ("ada@192.0.2.1", EmailError::Domain(DomainError::Ip)),
            ("ada@[192.0.2.1]", EmailError::Domain(DomainError::Ip)),
            ("ada@[IPv6:2001:db8::1]", EmailError::Domain(DomainError::Ip)),
            ("ada@example.com>", EmailError::Domain(DomainError::Malformed)),
            ("ada@exa%6dple.com", EmailError::Domain(DomainError::Malformed)),
            ("ada@example.com:25", EmailError::Domain(DomainError::Malformed)),
            (
                "ada@example.com,evil.net",
                EmailError::Domain(DomainError::Malformed),
            ),
        ];
        for (text, error) in refused {
            assert_eq!(EmailAddress::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn mail_limits_the_length() {
        let local_part = "a".repeat(64);
        assert!(EmailAddress::parse(&format!("{local_part}@example.com")).is_ok());
        assert_eq!(
            EmailAddress::parse(&format!("{local_part}a@example.com")),
            Err(EmailError::TooLong)
        );
        let label = "b".repeat(60);
        let domain = format!("{label}.{label}.{label}");
        let whole = |local: usize| format!("{}@{domain}.example", "a".repeat(local));
        assert_eq!(whole(63).len(), 254);
        assert!(EmailAddress::parse(&whole(63)).is_ok());
        assert_eq!(EmailAddress::parse(&whole(64)), Err(EmailError::TooLong));
        assert_eq!(
            EmailAddress::parse(&format!("ada@{}", "x".repeat(10_000))),
            Err(EmailError::TooLong)
        );
    }

    #[test]
    fn what_is_long_is_read_before_it_is_refused() {
        // Each of these letters takes four bytes, and IDNA makes one of it.
        let long = format!("ada@{}.example", "\u{1d41a}".repeat(63));
        assert!(long.len() > 254);
        assert_eq!(address(&long).domain(), format!("{}.example", "a".repeat(63)));
        assert_eq!(EmailAddress::parse(&"x".repeat(1_016)), Err(EmailError::NoAt));
        assert_eq!(EmailAddress::parse(&"x".repeat(1_017)), Err(EmailError::TooLong));
    }

    #[test]
    fn what_is_equal_has_one_hash_and_what_differs_another() {
        let hash = |text: &str| BuildHasherDefault::<DefaultHasher>::default().hash_one(address(text));
        assert_eq!(hash("ada@example.com"), hash("ADA@example.com"));
        assert_ne!(hash("ada@example.com"), hash("bob@example.com"));
    }

    #[test]
    fn an_address_is_a_string_in_json() {
        let json = serde_json::to_string(&address("Ada@Corp.Example")).unwrap();
        assert_eq!(json, r#""Ada@corp.example""#);
        assert_eq!(
            serde_json::from_str::<EmailAddress>(&json).unwrap(),
            address("ada@corp.example")
        );
        assert!(serde_json::from_str::<EmailAddress>(r#""ada""#).is_err());
    }
}
