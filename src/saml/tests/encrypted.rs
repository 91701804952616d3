//! Encrypted assertions: opened, and then judged like those in clear.

use std::sync::Arc;

use xml_sec::rsa_encoding::RsaPublicKeyEncoding;
use xml_sec::xmlenc::{
    DataEncryptionAlgorithm, EncryptedDataBuilder, EncryptionRecipient, OaepDigestAlgorithm,
    RsaOaepParameters,
};

use super::*;
use crate::saml::SpKey;

/// An assertion in its cipher.
fn hidden_by(
    assertion: &str,
    key: &SpKey,
    algorithm: DataEncryptionAlgorithm,
    oaep: RsaOaepParameters,
) -> String {
    let public = RsaPublicKeyEncoding::from_public_key_der(&spki(key)).unwrap();
    let recipient = EncryptionRecipient::rsa_oaep(public).oaep_parameters(oaep);
    let builder = EncryptedDataBuilder::new(algorithm)
        .provider(Arc::new(xml_sec::provider::RustCryptoProvider))
        .add_recipient(recipient);
    let cipher = builder.encrypt_xml(assertion).unwrap().encrypted_data_xml;
    format!("<saml:EncryptedAssertion>{cipher}</saml:EncryptedAssertion>")
}

fn hidden(assertion: &str) -> String {
    hidden_by(
        assertion,
        &OUR_KEY,
        DataEncryptionAlgorithm::Aes256Gcm,
        RsaOaepParameters::legacy(),
    )
}

fn encrypted(forge: &Forge) -> String {
    forge.around(&hidden(&forge.signed_assertion()))
}

/// SAML-057.
#[test]
fn an_encrypted_assertion_is_believed_when_something_is_signed() {
    for sign in [Sign::Assertion, Sign::Response, Sign::Both] {
        let judged = judged(&encrypted(&Forge::new().signed(sign)));
        let verified = judged.unwrap_or_else(|error| panic!("{sign:?}: {error:?}"));
        assert_eq!(verified.identity.subject, "email:ada@corp.example");
        assert!(verified.evidence.encrypted);
    }
}

#[test]
fn every_common_way_of_hiding_is_opened() {
    let modern = |digest| RsaOaepParameters::xmlenc11(digest, OaepDigestAlgorithm::Sha256);
    for (algorithm, oaep) in [
        (DataEncryptionAlgorithm::Aes128Gcm, RsaOaepParameters::legacy()),
        (
            DataEncryptionAlgorithm::Aes256Gcm,
            modern(OaepDigestAlgorithm::Sha256),
        ),
        (
            DataEncryptionAlgorithm::Aes256Gcm,
            modern(OaepDigestAlgorithm::Sha1),
        ),
        (
            DataEncryptionAlgorithm::Aes256Gcm,
            RsaOaepParameters::xmlenc11(OaepDigestAlgorithm::Sha256, OaepDigestAlgorithm::Sha1),
        ),
    ] {
        let forge = Forge::new();
        let xml = forge.around(&hidden_by(&forge.signed_assertion(), &OUR_KEY, algorithm, oaep));
        judged(&xml).unwrap_or_else(|error| panic!("{algorithm:?}: {error:?}"));
    }
}

#[test]
fn any_of_our_keys_opens() {
    let mut ours = service_provider();
    ours.keys.insert(0, FOREIGN_KEY.clone());
    let verified = crate::saml::verify(
        &provider(),
        &ours,
        "c1",
        &encrypted(&Forge::new()),
        Some(REQUEST),
        NOW,
    );
    assert!(verified.is_ok());
    ours.keys.clear();
    let error = crate::saml::verify(
        &provider(),
        &ours,
        "c1",
        &encrypted(&Forge::new()),
        Some(REQUEST),
        NOW,
    );
    assert_eq!(error.unwrap_err().check, "decryption");
}

/// SAML-058.
#[test]
fn cbc_only_where_the_connection_says_so() {
    let forge = Forge::new();
    for algorithm in [
        DataEncryptionAlgorithm::Aes128Cbc,
        DataEncryptionAlgorithm::Aes256Cbc,
    ] {
        let xml = forge.around(&hidden_by(
            &forge.signed_assertion(),
            &OUR_KEY,
            algorithm,
            RsaOaepParameters::legacy(),
        ));
        let allowed = Provider {
            allow_cbc: true,
            ..provider()
        };
        judged_by(&allowed, &xml, Some(REQUEST)).unwrap();
        all_refused(&[("cbc", xml, "encryption")]);
    }
}

