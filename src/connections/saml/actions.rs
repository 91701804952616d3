//! What is done to SAML connections beside what is done to all.

use serde_json::{Value, json};

use super::keys::{KeyState, keep};
use super::{MetadataState, Proposal, SamlSettings, queries};
use crate::audit::Actor;
use crate::connections::actions::{check, record, reread, unless_stale};
use crate::connections::versions;
use crate::connections::{Connection, ProviderSettings, Settings};
use crate::saml::{Certificate, ProviderMetadata, SpKey, check_sign_on_address};
use crate::store::sealed::Sealer;
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::Problem;

/// The longest entity id (SAML Core §8.3.6), in characters.
const LONGEST: usize = 1_024;

/// All that is said about a SAML connection.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its name, address and newcomers. What belongs to OIDC is not read.
    pub settings: &'a Settings,
    /// The provider.
    pub saml: &'a SamlSettings,
    /// The provider's signing certificates: these and no others.
    pub certificates: &'a [Certificate],
}

/// Makes a SAML connection with its first key: a draft, with just-in-time provisioning on and SCIM off. What
/// is not known of the provider yet may be empty.
///
/// # Errors
/// `Conflict` when the slug is taken, `Invalid` when a setting can't be.
pub fn create(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    sealer: &Sealer,
    organization: &str,
    wanted: &Wanted<'_>,
    key: &SpKey,
) -> Result<Connection, Problem> {
    let id = id::new_id();
    check(conn, organization, &id, wanted.settings)?;
    check_saml(wanted.saml)?;
    queries::insert_connection(conn, now, &id, organization, wanted.settings)?;
    queries::insert(conn, &id, wanted.saml)?;
    queries::set_certificates(conn, now, &id, wanted.certificates)?;
    keep(conn, now, sealer, &id, KeyState::Current, key, lasts_until(key)?)?;
    let made = crate::connections::find(conn, &id)?.ok_or(Problem::NotFound)?;
    record(conn, now, actor, &made, "connection.created", None, told(wanted))?;
    Ok(made)
}

/// Changes what was typed about a SAML connection. Nothing is written when nothing differs.
///
/// # Errors
/// As [`create`]; and `Conflict` when the connection changed meanwhile, or is on and would lack something.
pub fn change(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    wanted: &Wanted<'_>,
) -> Result<Connection, Problem> {
    let saml = queries::find(conn, &known.id)?.ok_or(Problem::NotFound)?;
    let certificates = queries::certificates(conn, &known.id)?;
    let settings = Settings::from(known);
    let before = told(&Wanted {
        settings: &settings,
        saml: &saml,
        certificates: &certificates,
    });
    let after = told(wanted);
    if before == after {
        return Ok(known.clone());
    }
    check(conn, &known.organization, &known.id, wanted.settings)?;
    check_saml(wanted.saml)?;
    if known.is_on()
        && let Some(missing) = wanted.saml.missing(wanted.certificates)
    {
        return Err(Problem::Conflict(format!("This connection is on. {missing}")));
    }
    unless_stale(queries::update_connection(conn, known, wanted.settings)?)?;
    queries::update(conn, &known.id, wanted.saml)?;
    queries::set_certificates(conn, now, &known.id, wanted.certificates)?;
    record(conn, now, actor, known, "connection.changed", Some(before), after)?;
    reread(conn, known)
}

