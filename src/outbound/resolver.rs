//! Resolves a name and keeps only the addresses that may be reached. The client connects to exactly
//! these, so a name that changes its mind between the check and the connection gains nothing.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::network::{self, Network};

/// Which addresses a client may connect to.
#[derive(Clone, Debug)]
pub(super) enum Reach {
    /// Public addresses, and these networks.
    PublicOr(Arc<[Network]>),
    /// These networks, and a name must have no address outside of them.
    Only(Arc<[Network]>),
}

impl Reach {
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let listed = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        match self {
            Self::PublicOr(networks) => network::is_public(address) || listed(networks),
            Self::Only(networks) => listed(networks),
        }
    }

    /// The addresses to connect to; none means that the name is refused.
    pub(super) fn keep(&self, mut found: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let all = found.len();
        found.retain(|address| self.allows(address.ip()));
        match self {
            Self::Only(_) if found.len() < all => Vec::new(),
            _ => found,
        }
    }
}

/// The system's resolver with a [`Reach`].
pub(super) struct Resolver {
    reach: Reach,
}

/// All addresses of a name were refused.
#[derive(Debug)]
pub(super) struct Refused;

impl Resolver {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach.clone();
        Box::pin(async move {
            // Port 0 is replaced by the port of the address that is called.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let kept = reach.keep(found);
            if kept.is_empty() {
                return Err(Refused.into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the address is not one that may be reached")
    }
}

impl std::error::Error for Refused {}
