//! What an administrator can do about a denial: the first button of its page.

use super::model::{Denial, State};
use super::suggest::{Known, Proof};
use crate::access::{Denial as Reason, MemberStanding, Role};

/// How the person stands now, which may be better than at the attempt.
#[derive(Debug, Clone, Default)]
pub struct Now {
    /// The membership's id and state, if there is one.
    pub member: Option<(String, MemberStanding)>,
    /// The id of an invitation that waits for the address.
    pub invitation: Option<String>,
    /// The organization's own domain of the address.
    pub domain: Option<Known>,
}

/// A button or a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedy {
    /// The button's text and where it leads, below `/orgs/{org}`.
    pub button: Option<(&'static str, String)>,
    /// A second way, likewise.
    pub other: Option<(&'static str, String)>,
    /// What to know or to do elsewhere; may be empty.
    pub sentence: String,
}

/// The remedy that fits the reason, as things stand now, and whoever looks.
pub fn remedy(denial: &Denial, connection_name: &str, now: &Now, role: Role) -> Remedy {
    let Some(reason) = denial.known_reason() else {
        return Remedy::default();
    };
    match &now.member {
        _ if denial.state == State::Settled => Remedy::default(),
        Some((id, MemberStanding::Active)) if is_about_entry(reason) => is_in(id),
        Some((id, MemberStanding::Deactivated)) if reason != Reason::AccountDeactivated => reactivate(id),
        _ => match &now.invitation {
            Some(id) if is_about_entry(reason) => is_invited(id),
            _ => by_reason(reason, denial, connection_name, (now.domain.as_ref(), role)),
        },
    }
}

/// Whether membership is what was missing, rather than proof or an account in order.
fn is_about_entry(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NotInvited | Reason::Removed | Reason::NoSeat | Reason::MembershipDeactivated
    )
}

fn is_in(member: &str) -> Remedy {
    Remedy {
        button: Some(("See the member", format!("/members/{member}"))),
        sentence: "This person is an active member now: the next sign-in will be admitted.".to_owned(),
        ..Remedy::default()
    }
}

fn is_invited(invitation: &str) -> Remedy {
    Remedy {
        button: Some(("See the invitation", format!("/invitations/{invitation}"))),
        sentence: "An invitation waits for this address: the next sign-in will be admitted.".to_owned(),
        ..Remedy::default()
    }
}

fn reactivate(member: &str) -> Remedy {
    Remedy {
        button: Some(("Reactivate", format!("/members/{member}/reactivate"))),
        sentence: "While the membership is deactivated, neither an invitation nor just-in-time provisioning admits this person.".to_owned(),
        ..Remedy::default()
    }
}

fn by_reason(
    reason: Reason,
    denial: &Denial,
    connection_name: &str,
    (own, role): (Option<&Known>, Role),
) -> Remedy {
    let invite = || (!denial.email_key.is_empty()).then(|| ("Invite this person", invite_path(denial)));
    // The link of an invitation proves the mailbox, whatever the provider or the domain say.
    let by_link = || (!denial.email_key.is_empty()).then(|| ("Invite by link", invite_path(denial)));
    match reason {
        Reason::NotInvited | Reason::Removed => Remedy {
            button: invite(),
            sentence: if denial.email_key.is_empty() {
                "The identity provider sent no proper address, so there is nothing to send an invitation to. Ask whoever runs it to send one.".to_owned()
            } else {
                String::new()
            },
            ..Remedy::default()
        },
        Reason::NoSeat => Remedy {
            button: Some(match role {
                Role::Owner => ("Add a seat", "/settings/seats".to_owned()),
                _ => ("See the members", "/members".to_owned()),
            }),
            sentence: "An owner can raise the number of seats; or deactivate a member or revoke an invitation to free one.".to_owned(),
            ..Remedy::default()
        },
        Reason::DomainNotVerified => Remedy {
            other: by_link(),
            ..unproven(denial, own, role)
        },
        Reason::DomainOfAnotherOrganization => Remedy {
            button: Some(("Verify the domain", "/domains".to_owned())),
            other: by_link(),
            sentence: "A domain is verified by one organization at most. If it is yours, ask whoever runs this installation. A guest can be invited instead: the link in the invitation proves the mailbox.".to_owned(),
        },
        Reason::EmailNotVerified => Remedy {
            other: by_link(),
            sentence: format!(
                "Ask whoever runs {} to verify this address there, so that it sends “email_verified” as true. Then the person can try again.",
                if connection_name.is_empty() { "the identity provider" } else { connection_name }
            ),
            ..Remedy::default()
        },
        Reason::AccountDeactivated => Remedy {
            sentence: "Only whoever runs this installation can reactivate an account.".to_owned(),
            ..Remedy::default()
        },
        Reason::MembershipDeactivated => Remedy {
            button: Some(("Find the member", format!("/members?{}", query(&[("q", &denial.email)])))),
            ..Remedy::default()
        },
    }
}

