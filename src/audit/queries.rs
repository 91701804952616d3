//! SQL of the audit log.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::entry::Entry;
use super::model::Happened;
use super::pages::Wanted;
use crate::access::EmailAddress;
use crate::store::schema::{audit_events, audit_heads};
use crate::store::sql::{Sql, Value};
use crate::store::text::{part, tame};
use crate::store::time::Timestamp;
use crate::store::{Conn, DbError, Result, Run as _, rows};
use crate::web::Paging;

/// The longest name that is kept.
pub const LONGEST: usize = 320;

/// One entry with its place in the chain, whole, as it is written, hashed and handed out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct Kept {
    pub id: String,
    pub organization_id: Option<String>,
    pub at: Timestamp,
    pub actor_kind: String,
    pub actor_id: String,
    pub actor_name: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub subject_name: String,
    pub ip: String,
    pub before_json: String,
    pub after_json: String,
    pub chain: String,
    /// None where a program wrote it that knew nothing of chains.
    pub seq: Option<i64>,
    pub hash: String,
}

/// Where a chain begins and ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable)]
pub struct Head {
    pub chain: String,
    /// The place of its last entry; 0 while there is none.
    pub seq: i64,
    /// That entry's hash.
    pub hash: String,
    /// The place of the first entry that was not taken away.
    pub first_seq: i64,
    /// The hash of the entry before that one; empty where it is the very first.
    pub first_hash: String,
}

/// Takes the next place of the chain, and holds the chain until the transaction ends. Answers the place, and the hash
/// of what stands before it.
pub fn next_place(conn: &mut Conn, chain: &str) -> Result<(i64, String)> {
    next_places(conn, chain, 1)
}

/// The same for so many entries at once: answers the first of their places.
pub fn next_places(conn: &mut Conn, chain: &str, entries: i64) -> Result<(i64, String)> {
    let first = |(last, previous)| (last - entries + 1, previous);
    if let Some(place) = step(conn, chain, entries)? {
        return Ok(first(place));
    }
    diesel::sql_query("INSERT INTO audit_heads (chain) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind::<diesel::sql_types::Text, _>(chain)
        .execute(conn)?;
    step(conn, chain, entries)?.map(first).ok_or(DbError::NotFound)
}

fn step(conn: &mut Conn, chain: &str, by: i64) -> Result<Option<(i64, String)>> {
    let forward = diesel::update(audit_heads::table.find(chain))
        .set(audit_heads::seq.eq(audit_heads::seq + by))
        .returning((audit_heads::seq, audit_heads::hash));
    Ok(rows(conn, forward)?.into_iter().next())
}

/// Writes an entry that has its place. The chain's head follows by itself.
pub fn insert(conn: &mut Conn, entry: &Kept) -> Result<()> {
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(&entry.id),
            audit_events::organization_id.eq(&entry.organization_id),
            audit_events::at.eq(entry.at),
            audit_events::actor_kind.eq(&entry.actor_kind),
            audit_events::actor_id.eq(&entry.actor_id),
            audit_events::actor_name.eq(&entry.actor_name),
            audit_events::actor_key.eq(key(&entry.actor_name)),
            audit_events::action.eq(&entry.action),
            audit_events::subject_kind.eq(&entry.subject_kind),
            audit_events::subject_id.eq(&entry.subject_id),
            audit_events::subject_name.eq(&entry.subject_name),
            audit_events::subject_key.eq(key(&entry.subject_name)),
            audit_events::ip.eq(&entry.ip),
            audit_events::before_json.eq(&entry.before_json),
            audit_events::after_json.eq(&entry.after_json),
            audit_events::chain.eq(&entry.chain),
            audit_events::seq.eq(entry.seq),
            audit_events::hash.eq(&entry.hash),
        ))
        .run(conn)
        .map(drop)
}

/// How many entries one statement writes: SQLite takes 32,766 values.
const AT_ONCE: usize = 500;

