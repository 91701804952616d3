//! Filters made at random from a seed, and the laws that hold for all of them.

use serde_json::{Value, json};

use super::{Comparison, Filter, Operator, matches, parse};
use crate::scim::path::AttributePath;

/// Xorshift: the same numbers for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

const PATHS: &[&str] = &[
    "userName",
    "name.givenName",
    "emails",
    "emails.type",
    "meta.created",
    "active",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:example:odd:1.0:Thing:a-b_c.$ref",
    "not",
    "and.or",
    "pr",
];
const TEXTS: &[&str] = &[
    "",
    "a",
    "\"",
    "\\",
    "] or (x",
    "é\u{301}",
    "\n\t\u{1}",
    "%_",
    "2026-11-24T01:00:00Z",
    "true",
];

fn path(dice: &mut Dice, inside: bool) -> AttributePath {
    if inside {
        return AttributePath::new(dice.one(&["value", "type", "primary", "display"]), None);
    }
    AttributePath::read(dice.one(PATHS)).unwrap()
}

fn term(dice: &mut Dice, inside: bool) -> Filter {
    let path = path(dice, inside);
    if dice.roll(5) == 0 {
        return Filter::Present(path);
    }
    let operator = dice.one(&Operator::ALL);
    let text: Value = dice.one(TEXTS).into();
    let value = match dice.roll(6) {
        0 if !operator.wants_text() => json!(-3),
        1 if !operator.wants_text() => json!(1.5),
        2 if !operator.wants_text() && !operator.wants_order() => json!(true),
        3 if !operator.wants_text() && !operator.wants_order() => Value::Null,
        _ => text,
    };
    Filter::Compare(Comparison {
        path,
        operator,
        value,
    })
}

fn filter(dice: &mut Dice, depth: usize, inside: bool) -> Filter {
    if depth == 0 {
        return term(dice, inside);
    }
    match dice.roll(6) {
        0 => Filter::Not(Box::new(filter(dice, depth - 1, inside))),
        1 if !inside => Filter::Value(
            AttributePath::new("emails", None),
            Box::new(filter(dice, depth - 1, true)),
        ),
        2 | 3 => Filter::And(
            (0..2 + dice.roll(2))
                .map(|_| filter(dice, depth - 1, inside))
                .collect(),
        ),
        4 => Filter::Or(
            (0..2 + dice.roll(2))
                .map(|_| filter(dice, depth - 1, inside))
                .collect(),
        ),
        _ => term(dice, inside),
    }
}

/// SCIM-044.
#[test]
fn the_text_of_a_filter_is_read_as_the_same_filter() {
    let mut dice = Dice(0x5eed);
    for _ in 0..20_000 {
        let tree = filter(&mut dice, 3, false);
        let text = tree.to_string();
        assert_eq!(parse(&text).unwrap(), tree, "{text}");
    }
}

/// SCIM-044.
#[test]
fn a_filter_or_its_contrary_matches() {
    let resource = json!({
        "userName": "a", "active": true,
        "name": { "givenName": "é\u{301}" },
        "emails": [{ "type": "a", "value": "%_" }, { "primary": true, "value": "\"" }],
    });
    let mut dice = Dice(0x00f1_17e4);
    for _ in 0..20_000 {
        let tree = filter(&mut dice, 3, false);
        let contrary = Filter::Not(Box::new(tree.clone()));
        assert_ne!(matches(&tree, &resource), matches(&contrary, &resource), "{tree}");
        let both = Filter::And(vec![tree.clone(), contrary.clone()]);
        assert!(!matches(&both, &resource), "{tree}");
        assert!(
            matches(&Filter::Or(vec![tree.clone(), contrary]), &resource),
            "{tree}"
        );
    }
}

/// SCIM-089.
#[test]
fn no_text_makes_the_parser_panic() {
    const PIECES: &[&str] = &[
        "userName",
        " ",
        "eq",
        "\"a\"",
        "(",
        ")",
        "[",
        "]",
        "not",
        "and",
        "or",
        "pr",
        ".",
        "value",
        "\"",
        "\\",
        "1",
        "true",
        "é",
        "\u{0}",
        "urn:",
        ":",
        "co",
        ",",
        "emails[type eq \"work\"]",
    ];
    let mut dice = Dice(0xbad);
    for _ in 0..50_000 {
        let text: String = (0..dice.roll(14)).map(|_| dice.one(PIECES)).collect();
        if let Ok(tree) = parse(&text) {
            assert_eq!(parse(&tree.to_string()).unwrap(), tree, "{text}");
        }
        drop(crate::scim::path::PatchPath::parse(&text));
    }
}
