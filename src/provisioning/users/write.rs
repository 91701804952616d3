//! The requests that change a person of the directory.

use serde_json::{Map, Value, json};

use super::effects::{Settled, Work, differences};
use super::model::{Kept, Person, Wanted, name_key};
use super::{belongs, one, places, queries};
use crate::members::State;
use crate::provisioning::request::{Answer, Request};
use crate::scim::schema::Kind;
use crate::scim::{Projection, ScimError, ScimType, patch as patching, resource};
use crate::store::id;

/// POST: a new person.
pub fn create(work: &mut Work<'_>, request: &Request) -> Result<Answer, ScimError> {
    let projection = Projection::from_query(&request.query)?;
    let body = Value::Object(request.object()?.clone());
    let wanted = Wanted::read(resource::normalize(Kind::User, body)?)?;
    let stranger = work.stranger(&wanted)?;
    if stranger.is_named {
        return Err(name_is_taken());
    }
    let active = wanted.active.unwrap_or(true);
    let known = work.known(&wanted, Some(stranger))?;
    if !active
        && known.is_active_member()
        && let Some(refusal) = work.guarded()?
    {
        return Ok(refusal);
    }
    let settled = work.settle(&wanted, active, known)?;
    let id = id::new_id();
    let member = settled.member.as_deref();
    queries::insert(
        work.conn,
        work.context.now,
        work.caller,
        &id,
        &wanted,
        (member, settled.adopted),
    )?;
    places::add(work.conn, &work.caller.connection.id, &id)?;
    if member.is_none() {
        let after = json!({"user_name": wanted.user_name(), "active": active});
        work.note(
            "directory_person.created",
            (&id, wanted.user_name()),
            (None, Some(after)),
        )?;
    }
    let now = work.context.now;
    let kept = settled.seat.map(|seat| Kept {
        id: id.clone(),
        member: Some(seat),
        active,
        attributes: wanted.attributes_text(),
        created_at: now,
        modified_at: now,
        version: 1,
        has_groups: false,
        has_teams: false,
    });
    answer(work, (&id, kept), &wanted, &projection, 201)
}

/// PUT: a person described anew. What is left unsaid of `active` and role stays.
pub fn replace(work: &mut Work<'_>, request: &Request, id: &str) -> Result<Answer, ScimError> {
    let projection = Projection::from_query(&request.query)?;
    let kept = find(work, request, id)?;
    let known = Person::from(kept.clone());
    let body = Value::Object(request.object()?.clone());
    let mut wanted = Wanted::read(resource::normalize(Kind::User, body)?)?;
    wanted.keep_role(&known);
    change(work, (kept, &known), &wanted, &projection)
}

/// PATCH: some of a person changed, all of it or nothing.
pub fn patch(work: &mut Work<'_>, request: &Request, id: &str) -> Result<Answer, ScimError> {
    let projection = Projection::from_query(&request.query)?;
    let kept = find(work, request, id)?;
    let known = Person::from(kept.clone());
    let mut fields = known.writable();
    let body = Value::Object(request.object()?.clone());
    patching::apply(&mut fields, &body, Kind::User)?;
    let mut wanted = Wanted::read(fields)?;
    wanted.compare_role(&known);
    change(work, (kept, &known), &wanted, &projection)
}

/// DELETE: out of the directory and out of the organization.
pub fn delete(work: &mut Work<'_>, request: &Request, id: &str) -> Result<Answer, ScimError> {
    let kept = find(work, request, id)?;
    let has_groups = kept.has_groups;
    let known = Person::from(kept);
    let name = user_name(&known.attributes).to_owned();
    let seat = known.member.as_ref().filter(|seat| seat.state != State::Removed);
    if let Some(seat) = seat {
        if seat.state == State::Active
            && let Some(refusal) = work.guarded()?
        {
            return Ok(refusal);
        }
        work.remove(seat)?;
    } else {
        let before = json!({"user_name": name});
        work.note("directory_person.deleted", (id, &name), (Some(before), None))?;
    }
    if has_groups {
        // They leave with their row, and these groups are others without them.
        queries::touch_groups(work.conn, work.context.now, id)?;
    }
    queries::delete(work.conn, id)?;
    places::remove(work.conn, &work.caller.connection.id, id)?;
    Ok(Answer {
        person: name_key(&name),
        ..Answer::new(204, None).decided(work.told())
    })
}

fn find(work: &mut Work<'_>, request: &Request, id: &str) -> Result<Kept, ScimError> {
    let known = queries::find(work.conn, &work.caller.connection.id, id)?.ok_or_else(ScimError::not_found)?;
    if request.if_match.is_some() {
        let belongs = belongs::of_one(work.conn, work.context, &known)?;
        request.check_version(&known.etag(&belongs))?;
    }
    Ok(known)
}

