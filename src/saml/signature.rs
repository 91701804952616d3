//! XML signatures, by `xml-sec` and `aws-lc-rs`: the only place (with `encryption`) that knows those crates.
//!
//! What is verified is one element as a document of its own. What comes out is the very bytes that were hashed;
//! nothing else of the document may be read for an identity.

use std::cell::Cell;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, KeyPair, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xml_sec::api::{Operation, XmlSecurity};
use xml_sec::c14n::{C14nAlgorithm, C14nMode};
use xml_sec::policy::{
    CompiledPolicies, PolicyCompileContext, PolicyCompiler, PolicyProfile, VerificationPolicy,
};
use xml_sec::provider::RustCryptoProvider;
use xml_sec::xmldsig::{
    DigestAlgorithm, DsigError, DsigStatus, ReferenceBuilder, SignContext, SignatureAlgorithm,
    SignatureBuilder, SignatureTemplateSelection, SigningKey, SigningKeyError, SigningPublicKeyInfo,
    Transform, VerificationRequest, VerifyContext, VerifyingKey,
};

use super::names::{DS, SAML};
use super::xml::{self, Element};

/// The rules of `xml-sec` for SAML: one reference to the enclosing element, exclusive canonical XML, SHA-2, no DTD.
pub(super) static POLICIES: LazyLock<Option<CompiledPolicies>> = LazyLock::new(|| {
    let context = PolicyCompileContext {
        external_resources: false,
        target_evidence: true,
    };
    let compiler = PolicyCompiler::new(PolicyProfile::SecureSaml, &RustCryptoProvider, None).ok()?;
    compiler.compile(&context).ok()
});

/// What a signature covers.
pub(super) struct Signed {
    /// The canonical bytes that were hashed: the element without its own signature.
    pub(super) bytes: String,
    /// Which of the keys signed.
    pub(super) key: usize,
}

/// Verifies the signature of the root element with the id `id`. None, whatever is wrong: the caller must not
/// tell an attacker how far a message came.
pub(super) fn verify(document: String, id: &str, keys: &[Vec<u8>]) -> Option<Signed> {
    let policies = POLICIES.as_ref()?;
    let security = XmlSecurity::new(policies, &RustCryptoProvider).ok()?;
    let document = security.parse_document(document, Operation::Verify).ok()?;
    let target = document.with_view(|view| {
        let root = view.root_element();
        view.node_for_id(id, &[]).filter(|found| *found == root)
    })?;
    let pinned = Pinned {
        keys,
        signer: Cell::new(None),
    };
    let request = VerificationRequest {
        expected_targets: &[target],
        ..VerificationRequest::default()
    };
    let policy: VerificationPolicy = policies.verification()?.clone();
    let context = VerifyContext::new().provider(&RustCryptoProvider).policy(policy);
    let evidence = context
        .key(&pinned)
        .store_pre_digest(true)
        .verify_request(&document, &request)
        .ok()?;
    if !evidence.accepted(&document).ok()? {
        return None;
    }
    let results = evidence
        .signatures()
        .iter()
        .filter_map(|one| one.result().as_ref().ok());
    let mut references = results
        .filter(|result| matches!(result.status, DsigStatus::Valid))
        .flat_map(|result| &result.signed_info_references);
    let ours = references
        .find(|one| one.target_identity == Some(target) && matches!(one.status, DsigStatus::Valid))?;
    let bytes = String::from_utf8(ours.pre_digest_data.clone()?).ok()?;
    (!bytes.is_empty()).then_some(())?;
    Some(Signed {
        bytes,
        key: pinned.signer.get()?,
    })
}

/// The keys that may sign: those of the connection, never one that the message brings along.
struct Pinned<'a> {
    keys: &'a [Vec<u8>],
    signer: Cell<Option<usize>>,
}

impl VerifyingKey for Pinned<'_> {
    fn verify(&self, algorithm: SignatureAlgorithm, message: &[u8], value: &[u8]) -> Result<bool, DsigError> {
        let Some(algorithm) = asymmetric(algorithm) else {
            return Ok(false);
        };
        let fits = |key: &Vec<u8>| {
            UnparsedPublicKey::new(algorithm, key)
                .verify(message, value)
                .is_ok()
        };
        let signer = self.keys.iter().position(fits);
        self.signer.set(signer);
        Ok(signer.is_some())
    }
}

/// Signatures with a public key only, so that no key can be taken for a shared secret.
fn asymmetric(algorithm: SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        SignatureAlgorithm::RsaSha256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        SignatureAlgorithm::RsaSha384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        SignatureAlgorithm::RsaSha512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        SignatureAlgorithm::EcdsaSha256 => Some(&signature::ECDSA_P256_SHA256_FIXED),
        SignatureAlgorithm::EcdsaSha384 => Some(&signature::ECDSA_P384_SHA384_FIXED),
        SignatureAlgorithm::Ed25519 => Some(&signature::ED25519),
        _ => None,
    }
}

/// An element of a text as a document of its own: its source, with the namespaces declared around it.
pub(super) fn standalone(text: &str, around: &[&Element], element: &Element) -> String {
    let mut missing: Vec<(&str, &str)> = Vec::new();
    for (prefix, uri) in around.iter().rev().flat_map(|outer| &outer.declared) {
        let known = element
            .declared
            .iter()
            .chain(&missing)
            .any(|(bound, _)| bound == prefix);
        if !known {
            missing.push((*prefix, *uri));
        }
    }
    let source = |range| text.get(range).unwrap_or_default();
    let mut document = source(element.range.start..element.name_end).to_owned();
    for (prefix, uri) in missing {
        let colon = if prefix.is_empty() { "" } else { ":" };
        document.extend([" xmlns", colon, prefix, "=\"", uri, "\""]);
    }
    document.push_str(source(element.name_end..element.range.end));
    document
}

