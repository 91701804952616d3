//! Passwords of owners and guests: argon2id, a length and nothing else asked of them.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};

use super::common::is_common;
use crate::store::id;

/// The shortest password, in characters.
pub const MIN_PASSWORD: usize = 12;
/// The longest password, in characters; longer ones are refused before they are hashed.
pub const MAX_PASSWORD: usize = 256;

/// A sentence that says what is wrong with a new password, if anything is.
///
/// # Errors
/// That sentence.
pub fn check_policy(password: &str, email: &str) -> Result<(), String> {
    let length = password.chars().count();
    if length < MIN_PASSWORD {
        return Err(format!(
            "Use at least {MIN_PASSWORD} characters. A few words make a good password."
        ));
    }
    if length > MAX_PASSWORD {
        return Err(format!("Use at most {MAX_PASSWORD} characters."));
    }
    if password.to_lowercase().contains(&email.to_lowercase()) && !email.is_empty() {
        return Err("Don’t use your address in your password.".to_owned());
    }
    let mut letters: Vec<char> = password.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 5 {
        return Err("Use more than a few different characters.".to_owned());
    }
    if is_common(password) {
        return Err(
            "Many people use this password, so it is guessed first. Use a few words of your own.".to_owned(),
        );
    }
    Ok(())
}

/// The argon2id hash (19 MiB, 2 passes; OWASP's recommendation) in PHC form. Takes tens of milliseconds:
/// not for an async thread.
///
/// # Errors
/// Only when the library fails.
pub fn hash(password: &str) -> Result<String, String> {
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &id::random_bytes::<16>())
        .map_err(|error| error.to_string())?;
    Ok(hash.to_string())
}

/// The hash of a random password that nobody knows.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash(&id::new_token()).unwrap_or_default());

/// Whether the password fits the hash. Without a hash it takes as long and says no, so that the time
/// tells nobody whether an account exists.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    let known = hash.is_some();
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY.as_str())) else {
        return false;
    };
    let fits = password.chars().count() <= MAX_PASSWORD
        && Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok();
    fits && known
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOC-003.
    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hashed = hash("correct horse battery").unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("correct horse battery", Some(&hashed)));
        assert!(!verify("correct horse batterx", Some(&hashed)));
        assert!(!verify("correct horse battery", None));
    }

    /// LOC-002.
    #[test]
    fn the_policy_asks_for_length() {
        assert!(check_policy("short", "").is_err());
        assert!(check_policy(&"a".repeat(20), "").is_err());
        assert!(check_policy(&"abcdefg ".repeat(40), "").is_err());
        assert!(check_policy("olive@acme.example1", "olive@acme.example").is_err());
        assert!(check_policy("Password2024!", "").is_err());
        assert!(check_policy(&"a long one of many words ".repeat(5), "").is_ok());
        assert!(check_policy("correct horse battery", "olive@acme.example").is_ok());
    }
}
