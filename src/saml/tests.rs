//! Honest responses, and everything that must be refused.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use super::testing::*;

#[test]
fn a_signed_response_is_believed_wherever_its_signature_is() {
    for sign in [Sign::Assertion, Sign::Response, Sign::Both] {
        let verified =
            judged(&Forge::new().signed(sign).build()).unwrap_or_else(|error| panic!("{sign:?}: {error:?}"));
        let identity = &verified.identity;
        assert_eq!(identity.subject, "email:ada@corp.example");
        assert_eq!(identity.issuer, IDP);
        assert_eq!(identity.connection, "c1");
        assert_eq!(
            identity.email.as_ref().map(ToString::to_string).as_deref(),
            Some("ada@corp.example")
        );
        assert_eq!(identity.email_verified, None);
        assert_eq!(identity.name.full.as_deref(), Some("Ada King"));
        assert_eq!(
            identity.groups.as_deref(),
            Some(["staff".to_owned(), "admins".to_owned()].as_slice())
        );
        assert_eq!(verified.assertion_id, "_assertion1");
        assert!(verified.expires_at >= NOW + 5 * MINUTE && verified.expires_at < NOW + 10 * MINUTE);
        assert!(verified.evidence.key.len() > 60);
    }
}
