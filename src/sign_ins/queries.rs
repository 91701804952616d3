//! SQL of sign-ins.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::judged::Judged;
use super::model::{Counted, MESSAGE, Outcome, Record};
use super::shown::SignIn;
use crate::store::schema::{connections, sign_in_days, sign_ins};
use crate::store::text::tame;
use crate::store::time::{DAY, SECOND, Timestamp, exact};
use crate::store::{Conn, DbError, Result, Run as _};
use crate::web::Paging;

/// Writes one record in the running transaction, with the denial that it belongs to. Long texts are
/// cut, so that nobody fills the database from outside.
///
/// # Errors
/// When the database refuses; then nothing else of the attempt may happen either.
pub fn insert(conn: &mut Conn, record: &Record, denial: Option<&str>) -> Result<()> {
    let json = |error: serde_json::Error| DbError::SerializationError(Box::new(error));
    let values = (
        sign_ins::id.eq(&record.id),
        sign_ins::organization_id.eq(&record.organization),
        sign_ins::connection_id.eq(&record.connection),
        sign_ins::connection_name.eq(&record.connection_name),
        sign_ins::protocol.eq(record.protocol),
        sign_ins::at.eq(record.at),
        sign_ins::outcome.eq(record.outcome.as_str()),
        sign_ins::reason.eq(tame(&record.reason, 100)),
        sign_ins::detail.eq(tame(&record.detail, 500)),
        sign_ins::reference.eq(&record.reference),
        sign_ins::person_key.eq(record.person_key()),
        sign_ins::account_id.eq(&record.account),
        sign_ins::denial_id.eq(denial),
        sign_ins::issuer.eq(tame(&record.issuer, 500)),
        sign_ins::subject.eq(tame(&record.subject, 300)),
        sign_ins::email.eq(tame(&record.email, 320)),
        sign_ins::email_verified.eq(record.email_verified),
        sign_ins::name.eq(tame(&record.name, 200)),
        sign_ins::groups_json.eq(groups(record).map_err(json)?),
        sign_ins::trace_json.eq(serde_json::to_string(&record.trace).map_err(json)?),
        sign_ins::evidence_json.eq(evidence(record)),
        sign_ins::ip.eq(tame(&record.client.ip, 100)),
        sign_ins::user_agent.eq(tame(&record.client.user_agent, 200)),
    );
    diesel::insert_into(sign_ins::table).values(values).run(conn)?;
    count(conn, record)
}

/// One more attempt of this day that ended so. One statement, so that two at once both count.
fn count(conn: &mut Conn, record: &Record) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO sign_in_days (organization_id, day, outcome, reason, attempts) VALUES ($1, $2, $3, $4, 1) \
         ON CONFLICT (organization_id, day, outcome, reason) DO UPDATE SET attempts = sign_in_days.attempts + 1",
    )
    .bind::<Text, _>(&record.organization)
    .bind::<BigInt, _>(record.at.div_euclid(DAY))
    .bind::<Text, _>(record.outcome.as_str())
    .bind::<Text, _>(tame(&record.reason, 100))
    .run(conn)
    .map(drop)
}

/// How many attempts there were since the day `first`, by day, outcome and reason.
///
/// # Errors
/// When the database refuses.
pub fn days(conn: &mut Conn, organization: &str, first: i64) -> Result<Vec<Counted>> {
    let rows: Vec<(i64, String, String, i64)> = sign_in_days::table
        .filter(sign_in_days::organization_id.eq(organization))
        .filter(sign_in_days::day.ge(first))
        .select((
            sign_in_days::day,
            sign_in_days::outcome,
            sign_in_days::reason,
            sign_in_days::attempts,
        ))
        .load(conn)?;
    let counted = rows.into_iter().map(|(day, outcome, reason, attempts)| Counted {
        day,
        // The table checks the word.
        outcome: Outcome::parse(&outcome).unwrap_or(Outcome::Rejected),
        reason,
        attempts,
    });
    Ok(counted.collect())
}

/// Up to 200 groups as a JSON list; empty when the provider sent no such claim.
fn groups(record: &Record) -> serde_json::Result<String> {
    let Some(groups) = &record.groups else {
        return Ok(String::new());
    };
    let tamed: Vec<String> = groups.iter().take(200).map(|group| tame(group, 200)).collect();
    serde_json::to_string(&tamed)
}

