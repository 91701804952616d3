//! What the directory's word does to people: accounts, memberships, invitations and sessions, by the same
//! verbs as the pages.

use serde_json::{Map, Value, json};

use super::model::{Person, Seat, Stranger, Wanted, name_key};
use super::queries;
use crate::access::{EmailAddress, InvitationStanding, Role};
use crate::accounts::{self, Account};
use crate::audit::{self, Event, Subject};
use crate::break_glass;
use crate::groups;
use crate::invitations;
use crate::members::{self, Doer, Joining, Membership, Refusal, State};
use crate::provisioning::guard;
use crate::provisioning::request::{Answer, Context};
use crate::provisioning::tokens::Caller;
use crate::scim::{ScimError, ScimType};
use crate::seats;
use crate::store::Conn;
use crate::teams;

/// One request at work in its transaction, which holds the organization.
pub struct Work<'a> {
    /// The transaction.
    pub conn: &'a mut Conn,
    /// When and from where.
    pub context: &'a Context,
    /// By whom.
    pub caller: &'a Caller,
    doer: Doer,
    told: Vec<String>,
}

/// Whom an address belongs to already.
pub struct Known {
    account: Option<Account>,
    member: Option<Membership>,
    /// What was asked before, if it was.
    stranger: Option<Stranger>,
}

/// The membership of a person of the directory, and whether it was there before.
#[derive(Debug, Default)]
pub struct Settled {
    /// The member's id; none while there is no address.
    pub member: Option<String>,
    /// Whether the directory took over a member whom it did not make.
    pub adopted: bool,
    /// The membership as it stands now, where nothing else can have changed it or its teams.
    pub seat: Option<Seat>,
}

impl<'a> Work<'a> {
    /// Begins.
    pub fn new(conn: &'a mut Conn, context: &'a Context, caller: &'a Caller) -> Self {
        let doer = Doer {
            actor: caller.actor(&context.ip),
            // It may do what an owner may; the verbs keep the last owner.
            role: Role::Owner,
            is_fresh: true,
        };
        Self {
            conn,
            context,
            caller,
            doer,
            told: Vec::new(),
        }
    }

    /// What was done, in sentences.
    pub fn told(&self) -> String {
        self.told.join(" ")
    }

    fn tell(&mut self, sentence: &str) {
        self.told.push(sentence.to_owned());
    }

    /// Refuses, and keeps that it did, where the guard lets nobody else be deactivated for now. Comes before
    /// anything is written.
    pub fn guarded(&mut self) -> Result<Option<Answer>, ScimError> {
        let now = self.context.now;
        if guard::allows_deactivation(self.conn, now, self.caller)? {
            return Ok(None);
        }
        guard::pause(self.conn, now, self.caller)?;
        Ok(Some(Answer::refused(&ScimError::new(
            429,
            "Too many people were deactivated within an hour. Further deactivations wait until an owner of the \
             organization lets them go on.",
        ))))
    }

    /// What there is of somebody whom the directory sends for the first time.
    pub fn stranger(&mut self, wanted: &Wanted) -> Result<Stranger, ScimError> {
        let address = wanted.address.as_ref().map_or("", EmailAddress::key);
        let name = name_key(wanted.user_name());
        Ok(queries::facts(
            self.conn,
            &self.caller.organization,
            &name,
            address,
        )?)
    }

    /// Whom the address belongs to, if anybody. What is known of a stranger is not asked again.
    pub fn known(&mut self, wanted: &Wanted, stranger: Option<Stranger>) -> Result<Known, ScimError> {
        let may_have_account = stranger.is_none_or(|stranger| stranger.has_account);
        let account = match wanted.address.as_ref().filter(|_| may_have_account) {
            Some(address) => accounts::find_by_email(self.conn, address)?,
            None => None,
        };
        if let Some(account) = &account {
            self.spare_named(account)?;
        }
        let member = match &account {
            Some(account) => members::find_by_account(self.conn, &self.caller.organization, &account.id)?,
            None => None,
        };
        if let Some(member) = &member
            && queries::of_member(self.conn, &member.id)?.is_some()
        {
            return Err(ScimError {
                kind: Some(ScimType::Uniqueness),
                ..ScimError::new(409, "Another user of a directory here has this e-mail address.")
            });
        }
        Ok(Known {
            account,
            member,
            stranger,
        })
    }

