//! Inviting people, and what becomes of an invitation. Each verb runs in the transaction that holds the
//! organization (`Store::write_in`), and tells the audit log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::model::{Invitation, Known, New, Sent, State};
use super::queries;
use crate::access::Role;
use crate::audit::{self, Actor, ActorKind, Event, Subject};
use crate::orgs::Organization;
use crate::seats::{self, Seats};
use crate::session::Member;
use crate::store::time::{Timestamp, machine};
use crate::store::{Conn, Result as Stored, id};
use crate::web::Problem;

/// Invites all of these people or none of them. `inviter_role` bounds the role that they may be given.
///
/// # Errors
/// `Forbidden` for a role above the inviter's own; `Conflict` with a sentence where somebody is a member
/// or invited already, a team is gone, or the free seats don't suffice.
pub fn invite(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    inviter_role: Role,
    organization: &Organization,
    new: &[New],
) -> Result<Vec<Sent>, Problem> {
    for one in new {
        may_grant(inviter_role, one.role)?;
    }
    nobody_known(conn, now, organization, new)?;
    let team_names = every_team(conn, organization, new)?;
    seats_for(conn, now, organization, new.len())?;
    let mut sent = Vec::with_capacity(new.len());
    for one in new {
        sent.push(send(conn, now, actor, organization, one, &team_names)?);
    }
    Ok(sent)
}

/// Makes fresh links for these invitations: the old ones die, the time begins anew, and those that were
/// expired, revoked or declined wait again, for which they need a seat. All of them or none.
///
/// # Errors
/// `NotFound` where one isn't this organization's; `Forbidden` for a role above the actor's own;
/// `Conflict` where one was accepted, the person is a member by now, or the free seats don't suffice.
pub fn resend(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    own_role: Role,
    organization: &Organization,
    ids: &[String],
) -> Result<Vec<Sent>, Problem> {
    let chosen = all_of(conn, &organization.id, ids)?;
    let keys: Vec<String> = chosen.iter().map(|one| one.email_key.clone()).collect();
    if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() {
        return Err(Problem::Conflict(
            "Two of these invitations are for the same address. Choose one of them.".to_owned(),
        ));
    }
    let known = queries::known(conn, now, &organization.id, &keys)?;
    for one in &chosen {
        may_grant(own_role, one.role)?;
        may_be_resent(conn, now, one, known.get(&one.email_key).copied())?;
    }
    let seatless = chosen
        .iter()
        .filter(|one| one.state(now) != State::Pending)
        .count();
    seats_for(conn, now, organization, seatless)?;
    chosen
        .iter()
        .map(|one| renew(conn, now, actor, organization, one))
        .collect()
}

/// Takes back these invitations. All of them or none.
///
/// # Errors
/// `NotFound` where one isn't this organization's; `Forbidden` for a role above the actor's own;
/// `Conflict` where one doesn't wait any more.
pub fn revoke(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    own_role: Role,
    organization: &str,
    ids: &[String],
) -> Result<usize, Problem> {
    let chosen = all_of(conn, organization, ids)?;
    for one in &chosen {
        may_grant(own_role, one.role)?;
        if !settle(conn, now, actor, one, State::Revoked, None)? {
            return Err(Problem::Conflict(format!(
                "The invitation of {} can’t be revoked: it is {}.",
                one.email,
                one.state(now).as_str()
            )));
        }
    }
    Ok(chosen.len())
}

/// The person does not want to come. Answers whether it was this call that declined.
///
/// # Errors
/// When the database refuses.
pub fn decline(conn: &mut Conn, now: Timestamp, actor: &Actor, id: &str) -> Stored<bool> {
    match queries::load(conn, id)?.filter(|one| one.state(now) == State::Pending) {
        Some(one) => settle(conn, now, actor, &one, State::Declined, None),
        None => Ok(false),
    }
}

/// The person came in as this member. Answers whether it was this call that accepted, so that of two
/// acceptances at once one is the first.
///
/// # Errors
/// When the database refuses.
pub fn accept(conn: &mut Conn, now: Timestamp, actor: &Actor, id: &str, member: &str) -> Stored<bool> {
    match queries::load(conn, id)?.filter(|one| one.state(now) == State::Pending) {
        Some(one) => settle(conn, now, actor, &one, State::Accepted, Some(member)),
        None => Ok(false),
    }
}

