//! An invitation, and what the newest one says about a person.

use crate::access::{EmailAddress, InvitationStanding, Role};
use crate::store::time::Timestamp;

/// How many links one organization makes in a day (UTC), fresh ones among them. Whoever runs the installation may make
/// more, by its command line.
pub(super) const LINKS_A_DAY: i64 = 5_000;

/// How many links one address gets from one organization in a day.
pub(super) const LINKS_FOR_ONE: i64 = 3;

/// Where an invitation stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits, and holds a seat.
    Pending,
    /// It waited too long. The table still calls it pending.
    Expired,
    /// The person came in by it.
    Accepted,
    /// An administrator took it back.
    Revoked,
    /// The person declined it.
    Declined,
    /// It was left over when the person became a member in another way, or was removed.
    Closed,
}

impl State {
    /// Every state, in the order of a filter.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Expired,
        Self::Accepted,
        Self::Revoked,
        Self::Declined,
        Self::Closed,
    ];

    /// The word in addresses and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
            Self::Declined => "declined",
            Self::Closed => "closed",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word)
    }

    /// The word for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Expired => "Expired",
            Self::Accepted => "Accepted",
            Self::Revoked => "Revoked",
            Self::Declined => "Declined",
            Self::Closed => "Closed",
        }
    }

    /// The kind of its badge.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Pending => "warn",
            Self::Accepted => "good",
            Self::Expired | Self::Revoked | Self::Declined => "bad",
            Self::Closed => "",
        }
    }

    /// Whether sending a fresh link makes it wait again.
    pub fn can_be_resent(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::Expired | Self::Revoked | Self::Declined
        )
    }

    /// Whether it can be taken back: an expired one too, so that nobody resends it.
    pub fn can_be_revoked(self) -> bool {
        matches!(self, Self::Pending | Self::Expired)
    }
}

/// A team as an invitation names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TeamName {
    /// Its key.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An organization's offer to one address.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its key.
    pub id: String,
    /// The organization that invites.
    pub organization: String,
    /// The address, as it was typed.
    pub email: String,
    /// The address, folded.
    pub email_key: String,
    /// The role that it gives.
    pub role: Role,
    /// When it stops to count.
    pub expires_at: Timestamp,
    /// The account that invited; empty for the command line.
    pub invited_by: String,
    /// The name of whoever invited, as it was then.
    pub invited_by_name: String,
    /// When the person was invited.
    pub created_at: Timestamp,
    /// When the link of now was made.
    pub sent_at: Timestamp,
    /// When it was accepted, revoked, declined or closed.
    pub settled_at: Option<Timestamp>,
    /// The membership that accepted it.
    pub member: Option<String>,
    /// Goes up with each change.
    pub version: i64,
    /// The teams that it gives, by name; those that were deleted meanwhile are not among them.
    pub teams: Vec<TeamName>,
    pub(super) stored: State,
    pub(super) token_hash: String,
}

impl Invitation {
    /// Where it stands at this moment.
    pub fn state(&self, now: Timestamp) -> State {
        if self.stored == State::Pending && self.expires_at <= now {
            State::Expired
        } else {
            self.stored
        }
    }

    /// The domain of the address.
    pub fn domain(&self) -> &str {
        self.email_key.split_once('@').map_or("", |(_, domain)| domain)
    }
}

/// An invitation about to be made.
#[derive(Debug, Clone)]
pub struct New {
    /// To whom.
    pub email: EmailAddress,
    /// The role that it is to give.
    pub role: Role,
    /// The ids of the teams that it is to give.
    pub teams: Vec<String>,
}

/// An invitation that was made or renewed. The token is in no other place.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The invitation.
    pub id: String,
    /// To whom.
    pub email: String,
    /// The secret of the link `/invitation/{token}`.
    pub token: String,
}

/// What the invitations of an organization say about one person.
#[derive(Debug, Clone)]
pub struct Found {
    /// For the decision.
    pub standing: InvitationStanding,
    /// The invitation that says so.
    pub id: Option<String>,
    /// Who made it; empty where there is none.
    pub invited_by_name: String,
}

impl Found {
    /// No invitation says anything.
    pub fn nothing() -> Self {
        Self {
            standing: InvitationStanding::None,
            id: None,
            invited_by_name: String::new(),
        }
    }

