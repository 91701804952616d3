//! Why a sign-in by OpenID Connect was rejected: the check that failed, a sentence for an administrator,
//! and whose turn it is.

use std::fmt;

use crate::outbound::OutboundError;

/// The check that a provider's message did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The browser came back with another `state` than it left with.
    State,
    /// A message that can't be read, or lacks a required part.
    Malformed,
    /// The `iss` of the authorization response (RFC 9207).
    ResponseIssuer,
    /// The provider answered with an error instead of a code.
    ProviderRefused,
    /// The provider could not be reached.
    ProviderUnreachable,
    /// The provider was too slow.
    ProviderTimedOut,
    /// The connection's own settings.
    Settings,
    /// The discovery document is missing or not usable.
    Discovery,
    /// The discovery document belongs to another issuer.
    DiscoveryIssuerMismatch,
    /// The discovery document names another key set than the one that was confirmed.
    DiscoveryChanged,
    /// The token endpoint's answer.
    TokenEndpoint,
    /// The token endpoint did not accept the code.
    Code,
    /// The key set is missing or not usable.
    Keys,
    /// A token of another kind than an ID token.
    TokenKind,
    /// A `crit` header (RFC 7515 §4.1.11).
    CriticalHeader,
    /// The signature algorithm.
    Algorithm,
    /// The key that signed the token is not one of the provider's.
    KeyUnknown,
    /// The signature.
    Signature,
    /// The `iss` claim.
    Issuer,
    /// The `aud` or `azp` claim.
    Audience,
    /// The `exp` claim.
    Expired,
    /// The `nbf` or `iat` claim lies in the future.
    NotYetValid,
    /// The `nonce` claim.
    Nonce,
    /// The `at_hash` claim.
    AccessTokenHash,
    /// The `sub` claim.
    Subject,
    /// The userinfo answer, where a needed claim can only come from there.
    Userinfo,
    /// The userinfo answer is about somebody else.
    UserinfoSubject,
    /// The `email` claim is not one address.
    EmailMalformed,
}

/// Whose turn it is after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// The person can start again, or ask to be allowed at the provider.
    Person,
    /// The provider, or its administrator.
    Provider,
    /// The settings of the connection here.
    Ours,
}

/// A sign-in or a connection's test that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcError {
    /// The check that failed.
    pub check: Check,
    /// What happened and what to do, for an administrator. Text of the provider in it is capped and has no
    /// control characters; escape it like any other text.
    pub sentence: String,
    /// Whose turn it is.
    pub whose: Whose,
}

impl Check {
    /// The name for records, in `snake_case`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Malformed => "malformed",
            Self::ResponseIssuer => "response_issuer",
            Self::ProviderRefused => "provider_refused",
            Self::ProviderUnreachable => "provider_unreachable",
            Self::ProviderTimedOut => "provider_timed_out",
            Self::Settings => "settings",
            Self::Discovery => "discovery",
            Self::DiscoveryIssuerMismatch => "discovery_issuer_mismatch",
            Self::DiscoveryChanged => "discovery_changed",
            Self::TokenEndpoint => "token_endpoint",
            Self::Code => "code",
            Self::Keys => "keys",
            Self::TokenKind => "token_kind",
            Self::CriticalHeader => "critical_header",
            Self::Algorithm => "algorithm",
            Self::KeyUnknown => "key_unknown",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Nonce => "nonce",
            Self::AccessTokenHash => "at_hash",
            Self::Subject => "subject",
            Self::Userinfo => "userinfo",
            Self::UserinfoSubject => "userinfo_subject",
            Self::EmailMalformed => "email_malformed",
        }
    }

    fn http_status(self) -> u16 {
        match self {
            Self::State | Self::Malformed => 400,
            Self::ProviderTimedOut => 504,
            Self::ProviderUnreachable
            | Self::Settings
            | Self::Discovery
            | Self::DiscoveryIssuerMismatch
            | Self::DiscoveryChanged
            | Self::TokenEndpoint
            | Self::Keys
            | Self::Userinfo => 502,
            _ => 403,
        }
    }

    fn whose(self) -> Whose {
        match self {
            Self::State | Self::Code | Self::ProviderRefused => Whose::Person,
            Self::Settings | Self::DiscoveryIssuerMismatch | Self::DiscoveryChanged => Whose::Ours,
            _ => Whose::Provider,
        }
    }
}

impl OidcError {
    pub(super) fn new(check: Check, sentence: impl Into<String>) -> Self {
        Self {
            check,
            sentence: sentence.into(),
            whose: check.whose(),
        }
    }

    pub(super) fn blame(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }

    /// A request to the provider that got no answer to judge. `check` names what it was for, where the
    /// provider did answer, only not usefully.
    pub(super) fn outbound(check: Check, what: &str, error: &OutboundError) -> Self {
        let check = match error {
            OutboundError::TimedOut { .. } => Check::ProviderTimedOut,
            OutboundError::TooLarge { .. } | OutboundError::Redirect { .. } => check,
            OutboundError::NotReachable { .. } => Check::ProviderUnreachable,
            OutboundError::Setup(_)
            | OutboundError::Scheme { .. }
            | OutboundError::Credentials
            | OutboundError::RefusedAddress { .. } => Check::Settings,
        };
        Self::new(check, format!("{what}: {error}"))
    }

    /// The status of the page that the person sees: 400, 403, 502 or 504.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        self.check.http_status()
    }
}

impl fmt::Display for OidcError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence)
    }
}

impl std::error::Error for OidcError {}

/// Text of somebody else, fit to be quoted in a sentence: at most 200 characters, without control
/// characters and without those that change the direction of writing.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).take(200).collect()
}

/// Control characters, and the marks that reorder the text around them.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
