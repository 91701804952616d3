//! SQL of denials.

use diesel::prelude::*;

use super::filter::{Asking, Assigned, Wanted};
use super::model::{Denial, Note, State};
use super::remedy::Now;
use crate::access::MemberStanding;
use crate::store::schema::{accounts, connections, denial_notes, denials, invitations, members};
use crate::store::text::part;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, Run as _, id};
use crate::web::Paging;

/// A row as it is stored: the columns of `denials`, in the table's order.
#[derive(Queryable)]
struct Row {
    id: String,
    organization: String,
    person_key: String,
    email: String,
    email_key: String,
    domain: String,
    name: String,
    search_key: String,
    connection: Option<String>,
    reason: String,
    detail: String,
    state: String,
    note: String,
    attempts: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    last_sign_in: String,
    reference: String,
    invitation: Option<String>,
    settled_by: String,
    state_at: Timestamp,
    state_by: String,
    version: i64,
    asked_at: Option<Timestamp>,
    asked: String,
    assigned_account: String,
    assigned_name: String,
}

impl From<Row> for Denial {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            organization: row.organization,
            person_key: row.person_key,
            email: row.email,
            email_key: row.email_key,
            domain: row.domain,
            name: row.name,
            search_key: row.search_key,
            connection: row.connection,
            reason: row.reason,
            detail: row.detail,
            // The table checks the word.
            state: State::parse(&row.state).unwrap_or(State::Open),
            note: row.note,
            attempts: row.attempts,
            first_at: row.first_at,
            last_at: row.last_at,
            last_sign_in: row.last_sign_in,
            reference: row.reference,
            invitation: row.invitation,
            settled_by: row.settled_by,
            state_at: row.state_at,
            state_by: row.state_by,
            version: row.version,
            asked_at: row.asked_at,
            asked: row.asked,
            assigned_account: row.assigned_account,
            assigned_name: row.assigned_name,
        }
    }
}

/// The denial of this id in this organization.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Denial>> {
    let row: Option<Row> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::id.eq(id))
        .select(denials::all_columns)
        .first(conn)
        .optional()?;
    Ok(row.map(Denial::from))
}

pub fn find_by_person(conn: &mut Conn, organization: &str, person_key: &str) -> Result<Option<Denial>> {
    let row: Option<Row> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::person_key.eq(person_key))
        .select(denials::all_columns)
        .first(conn)
        .optional()?;
    Ok(row.map(Denial::from))
}

pub fn insert(conn: &mut Conn, denial: &Denial) -> Result<()> {
    diesel::insert_into(denials::table)
        .values((
            denials::id.eq(&denial.id),
            denials::organization_id.eq(&denial.organization),
            denials::person_key.eq(&denial.person_key),
            denials::email.eq(&denial.email),
            denials::email_key.eq(&denial.email_key),
            denials::domain.eq(&denial.domain),
            denials::name.eq(&denial.name),
            denials::search_key.eq(&denial.search_key),
            denials::connection_id.eq(&denial.connection),
            denials::reason.eq(&denial.reason),
            denials::detail.eq(&denial.detail),
            denials::state.eq(denial.state.as_str()),
            denials::attempts.eq(denial.attempts),
            denials::first_at.eq(denial.first_at),
            denials::last_at.eq(denial.last_at),
            denials::last_sign_in_id.eq(&denial.last_sign_in),
            denials::reference.eq(&denial.reference),
            denials::state_at.eq(denial.state_at),
        ))
        .run(conn)
        .map(drop)
}

pub fn update(conn: &mut Conn, denial: &Denial) -> Result<()> {
    diesel::update(denials::table.find(&denial.id))
        .set((
            denials::email.eq(&denial.email),
            denials::email_key.eq(&denial.email_key),
            denials::domain.eq(&denial.domain),
            denials::name.eq(&denial.name),
            denials::search_key.eq(&denial.search_key),
            denials::connection_id.eq(&denial.connection),
            denials::reason.eq(&denial.reason),
            denials::detail.eq(&denial.detail),
            denials::state.eq(denial.state.as_str()),
            denials::note.eq(&denial.note),
            denials::attempts.eq(denial.attempts),
            denials::last_at.eq(denial.last_at),
            denials::last_sign_in_id.eq(&denial.last_sign_in),
            denials::reference.eq(&denial.reference),
            denials::invitation_id.eq(&denial.invitation),
            denials::settled_by.eq(&denial.settled_by),
            denials::state_at.eq(denial.state_at),
            denials::state_by.eq(&denial.state_by),
            denials::version.eq(denial.version),
            denials::asked_at.eq(denial.asked_at),
            denials::asked.eq(&denial.asked),
            denials::assigned_account.eq(&denial.assigned_account),
            denials::assigned_name.eq(&denial.assigned_name),
        ))
        .run(conn)
        .map(drop)
}