/// What proves the address: depends on what the organization has of its domain by now.
fn unproven(denial: &Denial, own: Option<&Known>, role: Role) -> Remedy {
    const GUEST: &str = "A guest can be invited instead: the link in the invitation proves the mailbox.";
    let name = &denial.domain;
    let Some(own) = own else {
        let domain = if name.is_empty() { "that" } else { name };
        return Remedy {
            button: Some(("Verify the domain", "/domains".to_owned())),
            sentence: format!(
                "If {domain} is a domain of your organization, verify it and attach it to this connection. If not, this may be a guest, who can be invited: the link in the invitation proves the mailbox. Else dismiss it."
            ),
            ..Remedy::default()
        };
    };
    let page = format!("/domains/{}", own.id);
    let (button, sentence) = match (own.proof, own.attached, &denial.connection) {
        (Proof::Missing, _, _) => (
            Some(("Verify the domain", page)),
            format!("{name} is not verified here yet. {GUEST}"),
        ),
        (Proof::Lapsed, _, _) => (
            Some(("See the domain", page)),
            format!(
                "The record that proves {name} is missing: once it is there again, people with such an address come in. {GUEST}"
            ),
        ),
        (Proof::Good, true, _) => (
            None,
            format!("{name} is verified and attached to this connection by now: the person can try again."),
        ),
        (Proof::Good, false, Some(connection)) if role == Role::Owner => (
            Some(("Attach the domain", format!("/connections/{connection}/domains"))),
            format!("{name} is verified here, but not attached to this connection. {GUEST}"),
        ),
        (Proof::Good, false, _) => (
            Some(("See the domain", page)),
            format!(
                "{name} is verified here, but not attached to this connection. An owner can attach it. {GUEST}"
            ),
        ),
    };
    Remedy {
        button,
        sentence,
        ..Remedy::default()
    }
}

fn invite_path(denial: &Denial) -> String {
    format!(
        "/invitations/new?{}",
        query(&[("email", &denial.email), ("denial", &denial.id)])
    )
}

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denied::model::tests::denial;

    fn first_button(reason: &str, now: &Now) -> String {
        let remedy = remedy(&denial(reason, State::Open), "Okta", now, Role::Owner);
        remedy.button.map(|(_, path)| path).unwrap_or_default()
    }

    #[test]
    fn each_reason_has_its_remedy() {
        let buttons = [
            (
                "not_invited",
                "/invitations/new?email=mary%40contoso.example&denial=d1",
            ),
            (
                "removed",
                "/invitations/new?email=mary%40contoso.example&denial=d1",
            ),
            ("no_seat", "/settings/seats"),
            ("domain_not_verified", "/domains"),
            ("domain_of_another_organization", "/domains"),
            ("email_not_verified", ""),
            ("account_deactivated", ""),
            ("membership_deactivated", "/members?q=mary%40contoso.example"),
        ];
        for (reason, path) in buttons {
            assert_eq!(first_button(reason, &Now::default()), path, "{reason}");
            let remedy = remedy(&denial(reason, State::Open), "Okta", &Now::default(), Role::Owner);
            assert!(remedy.button.is_some() || !remedy.sentence.is_empty(), "{reason}");
        }
    }

    #[test]
    fn a_remedy_that_was_taken_is_not_offered_again() {
        let member = |standing| Now {
            member: Some(("m1".into(), standing)),
            ..Now::default()
        };
        assert_eq!(
            first_button("not_invited", &member(MemberStanding::Active)),
            "/members/m1"
        );
        assert_eq!(
            first_button("membership_deactivated", &member(MemberStanding::Deactivated)),
            "/members/m1/reactivate"
        );
        let invited = Now {
            invitation: Some("i1".into()),
            ..Now::default()
        };
        assert_eq!(first_button("not_invited", &invited), "/invitations/i1");
        assert_eq!(first_button("domain_not_verified", &invited), "/domains");
    }

    #[test]
    fn a_domain_is_verified_or_attached_as_it_stands() {
        let mut came = denial("domain_not_verified", State::Open);
        came.connection = Some("c1".into());
        let told = |proof, attached, role| {
            let id = "d9".to_owned();
            let domain = Some(Known { id, proof, attached });
            let now = Now {
                domain,
                ..Now::default()
            };
            remedy(&came, "Okta", &now, role).button.map(|(_, path)| path)
        };
        let path = |text: &str| Some(text.to_owned());
        for attached in [false, true] {
            for proof in [Proof::Missing, Proof::Lapsed] {
                assert_eq!(told(proof, attached, Role::Owner), path("/domains/d9"));
            }
        }
        assert_eq!(
            told(Proof::Good, false, Role::Owner),
            path("/connections/c1/domains")
        );
        assert_eq!(told(Proof::Good, false, Role::Admin), path("/domains/d9"));
        assert_eq!(told(Proof::Good, true, Role::Owner), None);
    }

    #[test]
    fn nobody_is_led_where_only_owners_go() {
        let denied = denial("no_seat", State::Open);
        let seats = |role| remedy(&denied, "Okta", &Now::default(), role).button.unwrap().1;
        assert_eq!(
            [seats(Role::Owner), seats(Role::Admin)],
            ["/settings/seats", "/members"]
        );
    }

    #[test]
    fn what_is_settled_needs_no_remedy() {
        let settled = denial("not_invited", State::Settled);
        assert_eq!(
            remedy(&settled, "Okta", &Now::default(), Role::Owner),
            Remedy::default()
        );
    }

    #[test]
    fn nobody_is_invited_without_an_address() {
        let mut nameless = denial("not_invited", State::Open);
        nameless.email_key.clear();
        let remedy = remedy(&nameless, "Okta", &Now::default(), Role::Owner);
        assert!(remedy.button.is_none() && !remedy.sentence.is_empty());
    }
}