    /// Refuses where the account is that of an owner for emergencies here.
    fn spare_named(&mut self, account: &Account) -> Result<(), ScimError> {
        if !break_glass::is_named(self.conn, &self.caller.organization, &account.id)? {
            return Ok(());
        }
        Err(ScimError {
            kind: Some(ScimType::Mutability),
            ..ScimError::new(
                409,
                "This owner is named for emergencies, and no directory changes them. Leave them out of the directory’s assignment.",
            )
        })
    }

    /// Makes the person a member, or takes over the membership there is. Without an address nothing happens.
    pub fn settle(&mut self, wanted: &Wanted, active: bool, known: Known) -> Result<Settled, ScimError> {
        let Some(address) = &wanted.address else {
            self.tell("Recorded. Without an e-mail address there is no membership yet.");
            return Ok(Settled::default());
        };
        match known.member {
            Some(member) if member.state != State::Removed => {
                self.adopt(&member)?;
                self.reseat(&Seat::from(&member), wanted, active)?;
                self.update_account(&member.account, Some(wanted), None)?;
                Ok(Settled {
                    member: Some(member.id),
                    adopted: true,
                    seat: None,
                })
            }
            _ => {
                let (member, seat) = self.join(wanted, address, known, active)?;
                Ok(Settled {
                    member: Some(member),
                    adopted: false,
                    seat,
                })
            }
        }
    }

    /// A new member, or a removed one again; and the membership where it is plainly a first one.
    fn join(
        &mut self,
        wanted: &Wanted,
        address: &EmailAddress,
        known: Known,
        active: bool,
    ) -> Result<(String, Option<Seat>), ScimError> {
        let (now, caller) = (self.context.now, self.caller);
        let invited = self.invited(address, known.stranger)?;
        // The invitation holds a seat already.
        let has_no_limit = known.stranger.is_some_and(|stranger| stranger.has_no_limit);
        if active && invited.is_none() && !has_no_limit {
            self.wants_a_seat()?;
        }
        let is_new = known.account.is_none();
        let account = match known.account {
            Some(account) => {
                self.update_account(&account.id, Some(wanted), None)?;
                accounts::actions::admitted(self.conn, now, &account)?;
                account
            }
            None => accounts::actions::create_admitted(self.conn, now, address, &wanted.full_name())?,
        };
        let offered = invited.as_ref().map(|(_, role, _)| *role);
        let role = wanted.role.or(offered).unwrap_or(caller.connection.default_role);
        let joining = Joining {
            by_password: false,
            organization: &caller.organization,
            account: &account.id,
            name: account.shown_name(),
            role: role.min(Role::Admin),
            source: members::Source::Scim,
            invited_by: "",
        };
        let actor = &self.doer.actor;
        let member = if is_new {
            members::actions::join_first(self.conn, now, actor, &joining)?
        } else {
            members::actions::join(self.conn, now, actor, &joining)?
        };
        self.tell("Became a member.");
        let is_plain = is_new && invited.is_none() && active && caller.connection.default_team.is_none();
        let seat = is_plain.then(|| Seat {
            id: member.clone(),
            account: account.id.clone(),
            state: State::Active,
            role: joining.role,
            version: 1,
        });
        self.welcome(&member, address, invited, active)?;
        Ok((member, seat))
    }

    /// The invitation that waits for the address: its id, role and teams.
    fn invited(
        &mut self,
        address: &EmailAddress,
        stranger: Option<Stranger>,
    ) -> Result<Option<(String, Role, Vec<String>)>, ScimError> {
        if stranger.is_some_and(|stranger| !stranger.is_invited) {
            return Ok(None);
        }
        let (now, organization) = (self.context.now, &self.caller.organization);
        let keys = [address.key().to_owned()];
        let found = invitations::standing(self.conn, now, organization, &keys, None)?;
        Ok(match found.standing {
            InvitationStanding::Pending { role, teams, .. } => found.id.map(|id| (id, role, teams)),
            _ => None,
        })
    }

