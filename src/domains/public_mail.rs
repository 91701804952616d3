//! Domains where anybody can have an address: no organization answers for the people there.

use crate::access::DomainName;

/// One domain a line, sorted; what begins with `#` explains.
const LIST: &str = include_str!("public_mail.txt");

/// Whether anybody can have an address there.
pub fn is_public_mail(domain: &DomainName) -> bool {
    listed().any(|listed| listed == domain.as_str())
}

fn listed() -> impl Iterator<Item = &'static str> {
    LIST.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ADM-010.
    #[test]
    fn a_domain_where_anybody_has_an_address_is_nobodys() {
        assert!(is_public_mail(&DomainName::parse("Gmail.com").unwrap()));
        assert!(!is_public_mail(&DomainName::parse("mail.gmail.example").unwrap()));
    }

    #[test]
    fn the_list_is_sorted_and_holds_each_domain_once_as_domains_are_compared() {
        let all: Vec<&str> = listed().collect();
        assert!(all.len() > 60);
        assert!(all.windows(2).all(|two| two[0] < two[1]));
        for domain in all {
            assert_eq!(DomainName::parse(domain).unwrap().as_str(), domain);
        }
    }
}
