//! SAML identity providers of somebody else's.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::process::Process;
use crate::support::Browser;

/// Whose provider it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    /// `SimpleSAMLphp`, as Debian packages it.
    SimpleSamlPhp,
    /// pysaml2, which can also be told to get things wrong.
    PySaml2,
}

/// One that is running, in a process of its own that ends with the value.
pub struct SamlProvider {
    process: Process,
    make: Make,
    url: String,
}

impl SamlProvider {
    /// Starts it. `people` is an object: from the login name to attributes, each a list; `mail` is the `NameID` too.
    pub fn start(make: Make, people: &Value) -> Self {
        let (program, script, installed) = match make {
            Make::SimpleSamlPhp => (
                "php",
                "tests/peers/simplesamlphp/serve.php",
                "/usr/share/simplesamlphp/www",
            ),
            Make::PySaml2 => (
                ".venv/bin/python",
                "tests/peers/saml-provider.py",
                "/usr/bin/xmlsec1",
            ),
        };
        assert!(
            Path::new(installed).exists(),
            "{make:?} is not installed: run scripts/test"
        );
        let mut command = Command::new(program);
        command.env("PYTHONWARNINGS", "ignore");
        command
            .arg(script)
            .arg(json!({ "people": named(make, people) }).to_string());
        let (process, first) = Process::start(&mut command);
        let url = first["url"].as_str().unwrap().into();
        Self { process, make, url }
    }

    /// Where it tells about itself.
    pub fn metadata_url(&self) -> String {
        self.to(match self.make {
            Make::SimpleSamlPhp => "/saml2/idp/metadata.php",
            Make::PySaml2 => "/metadata",
        })
    }

    /// The absolute address of a path of its.
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Where a sign-in begins that nobody asked for.
    pub fn unasked(&self, service_provider: &str, login: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("spentityid", service_provider)
            .append_pair("login", login)
            .finish();
        self.to(&match self.make {
            Make::SimpleSamlPhp => format!("/saml2/idp/SSOService.php?{query}"),
            Make::PySaml2 => format!("/start?{query}"),
        })
    }

    /// Tells it what a service provider says about itself.
    pub fn meet(&mut self, metadata: &str) {
        self.change(&json!({ "sp": metadata }));
    }

    /// Replaces the people.
    pub fn set_people(&mut self, people: &Value) {
        let people = named(self.make, people);
        self.change(&json!({ "people": people }));
    }

    /// Changes what its script describes: `signed`, `encrypted`, `demands`, and of pysaml2 `fault`.
    pub fn change(&mut self, change: &Value) {
        self.process.change(change);
    }

    /// Signs in on its page, and goes back to whoever asked.
    pub async fn sign_in<'a>(&self, browser: &'a mut Browser, login: &str) -> &'a mut Browser {
        match self.make {
            Make::SimpleSamlPhp => {
                let answers = [("username", login), ("password", login)];
                browser.submit("Login", &answers).await;
            }
            Make::PySaml2 => {
                browser.submit("Continue", &[("login", login)]).await;
            }
        }
        self.go_back(browser).await
    }

    /// Presses the button that a browser presses by itself.
    pub async fn go_back<'a>(&self, browser: &'a mut Browser) -> &'a mut Browser {
        let button = match self.make {
            Make::SimpleSamlPhp => "Submit",
            Make::PySaml2 => "Go back",
        };
        browser.submit(button, &[]).await
    }
}

/// pysaml2 is told each person's `NameID`; `SimpleSAMLphp` takes the address.
fn named(make: Make, people: &Value) -> Value {
    let mut people = people.clone();
    if make == Make::PySaml2 {
        for person in people.as_object_mut().unwrap().values_mut() {
            if person["name_id"].is_null() {
                person["name_id"] = person["mail"][0].clone();
            }
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;
    use vestibule::saml::{AuthnRequest, ServiceProvider, SpKey, service_provider_metadata};
    use vestibule::store::time;

    use super::{Make, SamlProvider};
    use crate::support::Browser;

    const ENTITY: &str = "http://127.0.0.1:1/metadata";
    const ACS: &str = "http://127.0.0.1:1/acs";

    /// What it posts to a service provider that is not there.
    async fn response(provider: &SamlProvider, sso: &str) -> String {
        let request = AuthnRequest {
            id: "_a-request".into(),
            issued_at: time::now(),
            issuer: ENTITY.into(),
            acs_url: ACS.into(),
            destination: provider.to(sso),
            force_authn: false,
        };
        let mut browser = Browser::new();
        browser.get(&request.redirect_url("opaque", None).unwrap()).await;
        let button = match provider.make {
            Make::SimpleSamlPhp => {
                let answers = [("username", "ivan"), ("password", "ivan")];
                browser.submit("Login", &answers).await;
                "Submit"
            }
            Make::PySaml2 => {
                browser.submit("Continue", &[("login", "ivan")]).await;
                "Go back"
            }
        };
        let fields = browser.fields(button);
        assert!(fields.contains(&("RelayState".into(), "opaque".into())));
        let answer = fields.iter().find(|(name, _)| name == "SAMLResponse").unwrap();
        String::from_utf8(STANDARD.decode(&answer.1).unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn providers_sign_and_encrypt_as_they_are_told() {
        let key = SpKey::generate("127.0.0.1", time::now()).unwrap();
        let ours = ServiceProvider {
            entity_id: ENTITY.into(),
            acs_url: ACS.into(),
            keys: vec![],
        };
        let ours = service_provider_metadata(&ours, &[key.certificate], false);
        for (make, sso) in [
            (Make::SimpleSamlPhp, "/saml2/idp/SSOService.php"),
            (Make::PySaml2, "/sso"),
        ] {
            let people = json!({ "ivan": { "mail": ["ivan@acme.example"] } });
            let mut provider = SamlProvider::start(make, &people);
            provider.meet(&ours);
            let plain = response(&provider, sso).await;
            assert!(plain.contains("ivan@acme.example"), "{make:?}: {plain}");
            assert_eq!(plain.matches("SignatureValue>").count(), 4, "{make:?}: {plain}");
            let encrypted = if make == Make::PySaml2 {
                json!("aes256-gcm")
            } else {
                json!(true)
            };
            provider.change(&json!({ "encrypted": encrypted, "signed": "assertion" }));
            let hidden = response(&provider, sso).await;
            assert!(hidden.contains("EncryptedAssertion"), "{make:?}: {hidden}");
            assert!(!hidden.contains("ivan@acme.example"), "{make:?}: {hidden}");
        }
    }
}