    /// Settles the invitation, gives the teams, and deactivates a member who is not to come in yet.
    fn welcome(
        &mut self,
        member: &str,
        address: &EmailAddress,
        invited: Option<(String, Role, Vec<String>)>,
        active: bool,
    ) -> Result<(), ScimError> {
        let (now, caller) = (self.context.now, self.caller);
        let actor = &self.doer.actor;
        if let Some((id, _, team_ids)) = invited {
            let organization = caller.organization.as_str();
            if active {
                invitations::actions::accept(self.conn, now, actor, &id, member)?;
            } else {
                invitations::actions::close_pending(self.conn, now, actor, organization, address.key())?;
            }
            teams::give(self.conn, now, member, &team_ids, teams::Source::Invitation, "")?;
            self.tell("The invitation is settled by it.");
        } else {
            let default = caller.connection.default_team.as_ref();
            teams::give(self.conn, now, member, default, teams::Source::Default, "")?;
        }
        if !active {
            let known = members::find(self.conn, &caller.organization, member)?;
            let version = known.map_or(1, |known| known.version);
            members::actions::deactivate(self.conn, now, &self.doer, &caller.organization, member, version)?;
            self.tell("Deactivated from the start, without a seat.");
        }
        Ok(())
    }

    /// The directory takes over a member whom it did not make.
    fn adopt(&mut self, member: &Membership) -> Result<(), ScimError> {
        let (now, organization) = (self.context.now, self.caller.organization.as_str());
        let event = Event {
            organization: Some(organization),
            action: "member.adopted",
            subject: Subject {
                kind: "member",
                id: &member.id,
                name: &member.name,
            },
            before: Some(json!({"source": member.source.as_str()})),
            after: Some(json!({"managed_by": self.caller.connection.name})),
        };
        audit::record(self.conn, now, &self.doer.actor, &event)?;
        invitations::actions::close_pending(
            self.conn,
            now,
            &self.doer.actor,
            organization,
            &member.email_key,
        )?;
        self.tell("Took over a member who was here already.");
        Ok(())
    }

    /// Makes role and state of a membership what the directory wants. Answers how it stands then; none for one that
    /// was removed.
    pub fn reseat(&mut self, seat: &Seat, wanted: &Wanted, active: bool) -> Result<Option<Seat>, ScimError> {
        let mut now_is = seat.clone();
        if seat.state == State::Removed {
            if active {
                let account = accounts::find(self.conn, &seat.account)?;
                if let (Some(account), Some(address)) = (account, &wanted.address) {
                    let known = Known {
                        account: Some(account),
                        member: None,
                        stranger: None,
                    };
                    self.join(wanted, address, known, true)?;
                }
            }
            return Ok(None);
        }
        if let Some(role) = wanted.role.filter(|role| *role != seat.role) {
            now_is.version = self.change_role(seat, role)?;
            now_is.role = role;
        }
        let version = now_is.version;
        let (now, organization) = (self.context.now, self.caller.organization.as_str());
        match (seat.state, active) {
            (State::Active, false) => {
                members::actions::deactivate(self.conn, now, &self.doer, organization, &seat.id, version)?;
                guard::noted(self.conn, now, self.caller)?;
                (now_is.state, now_is.version) = (State::Deactivated, version + 1);
                self.tell("Deactivated; the sessions here are ended.");
            }
            (State::Deactivated, true) => {
                self.wants_a_seat()?;
                members::actions::reactivate(self.conn, now, &self.doer, organization, &seat.id, version)?;
                (now_is.state, now_is.version) = (State::Active, version + 1);
                self.tell("Reactivated.");
            }
            _ => {}
        }
        Ok(Some(now_is))
    }

    fn change_role(&mut self, seat: &Seat, role: Role) -> Result<i64, ScimError> {
        if seat.role == Role::Owner {
            return Err(ScimError::new(
                409,
                "This person is an owner. The role of an owner is changed by owners, not by a directory.",
            ));
        }
        let changed = members::actions::change_role(
            self.conn,
            self.context.now,
            &self.doer,
            &self.caller.organization,
            &seat.id,
            seat.version,
            role,
        )?;
        self.tell("Has another role now.");
        Ok(changed.version)
    }

    fn wants_a_seat(&mut self) -> Result<(), ScimError> {
        if seats::has_room(self.conn, &self.caller.organization, self.context.now, 1)? {
            return Ok(());
        }
        Err(ScimError::new(403, Refusal::NoSeat.to_string()))
    }

