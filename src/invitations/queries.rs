//! SQL of invitations.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Text};

use super::model::{Found, Invitation, Known, LINKS_FOR_ONE, State, TeamName};
use crate::access::{InvitationStanding, Role};
use crate::store::schema::{accounts, invitation_teams, invitations, members, teams};
use crate::store::sql::{Sql, Value};
use crate::store::text::{part, places};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, Result};
use crate::web::{Paging, Slice};

/// How many rows one statement writes: SQLite takes 32,766 values.
const AT_ONCE: usize = 500;

#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations)]
struct Row {
    id: String,
    organization_id: String,
    email: String,
    email_key: String,
    role: String,
    state: String,
    token_hash: String,
    expires_at: Timestamp,
    invited_by: String,
    invited_by_name: String,
    created_at: Timestamp,
    sent_at: Timestamp,
    settled_at: Option<Timestamp>,
    member_id: Option<String>,
    version: i64,
}

impl Row {
    fn with(self, teams: Vec<TeamName>) -> Invitation {
        Invitation {
            id: self.id,
            organization: self.organization_id,
            email: self.email,
            email_key: self.email_key,
            // The table's checks leave no other words.
            role: Role::parse(&self.role).unwrap_or(Role::Member),
            stored: State::parse(&self.state).unwrap_or(State::Closed),
            token_hash: self.token_hash,
            expires_at: self.expires_at,
            invited_by: self.invited_by,
            invited_by_name: self.invited_by_name,
            created_at: self.created_at,
            sent_at: self.sent_at,
            settled_at: self.settled_at,
            member: self.member_id,
            version: self.version,
            teams,
        }
    }
}

fn with_teams(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<Invitation>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let named: Vec<(String, String, String)> = invitation_teams::table
        .inner_join(teams::table)
        .filter(invitation_teams::invitation_id.eq_any(ids))
        .order((teams::name_key, teams::id))
        .select((invitation_teams::invitation_id, teams::id, teams::name))
        .load(conn)?;
    let mut by_invitation: HashMap<String, Vec<TeamName>> = HashMap::new();
    for (invitation, id, name) in named {
        by_invitation
            .entry(invitation)
            .or_default()
            .push(TeamName { id, name });
    }
    let teams_of = |row: Row| {
        let teams = by_invitation.remove(&row.id).unwrap_or_default();
        row.with(teams)
    };
    Ok(rows.into_iter().map(teams_of).collect())
}

/// The invitation with this id, if it is this organization's.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Invitation>> {
    Ok(find_many(conn, organization, &[id.to_owned()])?.pop())
}

/// Those of these invitations that are this organization's, by address.
pub(super) fn find_many(conn: &mut Conn, organization: &str, ids: &[String]) -> Result<Vec<Invitation>> {
    let rows = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::id.eq_any(ids))
        .order((invitations::email_key, invitations::id))
        .select(Row::as_select())
        .load(conn)?;
    with_teams(conn, rows)
}

/// The invitation whose link has this token, by the token's hash, in whatever state.
///
/// # Errors
/// When the database refuses.
pub fn by_token(conn: &mut Conn, token_hash: &str) -> Result<Option<Invitation>> {
    let row: Option<Row> = invitations::table
        .filter(invitations::token_hash.eq(token_hash))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(with_teams(conn, row.into_iter().collect())?.pop())
}

/// What the organization's invitations say about people, each of whom has these addresses (folded); in the
/// order in which they are asked about. The token's hash is that of the browser, where one is there.
///
/// # Errors
/// When the database refuses.
pub fn standings(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    people: &[Vec<String>],
    token_hash: Option<&str>,
) -> Result<Vec<Found>> {
    let offers = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .order((invitations::sent_at.desc(), invitations::id.desc()))
        .select(Row::as_select())
        .into_boxed();
    // A plain comparison has one text, which is prepared once.
    let keys: BTreeSet<&String> = people.iter().flatten().collect();
    let rows = match (keys.first(), keys.len()) {
        (Some(key), 1) => offers.filter(invitations::email_key.eq(*key)).load(conn)?,
        _ => offers.filter(invitations::email_key.eq_any(keys)).load(conn)?,
    };
    let all = with_teams(conn, rows)?;
    let mut by_address: HashMap<&str, Vec<&Invitation>> = HashMap::new();
    for one in &all {
        by_address.entry(&one.email_key).or_default().push(one);
    }
    let mut found = Vec::with_capacity(people.len());
    for addresses in people {
        let theirs = addresses.iter().filter_map(|key| by_address.get(key.as_str()));
        let mut theirs: Vec<&Invitation> = theirs.flatten().copied().collect();
        theirs.sort_by(|one, other| (other.sent_at, &other.id).cmp(&(one.sent_at, &one.id)));
        let judged = Found::judge(&theirs, now, token_hash);
        found.push(match token_hash {
            Some(hash) if judged.standing == InvitationStanding::None => {
                for_another(conn, now, organization, addresses, hash)?.unwrap_or(judged)
            }
            _ => judged,
        });
    }
    Ok(found)
}

