//! Certificates of providers as people paste them: whole PEM or bare Base64, one or several, with a plain
//! sentence for what is wrong with a bad one. Only the key in it counts; nobody's signature on it does.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// More than any provider has in use at once.
const MOST: usize = 20;
/// The longest subject that is kept, in characters.
const LONGEST_SUBJECT: usize = 200;
/// The fewest bits of an RSA key that is believed.
const LEAST_BITS: usize = 2_048;

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The whole of it (RFC 5280).
    pub der: Vec<u8>,
    /// Its key: the `SubjectPublicKeyInfo`, DER.
    pub spki: Vec<u8>,
    /// SHA-256 of the whole, as `AB:CD:…`.
    pub fingerprint: String,
    /// Whose it says it is.
    pub subject: String,
    /// From when it says that it is good, in Unix milliseconds.
    pub not_before: i64,
    /// Until when, in Unix milliseconds.
    pub not_after: i64,
}

impl Certificate {
    /// Reads one or several, as they were pasted. The same one twice counts once.
    ///
    /// # Errors
    /// A sentence: which one is wrong, why, and what to do.
    pub fn read_all(text: &str) -> Result<Vec<Self>, String> {
        let pieces = pieces(text)?;
        if pieces.len() > MOST {
            return Err(format!(
                "These are {} certificates; at most {MOST} fit.",
                pieces.len()
            ));
        }
        let several = pieces.len() > 1;
        let mut found: Vec<Self> = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let certificate = read_one(piece).map_err(|sentence| {
                if several {
                    format!("Certificate {}: {sentence}", at + 1)
                } else {
                    sentence
                }
            })?;
            if !found.contains(&certificate) {
                found.push(certificate);
            }
        }
        Ok(found)
    }

    /// Reads one from its bytes.
    ///
    /// # Errors
    /// A sentence.
    pub fn from_der(der: Vec<u8>) -> Result<Self, String> {
        let (rest, read) = X509Certificate::from_der(&der).map_err(|error| {
            tracing::debug!(%error, "no certificate");
            what_it_is(&der)
        })?;
        if !rest.is_empty() {
            return Err(format!(
                "{} bytes follow the certificate. Paste each certificate by itself, with an empty line between them.",
                rest.len()
            ));
        }
        judge_key(&read.tbs_certificate.subject_pki)?;
        let spki = read.tbs_certificate.subject_pki.raw.to_vec();
        let subject = shown(&read.tbs_certificate.subject.to_string());
        let validity = &read.tbs_certificate.validity;
        let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        Ok(Self {
            fingerprint: fingerprint(&der),
            spki,
            subject,
            not_before: not_before.saturating_mul(1_000),
            not_after: not_after.saturating_mul(1_000),
            der,
        })
    }

    /// The certificate as Base64 on one line, as metadata carries it.
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// The certificate as a PEM file (RFC 7468).
    pub fn pem(&self) -> String {
        let text = self.base64();
        let mut lines = String::from("-----BEGIN CERTIFICATE-----\n");
        for (at, letter) in text.chars().enumerate() {
            if at > 0 && at.is_multiple_of(64) {
                lines.push('\n');
            }
            lines.push(letter);
        }
        lines.push_str("\n-----END CERTIFICATE-----\n");
        lines
    }
}