pub fn settle(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    person_key: &str,
    sign_in: &str,
) -> Result<usize> {
    let waiting = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::person_key.eq(person_key))
        .filter(denials::state.eq_any(["open", "invited"]));
    diesel::update(waiting)
        .set((
            denials::state.eq(State::Settled.as_str()),
            denials::settled_by.eq(sign_in),
            denials::state_at.eq(now),
            denials::state_by.eq(""),
            denials::version.eq(denials::version + 1),
        ))
        .run(conn)
}

/// The folded address that an invitation of this organization is for.
pub fn address_of_invitation(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<String>> {
    invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::id.eq(id))
        .select(invitations::email_key)
        .first(conn)
        .optional()
}

/// The rows of one page of the list, in the direction that `paging` asks for.
pub fn page(
    conn: &mut Conn,
    organization: &str,
    wanted: &Wanted,
    one: Option<&str>,
    paging: &Paging,
) -> Result<Vec<Denial>> {
    let mut query = matching(organization, wanted, one)
        .select(denials::all_columns)
        .limit(Paging::limit());
    query = match (paging.moment(), paging.is_backwards()) {
        (Some((at, id)), false) => query
            .filter(denials::last_at.le(at))
            .filter(denials::last_at.lt(at).or(denials::id.lt(id))),
        (Some((at, id)), true) => query
            .filter(denials::last_at.ge(at))
            .filter(denials::last_at.gt(at).or(denials::id.gt(id))),
        (None, _) => query,
    };
    query = if paging.is_backwards() {
        query.order((denials::last_at.asc(), denials::id.asc()))
    } else {
        query.order((denials::last_at.desc(), denials::id.desc()))
    };
    let rows: Vec<Row> = query.load(conn)?;
    Ok(rows.into_iter().map(Denial::from).collect())
}

/// How many rows match, counted up to `most`. (A count of a limited subquery is not in diesel's
/// language for both databases; so many ids are read in well under a millisecond.)
pub fn count(
    conn: &mut Conn,
    organization: &str,
    wanted: &Wanted,
    one: Option<&str>,
    most: i64,
) -> Result<usize> {
    let ids: Vec<Timestamp> = matching(organization, wanted, one)
        .select(denials::last_at)
        .order((denials::last_at.desc(), denials::id.desc()))
        .limit(most)
        .load(conn)?;
    Ok(ids.len())
}

type Matching<'a> = denials::BoxedQuery<'a, <Conn as Connection>::Backend>;

/// Rows that match. `one` is the id that a reference led to.
fn matching<'a>(organization: &'a str, wanted: &Wanted, one: Option<&'a str>) -> Matching<'a> {
    let mut query = denials::table
        .filter(denials::organization_id.eq(organization))
        .into_boxed();
    if let Some(id) = one {
        query = query.filter(denials::id.eq(id));
    }
    if let Some(state) = wanted.state {
        query = query.filter(denials::state.eq(state.as_str()));
    }
    query = match wanted.asking {
        None => query,
        Some(Asking::Asks) => query.filter(denials::asked_at.ge(denials::state_at.nullable())),
        Some(Asking::Silent) => {
            let answered = denials::asked_at.lt(denials::state_at.nullable());
            query.filter(denials::asked_at.is_null().or(answered))
        }
    };
    if let Some(reason) = wanted.reason {
        query = query.filter(denials::reason.eq(reason.as_str()));
    }
    if let Some(connection) = wanted.connection.clone() {
        query = query.filter(denials::connection_id.eq(connection));
    }
    if let Some(domain) = wanted.domain.clone() {
        query = query.filter(denials::domain.eq(domain));
    }
    query = match &wanted.assigned {
        None => query,
        Some(Assigned::Nobody) => query.filter(denials::assigned_account.eq("")),
        Some(Assigned::To(account)) => query.filter(denials::assigned_account.eq(account.clone())),
    };
    if let Some(person) = &wanted.person {
        query = query.filter(denials::search_key.like(part(person)).escape('\\'));
    }
    if let Some(from) = wanted.from {
        query = query.filter(denials::last_at.ge(from));
    }
    if let Some(until) = wanted.until {
        query = query.filter(denials::last_at.lt(until));
    }
    query
}

/// Whether anybody was ever denied here.
pub fn any(conn: &mut Conn, organization: &str) -> Result<bool> {
    let one: Option<Timestamp> = denials::table
        .filter(denials::organization_id.eq(organization))
        .select(denials::last_at)
        .first(conn)
        .optional()?;
    Ok(one.is_some())
}

