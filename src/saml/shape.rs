//! The shape of a message before anything in it is believed: one response, one assertion, signatures only where
//! they belong, one kind of id. A message that keeps to it leaves wrapping attacks no room.

use super::SamlError;
use super::names::{DS, ENVELOPED, EXC_C14N, SAML, SAMLP, XENC, XENC11};
use super::xml::Element;

/// Prefixes that mean the same in every message.
const PREFIXES: [(&str, &str); 7] = [
    ("saml", SAML),
    ("saml2", SAML),
    ("samlp", SAMLP),
    ("saml2p", SAMLP),
    ("ds", DS),
    ("dsig", DS),
    ("xenc", XENC),
];
/// The signature algorithms that are believed (RFC 9231 §2.3).
const SIGNATURES: [&str; 6] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
];
/// The digest algorithms that are believed.
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
/// The longest id, in bytes.
const LONGEST_ID: usize = 256;

/// Checks everything that holds for any message: ids, prefixes, places of assertions and signatures.
pub fn check_document(root: &Element) -> Result<(), SamlError> {
    let all = root.all();
    check_ids(&all)?;
    for element in &all {
        check_namespaces(element)?;
        if element.is_mixed() {
            let sentence = format!(
                "The element {} has text beside comments or other elements, which can hide a part of it.",
                element.local
            );
            return Err(SamlError::unbelieved("mixed_text", sentence));
        }
    }
    let assertions = all
        .iter()
        .filter(|one| one.local == "Assertion" || one.local == "EncryptedAssertion");
    if assertions.count() > 1 {
        let sentence =
            "The response has more than one assertion. Let the identity provider send exactly one.";
        return Err(SamlError::unbelieved("assertions", sentence));
    }
    let places = all
        .iter()
        .filter(|one| one.is(SAML, "Assertion") || one.is(SAMLP, "Response"));
    let rightful = places.flat_map(|one| one.named(DS, "Signature")).count();
    if all.iter().filter(|one| one.local == "Signature").count() != rightful {
        let sentence = "A signature stands where none belongs.";
        return Err(SamlError::unbelieved("signature_place", sentence));
    }
    Ok(())
}

/// Only `ID` without a namespace is an id in SAML, and `Id` in signatures and ciphers; each value is there once.
fn check_ids(all: &[&Element]) -> Result<(), SamlError> {
    let mut seen: Vec<&str> = Vec::new();
    for element in all {
        let expected = if [DS, XENC, XENC11].contains(&element.namespace) {
            "Id"
        } else {
            "ID"
        };
        for attribute in &element.attributes {
            if !attribute.local.eq_ignore_ascii_case("id") {
                continue;
            }
            let value = attribute.value.as_ref();
            if !attribute.namespace.is_empty() || attribute.local != expected || !is_id(value) {
                let sentence = format!("The element {} has an id of another kind.", element.local);
                return Err(SamlError::unbelieved("id_attribute", sentence));
            }
            if seen.contains(&value) {
                return Err(SamlError::unbelieved(
                    "duplicate_id",
                    "Two elements have the same id.",
                ));
            }
            seen.push(value);
        }
    }
    Ok(())
}

fn is_id(value: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let starts = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && value.len() <= LONGEST_ID && value.bytes().all(allowed)
}

fn check_namespaces(element: &Element) -> Result<(), SamlError> {
    let confused = |(prefix, uri): &(&str, &str)| {
        let meant = PREFIXES.iter().find(|(known, _)| known == prefix);
        meant.is_some_and(|(_, meant)| meant != uri)
    };
    let known = [SAML, SAMLP, DS, XENC, XENC11].contains(&element.namespace);
    let reserved = [
        "Response",
        "Assertion",
        "EncryptedAssertion",
        "Signature",
        "SignedInfo",
    ];
    if element.declared.iter().any(confused) || (!known && reserved.contains(&element.local)) {
        let sentence = format!(
            "The element {} or a prefix on it belongs to a namespace that is not its own.",
            element.local
        );
        return Err(SamlError::unbelieved("namespace", sentence));
    }
    Ok(())
}

/// A response has only the parts that SAML Core §3.2.2 and §3.3.3 give it, each at most once.
pub fn check_response(root: &Element) -> Result<(), SamlError> {
    if !root.is(SAMLP, "Response") {
        let sentence = format!(
            "The message is no SAML 2.0 response but “{}”.",
            shortened(root.local)
        );
        return Err(SamlError::unbelieved("not_a_response", sentence));
    }
    let parts = [
        (SAML, "Issuer"),
        (DS, "Signature"),
        (SAMLP, "Extensions"),
        (SAMLP, "Status"),
        (SAML, "Assertion"),
        (SAML, "EncryptedAssertion"),
    ];
    check_children(root, &parts)
}

/// An assertion has only the parts of SAML Core §2.3.3.
pub fn check_assertion(assertion: &Element) -> Result<(), SamlError> {
    for name in ["AuthzDecisionStatement", "Statement"] {
        if assertion.named(SAML, name).next().is_some() {
            let sentence = format!("The assertion has a {name}, which is not read here.");
            return Err(SamlError::unbelieved("unknown_element", sentence));
        }
    }
    for name in ["Issuer", "Subject", "Conditions", "Advice"] {
        if assertion.named(SAML, name).count() > 1 {
            return Err(SamlError::unbelieved(
                "unknown_element",
                format!("The assertion has two {name} elements."),
            ));
        }
    }
    let parts = [
        "Issuer",
        "Subject",
        "Conditions",
        "Advice",
        "AuthnStatement",
        "AttributeStatement",
    ];
    let known =
        |one: &&Element| one.is(DS, "Signature") || (one.namespace == SAML && parts.contains(&one.local));
    match assertion.elements().find(|one| !known(one)) {
        Some(unknown) => Err(unknown_element(unknown)),
        None => Ok(()),
    }
}

