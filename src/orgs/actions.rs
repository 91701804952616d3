//! Making organizations and changing their settings.

use serde_json::json;

use super::model::check_slug;
use super::{Organization, Settings, queries};
use crate::audit::{self, Actor, Event, Subject};
use crate::session;
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::web::Problem;

/// Makes an organization.
///
/// # Errors
/// `Invalid` with a sentence where slug or settings are wrong; `Conflict` where the slug is taken.
pub fn create(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    slug: &str,
    settings: Settings,
) -> Result<Organization, Problem> {
    check_slug(slug).map_err(Problem::Invalid)?;
    if let Some((_, sentence)) = settings.check().all().first() {
        return Err(Problem::Invalid(sentence.clone()));
    }
    if queries::find_by_slug(conn, slug)?.is_some() {
        return Err(Problem::Conflict(format!(
            "There is an organization “{slug}” already. Choose another short name."
        )));
    }
    let organization = Organization {
        id: id::new_id(),
        slug: slug.to_owned(),
        is_on: true,
        version: 1,
        settings,
    };
    queries::insert(conn, now, &organization)?;
    let event = Event {
        organization: Some(&organization.id),
        action: "organization.created",
        subject: Subject {
            kind: "organization",
            id: &organization.id,
            name: &organization.settings.name,
        },
        after: Some(json!(organization.settings)),
        ..Event::default()
    };
    audit::record(conn, now, actor, &event)?;
    Ok(organization)
}

/// Changes the settings that were shown as `version`.
///
/// # Errors
/// `Invalid` where they are wrong, `Conflict` where somebody else changed them meanwhile.
pub fn change(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    before: &Organization,
    settings: &Settings,
    version: i64,
) -> Result<(), Problem> {
    if let Some((_, sentence)) = settings.check().all().first() {
        return Err(Problem::Invalid(sentence.clone()));
    }
    if before.settings == *settings {
        return Ok(());
    }
    if queries::update(conn, &before.id, settings, version)? == 0 {
        return Err(Problem::Conflict(
            "Somebody else changed the settings meanwhile. Go back, reload the page and try again."
                .to_owned(),
        ));
    }
    let event = Event {
        organization: Some(&before.id),
        action: "organization.changed",
        subject: Subject {
            kind: "organization",
            id: &before.id,
            name: &settings.name,
        },
        before: Some(json!(before.settings)),
        after: Some(json!(settings)),
    };
    Ok(audit::record(conn, now, actor, &event)?)
}

/// Lets nobody into the organization any more, or people again. Who is in is out at once; nothing else is lost.
///
/// # Errors
/// `Conflict` where somebody else changed it meanwhile.
pub fn turn(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    (before, on): (&Organization, bool),
    keep: &str,
) -> Result<(), Problem> {
    if before.is_on == on {
        return Ok(());
    }
    if queries::turn(conn, &before.id, on, before.version)? == 0 {
        return Err(Problem::Conflict(
            "Somebody else changed this organization meanwhile. Go back, reload the page and try again."
                .to_owned(),
        ));
    }
    let ended = if on {
        0
    } else {
        session::end_everybody_in_organization(conn, &before.id, keep)?
    };
    let event = Event {
        organization: Some(&before.id),
        action: if on {
            "organization.turned_on"
        } else {
            "organization.turned_off"
        },
        subject: Subject {
            kind: "organization",
            id: &before.id,
            name: &before.settings.name,
        },
        before: Some(json!({"is_on": before.is_on, "sessions": ended})),
        after: Some(json!({"is_on": on, "sessions": 0})),
    };
    Ok(audit::record(conn, now, actor, &event)?)
}

/// Ends every session by which anybody can act in the organization, but `keep`. Answers how many those were.
///
/// # Errors
/// When the database refuses.
pub fn sign_everybody_out(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    (organization, name): (&str, &str),
    keep: &str,
) -> Result<usize, Problem> {
    let ended = session::end_everybody_in_organization(conn, organization, keep)?;
    let event = Event {
        organization: Some(organization),
        action: "organization.signed_out",
        subject: Subject {
            kind: "organization",
            id: organization,
            name,
        },
        before: Some(json!({"sessions": ended})),
        after: Some(json!({"sessions": 0})),
    };
    audit::record(conn, now, actor, &event)?;
    Ok(ended)
}
