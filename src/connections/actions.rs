//! What is done to connections. Each verb takes the connection as it was read in the same transaction,
//! refuses when somebody else changed it meanwhile, and answers it as it is now.

use serde_json::{Value, json};

use super::model::{Connection, Settings, State, secret_place};
use super::{queries, testing, versions};
use crate::access::Role;
use crate::audit::{self, Actor, ActorKind, Event, Subject};
use crate::domains;
use crate::store::sealed::Sealer;
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::Problem;

/// Why a connection can't be turned off.
pub(super) const LAST_WAY_IN: &str = "No owner could sign in afterwards. Let an owner set a password, or \
     sign in by another connection first.";

/// Makes an OIDC connection: a draft, with just-in-time provisioning on and SCIM off.
///
/// # Errors
/// `Conflict` when the slug is taken, `Invalid` when the team or the role can't be given.
pub fn create(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    sealer: &Sealer,
    organization: &str,
    settings: &Settings,
) -> Result<Connection, Problem> {
    let id = id::new_id();
    check(conn, organization, &id, settings)?;
    let secret = seal(sealer, &id, settings.client_secret.as_deref().unwrap_or_default())?;
    queries::insert(conn, now, &id, organization, settings, &secret)?;
    let made = queries::find(conn, &id)?.ok_or(Problem::NotFound)?;
    record(
        conn,
        now,
        actor,
        &made,
        "connection.created",
        None,
        settings.told(),
    )?;
    Ok(made)
}

/// Changes what was typed about a connection. Nothing is written when nothing differs.
///
/// # Errors
/// As [`create`]; and `Conflict` when the connection changed meanwhile, or when another server would get
/// the old client secret.
pub fn change(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    sealer: &Sealer,
    known: &Connection,
    settings: &Settings,
) -> Result<Connection, Problem> {
    let before = Settings::from(known);
    if before == *settings {
        return Ok(known.clone());
    }
    check(conn, &known.organization, &known.id, settings)?;
    let secret = secret_after(sealer, known, settings)?;
    unless_stale(queries::update(conn, known, settings, &secret)?)?;
    let mut after = settings.told();
    if let (Some(_), Value::Object(fields)) = (&settings.client_secret, &mut after) {
        fields.insert("client_secret".to_owned(), json!("changed"));
    }
    record(
        conn,
        now,
        actor,
        known,
        "connection.changed",
        Some(before.told()),
        after,
    )?;
    reread(conn, known)
}

/// The sealed secret after these settings were typed.
pub(super) fn secret_after(
    sealer: &Sealer,
    known: &Connection,
    settings: &Settings,
) -> Result<String, Problem> {
    if would_send_the_secret_elsewhere(known, settings) {
        return Err(Problem::Conflict(
            "The issuer differs. Type its client secret too: the old secret is never sent to another server."
                .to_owned(),
        ));
    }
    match &settings.client_secret {
        None => Ok(known.client_secret_sealed.clone()),
        Some(typed) => seal(sealer, &known.id, typed),
    }
}

/// Whether the secret of one provider would be shown to another.
pub(super) fn would_send_the_secret_elsewhere(known: &Connection, settings: &Settings) -> bool {
    settings.issuer != known.issuer
        && settings.client_secret.is_none()
        && !known.client_secret_sealed.is_empty()
}

/// Lets people sign in by the connection, or stops it.
///
/// # Errors
/// `Conflict` when the connection changed meanwhile, when it is SAML and lacks something of its provider, or
/// when it is the only way in of every owner. (On the command line that stops nobody: it can make another
/// owner.)
pub fn set_state(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    state: State,
) -> Result<Connection, Problem> {
    if known.state == state {
        return Ok(known.clone());
    }
    let is_person = actor.kind == ActorKind::Person;
    if known.is_on() && is_person && queries::with_another_way(conn, known, true)? == 0 {
        return Err(Problem::Conflict(LAST_WAY_IN.to_owned()));
    }
    if state == State::On
        && let Some(missing) = versions::live(conn, known)?.missing()
    {
        return Err(Problem::Conflict(format!("It can’t be turned on yet. {missing}")));
    }
    unless_stale(queries::set_state(conn, known, state)?)?;
    let (before, after) = (
        json!({"state": known.state.as_str()}),
        json!({"state": state.as_str()}),
    );
    record(
        conn,
        now,
        actor,
        known,
        "connection.state_changed",
        Some(before),
        after,
    )?;
    reread(conn, known)
}

