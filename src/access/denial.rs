//! Why somebody was turned away, in words for programs and in sentences for administrators.

use super::words::words;

words! {
    /// The reason of a denial. Each has one remedy that an administrator can choose.
    pub enum Denial {
        /// Neither a member nor invited, and just-in-time provisioning is off.
        NotInvited = "not_invited",
        /// Removed by an administrator and not invited again.
        Removed = "removed",
        /// Just-in-time provisioning would admit, but every seat is taken.
        NoSeat = "no_seat",
        /// Nothing proves the address: its domain is not verified for this connection.
        DomainNotVerified = "domain_not_verified",
        /// Nothing proves the address: its domain belongs to another organization.
        DomainOfAnotherOrganization = "domain_of_another_organization",
        /// The provider does not vouch for the address.
        EmailNotVerified = "email_not_verified",
        /// The account on the installation was deactivated.
        AccountDeactivated = "account_deactivated",
        /// The membership in the organization was deactivated.
        MembershipDeactivated = "membership_deactivated",
    }
}

words! {
    /// What more there is to say about [`Denial::NotInvited`].
    pub enum DenialDetail {
        /// There was an invitation, and its time is over.
        InvitationExpired = "invitation_expired",
        /// There was an invitation, and an administrator took it back.
        InvitationRevoked = "invitation_revoked",
        /// There was an invitation, and the person declined it.
        InvitationDeclined = "invitation_declined",
        /// The person came with the invitation of another address.
        InvitationForAnotherAddress = "invitation_for_another_address",
    }
}

impl Denial {
    /// A short label, for lists and filters.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotInvited => "Not invited",
            Self::Removed => "Removed",
            Self::NoSeat => "No free seat",
            Self::DomainNotVerified => "Domain not verified",
            Self::DomainOfAnotherOrganization => "Domain of another organization",
            Self::EmailNotVerified => "E-mail not verified",
            Self::AccountDeactivated => "Account deactivated",
            Self::MembershipDeactivated => "Membership deactivated",
        }
    }

    /// What happened, for an administrator. The detail counts for [`Denial::NotInvited`] only.
    #[must_use]
    pub const fn sentence(self, detail: Option<DenialDetail>) -> &'static str {
        match self {
            Self::NotInvited => not_invited(detail),
            Self::Removed => {
                "This person was removed from the organization or left it, and has not been invited again."
            }
            Self::NoSeat => {
                "Just-in-time provisioning would have admitted this person, but every seat is taken."
            }
            Self::DomainNotVerified => {
                "The domain of this address is not verified for this connection, so nothing proves the address."
            }
            Self::DomainOfAnotherOrganization => {
                "The domain of this address belongs to another organization."
            }
            Self::EmailNotVerified => "The identity provider does not say that this address is verified.",
            Self::AccountDeactivated => "This person's account is deactivated on the whole installation.",
            Self::MembershipDeactivated => "This person's membership is deactivated.",
        }
    }
}

const fn not_invited(detail: Option<DenialDetail>) -> &'static str {
    match detail {
        None => "Just-in-time provisioning is off, and nobody has invited this person.",
        Some(DenialDetail::InvitationExpired) => {
            "Just-in-time provisioning is off, and this person's invitation has expired."
        }
        Some(DenialDetail::InvitationRevoked) => {
            "Just-in-time provisioning is off, and this person's invitation was revoked."
        }
        Some(DenialDetail::InvitationDeclined) => {
            "Just-in-time provisioning is off, and this person declined the invitation."
        }
        Some(DenialDetail::InvitationForAnotherAddress) => {
            "Just-in-time provisioning is off, and the invitation that this person opened is for another address."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Denial, DenialDetail};

    #[test]
    fn a_reason_is_read_back_from_its_word() {
        assert_eq!(Denial::ALL.len(), 8);
        for denial in Denial::ALL {
            assert_eq!(Denial::parse(denial.as_str()), Some(*denial));
        }
        assert_eq!(Denial::parse("banned"), None);
    }

    #[test]
    fn every_reason_and_detail_has_a_sentence_of_its_own() {
        let mut sentences: Vec<_> = Denial::ALL.iter().map(|denial| denial.sentence(None)).collect();
        sentences.extend(
            DenialDetail::ALL
                .iter()
                .map(|detail| Denial::NotInvited.sentence(Some(*detail))),
        );
        let count = sentences.len();
        assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
        sentences.sort_unstable();
        sentences.dedup();
        assert_eq!(sentences.len(), count);
    }
}
