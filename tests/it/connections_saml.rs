//! Connections by SAML: how they are set up, and how what the provider publishes and what we sign with change.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use vestibule::connections::saml::{self, KeyState, Keys, SamlSettings};
use vestibule::connections::{self, State};
use vestibule::saml::{Binding, Certificate, SpKey};

use crate::support::{Acme, Browser};

const DAY: i64 = 86_400_000;

/// A certificate of a provider, good for ten years from `now`.
fn certificate(now: i64) -> Certificate {
    Certificate::from_der(SpKey::generate("idp.example", now).unwrap().certificate).unwrap()
}

fn metadata(entity_id: &str, sso_url: &str, certificates: &[&Certificate]) -> String {
    let keys: String = certificates
        .iter()
        .map(|one| one.base64())
        .fold(String::new(), |keys, base64| {
            keys + "<KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
                + &base64
                + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
        });
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{entity_id}\"><IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{sso_url}\"/>\
         </IDPSSODescriptor></EntityDescriptor>"
    )
}

/// A server that answers everything with what it holds.
struct Published {
    address: String,
    text: Arc<Mutex<String>>,
}

impl Published {
    fn start(text: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/metadata", listener.local_addr().unwrap());
        let text = Arc::new(Mutex::new(text));
        let held = Arc::clone(&text);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let body = held.lock().unwrap().clone();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((answer + &body).as_bytes());
            }
        });
        Self { address, text }
    }

    fn says(&self, text: String) {
        *self.text.lock().unwrap() = text;
    }
}

/// Fills the form of a new SAML connection in, and answers its id.
async fn added(acme: &Acme, browser: &mut Browser, answers: &[(&str, &str)]) -> String {
    browser.get(&acme.to("/connections/new/saml")).await;
    browser
        .submit("Add the connection", answers)
        .await
        .sees("is made, as a draft");
    browser.path().rsplit('/').next().unwrap().to_owned()
}

fn settings(acme: &Acme, id: &str) -> (SamlSettings, Vec<Certificate>) {
    acme.read(|conn| Ok((saml::find(conn, id)?.unwrap(), saml::certificates(conn, id)?)))
}

fn states(acme: &Acme, id: &str) -> Vec<KeyState> {
    acme.read(|conn| Ok(saml::keys(conn, id)?.iter().map(|key| key.state).collect()))
}