/// Writes entries that have their places, in few statements.
pub fn insert_all(conn: &mut Conn, entries: &[Kept]) -> Result<()> {
    for some in entries.chunks(AT_ONCE) {
        let mut sql = Sql::new(
            "INSERT INTO audit_events (id, organization_id, at, actor_kind, actor_id, actor_name, actor_key, action, \
             subject_kind, subject_id, subject_name, subject_key, ip, before_json, after_json, chain, seq, hash) VALUES ",
        );
        for (place, entry) in some.iter().enumerate() {
            sql.add(if place == 0 { "(" } else { ", (" })
                .bind(&entry.id)
                .add(", ");
            match &entry.organization_id {
                Some(organization) => sql.bind(organization),
                None => sql.add("NULL"),
            };
            sql.add(", ").value(Value::Number(entry.at));
            for text in [
                &entry.actor_kind,
                &entry.actor_id,
                &entry.actor_name,
                &key(&entry.actor_name),
                &entry.action,
                &entry.subject_kind,
                &entry.subject_id,
                &entry.subject_name,
                &key(&entry.subject_name),
                &entry.ip,
                &entry.before_json,
                &entry.after_json,
                &entry.chain,
            ] {
                sql.add(", ").bind(text);
            }
            sql.add(", ").value(Value::Number(entry.seq.unwrap_or_default()));
            sql.add(", ").bind(&entry.hash).add(")");
        }
        sql.execute(conn)?;
    }
    Ok(())
}

/// A name as it is searched by.
fn key(name: &str) -> String {
    tame(&name.to_lowercase(), LONGEST)
}

/// All chains, by their names.
pub fn heads(conn: &mut Conn) -> Result<Vec<Head>> {
    audit_heads::table.order(audit_heads::chain).load(conn)
}

/// This chain's ends.
pub fn head(conn: &mut Conn, chain: &str) -> Result<Option<Head>> {
    audit_heads::table.find(chain).first(conn).optional()
}

/// The entries of a chain after this place, in order.
pub fn after(conn: &mut Conn, chain: &str, seq: i64, most: i64) -> Result<Vec<Kept>> {
    audit_events::table
        .filter(audit_events::chain.eq(chain))
        .filter(audit_events::seq.gt(seq))
        .order(audit_events::seq)
        .limit(most)
        .select(Kept::as_select())
        .load(conn)
}

/// The hash of the entry at this place.
pub fn hash_at(conn: &mut Conn, chain: &str, seq: i64) -> Result<Option<String>> {
    audit_events::table
        .filter(audit_events::chain.eq(chain))
        .filter(audit_events::seq.eq(seq))
        .select(audit_events::hash)
        .first(conn)
        .optional()
}

/// Chains that have entries and no head: somebody took it away.
pub fn headless(conn: &mut Conn) -> Result<Vec<String>> {
    audit_events::table
        .filter(audit_events::seq.is_not_null())
        .filter(diesel::dsl::not(diesel::dsl::exists(
            audit_heads::table.filter(audit_heads::chain.eq(audit_events::chain)),
        )))
        .select(audit_events::chain)
        .distinct()
        .load(conn)
}

/// Entries that have no place, the oldest first.
pub fn without_place(conn: &mut Conn, most: i64) -> Result<Vec<Kept>> {
    audit_events::table
        .filter(audit_events::seq.is_null())
        .order(audit_events::id)
        .limit(most)
        .select(Kept::as_select())
        .load(conn)
}

/// Gives an entry its place.
pub fn put_into_place(conn: &mut Conn, entry: &Kept) -> Result<()> {
    diesel::update(audit_events::table.find(&entry.id))
        .set((
            audit_events::chain.eq(&entry.chain),
            audit_events::seq.eq(entry.seq),
            audit_events::hash.eq(&entry.hash),
        ))
        .execute(conn)?;
    diesel::update(audit_heads::table.find(&entry.chain))
        .set(audit_heads::hash.eq(&entry.hash))
        .execute(conn)
        .map(drop)
}

/// The place and time of the first entry that is left.
pub fn oldest(conn: &mut Conn, chain: &str) -> Result<Option<(Option<i64>, Timestamp)>> {
    audit_events::table
        .filter(audit_events::chain.eq(chain))
        .filter(audit_events::seq.is_not_null())
        .order(audit_events::seq)
        .select((audit_events::seq, audit_events::at))
        .first(conn)
        .optional()
}

