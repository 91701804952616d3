//! Who is at the other end: network address and browser, for records and limits.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::{Problem, Site};

/// The browser's network address and what it calls itself.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// The address, from the connection, or from `X-Forwarded-For` when a trusted proxy sent it.
    pub ip: String,
    /// The `User-Agent` header, cut to 200 characters and without control characters.
    pub user_agent: String,
}

impl Client {
    fn of(request: &HttpRequest, trusted: &[String]) -> Self {
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("")
        };
        let peer = request.peer_addr().map(|address| address.ip().to_canonical());
        let is_trusted = |address: &IpAddr| is_trusted(trusted, *address);
        // The last address that no trusted proxy of ours wrote is the client's.
        let ip = peer.map(|peer| {
            if !is_trusted(&peer) {
                return peer;
            }
            let hops = header("x-forwarded-for")
                .rsplit(',')
                .map_while(|hop| hop.trim().parse::<IpAddr>().ok());
            let mut last = peer;
            for hop in hops {
                last = hop.to_canonical();
                if !is_trusted(&last) {
                    break;
                }
            }
            last
        });
        Self {
            ip: ip.map(|address| address.to_string()).unwrap_or_default(),
            user_agent: header("user-agent")
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect(),
        }
    }
}

/// Whether a proxy of ours has this address.
pub(super) fn is_trusted(trusted: &[String], address: IpAddr) -> bool {
    trusted.iter().any(|network| {
        network
            .parse::<crate::outbound::Network>()
            .is_ok_and(|network| network.contains(address))
    })
}

impl FromRequest for Client {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let trusted = request
            .app_data::<web::Data<Site>>()
            .map(|site| site.config.trusted_proxies.as_slice());
        ready(Ok(Self::of(request, trusted.unwrap_or_default())))
    }
}
