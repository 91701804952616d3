//! What an application asks for at `/saml/sso` (SAML Core §3.4.1), judged.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;

use super::Application;
use crate::demo::provider::parameters::Parameters;

/// The longest request that is read.
const LONGEST: u64 = 64 * 1024;

/// A request that can be answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Its id, which the answer repeats.
    pub id: String,
    /// Who asked.
    pub application: Application,
    /// What the answer has to bring along.
    pub relay_state: String,
}

impl Request {
    /// Reads the parameters of a redirect (SAML Bindings §3.4) or of a form (§3.5), and refuses them with a
    /// sentence.
    pub fn read(parameters: &str, packed: bool, applications: &[Application]) -> Result<Self, &'static str> {
        let asked = Parameters::read(parameters).ok_or("The request says one thing twice.")?;
        let message = asked.get("SAMLRequest").ok_or("There is no SAMLRequest.")?;
        let xml = unpacked(message, packed).ok_or("The SAMLRequest can’t be read.")?;
        Self::find(&xml, asked.get("RelayState").unwrap_or_default(), applications)
    }

    /// The request of this id by this application, for the form that chooses a person.
    pub fn of(
        id: &str,
        entity_id: &str,
        relay_state: &str,
        applications: &[Application],
    ) -> Result<Self, &'static str> {
        let known = applications
            .iter()
            .find(|application| application.entity_id == entity_id)
            .ok_or("No application of this entity id is registered here.")?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if id.is_empty() || !id.chars().all(plain) {
            return Err("The request has no id that could be repeated.");
        }
        Ok(Self {
            id: id.to_owned(),
            application: known.clone(),
            relay_state: relay_state.to_owned(),
        })
    }

    /// A demo's provider needs no parser of XML: it looks for two values, one of which it must know already.
    fn find(xml: &str, relay_state: &str, applications: &[Application]) -> Result<Self, &'static str> {
        let id = between(xml, " ID=\"", "\"").unwrap_or_default();
        let issuer = between(xml, "Issuer>", "<").unwrap_or_default();
        Self::of(id, issuer, relay_state, applications)
    }
}

fn unpacked(message: &str, packed: bool) -> Option<String> {
    let bytes = STANDARD.decode(message).ok()?;
    if !packed {
        return String::from_utf8(bytes).ok();
    }
    let mut xml = String::new();
    let read = DeflateDecoder::new(bytes.as_slice())
        .take(LONGEST)
        .read_to_string(&mut xml);
    read.ok().map(|_| xml)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::AuthnRequest;

    fn application() -> Application {
        Application {
            entity_id: "http://us/metadata".into(),
            acs_url: "http://us/acs".into(),
        }
    }

    fn query(issuer: &str) -> String {
        let request = AuthnRequest {
            id: "_0a1b".into(),
            issued_at: 0,
            issuer: issuer.into(),
            acs_url: "http://us/acs".into(),
            destination: "http://idp/saml/sso".into(),
            force_authn: false,
        };
        let url = request.redirect_url("state", None).unwrap();
        url.split_once('?').unwrap().1.to_owned()
    }

    #[test]
    fn a_known_application_is_answered() {
        let request = Request::read(&query("http://us/metadata"), true, &[application()]).unwrap();
        assert_eq!(
            (request.id.as_str(), request.relay_state.as_str()),
            ("_0a1b", "state")
        );
        assert_eq!(request.application, application());
    }

    #[test]
    fn others_are_not() {
        for query in [
            query("http://them/metadata"),
            "SAMLRequest=%%".into(),
            String::new(),
        ] {
            assert!(Request::read(&query, true, &[application()]).is_err(), "{query}");
        }
        assert!(Request::of("a\"b", "http://us/metadata", "", &[application()]).is_err());
    }
}
