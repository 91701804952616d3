//! A domain of an organization, and how it stands.

use crate::access::DomainName;
use crate::store::time::Timestamp;

/// A domain that an organization claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The id of its row.
    pub id: String,
    /// The organization's id.
    pub organization: String,
    /// The domain in lower-case A-labels.
    pub name: String,
    /// What its TXT record has to say. No secret: everybody can read the DNS.
    pub token: String,
    /// Whether the organization answers for it. At most one organization does.
    pub verified: bool,
    /// Whether that is the operator's word rather than a TXT record.
    pub vouched: bool,
    /// Since when it is verified.
    pub verified_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Why a domain counts, or that it does not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its TXT record was found.
    Verified,
    /// The operator of the installation answers for it.
    Vouched,
    /// It waits for its TXT record.
    Waiting,
}

impl Domain {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        match (self.verified, self.vouched) {
            (true, true) => Standing::Vouched,
            (true, false) => Standing::Verified,
            (false, _) => Standing::Waiting,
        }
    }

    /// The name of the TXT record that proves it.
    pub fn record_name(&self) -> String {
        format!("_vestibule.{}", self.name)
    }

    /// The text of that record.
    pub fn record_value(&self) -> String {
        format!("vestibule-verification={}", self.token)
    }
}

/// Domains where anybody can have an address: no organization answers for the people there.
const PUBLIC_MAIL: [&str; 36] = [
    "aol.com",
    "fastmail.com",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.fr",
    "hushmail.com",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "t-online.de",
    "tutanota.com",
    "web.de",
    "yahoo.co.uk",
    "yahoo.com",
    "yandex.ru",
    "zoho.com",
];

/// Whether anybody can have an address there.
pub fn is_public_mail(domain: &DomainName) -> bool {
    PUBLIC_MAIL.contains(&domain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_where_anybody_has_an_address_is_nobodys() {
        assert!(is_public_mail(&DomainName::parse("Gmail.com").unwrap()));
        assert!(!is_public_mail(&DomainName::parse("mail.gmail.example").unwrap()));
    }

    #[test]
    fn the_record_names_the_domain_and_its_token() {
        let domain = Domain {
            id: "1".into(),
            organization: "2".into(),
            name: "acme.example".into(),
            token: "abc".into(),
            verified: false,
            vouched: false,
            verified_at: None,
            created_at: 0,
        };
        assert_eq!(domain.record_name(), "_vestibule.acme.example");
        assert_eq!(domain.record_value(), "vestibule-verification=abc");
        assert_eq!(domain.standing(), Standing::Waiting);
    }
}
