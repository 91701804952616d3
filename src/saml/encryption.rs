//! Encrypted assertions (SAML Core §2.3.4), opened by `xml-sec`. Whatever goes wrong ends in the same answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use xml_sec::provider::RustCryptoProvider;
use xml_sec::xmlenc::{
    DataEncryptionAlgorithm, DecryptContext, KeyTransportAlgorithm, OaepDigestAlgorithm, PrivateKeyDecryptor,
};

use super::SpKey;
use super::names::{SAML, XENC};
use super::recovery::RecoveryKey;
use super::signature::POLICIES;
use super::xml::Element;

/// Keys for further recipients are refused.
const MOST_KEYS: usize = 4;
const KEY_TRANSPORT: [&str; 2] = [
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    "http://www.w3.org/2009/xmlenc11#rsa-oaep",
];
const GCM: [&str; 2] = [
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
];
const CBC: [&str; 2] = [
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
];

/// What can be said about a cipher before it is opened: one cipher, values only inline, algorithms from the list.
/// It depends on the message alone, so telling it helps nobody.
pub(super) fn check(encrypted: &Element, allow_cbc: bool) -> Result<(), String> {
    let ours = |one: &&Element| one.is(XENC, "EncryptedData") || one.is(XENC, "EncryptedKey");
    let ciphers = encrypted.named(XENC, "EncryptedData").count();
    if !encrypted.is(SAML, "EncryptedAssertion")
        || ciphers != 1
        || !encrypted.elements().all(|one| ours(&one))
    {
        return Err("The encrypted assertion is not one cipher with its keys.".to_owned());
    }
    let all = encrypted.all();
    let known = |one: &&Element| one.namespace != XENC || one.local != "CipherReference";
    let keys = all.iter().filter(|one| one.is(XENC, "EncryptedKey")).count();
    if !all.iter().all(known) || keys == 0 || keys > MOST_KEYS {
        return Err("The encrypted assertion does not have its key and its cipher in it.".to_owned());
    }
    for method in all.iter().flat_map(|one| {
        one.named(XENC, "EncryptionMethod")
            .map(move |method| (*one, method))
    }) {
        check_method(
            method.0,
            method.1.attribute("Algorithm").unwrap_or_default(),
            allow_cbc,
        )?;
    }
    Ok(())
}

fn check_method(owner: &Element, algorithm: &str, allow_cbc: bool) -> Result<(), String> {
    if owner.is(XENC, "EncryptedKey") {
        return if KEY_TRANSPORT.contains(&algorithm) {
            Ok(())
        } else {
            Err(
                "The assertion's key is not hidden by RSA-OAEP. Choose RSA-OAEP in the identity provider."
                    .to_owned(),
            )
        };
    }
    if GCM.contains(&algorithm) || (allow_cbc && CBC.contains(&algorithm)) {
        return Ok(());
    }
    Err(if CBC.contains(&algorithm) {
        "The assertion is hidden by AES-CBC. Choose AES-GCM in the identity provider, or allow AES-CBC in the \
         connection."
            .to_owned()
    } else {
        "The assertion is not hidden by AES-GCM. Choose AES-GCM in the identity provider.".to_owned()
    })
}

/// The document with the cipher replaced by what was in it, opened by whichever of our keys fits.
pub(super) fn open(document: &str, keys: &[SpKey], allow_cbc: bool) -> Option<String> {
    let policies = POLICIES.as_ref()?;
    let mut policy = policies.decryption()?.clone();
    let mut algorithms = BTreeSet::from([
        DataEncryptionAlgorithm::Aes128Gcm,
        DataEncryptionAlgorithm::Aes256Gcm,
    ]);
    if allow_cbc {
        algorithms.extend([
            DataEncryptionAlgorithm::Aes128Cbc,
            DataEncryptionAlgorithm::Aes256Cbc,
        ]);
    }
    policy.data_algorithms = Some(algorithms);
    policy.key_transport_algorithms = Some(BTreeSet::from([
        KeyTransportAlgorithm::RsaOaepMgf1p,
        KeyTransportAlgorithm::RsaOaep11,
    ]));
    policy.oaep_digests = Some(BTreeSet::from([
        OaepDigestAlgorithm::Sha1,
        OaepDigestAlgorithm::Sha256,
        OaepDigestAlgorithm::Sha384,
        OaepDigestAlgorithm::Sha512,
    ]));
    keys.iter().find_map(|key| {
        let resolver = PrivateKeyDecryptor::provider_key(Arc::new(RecoveryKey::read(&key.private)?));
        let context = DecryptContext::new(&resolver)
            .provider(&RustCryptoProvider)
            .policy(policy.clone());
        context.decrypt_document(document, None).ok()
    })
}