/// Signs the element with the id `id` inside a document: RSA-SHA256 over exclusive canonical XML, the signature
/// right behind the element's issuer (SAML Core §5.4). The certificate (DER) is written into it when given.
///
/// # Errors
/// When the element is not there once, or the key (PKCS #8 DER) can't be used.
pub fn sign_element(
    document: &str,
    id: &str,
    private_key: &[u8],
    certificate: Option<&[u8]>,
) -> Result<String, String> {
    let root = xml::parse(document)?;
    let path = path_to(&root, id).ok_or("the element to sign is not there once")?;
    let (element, around) = path.split_last().ok_or("nothing to sign")?;
    let alone = standalone(document, around, element);
    let signed = sign_root(&alone, id, private_key, certificate)?;
    let source = |range| document.get(range).unwrap_or_default();
    let before = source(0..element.range.start);
    let behind = source(element.range.end..document.len());
    Ok(format!("{before}{signed}{behind}"))
}

/// From the root to the one element with this id.
fn path_to<'e, 'a>(root: &'e Element<'a>, id: &str) -> Option<Vec<&'e Element<'a>>> {
    let all = root.all();
    let mut found = all.iter().filter(|one| one.attribute("ID") == Some(id));
    let (one, None) = (found.next()?, found.next()) else {
        return None;
    };
    let holds = |outer: &&Element| outer.range.start <= one.range.start && one.range.end <= outer.range.end;
    Some(all.iter().copied().filter(|outer| holds(outer)).collect())
}

fn sign_root(
    document: &str,
    id: &str,
    private_key: &[u8],
    certificate: Option<&[u8]>,
) -> Result<String, String> {
    let canonical = C14nAlgorithm::new(C14nMode::Exclusive1_0, false);
    let reference = ReferenceBuilder::new(DigestAlgorithm::Sha256)
        .uri(format!("#{id}"))
        .transform(Transform::Enveloped)
        .transform(Transform::C14n(canonical.clone()));
    let builder = SignatureBuilder::new(canonical, SignatureAlgorithm::RsaSha256).add_reference(reference);
    let template = builder.build_template().map_err(|error| error.to_string())?;
    let template = with_certificate(&template, certificate)?;
    let root = xml::parse(document)?;
    let at = match root.only(SAML, "Issuer") {
        Some(issuer) => issuer.range.end,
        None => {
            document
                .get(root.name_end..)
                .and_then(|rest| rest.find('>'))
                .ok_or("an empty element")?
                + root.name_end
                + 1
        }
    };
    let (before, behind) = document
        .split_at_checked(at)
        .ok_or("no place for the signature")?;
    let key = Signer::new(private_key)?;
    let policy = POLICIES
        .as_ref()
        .and_then(CompiledPolicies::signing)
        .ok_or("no policy")?;
    SignContext::new(&key)
        .provider(&RustCryptoProvider)
        .policy(policy.clone())
        .signature_template_selection(SignatureTemplateSelection::FirstDescendant)
        .sign_template(&format!("{before}{template}{behind}"))
        .map_err(|error| error.to_string())
}

/// The template with the certificate in it, for those who look there.
fn with_certificate(template: &str, certificate: Option<&[u8]>) -> Result<String, String> {
    let Some(certificate) = certificate else {
        return Ok(template.to_owned());
    };
    let root = xml::parse(template)?;
    let end = template.rfind("</").ok_or("a template without an end")?;
    let (before, behind) = template
        .split_at_checked(end)
        .ok_or("a template without an end")?;
    let encoded = STANDARD.encode(certificate);
    let prefix = root
        .declared
        .iter()
        .find(|(_, uri)| *uri == DS)
        .map(|(prefix, _)| *prefix);
    let colon = match prefix {
        None | Some("") => String::new(),
        Some(prefix) => format!("{prefix}:"),
    };
    Ok(format!(
        "{before}<{colon}KeyInfo><{colon}X509Data><{colon}X509Certificate>{encoded}</{colon}X509Certificate></{colon}X509Data></{colon}KeyInfo>{behind}"
    ))
}

/// An RSA key that signs for `xml-sec`.
struct Signer(RsaKeyPair);

impl Signer {
    fn new(private_key: &[u8]) -> Result<Self, String> {
        let key = RsaKeyPair::from_pkcs8(private_key).map_err(|error| error.to_string())?;
        if key.public_modulus_len() < KeySize::Rsa2048.len() {
            return Err("the key is shorter than 2048 bits".to_owned());
        }
        Ok(Self(key))
    }
}

impl SigningKey for Signer {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        let padding = match algorithm {
            SignatureAlgorithm::RsaSha256 => &signature::RSA_PKCS1_SHA256,
            other => {
                return Err(SigningKeyError::UnsupportedAlgorithm {
                    uri: other.uri().to_owned(),
                });
            }
        };
        let mut value = vec![0; self.0.public_modulus_len()];
        let done = self.0.sign(padding, &SystemRandom::new(), message, &mut value);
        done.map(|()| value)
            .or(Err(SigningKeyError::UnsupportedAlgorithm {
                uri: algorithm.uri().to_owned(),
            }))
    }

    fn public_key_info(&self) -> Result<SigningPublicKeyInfo, SigningKeyError> {
        use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
        let public = self.0.public_key();
        let der: Result<PublicKeyX509Der, _> = public.as_der();
        let spki_der = der.map(|der| der.as_ref().to_vec()).unwrap_or_default();
        Ok(SigningPublicKeyInfo::Rsa {
            spki_der,
            modulus: public.modulus().big_endian_without_leading_zero().to_vec(),
            exponent: public.exponent().big_endian_without_leading_zero().to_vec(),
        })
    }
}
