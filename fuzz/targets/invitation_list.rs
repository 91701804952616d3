//! See `checks::invitation_list`. UPL-001.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target asks one of them")]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::invitation_list(bytes));
