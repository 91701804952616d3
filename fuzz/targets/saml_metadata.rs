//! See `checks::saml_metadata`. SAML-060, SAML-073.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target asks one of them")]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::saml_metadata(bytes));