/// Closes what is left over of this address (folded): its person is a member by now, or was removed.
/// Answers how many there were.
///
/// # Errors
/// When the database refuses.
pub fn close_pending(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    email_key: &str,
) -> Stored<usize> {
    let Some(id) = queries::open_id(conn, organization, email_key)? else {
        return Ok(0);
    };
    match queries::load(conn, &id)? {
        Some(one) => settle(conn, now, actor, &one, State::Closed, None).map(usize::from),
        None => Ok(0),
    }
}

/// The role that an admin has at this moment, which may be less than when the request began.
///
/// # Errors
/// `Forbidden` where they are no longer an active admin or owner.
pub(super) fn role_now(conn: &mut Conn, admin: &Member) -> Result<Role, Problem> {
    queries::role(conn, &admin.organization, &admin.member)?
        .filter(|role| *role >= Role::Admin)
        .ok_or_else(|| {
            Problem::Forbidden("Only admins and owners of this organization may do this.".to_owned())
        })
}

fn may_grant(own: Role, role: Role) -> Result<(), Problem> {
    if own.may_grant(role) {
        Ok(())
    } else {
        Err(Problem::Forbidden(
            "This invitation is for a role above your own. Ask an owner of the organization.".to_owned(),
        ))
    }
}

fn nobody_known(
    conn: &mut Conn,
    now: Timestamp,
    organization: &Organization,
    new: &[New],
) -> Result<(), Problem> {
    let keys: BTreeSet<String> = new.iter().map(|one| one.email.key().to_owned()).collect();
    if keys.len() < new.len() {
        return Err(Problem::Conflict(
            "One address stands there twice. Nobody was invited.".to_owned(),
        ));
    }
    let keys: Vec<String> = keys.into_iter().collect();
    let known = queries::known(conn, now, &organization.id, &keys)?;
    match known.first_key_value() {
        None => Ok(()),
        Some((key, known)) => Err(Problem::Conflict(format!(
            "{key} is {}. Nobody was invited.",
            known.words()
        ))),
    }
}

fn every_team(
    conn: &mut Conn,
    organization: &Organization,
    new: &[New],
) -> Result<BTreeMap<String, String>, Problem> {
    let wanted: BTreeSet<&String> = new.iter().flat_map(|one| &one.teams).collect();
    let wanted: Vec<String> = wanted.into_iter().cloned().collect();
    let names = queries::team_names(conn, &organization.id, &wanted)?;
    if names.len() < wanted.len() {
        return Err(Problem::Conflict(
            "One of the chosen teams is gone. Choose the teams again. Nobody was invited.".to_owned(),
        ));
    }
    Ok(names)
}

fn seats_for(
    conn: &mut Conn,
    now: Timestamp,
    organization: &Organization,
    wanted: usize,
) -> Result<(), Problem> {
    let seats = seats::count(conn, &organization.id, now)?;
    match too_few(&organization.settings.name, &seats, wanted) {
        Some(sentence) if wanted > 0 => Err(Problem::Conflict(format!("{sentence} Nobody was invited."))),
        _ => Ok(()),
    }
}

/// Why so many people can't be seated, with the numbers.
pub(super) fn too_few(name: &str, seats: &Seats, wanted: usize) -> Option<String> {
    let (limit, free) = (seats.limit?, seats.free()?);
    let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
    (wanted > free).then(|| {
        format!(
            "{wanted} {} needed, but {free} of {name}’s {limit} {} free: {} taken by {}, {} held by {}.",
            if wanted == 1 { "seat is" } else { "seats are" },
            if free == 1 { "is" } else { "are" },
            seats.members,
            if seats.members == 1 { "a member" } else { "members" },
            seats.invited,
            if seats.invited == 1 {
                "an invitation that waits"
            } else {
                "invitations that wait"
            },
        )
    })
}

fn all_of(conn: &mut Conn, organization: &str, ids: &[String]) -> Result<Vec<Invitation>, Problem> {
    let wanted: BTreeSet<&String> = ids.iter().collect();
    let found = queries::find_many(conn, organization, ids)?;
    if found.is_empty() || found.len() < wanted.len() {
        return Err(Problem::NotFound);
    }
    Ok(found)
}