/// SHA-256 of a certificate, as `AB:CD:…`.
pub fn fingerprint(der: &[u8]) -> String {
    let bytes = digest(&SHA256, der);
    let pairs: Vec<String> = bytes.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// The Base64 of each certificate in the text.
fn pieces(text: &str) -> Result<Vec<String>, String> {
    let text = text.trim().trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("Paste at least one certificate.".to_owned());
    }
    if text.starts_with('<') {
        return Err(
            "This is XML. If it is the provider’s metadata, set the connection up from metadata instead."
                .to_owned(),
        );
    }
    if text.contains("PRIVATE KEY") {
        return Err(
            "This holds a private key. It belongs to the provider alone: paste only the certificate, and if the \
             key was meant to stay secret, replace it."
                .to_owned(),
        );
    }
    if text.contains("-----BEGIN") {
        return labelled(text);
    }
    if text.contains("-----END") {
        return Err("The line -----BEGIN CERTIFICATE----- is missing. Paste the whole file.".to_owned());
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    Ok(lines
        .split(|line| line.is_empty())
        .map(<[_]>::concat)
        .filter(|piece| !piece.is_empty())
        .collect())
}

/// What stands between the lines of PEM (RFC 7468). What stands outside of them explains.
fn labelled(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for part in text.split("-----BEGIN ").skip(1) {
        let (label, body) = part
            .split_once("-----")
            .ok_or("The line -----BEGIN CERTIFICATE----- is broken. Paste the whole file.")?;
        if !matches!(label.trim(), "CERTIFICATE" | "X509 CERTIFICATE") {
            return Err(format!(
                "This is a “{}”, not a certificate. Ask the provider for its signing certificate.",
                label.chars().take(40).collect::<String>()
            ));
        }
        let (body, _) = body.split_once("-----END").ok_or(
            "A certificate is cut off: its line -----END CERTIFICATE----- is missing. Paste the whole file.",
        )?;
        found.push(body.to_owned());
    }
    Ok(found)
}

fn read_one(piece: &str) -> Result<Certificate, String> {
    let text: String = piece.chars().filter(|letter| !letter.is_whitespace()).collect();
    if text.is_empty() {
        return Err("There is nothing between its lines. Paste the whole file.".to_owned());
    }
    let der = STANDARD.decode(&text).map_err(|error| {
        tracing::debug!(%error, "no Base64");
        if text.len().is_multiple_of(4) {
            "This is no certificate: it is not Base64. Paste the text of the file, from BEGIN CERTIFICATE to END CERTIFICATE."
        } else {
            "This is no certificate, or a part of it is missing: it is not whole Base64. Paste the whole file again."
        }
    })?;
    Certificate::from_der(der)
}

/// Why bytes are no certificate.
fn what_it_is(der: &[u8]) -> String {
    match whole_length(der) {
        Some(whole) if whole > der.len() => format!(
            "The certificate is cut off: it says that it has {whole} bytes, and {} are here. Paste the whole file.",
            der.len()
        ),
        Some(_) if inner_tag(der) == Some(INTEGER) => {
            "This is a private key, not a certificate. It belongs to the provider alone: paste only the certificate."
                .to_owned()
        }
        _ => "This is no certificate. Ask the provider for its signing certificate (X.509, as PEM or Base64)."
            .to_owned(),
    }
}

/// The tags of ASN.1 that tell one file from another.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// How many bytes a DER sequence says that it has, its head included.
fn whole_length(der: &[u8]) -> Option<usize> {
    let (head, length) = head(der)?;
    head.checked_add(length)
}

/// The size of the head of a DER sequence and the length in it.
fn head(der: &[u8]) -> Option<(usize, usize)> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag != SEQUENCE {
        return None;
    }
    if first < 0x80 {
        return Some((2, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    let bytes = rest.get(..count).filter(|_| (1..=3).contains(&count))?;
    let length = bytes.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte));
    Some((2 + count, length))
}

/// The tag of the first thing in a DER sequence.
fn inner_tag(der: &[u8]) -> Option<u8> {
    der.get(head(der)?.0).copied()
}

/// RSA of 2,048 bits or more, ECDSA on P-256 and P-384, Ed25519 (RFC 8410).
fn judge_key(key: &SubjectPublicKeyInfo<'_>) -> Result<(), String> {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() < LEAST_BITS => Err(format!(
            "Its RSA key has {} bits: too few to be believed. Ask the provider for one of {LEAST_BITS} or more.",
            rsa.key_size()
        )),
        Ok(PublicKey::RSA(_)) => Ok(()),
        Ok(PublicKey::EC(point)) if matches!(point.key_size(), 256 | 384) => Ok(()),
        _ if key.algorithm.algorithm.to_id_string() == "1.3.101.112" => Ok(()),
        _ => Err(
            "Its key is of a kind that signs no SAML message here. Ask the provider for RSA or ECDSA (P-256)."
                .to_owned(),
        ),
    }
}

