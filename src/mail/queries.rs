//! SQL of the outbox.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::letter::Kind;
use super::model::{Mailed, Outgoing, Settled, State};
use super::settings::{Requests, Settings};
use crate::access::{EmailAddress, Role};
use crate::store::old::{AT_A_TIME, Old};
use crate::store::schema::{accounts, letters, mail_server, mail_settings, members, organizations};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, Run as _, Sql};
use crate::web::Paging;

/// The states of a letter that is still to be sent.
const OPEN: [&str; 2] = ["waiting", "retrying"];
/// The key of the one row about the mail server.
const SERVER: &str = "smtp";

/// A letter about to be written down.
#[derive(Insertable)]
#[diesel(table_name = letters)]
pub(super) struct New<'a> {
    pub id: &'a str,
    pub organization_id: Option<&'a str>,
    pub kind: &'a str,
    pub recipient: &'a str,
    pub from_name: &'a str,
    pub subject: &'a str,
    pub about_kind: &'a str,
    pub about_id: &'a str,
    pub message_id: &'a str,
    pub body_sealed: &'a str,
    pub queued_at: Timestamp,
    pub since_at: Timestamp,
    pub due_at: Timestamp,
    pub useful_until: Option<Timestamp>,
}

pub(super) fn insert(conn: &mut Conn, new: &New<'_>) -> Result<()> {
    diesel::insert_into(letters::table)
        .values(new)
        .execute(conn)
        .map(drop)
}

/// Takes back what is not sent yet about these things. Answers how many letters those were.
pub(super) fn withdraw(
    conn: &mut Conn,
    now: Timestamp,
    about_kind: &str,
    about_ids: &[&str],
) -> Result<usize> {
    diesel::update(
        letters::table
            .filter(letters::about_kind.eq(about_kind))
            .filter(letters::about_id.eq_any(about_ids))
            .filter(letters::state.ne_all(["sent", "withdrawn"])),
    )
    .set((
        letters::state.eq(State::Withdrawn.as_str()),
        letters::body_sealed.eq(""),
        letters::settled_at.eq(now),
    ))
    .execute(conn)
}

/// Claims up to `most` letters that are due, in turn between organizations: the first of each, then the second of
/// each. On PostgreSQL those that another server claims at this moment are passed over.
pub(super) fn claim(
    conn: &mut Conn,
    now: Timestamp,
    claim: &str,
    until: Timestamp,
    most: i64,
) -> Result<Vec<Outgoing>> {
    let free = "state IN ('waiting', 'retrying') AND due_at <= $3 AND claimed_until <= $3";
    let skip = conn.skip_locked();
    let change = format!(
        "UPDATE letters SET claim = $1, claimed_until = $2, attempts = attempts + 1 WHERE id IN (
           SELECT id FROM letters WHERE {free} AND id IN (
             SELECT id FROM (
               SELECT id, due_at, ROW_NUMBER() OVER (
                 PARTITION BY COALESCE(organization_id, '') ORDER BY due_at, id) AS turn
               FROM letters WHERE {free}) AS due
             ORDER BY turn, due_at, id LIMIT {most}) {skip})"
    );
    diesel::sql_query(change)
        .bind::<Text, _>(claim)
        .bind::<BigInt, _>(until)
        .bind::<BigInt, _>(now)
        .execute(conn)?;
    let rows: Vec<Row> = letters::table
        .filter(letters::claim.eq(claim))
        .filter(letters::claimed_until.eq(until))
        .filter(letters::state.eq_any(OPEN))
        .order((letters::due_at, letters::id))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Row::outgoing).collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = letters)]
struct Row {
    id: String,
    recipient: String,
    from_name: String,
    subject: String,
    message_id: String,
    body_sealed: String,
    attempts: i64,
    queued_at: Timestamp,
    since_at: Timestamp,
    useful_until: Option<Timestamp>,
}

impl Row {
    fn outgoing(self) -> Outgoing {
        Outgoing {
            id: self.id,
            recipient: self.recipient,
            from_name: self.from_name,
            subject: self.subject,
            message_id: self.message_id,
            body_sealed: self.body_sealed,
            attempts: self.attempts,
            queued_at: self.queued_at,
            since_at: self.since_at,
            useful_until: self.useful_until,
        }
    }
}