/// What the organization's invitations say about one person with these addresses (folded).
///
/// # Errors
/// When the database refuses.
pub fn standing(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    email_keys: &[String],
    token_hash: Option<&str>,
) -> Result<Found> {
    let mut found = standings(conn, now, organization, &[email_keys.to_vec()], token_hash)?;
    Ok(found.pop().unwrap_or_else(Found::nothing))
}

/// Whether the browser carries the link of an invitation for somebody else's address.
fn for_another(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    email_keys: &[String],
    token_hash: &str,
) -> Result<Option<Found>> {
    let carried = by_token(conn, token_hash)?.filter(|other| {
        other.organization == organization
            && other.state(now) == State::Pending
            && !email_keys.contains(&other.email_key)
    });
    Ok(carried.map(|other| Found::by(&other, InvitationStanding::OtherAddress)))
}

/// What the organization knows already about these addresses (folded). An invitation whose time is over
/// is not known, nor is a removed member.
pub(super) fn known(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    email_keys: &[String],
) -> Result<BTreeMap<String, Known>> {
    let invited: Vec<String> = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::email_key.eq_any(email_keys))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(now))
        .select(invitations::email_key)
        .load(conn)?;
    let people: Vec<(String, String)> = members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.ne("removed"))
        .filter(accounts::email_key.eq_any(email_keys))
        .select((accounts::email_key, members::state))
        .load(conn)?;
    let often = links_of(conn, now, organization, email_keys)?;
    let often = often.into_iter().filter(|(_, links)| *links >= LINKS_FOR_ONE);
    let mut known: BTreeMap<_, _> = often.map(|(key, _)| (key, Known::TooOften)).collect();
    known.extend(invited.into_iter().map(|key| (key, Known::Invited)));
    // What one is counts more than what one was offered.
    known.extend(people.into_iter().map(|(key, state)| {
        let is_active = state == "active";
        (
            key,
            if is_active {
                Known::Member
            } else {
                Known::Deactivated
            },
        )
    }));
    Ok(known)
}

/// The names of those of these teams that the organization has.
pub(super) fn team_names(
    conn: &mut Conn,
    organization: &str,
    ids: &[String],
) -> Result<BTreeMap<String, String>> {
    let named: Vec<(String, String)> = teams::table
        .filter(teams::organization_id.eq(organization))
        .filter(teams::id.eq_any(ids))
        .select((teams::id, teams::name))
        .load(conn)?;
    Ok(named.into_iter().collect())
}

/// The invitation of this address that the table calls pending, expired or not.
pub(super) fn open_id(conn: &mut Conn, organization: &str, email_key: &str) -> Result<Option<String>> {
    let mut open = open_ids(conn, organization, &[email_key.to_owned()])?;
    Ok(open.remove(email_key))
}

/// Those of these addresses (folded) that have an invitation which the table calls pending, expired or not.
pub(super) fn open_ids(
    conn: &mut Conn,
    organization: &str,
    email_keys: &[String],
) -> Result<BTreeMap<String, String>> {
    let open: Vec<(String, String)> = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::email_key.eq_any(email_keys))
        .filter(invitations::state.eq("pending"))
        .select((invitations::email_key, invitations::id))
        .load(conn)?;
    Ok(open.into_iter().collect())
}

/// How many links the organization made today.
pub(super) fn links_today(conn: &mut Conn, now: Timestamp, organization: &str) -> Result<i64> {
    let links: Vec<i64> = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::links_day.eq(now.div_euclid(DAY)))
        .select(invitations::links)
        .load(conn)?;
    Ok(links.into_iter().sum())
}

