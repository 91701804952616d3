//! What an account has besides its password.

use crate::store::id;
use crate::store::time::Timestamp;

/// How many passkeys an account may have.
pub const MOST_PASSKEYS: usize = 10;
/// How many recovery codes are made at a time.
pub const RECOVERY_CODES: usize = 10;

/// What an account has, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Factors {
    /// Since when an authenticator app is asked, if one is.
    pub app_since: Option<Timestamp>,
    /// How many recovery codes were not used yet.
    pub recovery_codes: usize,
    /// How many passkeys there are.
    pub passkeys: usize,
}

impl Factors {
    /// Whether a password alone does not open the account.
    pub fn any(&self) -> bool {
        self.app_since.is_some() || self.passkeys > 0
    }
}

/// A passkey as its person sees it.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its key here.
    pub id: String,
    /// What its person calls it.
    pub name: String,
    /// Since when it is known.
    pub created_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}

/// Ten codes of 80 random bits, such as `k7f2-91qd-0v3m-x8ta`.
pub(super) fn recovery_codes() -> Vec<String> {
    let code = |_| format!("{}-{}", id::new_reference(), id::new_reference());
    (0..RECOVERY_CODES).map(code).collect()
}

/// A recovery code as it is hashed, however it was typed; none if it can't be one.
pub(super) fn recovery_code(typed: &str) -> Option<String> {
    let letters: String = typed
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let fits = letters.len() == 16 && letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_may_be_typed_in_any_spelling() {
        let codes = recovery_codes();
        assert_eq!(codes.len(), RECOVERY_CODES);
        let folded = recovery_code(&codes[0]).unwrap();
        assert_eq!(folded.len(), 16);
        let spaced = format!(" {} ", codes[0].to_uppercase().replace('-', " "));
        assert_eq!(recovery_code(&spaced), Some(folded));
        assert_eq!(recovery_code("123456"), None);
        assert_eq!(recovery_code("k7f2-91qd-0v3m-x8t\u{e9}"), None);
    }
}
