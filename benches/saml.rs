//! What it costs to judge SAML responses, on one core: a row of a table for each. `scripts/bench` calls it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench fails by panicking"
)]

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vestibule::saml::{self, Certificate, Provider, SamlError, ServiceProvider, SpKey, Verified};
use xml_sec::rsa_encoding::RsaPublicKeyEncoding;
use xml_sec::xmlenc::{DataEncryptionAlgorithm, EncryptedDataBuilder, EncryptionRecipient};

/// 2026-11-24T01:02:03Z.
const NOW: i64 = 1_795_482_123_000;
const SP: &str = "https://vestibule.example/sign-in/saml/c1/metadata";
const ACS: &str = "https://vestibule.example/sign-in/saml/c1/acs";
const IDP: &str = "https://idp.example/metadata";

fn main() {
    let theirs = SpKey::generate("idp", NOW).expect("a key");
    let ours = SpKey::generate("sp", NOW).expect("a key");
    let parties = Parties {
        provider: Provider {
            entity_id: IDP.to_owned(),
            keys: vec![spki(&theirs)],
            ..Provider::default()
        },
        service_provider: ServiceProvider {
            entity_id: SP.to_owned(),
            acs_url: ACS.to_owned(),
            keys: vec![ours.clone()],
        },
    };
    let signed =
        saml::sign_element(&assertion(), "_a", &theirs.private, Some(&theirs.certificate)).expect("signed");
    let plain = STANDARD.encode(response(&signed));
    let hidden = STANDARD.encode(response(&encrypted(&signed, &ours)));
    let long = STANDARD.encode(response(&"x".repeat(1024 * 1024)));
    let deep = STANDARD.encode(response(&format!("{}{}", "<a>".repeat(200), "</a>".repeat(200))));
    println!("| what | figure |");
    println!("|---|---|");
    row(
        &format!("signed response, RSA-2048, {} bytes", signed.len()),
        || assert!(parties.judged(&plain).is_ok()),
    );
    row("the same, encrypted (AES-256-GCM, RSA-OAEP)", || {
        assert!(parties.judged(&hidden).is_ok());
    });
    row("refusal of 1 MB", || assert!(parties.judged(&long).is_err()));
    row("refusal of 200 levels", || {
        assert!(parties.judged(&deep).is_err());
    });
    println!("| resident memory at its peak, all of the above | {} |", peak());
}

struct Parties {
    provider: Provider,
    service_provider: ServiceProvider,
}

impl Parties {
    fn judged(&self, field: &str) -> Result<Verified, SamlError> {
        let xml = saml::decode(field)?;
        saml::verify(
            &self.provider,
            &self.service_provider,
            "c1",
            &xml,
            Some("_r"),
            NOW,
        )
    }
}

/// How long one takes on average, over about two seconds.
fn row(what: &str, mut work: impl FnMut()) {
    work();
    let began = Instant::now();
    let mut times = 0_u32;
    while began.elapsed() < Duration::from_secs(2) {
        work();
        times += 1;
    }
    println!(
        "| {what} | {:.3} ms |",
        began.elapsed().as_secs_f64() * 1000.0 / f64::from(times)
    );
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "not known here".to_owned(), |line| line.trim().to_owned())
}

fn spki(key: &SpKey) -> Vec<u8> {
    Certificate::from_der(key.certificate.clone())
        .expect("a certificate")
        .spki
}

/// About eight kilobytes, most of it groups.
fn assertion() -> String {
    let groups: Vec<String> = (0..90)
        .map(|n| format!("<saml:AttributeValue>group-{n:03}-of-the-directory</saml:AttributeValue>"))
        .collect();
    format!(
        r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0" IssueInstant="2026-11-24T01:02:03Z"><saml:Issuer>{IDP}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">ada@corp.example</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="_r" Recipient="{ACS}" NotOnOrAfter="2026-11-24T01:07:03Z"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotOnOrAfter="2026-11-24T01:07:03Z"><saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="2026-11-24T01:01:03Z"/><saml:AttributeStatement><saml:Attribute Name="groups">{}</saml:Attribute></saml:AttributeStatement></saml:Assertion>"#,
        groups.concat()
    )
}

fn response(inner: &str) -> String {
    format!(
        r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_m" Version="2.0" IssueInstant="2026-11-24T01:02:03Z" Destination="{ACS}" InResponseTo="_r"><saml:Issuer>{IDP}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{inner}</samlp:Response>"#
    )
}

fn encrypted(assertion: &str, key: &SpKey) -> String {
    let public = RsaPublicKeyEncoding::from_public_key_der(&spki(key)).expect("a public key");
    let builder = EncryptedDataBuilder::new(DataEncryptionAlgorithm::Aes256Gcm)
        .add_recipient(EncryptionRecipient::rsa_oaep(public));
    let cipher = builder.encrypt_xml(assertion).unwrap().encrypted_data_xml;
    format!("<saml:EncryptedAssertion>{cipher}</saml:EncryptedAssertion>")
}