/// SAML-057, SAML-058.
#[test]
fn hidden_is_not_believed() {
    let forge = Forge::new();
    let bare = Forge::new().signed(Sign::Nothing);
    let evil = Forge {
        name_id: forge.name_id.replace("ada@corp.example", EVIL),
        ..Forge::new()
    };
    let honest = encrypted(&forge);
    let changed = |from: &str, to: &str| {
        assert!(honest.contains(from), "{from} is not in {honest}");
        honest.replace(from, to)
    };
    let first = honest.find("CipherValue>").unwrap() + "CipherValue>".len();
    let last = honest.rfind("CipherValue>").unwrap();
    let flipped = |at: usize| {
        let other = if honest.as_bytes().get(at) == Some(&b'A') {
            "B"
        } else {
            "A"
        };
        format!("{}{other}{}", honest.split_at(at).0, honest.split_at(at + 1).1)
    };
    let signed = forge.signed_assertion();
    let foreign = hidden_by(
        &signed,
        &FOREIGN_KEY,
        DataEncryptionAlgorithm::Aes256Gcm,
        RsaOaepParameters::legacy(),
    );
    let two = format!("{}{}", hidden(&signed), hidden(&signed));
    let wrapped =
        format!("<saml:Advice xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{signed}</saml:Advice>");
    all_refused(&[
        ("encrypted and unsigned", encrypted(&bare), "unsigned"),
        (
            "encrypted by somebody else",
            bare.around(&hidden(&evil.assertion())),
            "unsigned",
        ),
        (
            "signed by somebody else",
            bare.around(&hidden(&sign(&evil.assertion(), "_assertion1", &FOREIGN_KEY))),
            "signature",
        ),
        (
            "changed inside",
            bare.around(&hidden(&signed.replace("staff", "owner"))),
            "signature",
        ),
        ("for somebody else", forge.around(&foreign), "decryption"),
        ("key changed", flipped(first + 10), "decryption"),
        ("cipher changed", flipped(last - 60), "decryption"),
        (
            "nothing of an assertion",
            forge.around(&hidden("<a/>")),
            "decryption",
        ),
        (
            "hidden in hidden",
            forge.around(&hidden(&hidden(&signed).replace(
                "<saml:EncryptedAssertion",
                "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ",
            ))),
            "decryption",
        ),
        ("another element", forge.around(&hidden(&wrapped)), "decryption"),
        (
            "hidden and in clear",
            forge.around(&format!("{}{signed}", hidden(&signed))),
            "assertions",
        ),
        ("two hidden", forge.around(&two), "unknown_element"),
        (
            "3DES",
            changed(
                "http://www.w3.org/2009/xmlenc11#aes256-gcm",
                "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
            ),
            "encryption",
        ),
        (
            "RSA 1.5",
            changed(
                "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
                "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
            ),
            "encryption",
        ),
        (
            "no cipher",
            forge.around("<saml:EncryptedAssertion/>"),
            "encryption",
        ),
        (
            "text",
            forge.around("<saml:EncryptedAssertion>AAAA</saml:EncryptedAssertion>"),
            "encryption",
        ),
    ]);
}

/// SAML-059.
#[test]
fn nothing_is_fetched_for_a_cipher() {
    let honest = encrypted(&Forge::new());
    let prefix = if honest.contains("<xenc:CipherData>") {
        "xenc:"
    } else {
        ""
    };
    let from = honest.find(&format!("<{prefix}CipherValue>")).unwrap();
    let end = format!("</{prefix}CipherValue>");
    let to = from + honest.split_at(from).1.find(&end).unwrap() + end.len();
    let reference = format!("<{prefix}CipherReference URI=\"http://127.0.0.1:1/key\"/>");
    let xml = format!("{}{reference}{}", honest.split_at(from).0, honest.split_at(to).1);
    all_refused(&[("CipherReference", xml, "encryption")]);
}
