//! Whatever an administrator pastes or an address serves as metadata: it is read or refused, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule::saml;

/// 2026-11-24T01:02:03Z.
const NOW: i64 = 1_795_482_123_000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(xml) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(read) = saml::read_provider_metadata(xml, None, NOW) {
        assert!(!read.entity_id.is_empty() && !read.certificates.is_empty());
    }
});
