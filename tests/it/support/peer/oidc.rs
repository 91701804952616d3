//! An OpenID provider of somebody else's.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::process::Process;

/// panva's certified `oidc-provider`, in a process of its own that ends with the value.
///
/// Its people sign in with their login name alone: `browser.submit("Continue", &[("login", "ivan")])`. They stay
/// signed in there. `Cancel` sends them back with `access_denied`.
pub struct OidcProvider {
    process: Process,
    issuer: String,
}

impl OidcProvider {
    /// Starts it with one client. `people` is an object: from the login name, which is the subject too, to claims.
    pub fn start(client_id: &str, secret: &str, redirect_uris: &[&str], people: &Value) -> Self {
        let client =
            json!({ "client_id": client_id, "client_secret": secret, "redirect_uris": redirect_uris });
        Self::start_with(&json!({ "clients": [client], "people": people }))
    }

    /// Starts it with `clients` as they would be registered, with `people`, and with a `configuration` over ours.
    pub fn start_with(description: &Value) -> Self {
        let installed = Path::new("tests/peers/node_modules/oidc-provider").is_dir();
        assert!(
            installed,
            "the identity provider of the tests is not installed: run scripts/test"
        );
        let mut node = Command::new("node");
        node.arg("tests/peers/oidc-provider.mjs")
            .arg(description.to_string());
        let (process, first) = Process::start(&mut node);
        let issuer = first["issuer"].as_str().unwrap().into();
        Self { process, issuer }
    }

    /// Its issuer: `http://127.0.0.1:` and a port.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Registers where people are sent back to, instead of what was registered before.
    pub fn call_back(&mut self, redirect_uris: &[&str]) {
        self.process.change(&json!({ "redirect_uris": redirect_uris }));
    }

    /// Replaces the people, each time they are asked about.
    pub fn set_people(&mut self, people: &Value) {
        self.process.change(&json!({ "people": people }));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::OidcProvider;
    use crate::support::Browser;

    const BACK: &str = "http://127.0.0.1:1/callback";

    fn question(provider: &OidcProvider) -> String {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"; // RFC 7636, appendix B
        format!(
            "{}/auth?client_id=vestibule&response_type=code&scope=openid+email&redirect_uri={BACK}&state=s&nonce=n\
             &code_challenge={challenge}&code_challenge_method=S256",
            provider.issuer()
        )
    }

    fn sent_back_with(browser: &Browser, name: &str) -> Option<String> {
        let address = browser.held().expect("the provider did not send the person back");
        address
            .query_pairs()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }

    #[actix_web::test]
    async fn a_person_signs_in_by_name_and_stays_signed_in() {
        let people = json!({ "ivan": { "email": "ivan@acme.example" } });
        let provider = OidcProvider::start("vestibule", "secret", &[BACK], &people);
        let mut browser = Browser::new();
        browser
            .stop_before("/callback")
            .get(&question(&provider))
            .await
            .sees("Sign in at the provider");
        browser
            .submit("Continue", &[("login", "nobody")])
            .await
            .sees("Nobody is called “nobody”.");
        browser.submit("Continue", &[("login", "ivan")]).await;
        assert_eq!(sent_back_with(&browser, "state").as_deref(), Some("s"));
        assert_eq!(
            sent_back_with(&browser, "iss").as_deref(),
            Some(provider.issuer())
        );
        browser.get(&question(&provider)).await;
        assert!(sent_back_with(&browser, "code").is_some());
    }

    #[actix_web::test]
    async fn people_and_addresses_can_change_and_a_person_can_cancel() {
        let mut provider = OidcProvider::start("vestibule", "secret", &[], &json!({}));
        let mut browser = Browser::new();
        browser
            .stop_before("/callback")
            .get(&question(&provider))
            .await
            .sees("redirect_uri");
        provider.call_back(&[BACK]);
        provider.set_people(&json!({ "nora": {} }));
        browser
            .get(&question(&provider))
            .await
            .submit("Cancel", &[])
            .await;
        assert_eq!(
            sent_back_with(&browser, "error").as_deref(),
            Some("access_denied")
        );
        browser
            .get(&question(&provider))
            .await
            .submit("Continue", &[("login", "nora")])
            .await;
        assert!(sent_back_with(&browser, "code").is_some());
    }
}
