//! SQL of SAML settings, certificates and keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;

use super::model::{binding_of, binding_word};
use super::{Key, KeyState, MetadataState, Proposal, SamlSettings};
use crate::connections::{Connection, Protocol};
use crate::saml::{AttributeNames, Certificate};
use crate::store::schema::{connections, saml_certificates, saml_keys, saml_settings};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

#[derive(Queryable, Selectable)]
#[diesel(table_name = saml_settings)]
pub struct Row {
    entity_id: String,
    sso_url: String,
    sso_binding: String,
    sign_requests: bool,
    idp_initiated: bool,
    allow_cbc: bool,
    email_attribute: String,
    given_attribute: String,
    family_attribute: String,
    name_attribute: String,
    groups_attribute: String,
    metadata_url: String,
}

impl From<Row> for SamlSettings {
    fn from(row: Row) -> Self {
        Self {
            entity_id: row.entity_id,
            sso_url: row.sso_url,
            binding: binding_of(&row.sso_binding),
            sign_requests: row.sign_requests,
            idp_initiated: row.idp_initiated,
            allow_cbc: row.allow_cbc,
            attributes: AttributeNames {
                email: row.email_attribute,
                given_name: row.given_attribute,
                family_name: row.family_attribute,
                name: row.name_attribute,
                groups: row.groups_attribute,
            },
            metadata_url: row.metadata_url,
        }
    }
}

/// The settings of a SAML connection; none for an OIDC one.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, connection: &str) -> Result<Option<SamlSettings>> {
    let row: Option<Row> = saml_settings::table
        .find(connection)
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(SamlSettings::from))
}

/// The provider's signing certificates, the one that lasts longest first.
///
/// # Errors
/// When the database refuses.
pub fn certificates(conn: &mut Conn, connection: &str) -> Result<Vec<Certificate>> {
    let rows: Vec<String> = saml_certificates::table
        .filter(saml_certificates::connection_id.eq(connection))
        .order((
            saml_certificates::not_after.desc(),
            saml_certificates::fingerprint,
        ))
        .select(saml_certificates::der)
        .load(conn)?;
    // Only certificates that were read are written.
    let read = |text: &String| Certificate::from_der(STANDARD.decode(text).ok()?).ok();
    Ok(rows.iter().filter_map(read).collect())
}

/// The connection's own keys, oldest first.
///
/// # Errors
/// When the database refuses.
pub fn keys(conn: &mut Conn, connection: &str) -> Result<Vec<Key>> {
    type Row = (String, String, String, String, i64, i64);
    let rows: Vec<Row> = saml_keys::table
        .filter(saml_keys::connection_id.eq(connection))
        .order(saml_keys::id)
        .select((
            saml_keys::id,
            saml_keys::state,
            saml_keys::key_sealed,
            saml_keys::certificate,
            saml_keys::not_after,
            saml_keys::created_at,
        ))
        .load(conn)?;
    let key = |(id, state, sealed, certificate, not_after, created_at): Row| Key {
        id,
        state: KeyState::parse(&state),
        sealed,
        certificate,
        not_after,
        created_at,
    };
    Ok(rows.into_iter().map(key).collect())
}

/// What was written of the last look at the metadata: when, what was wrong, what it says otherwise.
pub type StateRow = (Option<i64>, String, String);

/// The state that was written so.
pub fn state_of((at, fault, proposal): StateRow) -> MetadataState {
    MetadataState {
        at,
        fault,
        proposal: Proposal::parse(&proposal),
    }
}