fn check_children(parent: &Element, allowed: &[(&str, &str)]) -> Result<(), SamlError> {
    let known = |one: &&Element| allowed.iter().any(|(namespace, local)| one.is(namespace, local));
    if let Some(unknown) = parent.elements().find(|one| !known(one)) {
        return Err(unknown_element(unknown));
    }
    for (namespace, local) in allowed {
        if parent.named(namespace, local).count() > 1 {
            let sentence = format!("The element {} has two {local} elements.", parent.local);
            return Err(SamlError::unbelieved("unknown_element", sentence));
        }
    }
    Ok(())
}

fn unknown_element(unknown: &Element) -> SamlError {
    let sentence = format!(
        "The element “{}” does not belong where it stands.",
        shortened(unknown.local)
    );
    SamlError::unbelieved("unknown_element", sentence)
}

fn shortened(name: &str) -> String {
    name.chars().take(60).collect()
}

/// The shape of the signature of `signed` before anything is computed (XML Signature §4, SAML Core §5.4).
pub fn check_signature(signed: &Element, signature: &Element) -> Result<(), SamlError> {
    check_children(
        signature,
        &[(DS, "SignedInfo"), (DS, "SignatureValue"), (DS, "KeyInfo")],
    )?;
    let info = one(signature, "SignedInfo")?;
    value(one(signature, "SignatureValue")?)?;
    let parts = [
        (DS, "CanonicalizationMethod"),
        (DS, "SignatureMethod"),
        (DS, "Reference"),
    ];
    check_children(info, &parts)?;
    check_method(one(info, "CanonicalizationMethod")?, &[EXC_C14N], true)?;
    check_method(one(info, "SignatureMethod")?, &SIGNATURES, false)?;
    let reference = one(info, "Reference")?;
    let expected = signed.attribute("ID").map(|id| format!("#{id}"));
    if expected.is_none()
        || reference.attribute("URI") != expected.as_deref()
        || reference.attributes.len() != 1
    {
        let sentence = "The signature is not one over the element it stands in.";
        return Err(SamlError::unbelieved("reference", sentence));
    }
    check_children(
        reference,
        &[(DS, "Transforms"), (DS, "DigestMethod"), (DS, "DigestValue")],
    )?;
    check_method(one(reference, "DigestMethod")?, &DIGESTS, false)?;
    value(one(reference, "DigestValue")?)?;
    check_transforms(one(reference, "Transforms")?)
}

fn one<'e, 'a>(parent: &'e Element<'a>, local: &str) -> Result<&'e Element<'a>, SamlError> {
    let missing = || SamlError::unbelieved("signature_shape", format!("The signature has no {local}."));
    parent.only(DS, local).ok_or_else(missing)
}

fn value(element: &Element) -> Result<(), SamlError> {
    let text = element.text().unwrap_or_default();
    if text.trim().is_empty() {
        let sentence = format!("The {} of the signature is not one value.", element.local);
        return Err(SamlError::unbelieved("signature_shape", sentence));
    }
    Ok(())
}

/// An algorithm from the list, with no parameters but the prefixes of exclusive canonical XML.
fn check_method(method: &Element, allowed: &[&str], prefixes: bool) -> Result<(), SamlError> {
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    if !allowed.contains(&algorithm) {
        let sentence = format!(
            "The signature uses “{}”, which is not believed. Let the identity provider sign with RSA-SHA256 and \
             exclusive canonical XML.",
            algorithm.chars().take(120).collect::<String>()
        );
        return Err(SamlError::unbelieved("algorithm", sentence));
    }
    let parameter =
        |one: &Element| prefixes && one.is(EXC_C14N, "InclusiveNamespaces") && one.children.is_empty();
    if method.attributes.len() != 1
        || !method.elements().all(parameter)
        || method.text().is_some_and(|text| !text.trim().is_empty())
    {
        let sentence = format!(
            "The {} of the signature has parameters that are not read here.",
            method.local
        );
        return Err(SamlError::unbelieved("signature_shape", sentence));
    }
    Ok(())
}

/// The enveloped signature left out, then exclusive canonical XML; nothing else, and in this order.
fn check_transforms(transforms: &Element) -> Result<(), SamlError> {
    let all: Vec<&Element> = transforms.elements().collect();
    let (Some(enveloped), Some(canonical), 2) = (all.first(), all.get(1), all.len()) else {
        let sentence = "The signature does not have exactly the two transforms of SAML.";
        return Err(SamlError::unbelieved("transforms", sentence));
    };
    for (transform, algorithm, prefixes) in [(enveloped, ENVELOPED, false), (canonical, EXC_C14N, true)] {
        if !transform.is(DS, "Transform") || transform.attribute("Algorithm") != Some(algorithm) {
            let sentence = "The signature has a transform that is not one of the two of SAML.";
            return Err(SamlError::unbelieved("transforms", sentence));
        }
        check_method(transform, &[algorithm], prefixes)?;
    }
    Ok(())
}
