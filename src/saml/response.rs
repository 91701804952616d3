//! From the XML of a response to an identity: shape, signature, cipher, then what the signed bytes say.

use super::attributes;
use super::certificate::fingerprint;
use super::encryption;
use super::judge::{self, Question};
use super::names::{DS, SAML};
use super::shape;
use super::signature::{self, Signed, standalone};
use super::subject;
use super::verified::{Evidence, Verified};
use super::xml::{self, Element};
use super::{Provider, SamlError, ServiceProvider};
use crate::access::Identity;

/// Judges a response. `expected_request` is the id of the request that this browser made here, `now_ms` the time
/// in Unix milliseconds. Whether the assertion was used before is for the caller to see.
///
/// # Errors
/// The check that failed, with a sentence for the administrator.
pub fn verify(
    provider: &Provider,
    service_provider: &ServiceProvider,
    connection_id: &str,
    xml: &str,
    expected_request: Option<&str>,
    now_ms: i64,
) -> Result<Verified, SamlError> {
    let question = Question {
        provider,
        service_provider,
        expected_request,
        now: now_ms,
    };
    let root = read(xml)?;
    shape::check_response(&root)?;
    judge::refused_without_assertion(&root)?;
    shape::check_document(&root)?;
    let outer = Outer::verify(&question, xml, &root)?;
    let inner = Inner::verify(&question, xml, &root, &outer)?;
    let response = outer
        .signed
        .as_ref()
        .map(|signed| read(&signed.bytes))
        .transpose()?;
    judge::response(
        &question,
        response.as_ref().unwrap_or(&root),
        response.is_some(),
        inner.encrypted,
    )?;
    let text = inner.signed.as_ref().or(outer.signed.as_ref());
    let text = text.ok_or_else(unsigned)?;
    let document = match &inner.opened {
        Some(opened) if inner.signed.is_none() => read(opened)?,
        _ => read(&text.bytes)?,
    };
    let assertion = if document.is(SAML, "Assertion") {
        &document
    } else {
        document.only(SAML, "Assertion").ok_or_else(unsigned)?
    };
    judged(&question, connection_id, assertion, &outer, &inner)
}

fn read(text: &str) -> Result<Element<'_>, SamlError> {
    xml::parse(text).map_err(|sentence| SamlError::unreadable("xml", sentence))
}

/// The response as a whole, and whether it is signed.
struct Outer {
    signed: Option<Signed>,
}

impl Outer {
    fn verify(question: &Question, text: &str, root: &Element) -> Result<Self, SamlError> {
        let signed = signed(question, text, &[], root)?;
        Ok(Self { signed })
    }
}

/// The assertion: in clear or out of its cipher, and whether it is signed itself.
struct Inner {
    signed: Option<Signed>,
    encrypted: bool,
    /// The assertion out of its cipher, as a document.
    opened: Option<String>,
}

impl Inner {
    fn verify(question: &Question, text: &str, root: &Element, outer: &Outer) -> Result<Self, SamlError> {
        if let Some(assertion) = root.only(SAML, "Assertion") {
            shape::check_assertion(assertion)?;
            let signed = signed(question, text, &[root], assertion)?;
            if signed.is_none() && outer.signed.is_none() {
                return Err(unsigned());
            }
            return Ok(Self {
                signed,
                encrypted: false,
                opened: None,
            });
        }
        let Some(signed) = &outer.signed else {
            return Self::hidden(question, text, &[root], outer);
        };
        // What is opened, too, is what the signature covers. Its canonical form leaves out namespaces that only the
        // hidden part uses.
        Self::hidden(question, &signed.bytes, &[root, &read(&signed.bytes)?], outer)
    }

    /// The assertion in the cipher of the last of these elements, which is one of this text.
    fn hidden(
        question: &Question,
        text: &str,
        around: &[&Element],
        outer: &Outer,
    ) -> Result<Self, SamlError> {
        let root = around.last().ok_or_else(no_assertion)?;
        let hidden = root.only(SAML, "EncryptedAssertion").ok_or_else(no_assertion)?;
        let allow_cbc = question.provider.allow_cbc;
        encryption::check(hidden, allow_cbc)
            .map_err(|sentence| SamlError::unbelieved("encryption", sentence))?;
        let keys = &question.service_provider.keys;
        let opened = encryption::open(&standalone(text, around, hidden), keys, allow_cbc);
        Self::opened(question, &opened.ok_or_else(cannot_open)?, outer)
    }

