//! Acme, as the benches want it: a domain, connections by OIDC and SAML that let in whoever the provider vouches for,
//! a directory, and many who were denied.

use std::path::Path;

use vestibule::access::{DomainName, EmailAddress, Role, Trace};
use vestibule::audit::Actor;
use vestibule::connections::saml::{SamlSettings, actions::Wanted};
use vestibule::connections::{self, State};
use vestibule::provisioning::{guard, tokens};
use vestibule::saml::{Certificate, SpKey};
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::sign_ins::{Outcome, Record};
use vestibule::store::sealed::Sealer;
use vestibule::store::{Conn, Store, id, time};
use vestibule::web::Problem;
use vestibule::{accounts, denied, domains, sign_ins};

use super::people::ENTITY_ID;
use super::provider::CLIENT;

/// The owner, and how she comes in.
pub const OWNER: (&str, &str) = ("olive@acme.example", "olive opens the door");

/// What was made.
pub struct Acme {
    /// The organization's id.
    pub organization: String,
    /// The OIDC connection's id.
    pub oidc: String,
    /// The SAML connection's id.
    pub saml: String,
    /// A token of the directory's.
    pub token: String,
}

/// Makes Acme in an empty database.
pub fn make(database: &str, key: &Path, issuer: &str, idp: &SpKey) -> Acme {
    let (store, sealer) = (Store::open(database).unwrap(), Sealer::from_file(key).unwrap());
    store.migrate().unwrap();
    let hash = accounts::hash(OWNER.1).unwrap();
    store
        .write(|conn| acme(conn, time::now(), &sealer, issuer, idp, &hash))
        .unwrap()
}

fn acme(
    conn: &mut Conn,
    now: i64,
    sealer: &Sealer,
    issuer: &str,
    idp: &SpKey,
    hash: &str,
) -> Result<Acme, Problem> {
    let (actor, email) = (Actor::operator(), EmailAddress::parse(OWNER.0).unwrap());
    let owner = NewOwner {
        slug: "acme",
        organization_name: "Acme",
        email: &email,
        name: "Olive",
        password_hash: Some(hash),
        operator: false,
    };
    let (organization, _) = make_owner(conn, now, &actor, &owner)?;
    let settings = connections::Settings {
        name: "Acme ID".into(),
        slug: "acme-id".into(),
        issuer: issuer.into(),
        client_id: CLIENT.into(),
        client_secret: Some("a secret of the bench".into()),
        default_role: Role::Member,
        ..connections::Settings::default()
    };
    let oidc = connections::actions::create(conn, now, &actor, sealer, &organization.id, &settings)?;
    let saml = by_saml(conn, now, sealer, &organization.id, idp)?;
    let name = DomainName::parse("acme.example").unwrap();
    let domain = domains::actions::add(conn, now, &actor, &organization.id, &name)?;
    domains::actions::vouch(conn, now, &actor, &organization.id, &domain)?;
    for made in [&oidc, &saml] {
        connections::actions::attach_domain(conn, now, &actor, made, &domain)?;
        let made = connections::find(conn, &made.id)?.unwrap();
        connections::actions::set_state(conn, now, &actor, &made, State::On)?;
    }
    let made = connections::find(conn, &oidc.id)?.unwrap();
    guard::set(conn, now, &actor, &made, (100, 10))?;
    Ok(Acme {
        organization: organization.id,
        oidc: oidc.id,
        saml: saml.id,
        token: String::new(),
    })
}

fn by_saml(
    conn: &mut Conn,
    now: i64,
    sealer: &Sealer,
    organization: &str,
    idp: &SpKey,
) -> Result<connections::Connection, Problem> {
    let settings = connections::Settings {
        name: "Acme SAML".into(),
        slug: "acme-saml".into(),
        ..connections::Settings::default()
    };
    let saml = SamlSettings {
        entity_id: ENTITY_ID.into(),
        sso_url: "https://idp.acme.example/sso".into(),
        ..SamlSettings::default()
    };
    let certificate = Certificate::from_der(idp.certificate.clone()).unwrap();
    let wanted = Wanted {
        settings: &settings,
        saml: &saml,
        certificates: &[certificate],
    };
    let key = SpKey::generate("acme", now).unwrap();
    let actor = Actor::operator();
    connections::saml::actions::create(conn, now, &actor, sealer, organization, &wanted, &key)
}

/// Turns the directory on and answers a token.
pub fn directory(database: &str, connection: &str) -> String {
    let store = Store::open(database).unwrap();
    store
        .write(|conn| -> Result<String, Problem> {
            let (now, actor) = (time::now(), Actor::operator());
            let made = connections::find(conn, connection)?.unwrap();
            let made = connections::actions::set_scim(conn, now, &actor, &made, true)?;
            Ok(tokens::create(conn, now, &actor, &made, "bench", None)?.1)
        })
        .unwrap()
}

/// So many people who were denied.
pub fn deny(database: &str, acme: &Acme, people: usize) {
    let (store, now) = (Store::open(database).unwrap(), time::now());
    for first in (0..people).step_by(10_000) {
        store
            .write(|conn| -> Result<(), Problem> {
                for number in first..(first + 10_000).min(people) {
                    let record = denial(acme, number, now);
                    let denial = denied::actions::note(conn, &record)?;
                    sign_ins::insert(conn, &record, Some(&denial))?;
                }
                Ok(())
            })
            .unwrap();
    }
}

fn denial(acme: &Acme, number: usize, now: i64) -> Record {
    Record {
        id: id::new_id(),
        organization: acme.organization.clone(),
        connection: Some(acme.oidc.clone()),
        connection_name: "Acme ID".into(),
        protocol: "oidc",
        at: now - i64::try_from(number).unwrap() * 20_000,
        outcome: Outcome::Denied,
        reason: "not_invited".into(),
        detail: String::new(),
        reference: id::new_reference() + &number.to_string(),
        account: None,
        issuer: "https://id.example".into(),
        subject: number.to_string(),
        email: format!("stranger{number}@other{}.example", number % 50),
        email_verified: Some(true),
        name: format!("Stranger {number}"),
        groups: None,
        trace: Trace::default(),
        evidence: serde_json::json!({}),
        client: vestibule::web::Client {
            ip: "203.0.113.7".into(),
            user_agent: "bench".into(),
        },
    }
}
