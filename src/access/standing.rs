//! Where the person stands with us at the moment of judging: read once, in the same transaction as
//! the effects.

use serde::{Deserialize, Serialize};

use super::role::Role;

/// All that the installation and the organization know about the person who is at the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The account on the installation.
    pub account: AccountStanding,
    /// The membership in the organization.
    pub member: MemberStanding,
    /// The organization's invitation for the address.
    pub invitation: InvitationStanding,
    /// Is there room for one more?
    pub seats: Seats,
    /// The address's domain.
    pub domain: DomainStanding,
}

/// The account on the installation. `linked` means that this very (connection, issuer, subject) is
/// already bound to it; otherwise only the address is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStanding {
    /// There is no account.
    None,
    /// An account that may be used.
    Active {
        /// This identity is bound to it.
        linked: bool,
    },
    /// An account that was deactivated.
    Deactivated {
        /// This identity is bound to it.
        linked: bool,
    },
}

impl AccountStanding {
    /// Is this identity already bound to the account?
    #[must_use]
    pub const fn is_linked(self) -> bool {
        matches!(
            self,
            Self::Active { linked: true } | Self::Deactivated { linked: true }
        )
    }
}

/// The membership in the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberStanding {
    /// Never was a member.
    No,
    /// A member.
    Active,
    /// Deactivated, by SCIM or by an administrator: may not enter until reactivated.
    Deactivated,
    /// Removed by an administrator: stays removed until invited again.
    Removed,
}

/// The organization's latest invitation for the address. Expiry is judged by the reader, at the
/// time of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStanding {
    /// There is none.
    None,
    /// One that waits. It holds a seat.
    Pending {
        /// The browser carries its token, which proves the mailbox.
        proves_mailbox: bool,
        /// The role that it gives.
        role: Role,
        /// The ids of the teams that it gives.
        teams: Vec<String>,
    },
    /// One whose time is over.
    Expired,
    /// One that an administrator took back.
    Revoked,
    /// One that the person declined.
    Declined,
    /// The browser carries the token of an invitation for somebody else's address.
    OtherAddress,
}

impl InvitationStanding {
    /// Does an invitation wait for this address?
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Pending { .. })
    }

    /// Does the browser carry the token of an invitation that waits for this address?
    #[must_use]
    pub const fn proves_mailbox(&self) -> bool {
        matches!(
            self,
            Self::Pending {
                proves_mailbox: true,
                ..
            }
        )
    }
}

/// Is there room for one more member?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seats {
    /// At least one seat is free, or there is no limit.
    Free,
    /// Members and pending invitations take them all.
    Full,
}

/// The domain of the address, seen from this organization and connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainStanding {
    /// The organization verified it, and it is attached to this connection.
    Verified,
    /// Nobody verified it, or it is not attached to this connection, or there is no address.
    Unverified,
    /// The organization verified it, and it is attached to this connection, but its proof has been missing
    /// for so long that it lets in members and nobody new.
    Lapsed,
    /// Another organization verified it.
    OtherOrganization,
}
