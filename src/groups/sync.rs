//! Teams and roles as the directory's groups say: for one member, or for all at once. Both take away only
//! what this connection's groups gave, and do nothing while SCIM is off.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::actions::make_teams;
use super::model::{Changes, People, TeamChange};
use super::queries::{self, Target};
use crate::access::{NamedTeam, Role, RoleEffect, teams_to_join, teams_to_leave};
use crate::audit::{self, Actor, Event, Subject};
use crate::connections::Connection;
use crate::members::{self, Membership};
use crate::orgs;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result as DbResult};
use crate::teams::{self, Source};
use crate::web::Problem;

/// From how many people on it is cheaper to look at all groups at once.
const FEW: usize = 200;

/// Puts one member into the teams that their groups in the directory give, takes them out of those that
/// groups gave and give no longer, and settles the role. Its cost does not depend on how large the groups
/// are.
///
/// # Errors
/// When the database refuses.
pub fn sync_member(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    member: &str,
) -> Result<(), Problem> {
    if !connection.scim {
        return Ok(());
    }
    let organization = connection.organization.as_str();
    let Some(membership) = present(conn, organization, member)? else {
        return Ok(());
    };
    let lines = queries::lines_of_member(conn, &connection.id, member)?;
    let mut wanted: BTreeSet<String> = lines.iter().map(|(team, _)| team.clone()).collect();
    if let Some(slug) = convention_of(conn, connection)? {
        let groups = queries::groups_of_member(conn, &connection.id, member)?;
        let names: Vec<String> = NamedTeam::all(&slug, &groups).map(|team| team.name).collect();
        wanted.extend(make_teams(conn, now, actor, organization, &names)?);
    }
    let given = teams::mapped(conn, member, &connection.id)?;
    let (join, leave) = (
        teams_to_join(Some(&wanted), &given),
        teams_to_leave(Some(&wanted), &given),
    );
    let by = (Source::Scim, connection.id.as_str());
    teams::actions::follow_groups(conn, now, actor, (organization, member), by, (&join, &leave))?;
    let effect = effect_of(&lines);
    members::actions::follow_mapping(conn, now, actor, connection, &membership, effect)?;
    Ok(())
}

/// As [`sync_member`] for several, whichever way is the cheaper.
///
/// # Errors
/// When the database refuses.
pub fn sync_members(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    members: &[String],
) -> Result<(), Problem> {
    if members.len() > FEW {
        return sync_all(conn, now, actor, connection).map(drop);
    }
    members
        .iter()
        .try_for_each(|member| sync_member(conn, now, actor, connection, member))
}

/// Does for everybody what the table says, team by team, and answers what that changed.
///
/// # Errors
/// When the database refuses.
pub fn sync_all(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
) -> Result<Changes, Problem> {
    let mut changes = Changes::default();
    if !connection.scim {
        return Ok(changes);
    }
    for (team, groups) in plan(conn, now, actor, connection)? {
        let target = Target {
            connection: &connection.id,
            team: &team,
            groups: &groups,
        };
        if let Some(change) = sync_team(conn, now, actor, connection, &target)? {
            changes.teams.push(change);
        }
    }
    changes.teams.sort_by_key(|change| change.name.to_lowercase());
    for member in queries::with_another_role(conn, connection)? {
        sync_role(conn, now, actor, connection, &member, &mut changes)?;
    }
    Ok(changes)
}

/// The teams that are to be looked at, each with the directory's groups that give it.
fn plan(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    let mut plan: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for team in queries::given_teams(conn, &connection.id)? {
        plan.entry(team).or_default();
    }
    for (team, group) in queries::live_lines(conn, &connection.id)? {
        plan.entry(team).or_default().push(group);
    }
    if let Some(slug) = convention_of(conn, connection)? {
        for (group, name) in queries::groups_called(conn, &connection.id, &format!("{slug}:"))? {
            if let Ok(named) = NamedTeam::parse(&slug, &name) {
                let made = make_teams(conn, now, actor, &connection.organization, [&named.name])?;
                for team in made {
                    plan.entry(team).or_default().push(group.clone());
                }
            }
        }
    }
    Ok(plan)
}

fn sync_team(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    target: &Target<'_>,
) -> DbResult<Option<TeamChange>> {
    let joining = queries::joining(conn, target)?;
    let leaving = queries::leaving(conn, target)?;
    if joining.count == 0 && leaving.count == 0 {
        return Ok(None);
    }
    queries::join(conn, now, target)?;
    queries::leave(conn, target)?;
    let name =
        teams::find(conn, &connection.organization, target.team)?.map_or(String::new(), |team| team.name);
    let told =
        |people: &People| (people.count > 0).then(|| json!({"people": people.count, "names": people.names}));
    let event = Event {
        organization: Some(&connection.organization),
        action: "team.followed",
        subject: Subject {
            kind: "team",
            id: target.team,
            name: &name,
        },
        before: told(&leaving),
        after: told(&joining),
    };
    audit::record(conn, now, actor, &event)?;
    Ok(Some(TeamChange {
        team: target.team.to_owned(),
        name,
        joining,
        leaving,
    }))
}

fn sync_role(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    member: &str,
    changes: &mut Changes,
) -> DbResult<()> {
    let Some(membership) = present(conn, &connection.organization, member)? else {
        return Ok(());
    };
    let effect = effect_of(&queries::lines_of_member(conn, &connection.id, member)?);
    let becomes = members::actions::follow_mapping(conn, now, actor, connection, &membership, effect)?;
    match becomes {
        Some(Role::Admin | Role::Owner) => changes.raised.add(membership.name),
        Some(Role::Member) => changes.lowered.add(membership.name),
        None => {}
    }
    Ok(())
}

/// The membership, unless the person was removed: whoever is out is in no team.
fn present(conn: &mut Conn, organization: &str, member: &str) -> DbResult<Option<Membership>> {
    let found = members::find(conn, organization, member)?;
    Ok(found.filter(|member| member.state != members::State::Removed))
}

/// The first line counts.
fn effect_of(lines: &[(String, Role)]) -> RoleEffect {
    lines.first().map_or(RoleEffect::NotMapped, |(_, role)| {
        RoleEffect::Mapped((*role).min(Role::Admin))
    })
}

/// Whether groups called `organization:team` are teams here.
pub fn has_convention(conn: &mut Conn, connection: &Connection) -> DbResult<bool> {
    Ok(convention_of(conn, connection)?.is_some())
}

/// The organization's slug, where it turned the convention on.
fn convention_of(conn: &mut Conn, connection: &Connection) -> DbResult<Option<String>> {
    let organization = orgs::find(conn, &connection.organization)?;
    Ok(organization
        .filter(|organization| organization.settings.group_convention)
        .map(|organization| organization.slug))
}
