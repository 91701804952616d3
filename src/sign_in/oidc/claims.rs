//! From the claims of a verified ID token, and the userinfo where they are missing, to an [`Identity`].

use serde_json::{Map, Value};

use super::error::{Check, OidcError, is_invisible};
use super::token::IdToken;
use crate::access::{EmailAddress, Identity, PersonName};

type Claims = Map<String, Value>;

/// Longer names are cut.
const LONGEST_NAME: usize = 200;
/// Further groups are left out.
const MOST_GROUPS: usize = 1000;
/// Groups with longer names are left out; cut, they would be other groups.
const LONGEST_GROUP: usize = 256;
/// How many names are recorded of claims that lie elsewhere.
const MOST_ELSEWHERE: usize = 20;

/// What the ID token does not say, and the userinfo might.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) email: bool,
    name: bool,
    groups: bool,
}

impl Missing {
    pub(super) fn of(claims: &Claims, groups_claim: &str) -> Self {
        let lacks = |name: &str| value(claims, name).is_none();
        Self {
            email: lacks("email"),
            name: lacks("name") && (lacks("given_name") || lacks("family_name")),
            groups: !groups_claim.is_empty() && lacks(groups_claim),
        }
    }

    pub(super) fn any(self) -> bool {
        self.email || self.name || self.groups
    }
}

/// The identity, and the names of the claims that only the userinfo had.
pub(super) fn identity(
    connection: &str,
    issuer: &str,
    groups_claim: &str,
    token: &IdToken,
    userinfo: Option<&Claims>,
) -> Result<(Identity, Vec<String>), OidcError> {
    let mut sources = Sources {
        token: &token.claims,
        userinfo,
        used: Vec::new(),
    };
    let (email, email_verified) = sources.email()?;
    let name = PersonName {
        full: sources.take("name").and_then(name_part),
        given: sources.take("given_name").and_then(name_part),
        family: sources.take("family_name").and_then(name_part),
    };
    let identity = Identity {
        connection: connection.to_owned(),
        issuer: issuer.to_owned(),
        subject: token.subject.clone(),
        email,
        email_verified,
        name,
        groups: if groups_claim.is_empty() {
            None
        } else {
            sources.take(groups_claim).and_then(groups)
        },
    };
    Ok((identity, sources.used))
}

/// The names of claims that the provider keeps elsewhere (§5.6.2). They are not fetched: the address is the
/// provider's choice, and large providers put groups there when there are too many.
pub(super) fn elsewhere(claims: &Claims) -> Vec<String> {
    let names = claims.get("_claim_names").and_then(Value::as_object);
    names
        .into_iter()
        .flatten()
        .take(MOST_ELSEWHERE)
        .map(|(name, _)| super::shown(name))
        .collect()
}

struct Sources<'a> {
    token: &'a Claims,
    userinfo: Option<&'a Claims>,
    used: Vec<String>,
}

impl<'a> Sources<'a> {
    /// The ID token's value, else the userinfo's.
    fn take(&mut self, name: &str) -> Option<&'a Value> {
        value(self.token, name).or_else(|| {
            let found = value(self.userinfo?, name)?;
            self.used.push(name.to_owned());
            Some(found)
        })
    }

    /// The address and whether it is verified, which must be said of the same address.
    fn email(&mut self) -> Result<(Option<EmailAddress>, Option<bool>), OidcError> {
        let Some(found) = self.take("email") else {
            return Ok((None, None));
        };
        let text = found.as_str().ok_or_else(|| malformed("it is not text"))?;
        let email = EmailAddress::parse(text).map_err(|error| malformed(&error.to_string()))?;
        let says = |claims: &Claims| {
            let same = value(claims, "email") == Some(found);
            value(claims, "email_verified")
                .filter(|_| same)
                .map(|said| *said == Value::Bool(true))
        };
        let verified = says(self.token).or_else(|| {
            let said = says(self.userinfo?)?;
            self.used.push("email_verified".to_owned());
            Some(said)
        });
        Ok((Some(email), verified))
    }
}

/// A claim that is null is a claim that is not there (§5.3.2).
fn value<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    claims.get(name).filter(|value| !value.is_null())
}

fn malformed(why: &str) -> OidcError {
    let sentence = format!(
        "The e-mail address from the provider can't be used: {} Correct it in the person's profile there.",
        super::shown(why.trim_end_matches('.')) + "."
    );
    OidcError::new(Check::EmailMalformed, sentence)
}