/// Writes down what became of a letter that was tried. That it was sent counts whatever happened meanwhile; the
/// rest only while the claim holds.
pub(super) fn settle(
    conn: &mut Conn,
    now: Timestamp,
    id: &str,
    claim: &str,
    settled: &Settled,
) -> Result<()> {
    let free = (letters::claim.eq(""), letters::claimed_until.eq(0));
    let held = letters::table
        .find(id)
        .filter(letters::claim.eq(claim))
        .filter(letters::state.eq_any(OPEN));
    match settled {
        Settled::Sent => diesel::update(letters::table.find(id))
            .set((
                letters::state.eq(State::Sent.as_str()),
                letters::body_sealed.eq(""),
                letters::reason.eq(""),
                letters::settled_at.eq(now),
                free,
            ))
            .execute(conn),
        Settled::Again { at, reason } => diesel::update(held)
            .set((
                letters::state.eq(State::Retrying.as_str()),
                letters::due_at.eq(*at),
                letters::reason.eq(reason),
                free,
            ))
            .execute(conn),
        Settled::Dead { reason, keeps_body } => {
            if !keeps_body {
                diesel::update(held.clone())
                    .set(letters::body_sealed.eq(""))
                    .execute(conn)?;
            }
            diesel::update(held)
                .set((
                    letters::state.eq(State::Dead.as_str()),
                    letters::reason.eq(reason),
                    letters::settled_at.eq(now),
                    free,
                ))
                .execute(conn)
        }
    }
    .map(drop)
}

/// Notes how it went with the mail server. A fault stays noted until a letter was sent after it.
pub(super) fn note_server(conn: &mut Conn, now: Timestamp, fault: Option<&str>) -> Result<()> {
    // Both databases know this form; of two at once one does nothing.
    diesel::sql_query("INSERT INTO mail_server (id) VALUES ($1) ON CONFLICT (id) DO NOTHING")
        .bind::<Text, _>(SERVER)
        .execute(conn)?;
    let row = mail_server::table.find(SERVER);
    match fault {
        None => diesel::update(row)
            .set((mail_server::sent_at.eq(now), mail_server::fault.eq("")))
            .execute(conn),
        Some(fault) => diesel::update(row)
            .set((mail_server::fault_at.eq(now), mail_server::fault.eq(fault)))
            .execute(conn),
    }
    .map(drop)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = letters)]
struct Told {
    id: String,
    about_id: String,
    state: String,
    reason: String,
    queued_at: Timestamp,
    due_at: Timestamp,
    settled_at: Option<Timestamp>,
}

impl Told {
    fn mailed(self) -> (String, Mailed) {
        let mailed = Mailed {
            id: self.id,
            // The table's check leaves no other words.
            state: State::parse(&self.state).unwrap_or(State::Waiting),
            reason: self.reason,
            queued_at: self.queued_at,
            due_at: self.due_at,
            settled_at: self.settled_at,
        };
        (self.about_id, mailed)
    }
}

/// What became of the newest letter about each of these things, by their ids.
///
/// # Errors
/// When the database refuses.
pub fn states(
    conn: &mut Conn,
    organization: &str,
    about_kind: &str,
    about_ids: &[&str],
) -> Result<HashMap<String, Mailed>> {
    if about_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Told> = letters::table
        .filter(letters::organization_id.eq(organization))
        .filter(letters::about_kind.eq(about_kind))
        .filter(letters::about_id.eq_any(about_ids))
        .order(letters::id)
        .select(Told::as_select())
        .load(conn)?;
    // Ids sort by time: the last one stays.
    Ok(rows.into_iter().map(Told::mailed).collect())
}

/// What became of the newest letter about one thing.
///
/// # Errors
/// When the database refuses.
pub fn about(
    conn: &mut Conn,
    organization: &str,
    about_kind: &str,
    about_id: &str,
) -> Result<Option<Mailed>> {
    Ok(states(conn, organization, about_kind, &[about_id])?.remove(about_id))
}

/// Addresses of the organization's active people of this role or a higher one.
pub(super) fn people(conn: &mut Conn, organization: &str, least: Role) -> Result<Vec<EmailAddress>> {
    let roles: Vec<&str> = Role::ALL
        .iter()
        .filter(|role| **role >= least)
        .map(|role| role.as_str())
        .collect();
    let addresses: Vec<String> = members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .filter(members::role.eq_any(roles))
        .filter(accounts::state.eq("active"))
        .order(accounts::email_key)
        .select(accounts::email)
        .load(conn)?;
    Ok(addresses
        .iter()
        .filter_map(|address| EmailAddress::parse(address).ok())
        .collect())
}

