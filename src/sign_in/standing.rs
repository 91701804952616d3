//! What is judged, read for one person or for hundreds by the same queries: sign-in, dry run and preview all
//! stand on it, so that what one of them says is true of the others.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::access::{
    AccountStanding, DomainStanding, EmailAddress, Identity, InvitationStanding, MappedGroup, MemberStanding,
    Policy, Role, Seats as SeatStanding, Standing,
};
use crate::accounts::{self, Account};
use crate::connections::{self, Connection, StandingDomain};
use crate::groups;
use crate::invitations::{self, Found};
use crate::members::{self, Membership};
use crate::orgs::{self, Organization};
use crate::seats::{self, Seats};
use crate::sign_ins::{Judged, Switched};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// What everybody meets who comes by one connection.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The organization.
    pub organization: Organization,
    /// The connection.
    pub connection: Connection,
    /// The connection's table of groups.
    pub mapping: Vec<MappedGroup>,
    /// What is supposed of domains, where that is not how they stand.
    supposed: Supposed,
    /// Counted once, when somebody needs one.
    seats: OnceCell<Seats>,
}

/// What is supposed of domains.
#[derive(Debug, Clone, Default)]
struct Supposed {
    /// The ids of those that are attached, and of no others.
    attached: Option<BTreeSet<String>>,
    /// The name of one that the organization has verified and attached.
    verified: Option<String>,
    /// The id of one that is no longer there.
    gone: Option<String>,
}

/// What would be otherwise than it is. What is none stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Otherwise {
    /// Just-in-time provisioning.
    pub jit: Option<bool>,
    /// SCIM.
    pub scim: Option<bool>,
    /// The role of newcomers.
    pub default_role: Option<Role>,
    /// The team of newcomers.
    pub default_team: Option<Option<String>>,
    /// The table of groups.
    pub mapping: Option<Vec<MappedGroup>>,
    /// Whether groups are teams by their names.
    pub convention: Option<bool>,
    /// How many seats there are.
    pub seats: Option<Option<i64>>,
    /// The ids of the domains that are attached to the connection, and no others.
    pub attached: Option<BTreeSet<String>>,
    /// The name of a domain that is verified and attached.
    pub verified: Option<String>,
    /// The id of a domain that the organization has no longer.
    pub gone: Option<String>,
}

impl Otherwise {
    /// Whether it changes how people stand, and not only by what rules they are judged.
    pub fn changes_standing(&self) -> bool {
        self.seats.is_some() || self.attached.is_some() || self.verified.is_some() || self.gone.is_some()
    }
}

/// Some people who come by one connection, and the rules that they meet.
#[derive(Debug)]
pub struct Here {
    /// The rules of entry. The convention knows the teams of everybody's groups here.
    pub policy: Policy,
    /// The people, in the order in which they were asked about.
    pub people: Vec<Person>,
}

/// All that is known of somebody at the door.
#[derive(Debug, Clone)]
pub struct Person {
    /// For the decision.
    pub standing: Standing,
    /// The linked account, else the one with this address.
    pub account: Option<Account>,
    /// The membership, whatever its state.
    pub member: Option<Membership>,
    /// The invitation that counts.
    pub invitation: Found,
    /// The addresses (folded) whose invitations are this person's.
    pub addresses: Vec<String>,
    /// The row of the address's domain, where it is the organization's own.
    pub domain: Option<String>,
}

/// What is read of the accounts of some people.
struct Accounts {
    linked: HashMap<(String, String), Account>,
    by_address: HashMap<String, Account>,
}

