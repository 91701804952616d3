//! An identity provider for tests: honest by default, and everything about it can be bent.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Provider, SamlError, ServiceProvider, SpKey, Verified, instant, sign_element, verify};

/// 2026-11-24T01:02:03Z.
pub(super) const NOW: i64 = 1_795_482_123_000;
pub(super) const MINUTE: i64 = 60_000;
pub(super) const IDP: &str = "https://idp.example/metadata";
pub(super) const SP: &str = "https://vestibule.example/sign-in/saml/c1/metadata";
pub(super) const ACS: &str = "https://vestibule.example/sign-in/saml/c1/acs";
pub(super) const REQUEST: &str = "_request1";

/// The pinned key, another one that is not pinned, and our own.
pub(super) static IDP_KEY: LazyLock<SpKey> = LazyLock::new(|| key("idp"));
pub(super) static FOREIGN_KEY: LazyLock<SpKey> = LazyLock::new(|| key("foreign"));
pub(super) static OUR_KEY: LazyLock<SpKey> = LazyLock::new(|| key("ours"));

fn key(name: &str) -> SpKey {
    SpKey::generate(name, NOW).unwrap()
}

pub(super) fn spki(key: &SpKey) -> Vec<u8> {
    let pair = aws_lc_rs::signature::RsaKeyPair::from_pkcs8(&key.private).unwrap();
    let der: PublicKeyX509Der = pair.public_key().as_der().unwrap();
    der.as_ref().to_vec()
}

pub(super) fn provider() -> Provider {
    Provider {
        entity_id: IDP.to_owned(),
        keys: vec![spki(&IDP_KEY)],
        ..Provider::default()
    }
}

pub(super) fn service_provider() -> ServiceProvider {
    ServiceProvider {
        entity_id: SP.to_owned(),
        acs_url: ACS.to_owned(),
        keys: vec![OUR_KEY.clone()],
    }
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Assertion,
    Response,
    Both,
    Nothing,
}

/// A response in the making: texts that a test replaces.
#[derive(Clone, Debug)]
pub(super) struct Forge {
    pub(super) response_id: String,
    pub(super) response_attributes: String,
    pub(super) response_issuer: String,
    pub(super) status: String,
    pub(super) assertion_id: String,
    pub(super) assertion_attributes: String,
    pub(super) assertion_issuer: String,
    pub(super) name_id: String,
    pub(super) confirmation: String,
    pub(super) conditions: String,
    pub(super) statement: String,
    pub(super) attributes: String,
    pub(super) sign: Sign,
}

pub(super) fn at(offset: i64) -> String {
    instant::write(NOW + offset)
}

pub(super) fn success() -> String {
    r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#
        .to_owned()
}

pub(super) fn bearer(data: &str) -> String {
    format!(
        r#"<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData {data}/></saml:SubjectConfirmation>"#
    )
}

pub(super) fn audience(names: &[&str]) -> String {
    let written = |one: &&str| format!("<saml:Audience>{one}</saml:Audience>");
    let names: Vec<String> = names.iter().map(written).collect();
    format!(
        "<saml:AudienceRestriction>{}</saml:AudienceRestriction>",
        names.concat()
    )
}