/// Lets people sign in by the connection once its settings passed a test; or without one, if that is said.
///
/// # Errors
/// As [`set_state`]; and `Conflict` when it was not tested, and nobody said that it need not be.
pub fn turn_on(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    even_untested: bool,
) -> Result<Connection, Problem> {
    let done = set_state(conn, now, actor, known, State::On)?;
    if testing::live_passed(conn, known)? {
        return Ok(done);
    }
    if !even_untested {
        return Err(Problem::Conflict(
            "Its settings have not passed a test. Test them first, or say that it is to be turned on without."
                .to_owned(),
        ));
    }
    let after = json!({"test": "none passed"});
    record(
        conn,
        now,
        actor,
        known,
        "connection.turned_on_untested",
        None,
        after,
    )?;
    Ok(done)
}

/// Confirms where the keys of the connection's provider are: sign-ins are believed by these from now on.
///
/// # Errors
/// `Conflict` when the connection changed meanwhile.
pub fn confirm_keys(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    jwks_uri: &str,
) -> Result<(), Problem> {
    unless_stale(queries::confirm_keys(conn, known, jwks_uri)?)?;
    let (before, after) = (
        json!({"keys": known.confirmed_jwks_uri}),
        json!({"keys": jwks_uri}),
    );
    record(
        conn,
        now,
        actor,
        known,
        "connection.keys_confirmed",
        Some(before),
        after,
    )?;
    Ok(())
}

/// Somebody was refused because the provider publishes its keys elsewhere than at `confirmed`: owners are told, unless
/// somebody has confirmed another address since.
///
/// # Errors
/// When the database refuses.
pub fn keys_moved(
    conn: &mut Conn,
    now: Timestamp,
    known: &Connection,
    confirmed: &str,
) -> crate::store::Result<()> {
    if known.keys_moved_at.is_none() {
        queries::keys_moved(conn, &known.id, confirmed, now)?;
    }
    Ok(())
}

/// A genuine sign-in found the provider's keys there. The first one says where they have to stay.
///
/// # Errors
/// When the database refuses.
pub fn saw_keys(conn: &mut Conn, known: &Connection, jwks_uri: &str) -> crate::store::Result<()> {
    if known.confirmed_jwks_uri.is_empty() && !jwks_uri.is_empty() {
        queries::first_saw_keys(conn, known, jwks_uri)?;
    }
    if known.keys_moved_at.is_some() && known.confirmed_jwks_uri == jwks_uri {
        queries::keys_came_back(conn, &known.id)?;
    }
    Ok(())
}

/// Deletes a draft by which nobody ever came, with its sealed secret, its keys, tests and links.
///
/// # Errors
/// `Conflict` when it was in use, or changed meanwhile.
pub fn delete(conn: &mut Conn, now: Timestamp, actor: &Actor, known: &Connection) -> Result<(), Problem> {
    let uses = queries::uses(conn, known)?;
    if let Some(reason) = known.why_kept(uses) {
        return Err(Problem::Conflict(reason.to_owned()));
    }
    unless_stale(queries::delete(conn, known)?)?;
    let before = Settings::from(known).told();
    record(
        conn,
        now,
        actor,
        known,
        "connection.deleted",
        Some(before),
        Value::Null,
    )?;
    Ok(())
}

/// Turns just-in-time provisioning on or off.
///
/// # Errors
/// `Conflict` when the connection changed meanwhile.
pub fn set_jit(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    on: bool,
) -> Result<Connection, Problem> {
    if known.jit == on {
        return Ok(known.clone());
    }
    unless_stale(queries::set_jit(conn, now, known, on, &actor.name)?)?;
    let (before, after) = (json!({"jit": known.jit}), json!({"jit": on}));
    record(
        conn,
        now,
        actor,
        known,
        "connection.jit_changed",
        Some(before),
        after,
    )?;
    reread(conn, known)
}

/// Turns SCIM provisioning on or off. Changes nobody.
///
/// # Errors
/// `Conflict` when the connection changed meanwhile.
pub fn set_scim(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    on: bool,
) -> Result<Connection, Problem> {
    if known.scim == on {
        return Ok(known.clone());
    }
    unless_stale(queries::set_scim(conn, known, on)?)?;
    let (before, after) = (json!({"scim": known.scim}), json!({"scim": on}));
    record(
        conn,
        now,
        actor,
        known,
        "connection.scim_changed",
        Some(before),
        after,
    )?;
    reread(conn, known)
}

/// Says which role and team somebody gets who becomes a member by just-in-time provisioning.
///
/// # Errors
/// `Invalid` when the team is gone or the role can't be given, `Conflict` when the connection changed meanwhile.
pub fn set_newcomers(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    (role, team): (Role, Option<String>),
) -> Result<Connection, Problem> {
    let before = Settings::from(known);
    let after = Settings {
        default_role: role,
        default_team: team,
        ..before.clone()
    };
    if after == before {
        return Ok(known.clone());
    }
    check(conn, &known.organization, &known.id, &after)?;
    unless_stale(queries::set_newcomers(
        conn,
        known,
        role,
        after.default_team.as_deref(),
    )?)?;
    let told = Some(before.told());
    record(conn, now, actor, known, "connection.changed", told, after.told())?;
    reread(conn, known)
}