/// Makes a known person what is wanted. What is so already makes no version and no audit entry.
fn change(
    work: &mut Work<'_>,
    (kept, known): (Kept, &Person),
    wanted: &Wanted,
    projection: &Projection,
) -> Result<Answer, ScimError> {
    let active = wanted.active.unwrap_or_else(|| known.is_active());
    let described = known.attributes != wanted.attributes;
    let role = known.member.as_ref().map(|seat| seat.role);
    let regraded = role.is_some() && wanted.role.is_some_and(|wanted| Some(wanted) != role);
    if !described && !regraded && active == known.is_active() {
        let answer = one(work.conn, work.context, kept, projection, 200)?;
        return Ok(Answer {
            person: name_key(wanted.user_name()),
            ..answer
        });
    }
    has_free_name(work, wanted, known)?;
    let settled = match settle(work, known, wanted, active)? {
        Ok(settled) => settled,
        Err(refusal) => return Ok(refusal),
    };
    queries::update(
        work.conn,
        work.context.now,
        work.caller,
        known,
        wanted,
        (settled.member.as_deref(), settled.adopted),
    )?;
    work.follow_groups(known, settled.member.as_deref(), active)?;
    if described || (known.member.is_none() && settled.member.is_none()) {
        let (before, after) = differences(known, wanted);
        work.note(
            "directory_person.changed",
            (&known.id, wanted.user_name()),
            (Some(before), Some(after)),
        )?;
    }
    // Who has just become a member, and was in groups before, has teams and a role by these: that is read again.
    let is_told = known.member.is_some() || !kept.has_groups;
    let kept = settled.seat.filter(|_| is_told).map(|seat| Kept {
        member: Some(seat),
        active: wanted.active.unwrap_or(kept.active),
        attributes: wanted.attributes_text(),
        modified_at: work.context.now,
        version: kept.version + 1,
        ..kept
    });
    answer(work, (&known.id, kept), wanted, projection, 200)
}

/// Account and membership of a known person. The inner error is the guard's refusal, which is kept.
fn settle(
    work: &mut Work<'_>,
    known: &Person,
    wanted: &Wanted,
    active: bool,
) -> Result<Result<Settled, Answer>, ScimError> {
    let Some(seat) = &known.member else {
        let met = work.known(wanted, None)?;
        if !active
            && met.is_active_member()
            && let Some(refusal) = work.guarded()?
        {
            return Ok(Err(refusal));
        }
        return Ok(Ok(work.settle(wanted, active, met)?));
    };
    if !active
        && seat.state == State::Active
        && let Some(refusal) = work.guarded()?
    {
        return Ok(Err(refusal));
    }
    let now_is = work.reseat(seat, wanted, active)?;
    let before = Wanted::read(known.writable())?;
    let renamed = (before.full_name() != wanted.full_name()).then_some(wanted);
    let key = |wanted: &Wanted| wanted.address.as_ref().map(|address| address.key().to_owned());
    let readdressed = wanted.address.as_ref().filter(|_| key(&before) != key(wanted));
    if renamed.is_some() || readdressed.is_some() {
        work.update_account(&seat.account, renamed, readdressed)?;
    }
    Ok(Ok(Settled {
        member: Some(seat.id.clone()),
        adopted: false,
        seat: now_is,
    }))
}

fn has_free_name(work: &mut Work<'_>, wanted: &Wanted, known: &Person) -> Result<(), ScimError> {
    let key = name_key(wanted.user_name());
    if name_key(user_name(&known.attributes)) == key {
        return Ok(());
    }
    match queries::named(work.conn, &work.caller.organization, &key)? {
        None => Ok(()),
        Some(_) => Err(name_is_taken()),
    }
}

fn name_is_taken() -> ScimError {
    ScimError {
        kind: Some(ScimType::Uniqueness),
        ..ScimError::new(409, "A user of this name is here already.")
    }
}

fn user_name(attributes: &Map<String, Value>) -> &str {
    attributes
        .get("userName")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The person as the transaction leaves them: as it is known, or else read again.
fn answer(
    work: &mut Work<'_>,
    (id, kept): (&str, Option<Kept>),
    wanted: &Wanted,
    projection: &Projection,
    status: u16,
) -> Result<Answer, ScimError> {
    let kept = match kept {
        Some(kept) => Some(kept),
        None => queries::find(work.conn, &work.caller.connection.id, id)?,
    };
    let kept = kept.ok_or_else(ScimError::not_found)?;
    let answer = one(work.conn, work.context, kept, projection, status)?;
    Ok(Answer {
        person: name_key(wanted.user_name()),
        decision: work.told(),
        ..answer
    })
}
