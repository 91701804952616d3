//! What a decision does: account, membership, invitation, teams, session, and the queue of denials.

use super::flow::{Arrival, Fault, Loaded, Passage};
use super::record::{keep, record};
use crate::access::{
    AccountEffect, Admission, Decision, DomainStanding, InvitationEffect, MembershipEffect, Refusal, Role,
    Verdict, teams_to_join, teams_to_leave,
};
use crate::accounts::{self, Account};
use crate::audit::Actor;
use crate::denied;
use crate::factors;
use crate::groups;
use crate::invitations;
use crate::members::{self, Joining};
use crate::orgs::Organization;
use crate::session::{self, NewSession};
use crate::sign_ins::{Outcome, Record};
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::teams;
use crate::web::Problem;

/// Makes the decision true. The account comes first, in or out.
pub(super) fn apply(
    conn: &mut Conn,
    now: Timestamp,
    arrival: &Arrival,
    loaded: &Loaded,
    decision: Decision,
) -> Result<Passage, Fault> {
    let account = settle_account(conn, now, arrival, loaded, decision.verdict.account())?;
    let mut record = record(now, arrival, loaded, decision.trace);
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
                return_to: arrival.return_to.clone(),
            })
        }
        (Verdict::Admit(_), None) => Err(Problem::internal("an admission without an account").into()),
        (Verdict::Deny(refusal), _) => {
            turn_away(&mut record, *refusal);
            let denial = denied::actions::note(conn, &record)?;
            keep(conn, now, &record, Some(&denial))?;
            Ok(Passage::Refused {
                reference: record.reference,
                decided: true,
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
    let account = match (effect, &loaded.person.account, &identity.email) {
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
        forget_what_others_gave(conn, now, &actor, (arrival, loaded), &account)?;
    }
    accounts::actions::rename(conn, now, &actor, &account, &name)?;
    let full_name = if name.is_empty() {
        account.full_name.clone()
    } else {
        name
    };
    Ok(Some(Account { full_name, ..account }))
}

/// The domain's own provider vouches for this person now. What somebody may have set before, through another
/// organization's invitation, must not open this account any longer: password, second factors, sessions. Owners here
/// keep theirs: the operator or an owner gave it to them. Owners elsewhere keep theirs as well, since an organization
/// may not lose its owner by a sign-in at another one; it opens nothing here.
fn forget_what_others_gave(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    (arrival, loaded): (&Arrival, &Loaded),
    account: &Account,
) -> Result<(), Fault> {
    let domain = loaded.person.standing.domain;
    let vouches = matches!(domain, DomainStanding::Verified | DomainStanding::Lapsed)
        && arrival.identity.email_verified != Some(false);
    let member = loaded.person.member.as_ref();
    if !vouches || account.operator || member.is_some_and(|member| member.role == Role::Owner) {
        return Ok(());
    }
    if let Some(member) = member {
        members::actions::distrust_password(conn, &member.id)?;
    }
    if account.password_hash.is_some() && !members::owns_something(conn, &account.id)? {
        accounts::actions::drop_password(conn, now, actor, account)?;
        factors::actions::remove_all(conn, now, actor, account)?;
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
    let member = match (&admission.membership, &loaded.person.member) {
        (MembershipEffect::Unchanged, Some(member)) => member.id.clone(),
        (MembershipEffect::Unchanged, None) => {
            return Err(Problem::internal("an admission without a membership").into());
        }
        (MembershipEffect::Created { role, by_mapping }, _) => {
            let invited = admission.invitation == InvitationEffect::Accepted;
            let joining = Joining {
                by_password: false,
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
                    &loaded.person.invitation.invited_by_name
                } else {
                    ""
                },
            };
            let member = members::actions::join(conn, now, &actor, &joining)?;
            if *by_mapping {
                members::actions::joined_by_mapping(conn, &member, &loaded.connection.id)?;
            }
            member
        }
    };
    settle_invitation(conn, now, &actor, loaded, admission, &member)?;
    settle_teams(conn, now, &actor, loaded, admission, &member)?;
    settle_role(conn, now, &actor, loaded, admission)?;
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
    match (admission.invitation, &loaded.person.invitation.id) {
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
            for address in &loaded.person.addresses {
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
    actor: &Actor,
    loaded: &Loaded,
    admission: &Admission,
    member: &str,
) -> Result<(), Fault> {
    let (effect, connection) = (&admission.teams, loaded.connection.id.as_str());
    let organization = loaded.organization.id.as_str();
    teams::give(conn, now, member, &effect.invited, teams::Source::Invitation, "")?;
    if let Some(team) = effect.default_team() {
        teams::give(conn, now, member, &[team.to_owned()], teams::Source::Default, "")?;
    }
    if let Some(mapped) = &effect.mapped {
        let mut mapped = mapped.clone();
        mapped.extend(groups::actions::make_teams(
            conn,
            now,
            actor,
            organization,
            &effect.made,
        )?);
        let present = teams::mapped(conn, member, connection)?;
        let join = teams_to_join(Some(&mapped), &present);
        let leave = teams_to_leave(Some(&mapped), &present);
        let by = (teams::Source::Mapping, connection);
        teams::actions::follow_groups(conn, now, actor, (organization, member), by, (&join, &leave))?;
    }
    Ok(())
}

/// Step 6 for the role of somebody who was a member before.
fn settle_role(
    conn: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    loaded: &Loaded,
    admission: &Admission,
) -> Result<(), Fault> {
    if let (MembershipEffect::Unchanged, Some(member)) = (&admission.membership, &loaded.person.member) {
        let (connection, effect) = (&loaded.connection, admission.role);
        members::actions::follow_mapping(conn, now, actor, connection, member, effect)?;
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
        strength: session::Strength::SingleSignOn,
        proved_at: arrival.authenticated_at.map_or(0, |at| at.min(now)),
        client: &arrival.client,
        lifetime: lifetime(now, arrival, &loaded.organization),
        idle: loaded.organization.settings.session_idle(),
    };
    Ok(session::begin(conn, now, &new)?)
}

/// As long as the organization wants, but not longer than the provider does.
fn lifetime(now: Timestamp, arrival: &Arrival, organization: &Organization) -> i64 {
    let most = organization.settings.session_lifetime();
    arrival
        .session_ends_at
        .map_or(most, |end| most.min(end.saturating_sub(now)))
}