/// What an organization wants to be written about.
///
/// # Errors
/// When the database refuses.
pub fn settings(conn: &mut Conn, organization: &str) -> Result<Settings> {
    let row: Option<(String, bool, i64, i64)> = mail_settings::table
        .find(organization)
        .select((
            mail_settings::requests,
            mail_settings::digest,
            mail_settings::reminder_days,
            mail_settings::version,
        ))
        .first(conn)
        .optional()?;
    Ok(
        row.map_or_else(Settings::default, |(requests, digest, reminder_days, version)| {
            Settings {
                requests: Requests::parse(&requests).unwrap_or(Requests::Now),
                digest,
                reminder_days,
                version,
            }
        }),
    )
}

/// Whoever writes holds the organization, so that no two insert the same row.
pub(super) fn save_settings(conn: &mut Conn, organization: &str, settings: &Settings) -> Result<()> {
    let values = (
        mail_settings::requests.eq(settings.requests.as_str()),
        mail_settings::digest.eq(settings.digest),
        mail_settings::reminder_days.eq(settings.reminder_days),
        mail_settings::version.eq(settings.version + 1),
    );
    let there = diesel::update(mail_settings::table.find(organization))
        .set(values)
        .execute(conn)?;
    if there == 0 {
        diesel::insert_into(mail_settings::table)
            .values((mail_settings::organization_id.eq(organization), values))
            .execute(conn)?;
    }
    Ok(())
}

/// A letter as lists show it. Its text is not among it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = letters)]
pub struct Kept {
    /// Its id; ids sort by time.
    pub id: String,
    /// The organization that it is of.
    #[diesel(column_name = organization_id)]
    pub organization: Option<String>,
    #[diesel(column_name = kind)]
    word: String,
    /// To whom.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// What it is about, such as `invitation`.
    pub about_kind: String,
    /// The id of that.
    pub about_id: String,
    #[diesel(column_name = state)]
    state_word: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it was not sent, as a sentence.
    pub reason: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it is tried next, while it waits.
    pub due_at: Timestamp,
    /// When it is of no use any more.
    pub useful_until: Option<Timestamp>,
    /// When it was sent or given up.
    pub settled_at: Option<Timestamp>,
    #[diesel(column_name = body_sealed)]
    body: String,
}

impl Kept {
    /// What it is for, in words for people.
    pub fn kind(&self) -> &str {
        Kind::parse(&self.word).map_or(self.word.as_str(), |kind| kind.title())
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        // The table's check leaves no other words.
        State::parse(&self.state_word).unwrap_or(State::Dead)
    }

    /// Whether it was given up and can be tried again.
    pub fn can_be_tried(&self, now: Timestamp) -> bool {
        self.state() == State::Dead && !self.body.is_empty() && self.useful_until.is_none_or(|end| end > now)
    }

    /// The reason without addresses, for whoever runs the installation and need not know people.
    pub fn reason_without_people(&self) -> String {
        let words = self.reason.split(' ');
        words
            .map(|word| if word.contains('@') { "…" } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    }
}

type Db = <Conn as diesel::Connection>::Backend;

fn paged(mut rows: letters::BoxedQuery<'_, Db>, conn: &mut Conn, paging: &Paging) -> Result<Vec<Kept>> {
    if let Some(key) = paging.key().map(str::to_owned) {
        rows = if paging.is_backwards() {
            rows.filter(letters::id.gt(key))
        } else {
            rows.filter(letters::id.lt(key))
        };
    }
    rows = if paging.is_backwards() {
        rows.order(letters::id.asc())
    } else {
        rows.order(letters::id.desc())
    };
    rows.select(Kept::as_select()).limit(Paging::limit()).load(conn)
}

/// One page of an organization's letters, newest first: of one state, or all that were neither sent nor taken back.
pub(super) fn page(
    conn: &mut Conn,
    organization: &str,
    state: Option<State>,
    paging: &Paging,
) -> Result<Vec<Kept>> {
    let states = match state {
        Some(state) => vec![state.as_str()],
        None => vec!["waiting", "retrying", "dead"],
    };
    let rows = letters::table
        .filter(letters::organization_id.eq(organization))
        .filter(letters::state.eq_any(states))
        .into_boxed();
    paged(rows, conn, paging)
}

/// One page of the letters of the whole installation that were given up, newest first, each with the name of its
/// organization.
///
/// # Errors
/// When the database refuses.
pub fn given_up(conn: &mut Conn, paging: &Paging) -> Result<Vec<(Kept, Option<String>)>> {
    let rows = letters::table.filter(letters::state.eq("dead")).into_boxed();
    let rows = paged(rows, conn, paging)?;
    let ids: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.organization.as_deref())
        .collect();
    let names: HashMap<String, String> = organizations::table
        .filter(organizations::id.eq_any(ids))
        .select((organizations::id, organizations::name))
        .load::<(String, String)>(conn)?
        .into_iter()
        .collect();
    let with_name = |row: Kept| {
        let name = row.organization.as_ref().and_then(|id| names.get(id).cloned());
        (row, name)
    };
    Ok(rows.into_iter().map(with_name).collect())
}

