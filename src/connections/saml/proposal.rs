//! What the provider's metadata says otherwise than the settings do. It waits until somebody confirms it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::SamlSettings;
use super::model::{binding_of, binding_word};
use crate::saml::{Binding, Certificate, ProviderMetadata};
use crate::store::{id, time};

/// What confirming would set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The provider's entity id.
    pub entity_id: String,
    /// Its sign-on address.
    pub sso_url: String,
    /// How requests go there.
    pub binding: Binding,
    /// Its certificates: these and no others.
    pub certificates: Vec<Certificate>,
    /// Whether it wants signed requests.
    pub wants_signed_requests: bool,
}

/// One thing that would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub what: &'static str,
    /// As it is now; empty where it is not.
    pub before: String,
    /// As it would be; empty where it would be no more.
    pub after: String,
}

impl From<ProviderMetadata> for Proposal {
    fn from(told: ProviderMetadata) -> Self {
        Self {
            entity_id: told.entity_id,
            sso_url: told.sso_url,
            binding: told.sso_binding,
            certificates: told.certificates,
            wants_signed_requests: told.wants_signed_requests,
        }
    }
}

impl Proposal {
    /// As the database keeps it.
    pub(super) fn written(&self) -> String {
        let certificates: Vec<String> = self.certificates.iter().map(Certificate::base64).collect();
        json!({
            "entity_id": self.entity_id, "sso_url": self.sso_url, "sso_binding": binding_word(self.binding),
            "certificates": certificates, "wants_signed_requests": self.wants_signed_requests,
        })
        .to_string()
    }

    /// What tells this proposal from another one.
    pub fn print(&self) -> String {
        id::hash_token(&self.written())
    }

    /// Reads it back; none where there is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let kept: Value = serde_json::from_str(text).ok()?;
        let word = |name: &str| kept.get(name).and_then(Value::as_str).map(str::to_owned);
        let certificates = kept.get("certificates")?.as_array()?.iter();
        let certificates = certificates.filter_map(|one| {
            let der = STANDARD.decode(one.as_str()?).ok()?;
            Certificate::from_der(der).ok()
        });
        Some(Self {
            entity_id: word("entity_id")?,
            sso_url: word("sso_url")?,
            binding: binding_of(&word("sso_binding")?),
            certificates: certificates.collect(),
            wants_signed_requests: kept.get("wants_signed_requests")?.as_bool()?,
        })
    }

    /// The settings after it was confirmed. Requests that are signed stay signed.
    pub fn applied_to(&self, settings: &SamlSettings) -> SamlSettings {
        SamlSettings {
            entity_id: self.entity_id.clone(),
            sso_url: self.sso_url.clone(),
            binding: self.binding,
            sign_requests: settings.sign_requests || self.wants_signed_requests,
            ..settings.clone()
        }
    }

    /// What confirming would change; nothing, if all is as it says.
    pub fn differences(&self, settings: &SamlSettings, certificates: &[Certificate]) -> Vec<Difference> {
        let after = self.applied_to(settings);
        let signed = |on: bool| if on { "signed" } else { "not signed" }.to_owned();
        let pairs = [
            ("Entity id", settings.entity_id.clone(), after.entity_id.clone()),
            ("Sign-on address", settings.sso_url.clone(), after.sso_url.clone()),
            (
                "Binding",
                binding_title(settings.binding).to_owned(),
                binding_title(after.binding).to_owned(),
            ),
            (
                "Requests",
                signed(settings.sign_requests),
                signed(after.sign_requests),
            ),
        ];
        let mut found: Vec<Difference> = pairs
            .into_iter()
            .filter(|(_, before, after)| before != after)
            .map(|(what, before, after)| Difference { what, before, after })
            .collect();
        found.extend(certificate_differences(certificates, &self.certificates));
        found
    }
}

/// Which certificates would be trusted no longer, and which newly.
pub fn certificate_differences(before: &[Certificate], after: &[Certificate]) -> Vec<Difference> {
    let gone = before.iter().filter(|one| !after.contains(one));
    let new = after.iter().filter(|one| !before.contains(one));
    let gone = gone.map(|one| Difference {
        what: "Certificate, no longer trusted",
        before: told(one),
        after: String::new(),
    });
    let new = new.map(|one| Difference {
        what: "Certificate, newly trusted",
        before: String::new(),
        after: told(one),
    });
    gone.chain(new).collect()
}

/// A binding as people know it.
pub fn binding_title(binding: Binding) -> &'static str {
    match binding {
        Binding::Redirect => "HTTP-Redirect",
        Binding::Post => "HTTP-POST",
    }
}

fn told(certificate: &Certificate) -> String {
    format!(
        "{}, until {}, SHA-256 {}",
        certificate.subject,
        time::date(certificate.not_after),
        certificate.fingerprint
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::SpKey;

    const NOW: i64 = 1_795_459_867_123;

    fn certificate() -> Certificate {
        Certificate::from_der(SpKey::generate("idp", NOW).unwrap().certificate).unwrap()
    }

    #[test]
    fn a_proposal_is_kept_and_tells_what_differs() {
        let (old, new) = (certificate(), certificate());
        let proposal = Proposal {
            entity_id: "idp".to_owned(),
            sso_url: "https://idp.example/sso".to_owned(),
            binding: Binding::Post,
            certificates: vec![new.clone()],
            wants_signed_requests: true,
        };
        assert_eq!(Proposal::parse(&proposal.written()), Some(proposal.clone()));
        assert_eq!(Proposal::parse(""), None);
        let settings = SamlSettings {
            entity_id: "idp".to_owned(),
            metadata_url: "https://idp.example/metadata".to_owned(),
            ..SamlSettings::default()
        };
        let whats: Vec<&str> = proposal
            .differences(&settings, std::slice::from_ref(&old))
            .iter()
            .map(|difference| difference.what)
            .collect();
        assert_eq!(
            whats,
            [
                "Sign-on address",
                "Binding",
                "Requests",
                "Certificate, no longer trusted",
                "Certificate, newly trusted"
            ]
        );
        let after = proposal.applied_to(&settings);
        assert_eq!(after.metadata_url, settings.metadata_url);
        assert_eq!(proposal.differences(&after, &[new]), []);
    }
}