/// How many links the organization made today for each of these addresses (folded).
pub(super) fn links_of(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    email_keys: &[String],
) -> Result<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::email_key.eq_any(email_keys))
        .filter(invitations::links_day.eq(now.div_euclid(DAY)))
        .select((invitations::email_key, invitations::links))
        .load(conn)?;
    let mut links = BTreeMap::new();
    for (key, some) in rows {
        *links.entry(key).or_default() += some;
    }
    Ok(links)
}

/// What is the same for all links that are made at once.
#[derive(Clone, Copy)]
pub(super) struct Made<'a> {
    pub organization: &'a str,
    pub now: Timestamp,
    pub expires_at: Timestamp,
    pub invited_by: &'a str,
    pub invited_by_name: &'a str,
}

/// An invitation's id, the hash of its new token, and what it offers.
pub(super) type Fresh<'a> = (&'a str, &'a str, &'a super::New);

type Statement<'a> = BoxedSqlQuery<'a, Db, SqlQuery>;

fn statement<'a>(text: String) -> Statement<'a> {
    diesel::sql_query(text).into_boxed()
}

/// Makes these invitations.
pub(super) fn insert(conn: &mut Conn, made: Made<'_>, fresh: &[Fresh<'_>]) -> Result<()> {
    let (now, day) = (made.now, made.now.div_euclid(DAY));
    for some in fresh.chunks(AT_ONCE) {
        let text = format!(
            "INSERT INTO invitations (id, organization_id, email, email_key, role, state, token_hash, expires_at, \
             invited_by, invited_by_name, created_at, sent_at, links_day, links) VALUES {}",
            places(some.len(), 14)
        );
        let bound = some.iter().fold(statement(text), |text, (id, hash, new)| {
            text.bind::<Text, _>(*id)
                .bind::<Text, _>(made.organization)
                .bind::<Text, _>(new.email.as_str())
                .bind::<Text, _>(new.email.key())
                .bind::<Text, _>(new.role.as_str())
                .bind::<Text, _>("pending")
                .bind::<Text, _>(*hash)
                .bind::<BigInt, _>(made.expires_at)
                .bind::<Text, _>(made.invited_by)
                .bind::<Text, _>(made.invited_by_name)
                .bind::<BigInt, _>(now)
                .bind::<BigInt, _>(now)
                .bind::<BigInt, _>(day)
                .bind::<BigInt, _>(1)
        });
        bound.execute(conn)?;
    }
    set_teams(conn, fresh)
}

/// Expired invitations become new ones.
pub(super) fn replace(conn: &mut Conn, made: Made<'_>, fresh: &[Fresh<'_>]) -> Result<()> {
    let links: Vec<(&str, &str)> = fresh.iter().map(|(id, hash, _)| (*id, *hash)).collect();
    relink(conn, made, &links)?;
    for some in fresh.chunks(AT_ONCE) {
        let text = format!(
            "UPDATE invitations SET email = offer.column2, role = offer.column3, created_at = sent_at \
             FROM (VALUES {}) AS offer WHERE invitations.id = offer.column1",
            places(some.len(), 3)
        );
        let bound = some.iter().fold(statement(text), |text, (id, _, new)| {
            text.bind::<Text, _>(*id)
                .bind::<Text, _>(new.email.as_str())
                .bind::<Text, _>(new.role.as_str())
        });
        bound.execute(conn)?;
        let ids: Vec<&str> = some.iter().map(|(id, ..)| *id).collect();
        diesel::delete(invitation_teams::table.filter(invitation_teams::invitation_id.eq_any(ids)))
            .execute(conn)?;
    }
    set_teams(conn, fresh)
}