fn evidence(record: &Record) -> String {
    let text = record.evidence.to_string();
    // A message is shortened by whoever writes it.
    let most = if record.evidence.get(MESSAGE).is_some() {
        100_000
    } else {
        8_000
    };
    if record.evidence.is_object() && text.len() <= most {
        text
    } else {
        "{}".to_owned()
    }
}

/// The provider's message, where the evidence holds it.
fn message(evidence: &serde_json::Value) -> String {
    let message = evidence.get(MESSAGE).and_then(serde_json::Value::as_str);
    message.unwrap_or_default().to_owned()
}

/// A row as it is stored: the table's columns in their order.
#[derive(Queryable)]
struct Row {
    id: String,
    _organization: String,
    connection: Option<String>,
    connection_name: String,
    protocol: String,
    at: Timestamp,
    outcome: String,
    reason: String,
    detail: String,
    reference: String,
    person_key: String,
    account: Option<String>,
    denial: Option<String>,
    issuer: String,
    subject: String,
    email: String,
    email_verified: Option<bool>,
    name: String,
    groups_json: String,
    trace_json: String,
    evidence_json: String,
    ip: String,
    user_agent: String,
}

impl From<Row> for SignIn {
    fn from(row: Row) -> Self {
        let evidence: serde_json::Value = serde_json::from_str(&row.evidence_json).unwrap_or_default();
        Self {
            // The table checks the word.
            outcome: Outcome::parse(&row.outcome).unwrap_or(Outcome::Rejected),
            // What an older version wrote and this one can't read is not shown.
            groups: serde_json::from_str(&row.groups_json).ok(),
            trace: serde_json::from_str(&row.trace_json).unwrap_or_default(),
            evidence: facts(&evidence),
            message: message(&evidence),
            judged: Judged::of(&evidence),
            id: row.id,
            connection: row.connection,
            connection_name: row.connection_name,
            protocol: row.protocol,
            at: row.at,
            reason: row.reason,
            detail: row.detail,
            reference: row.reference,
            person_key: row.person_key,
            account: row.account,
            denial: row.denial,
            issuer: row.issuer,
            subject: row.subject,
            email: row.email,
            email_verified: row.email_verified,
            name: row.name,
            ip: row.ip,
            user_agent: row.user_agent,
        }
    }
}

/// What a message was concluded from, in words. Times are Unix seconds, as tokens have them.
fn facts(evidence: &serde_json::Value) -> Vec<(String, String)> {
    let object = evidence.as_object().into_iter().flatten();
    object
        .filter(|(name, _)| *name != MESSAGE && !Judged::is_called(name))
        .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()))
        .flat_map(
            |(name, value)| match value.as_array().and_then(|list| attributes(list)) {
                Some(attributes) => attributes,
                None => vec![(label(name), said(name, value))],
            },
        )
        .map(|(name, value)| (tame(&name, 120), tame(&value, 300)))
        .collect()
}

/// One value in words.
fn said(name: &str, value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(seconds) if name.ends_with("_at") => seconds.as_i64().map_or_else(
            || seconds.to_string(),
            |seconds| exact(seconds.saturating_mul(SECOND)),
        ),
        serde_json::Value::Bool(yes) => if *yes { "Yes" } else { "No" }.to_owned(),
        serde_json::Value::Array(list) if list.iter().all(serde_json::Value::is_string) => {
            let words: Vec<&str> = list.iter().filter_map(serde_json::Value::as_str).collect();
            words.join(", ")
        }
        other => other.to_string(),
    }
}

/// A list of what a provider said by name, each name on its own; none where the list is of another kind.
fn attributes(list: &[serde_json::Value]) -> Option<Vec<(String, String)>> {
    let one = |item: &serde_json::Value| {
        let name = item.get("name")?.as_str()?;
        let values: Vec<&str> = item
            .get("values")?
            .as_array()?
            .iter()
            .filter_map(|value| value.as_str())
            .collect();
        Some((format!("Attribute {name}"), values.join(", ")))
    };
    list.iter().map(one).collect()
}