/// Says whether people of the connection's domains have to come by it, or may use a password.
///
/// # Errors
/// `Conflict` when the connection changed meanwhile.
pub fn set_enforce(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    known: &Connection,
    on: bool,
) -> Result<Connection, Problem> {
    if known.enforce == on {
        return Ok(known.clone());
    }
    unless_stale(queries::set_enforce(conn, known, on)?)?;
    let (before, after) = (json!({"enforce": known.enforce}), json!({"enforce": on}));
    record(
        conn,
        now,
        actor,
        known,
        "connection.enforce_changed",
        Some(before),
        after,
    )?;
    reread(conn, known)
}

/// Attaches one of the organization's domains, verified or not. Answers whether that is new.
///
/// # Errors
/// `NotFound` when the organization has no such domain.
pub fn attach_domain(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    domain: &str,
) -> Result<bool, Problem> {
    let domain = domains::find(conn, &connection.organization, domain)?.ok_or(Problem::NotFound)?;
    if queries::is_attached(conn, &connection.id, &domain.id)? {
        return Ok(false);
    }
    queries::attach(conn, &connection.id, &domain.id)?;
    let after = json!({"domain": domain.name});
    record(
        conn,
        now,
        actor,
        connection,
        "connection.domain_attached",
        None,
        after,
    )?;
    Ok(true)
}

/// Makes these (ids of the organization's domains) the attached ones, and no others.
///
/// # Errors
/// `NotFound` when the organization has no such domain, `Conflict` when the connection changed meanwhile.
pub fn set_domains(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    wanted: &[String],
) -> Result<Connection, Problem> {
    let mut differs = false;
    for (id, name) in queries::attached(conn, &connection.id)? {
        if !wanted.contains(&id) {
            queries::detach(conn, &connection.id, &id)?;
            let before = json!({"domain": name});
            record(
                conn,
                now,
                actor,
                connection,
                "connection.domain_detached",
                Some(before),
                Value::Null,
            )?;
            differs = true;
        }
    }
    for domain in wanted {
        differs |= attach_domain(conn, now, actor, connection, domain)?;
    }
    if differs {
        unless_stale(queries::touch(conn, connection)?)?;
    }
    reread(conn, connection)
}

pub(super) fn check(
    conn: &mut Conn,
    organization: &str,
    id: &str,
    settings: &Settings,
) -> Result<(), Problem> {
    if settings.default_role == Role::Owner {
        return Err(Problem::Invalid(
            "No connection makes owners. Choose member or admin.".to_owned(),
        ));
    }
    if queries::slug_is_taken(conn, organization, &settings.slug, id)? {
        return Err(Problem::Conflict(format!(
            "Another connection is called “{}” in its address. Choose another.",
            settings.slug
        )));
    }
    match &settings.default_team {
        Some(team) if !queries::has_team(conn, organization, team)? => Err(Problem::Invalid(
            "The default team is gone. Choose another.".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn seal(sealer: &Sealer, id: &str, secret: &str) -> Result<String, Problem> {
    if secret.is_empty() {
        return Ok(String::new());
    }
    sealer.seal(&secret_place(id), secret).map_err(Problem::internal)
}

pub(super) fn unless_stale(rows: usize) -> Result<(), Problem> {
    if rows == 1 {
        return Ok(());
    }
    Err(Problem::Conflict(
        "Somebody else changed this connection meanwhile. Open it again and see what is left to do."
            .to_owned(),
    ))
}

/// Counts the version up, unless somebody else did so first.
pub(super) fn touch(conn: &mut Conn, known: &Connection) -> Result<(), Problem> {
    unless_stale(queries::touch(conn, known)?)
}

pub(super) fn reread(conn: &mut Conn, known: &Connection) -> Result<Connection, Problem> {
    queries::find(conn, &known.id)?.ok_or(Problem::NotFound)
}

pub(super) fn record(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    action: &str,
    before: Option<Value>,
    after: Value,
) -> crate::store::Result<()> {
    let event = Event {
        organization: Some(&connection.organization),
        action,
        subject: Subject {
            kind: "connection",
            id: &connection.id,
            name: &connection.name,
        },
        before,
        after: Some(after).filter(|after| !after.is_null()),
    };
    audit::record(conn, now, actor, &event)
}