    /// What was hidden is judged like what comes in clear. That we could open it proves nothing, and a cipher
    /// that opens to nonsense is answered like one that does not open.
    fn opened(question: &Question, text: &str, outer: &Outer) -> Result<Self, SamlError> {
        let Ok(root) = xml::parse(text) else {
            return Err(cannot_open());
        };
        let mut inside = root.elements();
        let (Some(assertion), None) = (inside.next(), inside.next()) else {
            return Err(cannot_open());
        };
        if !assertion.is(SAML, "Assertion") {
            return Err(cannot_open());
        }
        let alone = standalone(text, &[&root], assertion);
        let assertion = read(&alone)?;
        shape::check_document(&assertion)?;
        shape::check_assertion(&assertion)?;
        let signed = signed(question, &alone, &[], &assertion)?;
        if signed.is_none() && outer.signed.is_none() {
            return Err(unsigned());
        }
        Ok(Self {
            signed,
            encrypted: true,
            opened: Some(alone.clone()),
        })
    }
}

/// The signed bytes of an element, when it has a signature. One that does not hold is never passed over.
fn signed(
    question: &Question,
    text: &str,
    around: &[&Element],
    element: &Element,
) -> Result<Option<Signed>, SamlError> {
    if element.named(DS, "Signature").next().is_none() {
        return Ok(None);
    }
    let two = || SamlError::unbelieved("signature_shape", "An element has two signatures.");
    shape::check_signature(element, element.only(DS, "Signature").ok_or_else(two)?)?;
    let id = element.attribute("ID").unwrap_or_default();
    let document = standalone(text, around, element);
    let found = signature::verify(document, id, &question.provider.keys);
    let signed = found.ok_or_else(|| {
        let sentence = "The signature is not one of the connection’s identity provider: it was made with another \
                        key, or the message was changed. If the provider has a new certificate, add it to the \
                        connection.";
        SamlError::unbelieved("signature", sentence)
    })?;
    same_element(&signed.bytes, element)?;
    Ok(Some(signed))
}

/// Both readers of XML must have seen the same element.
fn same_element(bytes: &str, element: &Element) -> Result<(), SamlError> {
    let seen = read(bytes)?;
    let same = seen.is(element.namespace, element.local) && seen.attribute("ID") == element.attribute("ID");
    if same && seen.named(DS, "Signature").next().is_none() {
        return Ok(());
    }
    Err(SamlError::unbelieved(
        "signature",
        "The signature covers another element than the one it stands in.",
    ))
}

fn unsigned() -> SamlError {
    let sentence =
        "Neither the response nor the assertion is signed. Let the identity provider sign at least one.";
    SamlError::unbelieved("unsigned", sentence)
}

fn no_assertion() -> SamlError {
    SamlError::unbelieved("assertions", "The response has no assertion.")
}

fn cannot_open() -> SamlError {
    let sentence = "The encrypted assertion can’t be opened with the connection’s keys. Load the connection’s \
                    metadata into the identity provider again.";
    SamlError::unbelieved("decryption", sentence)
}

/// The last step: what the assertion says of time, place and person.
fn judged(
    question: &Question,
    connection_id: &str,
    assertion: &Element,
    outer: &Outer,
    inner: &Inner,
) -> Result<Verified, SamlError> {
    let accepted = judge::assertion(question, assertion)?;
    let name_id = subject::read(question, assertion)?;
    let found = attributes::read(assertion, &question.provider.attributes);
    let email = found.email(&name_id)?;
    let key = inner
        .signed
        .as_ref()
        .or(outer.signed.as_ref())
        .map(|signed| signed.key);
    let key = key.and_then(|key| question.provider.keys.get(key));
    let both = [
        ("response", outer.signed.is_some()),
        ("assertion", inner.signed.is_some()),
    ];
    let evidence = Evidence {
        signed: both.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect(),
        key: key.map(|key| fingerprint(key)).unwrap_or_default(),
        encrypted: inner.encrypted,
        unsolicited: question.expected_request.is_none(),
        name_id_format: name_id.format.to_owned(),
        name_id: name_id.value.clone(),
        assertion_id: accepted.id.clone(),
        session_index: accepted.session_index,
        authentication: accepted.authentication,
        attributes: found.shown(),
        note: found.note(email.as_ref()),
    };
    let identity = Identity {
        connection: connection_id.to_owned(),
        issuer: question.provider.entity_id.clone(),
        subject: name_id.key(),
        email,
        email_verified: None,
        name: found.name(),
        groups: found.groups(),
    };
    Ok(Verified {
        identity,
        assertion_id: accepted.id,
        expires_at: accepted.expires_at,
        session_ends_at: accepted.session_ends_at,
        authenticated_at: accepted.authenticated_at,
        evidence,
    })
}
