//! A membership, and the rules of who may change it.

use crate::access::Role;
use crate::seats::Seats;
use crate::store::time::Timestamp;
use crate::web::Problem;

/// Whether a member may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// May enter.
    Active,
    /// Kept, but may not enter until reactivated.
    Deactivated,
    /// Taken out by an administrator; comes back only by an invitation.
    Removed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Deactivated, Self::Removed];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Removed => "removed",
        }
    }

    /// The state of a word; none for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Deactivated => "Deactivated",
            Self::Removed => "Removed",
        }
    }

    /// The variant of its badge.
    pub fn tone(self) -> &'static str {
        match self {
            Self::Active => "good",
            Self::Deactivated => "bad",
            Self::Removed => "warn",
        }
    }
}

/// How somebody became a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// When the organization was set up, or by the command line.
    Setup,
    /// By an invitation.
    Invitation,
    /// By signing in, just in time.
    Jit,
    /// By a directory.
    Scim,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Setup, Self::Invitation, Self::Jit, Self::Scim];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invitation => "invitation",
            Self::Jit => "jit",
            Self::Scim => "scim",
        }
    }

    /// The source of a word; none for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }

    /// For people, under "Came by".
    pub fn title(self) -> &'static str {
        match self {
            Self::Setup => "Set-up",
            Self::Invitation => "Invitation",
            Self::Jit => "SSO · just in time",
            Self::Scim => "SCIM",
        }
    }
}

/// An account in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its key.
    pub id: String,
    /// The organization's id.
    pub organization: String,
    /// The account's id.
    pub account: String,
    /// The person's name, or the address where none is known.
    pub name: String,
    /// The account's address.
    pub email: String,
    /// The address, folded.
    pub email_key: String,
    /// What the person may do.
    pub role: Role,
    /// Whether the person may enter.
    pub state: State,
    /// How the person came.
    pub source: Source,
    /// The inviter's name as it was then; empty where nobody invited.
    pub invited_by: String,
    /// When it began; for one who was removed and came back, when they came back.
    pub joined_at: Timestamp,
    /// When the state last changed.
    pub state_changed_at: Timestamp,
    /// When the person last signed in here.
    pub last_sign_in_at: Option<Timestamp>,
    /// Goes up with each change of role or state.
    pub version: i64,
    /// The id of the connection whose group mapping gave the role; none where a person or a rule did.
    pub role_given_by: Option<String>,
}

/// Which members a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of a name or an address, in lower case; empty: anybody.
    pub text: String,
    /// Only those of this role.
    pub role: Option<Role>,
    /// Only those of the team with this id.
    pub team: Option<String>,
    /// Only those in this state; none: active and deactivated ones.
    pub state: Option<State>,
    /// Only those who came so.
    pub source: Option<Source>,
    /// Only those whom a directory knows, or only those whom none knows.
    pub managed: Option<bool>,
}

/// A member as a directory knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// The membership's id.
    pub member: String,
    /// The connection's name.
    pub connection: String,
    /// Whether the directory still writes: SCIM is on there.
    pub is_synchronised: bool,
    /// What the directory calls the person.
    pub user_name: String,
    /// Whether the person was a member before, and the directory took them over.
    pub adopted: bool,
}

/// An identity of a member at one of the organization's connections.
#[derive(Debug, Clone)]
pub struct Linked {
    /// The connection's name.
    pub connection: String,
    /// Who vouches.
    pub issuer: String,
    /// As whom the provider knows the person.
    pub subject: String,
    /// Since when.
    pub since: Timestamp,
}

/// What can be done to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Block entry and keep the record.
    Deactivate,
    /// Let in again.
    Reactivate,
    /// Out of the organization and of all teams.
    Remove,
    /// End every session here.
    SignOut,
    /// Give another role.
    ChangeRole(Role),
    /// Put into teams and take out of them.
    ChangeTeams,
}

/// What a rule has to know beside the member.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// How many other active owners there are.
    pub other_owners: i64,
    /// The organization's seats.
    pub seats: Seats,
}

/// Why an act is refused. `Display` is a sentence for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Plain members change nobody.
    NotAdmin,
    /// The member's role is above the doer's.
    AboveYou,
    /// The role to be given is above the doer's.
    GrantsAbove,
    /// It would leave the organization without an owner.
    LastOwner,
    /// The member was removed.
    Removed,
    /// The member is deactivated already.
    AlreadyDeactivated,
    /// The member is active already.
    AlreadyActive,
    /// Every seat is taken.
    NoSeat,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotAdmin => "Only admins and owners may change members.",
            Self::AboveYou => "Only an owner may change an owner. Ask one of them.",
            Self::GrantsAbove => "Nobody gives a role above their own. Ask an owner.",
            Self::LastOwner => {
                "This is the only owner, and an organization needs one. Make somebody else an owner first."
            }
            Self::Removed => "This person was removed. Invite them, and they can come back.",
            Self::AlreadyDeactivated => "This member is deactivated already.",
            Self::AlreadyActive => "This member is active already.",
            Self::NoSeat => {
                "Every seat is taken. Add a seat in the settings, or deactivate a member or revoke an \
                 invitation first."
            }
        })
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAdmin | Refusal::AboveYou | Refusal::GrantsAbove => {
                Self::Forbidden(refusal.to_string())
            }
            _ => Self::Conflict(refusal.to_string()),
        }
    }
}

