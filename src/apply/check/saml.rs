//! What the file says about a SAML connection's provider: metadata or its three settings.

use super::{Reader, start};
use crate::apply::form::ConnectionForm;
use crate::apply::model::{Said, Saml, Source};
use crate::saml::{AttributeNames, Certificate, check_sign_on_address};

const MISSING: &str = "A SAML connection needs its provider: write metadata_file, or metadata_url, or entity_id with \
                       sso_url and certificates.";
const BESIDE: &str = "It stands beside another description of the provider. Keep one: metadata_file, metadata_url, or \
                      entity_id with sso_url and certificates.";
const OIDC_ONLY: &str = "This belongs to an OpenID Connect connection. A SAML one has no such setting.";

impl Reader<'_> {
    /// The provider of a SAML connection.
    pub(super) fn saml(&mut self, form: &ConnectionForm) -> Option<Saml> {
        self.nothing_of_oidc(form);
        let source = self.source(form)?;
        let attributes = form.attributes.as_ref().map(|names| {
            let text = |name: &Option<String>| name.as_deref().unwrap_or_default().trim().to_owned();
            let names = names.get_ref();
            AttributeNames {
                email: text(&names.email),
                given_name: text(&names.given_name),
                family_name: text(&names.family_name),
                name: text(&names.name),
                groups: text(&names.groups),
            }
        });
        Some(Saml {
            source,
            attributes,
            idp_initiated: form.idp_initiated.as_ref().map(|on| *on.get_ref()),
        })
    }

    fn nothing_of_oidc(&mut self, form: &ConnectionForm) {
        let foreign = [
            ("issuer", &form.issuer),
            ("client_id", &form.client_id),
            ("client_secret_env", &form.client_secret_env),
            ("client_secret_file", &form.client_secret_file),
            ("groups_claim", &form.groups_claim),
            ("scopes", &form.scopes),
        ];
        for (key, value) in foreign {
            if let Some(value) = value {
                let place = self.place(start(value), &format!("organization.connection.{key}"));
                self.note(place, OIDC_ONLY);
            }
        }
    }

    /// One description of the provider, and one only.
    fn source(&mut self, form: &ConnectionForm) -> Option<Source> {
        let by_hand = form.entity_id.is_some() || form.sso_url.is_some() || form.certificates.is_some();
        match (&form.metadata_file, &form.metadata_url) {
            (Some(file), None) if !by_hand => {
                let place = self.place(start(file), "organization.connection.metadata_file");
                match self.outside.file(file.get_ref()) {
                    Ok(text) => Some(Source::Metadata(Said { value: text.0, place })),
                    Err(sentence) => self.fault(place, &sentence),
                }
            }
            (None, Some(url)) if !by_hand => {
                let said = self.said(url, "organization.connection.metadata_url");
                let is_address = url::Url::parse(&said.value).is_ok_and(|url| url.has_host());
                if !is_address {
                    return self.fault(said.place, "Write the address of the provider’s metadata.");
                }
                Some(Source::Address(said))
            }
            (None, None) if by_hand => self.by_hand(form),
            (None, None) => {
                let place = self.place(start(&form.protocol), "organization.connection.protocol");
                self.fault(place, MISSING)
            }
            (Some(file), _) => {
                let place = self.place(start(file), "organization.connection.metadata_file");
                self.fault(place, BESIDE)
            }
            (None, Some(url)) => {
                let place = self.place(start(url), "organization.connection.metadata_url");
                self.fault(place, BESIDE)
            }
        }
    }

    fn by_hand(&mut self, form: &ConnectionForm) -> Option<Source> {
        let entity_id = self.needed(form, form.entity_id.as_ref(), "entity_id");
        let sso_url = self.needed(form, form.sso_url.as_ref(), "sso_url");
        if let Some(said) = &sso_url
            && let Err(sentence) = check_sign_on_address(&said.value)
        {
            self.note(said.place.clone(), &sentence);
        }
        let Some(texts) = &form.certificates else {
            let place = self.place(start(&form.slug), "organization.connection.certificates");
            return self.fault(
                place,
                "Name the provider’s signing certificates: files, PEM or Base64.",
            );
        };
        let mut certificates = Vec::new();
        for text in texts.get_ref() {
            let place = self.place(start(text), "organization.connection.certificates");
            match self.certificates_of(text.get_ref()) {
                Ok(found) => certificates.extend(found),
                Err(sentence) => self.note(place, &sentence),
            }
        }
        if texts.get_ref().is_empty() {
            let place = self.place(start(texts), "organization.connection.certificates");
            return self.fault(place, "Name at least one certificate.");
        }
        Some(Source::ByHand {
            entity_id: entity_id?,
            sso_url: sso_url?,
            certificates,
        })
    }

    /// A certificate as it stands, or the name of a file that holds some.
    fn certificates_of(&self, text: &str) -> Result<Vec<Certificate>, String> {
        let is_itself = text.contains("-----") || text.len() > 300;
        if is_itself {
            return Certificate::read_all(text);
        }
        Certificate::read_all(&self.outside.file(text)?.0)
    }
}