/// The place of the first entry that is not older than `before`.
pub fn first_since(conn: &mut Conn, chain: &str, before: Timestamp) -> Result<Option<i64>> {
    let found: Option<Option<i64>> = audit_events::table
        .filter(audit_events::chain.eq(chain))
        .filter(audit_events::seq.is_not_null())
        .filter(audit_events::at.ge(before))
        .order(audit_events::seq)
        .select(audit_events::seq)
        .first(conn)
        .optional()?;
    Ok(found.flatten())
}

/// Lets the chain begin at `first`, whose predecessor had `hash`, and takes away what stands before.
pub fn begin_at(conn: &mut Conn, chain: &str, first: i64, hash: &str) -> Result<usize> {
    diesel::update(audit_heads::table.find(chain))
        .set((audit_heads::first_seq.eq(first), audit_heads::first_hash.eq(hash)))
        .execute(conn)?;
    let old = audit_events::table
        .filter(audit_events::chain.eq(chain))
        .filter(audit_events::seq.lt(first));
    diesel::delete(old).execute(conn)
}

/// The newest word of this action in a chain, as JSON.
pub fn last_told(conn: &mut Conn, chain: &str, action: &str) -> Result<Option<String>> {
    audit_events::table
        .filter(audit_events::chain.eq(chain))
        .filter(audit_events::action.eq(action))
        .order(audit_events::seq.desc())
        .select(audit_events::after_json)
        .first(conn)
        .optional()
}

/// A row as it is read.
#[derive(Queryable)]
struct Row {
    id: String,
    at: Timestamp,
    actor_kind: String,
    actor_name: String,
    action: String,
    subject_kind: String,
    subject_id: String,
    subject_name: String,
    ip: String,
    before_json: String,
    after_json: String,
}

/// The columns of [`Row`].
type Columns = (
    audit_events::id,
    audit_events::at,
    audit_events::actor_kind,
    audit_events::actor_name,
    audit_events::action,
    audit_events::subject_kind,
    audit_events::subject_id,
    audit_events::subject_name,
    audit_events::ip,
    audit_events::before_json,
    audit_events::after_json,
);

const COLUMNS: Columns = (
    audit_events::id,
    audit_events::at,
    audit_events::actor_kind,
    audit_events::actor_name,
    audit_events::action,
    audit_events::subject_kind,
    audit_events::subject_id,
    audit_events::subject_name,
    audit_events::ip,
    audit_events::before_json,
    audit_events::after_json,
);

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_name: row.actor_name,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            subject_name: row.subject_name,
            ip: row.ip,
            before_json: row.before_json,
            after_json: row.after_json,
        }
    }
}

/// The entry of this id in this organization.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Entry>> {
    let row: Option<Row> = audit_events::table
        .filter(audit_events::organization_id.eq(organization))
        .filter(audit_events::id.eq(id))
        .select(COLUMNS)
        .first(conn)
        .optional()?;
    Ok(row.map(Entry::from))
}

type Db = <Conn as diesel::Connection>::Backend;

/// Somebody whom a search names exactly, by what entries call them.
#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Text)]
    address: String,
    /// Empty where the account was never a member here.
    #[diesel(sql_type = Text)]
    member: String,
}

/// How many people of one name are looked for.
const NAMESAKES: i64 = 50;

/// Those whose whole address, username, name or membership's id this is, in lower case: an address or username of any
/// account, a name or id of this organization's members. Entries call one person by id, by name and by address.
fn named(conn: &mut Conn, organization: &str, text: &str) -> Result<Vec<Named>> {
    let address = EmailAddress::parse(text).map_or_else(|_| text.to_owned(), |email| email.key().to_owned());
    let of_account = "SELECT a.id AS account, a.email_key AS address, COALESCE(m.id, '') AS member FROM accounts a \
                      LEFT JOIN members m ON m.account_id = a.id AND m.organization_id = ";
    let mut sql = Sql::new(of_account);
    sql.bind(organization).add(" WHERE a.email_key = ").bind(&address);
    sql.add(" UNION ALL ").add(of_account).bind(organization);
    sql.add(" WHERE a.username = ").bind(text);
    sql.add(
        " UNION ALL SELECT a.id, a.email_key, m.id FROM members m JOIN accounts a ON a.id = m.account_id \
         WHERE m.organization_id = ",
    );
    sql.bind(organization).add(" AND m.name_key = ").bind(text);
    sql.add(
        " UNION ALL SELECT a.id, a.email_key, m.id FROM members m JOIN accounts a ON a.id = m.account_id WHERE m.id = ",
    );
    sql.bind(text).add(" AND m.organization_id = ").bind(organization);
    sql.add(" LIMIT ").value(Value::Number(NAMESAKES));
    sql.load(conn)
}