    /// Takes a new name, and a new address, over into the account: where the organization has verified the
    /// domain of the account's address (and of the new one) and attached it to this connection. Any other
    /// account is not the directory's.
    pub fn update_account(
        &mut self,
        account: &str,
        named: Option<&Wanted>,
        address: Option<&EmailAddress>,
    ) -> Result<(), ScimError> {
        let Some(account) = accounts::find(self.conn, account)?.filter(|account| account.is_active) else {
            return Ok(());
        };
        let name = named.map(Wanted::full_name).unwrap_or_default();
        let address = address.filter(|address| address.key() != account.email_key);
        if (name.is_empty() || name == account.full_name) && address.is_none() {
            return Ok(());
        }
        if !self.covers(&account.email)? {
            self.tell("The account keeps its name and address: its domain is not this connection’s.");
            return Ok(());
        }
        // They may have been named after the directory came to know them.
        self.spare_named(&account)?;
        if break_glass::is_named_anywhere(self.conn, &account.id)? {
            self.tell("The account keeps its name and address: another organization named this owner for emergencies.");
            return Ok(());
        }
        let (now, actor) = (self.context.now, &self.doer.actor);
        accounts::actions::rename(self.conn, now, actor, &account, &name)?;
        match address {
            Some(address) if !account.operator => self.readdress(&account, address),
            _ => Ok(()),
        }
    }

    fn readdress(&mut self, account: &Account, address: &EmailAddress) -> Result<(), ScimError> {
        if !queries::covers(self.conn, self.caller, address.domain())?
            || accounts::find_by_email(self.conn, address)?.is_some()
        {
            self.tell("The account keeps its address: the new one is not this connection’s, or is in use.");
            return Ok(());
        }
        accounts::actions::change_email(self.conn, self.context.now, &self.doer.actor, account, address)?;
        self.tell("The account has a new address.");
        Ok(())
    }

    fn covers(&mut self, email: &str) -> Result<bool, ScimError> {
        match EmailAddress::parse(email) {
            Ok(address) => Ok(queries::covers(self.conn, self.caller, address.domain())?),
            Err(_) => Ok(false),
        }
    }

    /// Gives a person who became a member just now, or became one again, the teams of the groups they are in.
    pub fn follow_groups(
        &mut self,
        known: &Person,
        member: Option<&str>,
        active: bool,
    ) -> Result<(), ScimError> {
        let again = active
            && known
                .member
                .as_ref()
                .is_some_and(|seat| seat.state == State::Removed);
        let Some(member) = member.filter(|_| known.member.is_none() || again) else {
            return Ok(());
        };
        if queries::is_in_a_group(self.conn, &known.id)? {
            let (now, connection) = (self.context.now, &self.caller.connection);
            groups::actions::sync_member(self.conn, now, &self.doer.actor, connection, member)?;
        }
        Ok(())
    }

    /// Takes the member out of the organization, and the account's identities away from the connection.
    pub fn remove(&mut self, seat: &Seat) -> Result<(), ScimError> {
        let (now, organization) = (self.context.now, self.caller.organization.as_str());
        members::actions::remove(self.conn, now, &self.doer, organization, &seat.id, seat.version)?;
        if seat.state == State::Active {
            guard::noted(self.conn, now, self.caller)?;
        }
        accounts::actions::unlink(
            self.conn,
            now,
            &self.doer.actor,
            &self.caller.connection.id,
            &seat.account,
        )?;
        self.tell("Removed from the organization; the sessions here are ended.");
        Ok(())
    }

    /// Tells the audit log what no verb has told.
    pub fn note(
        &mut self,
        action: &str,
        (id, name): (&str, &str),
        (before, after): (Option<Value>, Option<Value>),
    ) -> Result<(), ScimError> {
        let event = Event {
            organization: Some(&self.caller.organization),
            action,
            subject: Subject {
                kind: "directory_person",
                id,
                name,
            },
            before,
            after,
        };
        audit::record(self.conn, self.context.now, &self.doer.actor, &event)?;
        Ok(())
    }
}

impl From<&Membership> for Seat {
    fn from(member: &Membership) -> Self {
        Self {
            id: member.id.clone(),
            account: member.account.clone(),
            state: member.state,
            role: member.role,
            version: member.version,
        }
    }
}

impl Known {
    /// Whether the address is that of a member who may enter.
    pub fn is_active_member(&self) -> bool {
        self.member
            .as_ref()
            .is_some_and(|member| member.state == State::Active)
    }
}

/// Those attributes whose values differ: before and after.
pub fn differences(known: &Person, wanted: &Wanted) -> (Value, Value) {
    let differ = |one: &Map<String, Value>, other: &Map<String, Value>| -> Value {
        one.iter()
            .filter(|(name, value)| other.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>()
            .into()
    };
    (
        differ(&known.attributes, &wanted.attributes),
        differ(&wanted.attributes, &known.attributes),
    )
}
