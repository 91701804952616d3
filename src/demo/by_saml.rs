//! The demo's second connection: the same provider by SAML, set up from its metadata.

use super::provider::{Application, Provider};
use crate::audit::Actor;
use crate::connections::saml::{self as settings, Proposal, SamlSettings, actions};
use crate::connections::{self, Connection, Settings, State};
use crate::saml::{ProviderMetadata, SpKey, read_provider_metadata};
use crate::store::Conn;
use crate::web::{Problem, Site};
use crate::{domains, orgs};

/// Connects Acme to the provider, and the provider to Acme.
pub fn connect(site: &Site, provider: &Provider) -> Result<(), String> {
    let xml = provider.metadata().map_err(|error| error.to_string())?;
    let told = read_provider_metadata(&xml, None, site.now())?;
    let key = SpKey::generate("vestibule", site.now())?;
    let made = site
        .store
        .write(|conn| make(conn, site, told, &key))
        .map_err(|problem| problem.to_string())?;
    provider.register_by_saml(Application {
        entity_id: settings::entity_id(site, &made.id),
        acs_url: settings::acs_url(site, &made.id),
    });
    Ok(())
}

/// As an owner would by the pages: from the metadata, with the domain, on; just-in-time provisioning is off.
fn make(conn: &mut Conn, site: &Site, told: ProviderMetadata, key: &SpKey) -> Result<Connection, Problem> {
    let (now, actor) = (site.now(), Actor::operator());
    let acme = orgs::find_by_slug(conn, "acme")?.ok_or(Problem::NotFound)?;
    let domain = domains::find_by_name(conn, &acme.id, "acme.example")?.ok_or(Problem::NotFound)?;
    let told = Proposal::from(told);
    let wanted = actions::Wanted {
        settings: &Settings {
            name: "Acme SAML".to_owned(),
            slug: "acme-saml".to_owned(),
            ..Settings::default()
        },
        saml: &told.applied_to(&SamlSettings::default()),
        certificates: &told.certificates,
    };
    let made = actions::create(conn, now, &actor, &site.sealer, &acme.id, &wanted, key)?;
    connections::actions::attach_domain(conn, now, &actor, &made, &domain.id)?;
    let made = connections::actions::set_jit(conn, now, &actor, &made, false)?;
    connections::actions::set_state(conn, now, &actor, &made, State::On)
}