/// The entries of an organization that are wanted.
fn fitting(
    conn: &mut Conn,
    organization: &str,
    wanted: &Wanted,
) -> Result<audit_events::BoxedQuery<'static, Db>> {
    let mut query = audit_events::table
        .filter(audit_events::organization_id.eq(organization.to_owned()))
        .into_boxed::<Db>();
    if let Some(actor) = &wanted.actor {
        let people = named(conn, organization, actor)?;
        let ids: Vec<String> = people.into_iter().map(|one| one.account).collect();
        let called = audit_events::actor_key.like(part(actor)).escape('\\');
        query = query.filter(audit_events::actor_id.eq_any(ids).or(called));
    }
    if let Some(action) = &wanted.action {
        query = query.filter(audit_events::action.eq(action.clone()));
    }
    if let Some(subject) = &wanted.subject {
        let people = named(conn, organization, subject)?;
        let addresses: Vec<String> = people.iter().map(|one| one.address.clone()).collect();
        let ids = people.into_iter().flat_map(|one| [one.account, one.member]);
        let ids: Vec<String> = ids.filter(|id| !id.is_empty()).chain([subject.clone()]).collect();
        let called = audit_events::subject_key.like(part(subject)).escape('\\');
        query = query.filter(
            audit_events::subject_id
                .eq_any(ids)
                .or(audit_events::subject_key.eq_any(addresses))
                .or(called),
        );
    }
    if let Some(from) = wanted.from {
        query = query.filter(audit_events::at.ge(from));
    }
    if let Some(until) = wanted.until {
        query = query.filter(audit_events::at.lt(until));
    }
    Ok(query)
}

/// The rows of one page, in the direction that `paging` asks for.
pub fn page(conn: &mut Conn, organization: &str, wanted: &Wanted, paging: &Paging) -> Result<Vec<Entry>> {
    let mut query = fitting(conn, organization, wanted)?.limit(Paging::limit());
    let backwards = paging.is_backwards();
    if let Some(key) = paging.key().map(str::to_owned) {
        query = if backwards {
            query.filter(audit_events::id.gt(key))
        } else {
            query.filter(audit_events::id.lt(key))
        };
    }
    query = if backwards {
        query.order(audit_events::id.asc())
    } else {
        query.order(audit_events::id.desc())
    };
    let rows: Vec<Row> = query.select(COLUMNS).load(conn)?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

/// The entries that are wanted after this id, the oldest first.
pub fn wanted_after(
    conn: &mut Conn,
    organization: &str,
    wanted: &Wanted,
    last: &str,
    most: i64,
) -> Result<Vec<Kept>> {
    fitting(conn, organization, wanted)?
        .filter(audit_events::id.gt(last.to_owned()))
        .order(audit_events::id)
        .limit(most)
        .select(Kept::as_select())
        .load(conn)
}

/// What happened after the entry `after`, of these actions, oldest first: `most` entries at most.
///
/// # Errors
/// When the database refuses.
pub fn since(conn: &mut Conn, after: &str, actions: &[&str], most: i64) -> Result<Vec<Happened>> {
    type Row = (
        String,
        Option<String>,
        Timestamp,
        String,
        String,
        String,
        String,
        String,
        String,
    );
    let rows: Vec<Row> = audit_events::table
        .filter(audit_events::id.gt(after))
        .filter(audit_events::action.eq_any(actions))
        .order(audit_events::id)
        .limit(most)
        .select((
            audit_events::id,
            audit_events::organization_id,
            audit_events::at,
            audit_events::actor_name,
            audit_events::action,
            audit_events::subject_id,
            audit_events::subject_name,
            audit_events::before_json,
            audit_events::after_json,
        ))
        .load(conn)?;
    let happened = |row: Row| {
        let (id, organization, at, actor_name, action, subject_id, subject_name, before_json, after_json) =
            row;
        Happened {
            id,
            organization,
            at,
            actor_name,
            action,
            subject_id,
            subject_name,
            before_json,
            after_json,
        }
    };
    Ok(rows.into_iter().map(happened).collect())
}
