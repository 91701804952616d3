//! The one way out: every request that the server makes to somebody else goes through [`Outbound`].
//!
//! Administrators of organizations type the addresses that it calls, so it must not become a tunnel into
//! the network where it runs. It connects only to public addresses and to the networks that the operator
//! allowed, judged on the address after the name was resolved and at the moment of connecting. It follows
//! no redirect, asks no proxy, waits five seconds and reads one mebibyte.

pub mod dns;
mod error;
mod network;
mod resolver;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, header};
use url::{Host, Url};

pub use error::OutboundError;
pub use network::{Network, NetworkError};
use resolver::{Reach, Resolver};

/// How long one request may take, from the name's resolution to the last byte.
pub const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How large an answer may be, in bytes.
pub const SIZE_LIMIT: usize = 1024 * 1024;

/// The guarded HTTP client. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// For `https`: public addresses and allowed ones.
    secure: Client,
    /// For `http`: allowed addresses only.
    plain: Client,
    allow: Arc<[Network]>,
}

/// What the other side answered; any status but a redirect.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The `Content-Type` header in lower case, without its parameters.
    pub content_type: Option<String>,
    /// At most [`SIZE_LIMIT`] bytes.
    pub body: Vec<u8>,
}

impl Outbound {
    /// A client that reaches public addresses over `https`, and those in `allow` over `https` and `http`.
    ///
    /// # Errors
    /// When the system's certificates can't be read.
    pub fn new(allow: Vec<Network>) -> Result<Self, OutboundError> {
        let allow: Arc<[Network]> = allow.into();
        let secure = client(Resolver::new(Reach::PublicOr(Arc::clone(&allow))), true)?;
        let plain = client(Resolver::new(Reach::Only(Arc::clone(&allow))), false)?;
        Ok(Self { secure, plain, allow })
    }

    /// Whether an address may be kept in the settings. What a name resolves to is judged when it is used.
    ///
    /// # Errors
    /// When the scheme is not `https` (or `http` to an allowed network), the address carries a password,
    /// or its host is a network address that is neither public nor allowed.
    pub fn check_url(&self, url: &Url) -> Result<(), OutboundError> {
        self.client_for(url).map(|_| ())
    }

    /// GET, with an `Accept` header and, if given, a bearer token (RFC 6750 §2.1).
    pub async fn get(&self, url: &Url, accept: &str, bearer: Option<&str>) -> Result<Answer, OutboundError> {
        let request = self
            .client_for(url)?
            .get(url.clone())
            .header(header::ACCEPT, accept);
        let request = match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        send(url, request).await
    }

    /// POST of a form, with the user and password of HTTP Basic authentication, if given, as they are.
    pub async fn post_form(
        &self,
        url: &Url,
        basic: Option<(&str, &str)>,
        form: &[(&str, &str)],
    ) -> Result<Answer, OutboundError> {
        let request = self.client_for(url)?.post(url.clone()).form(form);
        let request = match basic {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        send(url, request.header(header::ACCEPT, "application/json")).await
    }

    /// A host that is a literal address never meets the resolver, so it is judged here.
    fn client_for(&self, url: &Url) -> Result<&Client, OutboundError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Credentials);
        }
        let (client, reach) = match url.scheme() {
            "https" => (&self.secure, Reach::PublicOr(Arc::clone(&self.allow))),
            "http" if !self.allow.is_empty() => (&self.plain, Reach::Only(Arc::clone(&self.allow))),
            scheme => {
                return Err(OutboundError::Scheme {
                    scheme: scheme.to_owned(),
                });
            }
        };
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            Some(Host::Domain(_)) => return Ok(client),
            None => {
                return Err(OutboundError::Scheme {
                    scheme: url.scheme().to_owned(),
                });
            }
        };
        if reach.allows(literal) {
            Ok(client)
        } else {
            Err(OutboundError::refused(url))
        }
    }
}

/// Connections are not kept: each request resolves the name and judges the address anew.
fn client(resolver: Resolver, https_only: bool) -> Result<Client, OutboundError> {
    Client::builder()
        .user_agent("Vestibule")
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(https_only)
        .pool_max_idle_per_host(0)
        .dns_resolver(Arc::new(resolver))
        .build()
        .map_err(|error| OutboundError::Setup(error::innermost(&error)))
}

async fn send(url: &Url, request: RequestBuilder) -> Result<Answer, OutboundError> {
    let exchange = async {
        let response = request
            .send()
            .await
            .map_err(|error| OutboundError::of(url, &error))?;
        read(url, response).await
    };
    match tokio::time::timeout(TIME_LIMIT, exchange).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(OutboundError::TimedOut {
            host: error::host(url),
        }),
    }
}

async fn read(url: &Url, mut response: Response) -> Result<Answer, OutboundError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(OutboundError::Redirect {
            host: error::host(url),
        });
    }
    let content_type = media_type(&response);
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| OutboundError::of(url, &error))?
    {
        if body.len() + chunk.len() > SIZE_LIMIT {
            return Err(OutboundError::TooLarge {
                host: error::host(url),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: status.as_u16(),
        content_type,
        body,
    })
}

fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media = value.split(';').next().unwrap_or_default();
    Some(media.trim().to_ascii_lowercase())
}

/// The body can hold tokens, so it is never shown.
impl std::fmt::Debug for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Answer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("bytes", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
