//! One way through a sign-in: load, decide, apply, in one transaction. A denial is a result that is
//! kept, not an error: an error would roll its own record back.

use serde_json::Value;

use super::door::{USED, Unfit};
use super::effects::apply;
use super::queries;
use super::record::{Rejection, reject};
use super::standing::{Ground, Person};
use super::testing::Tested;
use crate::access::{Decision, DomainStanding, Identity, Policy, Role, decide};
use crate::break_glass;
use crate::connections::{self, Connection};
use crate::groups;
use crate::orgs::Organization;
use crate::store::time::{MINUTE, Timestamp};
use crate::store::{Conn, DbError, Store};
use crate::web::{Client, Problem};

/// How long a person may stay at the provider.
pub const ATTEMPT_LIFE: i64 = 10 * MINUTE;
/// The message was accepted before.
const REPLAY: Unfit = (
    "replay",
    "This response was used before: the same assertion arrived a second time. Each is good for one sign-in; the person has to start again.",
);
/// Single sign-on never links or changes an owner who is named for emergencies.
const FOR_EMERGENCIES: Unfit = (
    "break_glass",
    "This owner is named for emergencies and comes in by password alone: single sign-on does not link or change their account.",
);
/// How often a sign-in that met another at the same row is tried again.
const TRIES: usize = 5;

/// One attempt to sign in: bound to a connection and a browser, used once.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its key.
    pub id: String,
    /// The connection it was started for.
    pub connection: String,
    /// That connection's organization.
    pub organization: String,
    /// The hash of the browser's cookie.
    pub browser_hash: String,
    /// What the ID token must repeat.
    pub nonce: String,
    /// The PKCE secret (RFC 7636).
    pub verifier: String,
    /// Where to go afterwards: a path of ours.
    pub return_to: String,
    /// The hash of the invitation's token that the browser carried when it started, or empty.
    pub invitation_hash: String,
    /// Whether the provider has to ask the person anew.
    pub anew: bool,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
    /// What it is a test of (JSON); empty where somebody really comes.
    pub test: String,
}

/// A message that was found genuine, and everything that came with it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The organization of the connection.
    pub organization: String,
    /// The connection that the person came through.
    pub connection: String,
    /// Where they go afterwards: a path of ours.
    pub return_to: String,
    /// The hash of the invitation's token that the browser carried when it started, or empty.
    pub invitation_hash: String,
    /// Whom the provider vouches for.
    pub identity: Identity,
    /// OIDC: where the keys were that this was judged by.
    pub keys_at: String,
    /// What that was concluded from; goes into the record.
    pub evidence: Value,
    /// The browser.
    pub client: Client,
    /// What must not have been seen before; none where that was made sure of already.
    pub once: Option<Once>,
    /// When the provider wants the session to end at the latest.
    pub session_ends_at: Option<Timestamp>,
    /// When the person proved themselves to the provider, if it says so.
    pub authenticated_at: Option<Timestamp>,
    /// What it is a test of; none where somebody really comes.
    pub test: Option<Box<Tested>>,
}

/// What makes a message good for one sign-in only.
#[derive(Debug, Clone)]
pub struct Once {
    /// The attempt that it answers; none where it came unasked.
    pub attempt: Option<String>,
    /// The hash of its own id.
    pub message_hash: String,
    /// Until when it might be presented again.
    pub expires_at: Timestamp,
}

/// Where the person goes now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    /// In, with this session, to this path.
    In {
        /// The session's id.
        session: String,
        /// A path of ours.
        return_to: String,
    },
    /// Not in; the record has this reference.
    Refused {
        /// Can be read aloud.
        reference: String,
        /// Whether it was decided so. Else the message was good for nobody, such as one that was used before.
        decided: bool,
    },
}

/// Everything that a decision is made from, read in one transaction.
pub(super) struct Loaded {
    pub(super) organization: Organization,
    pub(super) connection: Connection,
    pub(super) policy: Policy,
    pub(super) person: Person,
}

/// Lets the person in or turns them away, and keeps the record. Tried again when two transactions met.
///
/// # Errors
/// `Unavailable` (503) where the database refused: then nothing has happened.
pub async fn admit(store: &Store, now: Timestamp, arrival: Arrival) -> Result<Passage, Problem> {
    let mut tries = 0;
    loop {
        let this = arrival.clone();
        let organization = arrival.organization.clone();
        let outcome = store
            .writing_in(&organization, move |conn| pass(conn, now, &this))
            .await;
        match outcome {
            Ok(passage) => return Ok(passage),
            Err(Fault::Db(error)) if crate::store::is_collision(&error) && tries < TRIES => tries += 1,
            Err(Fault::Db(error)) if crate::store::is_unsure(&error) => return Err(Problem::from(error)),
            Err(Fault::Db(error)) => return Err(Problem::Unavailable(error.to_string())),
            Err(Fault::Problem(problem)) => return Err(Problem::Unavailable(problem.to_string())),
        }
    }
}

