//! Making and changing teams, and putting people into them by hand. Each verb wants a transaction that
//! holds the organization.

use serde_json::{Value, json};

use super::model::{Source, Team, fault_of, tidy};
use super::queries;
use crate::audit::{self, Actor, Event, Subject};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result as DbResult, id};
use crate::web::Problem;

/// What is wrong with a name for a team of this organization, in a sentence. `own` is the team that may
/// have it already.
///
/// # Errors
/// When the database refuses.
pub fn name_fault(
    conn: &mut Conn,
    organization: &str,
    name: &str,
    own: Option<&str>,
) -> DbResult<Option<String>> {
    if let Some(fault) = fault_of(&tidy(name)) {
        return Ok(Some(fault));
    }
    let taken = queries::find_by_name(conn, organization, name)?.filter(|team| Some(team.id.as_str()) != own);
    Ok(taken.map(|team| format!("There is a team “{}” already. Choose another name.", team.name)))
}

/// Makes a team and answers its id.
///
/// # Errors
/// `Conflict` with a sentence where the name won't do.
pub fn create(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    name: &str,
) -> Result<String, Problem> {
    if let Some(fault) = name_fault(conn, organization, name, None)? {
        return Err(Problem::Conflict(fault));
    }
    let (id, name) = (id::new_id(), tidy(name));
    queries::insert(conn, now, &id, organization, &name)?;
    let change = (None, Some(json!({"name": name})));
    note(
        conn,
        now,
        actor,
        organization,
        "team.created",
        (&id, &name),
        change,
    )?;
    Ok(id)
}

/// Gives the team, as it was shown, another name.
///
/// # Errors
/// `Conflict` where the name won't do or somebody else changed the team meanwhile.
pub fn rename(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    team: &Team,
    name: &str,
) -> Result<(), Problem> {
    if let Some(fault) = name_fault(conn, organization, name, Some(&team.id))? {
        return Err(Problem::Conflict(fault));
    }
    let name = tidy(name);
    if name == team.name {
        return Ok(());
    }
    if queries::rename(conn, &team.id, team.version, &name)? == 0 {
        return Err(changed_meanwhile());
    }
    let change = (Some(json!({"name": team.name})), Some(json!({"name": name})));
    Ok(note(
        conn,
        now,
        actor,
        organization,
        "team.renamed",
        (&team.id, &name),
        change,
    )?)
}

/// Deletes the team as it was shown. Its people stay members; invitations, mappings and connections that
/// name it go on without it.
///
/// # Errors
/// `Conflict` where somebody else changed the team meanwhile.
pub fn delete(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    team: &Team,
) -> Result<(), Problem> {
    if queries::delete(conn, &team.id, team.version)? == 0 {
        return Err(changed_meanwhile());
    }
    let change = (Some(json!({"name": team.name, "people": team.people})), None);
    let subject = (team.id.as_str(), team.name.as_str());
    Ok(note(
        conn,
        now,
        actor,
        organization,
        "team.deleted",
        subject,
        change,
    )?)
}

/// Puts a member into the team by hand and answers the person's name.
///
/// # Errors
/// `NotFound` where the organization has no such member, or only a removed one.
pub fn add_by_hand(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    team: &Team,
    member: &str,
) -> Result<String, Problem> {
    let Some(name) = queries::member_name(conn, organization, member)? else {
        return Err(Problem::NotFound);
    };
    queries::give(conn, now, member, [&team.id], Source::Hand, "")?;
    let change = (None, Some(person(member, &name)));
    let subject = (team.id.as_str(), team.name.as_str());
    note(
        conn,
        now,
        actor,
        organization,
        "team.member_added",
        subject,
        change,
    )?;
    Ok(name)
}

/// Takes a member out of the team and answers the person's name. What a group of the provider or SCIM
/// gave stays: it would come back by itself.
///
/// # Errors
/// `NotFound` where the organization has no such member; `Conflict` where the person is in the team only
/// by the provider's word, or not at all.
pub fn take_out(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    team: &Team,
    member: &str,
) -> Result<String, Problem> {
    let Some(name) = queries::member_name(conn, organization, member)? else {
        return Err(Problem::NotFound);
    };
    if queries::take_out(conn, &team.id, member)? == 0 {
        return Err(not_taken(conn, team, member, &name)?);
    }
    let change = (Some(person(member, &name)), None);
    let subject = (team.id.as_str(), team.name.as_str());
    note(
        conn,
        now,
        actor,
        organization,
        "team.member_taken_out",
        subject,
        change,
    )?;
    Ok(name)
}

/// Puts a member into teams and takes them out of teams by the word of a connection's groups. What the
/// connection did not give stays.
///
/// # Errors
/// When the database refuses.
pub fn follow_groups(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    (organization, member): (&str, &str),
    (source, connection): (Source, &str),
    (join, leave): (&[String], &[String]),
) -> DbResult<()> {
    if join.is_empty() && leave.is_empty() {
        return Ok(());
    }
    queries::give(conn, now, member, join, source, connection)?;
    queries::take_mapped(conn, member, connection, leave)?;
    let name = queries::member_name(conn, organization, member)?.unwrap_or_default();
    let told = || Some(json!({"member": member, "name": name, "how": source.title()}));
    for (team, name) in queries::names(conn, organization, join)? {
        let subject = (team.as_str(), name.as_str());
        note(
            conn,
            now,
            actor,
            organization,
            "team.mapped_in",
            subject,
            (None, told()),
        )?;
    }
    for (team, name) in queries::names(conn, organization, leave)? {
        let subject = (team.as_str(), name.as_str());
        note(
            conn,
            now,
            actor,
            organization,
            "team.mapped_out",
            subject,
            (told(), None),
        )?;
    }
    Ok(())
}

fn not_taken(conn: &mut Conn, team: &Team, member: &str, name: &str) -> DbResult<Problem> {
    let sentence = if queries::is_in(conn, &team.id, member)? {
        format!(
            "{name} is in {} by the identity provider’s word. Take the person out of the group there, or \
             change the group mapping.",
            team.name
        )
    } else {
        format!("{name} is not in {} any more.", team.name)
    };
    Ok(Problem::Conflict(sentence))
}

fn person(member: &str, name: &str) -> Value {
    json!({"member": member, "name": name})
}

fn changed_meanwhile() -> Problem {
    Problem::Conflict(
        "Somebody else changed this team meanwhile. Go back, reload the page and try again.".to_owned(),
    )
}

fn note(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    organization: &str,
    action: &str,
    (id, name): (&str, &str),
    (before, after): (Option<Value>, Option<Value>),
) -> DbResult<()> {
    let event = Event {
        organization: Some(organization),
        action,
        subject: Subject {
            kind: "team",
            id,
            name,
        },
        before,
        after,
    };
    audit::record(conn, now, actor, &event)
}