/// Gives invitations (id, hash of the new token) other links and makes them wait.
pub(super) fn relink(conn: &mut Conn, made: Made<'_>, links: &[(&str, &str)]) -> Result<()> {
    let day = made.now.div_euclid(DAY);
    for some in links.chunks(AT_ONCE) {
        let ids: Vec<&str> = some.iter().map(|(id, _)| *id).collect();
        let again = invitations::table.filter(invitations::id.eq_any(&ids));
        let today = again.clone().filter(invitations::links_day.eq(day));
        diesel::update(today)
            .set(invitations::links.eq(invitations::links + 1))
            .execute(conn)?;
        diesel::update(again.clone().filter(invitations::links_day.ne(day)))
            .set((invitations::links_day.eq(day), invitations::links.eq(1)))
            .execute(conn)?;
        diesel::update(again)
            .set((
                invitations::state.eq("pending"),
                invitations::expires_at.eq(made.expires_at),
                invitations::sent_at.eq(made.now),
                invitations::invited_by.eq(made.invited_by),
                invitations::invited_by_name.eq(made.invited_by_name),
                invitations::settled_at.eq(None::<Timestamp>),
                invitations::member_id.eq(None::<String>),
                invitations::version.eq(invitations::version + 1),
            ))
            .execute(conn)?;
        let text = format!(
            "UPDATE invitations SET token_hash = link.column2 FROM (VALUES {}) AS link \
             WHERE invitations.id = link.column1",
            places(some.len(), 2)
        );
        let bound = some.iter().fold(statement(text), |text, (id, hash)| {
            text.bind::<Text, _>(*id).bind::<Text, _>(*hash)
        });
        bound.execute(conn)?;
    }
    Ok(())
}

fn set_teams(conn: &mut Conn, fresh: &[Fresh<'_>]) -> Result<()> {
    let pairs: Vec<(&str, &str)> = fresh
        .iter()
        .flat_map(|(id, _, new)| new.teams.iter().map(|team| (*id, team.as_str())))
        .collect();
    for some in pairs.chunks(AT_ONCE) {
        let text = format!(
            "INSERT INTO invitation_teams (invitation_id, team_id) VALUES {} ON CONFLICT DO NOTHING",
            places(some.len(), 2)
        );
        let bound = some.iter().fold(statement(text), |text, (id, team)| {
            text.bind::<Text, _>(*id).bind::<Text, _>(*team)
        });
        bound.execute(conn)?;
    }
    Ok(())
}

/// Ends an invitation that the table calls pending. Answers whether it was this call that did.
pub(super) fn settle(
    conn: &mut Conn,
    now: Timestamp,
    id: &str,
    state: State,
    member: Option<&str>,
) -> Result<bool> {
    Ok(settle_all(conn, now, &[id], state, member)? == 1)
}

/// Ends those of these invitations that the table calls pending. Answers how many it ended.
pub(super) fn settle_all(
    conn: &mut Conn,
    now: Timestamp,
    ids: &[&str],
    state: State,
    member: Option<&str>,
) -> Result<usize> {
    diesel::update(
        invitations::table
            .filter(invitations::id.eq_any(ids))
            .filter(invitations::state.eq("pending")),
    )
    .set((
        invitations::state.eq(state.as_str()),
        invitations::settled_at.eq(now),
        invitations::member_id.eq(member),
        invitations::version.eq(invitations::version + 1),
    ))
    .execute(conn)
}

/// The invitation with this id, whosever it is.
pub(super) fn load(conn: &mut Conn, id: &str) -> Result<Option<Invitation>> {
    let row: Option<Row> = invitations::table
        .find(id)
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(with_teams(conn, row.into_iter().collect())?.pop())
}

/// The role of this active member.
pub(super) fn role(conn: &mut Conn, organization: &str, member: &str) -> Result<Option<Role>> {
    let role: Option<String> = members::table
        .find(member)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .select(members::role)
        .first(conn)
        .optional()?;
    Ok(role.and_then(|role| Role::parse(&role)))
}

/// What a list of invitations is to show.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// How the address begins; empty for all.
    pub address: String,
    /// The state; none for all.
    pub state: Option<State>,
}

impl Wanted {
    /// From the fields of an address; a word that is no state asks for all.
    pub fn of(address: &str, state: &str) -> Self {
        Self {
            address: address.trim().to_owned(),
            state: State::parse(state),
        }
    }
}

type Db = <Conn as diesel::Connection>::Backend;

/// Up to so many invitations are looked at one by one, where an address finds that many.
const FEW: i64 = 1_000;

/// Those whose addresses begin so: their ids where they are few, and nothing where they are many.
fn among(conn: &mut Conn, organization: &str, wanted: &Wanted) -> Result<Option<Vec<String>>> {
    if wanted.address.is_empty() {
        return Ok(None);
    }
    let from = wanted.address.to_ascii_lowercase();
    let ids: Vec<String> = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::email_key.ge(&from))
        .filter(invitations::email_key.lt(format!("{from}\u{10ffff}")))
        .select(invitations::id)
        .limit(FEW + 1)
        .load(conn)?;
    let few = i64::try_from(ids.len()).unwrap_or(i64::MAX) <= FEW;
    Ok(few.then_some(ids))
}