/// Does what the metadata says, which somebody has seen and confirmed: at once, or as a draft where people sign in by the
/// connection. Answers whether it is a draft.
///
/// # Errors
/// As [`change`]; `Conflict` when what waits is not what was `seen` (see [`Proposal::print`]), or is of
/// another provider.
pub fn confirm(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    seen: &str,
) -> Result<bool, Problem> {
    let state = queries::metadata_state(conn, &known.id)?;
    let Some(proposal) = state.proposal.clone().filter(|waits| waits.print() == seen) else {
        return Err(Problem::Conflict(
            "The metadata was read again meanwhile. See what it says now.".to_owned(),
        ));
    };
    let ProviderSettings::Saml(saml, _) = versions::prepared(conn, known)? else {
        return Err(Problem::NotFound);
    };
    let wanted = Wanted {
        settings: &Settings::from(known),
        saml: &proposal.applied_to(&saml),
        certificates: &proposal.certificates,
    };
    let (_, is_draft) = versions::actions::change_saml(conn, now, actor, known, &wanted)?;
    let settled = MetadataState {
        proposal: None,
        ..state
    };
    queries::set_metadata_state(conn, &known.id, &settled)?;
    Ok(is_draft)
}

/// Leaves the settings as they are. The next look at the metadata proposes the same again.
///
/// # Errors
/// When the database refuses.
pub fn dismiss(conn: &mut Conn, known: &Connection) -> Result<(), Problem> {
    let state = queries::metadata_state(conn, &known.id)?;
    let settled = MetadataState {
        proposal: None,
        ..state
    };
    Ok(queries::set_metadata_state(conn, &known.id, &settled)?)
}

/// Keeps what a look at the metadata found: a fault, a proposal, or that all is as it was. Answers whether
/// something waits to be confirmed.
///
/// # Errors
/// `NotFound` when it is no SAML connection; when the database refuses.
pub fn found(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    found: Result<ProviderMetadata, String>,
) -> Result<bool, Problem> {
    let saml = queries::find(conn, &known.id)?.ok_or(Problem::NotFound)?;
    let certificates = queries::certificates(conn, &known.id)?;
    let before = queries::metadata_state(conn, &known.id)?;
    let (fault, proposal) = match found {
        Err(fault) => (fault, before.proposal.clone()),
        Ok(told) => (String::new(), Some(Proposal::from(told))),
    };
    let differs = |waits: &Proposal| !waits.differences(&saml, &certificates).is_empty();
    let proposal = proposal.filter(differs);
    if let Some(new) = proposal
        .as_ref()
        .filter(|new| Some(*new) != before.proposal.as_ref())
    {
        let after: Vec<Value> = new
            .differences(&saml, &certificates)
            .iter()
            .map(|one| json!({"what": one.what, "before": one.before, "after": one.after}))
            .collect();
        let action = "connection.metadata_differs";
        record(
            conn,
            now,
            actor,
            known,
            action,
            None,
            json!({"differences": after}),
        )?;
    }
    let state = MetadataState {
        at: Some(now),
        fault,
        proposal,
    };
    queries::set_metadata_state(conn, &known.id, &state)?;
    Ok(state.proposal.is_some())
}

/// Until when the certificate of a key of ours says that it is good.
pub(super) fn lasts_until(key: &SpKey) -> Result<Timestamp, Problem> {
    let certificate = Certificate::from_der(key.certificate.clone()).map_err(Problem::internal)?;
    Ok(certificate.not_after)
}

pub(in crate::connections) fn check_saml(saml: &SamlSettings) -> Result<(), Problem> {
    if saml.entity_id.chars().count() > LONGEST {
        return Err(Problem::Invalid(format!(
            "An entity id has at most {LONGEST} characters."
        )));
    }
    if saml.sso_url.is_empty() {
        return Ok(());
    }
    check_sign_on_address(&saml.sso_url)
        .map(drop)
        .map_err(Problem::Invalid)
}

fn told(wanted: &Wanted<'_>) -> Value {
    let mut all = wanted.saml.told(wanted.certificates);
    let settings = wanted.settings;
    if let Value::Object(fields) = &mut all {
        fields.insert("name".to_owned(), json!(settings.name));
        fields.insert("slug".to_owned(), json!(settings.slug));
        fields.insert("default_role".to_owned(), json!(settings.default_role));
        fields.insert("default_team".to_owned(), json!(settings.default_team));
        if let Some(Value::Array(prints)) = fields.get_mut("certificates") {
            prints.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            prints.dedup();
        }
    }
    all
}
