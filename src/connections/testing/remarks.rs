//! What a test has to say beyond yes and no: what is missing in what the provider sends, and here.

use super::{Remark, Weight};
use crate::access::{DomainStanding, EmailAddress, Identity};
use crate::connections::Protocol;
use crate::connections::saml::expiry::{Expiry, Urgency};

/// What remarks are made from, besides the identity.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What is spoken with the provider.
    pub protocol: Protocol,
    /// How the address's domain stands for this connection.
    pub domain: DomainStanding,
    /// Whether the organization has verified the domain, whatever it is attached to.
    pub own_domain: bool,
    /// Whether groups are read for something: a table of groups is filled, or teams are named by convention.
    pub groups_matter: bool,
    /// The claim that groups are read from; empty where none is.
    pub groups_claim: String,
    /// How long the provider's last certificate lasts yet; none where there is none.
    pub certificate: Option<Expiry>,
}

/// Everything there is to say, the worst first.
pub fn remarks(identity: &Identity, facts: &Facts) -> Vec<Remark> {
    let mut all: Vec<Remark> = [
        address(identity, facts),
        verified(identity),
        identity.email.as_ref().and_then(|email| domain(email, facts)),
        name(identity),
        groups(identity, facts),
        certificate(facts),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort_by_key(|remark| remark.weight);
    all
}

fn remark(weight: Weight, sentence: impl Into<String>) -> Remark {
    let sentence = sentence.into();
    Remark { weight, sentence }
}

fn address(identity: &Identity, facts: &Facts) -> Option<Remark> {
    if identity.email.is_some() {
        return None;
    }
    let remedy = match facts.protocol {
        Protocol::Oidc => {
            "Let the provider send the claim “email” in the ID token or the userinfo, and ask for the scope “email”."
        }
        Protocol::Saml => {
            "Let the provider send an e-mail attribute, or a NameID that is the address; or name the attribute in the settings."
        }
    };
    Some(remark(
        Weight::Bad,
        format!("The provider sent no e-mail address, so nobody is known by it. {remedy}"),
    ))
}

fn verified(identity: &Identity) -> Option<Remark> {
    (identity.email.is_some() && identity.email_verified == Some(false)).then_some(())?;
    Some(remark(
        Weight::Bad,
        "The provider says that the address is not verified (email_verified is false), so it proves nobody. Verify it \
         there, or let the provider leave the claim away where it checks addresses itself.",
    ))
}

fn domain(email: &EmailAddress, facts: &Facts) -> Option<Remark> {
    let name = email.domain();
    match facts.domain {
        DomainStanding::Verified => None,
        DomainStanding::Lapsed => Some(remark(
            Weight::Warn,
            format!("The TXT record of {name} has been missing for long: members come in, and nobody new."),
        )),
        DomainStanding::OtherOrganization => Some(remark(
            Weight::Bad,
            format!(
                "The domain {name} belongs to another organization here. Its people can’t come in by this connection."
            ),
        )),
        DomainStanding::Unverified if facts.own_domain => Some(remark(
            Weight::Bad,
            format!(
                "The domain {name} is verified, but not attached to this connection. Attach it on the connection’s page, under Domains."
            ),
        )),
        DomainStanding::Unverified => Some(remark(
            Weight::Bad,
            format!(
                "The domain {name} is not verified, so the provider’s word proves no address of it. Add it under Domains, verify it, and attach it to this connection."
            ),
        )),
    }
}

fn name(identity: &Identity) -> Option<Remark> {
    identity.name.display().is_none().then_some(())?;
    Some(remark(
        Weight::Warn,
        "The provider sent no name. People are shown by their addresses until it sends one.",
    ))
}

fn groups(identity: &Identity, facts: &Facts) -> Option<Remark> {
    match &identity.groups {
        Some(groups) if groups.is_empty() && facts.groups_matter => Some(remark(
            Weight::Warn,
            "The provider sent an empty list of groups: this person would be in no mapped team.",
        )),
        Some(_) => None,
        None if facts.protocol == Protocol::Oidc && facts.groups_claim.is_empty() => {
            facts.groups_matter.then(|| {
                remark(
                    Weight::Warn,
                    "Groups are mapped to teams, but no groups claim is read. Name it under Edit.",
                )
            })
        }
        None => {
            let weight = if facts.groups_matter {
                Weight::Warn
            } else {
                Weight::Note
            };
            Some(remark(
                weight,
                "The provider sent no groups. If teams are to follow its groups, let it send them; otherwise nothing is missing.",
            ))
        }
    }
}

fn certificate(facts: &Facts) -> Option<Remark> {
    let expiry = facts.certificate.as_ref().filter(|expiry| expiry.warns())?;
    let weight = if expiry.urgency == Urgency::Now {
        Weight::Bad
    } else {
        Weight::Warn
    };
    Some(remark(
        weight,
        format!(
            "The provider’s signing certificate {}. Add the next one before the provider changes over.",
            expiry.words
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::PersonName;
    use crate::store::time::DAY;

    fn identity(email: Option<&str>) -> Identity {
        Identity {
            connection: "c".to_owned(),
            issuer: "i".to_owned(),
            subject: "s".to_owned(),
            email: email.map(|text| EmailAddress::parse(text).unwrap()),
            email_verified: Some(true),
            name: PersonName {
                full: Some("Ada".to_owned()),
                ..PersonName::default()
            },
            groups: Some(vec!["staff".to_owned()]),
        }
    }

    fn facts() -> Facts {
        Facts {
            protocol: Protocol::Oidc,
            domain: DomainStanding::Verified,
            own_domain: true,
            groups_matter: true,
            groups_claim: "groups".to_owned(),
            certificate: None,
        }
    }

    fn said(identity: &Identity, facts: &Facts) -> Vec<(Weight, String)> {
        let all = remarks(identity, facts);
        all.into_iter().map(|one| (one.weight, one.sentence)).collect()
    }

    #[test]
    fn nothing_is_said_where_nothing_is_missing() {
        assert_eq!(said(&identity(Some("ada@acme.example")), &facts()), []);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_thing_that_is_missing_has_its_sentence() {
        let ada = identity(Some("ada@acme.example"));
        let table: [(Identity, Facts, Weight, &str); 9] = [
            (identity(None), facts(), Weight::Bad, "no e-mail address"),
            (
                Identity {
                    email_verified: Some(false),
                    ..ada.clone()
                },
                facts(),
                Weight::Bad,
                "not verified (email_verified",
            ),
            (
                ada.clone(),
                Facts {
                    domain: DomainStanding::Unverified,
                    ..facts()
                },
                Weight::Bad,
                "not attached to this connection",
            ),
            (
                ada.clone(),
                Facts {
                    domain: DomainStanding::Unverified,
                    own_domain: false,
                    ..facts()
                },
                Weight::Bad,
                "acme.example is not verified",
            ),
            (
                ada.clone(),
                Facts {
                    domain: DomainStanding::OtherOrganization,
                    ..facts()
                },
                Weight::Bad,
                "another organization",
            ),
            (
                Identity {
                    name: PersonName::default(),
                    ..ada.clone()
                },
                facts(),
                Weight::Warn,
                "no name",
            ),
            (
                Identity {
                    groups: None,
                    ..ada.clone()
                },
                facts(),
                Weight::Warn,
                "sent no groups",
            ),
            (
                Identity {
                    groups: Some(vec![]),
                    ..ada.clone()
                },
                facts(),
                Weight::Warn,
                "empty list of groups",
            ),
            (
                ada.clone(),
                Facts {
                    certificate: Some(Expiry::of(3 * DAY, 0)),
                    ..facts()
                },
                Weight::Bad,
                "certificate expires in 3 days",
            ),
        ];
        for (identity, facts, weight, part) in table {
            let all = said(&identity, &facts);
            assert!(
                all.len() == 1 && all[0].0 == weight && all[0].1.contains(part),
                "{part}: {all:?}"
            );
        }
    }

    #[test]
    fn groups_that_nobody_needs_are_only_a_note_and_the_worst_comes_first() {
        let idle = Facts {
            groups_matter: false,
            ..facts()
        };
        let silent = Identity {
            groups: None,
            ..identity(Some("ada@acme.example"))
        };
        assert_eq!(said(&silent, &idle)[0].0, Weight::Note);
        let bare = Identity {
            groups: None,
            name: PersonName::default(),
            ..identity(None)
        };
        let weights: Vec<Weight> = said(&bare, &facts())
            .into_iter()
            .map(|(weight, _)| weight)
            .collect();
        assert_eq!(weights, [Weight::Bad, Weight::Warn, Weight::Warn]);
    }
}
