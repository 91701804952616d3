//! Whatever arrives: nothing panics, and who is believed is who the key has signed. The corpus begins with
//! responses that the key of `parties/idp.spki` signed, all about the same person.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule::saml::{self, Provider, ServiceProvider};

/// 2026-11-24T01:02:03Z, when the corpus was signed.
const NOW: i64 = 1_795_482_123_000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(xml) = std::str::from_utf8(bytes) else {
        return;
    };
    let provider = Provider {
        entity_id: "https://idp.example/metadata".to_owned(),
        keys: vec![include_bytes!("../parties/idp.spki").to_vec()],
        allow_cbc: true,
        ..Provider::default()
    };
    let ours = ServiceProvider {
        entity_id: "https://vestibule.example/sign-in/saml/c1/metadata".to_owned(),
        acs_url: "https://vestibule.example/sign-in/saml/c1/acs".to_owned(),
        keys: Vec::new(),
    };
    if let Ok(verified) = saml::verify(&provider, &ours, "c1", xml, Some("_request1"), NOW) {
        assert_eq!(verified.identity.subject, "email:ada@corp.example");
        assert_eq!(
            verified.identity.email.map(|email| email.to_string()).as_deref(),
            Some("ada@corp.example")
        );
        assert_eq!(verified.assertion_id, "_assertion1");
    }
    let _ = (
        saml::shown(xml),
        saml::in_response_to(xml),
        saml::issuer(xml),
        saml::decode(xml),
    );
});