impl Ground {
    /// Reads it; none where the organization has no such connection.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn load(conn: &mut Conn, organization: &str, connection: &str) -> Result<Option<Self>> {
        match connections::find_in(conn, organization, connection)? {
            Some(connection) => Self::at(conn, organization, connection),
            None => Ok(None),
        }
    }

    /// The same at a connection that may be otherwise than it is stored; none where there is no such organization.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn at(conn: &mut Conn, organization: &str, connection: Connection) -> Result<Option<Self>> {
        let Some(organization) = orgs::find(conn, organization)? else {
            return Ok(None);
        };
        let mapping = groups::mapping(conn, &connection.id)?;
        Ok(Some(Self {
            organization,
            connection,
            mapping,
            supposed: Supposed::default(),
            seats: OnceCell::new(),
        }))
    }

    /// The same with something otherwise.
    #[must_use]
    pub fn otherwise(&self, change: &Otherwise) -> Self {
        let mut other = self.clone();
        let (connection, settings) = (&mut other.connection, &mut other.organization.settings);
        if let Some(jit) = change.jit.filter(|jit| *jit != connection.jit) {
            // Nobody has switched it: it is only supposed.
            connection.jit = jit;
            connection.jit_changed_at = None;
        }
        connection.scim = change.scim.unwrap_or(connection.scim);
        connection.default_role = change.default_role.unwrap_or(connection.default_role);
        if let Some(team) = &change.default_team {
            connection.default_team.clone_from(team);
        }
        settings.group_convention = change.convention.unwrap_or(settings.group_convention);
        settings.seats = change.seats.unwrap_or(settings.seats);
        if let Some(mapping) = &change.mapping {
            other.mapping.clone_from(mapping);
        }
        other.supposed = Supposed {
            attached: change.attached.clone(),
            verified: change.verified.clone(),
            gone: change.gone.clone(),
        };
        other
    }

    /// Whether anybody can come by it.
    pub fn is_on(&self) -> bool {
        self.organization.is_on && self.connection.is_on()
    }

    /// Reads how these people stand. `token` is the hash of the invitation's token that the browser carries.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn people(
        &self,
        conn: &mut Conn,
        now: Timestamp,
        identities: &[&Identity],
        token: Option<&str>,
    ) -> Result<Here> {
        let accounts = Accounts::read(conn, &self.connection, identities)?;
        let domains = self.domains(conn, identities)?;
        let mut people: Vec<Person> = identities
            .iter()
            .map(|identity| accounts.person(identity, &domains))
            .collect();
        self.settle_members(conn, &mut people)?;
        self.settle_invitations(conn, now, &mut people, token)?;
        self.settle_seats(conn, now, &mut people)?;
        Ok(Here {
            policy: self.policy(conn, identities)?,
            people,
        })
    }

    /// The rules for people with these groups.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn policy(&self, conn: &mut Conn, identities: &[&Identity]) -> Result<Policy> {
        let sent = identities.iter().any(|identity| identity.groups.is_some());
        let groups: Vec<String> = if self.organization.settings.group_convention {
            let all = identities.iter().filter_map(|identity| identity.groups.as_ref());
            all.flatten().cloned().collect()
        } else {
            Vec::new()
        };
        let convention = groups::convention(conn, &self.organization, sent.then_some(groups.as_slice()))?;
        Ok(Policy {
            convention,
            ..connections::policy(&self.connection, self.mapping.clone())
        })
    }

    fn domains(&self, conn: &mut Conn, identities: &[&Identity]) -> Result<HashMap<String, StandingDomain>> {
        let emails = identities.iter().filter_map(|identity| identity.email.as_ref());
        let mut names: Vec<&str> = emails.map(EmailAddress::domain).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let mut found = connections::domain_standings(conn, &self.connection, &names)?;
        if let Some(attached) = &self.supposed.attached {
            for domain in &mut found {
                domain.attached = domain.id.as_ref().is_some_and(|id| attached.contains(id));
            }
        }
        if let Some(gone) = &self.supposed.gone {
            found.retain(|domain| domain.id.as_ref() != Some(gone));
        }
        if let Some(name) = &self.supposed.verified {
            found.retain(|domain| domain.name != *name);
            found.push(StandingDomain {
                name: name.clone(),
                id: Some(String::new()),
                lapsed: false,
                attached: true,
            });
        }
        Ok(found
            .into_iter()
            .map(|domain| (domain.name.clone(), domain))
            .collect())
    }

    fn settle_members(&self, conn: &mut Conn, people: &mut [Person]) -> Result<()> {
        let accounts = people.iter().filter_map(|person| person.account.as_ref());
        let ids: Vec<&str> = accounts.map(|account| account.id.as_str()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let found = members::of_accounts(conn, &self.organization.id, &ids)?;
        let found: HashMap<String, Membership> = found
            .into_iter()
            .map(|member| (member.account.clone(), member))
            .collect();
        for person in people {
            let member = person.account.as_ref().and_then(|account| found.get(&account.id));
            person.standing.member = member_standing(member);
            person.member = member.cloned();
        }
        Ok(())
    }

    fn settle_invitations(
        &self,
        conn: &mut Conn,
        now: Timestamp,
        people: &mut [Person],
        token: Option<&str>,
    ) -> Result<()> {
        let addresses: Vec<Vec<String>> = people.iter().map(|person| person.addresses.clone()).collect();
        let found = invitations::standings(conn, now, &self.organization.id, &addresses, token)?;
        for (person, found) in people.iter_mut().zip(found) {
            person.standing.invitation = found.standing.clone();
            person.invitation = found;
        }
        Ok(())
    }

    /// Whether newcomers would find a seat. Counted only where that can matter, since counting takes longer
    /// the more members there are.
    fn settle_seats(&self, conn: &mut Conn, now: Timestamp, people: &mut [Person]) -> Result<()> {
        let has_newcomers = people.iter().any(|person| person.member.is_none());
        if !has_newcomers || self.organization.settings.seats.is_none() {
            return Ok(());
        }
        if !self.seats(conn, now)?.has_room(1) {
            for person in people.iter_mut().filter(|person| person.member.is_none()) {
                person.standing.seats = SeatStanding::Full;
            }
        }
        Ok(())
    }

    /// The seats that are taken, counted once, and the limit.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn seats(&self, conn: &mut Conn, now: Timestamp) -> Result<Seats> {
        let counted = if let Some(counted) = self.seats.get() {
            *counted
        } else {
            let counted = seats::count(conn, &self.organization.id, now)?;
            *self.seats.get_or_init(|| counted)
        };
        Ok(Seats {
            limit: self.organization.settings.seats,
            ..counted
        })
    }
}

