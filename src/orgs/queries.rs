//! SQL of organizations.

use diesel::prelude::*;

use super::{Organization, Settings};
use crate::store::schema::organizations;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

type Row = (
    String,
    String,
    String,
    i64,
    String,
    String,
    Option<i64>,
    i64,
    bool,
    i64,
    i64,
    bool,
    bool,
);

type Columns = (
    organizations::id,
    organizations::slug,
    organizations::state,
    organizations::version,
    organizations::name,
    organizations::contact,
    organizations::seats,
    organizations::invitation_days,
    organizations::guests,
    organizations::session_hours,
    organizations::idle_minutes,
    organizations::group_convention,
    organizations::requests,
);

const COLUMNS: Columns = (
    organizations::id,
    organizations::slug,
    organizations::state,
    organizations::version,
    organizations::name,
    organizations::contact,
    organizations::seats,
    organizations::invitation_days,
    organizations::guests,
    organizations::session_hours,
    organizations::idle_minutes,
    organizations::group_convention,
    organizations::requests,
);

fn organization(row: Row) -> Organization {
    let (
        id,
        slug,
        state,
        version,
        name,
        contact,
        seats,
        invitation_days,
        guests,
        session_hours,
        idle_minutes,
        group_convention,
        requests,
    ) = row;
    let settings = Settings {
        name,
        contact,
        seats,
        invitation_days,
        guests,
        session_hours,
        idle_minutes,
        group_convention,
        requests,
    };
    Organization {
        id,
        slug,
        is_on: state == "on",
        version,
        settings,
    }
}

/// The organization with this id.
pub fn find(conn: &mut Conn, id: &str) -> Result<Option<Organization>> {
    Ok(organizations::table
        .find(id)
        .select(COLUMNS)
        .first(conn)
        .optional()?
        .map(organization))
}

/// The organization that paths name so.
pub fn find_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Organization>> {
    Ok(organizations::table
        .filter(organizations::slug.eq(slug))
        .select(COLUMNS)
        .first(conn)
        .optional()?
        .map(organization))
}

/// All organizations, by slug.
pub fn all(conn: &mut Conn) -> Result<Vec<Organization>> {
    let rows: Vec<Row> = organizations::table
        .order(organizations::slug)
        .select(COLUMNS)
        .load(conn)?;
    Ok(rows.into_iter().map(organization).collect())
}

/// How many organizations there are.
pub fn count(conn: &mut Conn) -> Result<i64> {
    organizations::table.count().get_result(conn)
}

pub(super) fn insert(conn: &mut Conn, now: Timestamp, new: &Organization) -> Result<()> {
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(&new.id),
            organizations::slug.eq(&new.slug),
            organizations::name.eq(&new.settings.name),
            organizations::contact.eq(&new.settings.contact),
            organizations::seats.eq(new.settings.seats),
            organizations::invitation_days.eq(new.settings.invitation_days),
            organizations::guests.eq(new.settings.guests),
            organizations::session_hours.eq(new.settings.session_hours),
            organizations::idle_minutes.eq(new.settings.idle_minutes),
            organizations::group_convention.eq(new.settings.group_convention),
            organizations::requests.eq(new.settings.requests),
            organizations::created_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

/// Turns it on or off. Answers how many rows there were: none if it changed meanwhile.
pub(super) fn turn(conn: &mut Conn, id: &str, on: bool, version: i64) -> Result<usize> {
    diesel::update(
        organizations::table
            .find(id)
            .filter(organizations::version.eq(version)),
    )
    .set((
        organizations::state.eq(if on { "on" } else { "off" }),
        organizations::version.eq(version + 1),
    ))
    .execute(conn)
}

pub(super) fn update(conn: &mut Conn, id: &str, settings: &Settings, version: i64) -> Result<usize> {
    diesel::update(
        organizations::table
            .find(id)
            .filter(organizations::version.eq(version)),
    )
    .set((
        organizations::name.eq(&settings.name),
        organizations::contact.eq(&settings.contact),
        organizations::seats.eq(settings.seats),
        organizations::invitation_days.eq(settings.invitation_days),
        organizations::guests.eq(settings.guests),
        organizations::session_hours.eq(settings.session_hours),
        organizations::idle_minutes.eq(settings.idle_minutes),
        organizations::group_convention.eq(settings.group_convention),
        organizations::requests.eq(settings.requests),
        organizations::version.eq(version + 1),
    ))
    .execute(conn)
}
