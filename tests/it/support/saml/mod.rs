//! The front door by SAML, with a provider that says whatever the test wants. It has no server: the test takes the
//! request from where the browser was sent, and has the browser post an answer.

pub mod message;

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;
use vestibule::audit::Actor;
use vestibule::connections::saml::SamlSettings;
use vestibule::connections::saml::actions::{Wanted, create};
use vestibule::connections::{self, Connection, State};
use vestibule::saml::{Certificate, SpKey};

use self::message::{BEARER, EMAIL, Message, SUCCESS, Signed};
use super::{Acme, Browser, Database};

/// The provider's site.
pub const SITE: &str = "https://idp.acme.example";
/// The provider's entity id.
pub const ENTITY: &str = "https://idp.acme.example/metadata";
const SSO: &str = "https://idp.acme.example/sso";

/// Acme with a connection by SAML, on, just-in-time provisioning off.
pub struct SamlFront {
    pub acme: Acme,
    /// The connection.
    pub id: String,
    /// The provider's key.
    pub key: SpKey,
}

/// A request that arrived at the provider.
#[derive(Debug, Clone)]
pub struct Asked {
    pub xml: String,
    pub id: String,
    pub relay_state: String,
    /// The address as the browser was given it.
    pub url: Url,
}

impl SamlFront {
    /// Acme, which lets in members and invited people.
    pub fn open(db: Database) -> Self {
        let acme = Acme::alone(db);
        let key = SpKey::generate("idp.acme.example", acme.installation.site.now()).unwrap();
        let id = connect(&acme, "acme-saml", &key);
        Self { acme, id, key }
    }

    /// Acme with just-in-time provisioning on.
    pub fn open_to_newcomers(db: Database) -> Self {
        let front = Self::open(db);
        front.jit(true);
        front
    }

    /// The connection as it is now.
    pub fn connection(&self) -> Connection {
        self.acme
            .read(|conn| Ok(connections::find(conn, &self.id)?.unwrap()))
    }

    /// Turns just-in-time provisioning on or off.
    pub fn jit(&self, on: bool) {
        let connection = self.connection();
        self.acme
            .write(|conn, now| connections::actions::set_jit(conn, now, &Actor::operator(), &connection, on));
    }

    /// Changes the connection's settings behind the application's back.
    pub fn set(&self, change: &str) {
        let id = &self.id;
        self.acme.run(&format!(
            "UPDATE saml_settings SET {change} WHERE connection_id = '{id}'"
        ));
    }

    /// So many milliseconds pass.
    pub fn later(&self, milliseconds: i64) {
        self.acme.installation.site.clock.advance(milliseconds);
    }

    /// The time.
    pub fn now(&self) -> i64 {
        self.acme.installation.site.now()
    }

    /// Where single sign-on starts.
    pub fn sign_in(&self) -> String {
        self.acme.installation.to("/sign-in/acme/acme-saml")
    }

    /// Where responses go.
    pub fn acs(&self) -> String {
        self.acme
            .installation
            .to(&format!("/sign-in/saml/{}/acs", self.id))
    }

    /// Our entity id.
    pub fn audience(&self) -> String {
        self.acme
            .installation
            .to(&format!("/sign-in/saml/{}/metadata", self.id))
    }

    /// A browser whose person is at the provider, and the request.
    pub async fn at_the_provider(&self) -> (Browser, Asked) {
        let mut browser = Browser::new();
        let asked = self.again_at_the_provider(&mut browser).await;
        (browser, asked)
    }

    /// This browser starts anew.
    pub async fn again_at_the_provider(&self, browser: &mut Browser) -> Asked {
        browser.stop_before("/sso").get(&self.sign_in()).await;
        let url = browser
            .held()
            .unwrap_or_else(|| panic!("{}", browser.text()))
            .clone();
        Asked::read(url)
    }

    /// An honest answer about this person.
    pub fn about(&self, asked: &Asked, email: &str) -> Message {
        Message {
            in_response_to: Some(asked.id.clone()),
            confirms: Some(asked.id.clone()),
            ..self.unasked(email)
        }
    }