pub(super) fn conditions(inside: &str) -> String {
    let (from, to) = (at(-MINUTE), at(5 * MINUTE));
    format!(r#"<saml:Conditions NotBefore="{from}" NotOnOrAfter="{to}">{inside}</saml:Conditions>"#)
}

pub(super) fn attribute(name: &str, values: &[&str]) -> String {
    let written =
        |value: &&str| format!(r#"<saml:AttributeValue xsi:type="xs:string">{value}</saml:AttributeValue>"#);
    let values: Vec<String> = values.iter().map(written).collect();
    format!(
        r#"<saml:Attribute Name="{name}">{}</saml:Attribute>"#,
        values.concat()
    )
}

pub(super) fn statement(attributes: &str) -> String {
    format!(
        r#"<saml:AuthnStatement AuthnInstant="{}" {attributes}><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"#,
        at(-MINUTE)
    )
}

impl Forge {
    /// The honest one, asked for by our request.
    pub(super) fn new() -> Self {
        let good = format!(
            r#"InResponseTo="{REQUEST}" Recipient="{ACS}" NotOnOrAfter="{}""#,
            at(5 * MINUTE)
        );
        Self {
            response_id: "_response1".to_owned(),
            response_attributes: format!(
                r#"Version="2.0" IssueInstant="{}" Destination="{ACS}" InResponseTo="{REQUEST}""#,
                at(0)
            ),
            response_issuer: format!("<saml:Issuer>{IDP}</saml:Issuer>"),
            status: success(),
            assertion_id: "_assertion1".to_owned(),
            assertion_attributes: format!(r#"Version="2.0" IssueInstant="{}""#, at(0)),
            assertion_issuer: format!("<saml:Issuer>{IDP}</saml:Issuer>"),
            name_id: r#"<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">ada@corp.example</saml:NameID>"#.to_owned(),
            confirmation: bearer(&good),
            conditions: conditions(&audience(&[SP])),
            statement: statement(r#"SessionIndex="s1""#),
            attributes: format!(
                "{}{}{}",
                attribute("mail", &["ada@corp.example"]),
                attribute("displayName", &["Ada King"]),
                attribute("groups", &["staff", "admins"])
            ),
            sign: Sign::Assertion,
        }
    }

    /// The one that nobody asked for.
    pub(super) fn unsolicited() -> Self {
        let good = format!(r#"Recipient="{ACS}" NotOnOrAfter="{}""#, at(5 * MINUTE));
        Self {
            response_attributes: format!(r#"Version="2.0" IssueInstant="{}" Destination="{ACS}""#, at(0)),
            confirmation: bearer(&good),
            ..Self::new()
        }
    }

    pub(super) fn signed(self, sign: Sign) -> Self {
        Self { sign, ..self }
    }

    pub(super) fn assertion(&self) -> String {
        let Self {
            assertion_id: id,
            assertion_attributes: attributes,
            assertion_issuer,
            ..
        } = self;
        format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{id}" {attributes}>{assertion_issuer}<saml:Subject>{}{}</saml:Subject>{}{}<saml:AttributeStatement>{}</saml:AttributeStatement></saml:Assertion>"#,
            self.name_id, self.confirmation, self.conditions, self.statement, self.attributes,
        )
    }

    /// The assertion, signed when it is to be.
    pub(super) fn signed_assertion(&self) -> String {
        let assertion = self.assertion();
        match self.sign {
            Sign::Assertion | Sign::Both => sign(&assertion, &self.assertion_id, &IDP_KEY),
            _ => assertion,
        }
    }

    /// The whole response.
    pub(super) fn build(&self) -> String {
        self.around(&self.signed_assertion())
    }

    /// The response around some inner text, signed when it is to be.
    pub(super) fn around(&self, inner: &str) -> String {
        let Self {
            response_id: id,
            response_attributes: attributes,
            response_issuer,
            status,
            ..
        } = self;
        let response = format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" {attributes}>{response_issuer}{status}{inner}</samlp:Response>"#
        );
        match self.sign {
            Sign::Response | Sign::Both => sign(&response, id, &IDP_KEY),
            _ => response,
        }
    }
}

pub(super) fn sign(document: &str, id: &str, key: &SpKey) -> String {
    sign_element(document, id, &key.private, Some(&key.certificate)).unwrap()
}

/// What the form's field would hold.
pub(super) fn field(xml: &str) -> String {
    STANDARD.encode(xml)
}

/// Judged as the door does it, from the form's field on.
pub(super) fn judged_by(
    provider: &Provider,
    xml: &str,
    request: Option<&str>,
) -> Result<Verified, SamlError> {
    let text = super::decode(&field(xml))?;
    verify(provider, &service_provider(), "c1", &text, request, NOW)
}

pub(super) fn judged(xml: &str) -> Result<Verified, SamlError> {
    judged_by(&provider(), xml, Some(REQUEST))
}