/// Without control characters and bounded.
fn shown(subject: &str) -> String {
    let plain = subject.chars().filter(|letter| !letter.is_control());
    plain.take(LONGEST_SUBJECT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::SpKey;

    const NOW: i64 = 1_795_459_867_123;

    fn made() -> (SpKey, Certificate) {
        let key = SpKey::generate("idp.example", NOW).unwrap();
        let certificate = Certificate::from_der(key.certificate.clone()).unwrap();
        (key, certificate)
    }

    fn told(text: &str) -> String {
        Certificate::read_all(text).unwrap_err()
    }

    #[test]
    fn pem_and_bare_base64_are_read_alone_and_together() {
        let ((_, one), (_, two)) = (made(), made());
        let (pem, bare) = (one.pem(), two.base64());
        assert_eq!(Certificate::read_all(&pem).unwrap(), std::slice::from_ref(&one));
        assert_eq!(Certificate::read_all(&bare).unwrap(), std::slice::from_ref(&two));
        let both = format!("Bag Attributes\n  friendlyName: x\n{pem}\r\n{}", two.pem());
        assert_eq!(Certificate::read_all(&both).unwrap(), [one.clone(), two.clone()]);
        let wrapped = one
            .pem()
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<Vec<_>>()
            .join("\r\n");
        let lines = format!("\u{feff}{wrapped}\n\n{bare}\n");
        assert_eq!(Certificate::read_all(&lines).unwrap(), [one.clone(), two]);
        assert_eq!(
            Certificate::read_all(&format!("{pem}{pem}")).unwrap(),
            std::slice::from_ref(&one)
        );
        assert_eq!(one.fingerprint.len(), 95);
        assert!(pem.lines().all(|line| line.len() <= 64));
    }

    /// SAML-060.
    #[test]
    fn what_is_wrong_is_said() {
        let (key, one) = made();
        let pem = one.pem();
        let bare = one.base64();
        let private = STANDARD.encode(&key.private);
        let half: String = bare.chars().take(400).collect();
        let table = [
            (String::new(), "at least one"),
            ("  \n ".to_owned(), "at least one"),
            ("hello".to_owned(), "no certificate"),
            ("<EntityDescriptor/>".to_owned(), "XML"),
            (
                "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----".to_owned(),
                "private key",
            ),
            (format!("{pem}-----BEGIN RSA PRIVATE KEY-----"), "private key"),
            (private, "private key"),
            (
                "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----".to_owned(),
                "“PUBLIC KEY”",
            ),
            (half.clone(), "cut off"),
            (half.get(..399).unwrap().to_owned(), "missing"),
            (pem.replace("-----END CERTIFICATE-----", ""), "cut off"),
            (
                pem.replace("-----BEGIN CERTIFICATE-----", ""),
                "BEGIN CERTIFICATE",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----".to_owned(),
                "nothing",
            ),
            (
                format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
                "Certificate 2: ",
            ),
            (STANDARD.encode([one.der.clone(), vec![0]].concat()), "follow"),
            (pem.repeat(21), "at most 20"),
        ];
        for (text, expected) in table {
            let sentence = told(&text);
            assert!(sentence.contains(expected), "{expected}: {sentence}");
        }
    }

    /// SAML-060.
    #[test]
    fn nothing_pasted_is_a_panic() {
        let (_, one) = made();
        for length in 0..one.der.len() {
            assert!(Certificate::from_der(one.der.get(..length).unwrap().to_vec()).is_err());
        }
        for byte in [0x30, 0x84, 0xff] {
            assert!(Certificate::from_der(vec![byte; 40]).is_err());
        }
    }
}
