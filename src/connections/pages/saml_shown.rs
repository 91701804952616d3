//! What the page of a connection shows of SAML.

use crate::connections::ProviderSettings;
use crate::connections::saml::expiry::Expiry;
use crate::connections::saml::{self, SamlSettings, binding_title};
use crate::saml::{AttributeNames, Certificate};
use crate::store::time::Timestamp;
use crate::web::Site;

use super::queries::Saml;

/// All of it.
pub(super) struct SamlShown {
    pub settings: SamlSettings,
    pub entity_id: String,
    pub acs_url: String,
    pub binding: &'static str,
    pub certificates: Vec<(Certificate, Expiry)>,
    /// Why it can't be turned on.
    pub missing: Option<&'static str>,
    /// What each configured name of an attribute is for, and the name.
    pub names: Vec<(&'static str, String)>,
    /// How many keys of ours there are.
    pub keys: i64,
    pub has_next: bool,
    /// When the metadata was last read; 0 where it never was.
    pub read_at: Timestamp,
    pub fault: String,
    /// How many things the metadata says otherwise.
    pub differences: usize,
}

impl SamlShown {
    /// What is kept of the connection with this id, as the page shows it.
    pub(super) fn of(site: &Site, id: &str, saml: Saml, certificates: Vec<Certificate>) -> Self {
        let Saml {
            settings,
            state,
            keys,
            has_next,
        } = saml;
        let differences = state
            .proposal
            .as_ref()
            .map(|waits| waits.differences(&settings, &certificates).len());
        let now = site.now();
        Self {
            entity_id: saml::entity_id(site, id),
            acs_url: saml::acs_url(site, id),
            binding: binding_title(settings.binding),
            missing: settings.missing(&certificates),
            names: names(&settings.attributes),
            keys,
            has_next,
            read_at: state.at.unwrap_or_default(),
            fault: state.fault,
            differences: differences.unwrap_or_default(),
            certificates: certificates
                .into_iter()
                .map(|one| {
                    let expiry = Expiry::of(one.not_after, now);
                    (one, expiry)
                })
                .collect(),
            settings,
        }
    }
}

impl SamlShown {
    /// The settings as they are tested.
    pub(super) fn provider(&self) -> ProviderSettings {
        let certificates = self.certificates.iter().map(|(one, _)| one.clone());
        ProviderSettings::Saml(self.settings.clone(), certificates.collect())
    }
}

fn names(names: &AttributeNames) -> Vec<(&'static str, String)> {
    [
        ("E-mail", &names.email),
        ("Given name", &names.given_name),
        ("Family name", &names.family_name),
        ("Whole name", &names.name),
        ("Groups", &names.groups),
    ]
    .into_iter()
    .filter(|(_, name)| !name.is_empty())
    .map(|(what, name)| (what, name.clone()))
    .collect()
}
