//! Which network addresses the server may connect to: public ones, and those that the operator allows.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network in CIDR notation (RFC 4632, RFC 4291 §2.3), such as `127.0.0.0/8`, `::1/128` or a single
/// address.
///
/// An IPv4 network is kept as its IPv4-mapped IPv6 form, so that `127.0.0.1` and `::ffff:127.0.0.1` are
/// the same address here, as they are for the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    base: u128,
    prefix: u8,
}

/// The text is not a network in CIDR notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkError(String);

impl Network {
    /// Whether the address belongs to this network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & mask(self.prefix) == self.base
    }

    const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Self {
        let base = Ipv4Addr::new(a, b, c, 0).to_ipv6_mapped().to_bits();
        Self {
            base,
            prefix: prefix + MAPPED,
        }
    }

    const fn v6(first: u16, second: u16, prefix: u8) -> Self {
        let base = Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0).to_bits();
        Self { base, prefix }
    }
}

/// The length of `::ffff:0:0/96`, the IPv4-mapped addresses.
const MAPPED: u8 = 96;

/// Everything that can be public at all.
const UNICAST: [Network; 2] = [Network::v4(0, 0, 0, 0), Network::v6(0x2000, 0, 3)];

/// What is not public within it (the IANA special-purpose registries, RFC 6890). NAT64, unique local,
/// link-local, loopback and multicast IPv6 addresses lie outside of `2000::/3`.
const SPECIAL: [Network; 19] = [
    Network::v4(0, 0, 0, 8),         // "this network", unspecified
    Network::v4(10, 0, 0, 8),        // private
    Network::v4(100, 64, 0, 10),     // carrier-grade NAT
    Network::v4(127, 0, 0, 8),       // loopback
    Network::v4(169, 254, 0, 16),    // link-local, where clouds keep their metadata
    Network::v4(172, 16, 0, 12),     // private
    Network::v4(192, 0, 0, 24),      // protocol assignments
    Network::v4(192, 0, 2, 24),      // documentation
    Network::v4(192, 88, 99, 24),    // 6to4 relays
    Network::v4(192, 168, 0, 16),    // private
    Network::v4(198, 18, 0, 15),     // benchmarking
    Network::v4(198, 51, 100, 24),   // documentation
    Network::v4(203, 0, 113, 24),    // documentation
    Network::v4(224, 0, 0, 4),       // multicast
    Network::v4(240, 0, 0, 4),       // reserved, broadcast
    Network::v6(0x2001, 0, 23),      // protocol assignments, Teredo
    Network::v6(0x2001, 0x0db8, 32), // documentation
    Network::v6(0x2002, 0, 16),      // 6to4: an IPv4 address inside
    Network::v6(0x3fff, 0, 20),      // documentation
];

/// Whether the address is one of the open internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    let inside = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
    inside(&UNICAST) && !inside(&SPECIAL)
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn mask(prefix: u8) -> u128 {
    match prefix {
        0 => 0,
        length => u128::MAX << (128 - u32::from(length.min(128))),
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim()).ok_or_else(|| NetworkError(text.chars().take(60).collect()))
    }
}

fn parse(text: &str) -> Option<Network> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let (longest, offset) = if address.is_ipv4() { (32, MAPPED) } else { (128, 0) };
    let length = length.unwrap_or(longest);
    let prefix = (length <= longest).then_some(length + offset)?;
    Some(Network {
        base: bits(address) & mask(prefix),
        prefix,
    })
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.base);
        match address.to_ipv4_mapped() {
            Some(v4) if self.prefix >= MAPPED => write!(out, "{v4}/{}", self.prefix - MAPPED),
            _ => write!(out, "{address}/{}", self.prefix),
        }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "“{}” is not a network. Write it like 10.0.0.0/8, fd00::/8 or 127.0.0.1.",
            self.0
        )
    }
}

impl std::error::Error for NetworkError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("127.0.0.0/8", "127.255.0.1", "128.0.0.1"),
            ("10.1.2.3/16", "10.1.255.255", "10.2.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
            ("::1/128", "::1", "::2"),
            ("fd00::/8", "fdff::1", "fc00::1"),
            ("0.0.0.0/0", "8.8.8.8", "2606:4700::1"),
            ("100.64.0.0/10", "100.127.255.255", "100.128.0.0"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(ip(inside)), "{network} contains {inside}");
            assert!(
                !network.contains(ip(outside)),
                "{network} does not contain {outside}"
            );
        }
    }

    #[test]
    fn a_network_is_shown_as_it_is_read() {
        for text in [
            "127.0.0.0/8",
            "10.1.2.3/32",
            "::1/128",
            "fd00::/8",
            "0.0.0.0/0",
            "::/0",
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        assert_eq!("10.9.9.9/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in [
            "",
            "localhost",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0.0/-1",
            "10.0.0/8",
            "10.0.0.0/8/8",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    /// NET-002.
    #[test]
    fn only_addresses_of_the_open_internet_are_public() {
        for public in [
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00::1",
        ] {
            assert!(is_public(ip(public)), "{public}");
        }
        for special in [
            "0.0.0.0",
            "127.0.0.1",
            "10.1.1.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "fd00::1",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(ip(special)), "{special}");
        }
    }
}
