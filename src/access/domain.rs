//! Domains, as they stand behind the `@` of an address and as administrators type them.
//!
//! A domain is compared in one form only: lower case, each label as the DNS knows it (A-label,
//! RFC 5890), after the mapping of UTS #46.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Host;

/// A domain that an organization can claim: at least two labels, lower-case A-labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

/// Why a text is not a domain. `Display` is a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainError {
    /// Nothing was typed.
    Empty,
    /// It has spaces, control characters or invisible ones.
    Space,
    /// It begins with `https://` or the like.
    Scheme,
    /// It has a path, a query or a fragment.
    Path,
    /// It has a port.
    Port,
    /// It is an e-mail address.
    Address,
    /// It has a `*`.
    Wildcard,
    /// It is an IP address.
    Ip,
    /// It names the machine itself.
    Localhost,
    /// It has no dot.
    SingleLabel,
    /// Two dots follow each other, or it begins or ends with one.
    EmptyLabel,
    /// Longer than the DNS allows (253 characters, 63 in a label).
    TooLong,
    /// Any other character or form that a domain can't have.
    Malformed,
}

impl DomainName {
    /// Reads a domain that a person typed; spaces around it don't matter.
    ///
    /// # Errors
    /// Says in a sentence what is wrong and what to type instead.
    pub fn parse(typed: &str) -> Result<Self, DomainError> {
        let typed = typed.trim();
        refuse_what_is_not_a_domain(typed)?;
        let domain = to_a_labels(typed)?;
        if domain == "localhost" || domain.ends_with(".localhost") {
            return Err(DomainError::Localhost);
        }
        if !domain.contains('.') {
            return Err(DomainError::SingleLabel);
        }
        Ok(Self(domain))
    }

    /// The domain in lower-case A-labels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The frequent slips, each with a sentence of its own.
fn refuse_what_is_not_a_domain(typed: &str) -> Result<(), DomainError> {
    let is_ip = typed.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    let slips = [
        (is_ip, DomainError::Ip),
        (typed.contains("://"), DomainError::Scheme),
        (typed.contains('@'), DomainError::Address),
        (typed.contains(['/', '\\', '?', '#']), DomainError::Path),
        (typed.contains(':'), DomainError::Port),
        (typed.contains('*'), DomainError::Wildcard),
    ];
    slips
        .into_iter()
        .find(|(slipped, _)| *slipped)
        .map_or(Ok(()), |(_, error)| Err(error))
}

/// The form in which domains are compared. One label is enough here.
pub(super) fn to_a_labels(domain: &str) -> Result<String, DomainError> {
    if domain.is_empty() {
        return Err(DomainError::Empty);
    }
    if domain.chars().any(is_unseen) {
        return Err(DomainError::Space);
    }
    if domain.starts_with('[') {
        return Err(DomainError::Ip);
    }
    // `Host::parse` would decode percent signs, as in a URL.
    if domain.contains('%') {
        return Err(DomainError::Malformed);
    }
    if domain.split('.').any(str::is_empty) {
        return Err(DomainError::EmptyLabel);
    }
    match Host::parse(domain) {
        Ok(Host::Domain(domain)) => check_labels(domain),
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => Err(DomainError::Ip),
        Err(_) => Err(DomainError::Malformed),
    }
}

/// What RFC 1035 §2.3.4 and RFC 1123 §2.1 ask of a host name's labels.
fn check_labels(domain: String) -> Result<String, DomainError> {
    let labels = || domain.split('.');
    if labels().any(str::is_empty) {
        return Err(DomainError::EmptyLabel);
    }
    if domain.len() > 253 || labels().any(|label| label.len() > 63) {
        return Err(DomainError::TooLong);
    }
    let hostname = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if !domain.bytes().all(hostname) || labels().any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Err(DomainError::Malformed);
    }
    Ok(domain)
}

/// Spaces and control characters, and the characters that the mapping of UTS #46 would drop without
/// a trace, so that two texts which differ never name the same domain unseen.
pub(super) fn is_unseen(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e0fff}')
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for DomainName {
    type Error = DomainError;

    fn try_from(text: String) -> Result<Self, DomainError> {
        Self::parse(&text)
    }
}

