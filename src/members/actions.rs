//! What is done to members. Each verb wants a transaction that holds the organization
//! (`Store::write_in`), judges what it reads there, and writes its audit entry beside the change.

use serde_json::{Value, json};

use super::model::{Act, Facts, Membership, Refusal, Source, State, judge};
use super::queries;
use crate::access::{HeldRole, Role, RoleEffect, role_change};
use crate::audit::{self, Actor, ActorKind, Event, Subject};
use crate::connections::Connection;
use crate::seats::Seats;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result as DbResult, id};
use crate::web::Problem;
use crate::{break_glass, invitations, seats, session, teams};

/// Somebody who is about to become a member.
#[derive(Debug, Clone, Copy)]
pub struct Joining<'a> {
    /// The organization's id.
    pub organization: &'a str,
    /// The account's id.
    pub account: &'a str,
    /// The person's name, for the audit log.
    pub name: &'a str,
    /// What the person may do.
    pub role: Role,
    /// How the person comes.
    pub source: Source,
    /// The inviter's name, empty where nobody invited.
    pub invited_by: &'a str,
    /// Whether the account's own password opens the organization: not for who comes by a provider or a directory.
    pub by_password: bool,
}

/// Who changes a member, and with how much power.
#[derive(Debug, Clone)]
pub struct Doer {
    /// Who it is, for the audit log.
    pub actor: Actor,
    /// The role that the rules judge by.
    pub role: Role,
    /// Whether they showed a moment ago that it is them: who becomes or stays an owner is decided by nobody else.
    pub is_fresh: bool,
}

impl Doer {
    /// A signed-in member with the role of this moment, which may be less than when the request began.
    ///
    /// # Errors
    /// `Forbidden` where the person is no longer an active admin or owner.
    pub fn at_work(conn: &mut Conn, member: &session::Member) -> Result<Self, Problem> {
        let role = queries::find(conn, &member.organization, &member.member)?
            .filter(|own| own.state == State::Active && own.role >= Role::Admin)
            .map(|own| own.role);
        let Some(role) = role else {
            return Err(Problem::Forbidden(
                "Only admins and owners of this organization may do this.".to_owned(),
            ));
        };
        Ok(Self {
            actor: Actor::from(member),
            role,
            is_fresh: member.signed.is_fresh,
        })
    }

    /// Whoever runs the installation: may do what an owner may.
    pub fn operator() -> Self {
        Self {
            actor: Actor::operator(),
            role: Role::Owner,
            is_fresh: true,
        }
    }
}

/// Teams to put a member into and to take them out of, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamChange {
    /// Put into these.
    pub add: Vec<String>,
    /// Take out of these.
    pub take: Vec<String>,
}

impl TeamChange {
    /// From the teams that a form showed as chosen to those that came back: what other people changed
    /// meanwhile stays theirs.
    pub fn between(shown: &[String], chosen: &[String]) -> Self {
        let missing =
            |from: &[String], of: &[String]| of.iter().filter(|team| !from.contains(team)).cloned().collect();
        Self {
            add: missing(shown, chosen),
            take: missing(chosen, shown),
        }
    }
}

/// Makes somebody a member, or a removed member one again, and answers the member's id. Seats were
/// judged by whoever decided it. An active membership stays as it is, and so does a deactivated one:
/// that door is [`reactivate`] alone.
///
/// # Errors
/// When the database refuses.
pub fn join(conn: &mut Conn, now: Timestamp, actor: &Actor, new: &Joining<'_>) -> DbResult<String> {
    match queries::find_by_account(conn, new.organization, new.account)? {
        None => join_first(conn, now, actor, new),
        Some(member) if member.state == State::Removed => {
            queries::begin_anew(conn, now, &member.id, new)?;
            joined(
                conn,
                now,
                actor,
                new,
                &member.id,
                Some(json!({"state": "removed"})),
            )?;
            Ok(member.id)
        }
        Some(member) => Ok(member.id),
    }
}

/// As [`join`], for an account that was made in this transaction, and so can't be a member yet.
///
/// # Errors
/// When the database refuses.
pub fn join_first(conn: &mut Conn, now: Timestamp, actor: &Actor, new: &Joining<'_>) -> DbResult<String> {
    let id = id::new_id();
    queries::insert(conn, now, &id, new)?;
    joined(conn, now, actor, new, &id, None)?;
    Ok(id)
}

