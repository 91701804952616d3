//! Inviting people, and what becomes of an invitation. Each verb runs in the transaction that holds the
//! organization (`Store::write_in`), and tells the audit log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::letters;
use super::model::{Invitation, Known, LINKS_A_DAY, LINKS_FOR_ONE, New, Sent, State};
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
/// or invited already, a team is gone, or the free seats don't suffice; `Enough` where the organization or an
/// address would get more links than a day has.
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
    nobody_known(conn, now, actor, organization, new)?;
    let team_names = every_team(conn, organization, new)?;
    seats_for(conn, now, organization, new.len())?;
    links_for(conn, now, actor, organization, new.len())?;
    send(conn, now, actor, organization, new, &team_names)
}

/// Makes fresh links for these invitations: the old ones die, the time begins anew, and those that were
/// expired, revoked or declined wait again, for which they need a seat. All of them or none.
///
/// # Errors
/// `NotFound` where one isn't this organization's; `Forbidden` for a role above the actor's own;
/// `Conflict` where one was accepted, the person is a member by now, or the free seats don't suffice; `Enough` as for
/// [`invite`].
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
    let open = queries::open_ids(conn, &organization.id, &keys)?;
    for one in &chosen {
        may_grant(own_role, one.role)?;
        let key = &one.email_key;
        may_be_resent(now, one, known.get(key).copied(), open.get(key))?;
    }
    address_may_get_one(conn, now, actor, &organization.id, &keys)?;
    let seatless = chosen
        .iter()
        .filter(|one| one.state(now) != State::Pending)
        .count();
    seats_for(conn, now, organization, seatless)?;
    links_for(conn, now, actor, organization, chosen.len())?;
    renew(conn, now, actor, organization, &chosen)
}

/// Invitations with which something can be done, and the others with the reason.
pub(super) type Sifted = (Vec<Invitation>, Vec<(Invitation, String)>);

