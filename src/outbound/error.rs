//! Why a request to somebody else did not succeed, in sentences for an administrator.

use std::error::Error;
use std::fmt;

use url::Url;

use super::resolver::Refused;
use super::{SIZE_LIMIT, TIME_LIMIT};

/// Why a request got no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboundError {
    /// The client could not be made: the system's certificates are missing.
    Setup(String),
    /// Not `https`, nor `http` to an allowed network.
    Scheme {
        /// The scheme of the address.
        scheme: String,
    },
    /// A user name or password is part of the address.
    Credentials,
    /// The host is, or resolves to, an address that is neither public nor allowed.
    RefusedAddress {
        /// The host as it was given.
        host: String,
    },
    /// No complete answer within [`TIME_LIMIT`].
    TimedOut {
        /// The host as it was given.
        host: String,
    },
    /// More than [`SIZE_LIMIT`] bytes.
    TooLarge {
        /// The host as it was given.
        host: String,
    },
    /// No connection, or it broke.
    NotReachable {
        /// The host as it was given.
        host: String,
        /// What the network said, for example that a certificate is not trusted.
        detail: String,
    },
    /// The answer points elsewhere.
    Redirect {
        /// The host as it was given.
        host: String,
    },
}

impl OutboundError {
    /// Judges the client's error by what lies at its bottom.
    pub(super) fn of(url: &Url, error: &reqwest::Error) -> Self {
        if chain(error).any(<dyn Error>::is::<Refused>) {
            return Self::refused(url);
        }
        Self::NotReachable {
            host: host(url),
            detail: innermost(error),
        }
    }

    pub(super) fn refused(url: &Url) -> Self {
        Self::RefusedAddress { host: host(url) }
    }

    /// Whether the other side was too slow.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }
}

pub(super) fn host(url: &Url) -> String {
    url.host_str().unwrap_or("?").chars().take(253).collect()
}

/// The last cause, which names the fault; those above it only say that a request failed.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let text = chain(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}

impl fmt::Display for OutboundError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(detail) => write!(
                out,
                "The client for outgoing requests could not be set up ({detail}). \
                 Install the system's certificates (package ca-certificates)."
            ),
            Self::Scheme { scheme } => {
                write!(
                    out,
                    "An address that begins with “{scheme}:” is not used. Give one that begins with https://."
                )
            }
            Self::Credentials => {
                out.write_str("The address contains a user name or a password. Give it without them.")
            }
            Self::RefusedAddress { host } => write!(
                out,
                "“{host}” lies in a network that this server does not connect to. If it is meant to, the \
                 operator has to add its network to the allowed ones."
            ),
            Self::TimedOut { host } => {
                write!(
                    out,
                    "“{host}” did not answer within {} seconds. Try again later.",
                    TIME_LIMIT.as_secs()
                )
            }
            Self::TooLarge { host } => write!(
                out,
                "“{host}” answered with more than {} KiB, which is not read. Check the address.",
                SIZE_LIMIT / 1024
            ),
            Self::NotReachable { host, detail } => {
                write!(
                    out,
                    "“{host}” can't be reached: {detail}. Check the address and the provider's state."
                )
            }
            Self::Redirect { host } => write!(
                out,
                "“{host}” answered with a redirect, which is not followed. Give the address that it leads to."
            ),
        }
    }
}

impl Error for OutboundError {}
