//! Step 7: exactly one record of each sign-in, and its line in the audit log.

use serde_json::{Value, json};

use super::door::Unfit;
use super::flow::{Arrival, Fault, Loaded};
use super::oidc::Check;
use super::testing::Start;
use crate::access::{EmailAddress, Trace};
use crate::audit::{self, Actor, Event, Subject};
use crate::connections::{self, Connection};
use crate::sign_ins::{self, Outcome, Record};
use crate::store::time::Timestamp;
use crate::store::{Conn, DbError, id};
use crate::web::Client;
use crate::web::metrics::metrics;

/// Step 7: the one record of this sign-in, and its line in the audit log.
pub(super) fn keep(
    conn: &mut Conn,
    now: Timestamp,
    record: &Record,
    denial: Option<&str>,
) -> Result<(), Fault> {
    sign_ins::insert(conn, record, denial)?;
    let actor = Actor::person(
        record.account.as_deref().unwrap_or_default(),
        &record.email,
        &record.client.ip,
    );
    let event = Event {
        organization: Some(&record.organization),
        action: match record.outcome {
            Outcome::Admitted => "sign_in.admitted",
            Outcome::Denied => "sign_in.denied",
            Outcome::Rejected => "sign_in.rejected",
        },
        subject: Subject {
            kind: "sign_in",
            id: &record.id,
            name: &record.email,
        },
        after: Some(
            json!({"reason": record.reason, "detail": record.detail, "reference": record.reference, "connection": record.connection_name}),
        ),
        ..Event::default()
    };
    audit::record(conn, now, &actor, &event)?;
    if let Ok(metrics) = metrics() {
        metrics.signed_in(record.outcome.as_str(), &record.reason);
    }
    Ok(())
}

pub(super) fn record(now: Timestamp, arrival: &Arrival, loaded: &Loaded, trace: Trace) -> Record {
    let (identity, connection) = (&arrival.identity, &loaded.connection);
    let judged = loaded.person.judged(connection, &loaded.policy.mapping, identity);
    Record {
        id: id::new_id(),
        organization: arrival.organization.clone(),
        connection: Some(arrival.connection.clone()),
        connection_name: connection.name.clone(),
        protocol: connection.protocol.as_str(),
        at: now,
        outcome: Outcome::Denied,
        reason: String::new(),
        detail: String::new(),
        reference: id::new_reference(),
        account: None,
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        email: identity
            .email
            .as_ref()
            .map(EmailAddress::as_str)
            .unwrap_or_default()
            .to_owned(),
        email_verified: identity.email_verified,
        name: identity.name.display().unwrap_or_default(),
        groups: identity.groups.clone(),
        trace,
        evidence: judged.beside(arrival.evidence.clone()),
        client: arrival.client.clone(),
    }
}

/// A message that was not judged: not genuine, too late, used already, or for a connection that is off.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The organization of the connection.
    pub organization: String,
    /// The connection whose address was called.
    pub connection: String,
    /// Which check failed.
    pub check: String,
    /// What an administrator should know.
    pub sentence: String,
    /// The HTTP status of the page.
    pub status: u16,
    /// The message as an administrator may see it; empty where there is nothing to see.
    pub message: String,
    /// The browser.
    pub client: Client,
    /// What it was a test of; none where somebody really came.
    pub test: Option<Box<Start>>,
    /// Where the provider's keys were confirmed to be when it was judged.
    pub keys_at: String,
}

impl Rejection {
    /// A message that can't be read: 400.
    pub(super) fn new(connection: &Connection, check: &str, sentence: &str, client: Client) -> Self {
        Self {
            organization: connection.organization.clone(),
            connection: connection.id.clone(),
            check: check.to_owned(),
            sentence: sentence.to_owned(),
            status: 400,
            message: String::new(),
            client,
            test: None,
            keys_at: connection.confirmed_jwks_uri.clone(),
        }
    }

    /// A message that belongs to no attempt of this browser.
    pub(super) fn lost(connection: &Connection, (check, sentence): Unfit, client: Client) -> Self {
        Self::new(connection, check, sentence, client)
    }

    /// Whether somebody really came, and the provider's keys were elsewhere than confirmed.
    fn keys_moved(&self) -> bool {
        self.test.is_none() && self.check == Check::DiscoveryChanged.as_str()
    }

    pub(super) fn turned_off(arrival: &Arrival) -> Self {
        Self {
            organization: arrival.organization.clone(),
            connection: arrival.connection.clone(),
            check: "connection_off".to_owned(),
            sentence:
                "The connection or its organization was turned off while the person was at the provider."
                    .to_owned(),
            status: 403,
            message: String::new(),
            client: arrival.client.clone(),
            test: None,
            keys_at: String::new(),
        }
    }
}

/// Keeps the record of a rejected message and answers its reference.
///
/// # Errors
/// When the database refuses.
pub fn reject(conn: &mut Conn, now: Timestamp, rejection: &Rejection) -> crate::store::Result<String> {
    let connection = connections::find(conn, &rejection.connection)?;
    if let Some(known) = connection.as_ref().filter(|_| rejection.keys_moved()) {
        connections::actions::keys_moved(conn, now, known, &rejection.keys_at)?;
    }
    let record = Record {
        id: id::new_id(),
        organization: rejection.organization.clone(),
        connection: Some(rejection.connection.clone()),
        protocol: connection
            .as_ref()
            .map_or("oidc", |connection| connection.protocol.as_str()),
        connection_name: connection.map(|connection| connection.name).unwrap_or_default(),
        at: now,
        outcome: Outcome::Rejected,
        reason: rejection.check.clone(),
        detail: rejection.sentence.clone(),
        reference: id::new_reference(),
        account: None,
        issuer: String::new(),
        subject: String::new(),
        email: String::new(),
        email_verified: None,
        name: String::new(),
        groups: None,
        trace: Trace::default(),
        evidence: evidence(rejection),
        client: rejection.client.clone(),
    };
    match keep(conn, now, &record, None) {
        Ok(()) => Ok(record.reference),
        Err(Fault::Db(error)) => Err(error),
        Err(Fault::Problem(problem)) => Err(DbError::QueryBuilderError(problem.to_string().into())),
    }
}

fn evidence(rejection: &Rejection) -> Value {
    if rejection.message.is_empty() {
        json!({"status": rejection.status})
    } else {
        json!({"status": rejection.status, sign_ins::MESSAGE: rejection.message})
    }
}
