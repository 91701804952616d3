//! SQL of the notices: everything that may need an owner in one statement, and what was told.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::digest::{NAMED, Person};
use super::warnings::{Fact, Kind};
use crate::store::schema::{denials, notices_people, notices_read, notices_told};
use crate::store::time::{DAY, Timestamp};
use crate::store::{Conn, Result};

/// The keys of the two rows about the audit log: up to which entry, and from which on.
const AUDIT: &str = "audit";
const START: &str = "start";

/// $1 now, $2 until when certificates, keys and tokens, $3 since when those that are over, $4 since when letters. Each
/// number occurs first in its order: SQLite numbers them so.
const FACTS: &str = "
SELECT o.id AS organization, 'seats' AS kind, '' AS id, '' AS name, o.seats AS at,
       (SELECT COUNT(*) FROM members m WHERE m.organization_id = o.id AND m.state = 'active')
       + (SELECT COUNT(*) FROM invitations i
          WHERE i.organization_id = o.id AND i.state = 'pending' AND i.expires_at > $1) AS n
FROM organizations o WHERE o.seats > 0
UNION ALL
SELECT c.organization_id, 'certificate', c.id, c.name, MAX(k.not_after), COUNT(*)
FROM connections c JOIN saml_certificates k ON k.connection_id = c.id
WHERE c.state = 'on' GROUP BY c.organization_id, c.id, c.name
HAVING MAX(k.not_after) <= $2 AND MAX(k.not_after) > $3
UNION ALL
SELECT c.organization_id, 'moved', c.id, c.name, c.keys_moved_at, 1
FROM connections c WHERE c.state = 'on' AND c.keys_moved_at IS NOT NULL
UNION ALL
SELECT c.organization_id, 'key', c.id, c.name, k.not_after, 1
FROM connections c JOIN saml_keys k ON k.connection_id = c.id
WHERE c.state = 'on' AND k.state = 'current' AND k.not_after <= $2 AND k.not_after > $3
UNION ALL
SELECT c.organization_id, 'token', c.id, t.name, t.expires_at, 1
FROM connections c JOIN scim_tokens t ON t.connection_id = c.id
WHERE c.scim AND t.revoked_at IS NULL AND t.expires_at <= $2 AND t.expires_at > $3
UNION ALL
SELECT d.organization_id, 'lost', d.id, d.name, COALESCE(d.lapsed_at, d.lost_at),
       CASE WHEN d.lapsed_at IS NULL THEN 0 ELSE 1 END
FROM domains d WHERE d.lost_at IS NOT NULL
UNION ALL
SELECT c.organization_id, 'paused', c.id, c.name, g.paused_at, 1
FROM connections c JOIN scim_guards g ON g.connection_id = c.id WHERE g.paused_at IS NOT NULL
UNION ALL
SELECT l.organization_id, 'letters', '', '', MAX(l.settled_at), COUNT(*) FROM letters l
WHERE l.state = 'dead' AND l.settled_at > $4 AND l.organization_id IS NOT NULL
  AND l.kind IN ('invitation', 'reminder', 'request', 'outcome')
GROUP BY l.organization_id";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    organization: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Everything that may need an owner, of all organizations.
pub fn facts(conn: &mut Conn, now: Timestamp) -> Result<Vec<Fact>> {
    let rows: Vec<Row> = diesel::sql_query(FACTS)
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(now + 30 * DAY)
        .bind::<BigInt, _>(now - 7 * DAY)
        .bind::<BigInt, _>(now - DAY)
        .load(conn)?;
    let facts = rows.into_iter().filter_map(|row| {
        Some(Fact {
            kind: Kind::parse(&row.kind)?,
            organization: row.organization,
            id: row.id,
            name: row.name,
            at: row.at,
            n: row.n,
        })
    });
    Ok(facts.collect())
}

/// Organization and key of every warning that was told.
pub fn warned(conn: &mut Conn) -> Result<BTreeSet<(String, String)>> {
    let told: Vec<(String, String)> = notices_told::table
        .filter(notices_told::kind.eq("warning"))
        .select((notices_told::organization_id, notices_told::key))
        .load(conn)?;
    Ok(told.into_iter().collect())
}

/// Whether something was told.
pub fn is_told(conn: &mut Conn, organization: &str, kind: &str, key: &str) -> Result<bool> {
    let known: i64 = notices_told::table
        .filter(notices_told::organization_id.eq(organization))
        .filter(notices_told::kind.eq(kind))
        .filter(notices_told::key.eq(key))
        .count()
        .get_result(conn)?;
    Ok(known > 0)
}

/// Notes that something is told. Answers whether it was not yet. Whoever asks holds the organization.
pub fn remember(conn: &mut Conn, now: Timestamp, organization: &str, kind: &str, key: &str) -> Result<bool> {
    if is_told(conn, organization, kind, key)? {
        return Ok(false);
    }
    diesel::insert_into(notices_told::table)
        .values((
            notices_told::organization_id.eq(organization),
            notices_told::kind.eq(kind),
            notices_told::key.eq(key),
            notices_told::told_at.eq(now),
        ))
        .execute(conn)
        .map(|_| true)
}