fn wanted_rows<'a>(
    organization: &'a str,
    now: Timestamp,
    wanted: &Wanted,
    among: Option<Vec<String>>,
) -> invitations::BoxedQuery<'a, Db> {
    let mut rows = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .into_boxed::<Db>();
    if let Some(ids) = among {
        rows = rows.filter(invitations::id.eq_any(ids));
    } else if !wanted.address.is_empty() {
        let begins = part(&wanted.address.to_ascii_lowercase());
        let begins = begins.trim_start_matches('%').to_owned();
        rows = rows.filter(invitations::email_key.like(begins).escape('\\'));
    }
    match wanted.state {
        None => rows,
        // The sum keeps SQLite from sorting all that wait: the newest are found at once, in their order.
        Some(State::Pending) => rows
            .filter(invitations::state.eq("pending"))
            .filter((invitations::expires_at + 0).gt(now)),
        Some(State::Expired) => rows
            .filter(invitations::state.eq("pending"))
            .filter(invitations::expires_at.le(now)),
        Some(state) => rows.filter(invitations::state.eq(state.as_str())),
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How many there are by the database's own count; of those that end within this hour each is looked at.
fn counted(conn: &mut Conn, organization: &str, now: Timestamp, state: Option<State>) -> Result<i64> {
    let sum = "SELECT CAST(COALESCE(SUM(c.invitations), 0) AS BIGINT) FROM invitation_counts c WHERE c.organization_id = ";
    let this_hour = now.div_euclid(3_600_000);
    let mut sql = Sql::new("SELECT (");
    sql.add(sum).bind(organization);
    match state {
        None => sql.add(")"),
        Some(State::Pending | State::Expired) => {
            let (hours, moments) = if state == Some(State::Pending) {
                (">", ">")
            } else {
                ("<", "<=")
            };
            sql.add(&format!(" AND c.state = 'pending' AND c.hour {hours} "))
                .value(Value::Number(this_hour))
                .add(") + (SELECT COUNT(*) FROM invitations i WHERE i.state = 'pending' AND i.organization_id = ")
                .bind(organization)
                .add(&format!(" AND i.expires_at {moments} "))
                .value(Value::Number(now))
                .add(" AND i.expires_at >= ")
                .value(Value::Number(this_hour * 3_600_000))
                .add(" AND i.expires_at < ")
                .value(Value::Number((this_hour + 1) * 3_600_000))
                .add(")")
        }
        Some(state) => sql.add(" AND c.state = ").bind(state.as_str()).add(")"),
    };
    sql.add(" AS number");
    Ok(sql.load::<Number>(conn)?.pop().map_or(0, |one| one.number))
}

/// Those that match, newest first, up to so many: of the states that `act` is for.
pub(super) fn matching(
    conn: &mut Conn,
    organization: &str,
    now: Timestamp,
    wanted: &Wanted,
    states: &[State],
    most: i64,
) -> Result<Vec<Invitation>> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let among = among(conn, organization, wanted)?;
    let rows = wanted_rows(organization, now, wanted, among)
        .filter(invitations::state.eq_any(states))
        .order((invitations::created_at.desc(), invitations::id.desc()))
        .limit(most)
        .select(Row::as_select())
        .load(conn)?;
    with_teams(conn, rows)
}

/// One page of them, newest first; those that expired by when they did, last first. Also how many there are; nothing
/// where an address finds so many that counting them would take long.
pub(super) fn page(
    conn: &mut Conn,
    organization: &str,
    now: Timestamp,
    wanted: &Wanted,
    paging: &Paging,
) -> Result<(Slice<Invitation>, Option<i64>)> {
    let among = among(conn, organization, wanted)?;
    let total = match &among {
        None if wanted.address.is_empty() => Some(counted(conn, organization, now, wanted.state)?),
        None => None,
        Some(ids) => {
            let few = wanted_rows(organization, now, wanted, Some(ids.clone()));
            Some(few.count().get_result(conn)?)
        }
    };
    let rows = in_order(conn, organization, now, (wanted, among), paging, Paging::limit())?;
    let key = |one: &Invitation| moment_key(one, wanted);
    Ok((Slice::cut(rows, paging, key), total))
}