impl Person {
    /// The rows that a decision about this person is made from.
    pub fn judged(&self, connection: &Connection, mapping: &[MappedGroup], identity: &Identity) -> Judged {
        let groups = identity.groups.as_deref().unwrap_or_default();
        let fitting = mapping.iter().filter(|line| groups.contains(&line.group));
        Judged {
            member: self.member.as_ref().map(|member| member.id.clone()),
            invitation: self.invitation.id.clone(),
            domain: self.domain.clone().filter(|id| !id.is_empty()),
            jit: connection.jit_changed_at.map(|at| Switched {
                on: connection.jit,
                at,
                by: connection.jit_changed_by.clone(),
            }),
            lines: fitting
                .map(|line| (line.group.clone(), line.team.clone()))
                .collect(),
        }
    }
}

impl Accounts {
    fn read(conn: &mut Conn, connection: &Connection, identities: &[&Identity]) -> Result<Self> {
        let linked = accounts::linked_to(conn, &connection.id, identities)?;
        // Whoever is linked and has this address still is found already: addresses are of one account each.
        let found: HashSet<&str> = linked
            .iter()
            .map(|(_, _, account)| account.email_key.as_str())
            .collect();
        let keys = identities.iter().filter_map(|identity| identity.email.as_ref());
        let keys: Vec<&str> = keys
            .map(EmailAddress::key)
            .filter(|key| !found.contains(key))
            .collect();
        let by_address = if keys.is_empty() {
            Vec::new()
        } else {
            accounts::by_email_keys(conn, &keys)?
        };
        let all = linked
            .iter()
            .map(|(_, _, account)| account.clone())
            .chain(by_address);
        let by_address = all.map(|account| (account.email_key.clone(), account)).collect();
        let linked = linked.into_iter();
        Ok(Self {
            linked: linked
                .map(|(issuer, subject, account)| ((issuer, subject), account))
                .collect(),
            by_address,
        })
    }

    /// Somebody of whom account and domain are known, and nothing else yet.
    fn person(&self, identity: &Identity, domains: &HashMap<String, StandingDomain>) -> Person {
        let name = (identity.issuer.clone(), identity.subject.clone());
        let linked = self.linked.get(&name);
        let email = identity.email.as_ref();
        let by_address = email.and_then(|email| self.by_address.get(email.key()));
        let domain = email.and_then(|email| domains.get(email.domain()));
        let standing = domain.map_or(DomainStanding::Unverified, StandingDomain::standing);
        let account = linked.or(by_address);
        Person {
            standing: Standing {
                account: account_standing(account, linked.is_some()),
                member: MemberStanding::No,
                invitation: InvitationStanding::None,
                seats: SeatStanding::Free,
                domain: standing,
            },
            addresses: invited_addresses(identity, linked, by_address, standing),
            account: account.cloned(),
            member: None,
            invitation: Found::nothing(),
            domain: domain.and_then(|domain| domain.id.clone()),
        }
    }
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
