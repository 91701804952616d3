//! Responses of a SAML provider, written byte by byte: everything that one says can be said otherwise.
//!
//! The text is in canonical form (Exclusive XML Canonicalization 1.0) as it is written, so that what is signed
//! needs no other program's canonical form: the product's own is tested against this.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::macros::format_description;
use vestibule::saml::SpKey;

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// What carries a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Assertion,
    Response,
    Both,
    Nothing,
}

/// A response about to be written.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub assertion_id: String,
    pub version: &'static str,
    pub status: &'static str,
    pub destination: Option<String>,
    pub issuer: String,
    pub assertion_issuer: String,
    /// In the response.
    pub in_response_to: Option<String>,
    /// In the subject's confirmation.
    pub confirms: Option<String>,
    pub recipient: Option<String>,
    pub method: &'static str,
    /// Of each restriction, its audiences.
    pub audiences: Vec<Vec<String>>,
    /// When it was issued, in Unix milliseconds, as all times here.
    pub issued_at: i64,
    pub authenticated_at: i64,
    pub not_before: Option<i64>,
    pub not_on_or_after: Option<i64>,
    pub confirmed_until: Option<i64>,
    pub session_ends_at: Option<i64>,
    pub name_format: &'static str,
    pub name: String,
    pub attributes: Vec<(&'static str, Vec<String>)>,
    pub signed: Signed,
    /// Written before the assertion, and after it.
    pub around: [String; 2],
}

impl Message {
    /// Adds an attribute.
    pub fn with(mut self, name: &'static str, values: &[&str]) -> Self {
        self.attributes
            .push((name, values.iter().map(|&value| value.to_owned()).collect()));
        self
    }

    /// The response, signed as it says.
    pub fn xml(&self, key: &SpKey) -> String {
        let assertion = self.assertion();
        let assertion = match self.signed {
            Signed::Assertion | Signed::Both => sign(&assertion, &self.assertion_id, key),
            _ => assertion,
        };
        let response = self.response(&assertion);
        match self.signed {
            Signed::Response | Signed::Both => sign(&response, &self.id, key),
            _ => response,
        }
    }

    /// The response around an assertion, without a signature of its own.
    pub fn response(&self, assertion: &str) -> String {
        let head = attributes(&[
            ("Destination", self.destination.clone()),
            ("ID", Some(self.id.clone())),
            ("InResponseTo", self.in_response_to.clone()),
            ("IssueInstant", Some(instant(self.issued_at))),
            ("Version", Some(self.version.to_owned())),
        ]);
        let [before, after] = &self.around;
        format!(
            "<samlp:Response xmlns:samlp=\"{SAMLP}\"{head}><saml:Issuer xmlns:saml=\"{SAML}\">{issuer}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"{status}\"></samlp:StatusCode></samlp:Status>{before}{assertion}{after}</samlp:Response>",
            issuer = escaped(&self.issuer),
            status = self.status,
        )
    }

    /// The assertion without a signature.
    pub fn assertion(&self) -> String {
        let head = attributes(&[
            ("ID", Some(self.assertion_id.clone())),
            ("IssueInstant", Some(instant(self.issued_at))),
            ("Version", Some("2.0".to_owned())),
        ]);
        format!(
            "<saml:Assertion xmlns:saml=\"{SAML}\"{head}><saml:Issuer>{issuer}</saml:Issuer>{subject}{conditions}{authn}{said}</saml:Assertion>",
            issuer = escaped(&self.assertion_issuer),
            subject = self.subject(),
            conditions = self.conditions(),
            authn = self.authentication(),
            said = self.said(),
        )
    }

    fn subject(&self) -> String {
        let confirmation = attributes(&[
            ("InResponseTo", self.confirms.clone()),
            ("NotOnOrAfter", self.confirmed_until.map(instant)),
            ("Recipient", self.recipient.clone()),
        ]);
        format!(
            "<saml:Subject><saml:NameID Format=\"{}\">{}</saml:NameID><saml:SubjectConfirmation Method=\"{}\">\
             <saml:SubjectConfirmationData{confirmation}></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>",
            self.name_format,
            escaped(&self.name),
            self.method,
        )
    }

    fn conditions(&self) -> String {
        let times = attributes(&[
            ("NotBefore", self.not_before.map(instant)),
            ("NotOnOrAfter", self.not_on_or_after.map(instant)),
        ]);
        let mut restrictions = String::new();
        for audiences in &self.audiences {
            restrictions += "<saml:AudienceRestriction>";
            for audience in audiences {
                write!(
                    restrictions,
                    "<saml:Audience>{}</saml:Audience>",
                    escaped(audience)
                )
                .unwrap();
            }
            restrictions += "</saml:AudienceRestriction>";
        }
        format!("<saml:Conditions{times}>{restrictions}</saml:Conditions>")
    }

    fn authentication(&self) -> String {
        let head = attributes(&[
            ("AuthnInstant", Some(instant(self.authenticated_at))),
            ("SessionIndex", Some(format!("s{}", self.assertion_id))),
            ("SessionNotOnOrAfter", self.session_ends_at.map(instant)),
        ]);
        format!(
            "<saml:AuthnStatement{head}><saml:AuthnContext><saml:AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
             </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        )
    }

    fn said(&self) -> String {
        if self.attributes.is_empty() {
            return String::new();
        }
        let mut out = "<saml:AttributeStatement>".to_owned();
        for (name, values) in &self.attributes {
            write!(out, "<saml:Attribute Name=\"{name}\">").unwrap();
            for value in values {
                write!(
                    out,
                    "<saml:AttributeValue>{}</saml:AttributeValue>",
                    escaped(value)
                )
                .unwrap();
            }
            out += "</saml:Attribute>";
        }
        out + "</saml:AttributeStatement>"
    }
}

/// Puts a signature after the issuer of the outermost element, over that element.
pub fn sign(element: &str, id: &str, key: &SpKey) -> String {
    let digest_value = STANDARD.encode(digest(&SHA256, element.as_bytes()));
    let info = |xmlns: &str| {
        format!(
            "<ds:SignedInfo{xmlns}><ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{digest_value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )
    };
    let signature = STANDARD.encode(key.sign(info(&format!(" xmlns:ds=\"{DS}\"")).as_bytes()).unwrap());
    let certificate = STANDARD.encode(&key.certificate);
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\">{}<ds:SignatureValue>{signature}</ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        info("")
    );
    let end = "</saml:Issuer>";
    element.replacen(end, &format!("{end}{signature}"), 1)
}

/// As SAML Core §1.3.3 has it.
pub fn instant(at: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.div_euclid(1_000)).unwrap();
    moment
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
        ))
        .unwrap()
}

fn attributes(list: &[(&str, Option<String>)]) -> String {
    let mut out = String::new();
    for (name, value) in list {
        if let Some(value) = value {
            write!(out, " {name}=\"{}\"", escaped(value).replace('"', "&quot;")).unwrap();
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