/// Those behind a key, in the order of [`page`], up to so many; and the key of the last one where there may be more.
pub(super) fn some(
    conn: &mut Conn,
    organization: &str,
    now: Timestamp,
    wanted: &Wanted,
    after: String,
    most: i64,
) -> Result<(Vec<Invitation>, Option<String>)> {
    let paging = Paging {
        after,
        before: String::new(),
    };
    let among = among(conn, organization, wanted)?;
    let rows = in_order(conn, organization, now, (wanted, among), &paging, most)?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|number| number >= most);
    let last = rows.last().filter(|_| is_full).map(|one| moment_key(one, wanted));
    Ok((rows, last))
}

fn is_by_expiry(wanted: &Wanted) -> bool {
    wanted.state == Some(State::Expired)
}

fn moment_key(one: &Invitation, wanted: &Wanted) -> String {
    let at = if is_by_expiry(wanted) {
        one.expires_at
    } else {
        one.created_at
    };
    Paging::moment_key(at, &one.id)
}

fn in_order(
    conn: &mut Conn,
    organization: &str,
    now: Timestamp,
    (wanted, among): (&Wanted, Option<Vec<String>>),
    paging: &Paging,
    most: i64,
) -> Result<Vec<Invitation>> {
    let rows = wanted_rows(organization, now, wanted, among).limit(most);
    macro_rules! in_order_of {
        ($column:expr) => {{
            let rows = match (paging.moment(), paging.is_backwards()) {
                (None, _) => rows,
                (Some((at, id)), false) => rows
                    .filter($column.le(at))
                    .filter($column.lt(at).or(invitations::id.lt(id))),
                (Some((at, id)), true) => rows
                    .filter($column.ge(at))
                    .filter($column.gt(at).or(invitations::id.gt(id))),
            };
            if paging.is_backwards() {
                rows.order(($column.asc(), invitations::id.asc()))
            } else {
                rows.order(($column.desc(), invitations::id.desc()))
            }
        }};
    }
    let rows = if is_by_expiry(wanted) {
        in_order_of!(invitations::expires_at)
    } else {
        in_order_of!(invitations::created_at)
    };
    let rows = rows.select(Row::as_select()).load(conn)?;
    with_teams(conn, rows)
}

/// A fresh link in place of the one of before; the end stays, and is noted as the one that was reminded of.
pub(super) fn remind(conn: &mut Conn, one: &Invitation, token_hash: &str) -> Result<()> {
    diesel::update(invitations::table.find(&one.id))
        .set((
            invitations::token_hash.eq(token_hash),
            invitations::reminded_of.eq(one.expires_at),
            invitations::version.eq(invitations::version + 1),
        ))
        .execute(conn)
        .map(drop)
}

/// Whether nobody was reminded of this end of the invitation yet.
pub(super) fn is_reminder_due(conn: &mut Conn, one: &Invitation) -> Result<bool> {
    let reminded: Option<Timestamp> = invitations::table
        .find(&one.id)
        .select(invitations::reminded_of)
        .first(conn)?;
    Ok(reminded != Some(one.expires_at))
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = diesel::sql_types::Text)]
    organization: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    id: String,
}

/// Invitations that end within the days that their organization chose (three where it chose none), whose link is
/// older than a day, and whose end was not reminded of: with their organizations, the first end first.
pub(super) fn reminders_due(conn: &mut Conn, now: Timestamp, most: i64) -> Result<Vec<(String, String)>> {
    let question = "SELECT i.organization_id AS organization, i.id AS id FROM invitations i
         LEFT JOIN mail_settings s ON s.organization_id = i.organization_id
         WHERE i.state = 'pending' AND i.expires_at > $1 AND i.expires_at <= $2 AND i.sent_at <= $3
           AND i.expires_at <= $1 + COALESCE(s.reminder_days, 3) * 86400000
           AND (i.reminded_of IS NULL OR i.reminded_of <> i.expires_at)
         ORDER BY i.expires_at, i.id LIMIT $4";
    let rows: Vec<Due> = diesel::sql_query(question)
        .bind::<diesel::sql_types::BigInt, _>(now)
        .bind::<diesel::sql_types::BigInt, _>(now + 30 * DAY)
        .bind::<diesel::sql_types::BigInt, _>(now - DAY)
        .bind::<diesel::sql_types::BigInt, _>(most)
        .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.organization, row.id)).collect())
}