/// Makes letters wait again that were given up. Answers those for which it did.
pub(super) fn again(
    conn: &mut Conn,
    now: Timestamp,
    organization: Option<&str>,
    ids: &[String],
) -> Result<Vec<Kept>> {
    let mut rows = letters::table
        .filter(letters::id.eq_any(ids))
        .filter(letters::state.eq("dead"))
        .into_boxed::<Db>();
    if let Some(organization) = organization {
        rows = rows.filter(letters::organization_id.eq(organization));
    }
    let found: Vec<Kept> = rows.select(Kept::as_select()).load(conn)?;
    let found: Vec<Kept> = found
        .into_iter()
        .filter(|letter| letter.can_be_tried(now))
        .collect();
    let ids: Vec<&str> = found.iter().map(|letter| letter.id.as_str()).collect();
    let waiting = letters::table
        .filter(letters::id.eq_any(ids))
        .filter(letters::state.eq("dead"));
    diesel::update(waiting)
        .set((
            letters::state.eq(State::Waiting.as_str()),
            letters::attempts.eq(0),
            letters::since_at.eq(now),
            letters::due_at.eq(now),
            letters::settled_at.eq(None::<Timestamp>),
        ))
        .execute(conn)?;
    Ok(found)
}

/// How many letters of a kind were queued for an organization since a moment.
///
/// # Errors
/// When the database refuses.
pub fn since(conn: &mut Conn, organization: &str, kind: Kind, since: Timestamp) -> Result<i64> {
    letters::table
        .filter(letters::organization_id.eq(organization))
        .filter(letters::kind.eq(kind.as_str()))
        .filter(letters::queued_at.ge(since))
        .count()
        .get_result(conn)
}

/// How it went with the mail server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = mail_server)]
pub struct Server {
    /// When it took a letter last.
    pub sent_at: Option<Timestamp>,
    /// When it could not be used last.
    pub fault_at: Option<Timestamp>,
    /// Why not; empty where it has taken a letter since.
    pub fault: String,
}

/// How it went with the mail server.
///
/// # Errors
/// When the database refuses.
pub fn server(conn: &mut Conn) -> Result<Server> {
    let row = mail_server::table.find(SERVER).select(Server::as_select());
    Ok(row.first(conn).optional()?.unwrap_or_default())
}

/// How many letters there are in a state, and since when the oldest of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The state.
    pub state: State,
    /// How many.
    pub letters: i64,
    /// When the oldest of them was queued.
    pub oldest: Timestamp,
}

/// The letters of the whole installation, counted by state.
///
/// # Errors
/// When the database refuses.
pub fn tally(conn: &mut Conn) -> Result<Vec<Tally>> {
    let rows: Vec<(String, i64, Option<Timestamp>)> = letters::table
        .group_by(letters::state)
        .select((
            letters::state,
            diesel::dsl::count_star(),
            diesel::dsl::min(letters::queued_at),
        ))
        .load(conn)?;
    let read = |(state, letters, oldest): (String, i64, Option<Timestamp>)| {
        Some(Tally {
            state: State::parse(&state)?,
            letters,
            oldest: oldest.unwrap_or_default(),
        })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Deletes some of what was settled before `kept`, and blanks some of what was given up before `text`.
pub(super) fn sweep(conn: &mut Conn, kept: Timestamp, text: Timestamp) -> Result<usize> {
    let gone = Old::of("letters", "id", "settled_at").take_away(conn, kept)?;
    // What is given up is in an index of its own as long as it has a text.
    let dead = Sql::new(format!(
        "UPDATE letters SET body_sealed = '' WHERE id IN (SELECT id FROM letters \
         WHERE settled_at < ? AND state = 'dead' AND body_sealed <> '' ORDER BY settled_at LIMIT {AT_A_TIME})"
    ));
    Ok(gone + dead.number(text).run(conn)?)
}
