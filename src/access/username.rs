//! The name of an account that is unique over the installation: made for a person at their first
//! sign-in, and theirs to change later.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The fewest characters of a username.
const SHORTEST: usize = 4;
/// The most characters of a username.
const LONGEST: usize = 30;
/// How many random digits a made username ends with.
const DIGITS: usize = 6;

/// Names that look like somebody who speaks for the installation, or like nobody.
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "admins",
    "anonymous",
    "audit",
    "billing",
    "daemon",
    "everybody",
    "everyone",
    "guest",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "login",
    "mailerdaemon",
    "member",
    "members",
    "moderator",
    "nobody",
    "noreply",
    "null",
    "official",
    "operator",
    "owner",
    "owners",
    "password",
    "postmaster",
    "privacy",
    "root",
    "scim",
    "security",
    "service",
    "signin",
    "signout",
    "signup",
    "staff",
    "sudo",
    "superuser",
    "support",
    "system",
    "team",
    "teams",
    "undefined",
    "unknown",
    "user",
    "username",
    "users",
    "vestibule",
    "webmaster",
];

/// Lower-case ASCII letters and digits, 4 to 30 of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

/// Why a text can't be a username. `Display` is a sentence for the person who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameError {
    /// Fewer than 4 characters.
    TooShort,
    /// More than 30 characters.
    TooLong,
    /// Anything but lower-case ASCII letters and digits.
    Characters,
    /// A name that nobody may have.
    Reserved,
}

impl Username {
    /// Reads a username that a person chose.
    ///
    /// # Errors
    /// Says what is wrong with it. Whether it is taken is not asked here.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        {
            return Err(UsernameError::Characters);
        }
        if text.len() < SHORTEST {
            return Err(UsernameError::TooShort);
        }
        if text.len() > LONGEST {
            return Err(UsernameError::TooLong);
        }
        if RESERVED.contains(&text) {
            return Err(UsernameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// The username.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A username for a new account: the address's local part, then those words of the name that are
/// not in it yet, then six digits of `random`. Who finds it taken asks again with another `random`.
#[must_use]
pub fn candidate(local_part: &str, name: Option<&str>, random: u32) -> Username {
    let mut base = letters_and_digits(local_part);
    for word in name
        .unwrap_or_default()
        .split_whitespace()
        .filter(|word| word.is_ascii())
    {
        let word = letters_and_digits(word);
        if !base.contains(&word) && base.len() + word.len() <= LONGEST - DIGITS {
            base.push_str(&word);
        }
    }
    if base.is_empty() {
        base.push_str("person");
    }
    base.truncate(LONGEST - DIGITS);
    Username(format!("{base}{:0DIGITS$}", random % 10_u32.pow(6)))
}

fn letters_and_digits(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Username {
    type Error = UsernameError;

    fn try_from(text: String) -> Result<Self, UsernameError> {
        Self::parse(&text)
    }
}

impl From<Username> for String {
    fn from(username: Username) -> Self {
        username.0
    }
}

impl fmt::Display for UsernameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "A username has at least 4 characters.",
            Self::TooLong => "A username has at most 30 characters.",
            Self::Characters => "A username has only small letters from a to z and digits.",
            Self::Reserved => "This username is kept for the installation. Choose another one.",
        })
    }
}

impl std::error::Error for UsernameError {}

#[cfg(test)]
mod tests {
    use super::{Username, UsernameError, candidate};

    /// DEC-031.
    #[test]
    fn a_candidate_is_made_from_address_name_and_digits() {
        let made = [
            ("ada", Some("Ada Lovelace"), 482_911, "adalovelace482911"),
            ("ada.lovelace", Some("Ada Lovelace"), 7, "adalovelace000007"),
            ("Ada+List", None, u32::MAX, "adalist967295"),
            ("a", None, 0, "a000000"),
            ("...", None, 12, "person000012"),
            ("_", Some("\u{674e} \u{660e}"), 12, "person000012"),
            (
                "jose",
                Some("Jos\u{e9} Pe\u{f1}a Ruiz"),
                1_000_001,
                "joseruiz000001",
            ),
            (
                "an.address.that.goes.on.and.on",
                Some("X"),
                1,
                "anaddressthatgoesonandon000001",
            ),
            (
                "o'brien",
                Some("Wolfeschlegelsteinhausenbergerdorff"),
                1,
                "obrien000001",
            ),
        ];
        for (local_part, name, random, username) in made {
            assert_eq!(candidate(local_part, name, random).as_str(), username);
        }
    }

    #[test]
    fn a_word_that_does_not_fit_whole_is_left_out() {
        let long = "a".repeat(20);
        assert_eq!(
            candidate(&long, Some("bbbb"), 7).as_str(),
            format!("{long}bbbb000007")
        );
        assert_eq!(
            candidate(&long, Some("ccccc"), 7).as_str(),
            format!("{long}000007")
        );
        let written: String = Username::parse("adaking").unwrap().into();
        assert_eq!(written, "adaking");
    }

    #[test]
    fn every_candidate_is_a_username() {
        let local_parts = ["", "a", "admin", "root", "A.B-C", "0", "'", &"long".repeat(16)];
        let names = [
            None,
            Some(""),
            Some("Root Admin"),
            Some("\u{c5}sa"),
            Some(&"Long name ".repeat(50) as &str),
        ];
        for local_part in local_parts {
            for name in names {
                for random in [0, 1, 999_999, 1_000_000, u32::MAX] {
                    let made = candidate(local_part, name, random);
                    assert_eq!(Username::parse(made.as_str()), Ok(made));
                }
            }
        }
    }

    #[test]
    fn a_person_may_choose_small_letters_and_digits() {
        for chosen in ["adal", "ada1", "1234", &"a".repeat(30)] {
            assert_eq!(
                Username::parse(chosen).map(|username| username.to_string()),
                Ok(chosen.to_owned())
            );
        }
    }

    #[test]
    fn a_choice_that_does_not_fit_is_refused_with_its_reason() {
        let refused = [
            ("", UsernameError::TooShort),
            ("ada", UsernameError::TooShort),
            (&"a".repeat(31), UsernameError::TooLong),
            ("Adal", UsernameError::Characters),
            ("ada.l", UsernameError::Characters),
            ("ada l", UsernameError::Characters),
            ("\u{430}dal", UsernameError::Characters),
            ("admin", UsernameError::Reserved),
            ("root", UsernameError::Reserved),
            ("vestibule", UsernameError::Reserved),
        ];
        for (chosen, error) in refused {
            assert_eq!(Username::parse(chosen), Err(error), "{chosen:?}");
        }
    }
}