impl From<DomainName> for String {
    fn from(domain: DomainName) -> Self {
        domain.0
    }
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Type a domain, such as example.com.",
            Self::Space => "A domain has no spaces and no invisible characters.",
            Self::Scheme => "Type only the domain, without https:// before it.",
            Self::Path => "Type only the domain, without a path behind it.",
            Self::Port => "Type only the domain, without a port behind it.",
            Self::Address => "Type only the domain: the part of the address behind the @.",
            Self::Wildcard => "Type one domain without *. Each subdomain is a domain of its own.",
            Self::Ip => "An IP address is not a domain. Type a name such as example.com.",
            Self::Localhost => "localhost names the machine itself and is nobody's domain.",
            Self::SingleLabel => "A domain has at least two parts, such as example.com.",
            Self::EmptyLabel => {
                "A domain has a name before, between and behind its dots, such as example.com."
            }
            Self::TooLong => "A domain has at most 253 characters, and 63 between two dots.",
            Self::Malformed => "A domain has only letters, digits, hyphens and dots, such as example.com.",
        })
    }
}

impl std::error::Error for DomainError {}

#[cfg(test)]
mod tests {
    use super::{DomainError, DomainName};

    /// DEC-011.
    #[test]
    fn a_domain_is_kept_in_lower_case_a_labels() {
        let kept = [
            ("corp.example", "corp.example"),
            (" Corp.EXAMPLE\n", "corp.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("a-b.c1.example", "a-b.c1.example"),
            ("1corp.example", "1corp.example"),
        ];
        for (typed, domain) in kept {
            assert_eq!(DomainName::parse(typed).unwrap().as_str(), domain, "{typed}");
        }
    }

    #[test]
    fn what_is_not_a_domain_is_refused_with_its_reason() {
        let refused = [
            ("", DomainError::Empty),
            ("corp example.com", DomainError::Space),
            ("corp\u{200b}.example", DomainError::Space),
            ("co\u{ad}rp.example", DomainError::Space),
            ("https://corp.example", DomainError::Scheme),
            ("https://corp.example/login", DomainError::Scheme),
            ("corp.example/", DomainError::Path),
            ("corp.example?x=1", DomainError::Path),
            ("corp.example#x", DomainError::Path),
            ("corp.example:443", DomainError::Port),
            ("ada@corp.example", DomainError::Address),
            ("@corp.example", DomainError::Address),
            ("*.corp.example", DomainError::Wildcard),
            ("192.0.2.1", DomainError::Ip),
            ("0x7f.1", DomainError::Ip),
            ("[2001:db8::1]", DomainError::Ip),
            ("2001:db8::1", DomainError::Ip),
            ("localhost", DomainError::Localhost),
            ("LOCALHOST", DomainError::Localhost),
            ("corp.localhost", DomainError::Localhost),
            ("corp", DomainError::SingleLabel),
            ("corp.example.", DomainError::EmptyLabel),
            ("corp。example。", DomainError::EmptyLabel),
            (".corp.example", DomainError::EmptyLabel),
            ("corp..example", DomainError::EmptyLabel),
            ("exa%6dple.com", DomainError::Malformed),
            ("corp_x.example", DomainError::Malformed),
            ("-corp.example", DomainError::Malformed),
            ("corp-.example", DomainError::Malformed),
            ("corp.example.123", DomainError::Malformed),
            ("xn--a.example", DomainError::Malformed),
            ("corp,example", DomainError::Malformed),
        ];
        for (typed, error) in refused {
            assert_eq!(DomainName::parse(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn the_dns_limits_the_length() {
        let label = "a".repeat(63);
        assert!(DomainName::parse(&format!("{label}.example")).is_ok());
        assert_eq!(
            DomainName::parse(&format!("{label}a.example")),
            Err(DomainError::TooLong)
        );
        let long = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert!(DomainName::parse(&long).is_ok());
        assert_eq!(DomainName::parse(&format!("{long}b")), Err(DomainError::TooLong));
    }

    /// DEC-011.
    #[test]
    fn a_look_alike_is_another_domain() {
        let latin = DomainName::parse("example.com").unwrap();
        let cyrillic = DomainName::parse("ex\u{430}mple.com").unwrap();
        assert_ne!(latin, cyrillic);
    }

    #[test]
    fn a_domain_is_a_string_in_json() {
        let domain = DomainName::parse("Corp.example").unwrap();
        assert_eq!(domain.to_string(), "corp.example");
        let json = serde_json::to_string(&domain).unwrap();
        assert_eq!(json, r#""corp.example""#);
        assert_eq!(serde_json::from_str::<DomainName>(&json).unwrap(), domain);
        let error = serde_json::from_str::<DomainName>(r#""localhost""#).unwrap_err();
        assert!(error.to_string().contains("localhost names the machine itself"));
    }
}
