//! One way through a sign-in: load, decide, apply, in one transaction. A denial is a result that is
//! kept, not an error: an error would roll its own record back.

use serde_json::{Value, json};

use crate::access::{
    AccountEffect, AccountStanding, Admission, Decision, DomainStanding, EmailAddress, Identity,
    InvitationEffect, MemberStanding, MembershipEffect, Policy, Refusal, Role, Seats, Standing, Trace,
    Verdict, decide, teams_to_join, teams_to_leave,
};
use crate::accounts::{self, Account};
use crate::audit::{self, Actor, Event, Subject};
use crate::connections::{self, Connection};
use crate::denied;
use crate::groups;
use crate::invitations::{self, Found};
use crate::members::{self, Joining, Membership};
use crate::orgs::{self, Organization};
use crate::seats;
use crate::session::{self, NewSession};
use crate::sign_ins::{self, Outcome, Record};
use crate::store::time::{MINUTE, Timestamp};
use crate::store::{Conn, DbError, Store, id};
use crate::teams;
use crate::web::{Client, Problem};

/// How long a person may stay at the provider.
pub const ATTEMPT_LIFE: i64 = 10 * MINUTE;
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
}

/// A message that was found genuine, and everything that came with it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The attempt that it answers; it was used up before.
    pub attempt: Attempt,
    /// Whom the provider vouches for.
    pub identity: Identity,
    /// What that was concluded from; goes into the record.
    pub evidence: Value,
    /// The browser.
    pub client: Client,
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
struct Loaded {
    organization: Organization,
    connection: Connection,
    policy: Policy,
    standing: Standing,
    account: Option<Account>,
    member: Option<Membership>,
    invitation: Found,
    addresses: Vec<String>,
}

