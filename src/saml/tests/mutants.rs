//! Thousands of small changes to signed messages. Whatever is believed must still be the signed person, and
//! nothing may panic. The seed is fixed, so a fault comes back.

use super::*;

/// A small generator of random numbers (xorshift), the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// What attackers put into messages.
const SCRAPS: [&str; 16] = [
    "<!---->",
    "<?x?>",
    "<![CDATA[x]]>",
    "&amp;",
    "&#x0;",
    "&x;",
    "<!DOCTYPE x>",
    " ID=\"_assertion1\"",
    " xmlns=\"\"",
    " xmlns:saml=\"urn:x\"",
    "<a/>",
    "</saml:NameID>",
    "mallory@evil.example",
    "\u{202e}",
    "\"",
    "<Signature/>",
];

/// Places where elements begin or end.
fn places(text: &str) -> Vec<usize> {
    text.match_indices('<')
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect()
}

fn mutant(text: &str, dice: &mut Dice) -> String {
    let places = places(text);
    let mut place = || places[dice.below(places.len())];
    let (a, b, c) = (place(), place(), place());
    let (from, to) = (a.min(b), a.max(b));
    let part = &text[from..to];
    match dice.below(7) {
        // An element, or more or less than one, is gone, there twice, or elsewhere.
        0 => format!("{}{}", &text[..from], &text[to..]),
        1 => format!("{}{part}{}", &text[..to], &text[to..]),
        2 => format!("{}{part}{}", &text[..c], &text[c..]),
        // A scrap at a place.
        3 => format!("{}{}{}", &text[..a], SCRAPS[dice.below(SCRAPS.len())], &text[a..]),
        // A scrap anywhere; a character changed or gone.
        4 => at_any(text, dice, |dice| SCRAPS[dice.below(SCRAPS.len())].to_owned(), 0),
        5 => at_any(
            text,
            dice,
            |dice| char::from(b' ' + u8::try_from(dice.below(95)).unwrap()).to_string(),
            1,
        ),
        _ => at_any(text, dice, |_| String::new(), 1),
    }
}

fn at_any(text: &str, dice: &mut Dice, new: impl Fn(&mut Dice) -> String, gone: usize) -> String {
    let at = text.floor_char_boundary(dice.below(text.len()));
    let behind = text.ceil_char_boundary(at + gone);
    format!("{}{}{}", &text[..at], new(dice), &text[behind..])
}

/// SAML-073.
#[test]
fn a_believed_mutant_is_still_the_signed_person() {
    let allowed = Provider {
        allow_cbc: true,
        ..provider()
    };
    let mut dice = Dice(0x5eed_2026_1124_0001);
    for sign in [Sign::Assertion, Sign::Response, Sign::Both] {
        let seed = Forge::new().signed(sign).build();
        let honest = judged(&seed).unwrap().identity;
        for _ in 0..400 {
            let mut changed = mutant(&seed, &mut dice);
            if dice.below(3) == 0 {
                changed = mutant(&changed, &mut dice);
            }
            if let Ok(verified) = judged_by(&allowed, &changed, Some(REQUEST)) {
                assert_eq!(verified.identity, honest, "{changed}");
            }
            let _ = crate::saml::shown(&changed);
        }
    }
}

/// SAML-073.
#[test]
fn garbage_does_not_panic() {
    let mut dice = Dice(0x5eed_2026_1124_0002);
    let seed = Forge::new().build();
    for _ in 0..200 {
        let bytes: Vec<u8> = (0..dice.below(200))
            .map(|_| u8::try_from(dice.below(256)).unwrap())
            .collect();
        let text = String::from_utf8_lossy(&bytes);
        let _ = judged(&text);
        let _ = judged(seed.split_at(seed.floor_char_boundary(dice.below(seed.len()))).0);
        let _ = crate::saml::decode(&text);
        let _ = crate::saml::in_response_to(&text);
        let _ = crate::saml::shown(&text);
    }
}

/// The corpus of `scripts/fuzz` holds for the readers as they are now.
/// SAML-073.
#[test]
fn the_kept_corpus_is_read_or_refused() {
    let provider = Provider {
        keys: vec![include_bytes!("../../../fuzz/parties/idp.spki").to_vec()],
        allow_cbc: true,
        ..provider()
    };
    let mut believed = 0;
    for file in std::fs::read_dir("fuzz/corpus/saml_response").unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(verified) =
            crate::saml::verify(&provider, &service_provider(), "c1", &text, Some(REQUEST), NOW)
        {
            assert_eq!(verified.identity.subject, "email:ada@corp.example");
            believed += 1;
        }
    }
    assert!(believed >= 3, "{believed}");
    for file in std::fs::read_dir("fuzz/corpus/saml_metadata").unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let _ = crate::saml::read_provider_metadata(&text, None, NOW);
    }
}
