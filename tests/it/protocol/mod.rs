//! The protocols of single sign-on, walked through the running product: what is refused leaves no trace but its
//! record, and what is only odd comes in.

mod oidc;
mod peer;
mod saml;
mod saml_peer;

use crate::support::tables::SignIn;
use crate::support::{Acme, Browser};

/// What was there before something that must be refused.
struct Before {
    people: Vec<String>,
    records: usize,
    audited: i64,
}

impl Before {
    fn of(acme: &Acme) -> Self {
        Self {
            people: acme.people(),
            records: acme.sign_ins().len(),
            audited: acme.audited_sign_ins(),
        }
    }

    /// The person is on a plain page with a reference, in no session, and there is one record more, of a rejection;
    /// nothing else has changed. Answers the record.
    #[track_caller]
    fn is_rejected(&self, acme: &Acme, browser: &Browser, what: &str) -> SignIn {
        let records = acme.sign_ins();
        assert_eq!(records.len(), self.records + 1, "{what}: {records:#?}");
        let record = records.last().unwrap().clone();
        assert_eq!(record.outcome, "rejected", "{what}: {record:#?}");
        assert_eq!(acme.audited_sign_ins(), self.audited + 1, "{what}");
        assert_eq!(acme.people(), self.people, "{what}");
        assert!(
            matches!(browser.status(), 400 | 403 | 502 | 504),
            "{what}: {}",
            browser.status()
        );
        browser.sees("Sign-in did not work").sees(&record.reference);
        assert_eq!(
            browser.path(),
            format!("/sign-in/refused/{}", record.reference),
            "{what}"
        );
        assert_eq!(browser.header("cache-control"), Some("no-store"), "{what}");
        record
    }

    /// As [`Self::is_rejected`], of a browser in which nobody was signed in before either.
    #[track_caller]
    fn stays_outside(&self, acme: &Acme, browser: &Browser, what: &str) -> SignIn {
        assert!(browser.cookie("vestibule_session").is_none(), "{what}");
        self.is_rejected(acme, browser, what)
    }
}