    /// Judges a person's invitations, newest first: one that waits counts before any other, and among
    /// those the one whose link the browser carries.
    pub(super) fn judge(newest_first: &[&Invitation], now: Timestamp, token_hash: Option<&str>) -> Self {
        let carried = |invitation: &Invitation| token_hash == Some(invitation.token_hash.as_str());
        let waiting = || {
            newest_first
                .iter()
                .filter(|invitation| invitation.state(now) == State::Pending)
        };
        if let Some(invitation) = waiting().find(|one| carried(one)).or_else(|| waiting().next()) {
            let standing = InvitationStanding::Pending {
                proves_mailbox: carried(invitation),
                role: invitation.role,
                teams: invitation.teams.iter().map(|team| team.id.clone()).collect(),
            };
            return Self::by(invitation, standing);
        }
        let past = newest_first.iter().find_map(|invitation| {
            let standing = match invitation.state(now) {
                State::Expired => InvitationStanding::Expired,
                State::Revoked => InvitationStanding::Revoked,
                State::Declined => InvitationStanding::Declined,
                State::Pending | State::Accepted | State::Closed => return None,
            };
            Some(Self::by(invitation, standing))
        });
        past.unwrap_or_else(Self::nothing)
    }

    pub(super) fn by(invitation: &Invitation, standing: InvitationStanding) -> Self {
        Self {
            standing,
            id: Some(invitation.id.clone()),
            invited_by_name: invitation.invited_by_name.clone(),
        }
    }
}

/// What the organization knows already about an address that is to be invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// An invitation waits.
    Invited,
    /// An active member.
    Member,
    /// A deactivated member.
    Deactivated,
    /// Nobody's, but its address got as many links today as one gets in a day.
    TooOften,
}

impl Known {
    /// What it is, to stand behind the address and "is".
    pub fn words(self) -> &'static str {
        match self {
            Self::Invited => "invited already",
            Self::Member => "a member already",
            Self::Deactivated => "a deactivated member: reactivate them instead",
            Self::TooOften => "written to often enough today: try again tomorrow",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation(id: &str, stored: State) -> Invitation {
        Invitation {
            id: id.to_owned(),
            organization: "acme".to_owned(),
            email: "Ada@corp.example".to_owned(),
            email_key: "ada@corp.example".to_owned(),
            role: Role::Member,
            expires_at: 1_000,
            invited_by: String::new(),
            invited_by_name: "Olive".to_owned(),
            created_at: 0,
            sent_at: 0,
            settled_at: None,
            member: None,
            version: 1,
            teams: Vec::new(),
            stored,
            token_hash: format!("hash of {id}"),
        }
    }

    fn refs(all: &[Invitation]) -> Vec<&Invitation> {
        all.iter().collect()
    }

    /// DEC-014.
    #[test]
    fn time_is_over_at_the_moment_of_expiry() {
        let one = invitation("a", State::Pending);
        assert_eq!(one.state(999), State::Pending);
        assert_eq!(one.state(1_000), State::Expired);
        assert_eq!(invitation("a", State::Revoked).state(5_000), State::Revoked);
    }

    #[test]
    fn one_that_waits_counts_before_newer_ones_that_do_not() {
        let rows = [
            invitation("revoked", State::Revoked),
            invitation("waits", State::Pending),
        ];
        let found = Found::judge(&refs(&rows), 0, None);
        assert_eq!(found.id.as_deref(), Some("waits"));
        assert!(found.standing.is_pending() && !found.standing.proves_mailbox());
        assert_eq!(
            Found::judge(&refs(&rows), 1_000, None).standing,
            InvitationStanding::Revoked
        );
    }

    /// INV-020.
    #[test]
    fn the_link_proves_the_mailbox_of_its_own_invitation_only() {
        let rows = [
            invitation("one", State::Pending),
            invitation("two", State::Pending),
        ];
        let found = Found::judge(&refs(&rows), 0, Some("hash of two"));
        assert_eq!(found.id.as_deref(), Some("two"));
        assert!(found.standing.proves_mailbox());
        assert!(
            !Found::judge(&refs(&rows), 0, Some("hash of three"))
                .standing
                .proves_mailbox()
        );
    }

    #[test]
    fn what_was_accepted_or_closed_says_nothing() {
        let rows = [
            invitation("accepted", State::Accepted),
            invitation("closed", State::Closed),
        ];
        assert_eq!(
            Found::judge(&refs(&rows), 0, None).standing,
            InvitationStanding::None
        );
        let declined = [
            invitation("closed", State::Closed),
            invitation("declined", State::Declined),
        ];
        assert_eq!(
            Found::judge(&refs(&declined), 0, None).standing,
            InvitationStanding::Declined
        );
    }

    #[test]
    fn words_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(*state));
        }
        assert_eq!(State::parse("Pending"), None);
    }
}