    /// An honest response that nobody asked for.
    pub fn unasked(&self, email: &str) -> Message {
        let now = self.now();
        Message {
            id: id("_r"),
            assertion_id: id("_a"),
            version: "2.0",
            status: SUCCESS,
            destination: Some(self.acs()),
            issuer: ENTITY.into(),
            assertion_issuer: ENTITY.into(),
            in_response_to: None,
            confirms: None,
            recipient: Some(self.acs()),
            method: BEARER,
            audiences: vec![vec![self.audience()]],
            issued_at: now,
            authenticated_at: now - 1_000,
            not_before: Some(now - 30_000),
            not_on_or_after: Some(now + 300_000),
            confirmed_until: Some(now + 300_000),
            session_ends_at: None,
            name_format: EMAIL,
            name: email.into(),
            attributes: vec![],
            signed: Signed::Assertion,
            around: [String::new(), String::new()],
        }
    }

    /// The browser brings this response.
    pub async fn bring(&self, browser: &mut Browser, xml: &str, relay_state: &str) {
        let response = STANDARD.encode(xml);
        let form = [("SAMLResponse", response.as_str()), ("RelayState", relay_state)];
        let form = if relay_state.is_empty() {
            &form[..1]
        } else {
            &form[..]
        };
        browser.post_from(SITE, &self.acs(), form).await;
    }

    /// A whole sign-in of somebody, in a new browser.
    pub async fn comes(&self, email: &str) -> Browser {
        let (mut browser, asked) = self.at_the_provider().await;
        let xml = self.about(&asked, email).xml(&self.key);
        self.bring(&mut browser, &xml, &asked.relay_state).await;
        browser
    }
}

impl Asked {
    /// Reads it from the address of a redirect.
    pub fn read(url: Url) -> Self {
        let field = |wanted: &str| {
            url.query_pairs()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let packed = STANDARD.decode(field("SAMLRequest")).unwrap();
        let mut xml = String::new();
        flate2::read::DeflateDecoder::new(packed.as_slice())
            .read_to_string(&mut xml)
            .unwrap();
        Self {
            id: attribute(&xml, "ID"),
            relay_state: field("RelayState"),
            xml,
            url,
        }
    }
}

/// The value of an attribute of the outermost element.
pub fn attribute(xml: &str, name: &str) -> String {
    let start = format!(" {name}=\"");
    let rest = xml
        .split_once(&start)
        .unwrap_or_else(|| panic!("no {name}: {xml}"))
        .1;
    rest.split_once('"').unwrap().0.to_owned()
}

/// An id of XML.
pub fn id(prefix: &str) -> String {
    format!("{prefix}{}", vestibule::store::id::new_id())
}

/// A connection of Acme's by SAML to the provider with this key, for the domain acme.example; on.
pub fn connect(acme: &Acme, slug: &str, key: &SpKey) -> String {
    let settings = connections::Settings {
        name: "Acme SAML".into(),
        slug: slug.into(),
        ..connections::Settings::default()
    };
    let saml = SamlSettings {
        entity_id: ENTITY.into(),
        sso_url: SSO.into(),
        ..SamlSettings::default()
    };
    let certificate = Certificate::from_der(key.certificate.clone()).unwrap();
    let wanted = Wanted {
        settings: &settings,
        saml: &saml,
        certificates: &[certificate],
    };
    let own = SpKey::generate("vestibule", acme.installation.site.now()).unwrap();
    let made = acme.write(|conn, now| {
        let (actor, sealer) = (Actor::operator(), &acme.installation.site.sealer);
        let made = create(conn, now, &actor, sealer, &acme.organization, &wanted, &own)?;
        let made = connections::actions::set_jit(conn, now, &actor, &made, false)?;
        connections::actions::set_state(conn, now, &actor, &made, State::On)
    });
    acme.run(&format!(
        "INSERT INTO connection_domains (connection_id, domain_id) SELECT '{}', id FROM domains",
        made.id
    ));
    made.id
}
