//! One way through a sign-in: load, decide, apply, in one transaction. A denial is a result that is
//! kept, not an error: an error would roll its own record back.

use serde_json::Value;

use super::door::{USED, Unfit};
use super::effects::apply;
use super::queries;
use super::record::{Rejection, reject};
use super::testing::Tested;
use crate::access::{
    AccountStanding, Decision, DomainStanding, Identity, MemberStanding, Policy, Seats, Standing, decide,
};
use crate::accounts::{self, Account};
use crate::connections::{self, Connection};
use crate::groups;
use crate::invitations::{self, Found};
use crate::members::{self, Membership};
use crate::orgs::{self, Organization};
use crate::seats;
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
    /// What that was concluded from; goes into the record.
    pub evidence: Value,
    /// The browser.
    pub client: Client,
    /// What must not have been seen before; none where that was made sure of already.
    pub once: Option<Once>,
    /// When the provider wants the session to end at the latest.
    pub session_ends_at: Option<Timestamp>,
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
    },
}

/// Everything that a decision is made from, read in one transaction.
pub(super) struct Loaded {
    pub(super) organization: Organization,
    pub(super) connection: Connection,
    pub(super) policy: Policy,
    pub(super) standing: Standing,
    pub(super) account: Option<Account>,
    pub(super) member: Option<Membership>,
    pub(super) invitation: Found,
    pub(super) addresses: Vec<String>,
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
        return Ok(Passage::Refused { reference });
    };
    if let Some(unfit) = seen_before(conn, now, arrival)? {
        let rejection = Rejection::lost(&loaded.connection, unfit, arrival.client.clone());
        let reference = reject(conn, now, &rejection)?;
        return Ok(Passage::Refused { reference });
    }
    let groups = arrival.identity.groups.as_deref().unwrap_or_default();
    groups::actions::saw(conn, now, &loaded.connection.id, groups)?;
    let decision = decide(&loaded.policy, &arrival.identity, &loaded.standing);
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
    let Some(organization) =
        orgs::find(conn, &arrival.organization)?.filter(|organization| organization.is_on)
    else {
        return Ok(None);
    };
    let Some(connection) = connections::find(conn, &arrival.connection)?
        .filter(|connection| connection.state == connections::State::On)
    else {
        return Ok(None);
    };
    weigh(conn, now, arrival, organization, connection).map(Some)
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
    let organization = orgs::find(conn, &arrival.organization)?.ok_or(Problem::NotFound)?;
    let loaded = weigh(conn, now, arrival, organization, connection)?;
    let settings = &loaded.organization.settings;
    Ok(Foretold {
        decision: decide(&loaded.policy, &arrival.identity, &loaded.standing),
        domain: loaded.standing.domain,
        groups_matter: !loaded.policy.mapping.is_empty() || settings.group_convention,
    })
}

/// Reads the rest of what is judged.
fn weigh(
    conn: &mut Conn,
    now: Timestamp,
    arrival: &Arrival,
    organization: Organization,
    connection: Connection,
) -> Result<Loaded, Fault> {
    let identity = &arrival.identity;
    let domain = match &identity.email {
        Some(email) => connections::domain_standing(conn, &connection, email.domain())?,
        None => DomainStanding::Unverified,
    };
    let linked = accounts::find_by_identity(conn, identity)?;
    let is_linked = linked.is_some();
    let by_address = match &identity.email {
        Some(email) => accounts::find_by_email(conn, email)?,
        None => None,
    };
    let addresses = invited_addresses(identity, linked.as_ref(), by_address.as_ref(), domain);
    let account = linked.or(by_address);
    let member = match &account {
        Some(account) => members::find_by_account(conn, &organization.id, &account.id)?,
        None => None,
    };
    let token = (!arrival.invitation_hash.is_empty()).then_some(arrival.invitation_hash.as_str());
    let invitation = invitations::standing(conn, now, &organization.id, &addresses, token)?;
    let standing = Standing {
        account: account_standing(account.as_ref(), is_linked),
        member: member_standing(member.as_ref()),
        invitation: invitation.standing.clone(),
        seats: seats(conn, now, &organization, member.is_some())?,
        domain,
    };
    let convention = groups::convention(conn, &organization, identity.groups.as_deref())?;
    let policy = Policy {
        convention,
        ..connections::policy(&connection, groups::mapping(conn, &connection.id)?)
    };
    Ok(Loaded {
        organization,
        connection,
        policy,
        standing,
        account,
        member,
        invitation,
        addresses,
    })
}

/// Whether a newcomer would find a seat. Counted only where that can matter, since counting takes longer
/// the more members there are.
fn seats(
    conn: &mut Conn,
    now: Timestamp,
    organization: &Organization,
    is_known: bool,
) -> Result<Seats, Fault> {
    if is_known || organization.settings.seats.is_none() {
        return Ok(Seats::Free);
    }
    let free = seats::count(conn, &organization.id, now)?.has_room(1);
    Ok(if free { Seats::Free } else { Seats::Full })
}

/// The addresses whose invitations are this person's. A linked account is invited by its own address,
/// since that was proven; by a new one that the provider sends, only where the organization's verified
/// domain vouches for it and it is nobody else's.
fn invited_addresses(
    identity: &Identity,
    linked: Option<&Account>,
    by_address: Option<&Account>,
    domain: DomainStanding,
) -> Vec<String> {
    let asserted = identity.email.as_ref().map(|email| email.key().to_owned());
    let Some(account) = linked else {
        return asserted.into_iter().collect();
    };
    let vouched = domain == DomainStanding::Verified && identity.email_verified != Some(false);
    let free = by_address.is_none_or(|other| other.id == account.id);
    let mut addresses = vec![account.email_key.clone()];
    addresses.extend(asserted.filter(|key| vouched && free && *key != account.email_key));
    addresses
}

fn account_standing(account: Option<&Account>, linked: bool) -> AccountStanding {
    match account {
        None => AccountStanding::None,
        Some(account) if account.is_active => AccountStanding::Active { linked },
        Some(_) => AccountStanding::Deactivated { linked },
    }
}

fn member_standing(member: Option<&Membership>) -> MemberStanding {
    match member.map(|member| member.state) {
        None => MemberStanding::No,
        Some(members::State::Active) => MemberStanding::Active,
        Some(members::State::Deactivated) => MemberStanding::Deactivated,
        Some(members::State::Removed) => MemberStanding::Removed,
    }
}