fn name_part(value: &Value) -> Option<String> {
    let kept: String = value.as_str()?.chars().filter(|c| !is_invisible(*c)).collect();
    let cut: String = kept.trim().chars().take(LONGEST_NAME).collect();
    let cut = cut.trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// A list of names or one name; anything else says nothing about groups.
fn groups(value: &Value) -> Option<Vec<String>> {
    let names: Vec<&str> = match value {
        Value::String(one) => vec![one],
        Value::Array(list) => list.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    let fits = |name: &&str| !name.is_empty() && name.chars().count() <= LONGEST_GROUP;
    Some(
        names
            .into_iter()
            .filter(fits)
            .take(MOST_GROUPS)
            .map(str::to_owned)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    fn token(value: &Value) -> IdToken {
        IdToken {
            claims: claims(value),
            subject: "s1".to_owned(),
            issued_at: 0,
            expires_at: 0,
        }
    }

    fn read(value: &Value, userinfo: Option<&Value>) -> Result<(Identity, Vec<String>), OidcError> {
        identity(
            "c1",
            "https://idp.example",
            "groups",
            &token(value),
            userinfo.map(claims).as_ref(),
        )
    }

    fn alone(value: &Value) -> Identity {
        read(value, None).unwrap().0
    }

    #[test]
    fn an_identity_is_what_the_token_says() {
        let found = alone(&json!({
            "email": "Ada@Corp.example", "email_verified": true, "name": "Ada King",
            "given_name": "Ada", "family_name": "King", "groups": ["a", "b"],
        }));
        assert_eq!(
            (found.connection.as_str(), found.issuer.as_str()),
            ("c1", "https://idp.example")
        );
        assert_eq!((found.subject.as_str(), found.email_verified), ("s1", Some(true)));
        assert_eq!(found.email, EmailAddress::parse("Ada@Corp.example").ok());
        assert_eq!(found.name.full.as_deref(), Some("Ada King"));
        assert_eq!(found.groups, Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    /// OIDC-037.
    #[test]
    fn only_true_is_verified() {
        for (said, expected) in [
            (json!(true), Some(true)),
            (json!(false), Some(false)),
            (json!("true"), Some(false)),
            (json!(1), Some(false)),
            (json!([true]), Some(false)),
            (Value::Null, None),
        ] {
            let found = alone(&json!({ "email": "a@b.example", "email_verified": said }));
            assert_eq!(found.email_verified, expected, "{said}");
        }
        assert_eq!(alone(&json!({ "email": "a@b.example" })).email_verified, None);
    }

    /// OIDC-038.
    #[test]
    fn an_address_that_is_not_one_address_is_refused() {
        for email in [
            json!(["a@b.example"]),
            json!({ "a": "a@b.example" }),
            json!(7),
            json!(""),
            json!("a@b@c.example"),
            json!("a@b.example,c@d.example"),
            json!("a@b.example\r\nBcc: x@y.example"),
            json!("a".repeat(10_000) + "@b.example"),
        ] {
            let error = read(&json!({ "email": email }), None).unwrap_err();
            assert_eq!(error.check, Check::EmailMalformed, "{email}");
            assert!(
                !error.sentence.contains("..") && error.sentence.len() < 500,
                "{}",
                error.sentence
            );
        }
        assert_eq!(alone(&json!({})).email, None);
    }

    /// DEC-032.
    #[test]
    fn groups_are_a_list_of_names_or_one_name() {
        for (said, expected) in [
            (json!([]), Some(vec![])),
            (json!("one"), Some(vec!["one"])),
            (json!(["a", ""]), Some(vec!["a"])),
            (json!(["a", "é".repeat(257)]), Some(vec!["a"])),
            (json!([["a"]]), None),
            (json!(["a", 1]), None),
            (json!({ "a": true }), None),
            (json!(true), None),
            (Value::Null, None),
        ] {
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(alone(&json!({ "groups": said })).groups, expected, "{said}");
        }
        let many: Vec<_> = (0..1500).map(|number| number.to_string()).collect();
        assert_eq!(alone(&json!({ "groups": many })).groups.unwrap().len(), 1000);
    }

    #[test]
    fn names_are_cut_and_cleaned() {
        let found = alone(&json!({
            "name": format!(" Ada\r\n\u{202e}{}", "x".repeat(500)), "given_name": "\u{0}", "family_name": 7,
        }));
        let full = found.name.full.unwrap();
        assert!(
            full.starts_with("Adaxxx") && full.chars().count() == 200,
            "{full}"
        );
        assert_eq!((found.name.given, found.name.family), (None, None));
    }

    #[test]
    fn the_userinfo_fills_only_what_is_missing() {
        let userinfo =
            json!({ "email": "u@b.example", "email_verified": true, "name": "U", "groups": ["u"] });
        let (found, used) = read(&json!({ "name": "T" }), Some(&userinfo)).unwrap();
        assert_eq!(
            (found.email.unwrap().as_str(), found.email_verified),
            ("u@b.example", Some(true))
        );
        assert_eq!(found.name.full.as_deref(), Some("T"));
        assert_eq!(used, ["email", "email_verified", "groups"]);
        let (found, used) = read(&json!({ "email": "t@b.example" }), Some(&userinfo)).unwrap();
        assert_eq!(
            (found.email.unwrap().as_str(), found.email_verified),
            ("t@b.example", None)
        );
        assert_eq!(used, ["name", "groups"]);
    }

    #[test]
    fn what_is_missing_is_what_is_used() {
        let missing = |value: Value| Missing::of(&claims(&value), "groups");
        let all = json!({ "email": "a@b.example", "name": "A", "groups": [] });
        assert!(!missing(all).any());
        let parts = missing(json!({ "email": null, "given_name": "A", "family_name": "B", "groups": [] }));
        assert_eq!(
            parts,
            Missing {
                email: true,
                name: false,
                groups: false
            }
        );
        assert!(!Missing::of(&claims(&json!({ "email": "a", "name": "b" })), "").any());
    }

    /// OIDC-039.
    #[test]
    fn claims_elsewhere_are_named_and_not_there() {
        let value = json!({
            "_claim_names": { "groups": "src1" },
            "_claim_sources": { "src1": { "endpoint": "http://169.254.169.254/" } },
        });
        assert_eq!(elsewhere(&claims(&value)), ["groups"]);
        assert_eq!(alone(&value).groups, None);
    }
}