/// Whether the person was told of this entry.
pub fn is_person_told(conn: &mut Conn, entry: &str) -> Result<bool> {
    let known: i64 = notices_people::table.find(entry).count().get_result(conn)?;
    Ok(known > 0)
}

/// Notes that the person is told of this entry. Answers whether it was not yet: of two at once one is answered so.
pub fn remember_person(conn: &mut Conn, now: Timestamp, entry: &str) -> Result<bool> {
    let new =
        "INSERT INTO notices_people (entry_id, told_at) VALUES ($1, $2) ON CONFLICT (entry_id) DO NOTHING";
    let rows = diesel::sql_query(new)
        .bind::<Text, _>(entry)
        .bind::<BigInt, _>(now)
        .execute(conn)?;
    Ok(rows == 1)
}

/// These warnings may be told again.
pub fn forget(conn: &mut Conn, organization: &str, keys: &[String]) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let told = notices_told::table
        .filter(notices_told::organization_id.eq(organization))
        .filter(notices_told::kind.eq("warning"))
        .filter(notices_told::key.eq_any(keys));
    diesel::delete(told).execute(conn).map(drop)
}

/// Forgets what was told before a moment.
pub fn forget_before(conn: &mut Conn, moment: Timestamp) -> Result<usize> {
    let people =
        diesel::delete(notices_people::table.filter(notices_people::told_at.lt(moment))).execute(conn)?;
    let told = diesel::delete(notices_told::table.filter(notices_told::told_at.lt(moment))).execute(conn)?;
    Ok(people + told)
}

/// From which id on the audit log is read, and the last one that was read; empty at first.
pub fn read_up_to(conn: &mut Conn) -> Result<(String, String)> {
    let rows: Vec<(String, String)> = notices_read::table
        .select((notices_read::id, notices_read::upto))
        .load(conn)?;
    let of = |row: &str| {
        rows.iter()
            .find(|(id, _)| id == row)
            .map(|(_, upto)| upto.clone())
    };
    Ok((of(START).unwrap_or_default(), of(AUDIT).unwrap_or_default()))
}

/// Notes from which id on the log is read; only the first word counts.
pub fn set_start(conn: &mut Conn, start: &str) -> Result<()> {
    // Both databases know this form; of two at once one does nothing.
    diesel::sql_query("INSERT INTO notices_read (id, upto) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
        .bind::<Text, _>(START)
        .bind::<Text, _>(start)
        .execute(conn)
        .map(drop)
}

/// Never goes back.
pub fn set_read_up_to(conn: &mut Conn, upto: &str) -> Result<()> {
    diesel::sql_query("INSERT INTO notices_read (id) VALUES ($1) ON CONFLICT (id) DO NOTHING")
        .bind::<Text, _>(AUDIT)
        .execute(conn)?;
    let row = notices_read::table
        .find(AUDIT)
        .filter(notices_read::upto.lt(upto));
    diesel::update(row)
        .set(notices_read::upto.eq(upto))
        .execute(conn)
        .map(drop)
}

/// The organizations where somebody was denied on this day and waits, that were not told of it.
pub fn to_digest(conn: &mut Conn, day: i64) -> Result<Vec<String>> {
    let told = notices_told::table
        .filter(notices_told::kind.eq("digest"))
        .filter(notices_told::key.eq(day.to_string()))
        .select(notices_told::organization_id);
    denials::table
        .filter(denials::state.eq("open"))
        .filter(denials::last_at.ge(day * DAY))
        .filter(denials::organization_id.ne_all(told))
        .select(denials::organization_id)
        .distinct()
        .load(conn)
}

type Open = (String, String, String, Option<Timestamp>);

/// Some of those who were denied on this day or asked on it, and wait; and how many they are. Those who ask are
/// marked where `marks`; where `only_asking`, nobody else counts.
pub fn denied_on(
    conn: &mut Conn,
    organization: &str,
    day: i64,
    marks: bool,
    only_asking: bool,
) -> Result<(Vec<Person>, i64)> {
    let (from, until) = (day * DAY, (day + 1) * DAY);
    // Who came again today counts tomorrow.
    let open = || {
        let rows = denials::table
            .filter(denials::organization_id.eq(organization))
            .filter(denials::state.eq("open"))
            .filter(denials::last_at.ge(from))
            .filter(denials::last_at.lt(until))
            .into_boxed::<<Conn as diesel::Connection>::Backend>();
        if only_asking {
            rows.filter(denials::asked_at.ge(from))
        } else {
            rows
        }
    };
    let all: i64 = open().count().get_result(conn)?;
    let rows: Vec<Open> = open()
        .order((denials::last_at.desc(), denials::id.desc()))
        .limit(i64::try_from(NAMED).unwrap_or(20))
        .select((denials::id, denials::email, denials::name, denials::asked_at))
        .load(conn)?;
    let person = |(denial, email, name, asked_at): Open| Person {
        denial,
        who: if email.is_empty() { name } else { email },
        asks: marks && asked_at.is_some_and(|at| at >= from),
    };
    Ok((rows.into_iter().map(person).collect(), all))
}