fn joined(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    new: &Joining<'_>,
    id: &str,
    before: Option<Value>,
) -> DbResult<()> {
    let after = json!({"state": "active", "role": new.role, "source": new.source.as_str(), "invited_by": new.invited_by});
    let who = (new.organization, id, new.name);
    note(conn, now, actor, "member.joined", who, (before, Some(after)))
}

/// The account's own password no longer opens the organization.
///
/// # Errors
/// When the database refuses.
pub fn distrust_password(conn: &mut Conn, member: &str) -> DbResult<()> {
    queries::distrust_password(conn, member)
}

/// The account's own password opens whatever it owns: whoever runs the installation gave it to them. Answers how many
/// organizations it did not open before.
///
/// # Errors
/// When the database refuses.
pub fn trust_password_of_owner(conn: &mut Conn, account: &str) -> DbResult<usize> {
    queries::trust_password_of_owner(conn, account)
}

/// Notes that the member signed in.
///
/// # Errors
/// When the database refuses.
pub fn signed_in(conn: &mut Conn, now: Timestamp, member: &str) -> DbResult<()> {
    queries::set_last_sign_in(conn, now, member)
}

/// Blocks the member's entry and ends their sessions here. The record and the teams stay; the seat is free.
///
/// # Errors
/// The rule that stands against it, or `Conflict` where somebody else changed the member meanwhile.
pub fn deactivate(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    organization: &str,
    id: &str,
    version: i64,
) -> Result<Membership, Problem> {
    let member = allowed(
        conn,
        now,
        doer,
        (organization, id),
        Some(version),
        Act::Deactivate,
    )?;
    set_state(conn, now, &member, State::Deactivated)?;
    session::end_in_organization(conn, &member.account, organization)?;
    let change = (
        json!({"state": member.state.as_str()}),
        json!({"state": "deactivated"}),
    );
    note_change(conn, now, doer, "member.deactivated", &member, change)?;
    Ok(member)
}

/// Lets a deactivated member in again, on a free seat.
///
/// # Errors
/// As [`deactivate`].
pub fn reactivate(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    organization: &str,
    id: &str,
    version: i64,
) -> Result<Membership, Problem> {
    let member = allowed(
        conn,
        now,
        doer,
        (organization, id),
        Some(version),
        Act::Reactivate,
    )?;
    set_state(conn, now, &member, State::Active)?;
    let change = (
        json!({"state": member.state.as_str()}),
        json!({"state": "active"}),
    );
    note_change(conn, now, doer, "member.reactivated", &member, change)?;
    Ok(member)
}

/// Takes the member out of the organization and of all teams, closes a pending invitation of the address,
/// and ends the sessions here. Removed stays removed until the person is invited again.
///
/// # Errors
/// As [`deactivate`].
pub fn remove(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    organization: &str,
    id: &str,
    version: i64,
) -> Result<Membership, Problem> {
    let member = allowed(conn, now, doer, (organization, id), Some(version), Act::Remove)?;
    let was_in = team_names(conn, &member.id)?;
    set_state(conn, now, &member, State::Removed)?;
    teams::leave_all(conn, &member.id)?;
    invitations::actions::close_pending(conn, now, &doer.actor, organization, &member.email_key)?;
    session::end_in_organization(conn, &member.account, organization)?;
    let before = json!({"state": member.state.as_str(), "role": member.role, "teams": was_in});
    let change = (before, json!({"state": "removed"}));
    note_change(conn, now, doer, "member.removed", &member, change)?;
    Ok(member)
}

/// The member goes of their own will: out of the organization and of all teams, as if an administrator had removed
/// them. Sessions by the organization's provider end; the person's own by password stay, and open it no more.
///
/// # Errors
/// `NotFound` where there is no such active member; `Conflict` where it is the only owner.
pub fn leave(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    id: &str,
) -> Result<(), Problem> {
    if let Some(refusal) = why_not_leave(conn, organization, id)? {
        return Err(refusal.into());
    }
    let member = queries::find(conn, organization, id)?.ok_or(Problem::NotFound)?;
    let was_in = team_names(conn, &member.id)?;
    set_state(conn, now, &member, State::Removed)?;
    teams::leave_all(conn, &member.id)?;
    invitations::actions::close_pending(conn, now, actor, organization, &member.email_key)?;
    session::end_single_sign_on(conn, &member.account, organization)?;
    let before = json!({"state": member.state.as_str(), "role": member.role, "teams": was_in});
    let who = (organization, member.id.as_str(), member.name.as_str());
    let change = (Some(before), Some(json!({"state": "removed"})));
    Ok(note(conn, now, actor, "member.left", who, change)?)
}

