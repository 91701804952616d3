//! A SAML connection as the file describes it: its provider, and what of it differs.

use super::model::{Connection as Described, Fault, Said, Saml, Source};
use super::work::{At as _, Halt, Work};
use crate::connections::saml::actions::{self, Wanted};
use crate::connections::saml::{self, Proposal, SamlSettings, binding_title};
use crate::connections::{Connection, Settings};
use crate::orgs::Organization;
use crate::outbound::{Network, Outbound};
use crate::saml::{Certificate, ProviderMetadata, SpKey, read_provider_metadata};

/// Makes the connection or changes what differs. `settings` are those of any connection.
pub fn bring_about(
    work: &mut Work<'_>,
    organization: &Organization,
    said: &Described,
    described: &Saml,
    settings: &Settings,
    known: Option<Connection>,
) -> Result<Connection, Halt> {
    let now = state(work, known.as_ref())?;
    let (saml, certificates) = wanted(work, described, &now)?;
    let wanted = Wanted {
        settings,
        saml: &saml,
        certificates: &certificates,
    };
    let place = &said.slug.place;
    let Some(known) = known else {
        let key = SpKey::generate(work.site.config.public_url.authority(), work.now);
        let key = key.map_err(|error| Halt::Ours(crate::web::Problem::Internal(error)))?;
        let (conn, sealer) = (&mut *work.conn, &work.site.sealer);
        let made = actions::create(
            conn,
            work.now,
            &work.actor,
            sealer,
            &organization.id,
            &wanted,
            &key,
        )
        .at(place)?;
        work.did(&organization.slug, &format!("connection {} created", made.slug));
        return Ok(made);
    };
    let changed = actions::change(work.conn, work.now, &work.actor, &known, &wanted).at(place)?;
    for what in differences(&known, settings, &now, &wanted) {
        work.did(&organization.slug, &format!("connection {}: {what}", known.slug));
    }
    Ok(changed)
}

/// The provider as it is known.
type State = (SamlSettings, Vec<Certificate>);

fn state(work: &mut Work<'_>, known: Option<&Connection>) -> Result<State, Halt> {
    let Some(known) = known else {
        return Ok(State::default());
    };
    let settings = saml::find(work.conn, &known.id)?.unwrap_or_default();
    Ok((settings, saml::certificates(work.conn, &known.id)?))
}

/// What the file says; what it does not say stays as it is. Metadata at an address is fetched once: what it
/// says later waits for somebody's yes in the pages.
fn wanted(work: &Work<'_>, described: &Saml, now: &State) -> Result<State, Halt> {
    let (mut saml, certificates) = match &described.source {
        Source::Metadata(text) => {
            let told = read_provider_metadata(&text.value, None, work.now);
            from_metadata(told, text, now)?
        }
        Source::Address(url) if now.0.metadata_url == url.value && !now.0.entity_id.is_empty() => now.clone(),
        Source::Address(url) => {
            let (saml, certificates) = from_metadata(fetched(work, url), url, now)?;
            let metadata_url = url.value.clone();
            (SamlSettings { metadata_url, ..saml }, certificates)
        }
        Source::ByHand {
            entity_id,
            sso_url,
            certificates,
        } => {
            let saml = SamlSettings {
                entity_id: entity_id.value.clone(),
                sso_url: sso_url.value.clone(),
                ..now.0.clone()
            };
            (saml, certificates.clone())
        }
    };
    if let Some(names) = &described.attributes {
        saml.attributes = names.clone();
    }
    if let Some(on) = described.idp_initiated {
        saml.idp_initiated = on;
    }
    Ok((saml, certificates))
}

fn from_metadata(
    told: Result<ProviderMetadata, String>,
    said: &Said<String>,
    now: &State,
) -> Result<State, Halt> {
    let told = told.map_err(|sentence| {
        Halt::Fault(Fault {
            place: said.place.clone(),
            sentence,
        })
    })?;
    let proposal = Proposal::from(told);
    Ok((proposal.applied_to(&now.0), proposal.certificates))
}

/// On a thread of its own, because whoever applies a file may be a task already.
fn fetched(work: &Work<'_>, url: &Said<String>) -> Result<ProviderMetadata, String> {
    let (allow, address) = (work.site.config.outbound_allow.clone(), url.value.clone());
    let now = work.now;
    let fetching = std::thread::spawn(move || {
        let networks: Result<Vec<Network>, String> = allow
            .iter()
            .map(|text| text.parse::<Network>().map_err(|error| error.to_string()))
            .collect();
        let outbound = Outbound::new(networks?).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(saml::fetch(&outbound, &address, None, now))
    });
    fetching
        .join()
        .unwrap_or_else(|_| Err("The metadata could not be read.".to_owned()))
}

fn differences(known: &Connection, settings: &Settings, now: &State, wanted: &Wanted<'_>) -> Vec<String> {
    let (before, after) = (&now.0, wanted.saml);
    let yes = |on: bool| if on { "yes" } else { "no" };
    let pairs = [
        ("name", known.name.as_str(), settings.name.as_str()),
        ("entity id", &before.entity_id, &after.entity_id),
        ("sign-on address", &before.sso_url, &after.sso_url),
        (
            "binding",
            binding_title(before.binding),
            binding_title(after.binding),
        ),
        (
            "signed requests",
            yes(before.sign_requests),
            yes(after.sign_requests),
        ),
        (
            "start at the provider",
            yes(before.idp_initiated),
            yes(after.idp_initiated),
        ),
        ("metadata address", &before.metadata_url, &after.metadata_url),
        (
            "default role",
            known.default_role.as_str(),
            settings.default_role.as_str(),
        ),
    ];
    let mut lines: Vec<String> = pairs
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| format!("{what} changed from “{before}” to “{after}”"))
        .collect();
    let prints = |all: &[Certificate]| {
        let mut prints: Vec<String> = all.iter().map(|one| one.fingerprint.clone()).collect();
        prints.sort();
        prints.dedup();
        prints
    };
    if prints(&now.1) != prints(wanted.certificates) {
        lines.push("certificates changed".to_owned());
    }
    if before.attributes != after.attributes {
        lines.push("names of attributes changed".to_owned());
    }
    if known.default_team != settings.default_team {
        lines.push("default team changed".to_owned());
    }
    lines
}