/// Ids and names of the organization's connections, by name.
pub fn connections(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    connections::table
        .filter(connections::organization_id.eq(organization))
        .order((connections::name, connections::id))
        .select((connections::id, connections::name))
        .load(conn)
}

/// Since when and by whose hand just-in-time provisioning is off at this connection; none where it is on.
pub fn jit_off(
    conn: &mut Conn,
    organization: &str,
    connection: &str,
) -> Result<Option<(Option<Timestamp>, String)>> {
    connections::table
        .filter(connections::organization_id.eq(organization))
        .filter(connections::id.eq(connection))
        .filter(connections::jit.eq(false))
        .select((connections::jit_changed_at, connections::jit_changed_by))
        .first(conn)
        .optional()
}

/// How the person stands now: by the account of the last attempt, or by the address.
pub fn now(
    conn: &mut Conn,
    organization: &str,
    account: Option<&str>,
    email_key: &str,
    at: Timestamp,
) -> Result<Now> {
    let members = members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .select((members::id, members::state))
        .into_boxed();
    let found: Option<(String, String)> = match account {
        Some(account) => members.filter(accounts::id.eq(account)).first(conn),
        None => members.filter(accounts::email_key.eq(email_key)).first(conn),
    }
    .optional()?;
    let invitation = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::email_key.eq(email_key))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(at))
        .select(invitations::id)
        .first(conn)
        .optional()?;
    Ok(Now {
        member: found.map(|(id, state)| (id, standing(&state))),
        invitation,
        domain: None,
    })
}

fn standing(word: &str) -> MemberStanding {
    match word {
        "active" => MemberStanding::Active,
        "deactivated" => MemberStanding::Deactivated,
        _ => MemberStanding::Removed,
    }
}

/// Those of these rows that the organization has.
pub fn find_many(conn: &mut Conn, organization: &str, ids: &[String]) -> Result<Vec<Denial>> {
    let rows: Vec<Row> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::id.eq_any(ids))
        .order((denials::last_at.desc(), denials::id.desc()))
        .select(denials::all_columns)
        .load(conn)?;
    Ok(rows.into_iter().map(Denial::from).collect())
}

/// The addresses of those of these rows that have a proper one.
///
/// # Errors
/// When the database refuses.
pub fn addresses(conn: &mut Conn, organization: &str, ids: &[String]) -> Result<Vec<String>> {
    denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::id.eq_any(ids))
        .filter(denials::email_key.ne(""))
        .order((denials::last_at.desc(), denials::id.desc()))
        .select(denials::email)
        .load(conn)
}

/// The rows of these addresses (folded) that wait or were let be.
pub fn of_addresses(conn: &mut Conn, organization: &str, email_keys: &[&str]) -> Result<Vec<Denial>> {
    let rows: Vec<Row> = denials::table
        .filter(denials::organization_id.eq(organization))
        .filter(denials::email_key.eq_any(email_keys))
        .filter(denials::state.eq_any(["open", "dismissed"]))
        .select(denials::all_columns)
        .load(conn)?;
    Ok(rows.into_iter().map(Denial::from).collect())
}

pub fn insert_note(
    conn: &mut Conn,
    now: Timestamp,
    denial: &str,
    (by_account, by_name): (&str, &str),
    text: &str,
) -> Result<()> {
    diesel::insert_into(denial_notes::table)
        .values((
            denial_notes::id.eq(id::new_id()),
            denial_notes::denial_id.eq(denial),
            denial_notes::at.eq(now),
            denial_notes::by_account.eq(by_account),
            denial_notes::by_name.eq(by_name),
            denial_notes::text.eq(text),
        ))
        .execute(conn)
        .map(drop)
}

/// What colleagues wrote, newest first.
pub fn notes(conn: &mut Conn, denial: &str, most: i64) -> Result<Vec<Note>> {
    let rows: Vec<(Timestamp, String, String)> = denial_notes::table
        .filter(denial_notes::denial_id.eq(denial))
        .order(denial_notes::id.desc())
        .limit(most)
        .select((denial_notes::at, denial_notes::by_name, denial_notes::text))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(at, by, text)| Note { at, by, text })
        .collect())
}

/// Account and name of those who can take care of a denial, by name.
pub fn carers(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    let rows: Vec<(String, String, String)> = members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .filter(members::role.eq_any(["admin", "owner"]))
        .order((accounts::name_key, accounts::id))
        .limit(200)
        .select((accounts::id, accounts::full_name, accounts::email))
        .load(conn)?;
    let named =
        |(id, name, email): (String, String, String)| (id, if name.is_empty() { email } else { name });
    Ok(rows.into_iter().map(named).collect())
}