/// How the last look at the provider's metadata ended.
///
/// # Errors
/// When the database refuses.
pub fn metadata_state(conn: &mut Conn, connection: &str) -> Result<MetadataState> {
    let row: Option<StateRow> = saml_settings::table
        .find(connection)
        .select((
            saml_settings::metadata_at,
            saml_settings::metadata_fault,
            saml_settings::metadata_proposal,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(state_of).unwrap_or_default())
}

/// When the last certificate of each of the organization's connections ends: connection id and moment.
///
/// # Errors
/// When the database refuses.
pub fn last_expiries(conn: &mut Conn, organization: &str) -> Result<Vec<(String, Timestamp)>> {
    let rows: Vec<(String, i64)> = saml_certificates::table
        .inner_join(connections::table)
        .filter(connections::organization_id.eq(organization))
        .order(saml_certificates::not_after.desc())
        .select((saml_certificates::connection_id, saml_certificates::not_after))
        .load(conn)?;
    let mut last: Vec<(String, Timestamp)> = Vec::new();
    for (connection, not_after) in rows {
        if !last.iter().any(|(known, _)| *known == connection) {
            last.push((connection, not_after));
        }
    }
    Ok(last)
}

/// Connections whose provider publishes its metadata and that were not looked at since then.
pub fn stale(conn: &mut Conn, before: Timestamp) -> Result<Vec<(String, String)>> {
    saml_settings::table
        .inner_join(connections::table)
        .filter(connections::protocol.eq(Protocol::Saml.as_str()))
        .filter(saml_settings::metadata_url.ne(""))
        .filter(
            saml_settings::metadata_at
                .is_null()
                .or(saml_settings::metadata_at.lt(before)),
        )
        .order(saml_settings::connection_id)
        .limit(100)
        .select((connections::id, connections::organization_id))
        .load(conn)
}

pub fn insert(conn: &mut Conn, connection: &str, settings: &SamlSettings) -> Result<()> {
    diesel::insert_into(saml_settings::table)
        .values((
            saml_settings::connection_id.eq(connection),
            saml_settings::entity_id.eq(&settings.entity_id),
            saml_settings::sso_url.eq(&settings.sso_url),
        ))
        .execute(conn)?;
    update(conn, connection, settings)
}

pub fn update(conn: &mut Conn, connection: &str, settings: &SamlSettings) -> Result<()> {
    diesel::update(saml_settings::table.find(connection))
        .set((
            saml_settings::entity_id.eq(&settings.entity_id),
            saml_settings::sso_url.eq(&settings.sso_url),
            saml_settings::sso_binding.eq(binding_word(settings.binding)),
            saml_settings::sign_requests.eq(settings.sign_requests),
            saml_settings::idp_initiated.eq(settings.idp_initiated),
            saml_settings::allow_cbc.eq(settings.allow_cbc),
            saml_settings::email_attribute.eq(&settings.attributes.email),
            saml_settings::given_attribute.eq(&settings.attributes.given_name),
            saml_settings::family_attribute.eq(&settings.attributes.family_name),
            saml_settings::name_attribute.eq(&settings.attributes.name),
            saml_settings::groups_attribute.eq(&settings.attributes.groups),
            saml_settings::metadata_url.eq(&settings.metadata_url),
        ))
        .execute(conn)
        .map(drop)
}

/// Makes these the certificates, and no others. One that stays keeps the time when it was added.
pub fn set_certificates(
    conn: &mut Conn,
    now: Timestamp,
    connection: &str,
    wanted: &[Certificate],
) -> Result<()> {
    let prints: Vec<&str> = wanted.iter().map(|one| one.fingerprint.as_str()).collect();
    let own = saml_certificates::table.filter(saml_certificates::connection_id.eq(connection));
    diesel::delete(own.filter(saml_certificates::fingerprint.ne_all(prints))).execute(conn)?;
    let mut known: Vec<String> = own.select(saml_certificates::fingerprint).load(conn)?;
    for one in wanted {
        if known.contains(&one.fingerprint) {
            continue;
        }
        known.push(one.fingerprint.clone());
        diesel::insert_into(saml_certificates::table)
            .values((
                saml_certificates::connection_id.eq(connection),
                saml_certificates::fingerprint.eq(&one.fingerprint),
                saml_certificates::der.eq(one.base64()),
                saml_certificates::subject.eq(&one.subject),
                saml_certificates::not_before.eq(one.not_before),
                saml_certificates::not_after.eq(one.not_after),
                saml_certificates::added_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Makes these what is known of the provider.
pub fn replace(
    conn: &mut Conn,
    now: Timestamp,
    connection: &str,
    settings: &SamlSettings,
    certificates: &[Certificate],
) -> Result<()> {
    update(conn, connection, settings)?;
    set_certificates(conn, now, connection, certificates)
}

pub fn set_metadata_state(conn: &mut Conn, connection: &str, state: &MetadataState) -> Result<()> {
    let proposal = state.proposal.as_ref().map(Proposal::written).unwrap_or_default();
    diesel::update(saml_settings::table.find(connection))
        .set((
            saml_settings::metadata_at.eq(state.at),
            saml_settings::metadata_fault.eq(&state.fault),
            saml_settings::metadata_proposal.eq(proposal),
        ))
        .execute(conn)
        .map(drop)
}

pub fn insert_key(conn: &mut Conn, connection: &str, key: &Key) -> Result<()> {
    diesel::insert_into(saml_keys::table)
        .values((
            saml_keys::id.eq(&key.id),
            saml_keys::connection_id.eq(connection),
            saml_keys::state.eq(key.state.as_str()),
            saml_keys::key_sealed.eq(&key.sealed),
            saml_keys::certificate.eq(&key.certificate),
            saml_keys::not_after.eq(key.not_after),
            saml_keys::created_at.eq(key.created_at),
        ))
        .execute(conn)
        .map(drop)
}

pub fn set_key_state(conn: &mut Conn, key: &str, state: KeyState) -> Result<()> {
    diesel::update(saml_keys::table.find(key))
        .set(saml_keys::state.eq(state.as_str()))
        .execute(conn)
        .map(drop)
}

pub fn delete_key(conn: &mut Conn, key: &str) -> Result<()> {
    diesel::delete(saml_keys::table.find(key)).execute(conn).map(drop)
}

/// Makes the row of a SAML connection.
pub fn insert_connection(
    conn: &mut Conn,
    now: Timestamp,
    id: &str,
    organization: &str,
    settings: &crate::connections::Settings,
) -> Result<()> {
    diesel::insert_into(connections::table)
        .values((
            connections::id.eq(id),
            connections::organization_id.eq(organization),
            connections::slug.eq(&settings.slug),
            connections::name.eq(&settings.name),
            connections::protocol.eq(Protocol::Saml.as_str()),
            connections::default_role.eq(settings.default_role.as_str()),
            connections::default_team_id.eq(&settings.default_team),
            connections::scopes.eq(""),
            connections::groups_claim.eq(""),
            connections::created_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

/// Changes the row of a SAML connection, and touches nothing when somebody else did so first.
pub fn update_connection(
    conn: &mut Conn,
    known: &Connection,
    settings: &crate::connections::Settings,
) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::slug.eq(&settings.slug),
        connections::name.eq(&settings.name),
        connections::default_role.eq(settings.default_role.as_str()),
        connections::default_team_id.eq(&settings.default_team),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)
}