fn label(name: &str) -> String {
    match name {
        "algorithm" => "Signed with".to_owned(),
        "key_id" => "Signing key".to_owned(),
        "issued_at" => "Issued".to_owned(),
        "expires_at" => "Valid until".to_owned(),
        "from_userinfo" => "Asked for at userinfo".to_owned(),
        "userinfo_error" => "Userinfo failed".to_owned(),
        "not_fetched" => "Kept elsewhere, not fetched".to_owned(),
        "status" => "Answered with status".to_owned(),
        "signed" => "What was signed".to_owned(),
        "key" => "By the key".to_owned(),
        "encrypted" => "Encrypted".to_owned(),
        "unsolicited" => "Started at the provider".to_owned(),
        "name_id" => "NameID".to_owned(),
        "note" => "To be seen to".to_owned(),
        "name_id_format" => "NameID format".to_owned(),
        "assertion_id" => "Assertion".to_owned(),
        "session_index" => "Session at the provider".to_owned(),
        "authentication" => "Proved there by".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The sign-in of this id in this organization.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<SignIn>> {
    let row: Option<Row> = sign_ins::table
        .filter(sign_ins::organization_id.eq(organization))
        .filter(sign_ins::id.eq(id))
        .select(sign_ins::all_columns)
        .first(conn)
        .optional()?;
    Ok(row.map(SignIn::from))
}

/// The sign-in that a reference names: its id, and the denial that it belongs to.
///
/// # Errors
/// When the database refuses.
pub fn find_by_reference(
    conn: &mut Conn,
    organization: &str,
    reference: &str,
) -> Result<Option<(String, Option<String>)>> {
    sign_ins::table
        .filter(sign_ins::organization_id.eq(organization))
        .filter(sign_ins::reference.eq(reference))
        .select((sign_ins::id, sign_ins::denial_id))
        .first(conn)
        .optional()
}

/// The newest attempts of one person, however they ended.
///
/// # Errors
/// When the database refuses.
pub fn of_person(conn: &mut Conn, organization: &str, person_key: &str, most: i64) -> Result<Vec<SignIn>> {
    let rows: Vec<Row> = sign_ins::table
        .filter(sign_ins::organization_id.eq(organization))
        .filter(sign_ins::person_key.eq(person_key))
        .order((sign_ins::at.desc(), sign_ins::id.desc()))
        .limit(most)
        .select(sign_ins::all_columns)
        .load(conn)?;
    Ok(rows.into_iter().map(SignIn::from).collect())
}

/// Which attempts are wanted; all where nothing is said.
#[derive(Default)]
pub struct Wanted<'a> {
    /// How they ended.
    pub outcome: Option<Outcome>,
    /// The id of the connection that they came by.
    pub connection: Option<&'a str>,
    /// The reference on the page that the person saw.
    pub reference: Option<&'a str>,
    /// See [`Record::person_key`].
    pub person: Option<&'a str>,
}

/// One page of the list, in the direction that `paging` asks for.
pub fn page(
    conn: &mut Conn,
    organization: &str,
    wanted: &Wanted<'_>,
    paging: &Paging,
) -> Result<Vec<SignIn>> {
    let mut query = sign_ins::table
        .filter(sign_ins::organization_id.eq(organization))
        .select(sign_ins::all_columns)
        .limit(Paging::limit())
        .into_boxed();
    if let Some(reference) = wanted.reference {
        query = query.filter(sign_ins::reference.eq(reference));
    }
    if let Some(person) = wanted.person {
        query = query.filter(sign_ins::person_key.eq(person));
    }
    if let Some(outcome) = wanted.outcome {
        query = query.filter(sign_ins::outcome.eq(outcome.as_str()));
    }
    if let Some(connection) = wanted.connection {
        query = query.filter(sign_ins::connection_id.eq(connection));
    }
    query = match (paging.moment(), paging.is_backwards()) {
        (Some((at, id)), false) => query
            .filter(sign_ins::at.le(at))
            .filter(sign_ins::at.lt(at).or(sign_ins::id.lt(id))),
        (Some((at, id)), true) => query
            .filter(sign_ins::at.ge(at))
            .filter(sign_ins::at.gt(at).or(sign_ins::id.gt(id))),
        (None, _) => query,
    };
    query = if paging.is_backwards() {
        query.order((sign_ins::at.asc(), sign_ins::id.asc()))
    } else {
        query.order((sign_ins::at.desc(), sign_ins::id.desc()))
    };
    let rows: Vec<Row> = query.load(conn)?;
    Ok(rows.into_iter().map(SignIn::from).collect())
}

/// Ids and names of the organization's connections, by name.
pub fn connections(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    connections::table
        .filter(connections::organization_id.eq(organization))
        .order((connections::name, connections::id))
        .select((connections::id, connections::name))
        .load(conn)
}
