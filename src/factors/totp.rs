//! Codes of authenticator apps (RFC 6238): six digits, SHA-1, thirty seconds, one step to either side.

use qrcode::QrCode;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::store::id;
use crate::store::time::{SECOND, Timestamp};

/// Where the seed of an account is sealed for.
pub(super) fn place(account: &str) -> String {
    format!("totp_seeds:{account}:seed")
}

/// A seed that an app is about to take over.
#[derive(Debug)]
pub struct Enrolment {
    /// The seed in Base32, in groups of four, for whoever types it.
    pub seed: String,
    /// What the picture says, for an app on this device.
    pub link: String,
    /// The picture's side, in modules.
    pub side: usize,
    /// The picture: a path of squares one module wide.
    pub path: String,
}

/// A new seed of 160 random bits, in Base32.
pub(super) fn new_seed() -> String {
    Secret::from(id::random_bytes::<20>()).to_base32()
}

fn totp(seed: &str, account: &str, issuer: &str) -> Result<Totp, String> {
    let secret = Secret::try_from_base32(seed).map_err(|error| error.to_string())?;
    // A colon parts issuer and account in the link.
    let name = |text: &str| text.replace(':', " ");
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(secret)
        .with_account_name(name(account))
        .with_issuer(Some(name(issuer)))
        .build()
        .map_err(|error| error.to_string())
}

/// Seed, link and picture for this account at this installation.
pub(super) fn enrolment(seed: &str, email: &str, host: &str) -> Result<Enrolment, String> {
    let link = totp(seed, email, &format!("Vestibule {host}"))?
        .to_url()
        .map_err(|error| error.to_string())?;
    let code = QrCode::new(&link).map_err(|error| error.to_string())?;
    let side = code.width();
    let dark = code
        .to_colors()
        .into_iter()
        .map(|colour| colour == qrcode::Color::Dark);
    let dots = dark.enumerate().filter(|(_, dark)| *dark);
    let path = dots.fold(String::new(), |path, (place, _)| {
        path + &format!("M{} {}h1v1h-1z", place % side, place / side)
    });
    let letters: Vec<char> = seed.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(Enrolment {
        seed: groups.join(" "),
        link,
        side,
        path,
    })
}

/// The step of time whose code this is, if it is one of now and its neighbours. Six ASCII digits; spaces don't count.
pub(super) fn step(seed: &str, typed: &str, now: Timestamp) -> Result<Option<i64>, String> {
    let digits: String = typed.chars().filter(|letter| *letter != ' ').collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let seconds = u64::try_from(now / SECOND).map_err(|error| error.to_string())?;
    let found = totp(seed, "a", "b")?.check(&digits, seconds);
    Ok(found.and_then(|step| i64::try_from(step).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 6238, appendix B.
    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    /// LOC-009.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
        ] {
            assert_eq!(
                step(SEED, code, seconds * SECOND),
                Ok(Some(seconds / 30)),
                "{code}"
            );
        }
    }

    /// LOC-009, LOC-020.
    #[test]
    fn a_code_counts_one_step_to_either_side() {
        let at = |seconds: i64| step(SEED, "081804", seconds * SECOND).unwrap();
        let step = 1_111_111_109 / 30;
        for (seconds, found) in [
            (30 * step - 31, None),
            (30 * step - 30, Some(step)),
            (30 * step + 59, Some(step)),
            (30 * step + 60, None),
        ] {
            assert_eq!(at(seconds), found, "{seconds}");
        }
    }

    /// LOC-009.
    #[test]
    fn nothing_but_six_digits_is_a_code() {
        for typed in [
            "81804",
            "0818040",
            "08180४",
            "٠٨١٨٠٤",
            "",
            "0",
            "08180a",
            "081-804",
        ] {
            assert_eq!(step(SEED, typed, 1_111_111_109 * SECOND), Ok(None), "{typed}");
        }
        assert!(step(SEED, " 081 804 ", 1_111_111_109 * SECOND).unwrap().is_some());
    }

    #[test]
    fn the_picture_holds_the_link() {
        let made = enrolment(SEED, "a:b@acme.example", "door.example").unwrap();
        assert!(made.link.starts_with("otpauth://totp/"), "{}", made.link);
        assert!(made.link.contains(&format!("secret={SEED}")), "{}", made.link);
        assert!(
            made.path.starts_with("M0 0h1v1h-1z"),
            "the corner of every such picture is dark"
        );
        assert_eq!(made.seed.split(' ').count(), 8);
    }
}
