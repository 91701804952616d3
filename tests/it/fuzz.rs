//! The readers of what strangers send, with the corpus of `scripts/fuzz` and with small changes to it: whatever holds
//! for every input (`fuzz/checks.rs`) holds for these. The seed is fixed, so that a fault comes back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::panic::catch_unwind;
use std::process::Command;

use crate::support::acme::OWNER;
use crate::support::{Acme, Caller, Dice};

#[path = "../../fuzz/checks.rs"]
mod checks;

/// How many changed inputs each reader is given; `VESTIBULE_FUZZ_ROUNDS` asks for more.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests")]
fn rounds() -> usize {
    std::env::var("VESTIBULE_FUZZ_ROUNDS").map_or(1_500, |rounds| rounds.parse().unwrap())
}

/// One to three small changes: bytes turned, gone, there twice, elsewhere, or a word of the dictionary among them.
fn mutant(seeds: &[Vec<u8>], words: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice.one(seeds).clone();
    for _ in 0..=dice.below(3) {
        let (one, two) = (dice.below(bytes.len() + 1), dice.below(bytes.len() + 1));
        let (from, to) = (one.min(two), one.max(two).min(one.min(two) + 64));
        let piece = bytes[from..to].to_vec();
        let at = dice.below(bytes.len() + 1);
        match dice.below(6) {
            0 => drop(bytes.splice(from..to, [])),
            1 => drop(bytes.splice(at..at, piece)),
            2 => drop(bytes.splice(at..at, dice.one(words).clone())),
            3 => drop(bytes.splice(from..to, dice.one(words).clone())),
            4 => drop(bytes.splice(at.., dice.one(seeds).clone())),
            _ => drop(bytes.splice(from..to.min(from + 1), [u8::try_from(dice.below(256)).unwrap()])),
        }
    }
    bytes
}

/// The words of a dictionary of libFuzzer: one a line, quoted, with `\"`, `\\` and `\xAB`.
fn words(text: &str) -> Vec<Vec<u8>> {
    let quoted = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix('"'));
    quoted.map(unescaped).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match (byte, byte == b'\\') {
            (_, true) => match rest.next().unwrap() {
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                }
                other => bytes.push(other),
            },
            _ => bytes.push(byte),
        }
    }
    bytes
}

/// The kept inputs of each reader.
fn corpora() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let of = |name: &str| {
        let mut files: Vec<_> = fs::read_dir(format!("fuzz/corpus/{name}"))
            .unwrap_or_else(|error| panic!("fuzz/corpus/{name}: {error}"))
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        files.iter().map(|file| fs::read(file).unwrap()).collect()
    };
    checks::ALL.iter().map(|(name, _)| (*name, of(name))).collect()
}

fn holds(name: &str, check: checks::Check, bytes: &[u8]) {
    assert!(
        catch_unwind(|| check(bytes)).is_ok(),
        "{name} does not hold for {:?}: {bytes:?}",
        String::from_utf8_lossy(bytes)
    );
}

/// SAML-073, SCIM-089, OIDC-050, OUT-006.
#[test]
fn every_reader_holds_for_its_corpus_and_for_small_changes_to_it() {
    let corpora = corpora();
    for (name, check) in checks::ALL {
        let seeds = &corpora[name];
        assert!(!seeds.is_empty(), "{name}");
        for seed in seeds {
            holds(name, check, seed);
        }
        let dictionary = format!("fuzz/dict/{}.dict", name.split('_').next().unwrap());
        let words = words(&fs::read_to_string(&dictionary).unwrap());
        // A signature takes as long as a thousand filters.
        let rounds = if name == "saml_response" {
            rounds() / 5
        } else {
            rounds()
        };
        let mut dice = Dice(0x5eed_2026_1128_0001);
        for _ in 0..rounds {
            holds(name, check, &mutant(seeds, &words, &mut dice));
        }
    }
}