/// Which of these invitations can be sent again now, of several for one address the first; and why the others can't.
pub(super) fn resendable(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    found: Vec<Invitation>,
) -> Result<Sifted, Problem> {
    let keys: Vec<String> = found.iter().map(|one| one.email_key.clone()).collect();
    let known = queries::known(conn, now, organization, &keys)?;
    let open = queries::open_ids(conn, organization, &keys)?;
    let links = queries::links_of(conn, now, organization, &keys)?;
    let (mut chosen, mut others, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for one in found {
        let key = &one.email_key;
        let why = match may_be_resent(now, &one, known.get(key).copied(), open.get(key)) {
            Err(why) => why.to_string(),
            Ok(()) if links.get(key).is_some_and(|links| *links >= LINKS_FOR_ONE) => {
                format!("It got {LINKS_FOR_ONE} links today: try again tomorrow.")
            }
            Ok(()) if seen.contains(key) => "Another one for the same address is among them.".to_owned(),
            Ok(()) => {
                seen.insert(key.clone());
                chosen.push(one);
                continue;
            }
        };
        others.push((one, why));
    }
    Ok((chosen, others))
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
        if !one.state(now).can_be_revoked() {
            return Err(Problem::Conflict(format!(
                "The invitation of {} can’t be revoked: it is {}.",
                one.email,
                one.state(now).as_str()
            )));
        }
    }
    let ids: Vec<&str> = chosen.iter().map(|one| one.id.as_str()).collect();
    if queries::settle_all(conn, now, &ids, State::Revoked, None)? < chosen.len() {
        return Err(Problem::Conflict(
            "One of these invitations was answered a moment ago. Nothing was changed: look again.".to_owned(),
        ));
    }
    let ids: Vec<String> = chosen.iter().map(|one| one.id.clone()).collect();
    letters::withdraw(conn, now, &ids)?;
    let told: Vec<Event<'_>> = chosen
        .iter()
        .map(|one| settled(now, one, State::Revoked))
        .collect();
    audit::record_all(conn, now, actor, organization, &told)?;
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

/// Whether somebody of this role may give that one.
pub(super) fn may_grant(own: Role, role: Role) -> Result<(), Problem> {
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
    actor: &Actor,
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
    let mut known = queries::known(conn, now, &organization.id, &keys)?;
    known.retain(|_, known| *known != Known::TooOften || !is_unbounded(actor));
    match known.first_key_value() {
        None => Ok(()),
        Some((key, known)) => {
            let sentence = format!("{key} is {}. Nobody was invited.", known.words());
            Err(if *known == Known::TooOften {
                Problem::Enough(sentence)
            } else {
                Problem::Conflict(sentence)
            })
        }
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

/// Whether the quotas of a day are for somebody else.
fn is_unbounded(actor: &Actor) -> bool {
    actor.kind == ActorKind::Operator
}

fn links_for(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &Organization,
    wanted: usize,
) -> Result<(), Problem> {
    let made = queries::links_today(conn, now, &organization.id)?;
    match enough(&organization.settings.name, made, wanted) {
        Some(sentence) if !is_unbounded(actor) => Err(Problem::Enough(sentence)),
        _ => Ok(()),
    }
}

/// Why so many links can't be made today, with the numbers.
pub(super) fn enough(name: &str, made: i64, wanted: usize) -> Option<String> {
    let left = (LINKS_A_DAY - made).max(0);
    (i64::try_from(wanted).unwrap_or(i64::MAX) > left).then(|| {
        format!(
            "{name} may send {LINKS_A_DAY} invitations a day, has sent {made} today and can send {left} more. Nobody was \
             invited. Send the others tomorrow (the day ends at midnight UTC), or ask whoever runs this server."
        )
    })
}

/// An address gets few links a day.
fn address_may_get_one(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    keys: &[String],
) -> Result<(), Problem> {
    let links = queries::links_of(conn, now, organization, keys)?;
    match links.iter().find(|(_, links)| **links >= LINKS_FOR_ONE) {
        Some((key, links)) if !is_unbounded(actor) => Err(Problem::Enough(format!(
            "{key} got {links} links today, and an address gets at most {LINKS_FOR_ONE} a day. Nothing was sent. Try \
             again tomorrow (the day ends at midnight UTC)."
        ))),
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

/// `open` is the invitation of the same address that waits, if one does.
fn may_be_resent(
    now: Timestamp,
    invitation: &Invitation,
    known: Option<Known>,
    open: Option<&String>,
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
    if open.is_some_and(|open| *open != invitation.id) {
        return refused("the address has a newer one");
    }
    Ok(())
}

/// Makes all of these invitations, in few statements however many they are.
fn send(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &Organization,
    new: &[New],
    team_names: &BTreeMap<String, String>,
) -> Result<Vec<Sent>, Problem> {
    let keys: Vec<String> = new.iter().map(|one| one.email.key().to_owned()).collect();
    // One whose time is over still stands in the place of the one that waits.
    let old = queries::open_ids(conn, &organization.id, &keys)?;
    let sent: Vec<Sent> = new
        .iter()
        .map(|one| Sent {
            id: old.get(one.email.key()).cloned().unwrap_or_else(id::new_id),
            email: one.email.as_str().to_owned(),
            token: id::new_token(),
        })
        .collect();
    let hashes: Vec<String> = sent.iter().map(|one| id::hash_token(&one.token)).collect();
    let made = made(actor, now, organization);
    let fresh = sent.iter().zip(&hashes).zip(new);
    let fresh = fresh.map(|((sent, hash), new)| (sent.id.as_str(), hash.as_str(), new));
    let (again, first): (Vec<_>, Vec<_>) = fresh.partition(|(.., new)| old.contains_key(new.email.key()));
    queries::insert(conn, made, &first)?;
    queries::replace(conn, made, &again)?;
    let told = sent.iter().zip(new).map(|(sent, new)| {
        let teams: Vec<&String> = new.teams.iter().filter_map(|id| team_names.get(id)).collect();
        Event {
            organization: Some(&organization.id),
            action: "invitation.sent",
            subject: subject(&sent.id, &sent.email),
            before: None,
            after: Some(json!({"role": new.role, "teams": teams, "expires": machine(made.expires_at)})),
        }
    });
    let told: Vec<Event<'_>> = told.collect();
    audit::record_all(conn, now, actor, &organization.id, &told)?;
    Ok(sent)
}

fn renew(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &Organization,
    chosen: &[Invitation],
) -> Result<Vec<Sent>, Problem> {
    let sent: Vec<Sent> = chosen
        .iter()
        .map(|one| Sent {
            id: one.id.clone(),
            email: one.email.clone(),
            token: id::new_token(),
        })
        .collect();
    let hashes: Vec<String> = sent.iter().map(|one| id::hash_token(&one.token)).collect();
    let links: Vec<(&str, &str)> = sent
        .iter()
        .zip(&hashes)
        .map(|(sent, hash)| (sent.id.as_str(), hash.as_str()))
        .collect();
    let made = made(actor, now, organization);
    queries::relink(conn, made, &links)?;
    let told = chosen.iter().map(|one| Event {
        organization: Some(&organization.id),
        action: "invitation.resent",
        subject: subject(&one.id, &one.email),
        before: Some(json!({"state": one.state(now).as_str(), "expires": machine(one.expires_at)})),
        after: Some(json!({"state": "pending", "expires": machine(made.expires_at)})),
    });
    let told: Vec<Event<'_>> = told.collect();
    audit::record_all(conn, now, actor, &organization.id, &told)?;
    Ok(sent)
}

/// A fresh link for somebody who is reminded; the invitation ends when it would have ended.
///
/// # Errors
/// When the database refuses.
pub(super) fn renew_link(conn: &mut Conn, now: Timestamp, one: &Invitation) -> Stored<Sent> {
    let token = id::new_token();
    queries::remind(conn, one, &id::hash_token(&token))?;
    let event = Event {
        organization: Some(&one.organization),
        action: "invitation.reminded",
        subject: subject(&one.id, &one.email),
        before: None,
        after: Some(json!({"expires": machine(one.expires_at)})),
    };
    audit::record(conn, now, &Actor::system(), &event)?;
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

fn made<'a>(actor: &'a Actor, now: Timestamp, organization: &'a Organization) -> queries::Made<'a> {
    let is_person = actor.kind == ActorKind::Person;
    queries::Made {
        organization: &organization.id,
        now,
        expires_at: now + organization.settings.invitation_life(),
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
    letters::withdraw(conn, now, std::slice::from_ref(&one.id))?;
    audit::record(conn, now, actor, &settled(now, one, state))?;
    Ok(true)
}

fn settled(now: Timestamp, one: &Invitation, state: State) -> Event<'_> {
    let action = match state {
        State::Accepted => "invitation.accepted",
        State::Revoked => "invitation.revoked",
        State::Declined => "invitation.declined",
        State::Closed | State::Pending | State::Expired => "invitation.closed",
    };
    Event {
        organization: Some(&one.organization),
        action,
        subject: subject(&one.id, &one.email),
        before: Some(json!({"state": one.state(now).as_str()})),
        after: Some(json!({"state": state.as_str()})),
    }
}