/// Why nothing happened.
pub(super) enum Fault {
    Db(DbError),
    Problem(Problem),
}

impl Fault {
    /// As it is answered: nothing has happened.
    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::Db(error) => Problem::from(error),
            Self::Problem(problem) => problem,
        }
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

fn pass(conn: &mut Conn, now: Timestamp, arrival: &Arrival) -> Result<Passage, Fault> {
    let Some(loaded) = load(conn, now, arrival)? else {
        let reference = reject(conn, now, &Rejection::turned_off(arrival))?;
        return Ok(Passage::Refused {
            reference,
            decided: false,
        });
    };
    if let Some(unfit) = seen_before(conn, now, arrival)? {
        let rejection = Rejection::lost(&loaded.connection, unfit, arrival.client.clone());
        let reference = reject(conn, now, &rejection)?;
        return Ok(Passage::Refused {
            reference,
            decided: false,
        });
    }
    if let Some(member) = &loaded.person.member
        && member.role == Role::Owner
        && break_glass::is_named(conn, &loaded.organization.id, &member.account)?
    {
        let rejection = Rejection::lost(&loaded.connection, FOR_EMERGENCIES, arrival.client.clone());
        let reference = reject(conn, now, &rejection)?;
        return Ok(Passage::Refused {
            reference,
            decided: false,
        });
    }
    if arrival.identity.issuer == loaded.connection.issuer {
        connections::actions::saw_keys(conn, &loaded.connection, &arrival.keys_at)?;
    }
    let groups = arrival.identity.groups.as_deref().unwrap_or_default();
    groups::actions::saw(conn, now, &loaded.connection.id, groups)?;
    let decision = decide(&loaded.policy, &arrival.identity, &loaded.person.standing);
    apply(conn, now, arrival, &loaded, decision)
}

/// Why this message is not good for another sign-in. Remembers it otherwise, and uses its attempt up.
pub(super) fn seen_before(
    conn: &mut Conn,
    now: Timestamp,
    arrival: &Arrival,
) -> Result<Option<Unfit>, Fault> {
    let Some(once) = &arrival.once else {
        return Ok(None);
    };
    if queries::assertion_is_known(conn, &arrival.connection, &once.message_hash)? {
        return Ok(Some(REPLAY));
    }
    if let Some(attempt) = &once.attempt
        && !queries::consume(conn, attempt, now)?
    {
        return Ok(Some(USED));
    }
    queries::remember_assertion(conn, &arrival.connection, once)?;
    Ok(None)
}

/// Reads what is judged; none where connection or organization were turned off meanwhile.
fn load(conn: &mut Conn, now: Timestamp, arrival: &Arrival) -> Result<Option<Loaded>, Fault> {
    let ground = Ground::load(conn, &arrival.organization, &arrival.connection)?;
    match ground.filter(Ground::is_on) {
        Some(ground) => weigh(conn, now, arrival, ground).map(Some),
        None => Ok(None),
    }
}

/// What would become of somebody.
pub(super) struct Foretold {
    pub(super) decision: Decision,
    pub(super) domain: DomainStanding,
    /// Whether groups are read for something.
    pub(super) groups_matter: bool,
}

/// Judges an arrival as if the connection were on, and changes nothing.
pub(super) fn foretell(
    conn: &mut Conn,
    now: Timestamp,
    arrival: &Arrival,
    connection: Connection,
) -> Result<Foretold, Fault> {
    let ground = Ground::at(conn, &arrival.organization, connection)?.ok_or(Problem::NotFound)?;
    let loaded = weigh(conn, now, arrival, ground)?;
    let settings = &loaded.organization.settings;
    Ok(Foretold {
        decision: decide(&loaded.policy, &arrival.identity, &loaded.person.standing),
        domain: loaded.person.standing.domain,
        groups_matter: !loaded.policy.mapping.is_empty() || settings.group_convention,
    })
}

/// Reads the rest of what is judged.
fn weigh(conn: &mut Conn, now: Timestamp, arrival: &Arrival, ground: Ground) -> Result<Loaded, Fault> {
    let token = (!arrival.invitation_hash.is_empty()).then_some(arrival.invitation_hash.as_str());
    let here = ground.people(conn, now, &[&arrival.identity], token)?;
    let Some(person) = here.people.into_iter().next() else {
        return Err(Problem::internal("nobody is at the door").into());
    };
    Ok(Loaded {
        organization: ground.organization,
        connection: ground.connection,
        policy: here.policy,
        person,
    })
}
