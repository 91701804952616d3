//! What a member may do in an organization.

use super::words::words;

words! {
    /// A member's role, from the least power to the most.
    pub enum Role {
        /// Their own account.
        Member = "member",
        /// People, teams, invitations, denied sign-ins, the audit log.
        Admin = "admin",
        /// Everything.
        Owner = "owner",
    }
}

impl Role {
    /// The one with the least power: what somebody gets where none is named.
    #[must_use]
    pub const fn least() -> Self {
        Self::Member
    }

    /// The word for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Admin => "Admin",
            Self::Owner => "Owner",
        }
    }

    /// May a person of this role give somebody `other`? Nobody grants above their own role, and a
    /// plain member grants nothing.
    #[must_use]
    pub fn may_grant(self, other: Role) -> bool {
        self >= Role::Admin && other <= self
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{self, Admin, Member, Owner};

    #[test]
    fn roles_order_by_power() {
        assert!(Member < Admin && Admin < Owner);
    }

    /// ADM-005, INV-010.
    #[test]
    fn nobody_grants_a_role_above_their_own() {
        let grants = [
            (Member, Member, false),
            (Member, Admin, false),
            (Member, Owner, false),
            (Admin, Member, true),
            (Admin, Admin, true),
            (Admin, Owner, false),
            (Owner, Member, true),
            (Owner, Admin, true),
            (Owner, Owner, true),
        ];
        for (own, other, may) in grants {
            assert_eq!(own.may_grant(other), may, "{own} grants {other}");
        }
    }

    #[test]
    fn a_role_is_read_back_from_its_word() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(*role));
        }
        assert_eq!(Role::parse("Owner"), None);
        assert_eq!(Role::parse(""), None);
    }
}