/// May a person of role `by` do this to the member?
///
/// # Errors
/// Says why not.
pub fn judge(act: Act, by: Role, member: &Membership, facts: &Facts) -> Result<(), Refusal> {
    if by < Role::Admin {
        return Err(Refusal::NotAdmin);
    }
    // Teams give no power here, so that an admin may arrange an owner's.
    if member.role > by && act != Act::ChangeTeams {
        return Err(Refusal::AboveYou);
    }
    if member.state == State::Removed {
        return Err(Refusal::Removed);
    }
    match act {
        Act::Deactivate if member.state == State::Deactivated => Err(Refusal::AlreadyDeactivated),
        Act::Deactivate | Act::Remove => keeps_an_owner(member, facts),
        Act::ChangeRole(role) if !by.may_grant(role) => Err(Refusal::GrantsAbove),
        Act::ChangeRole(role) if role < Role::Owner => keeps_an_owner(member, facts),
        Act::Reactivate if member.state == State::Active => Err(Refusal::AlreadyActive),
        Act::Reactivate if !facts.seats.has_room(1) => Err(Refusal::NoSeat),
        Act::Reactivate | Act::SignOut | Act::ChangeRole(_) | Act::ChangeTeams => Ok(()),
    }
}

fn keeps_an_owner(member: &Membership, facts: &Facts) -> Result<(), Refusal> {
    let is_owner = member.role == Role::Owner && member.state == State::Active;
    if is_owner && facts.other_owners == 0 {
        Err(Refusal::LastOwner)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(role: Role, state: State) -> Membership {
        Membership {
            id: "m".into(),
            organization: "o".into(),
            account: "a".into(),
            name: "Ada".into(),
            email: "ada@acme.example".into(),
            email_key: "ada@acme.example".into(),
            role,
            state,
            source: Source::Jit,
            invited_by: String::new(),
            joined_at: 0,
            state_changed_at: 0,
            last_sign_in_at: None,
            version: 1,
            role_given_by: None,
        }
    }

    fn facts(other_owners: i64, limit: Option<i64>) -> Facts {
        let seats = Seats {
            limit,
            members: 1,
            invited: 0,
        };
        Facts { other_owners, seats }
    }

    const ACTS: [Act; 6] = [
        Act::Deactivate,
        Act::Reactivate,
        Act::Remove,
        Act::SignOut,
        Act::ChangeRole(Role::Member),
        Act::ChangeTeams,
    ];

    #[test]
    fn a_plain_member_changes_nobody() {
        for act in ACTS {
            let themself = member(Role::Member, State::Active);
            assert_eq!(
                judge(act, Role::Member, &themself, &facts(1, None)),
                Err(Refusal::NotAdmin)
            );
        }
    }

    #[test]
    fn an_admin_changes_no_owner_but_their_teams() {
        let owner = member(Role::Owner, State::Active);
        for act in ACTS {
            let expected = if act == Act::ChangeTeams {
                Ok(())
            } else {
                Err(Refusal::AboveYou)
            };
            assert_eq!(
                judge(act, Role::Admin, &owner, &facts(5, None)),
                expected,
                "{act:?}"
            );
        }
    }

    /// ADM-005.
    #[test]
    fn the_last_owner_stays_by_every_door() {
        let owner = member(Role::Owner, State::Active);
        let doors = [
            Act::Deactivate,
            Act::Remove,
            Act::ChangeRole(Role::Admin),
            Act::ChangeRole(Role::Member),
        ];
        for act in doors {
            assert_eq!(
                judge(act, Role::Owner, &owner, &facts(0, None)),
                Err(Refusal::LastOwner),
                "{act:?}"
            );
            assert_eq!(
                judge(act, Role::Owner, &owner, &facts(1, None)),
                Ok(()),
                "{act:?}"
            );
        }
        let gone = member(Role::Owner, State::Deactivated);
        assert_eq!(judge(Act::Remove, Role::Owner, &gone, &facts(0, None)), Ok(()));
    }

    /// ADM-005.
    #[test]
    fn nobody_gives_a_role_above_their_own() {
        let somebody = member(Role::Member, State::Active);
        let gives = |by, role| judge(Act::ChangeRole(role), by, &somebody, &facts(1, None));
        assert_eq!(gives(Role::Admin, Role::Admin), Ok(()));
        assert_eq!(gives(Role::Admin, Role::Owner), Err(Refusal::GrantsAbove));
        assert_eq!(gives(Role::Owner, Role::Owner), Ok(()));
    }

    #[test]
    fn a_reactivated_member_takes_a_free_seat() {
        let gone = member(Role::Member, State::Deactivated);
        let back = |limit| judge(Act::Reactivate, Role::Admin, &gone, &facts(1, limit));
        assert_eq!(back(None), Ok(()));
        assert_eq!(back(Some(2)), Ok(()));
        assert_eq!(back(Some(1)), Err(Refusal::NoSeat));
    }

    #[test]
    fn an_act_fits_the_state() {
        let told = |act, state| judge(act, Role::Owner, &member(Role::Member, state), &facts(1, None));
        assert_eq!(
            told(Act::Deactivate, State::Deactivated),
            Err(Refusal::AlreadyDeactivated)
        );
        assert_eq!(told(Act::Reactivate, State::Active), Err(Refusal::AlreadyActive));
        for act in ACTS {
            assert_eq!(told(act, State::Removed), Err(Refusal::Removed), "{act:?}");
        }
    }

    #[test]
    fn words_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        for source in Source::ALL {
            assert_eq!(Source::parse(source.as_str()), Some(source));
        }
        assert_eq!((State::parse(""), Source::parse("JIT")), (None, None));
    }
}