/// Why the member may not go, if there is a reason: an organization needs an owner.
///
/// # Errors
/// `NotFound` where there is no such active member.
pub fn why_not_leave(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Refusal>, Problem> {
    let member = queries::find(conn, organization, id)?
        .filter(|member| member.state == State::Active)
        .ok_or(Problem::NotFound)?;
    let is_last = member.role == Role::Owner && queries::other_owners(conn, organization, id)? == 0;
    Ok(is_last.then_some(Refusal::LastOwner))
}

/// Ends the member's sessions here and answers the member and how many they were.
///
/// # Errors
/// The rule that stands against it.
pub fn sign_out(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    organization: &str,
    id: &str,
) -> Result<(Membership, usize), Problem> {
    let member = allowed(conn, now, doer, (organization, id), None, Act::SignOut)?;
    let ended = session::end_in_organization(conn, &member.account, organization)?;
    let who = (organization, member.id.as_str(), member.name.as_str());
    let change = (Some(json!({"sessions": ended})), Some(json!({"sessions": 0})));
    note(conn, now, &doer.actor, "member.signed_out", who, change)?;
    Ok((member, ended))
}

/// Gives the member another role. The same role changes nothing.
///
/// # Errors
/// As [`deactivate`].
pub fn change_role(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    organization: &str,
    id: &str,
    version: i64,
    role: Role,
) -> Result<Membership, Problem> {
    let act = Act::ChangeRole(role);
    let member = allowed(conn, now, doer, (organization, id), Some(version), act)?;
    if member.role == role {
        return Ok(member);
    }
    if queries::set_role(conn, &member.id, member.version, role, None)? == 0 {
        return Err(changed_meanwhile());
    }
    let change = (json!({"role": member.role}), json!({"role": role}));
    note_change(conn, now, doer, "member.role_changed", &member, change)?;
    Ok(Membership {
        role,
        version: version + 1,
        role_given_by: None,
        ..member
    })
}

/// Notes that the role with which somebody just joined was given by this connection's mapping.
///
/// # Errors
/// When the database refuses.
pub fn joined_by_mapping(conn: &mut Conn, member: &str, connection: &str) -> DbResult<()> {
    queries::set_role_given_by(conn, member, connection).map(drop)
}

/// Gives the member the role that the connection's mapping says, or takes away what it gave. Owners and
/// what people gave stay. Answers the new role, if it changed.
///
/// # Errors
/// When the database refuses.
pub fn follow_mapping(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    connection: &Connection,
    member: &Membership,
    effect: RoleEffect,
) -> DbResult<Option<Role>> {
    let held = HeldRole {
        role: member.role,
        by_mapping: member.role_given_by.as_deref() == Some(connection.id.as_str()),
    };
    let Some(after) = role_change(effect, held, connection.default_role) else {
        return Ok(None);
    };
    let given_by = after.by_mapping.then_some(connection.id.as_str());
    queries::set_role(conn, &member.id, member.version, after.role, given_by)?;
    let who = (
        member.organization.as_str(),
        member.id.as_str(),
        member.name.as_str(),
    );
    let told = |role: Role, by_mapping: bool| {
        let by = if by_mapping { connection.name.as_str() } else { "" };
        json!({"role": role, "by_group_of": by})
    };
    let change = (
        Some(told(held.role, held.by_mapping)),
        Some(told(after.role, after.by_mapping)),
    );
    note(conn, now, actor, "member.role_mapped", who, change)?;
    Ok((after.role != held.role).then_some(after.role))
}

/// Puts the member into teams and takes them out of teams, by hand. Taking out of a team where the person
/// no longer is by anything but the provider's word changes nothing.
///
/// # Errors
/// The rule that stands against it.
pub fn change_teams(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    organization: &str,
    id: &str,
    change: &TeamChange,
) -> Result<Membership, Problem> {
    let member = allowed(conn, now, doer, (organization, id), None, Act::ChangeTeams)?;
    let before = teams::of_member(conn, &member.id)?;
    let is_in = |team: &str| {
        before
            .iter()
            .any(|belonging| belonging.team == team && belonging.source.is_taken_by_hand())
    };
    for team in change.add.iter().filter(|team| !is_in(team)) {
        if let Some(team) = teams::find(conn, organization, team)? {
            teams::actions::add_by_hand(conn, now, &doer.actor, organization, &team, &member.id)?;
        }
    }
    for team in change.take.iter().filter(|team| is_in(team)) {
        if let Some(team) = teams::find(conn, organization, team)? {
            teams::actions::take_out(conn, now, &doer.actor, organization, &team, &member.id)?;
        }
    }
    Ok(member)
}

/// The member and what the rules must know, as one transaction sees them.
///
/// # Errors
/// `NotFound` where the organization has no such member.
pub fn load(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    id: &str,
) -> Result<(Membership, Facts), Problem> {
    let Some(member) = queries::find(conn, organization, id)? else {
        return Err(Problem::NotFound);
    };
    let facts = Facts {
        other_owners: queries::other_owners(conn, organization, id)?,
        seats: seats::count(conn, organization, now)?,
    };
    Ok((member, facts))
}

/// The member, if nobody changed it since `version` and no rule stands against the act.
fn allowed(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    (organization, id): (&str, &str),
    version: Option<i64>,
    act: Act,
) -> Result<Membership, Problem> {
    let member = queries::find(conn, organization, id)?.ok_or(Problem::NotFound)?;
    let facts = facts_for(conn, now, &member, act)?;
    judge(act, doer.role, &member, &facts)?;
    if doer.actor.kind == ActorKind::Scim && break_glass::is_named(conn, organization, &member.account)? {
        return Err(Problem::Conflict(
            "This owner is named for emergencies, and no directory changes them.".to_owned(),
        ));
    }
    if !doer.is_fresh && concerns_owners(act, &member) {
        return Err(Problem::StillYou(String::new()));
    }
    if version.is_some_and(|version| version != member.version) {
        return Err(changed_meanwhile());
    }
    Ok(member)
}

/// Whether the act makes, unmakes or shuts out an owner.
fn concerns_owners(act: Act, member: &Membership) -> bool {
    match act {
        Act::ChangeRole(role) => role != member.role && Role::Owner == role.max(member.role),
        Act::Deactivate | Act::Reactivate | Act::Remove => member.role == Role::Owner,
        Act::SignOut | Act::ChangeTeams => false,
    }
}

/// What the rule of this act asks for: counting takes longer the more people there are.
fn facts_for(conn: &mut Conn, now: Timestamp, member: &Membership, act: Act) -> DbResult<Facts> {
    let other_owners = if member.role == Role::Owner {
        queries::other_owners(conn, &member.organization, &member.id)?
    } else {
        0
    };
    let has_room = act != Act::Reactivate || seats::has_room(conn, &member.organization, now, 1)?;
    let seats = Seats {
        limit: (!has_room).then_some(0),
        members: 0,
        invited: 0,
    };
    Ok(Facts { other_owners, seats })
}

fn set_state(conn: &mut Conn, now: Timestamp, member: &Membership, state: State) -> Result<(), Problem> {
    if queries::set_state(conn, now, &member.id, member.version, state)? == 0 {
        return Err(changed_meanwhile());
    }
    Ok(())
}

fn team_names(conn: &mut Conn, member: &str) -> DbResult<Vec<String>> {
    let mut names: Vec<String> = teams::of_member(conn, member)?
        .into_iter()
        .map(|belonging| belonging.name)
        .collect();
    names.dedup();
    Ok(names)
}

fn changed_meanwhile() -> Problem {
    Problem::Conflict(
        "Somebody else changed this member meanwhile. Go back, reload the page and try again.".to_owned(),
    )
}

fn note_change(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    action: &str,
    member: &Membership,
    (before, after): (Value, Value),
) -> DbResult<()> {
    let who = (
        member.organization.as_str(),
        member.id.as_str(),
        member.name.as_str(),
    );
    note(conn, now, &doer.actor, action, who, (Some(before), Some(after)))
}

fn note(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    action: &str,
    (organization, id, name): (&str, &str, &str),
    (before, after): (Option<Value>, Option<Value>),
) -> DbResult<()> {
    let event = Event {
        organization: Some(organization),
        action,
        subject: Subject {
            kind: "member",
            id,
            name,
        },
        before,
        after,
    };
    audit::record(conn, now, actor, &event)
}

#[cfg(test)]
mod tests {
    use super::TeamChange;

    #[test]
    fn only_what_the_form_changed_is_changed() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let change = TeamChange::between(&list(&["a", "b"]), &list(&["b", "c"]));
        assert_eq!((change.add, change.take), (list(&["c"]), list(&["a"])));
        assert_eq!(
            TeamChange::between(&list(&["a"]), &list(&["a"])),
            TeamChange::default()
        );
    }
}