/// Whatever we believe, another program that reads XML and its signatures believes as well: the kept corpus, and changes
/// to it. (Not the other way round: what the signature covers is for us to look at.)
/// SAML-074.
#[test]
fn what_we_believe_xmlsec1_believes_too() {
    let seeds = corpora().remove("saml_response").unwrap();
    let words = words(&fs::read_to_string("fuzz/dict/saml.dict").unwrap());
    let mut dice = Dice(0x5eed_2026_1128_0002);
    let mutants = (0..300).map(|_| mutant(&seeds, &words, &mut dice));
    let all: Vec<Vec<u8>> = seeds.iter().cloned().chain(mutants).collect();
    let believed = all
        .iter()
        .filter(|bytes| std::str::from_utf8(bytes).is_ok_and(|xml| checks::judged(xml).is_ok()));
    let believed: Vec<_> = believed.collect();
    assert!(believed.len() >= 5, "{}", believed.len());
    let file = tempfile::NamedTempFile::new().unwrap();
    for bytes in believed {
        fs::write(file.path(), without_key_info(std::str::from_utf8(bytes).unwrap())).unwrap();
        let told = Command::new("xmlsec1")
            .args(["--verify", "--pubkey-der", "fuzz/parties/idp.spki"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"])
            .arg(file.path())
            .output()
            .expect("xmlsec1 is not installed: run scripts/test");
        assert!(
            told.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&told.stderr)
        );
    }
}

/// Without what the first signature says of its key, which we never look at.
fn without_key_info(xml: &str) -> String {
    let end = "</KeyInfo>";
    match (xml.find("<KeyInfo>"), xml.find(end)) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &xml[..from], &xml[to + end.len()..]),
        _ => xml.to_owned(),
    }
}

both_databases! {
    /// Whatever cookies a browser sends: no fault of ours, and nobody is in by them.
    /// SES-003, SES-019, RES-003.
    async fn no_cookie_makes_a_fault(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        owner.get(&acme.to("/members")).await;
        let names = ["session", "form", "flash", "refused", "theme", "zone", "invitation", "saml", "oidc", "set_up"];
        let mut seeds: Vec<Vec<u8>> = ["session", "form"]
            .iter()
            .filter_map(|name| owner.cookie(&format!("vestibule_{name}")))
            .map(|value| value.as_bytes().to_vec())
            .collect();
        seeds.extend(["K2hlbGxv", "Europe/Vienna", "dark", "k7f2-91qd"].map(|value| value.as_bytes().to_vec()));
        acme.run("DELETE FROM sessions");
        let words = [&b"\""[..], b"%00", b"=", b"..", b"LQ", b"\xc3\xa9", b"a b", b","].map(<[u8]>::to_vec);
        let mut dice = Dice(0x5eed_2026_1128_0003);
        for round in 0..60 {
            let mut cookies = String::new();
            for _ in 0..=dice.below(3) {
                let value = mutant(&seeds, &words, &mut dice);
                let value: String = value.iter().map(|byte| char::from(byte & 0x7f)).filter(|c| matches!(c, ' '..='~')).collect();
                let name = names[dice.below(names.len())];
                write!(cookies, "vestibule_{name}={}; ", value.replace(';', "")).unwrap();
            }
            if round % 20 == 0 {
                cookies.push_str(&"vestibule_session=x; ".repeat(500));
            }
            let nobody = Caller::with_cookies(&cookies);
            for path in ["/sign-in", "/account", "/orgs/acme/members"] {
                let answer = nobody.get(&acme.installation.to(path)).await;
                assert!(answer.status < 500, "{path} {}: {cookies}", answer.status);
                assert!(!answer.body.contains(OWNER), "{path}: {cookies}");
            }
        }
    }
}

#[test]
fn every_reader_has_a_target() {
    let mut targets: Vec<String> = fs::read_dir("fuzz/targets")
        .unwrap()
        .map(|file| {
            file.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    targets.sort();
    let mut names: Vec<&str> = checks::ALL.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(targets, names);
}
