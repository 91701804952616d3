//! What is shown once people are invited: who needs their link and who does not, and the links where no mail carries them.

use std::collections::BTreeSet;

use askama::Template;

use super::model::Sent;
use crate::access::EmailAddress;
use crate::session::{Admin, Frame};
use crate::web::{Site, download};

/// So many links have a field each; more stand together, as the lines of a file.
const FEW: usize = 10;

/// So many domains are named; of more, the number.
const NAMED: usize = 5;

/// The links, shown once.
#[derive(Template)]
#[template(path = "invitations/sent.html")]
pub(super) struct Links {
    pub frame: Frame,
    pub again: bool,
    /// Whether they went by mail, and no link is shown.
    pub mailed: bool,
    /// Address and link of each.
    pub sent: Vec<(String, String)>,
    pub unneeded: Unneeded,
    pub left_out: Vec<(String, String)>,
    pub denial: Option<String>,
}

impl Links {
    /// Address and link of each invitation that was sent.
    pub fn of(site: &Site, sent: &[Sent]) -> Vec<(String, String)> {
        let link = |one: &Sent| site.url(&format!("/invitation/{}", one.token));
        sent.iter().map(|one| (one.email.clone(), link(one))).collect()
    }

    /// Whether each has a field of its own.
    fn are_few(&self) -> bool {
        self.sent.len() <= FEW
    }

    /// Whether somebody does, and somebody does not, come in without the link.
    fn are_mixed(&self) -> bool {
        self.unneeded.people > 0 && self.unneeded.people < self.sent.len()
    }

    /// Addresses and links as a file.
    fn csv(&self) -> String {
        let line = |(address, link): &(String, String)| download::csv_row(&[address, link]);
        download::csv_row(&["address", "link"]) + &self.sent.iter().map(line).collect::<String>()
    }
}

/// Who comes in without the link: whose domain a connection that is on vouches for. Everybody else shows by the link
/// that the mailbox is theirs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unneeded {
    /// How many people.
    people: usize,
    /// Their domains, by name.
    domains: Vec<String>,
    /// The path at which they sign in.
    path: String,
    /// The whole address of it.
    address: String,
}

impl Unneeded {
    /// Of those who were invited. `vouching` is what the connections know.
    pub fn of(site: &Site, admin: &Admin, sent: &[Sent], vouching: &[(String, String)]) -> Self {
        let emails = sent.iter().map(|one| one.email.as_str());
        let found = Self::judge(&admin.slug, emails, vouching);
        Self {
            address: site.url(&found.path),
            ..found
        }
    }

    fn judge<'a>(
        organization: &str,
        emails: impl Iterator<Item = &'a str>,
        vouching: &[(String, String)],
    ) -> Self {
        let domains: Vec<String> = emails
            .filter_map(|email| EmailAddress::parse(email).ok())
            .map(|email| email.domain().to_owned())
            .filter(|domain| vouching.iter().any(|(known, _)| known == domain))
            .collect();
        let people = domains.len();
        let domains: BTreeSet<String> = domains.into_iter().collect();
        let theirs = vouching.iter().filter(|(domain, _)| domains.contains(domain));
        let connections: BTreeSet<&str> = theirs.map(|(_, connection)| connection.as_str()).collect();
        // Where there are several, the address that is typed there chooses.
        let path = match connections.first() {
            Some(only) if connections.len() == 1 => format!("/sign-in/{organization}/{only}"),
            _ => "/sign-in".to_owned(),
        };
        Self {
            people,
            domains: domains.into_iter().collect(),
            path,
            address: String::new(),
        }
    }

    /// The domains as they are said: "a.example, b.example and 3 more".
    fn said(&self) -> String {
        match self.domains.len() {
            0 => String::new(),
            1..=NAMED => self.domains.join(", "),
            all => {
                let named: Vec<&str> = self.domains.iter().take(NAMED).map(String::as_str).collect();
                format!("{} and {} more domains", named.join(", "), all - NAMED)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(emails: &[&str], vouching: &[(&str, &str)]) -> Unneeded {
        let owned = |(domain, connection): &(&str, &str)| ((*domain).to_owned(), (*connection).to_owned());
        let vouching: Vec<(String, String)> = vouching.iter().map(owned).collect();
        Unneeded::judge("acme", emails.iter().copied(), &vouching)
    }

    #[test]
    fn whoever_a_connection_vouches_for_needs_no_link() {
        let okta = [("acme.example", "okta"), ("acme.test", "okta")];
        let found = judged(
            &[
                "a@acme.example",
                "B@ACME.example",
                "c@sub.acme.example",
                "d@guest.example",
            ],
            &okta,
        );
        assert_eq!((found.people, found.said().as_str()), (2, "acme.example"));
        assert_eq!(found.path, "/sign-in/acme/okta");
        let nobody = judged(&["d@guest.example"], &okta);
        assert_eq!((nobody.people, nobody.path.as_str()), (0, "/sign-in"));
    }

    #[test]
    fn where_several_connections_vouch_the_address_chooses() {
        let both = [("acme.example", "entra"), ("acme.example", "okta")];
        assert_eq!(judged(&["a@acme.example"], &both).path, "/sign-in");
        let each = [("acme.example", "okta"), ("acme.test", "entra")];
        assert_eq!(judged(&["a@acme.example"], &each).path, "/sign-in/acme/okta");
        assert_eq!(judged(&["a@acme.example", "b@acme.test"], &each).path, "/sign-in");
    }

    #[test]
    fn many_domains_are_counted() {
        let names: Vec<String> = (0..7).map(|n| format!("d{n}.example")).collect();
        let vouching: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "okta")).collect();
        let emails: Vec<String> = names.iter().map(|name| format!("a@{name}")).collect();
        let found = judged(&emails.iter().map(String::as_str).collect::<Vec<_>>(), &vouching);
        assert!(
            found.said().ends_with("d4.example and 2 more domains"),
            "{}",
            found.said()
        );
    }
}
