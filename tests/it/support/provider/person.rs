//! Whom the provider knows, and how faults distort what it says of them.

use serde_json::{Map, Value, json};

use super::fault::Fault;

/// Somebody who signs in.
#[derive(Debug, Clone)]
pub struct Person {
    pub sub: String,
    pub email: String,
    pub email_verified: Option<bool>,
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub groups: Option<Vec<String>>,
}

impl Person {
    /// A person with a proven address and a name made from it: `ada@acme.example` is Ada Example.
    pub fn new(sub: &str, email: &str) -> Self {
        let mut local = email.split(['@', '.', '+']).next().unwrap_or_default().chars();
        let given: String = local
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(local)
            .collect();
        Self {
            sub: sub.to_owned(),
            email: email.to_owned(),
            email_verified: Some(true),
            name: None,
            given_name: None,
            family_name: None,
            groups: None,
        }
        .named(&given, "Example")
    }

    /// With this name.
    pub fn named(mut self, given: &str, family: &str) -> Self {
        self.name = Some(format!("{given} {family}"));
        self.given_name = Some(given.to_owned());
        self.family_name = Some(family.to_owned());
        self
    }

    /// In these groups.
    pub fn in_groups(mut self, groups: &[&str]) -> Self {
        self.groups = Some(groups.iter().map(|&group| group.to_owned()).collect());
        self
    }

    /// With this `email_verified`, or none.
    pub fn verified(mut self, verified: Option<bool>) -> Self {
        self.email_verified = verified;
        self
    }

    /// What is said of the person under these faults.
    pub fn claims(&self, faults: &[Fault]) -> Map<String, Value> {
        let said = json!({
            "sub": self.sub,
            "email": self.email,
            "email_verified": self.email_verified,
            "name": self.name,
            "given_name": self.given_name,
            "family_name": self.family_name,
            "groups": self.groups,
        });
        let mut claims = Map::new();
        claims.extend(
            said.as_object()
                .unwrap()
                .clone()
                .into_iter()
                .filter(|(_, value)| !value.is_null()),
        );
        for fault in faults {
            for (claim, value) in self.distorted(fault) {
                match value {
                    Some(value) => claims.insert(claim.to_owned(), value),
                    None => claims.remove(claim),
                };
            }
        }
        claims
    }

    /// The claims that a fault replaces, or leaves out.
    fn distorted(&self, fault: &Fault) -> Vec<(&'static str, Option<Value>)> {
        let email = &self.email;
        let long = |length| json!("x".repeat(length));
        let one = |claim: &'static str, value| vec![(claim, Some(value))];
        match fault {
            Fault::Claim(claim, value) => one(claim, value.clone()),
            Fault::NoClaim(claim) => vec![(claim, None)],
            Fault::EmailUnverified => one("email_verified", json!(false)),
            Fault::EmailVerifiedMissing => vec![("email_verified", None)],
            Fault::EmailVerifiedString => one("email_verified", json!("true")),
            Fault::EmailVerifiedNumber => one("email_verified", json!(1)),
            Fault::EmailMissing => vec![("email", None)],
            Fault::EmailEmpty => one("email", json!("")),
            Fault::EmailNumber => one("email", json!(7)),
            Fault::EmailArray => one("email", json!([email, "second@evil.example"])),
            Fault::EmailTwoAt => one("email", json!(format!("{email}@evil.example"))),
            Fault::EmailUnicode => one("email", json!(email.replace('a', "\u{430}"))),
            Fault::EmailHuge => one("email", json!(format!("{}@acme.example", "x".repeat(10_000)))),
            Fault::EmailLines => one("email", json!(format!("{email}\r\nBcc: all@acme.example"))),
            Fault::NamesMissing => vec![("name", None), ("given_name", None), ("family_name", None)],
            Fault::NameNotString => one("name", json!({ "first": "Ada" })),
            Fault::NameHuge => vec![("name", Some(long(5_000))), ("given_name", Some(long(5_000)))],
            Fault::NameMarkup => one("name", json!("<script>alert(1)</script>\r\n=cmd()|\u{202e}")),
            Fault::GroupsMissing => vec![("groups", None)],
            Fault::GroupsString => one("groups", json!("eng")),
            Fault::GroupsNull => one("groups", Value::Null),
            Fault::GroupsTenThousand => {
                let others = (0..10_000).map(|number| format!("group-{number}"));
                one(
                    "groups",
                    self.groups.iter().flatten().cloned().chain(others).collect(),
                )
            }
            Fault::GroupsNested => one("groups", json!([["eng"], { "name": "sales" }])),
            Fault::GroupsMixed => one("groups", json!([7, null, "eng", true])),
            Fault::DistributedClaims => vec![
                ("email", None),
                ("_claim_names", Some(json!({ "email": "elsewhere" }))),
                (
                    "_claim_sources",
                    Some(json!({ "elsewhere": { "endpoint": "http://169.254.169.254/claims" } })),
                ),
            ],
            _ => Vec::new(),
        }
    }
}