both_databases! {
    /// SAML-060, SAML-069, SAML-071
    async fn a_connection_is_set_up_from_a_metadata_address_alone(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let (old, new) = (certificate(acme.installation.site.now()), certificate(acme.installation.site.now()));
        let published = Published::start(metadata("https://idp.example", "https://idp.example/sso", &[&old, &new]));
        let id = added(&acme, &mut owner, &[
            ("name", "Okta"), ("how", "url"), ("metadata_url", &published.address),
        ]).await;
        let (found, certificates) = settings(&acme, &id);
        assert_eq!((found.entity_id.as_str(), found.sso_url.as_str()), ("https://idp.example", "https://idp.example/sso"));
        assert_eq!((found.binding, found.idp_initiated, found.allow_cbc), (Binding::Redirect, false, false));
        assert_eq!(certificates.len(), 2);
        owner.sees(&format!("/sign-in/saml/{id}/acs")).sees(&format!("/sign-in/saml/{id}/metadata"))
            .sees(&old.fingerprint).sees(&new.fingerprint).sees("Draft");
        let known = acme.read(|conn| Ok(connections::find(conn, &id)?.unwrap()));
        assert_eq!((known.state, known.jit, known.scim), (State::Draft, true, false));
        owner.get(&acme.to(&format!("/connections/{id}/state"))).await.sees(&format!("/sign-in/saml/{id}/acs"));
        owner.submit("Turn on Okta", &[("untested", "yes")]).await.sees("People can now sign in by");
    }

    async fn a_connection_may_wait_for_its_provider(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let id = added(&acme, &mut owner, &[("name", "Later"), ("how", "later")]).await;
        owner.sees("can’t be turned on yet").sees("/acs");
        owner.get(&acme.to(&format!("/connections/{id}/state"))).await;
        owner.sees("It can’t be turned on yet. The provider’s entity id is missing.");
        owner.get(&acme.to(&format!("/connections/{id}/edit"))).await;
        let fields = owner.fields("Save the connection");
        let of = |name: &str| fields.iter().find(|(field, _)| field == name).unwrap().1.clone();
        let (token, version) = (of("form_token"), of("version"));
        let fields = [("form_token", token.as_str()), ("version", version.as_str()), ("to", "on"), ("untested", "yes")];
        owner.post(&acme.to(&format!("/connections/{id}/state")), &fields).await.sees("It can’t be turned on yet.");
        assert_eq!(owner.status(), 409);

        let one = certificate(acme.installation.site.now());
        owner.get(&acme.to(&format!("/connections/{id}/metadata"))).await;
        let text = metadata("idp", "https://idp.example/sso", &[&one]);
        owner.submit("Compare it", &[("metadata", &text)]).await.sees("Certificate, newly trusted").sees(&one.fingerprint);
        assert_eq!(settings(&acme, &id).0.entity_id, "");
        owner.submit("Confirm the changes", &[]).await.sees("is taken over");
        assert_eq!(settings(&acme, &id), (SamlSettings {
            entity_id: "idp".into(), sso_url: "https://idp.example/sso".into(), ..SamlSettings::default()
        }, vec![one]));
    }

    /// SAML-061, NET-001, NET-002, UPL-008.
    async fn what_is_typed_wrong_is_said_beside_its_field(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let one = certificate(acme.installation.site.now());
        let half = one.base64()[..400].to_owned();
        let tries: [(&[(&str, &str)], &str); 7] = [
            (&[("how", "hand"), ("sso_url", "https://a.example"), ("certificates", &half), ("entity_id", "a")], "cut off"),
            (&[("how", "hand"), ("sso_url", "javascript:alert(1)"), ("entity_id", "a")], "The sign-on address is none"),
            (&[("how", "hand"), ("sso_url", "ftp://idp.example/sso"), ("entity_id", "a")], "begin with https"),
            (&[("how", "hand"), ("certificates", "-----BEGIN PRIVATE KEY-----")], "private key"),
            (&[("how", "metadata"), ("metadata", "<html/>")], "no SAML metadata"),
            (&[("how", "url"), ("metadata_url", "http://10.0.0.1/metadata")], "10.0.0.1"),
            (&[("how", "url"), ("metadata_url", "file:///etc/passwd")], "metadata address"),
        ];
        for (answers, sentence) in tries {
            owner.get(&acme.to("/connections/new/saml")).await;
            let mut all = vec![("name", "X")];
            all.extend(answers);
            owner.submit("Add the connection", &all).await.sees(sentence);
            assert_eq!(owner.status(), 422, "{sentence}");
        }
    }

    /// SAML-060
    async fn what_the_metadata_says_later_waits_for_a_yes(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let now = acme.installation.site.now();
        let (old, new) = (certificate(now), certificate(now));
        let published = Published::start(metadata("idp", "https://idp.example/sso", &[&old]));
        let id = added(&acme, &mut owner, &[("name", "Okta"), ("how", "url"), ("metadata_url", &published.address)]).await;
        let page = acme.to(&format!("/connections/{id}/metadata"));
        owner.get(&page).await.submit("Read it now", &[]).await.sees("there is nothing to change");

        published.says(metadata("idp", "https://idp.example/sso", &[&new]));
        owner.submit("Read it now", &[]).await.sees("no longer trusted").sees(&old.fingerprint).sees(&new.fingerprint);
        assert_eq!(settings(&acme, &id).1, std::slice::from_ref(&old));
        let mut tab = owner.new_tab();
        tab.get(&page).await;
        published.says(metadata("idp", "https://evil.example/sso", &[&new]));
        owner.submit("Read it now", &[]).await.sees("https://evil.example/sso");
        tab.submit("Confirm the changes", &[]).await.sees("was read again meanwhile");
        assert_eq!(settings(&acme, &id).1, std::slice::from_ref(&old));
        owner.submit("Leave the settings", &[]).await.sees("stay as they are");

        published.says(metadata("another", "https://idp.example/sso", &[&new]));
        owner.get(&page).await.submit("Read it now", &[]).await.sees("metadata of another provider");
        published.says(metadata("idp", "https://idp.example/sso", &[&old, &new]));
        owner.get(&page).await.submit("Read it now", &[]).await;
        owner.submit("Confirm the changes", &[]).await.sees("is taken over");
        assert_eq!(settings(&acme, &id).1.len(), 2);
    }

    async fn the_metadata_is_looked_at_daily_and_changes_nothing(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let site = acme.installation.site.clone();
        let (old, new) = (certificate(site.now()), certificate(site.now()));
        let published = Published::start(metadata("idp", "https://idp.example/sso", &[&old]));
        let id = added(&acme, &mut owner, &[("name", "Okta"), ("how", "url"), ("metadata_url", &published.address)]).await;
        published.says(metadata("idp", "https://idp.example/sso", &[&new]));
        let outbound = vestibule::outbound::Outbound::new(vec!["127.0.0.0/8".parse().unwrap()]).unwrap();
        assert_eq!(saml::refresh_stale(&site, &outbound).await.unwrap(), 1);
        assert_eq!(saml::refresh_stale(&site, &outbound).await.unwrap(), 0);
        site.clock.advance(DAY + 1);
        assert_eq!(saml::refresh_stale(&site, &outbound).await.unwrap(), 1);
        assert_eq!(settings(&acme, &id).1, [old]);
        let mut owner = acme.owner().await;
        owner.get(&acme.to(&format!("/connections/{id}"))).await.sees("2 things otherwise").sees("Nothing was changed");
    }

    /// SAML-062
    async fn certificates_are_pinned_together_and_warn_before_they_end(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let now = acme.installation.site.now();
        let ends = certificate(now - 3_652 * DAY + 12 * DAY + DAY / 2);
        let id = added(&acme, &mut owner, &[
            ("name", "Okta"), ("how", "hand"), ("entity_id", "idp"), ("sso_url", "https://idp.example/sso"),
            ("certificates", &ends.pem()),
        ]).await;
        owner.sees("expires in 12 days");
        owner.get(&acme.to("/connections")).await.sees("Certificate expires in 12 days");
        let next = certificate(now);
        owner.get(&acme.to(&format!("/connections/{id}/edit"))).await;
        owner.submit("Save the connection", &[("certificates", &next.base64())]).await.sees("is saved");
        assert_eq!(settings(&acme, &id).1, [next, ends]);
    }

    async fn a_key_follows_another_in_three_steps(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let id = added(&acme, &mut owner, &[("name", "Okta"), ("how", "later")]).await;
        let page = acme.to(&format!("/connections/{id}/keys"));
        assert_eq!(states(&acme, &id), [KeyState::Current]);
        owner.get(&page).await.submit("Make the next key", &[]).await.sees("The next key is made");
        assert_eq!(states(&acme, &id), [KeyState::Current, KeyState::Next]);
        let site = acme.installation.site.clone();
        let opened = |acme: &Acme| {
            let keys = acme.read(|conn| Ok(saml::keys(conn, &id)?));
            Keys::open(&site.sealer, &keys).unwrap()
        };
        let (before, first) = (opened(&acme), opened(&acme).current().unwrap().certificate.clone());
        assert_eq!(before.published().len(), 2);
        owner.submit("Let the next key sign", &[]).await.sees("signs now");
        let after = opened(&acme);
        assert_ne!(after.current().unwrap().certificate, first);
        assert_eq!((after.published().len(), after.all().len()), (1, 2));
        assert_eq!(states(&acme, &id), [KeyState::Retired, KeyState::Current]);
        owner.submit("Delete the retired key", &[]).await.sees("The key is deleted");
        assert_eq!(states(&acme, &id), [KeyState::Current]);
        let xml = saml::metadata_of(&site, &id, &SamlSettings::default(), &opened(&acme));
        assert!(xml.contains("WantAssertionsSigned=\"true\"") && !xml.contains("PRIVATE"));
    }
}
