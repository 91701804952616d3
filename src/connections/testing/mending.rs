//! What lets somebody in whom a test would deny.

use crate::access::{Denial, Identity};
use crate::connections::Connection;
use crate::domains::{Domain, Standing};

/// What is to be done, as a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mending {
    /// The words.
    pub words: String,
    /// The path below the organization's.
    pub path: String,
}

/// What the organization has of the domain of the person's address.
#[derive(Debug, Clone, Default)]
pub struct Ground {
    /// The domain, if the organization added it.
    pub domain: Option<Domain>,
    /// The ids of the domains that are attached to the connection.
    pub attached: Vec<String>,
}

/// What mends this denial; nothing where nothing here does, or where it is mended by now.
pub fn mending(
    reason: Denial,
    identity: &Identity,
    connection: &Connection,
    ground: &Ground,
) -> Option<Mending> {
    let email = identity.email.as_ref()?;
    let one = |words: &str, path: String| {
        let words = words.to_owned();
        Some(Mending { words, path })
    };
    match reason {
        Denial::DomainNotVerified => domain(email.domain(), connection, ground),
        Denial::DomainOfAnotherOrganization => one("See the domains", "/domains".to_owned()),
        Denial::EmailNotVerified => one("See the guides", format!("/connections/{}/guides", connection.id)),
        Denial::NotInvited | Denial::Removed => one(
            "Invite this person…",
            format!("/invitations/new?{}", query(&[("email", email.as_str())])),
        ),
        Denial::NoSeat => one("Add a seat…", "/settings/seats".to_owned()),
        Denial::MembershipDeactivated => one(
            "Find the member",
            format!("/members?{}", query(&[("q", email.as_str())])),
        ),
        Denial::AccountDeactivated => None,
    }
}

fn domain(name: &str, connection: &Connection, ground: &Ground) -> Option<Mending> {
    let Some(domain) = &ground.domain else {
        return Some(Mending {
            words: format!("Add the domain {name}…"),
            path: "/domains".to_owned(),
        });
    };
    let counts = matches!(
        domain.standing(),
        Standing::Verified | Standing::Vouched | Standing::Lost(_)
    );
    if !counts {
        return Some(Mending {
            words: format!("Verify {name}…"),
            path: format!("/domains/{}", domain.id),
        });
    }
    if ground.attached.contains(&domain.id) {
        return None;
    }
    let mut pairs = vec![("chosen", "yes")];
    let chosen = ground.attached.iter().chain([&domain.id]);
    pairs.extend(chosen.map(|id| ("domain", id.as_str())));
    Some(Mending {
        words: format!("Attach {name}…"),
        path: format!("/connections/{}/domains?{}", connection.id, query(&pairs)),
    })
}

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{EmailAddress, PersonName};
    use crate::connections::{Protocol, Settings, State};

    fn connection() -> Connection {
        let settings = Settings::default();
        Connection {
            id: "c1".to_owned(),
            organization: "o1".to_owned(),
            slug: "okta".to_owned(),
            name: "Okta".to_owned(),
            protocol: Protocol::Oidc,
            state: State::Draft,
            jit: true,
            scim: false,
            enforce: false,
            default_role: settings.default_role,
            default_team: None,
            issuer: String::new(),
            client_id: String::new(),
            client_secret_sealed: String::new(),
            scopes: settings.scopes,
            groups_claim: settings.groups_claim,
            confirmed_jwks_uri: String::new(),
            keys_moved_at: None,
            jit_changed_at: None,
            jit_changed_by: String::new(),
            version: 1,
        }
    }

    fn path(reason: Denial, ground: &Ground) -> String {
        let identity = Identity {
            connection: "c1".to_owned(),
            issuer: "i".to_owned(),
            subject: "s".to_owned(),
            email: EmailAddress::parse("ada@acme.example").ok(),
            email_verified: None,
            name: PersonName::default(),
            groups: None,
        };
        mending(reason, &identity, &connection(), ground).map_or_else(String::new, |one| one.path)
    }

    #[test]
    fn a_denial_leads_to_what_mends_it() {
        let mut ground = Ground::default();
        assert_eq!(path(Denial::DomainNotVerified, &ground), "/domains");
        ground.domain = Some(Domain {
            id: "d1".to_owned(),
            name: "acme.example".to_owned(),
            ..Domain::default()
        });
        assert_eq!(path(Denial::DomainNotVerified, &ground), "/domains/d1");
        ground.domain.as_mut().unwrap().verified = true;
        ground.attached.push("d0".to_owned());
        assert_eq!(
            path(Denial::DomainNotVerified, &ground),
            "/connections/c1/domains?chosen=yes&domain=d0&domain=d1"
        );
        ground.attached.push("d1".to_owned());
        assert_eq!(path(Denial::DomainNotVerified, &ground), "", "it is mended");
        assert_eq!(
            path(Denial::NotInvited, &ground),
            "/invitations/new?email=ada%40acme.example"
        );
        assert_eq!(path(Denial::NoSeat, &ground), "/settings/seats");
        assert_eq!(path(Denial::AccountDeactivated, &ground), "");
    }
}