fn may_be_resent(
    conn: &mut Conn,
    now: Timestamp,
    invitation: &Invitation,
    known: Option<Known>,
) -> Result<(), Problem> {
    let refused = |why: &str| {
        Err(Problem::Conflict(format!(
            "The invitation of {} can’t be sent again: {why}.",
            invitation.email
        )))
    };
    let state = invitation.state(now);
    if !state.can_be_resent() {
        return refused(&format!("it is {}", state.as_str()));
    }
    if let Some(known @ (Known::Member | Known::Deactivated)) = known {
        return refused(&format!("the person is {}", known.words()));
    }
    let open = queries::open_id(conn, &invitation.organization, &invitation.email_key)?;
    if open.is_some_and(|open| open != invitation.id) {
        return refused("the address has a newer one");
    }
    Ok(())
}

fn send(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &Organization,
    new: &New,
    team_names: &BTreeMap<String, String>,
) -> Result<Sent, Problem> {
    let (token, expires_at) = (id::new_token(), now + organization.settings.invitation_life());
    let hash = id::hash_token(&token);
    let link = link(actor, now, expires_at, &hash);
    // One whose time is over still stands in the place of the one that waits.
    let old = queries::open_id(conn, &organization.id, new.email.key())?;
    let id = old.clone().unwrap_or_else(id::new_id);
    if old.is_some() {
        queries::replace(conn, &id, new, &link)?;
    } else {
        queries::insert(conn, &id, &organization.id, new, &link)?;
    }
    let teams: Vec<&String> = new.teams.iter().filter_map(|id| team_names.get(id)).collect();
    let event = Event {
        organization: Some(&organization.id),
        action: "invitation.sent",
        subject: subject(&id, new.email.as_str()),
        before: None,
        after: Some(json!({"role": new.role, "teams": teams, "expires": machine(expires_at)})),
    };
    audit::record(conn, now, actor, &event)?;
    Ok(Sent {
        id,
        email: new.email.as_str().to_owned(),
        token,
    })
}

fn renew(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &Organization,
    one: &Invitation,
) -> Result<Sent, Problem> {
    let (token, expires_at) = (id::new_token(), now + organization.settings.invitation_life());
    let hash = id::hash_token(&token);
    queries::relink(conn, &one.id, &link(actor, now, expires_at, &hash))?;
    let event = Event {
        organization: Some(&organization.id),
        action: "invitation.resent",
        subject: subject(&one.id, &one.email),
        before: Some(json!({"state": one.state(now).as_str(), "expires": machine(one.expires_at)})),
        after: Some(json!({"state": "pending", "expires": machine(expires_at)})),
    };
    audit::record(conn, now, actor, &event)?;
    Ok(Sent {
        id: one.id.clone(),
        email: one.email.clone(),
        token,
    })
}

fn subject<'a>(id: &'a str, email: &'a str) -> Subject<'a> {
    Subject {
        kind: "invitation",
        id,
        name: email,
    }
}

fn link<'a>(
    actor: &'a Actor,
    now: Timestamp,
    expires_at: Timestamp,
    token_hash: &'a str,
) -> queries::Link<'a> {
    let is_person = actor.kind == ActorKind::Person;
    queries::Link {
        token_hash,
        expires_at,
        sent_at: now,
        invited_by: if is_person { &actor.id } else { "" },
        invited_by_name: &actor.name,
    }
}

fn settle(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    one: &Invitation,
    state: State,
    member: Option<&str>,
) -> Stored<bool> {
    if !queries::settle(conn, now, &one.id, state, member)? {
        return Ok(false);
    }
    let action = match state {
        State::Accepted => "invitation.accepted",
        State::Revoked => "invitation.revoked",
        State::Declined => "invitation.declined",
        State::Closed | State::Pending | State::Expired => "invitation.closed",
    };
    let event = Event {
        organization: Some(&one.organization),
        action,
        subject: subject(&one.id, &one.email),
        before: Some(json!({"state": one.state(now).as_str()})),
        after: Some(json!({"state": state.as_str()})),
    };
    audit::record(conn, now, actor, &event)?;
    Ok(true)
}
