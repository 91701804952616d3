//! What is done with drafts. Each verb takes the connection as it was read in the same transaction, and counts its version
//! up, so that a form that was made before says so.

use serde_json::json;

use super::{Kind, Version, queries};
use crate::audit::Actor;
use crate::connections::actions::{self as verbs, record, reread, touch, unless_stale};
use crate::connections::provider::{OidcSettings, ProviderSettings};
use crate::connections::saml::{self, actions::Wanted};
use crate::connections::{Connection, Settings};
use crate::store::Conn;
use crate::store::sealed::Sealer;
use crate::store::time::Timestamp;
use crate::web::Problem;

/// What was shown is not what is there any longer.
const CHANGED: &str = "These settings were changed meanwhile. See what differs now.";

/// Changes what was typed about an OIDC connection. Where people sign in by it, or a draft waits, what concerns the provider
/// becomes the draft; the rest holds at once. Answers whether there is a draft now.
///
/// # Errors
/// As [`crate::connections::actions::change`].
pub fn change(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    sealer: &Sealer,
    known: &Connection,
    settings: &Settings,
) -> Result<(Connection, bool), Problem> {
    let draft = queries::find(conn, known, Kind::Draft)?;
    if !known.is_on() && draft.is_none() {
        return Ok((verbs::change(conn, now, actor, sealer, known, settings)?, false));
    }
    let base = draft.map_or_else(|| known.clone(), |draft| draft.provider.over(known));
    let secret = verbs::secret_after(sealer, &base, settings)?;
    let wanted = ProviderSettings::Oidc(OidcSettings::typed(settings, secret));
    let live = Settings::from(known);
    let rest = Settings {
        issuer: live.issuer,
        client_id: live.client_id,
        client_secret: None,
        scopes: live.scopes,
        groups_claim: live.groups_claim,
        ..settings.clone()
    };
    let changed = verbs::change(conn, now, actor, sealer, known, &rest)?;
    let is_draft = prepare(conn, now, actor, &changed, &wanted)?;
    Ok((reread(conn, &changed)?, is_draft))
}

/// The same for a SAML connection.
///
/// # Errors
/// As [`saml::actions::change`].
pub fn change_saml(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    wanted: &Wanted<'_>,
) -> Result<(Connection, bool), Problem> {
    if !known.is_on() && queries::find(conn, known, Kind::Draft)?.is_none() {
        return Ok((saml::actions::change(conn, now, actor, known, wanted)?, false));
    }
    saml::actions::check_saml(wanted.saml)?;
    let rest = Wanted {
        settings: wanted.settings,
        saml: &saml::find(conn, &known.id)?.ok_or(Problem::NotFound)?,
        certificates: &saml::certificates(conn, &known.id)?,
    };
    let changed = saml::actions::change(conn, now, actor, known, &rest)?;
    let provider = ProviderSettings::Saml(wanted.saml.clone(), wanted.certificates.to_vec());
    let is_draft = prepare(conn, now, actor, &changed, &provider)?;
    Ok((reread(conn, &changed)?, is_draft))
}

/// Keeps settings as the draft. Where they are the live ones there is nothing left to prepare: a draft that was there goes.
/// Answers whether there is one now.
///
/// # Errors
/// `Conflict` when the connection changed meanwhile.
pub fn prepare(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    wanted: &ProviderSettings,
) -> Result<bool, Problem> {
    let live = queries::live(conn, known)?;
    let before = queries::find(conn, known, Kind::Draft)?;
    if live.is_same(wanted) {
        if before.is_some() {
            discard(conn, now, actor, known)?;
        }
        return Ok(false);
    }
    if before.is_some_and(|draft| draft.provider.is_same(wanted)) {
        return Ok(true);
    }
    let draft = Version {
        provider: wanted.clone(),
        at: now,
        by: actor.name.clone(),
    };
    queries::keep(conn, &known.id, Kind::Draft, &draft)?;
    touch(conn, known)?;
    told(conn, now, actor, known, "connection.drafted", &live, wanted)?;
    Ok(true)
}

/// Throws the draft away.
///
/// # Errors
/// `Conflict` when there is none, or the connection changed meanwhile.
pub fn discard(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
) -> Result<Connection, Problem> {
    if queries::drop_kept(conn, &known.id, Kind::Draft)? == 0 {
        return Err(Problem::Conflict("There is no draft any longer.".to_owned()));
    }
    touch(conn, known)?;
    record(
        conn,
        now,
        actor,
        known,
        "connection.draft_discarded",
        None,
        json!({"draft": "discarded"}),
    )?;
    reread(conn, known)
}

/// Lets the draft hold, for the next sign-in, and keeps what held before. `seen` is the print of the draft that was shown.
///
/// # Errors
/// `Conflict` when the draft is another one by now, lacks something, or the connection changed meanwhile.
pub fn swap_in(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    seen: &str,
) -> Result<Connection, Problem> {
    let draft = queries::find(conn, known, Kind::Draft)?.filter(|draft| draft.provider.print() == seen);
    let draft = draft.ok_or_else(|| Problem::Conflict(CHANGED.to_owned()))?;
    if let Some(missing) = draft.provider.missing() {
        return Err(Problem::Conflict(format!(
            "It can’t be swapped in yet. {missing}"
        )));
    }
    queries::drop_kept(conn, &known.id, Kind::Draft)?;
    exchange(conn, now, actor, known, &draft.provider, "connection.swapped_in")
}

/// Lets what held before hold again, and keeps what held until now in its place.
///
/// # Errors
/// As [`swap_in`].
pub fn take_back(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    seen: &str,
) -> Result<Connection, Problem> {
    let before = queries::find(conn, known, Kind::Previous)?.filter(|one| one.provider.print() == seen);
    let before = before.ok_or_else(|| Problem::Conflict(CHANGED.to_owned()))?;
    exchange(conn, now, actor, known, &before.provider, "connection.taken_back")
}

fn exchange(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    wanted: &ProviderSettings,
    action: &str,
) -> Result<Connection, Problem> {
    let live = queries::live(conn, known)?;
    let previous = Version {
        provider: live.clone(),
        at: now,
        by: actor.name.clone(),
    };
    queries::keep(conn, &known.id, Kind::Previous, &previous)?;
    unless_stale(queries::replace(conn, now, known, wanted)?)?;
    told(conn, now, actor, known, action, &live, wanted)?;
    reread(conn, known)
}

fn told(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    action: &str,
    before: &ProviderSettings,
    after: &ProviderSettings,
) -> Result<(), Problem> {
    let mut tells = after.told();
    if let Some(fields) = tells
        .as_object_mut()
        .filter(|_| before.secret() != after.secret())
    {
        fields.insert("client_secret".to_owned(), json!("changed"));
    }
    Ok(record(
        conn,
        now,
        actor,
        known,
        action,
        Some(before.told()),
        tells,
    )?)
}