/// Lets the person in or turns them away, and keeps the record. Tried again when two transactions met.
///
/// # Errors
/// `Unavailable` (503) where the database refused: then nothing has happened.
pub async fn admit(store: &Store, now: Timestamp, arrival: Arrival) -> Result<Passage, Problem> {
    let mut tries = 0;
    loop {
        let this = arrival.clone();
        let organization = arrival.attempt.organization.clone();
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
enum Fault {
    Db(DbError),
    Problem(Problem),
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
    let decision = decide(&loaded.policy, &arrival.identity, &loaded.standing);
    apply(conn, now, arrival, &loaded, decision)
}

/// Reads what is judged; none where connection or organization were turned off meanwhile.
fn load(conn: &mut Conn, now: Timestamp, arrival: &Arrival) -> Result<Option<Loaded>, Fault> {
    let (identity, attempt) = (&arrival.identity, &arrival.attempt);
    let Some(organization) =
        orgs::find(conn, &attempt.organization)?.filter(|organization| organization.is_on)
    else {
        return Ok(None);
    };
    let Some(connection) = connections::find(conn, &attempt.connection)?
        .filter(|connection| connection.state == connections::State::On)
    else {
        return Ok(None);
    };
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
    let token = (!attempt.invitation_hash.is_empty()).then_some(attempt.invitation_hash.as_str());
    let invitation = invitations::standing(conn, now, &organization.id, &addresses, token)?;
    let standing = Standing {
        account: account_standing(account.as_ref(), is_linked),
        member: member_standing(member.as_ref()),
        invitation: invitation.standing.clone(),
        seats: seats(conn, now, &organization, member.is_some())?,
        domain,
    };
    let policy = connections::policy(&connection, groups::mapping(conn, &connection.id)?);
    Ok(Some(Loaded {
        organization,
        connection,
        policy,
        standing,
        account,
        member,
        invitation,
        addresses,
    }))
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

/// Makes the decision true. The account comes first, in or out.
fn apply(
    conn: &mut Conn,
    now: Timestamp,
    arrival: &Arrival,
    loaded: &Loaded,
    decision: Decision,
) -> Result<Passage, Fault> {
    let account = settle_account(conn, now, arrival, loaded, decision.verdict.account())?;
    let mut record = record(now, arrival, &loaded.connection.name, decision.trace);
    record.account = account.as_ref().map(|account| account.id.clone());
    match (&decision.verdict, account) {
        (Verdict::Admit(admission), Some(account)) => {
            let_in(conn, now, arrival, loaded, admission, &account)?;
            record.outcome = Outcome::Admitted;
            record.reason = admission.reason.as_str().to_owned();
            keep(conn, now, &record, None)?;
            denied::actions::settle(conn, now, &record.organization, &record.person_key(), &record.id)?;
            let session = open_session(conn, now, arrival, loaded, &account)?;
            Ok(Passage::In {
                session,
                return_to: arrival.attempt.return_to.clone(),
            })
        }
        (Verdict::Admit(_), None) => Err(Problem::internal("an admission without an account").into()),
        (Verdict::Deny(refusal), _) => {
            turn_away(&mut record, *refusal);
            let denial = denied::actions::note(conn, &record)?;
            keep(conn, now, &record, Some(&denial))?;
            Ok(Passage::Refused {
                reference: record.reference,
            })
        }
    }
}

fn turn_away(record: &mut Record, refusal: Refusal) {
    record.outcome = Outcome::Denied;
    record.reason = refusal.reason.as_str().to_owned();
    record.detail = refusal
        .detail
        .map(|detail| detail.as_str().to_owned())
        .unwrap_or_default();
}

/// Step 4: creates, links or renames the account, as decided.
fn settle_account(
    conn: &mut Conn,
    now: Timestamp,
    arrival: &Arrival,
    loaded: &Loaded,
    effect: AccountEffect,
) -> Result<Option<Account>, Fault> {
    let identity = &arrival.identity;
    let name = identity.name.display().unwrap_or_default();
    let account = match (effect, &loaded.account, &identity.email) {
        (AccountEffect::Created, _, Some(email)) => accounts::actions::create(conn, now, email, &name)?,
        (AccountEffect::Linked | AccountEffect::Existing, Some(account), _) => account.clone(),
        (AccountEffect::Unchanged, account, _) => return Ok(account.clone()),
        _ => return Err(Problem::internal("a decision about an account that is not there").into()),
    };
    let actor = Actor::person(&account.id, account.shown_name(), &arrival.client.ip);
    if effect != AccountEffect::Existing {
        accounts::actions::link(conn, now, &actor, identity, &account)?;
    }
    if effect == AccountEffect::Linked {
        forget_foreign_password(conn, now, &actor, loaded, &account)?;
    }
    accounts::actions::rename(conn, now, &actor, &account, &name)?;
    let full_name = if name.is_empty() {
        account.full_name.clone()
    } else {
        name
    };
    Ok(Some(Account { full_name, ..account }))
}

/// The domain's own provider vouches for this person now. A password that somebody may have set before,
/// through another organization's invitation, must not open this account any longer. Owners here keep
/// theirs: the operator or an owner gave it to them.
fn forget_foreign_password(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    loaded: &Loaded,
    account: &Account,
) -> Result<(), Fault> {
    let owns = loaded
        .member
        .as_ref()
        .is_some_and(|member| member.role == Role::Owner);
    if account.password_hash.is_some() && !account.operator && !owns {
        accounts::actions::drop_password(conn, now, actor, account)?;
        session::end_all_of_account(conn, &account.id)?;
    }
    Ok(())
}

/// Steps 5 and 6: membership, invitation, teams.
fn let_in(
    conn: &mut Conn,
    now: Timestamp,
    arrival: &Arrival,
    loaded: &Loaded,
    admission: &Admission,
    account: &Account,
) -> Result<(), Fault> {
    let actor = Actor::person(&account.id, account.shown_name(), &arrival.client.ip);
    let organization = &loaded.organization.id;
    let member = match (&admission.membership, &loaded.member) {
        (MembershipEffect::Unchanged, Some(member)) => member.id.clone(),
        (MembershipEffect::Unchanged, None) => {
            return Err(Problem::internal("an admission without a membership").into());
        }
        (MembershipEffect::Created { role }, _) => {
            let invited = admission.invitation == InvitationEffect::Accepted;
            let joining = Joining {
                organization,
                account: &account.id,
                name: account.shown_name(),
                role: *role,
                source: if invited {
                    members::Source::Invitation
                } else {
                    members::Source::Jit
                },
                invited_by: if invited {
                    &loaded.invitation.invited_by_name
                } else {
                    ""
                },
            };
            members::actions::join(conn, now, &actor, &joining)?
        }
    };
    settle_invitation(conn, now, &actor, loaded, admission, &member)?;
    settle_teams(conn, now, loaded, admission, &member)?;
    members::actions::signed_in(conn, now, &member)?;
    accounts::actions::admitted(conn, now, account)?;
    Ok(())
}

fn settle_invitation(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    loaded: &Loaded,
    admission: &Admission,
    member: &str,
) -> Result<(), Fault> {
    match (admission.invitation, &loaded.invitation.id) {
        (InvitationEffect::Unchanged, _) => {}
        (InvitationEffect::Accepted, None) => {
            return Err(Problem::internal("an acceptance without an invitation").into());
        }
        (InvitationEffect::Accepted, Some(id)) => {
            if !invitations::actions::accept(conn, now, actor, id, member)? {
                return Err(
                    Problem::internal("an invitation was settled while it was being accepted").into(),
                );
            }
        }
        (InvitationEffect::Closed, _) => {
            for address in &loaded.addresses {
                invitations::actions::close_pending(conn, now, actor, &loaded.organization.id, address)?;
            }
        }
    }
    Ok(())
}

/// Step 6. A mapping takes away only what this connection's mapping gave.
fn settle_teams(
    conn: &mut Conn,
    now: Timestamp,
    loaded: &Loaded,
    admission: &Admission,
    member: &str,
) -> Result<(), Fault> {
    let (effect, connection) = (&admission.teams, loaded.connection.id.as_str());
    teams::give(conn, now, member, &effect.invited, teams::Source::Invitation, "")?;
    if let Some(team) = effect.default_team() {
        teams::give(conn, now, member, &[team.to_owned()], teams::Source::Default, "")?;
    }
    if effect.mapped.is_some() {
        let present = teams::mapped(conn, member, connection)?;
        let join = teams_to_join(effect.mapped.as_ref(), &present);
        let leave = teams_to_leave(effect.mapped.as_ref(), &present);
        teams::give(conn, now, member, &join, teams::Source::Mapping, connection)?;
        teams::take_mapped(conn, member, connection, &leave)?;
    }
    Ok(())
}

fn open_session(
    conn: &mut Conn,
    now: Timestamp,
    arrival: &Arrival,
    loaded: &Loaded,
    account: &Account,
) -> Result<String, Fault> {
    let new = NewSession {
        account: &account.id,
        organization: Some(&loaded.organization.id),
        connection: Some(&loaded.connection.id),
        client: &arrival.client,
        lifetime: loaded.organization.settings.session_lifetime(),
        idle: loaded.organization.settings.session_idle(),
    };
    Ok(session::begin(conn, now, &new)?)
}

/// Step 7: the one record of this sign-in, and its line in the audit log.
fn keep(conn: &mut Conn, now: Timestamp, record: &Record, denial: Option<&str>) -> Result<(), Fault> {
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
    Ok(audit::record(conn, now, &actor, &event)?)
}

fn record(now: Timestamp, arrival: &Arrival, connection_name: &str, trace: Trace) -> Record {
    let identity = &arrival.identity;
    Record {
        id: id::new_id(),
        organization: arrival.attempt.organization.clone(),
        connection: Some(arrival.attempt.connection.clone()),
        connection_name: connection_name.to_owned(),
        protocol: "oidc",
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
        evidence: arrival.evidence.clone(),
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
    /// The browser.
    pub client: Client,
}

impl Rejection {
    fn turned_off(arrival: &Arrival) -> Self {
        Self {
            organization: arrival.attempt.organization.clone(),
            connection: arrival.attempt.connection.clone(),
            check: "connection_off".to_owned(),
            sentence:
                "The connection or its organization was turned off while the person was at the provider."
                    .to_owned(),
            status: 403,
            client: arrival.client.clone(),
        }
    }
}

/// Keeps the record of a rejected message and answers its reference.
///
/// # Errors
/// When the database refuses.
pub fn reject(conn: &mut Conn, now: Timestamp, rejection: &Rejection) -> crate::store::Result<String> {
    let connection = connections::find(conn, &rejection.connection)?;
    let record = Record {
        id: id::new_id(),
        organization: rejection.organization.clone(),
        connection: Some(rejection.connection.clone()),
        connection_name: connection.map(|connection| connection.name).unwrap_or_default(),
        protocol: "oidc",
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
        evidence: json!({"status": rejection.status}),
        client: rejection.client.clone(),
    };
    match keep(conn, now, &record, None) {
        Ok(()) => Ok(record.reference),
        Err(Fault::Db(error)) => Err(error),
        Err(Fault::Problem(problem)) => Err(DbError::QueryBuilderError(problem.to_string().into())),
    }
}
