//! SQL of the settings that are kept beside the live ones, and of the live ones as a whole.

use diesel::prelude::*;

use super::{Kind, Version};
use crate::connections::provider::{OidcSettings, ProviderSettings};
use crate::connections::queries::confirmed_for;
use crate::connections::{Connection, Protocol, saml};
use crate::store::schema::{connection_versions, connections};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// The provider's settings that hold now.
///
/// # Errors
/// When the database refuses.
pub fn live(conn: &mut Conn, connection: &Connection) -> Result<ProviderSettings> {
    Ok(match connection.protocol {
        Protocol::Oidc => ProviderSettings::Oidc(OidcSettings::from(connection)),
        Protocol::Saml => ProviderSettings::Saml(
            saml::find(conn, &connection.id)?.unwrap_or_default(),
            saml::certificates(conn, &connection.id)?,
        ),
    })
}

/// The settings that are kept beside them, if there are any.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, connection: &Connection, kind: Kind) -> Result<Option<Version>> {
    let row: Option<(String, String, i64, String)> = connection_versions::table
        .find((&connection.id, kind.as_str()))
        .select((
            connection_versions::settings_json,
            connection_versions::client_secret_sealed,
            connection_versions::at,
            connection_versions::by_name,
        ))
        .first(conn)
        .optional()?;
    Ok(row.and_then(|(text, secret, at, by)| {
        let provider = ProviderSettings::parse(connection.protocol, &text, secret)?;
        Some(Version { provider, at, by })
    }))
}

/// The provider's settings as whoever edits them sees them: the draft, else those that hold.
///
/// # Errors
/// When the database refuses.
pub fn prepared(conn: &mut Conn, connection: &Connection) -> Result<ProviderSettings> {
    match find(conn, connection, Kind::Draft)? {
        Some(draft) => Ok(draft.provider),
        None => live(conn, connection),
    }
}

/// Keeps settings in the place of those that were kept so.
pub fn keep(conn: &mut Conn, connection: &str, kind: Kind, version: &Version) -> Result<()> {
    drop_kept(conn, connection, kind)?;
    diesel::insert_into(connection_versions::table)
        .values((
            connection_versions::connection_id.eq(connection),
            connection_versions::kind.eq(kind.as_str()),
            connection_versions::settings_json.eq(version.provider.written()),
            connection_versions::client_secret_sealed.eq(version.provider.secret()),
            connection_versions::at.eq(version.at),
            connection_versions::by_name.eq(&version.by),
        ))
        .execute(conn)
        .map(drop)
}

/// Forgets what is kept so; answers how many that was.
pub fn drop_kept(conn: &mut Conn, connection: &str, kind: Kind) -> Result<usize> {
    diesel::delete(connection_versions::table.find((connection, kind.as_str()))).execute(conn)
}

/// Makes these the settings that hold. Counts the version up, and touches nothing when somebody else did so first.
pub fn replace(
    conn: &mut Conn,
    now: Timestamp,
    known: &Connection,
    provider: &ProviderSettings,
) -> Result<usize> {
    let after = provider.over(known);
    let rows = diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::issuer.eq(&after.issuer),
        connections::client_id.eq(&after.client_id),
        connections::client_secret_sealed.eq(&after.client_secret_sealed),
        connections::scopes.eq(&after.scopes),
        connections::groups_claim.eq(&after.groups_claim),
        connections::confirmed_jwks_uri.eq(confirmed_for(known, &after.issuer)),
        connections::keys_moved_at.eq(None::<Timestamp>),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)?;
    if let (1, ProviderSettings::Saml(settings, certificates)) = (rows, provider) {
        saml::replace(conn, now, &known.id, settings, certificates)?;
    }
    Ok(rows)
}
