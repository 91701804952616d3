//! Asking what would happen. Nothing is written.

use super::changed::{changed, otherwise};
use super::model::{Changes, Effects, Explained, Question, Seats, in_words, renamed};
use crate::access::{Identity, InvitationStanding, Seats as SeatStanding};
use crate::accounts;
use crate::break_glass;
use crate::connections;
use crate::sign_in::{Ground, Person, foresee};
use crate::sign_ins::{self, SignIn, as_reference};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::teams;
use crate::web::Problem;

/// Says what would happen if this person came now to this organization; and where something is supposed to be otherwise,
/// what happens as it is, beside it.
///
/// # Errors
/// `NotFound` where the organization has no such connection or sign-in; `Invalid` where the address is none, there is no
/// draft, or no such team.
pub fn explain(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    question: &Question,
) -> Result<Explained, Problem> {
    let question = &completed(conn, organization, question.clone())?;
    let id = connection(conn, organization, &question.connection)?;
    let ground = Ground::load(conn, organization, &id)?.ok_or(Problem::NotFound)?;
    let mut identity = question.identity(&id).map_err(Problem::Invalid)?;
    as_linked(conn, &mut identity)?;
    let as_it_is = Changes::default();
    let today = judged(conn, now, &ground, &identity, (question, &as_it_is))?;
    let changes = &question.changes;
    if *changes == as_it_is {
        return Ok(today);
    }
    let (drafted, identity, notes) = changed(conn, ground, identity, changes)?;
    let ground = drafted.otherwise(&otherwise(conn, organization, changes, &identity)?);
    let mut then = judged(conn, now, &ground, &identity, (question, changes))?;
    then.notes.extend(notes);
    then.today = Some(Box::new(today));
    Ok(then)
}

/// What keeps somebody out before any rule is asked.
fn notes(conn: &mut Conn, organization: &str, person: &Person) -> Result<Vec<String>, Problem> {
    let Some(account) = &person.account else {
        return Ok(Vec::new());
    };
    let is_named = break_glass::is_named(conn, organization, &account.id)?;
    let sentence = "This is an owner for emergencies, who never comes by single sign-on: whatever the rules say, such a \
                    sign-in is refused.";
    Ok(is_named.then(|| sentence.to_owned()).into_iter().collect())
}

/// What this ground's rules do with this person.
fn judged(
    conn: &mut Conn,
    now: Timestamp,
    ground: &Ground,
    identity: &Identity,
    (question, changes): (&Question, &Changes),
) -> Result<Explained, Problem> {
    let id = &ground.connection.id;
    let mut here = ground.people(conn, now, &[identity], None)?;
    let mut person = here.people.pop().ok_or(Problem::NotFound)?;
    suppose(&mut person, question, changes);
    let mapped = match &person.member {
        Some(member) => teams::mapped(conn, &member.id, id)?,
        None => std::collections::BTreeSet::new(),
    };
    let foreseen = foresee(&ground.connection, &here.policy, identity, &person, &mapped);
    let names = teams::list(conn, &ground.organization.id)?;
    let named = |ids: &[String]| {
        let known = names.iter().filter(|team| ids.contains(&team.id));
        known.map(|team| team.name.clone()).collect()
    };
    let before = person.account.as_ref().map(|account| account.full_name.as_str());
    let name = renamed(
        foreseen.decision.verdict.account(),
        before,
        identity.name.display(),
    );
    let (outcome, reason, detail, sentence) = in_words(&foreseen.decision);
    Ok(Explained {
        connection: ground.connection.name.clone(),
        is_on: ground.is_on(),
        email: identity
            .email
            .as_ref()
            .map(|email| email.as_str().to_owned())
            .unwrap_or_default(),
        outcome,
        reason,
        detail,
        sentence,
        effects: Effects::of(&foreseen, named, name),
        lines: SignIn::lines_of(
            &foreseen.decision.trace,
            &person.judged(&ground.connection, &ground.mapping, identity),
            Some(id),
        ),
        trace: foreseen.decision.trace.steps().to_vec(),
        notes: notes(conn, &ground.organization.id, &person)?,
        today: None,
    })
}

/// The question with what a recorded sign-in says of the person, where it does not say so itself.
fn completed(conn: &mut Conn, organization: &str, question: Question) -> Result<Question, Problem> {
    let named = question.sign_in.trim();
    if named.is_empty() {
        return Ok(question);
    }
    let known = match as_reference(named) {
        Some(reference) => sign_ins::find_by_reference(conn, organization, &reference)?.map(|(id, _)| id),
        None => None,
    };
    let id = known.as_deref().unwrap_or(named);
    let record = sign_ins::find(conn, organization, id)?
        .ok_or_else(|| Problem::Invalid("No sign-in of this organization has this reference.".to_owned()))?;
    Ok(Question {
        connection: match record.connection {
            Some(id) if question.connection.is_empty() => id,
            _ => question.connection,
        },
        email: question.email.or(Some(record.email)),
        email_verified: question.email_verified.or(record.email_verified),
        name: question.name.or(Some(record.name)),
        groups: question.groups.or(record.groups),
        issuer: question.issuer.or(Some(record.issuer)),
        subject: question.subject.or(Some(record.subject)),
        ..question
    })
}

fn connection(conn: &mut Conn, organization: &str, named: &str) -> Result<String, Problem> {
    let all = connections::list(conn, organization)?;
    let found = all.into_iter().find(|one| one.slug == named || one.id == named);
    found.map(|one| one.id).ok_or_else(|| {
        Problem::Invalid(format!(
            "There is no connection called “{named}”. Use its short name."
        ))
    })
}

/// Somebody whose account is known by the address comes with the identity by which it is linked.
fn as_linked(conn: &mut Conn, identity: &mut Identity) -> Result<(), Problem> {
    let (Some(email), true) = (&identity.email, identity.subject.is_empty()) else {
        return Ok(());
    };
    if let Some(account) = accounts::find_by_email(conn, email)?
        && let Some((issuer, subject)) = accounts::identity_at(conn, &identity.connection, &account.id)?
    {
        identity.issuer = issuer;
        identity.subject = subject;
    }
    Ok(())
}

/// What is supposed of this person alone.
fn suppose(person: &mut Person, question: &Question, changes: &Changes) {
    if let InvitationStanding::Pending { proves_mailbox, .. } = &mut person.standing.invitation {
        *proves_mailbox = question.link;
    }
    match changes.seats {
        None => {}
        Some(Seats::Free) => person.standing.seats = SeatStanding::Free,
        Some(Seats::Full) => person.standing.seats = SeatStanding::Full,
    }
}
