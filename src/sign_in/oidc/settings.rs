//! What an administrator sets for a connection by OpenID Connect.

use std::fmt;

/// The settings of a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The issuer, exactly as the provider writes it, with or without a slash at the end.
    pub issuer: String,
    /// The identifier that the provider gave to this connection.
    pub client_id: String,
    /// The secret that belongs to it. `Debug` does not show it.
    pub client_secret: String,
    /// How the secret is sent to the token endpoint.
    pub token_auth: TokenAuth,
    /// This connection's own callback address.
    pub redirect_uri: String,
    /// The claim that lists groups; empty when none is read.
    pub groups_claim: String,
    /// Scopes to ask for, separated by spaces; `openid` is added when it is not among them.
    pub scopes: String,
    /// The signature algorithms that an ID token may have.
    pub algorithms: Vec<Algorithm>,
    /// The key set's address that an owner confirmed, or the first sign-in found. When the provider later names another
    /// one, sign-ins stop until an owner confirms that. `None`: not compared.
    pub confirmed_jwks_uri: Option<String>,
}

/// How the client secret is sent to the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenAuth {
    /// As discovery offers it; Basic where both are offered.
    #[default]
    Auto,
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// A signature algorithm for ID tokens. There is none with a shared secret, and no "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// RSA PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Settings {
    /// Settings with the usual scopes, the groups in `groups`, and all algorithms.
    #[must_use]
    pub fn new(issuer: &str, client_id: &str, client_secret: &str, redirect_uri: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            token_auth: TokenAuth::Auto,
            redirect_uri: redirect_uri.to_owned(),
            groups_claim: "groups".to_owned(),
            scopes: "openid email profile".to_owned(),
            algorithms: Algorithm::ALL.to_vec(),
            confirmed_jwks_uri: None,
        }
    }
}

impl TokenAuth {
    /// The name for settings and forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    /// The way with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Auto, Self::Basic, Self::Post]
            .into_iter()
            .find(|way| way.as_str() == name)
    }
}

impl Algorithm {
    /// All that are supported, and the default of a connection.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name of RFC 7518 §3.1 and RFC 8037 §3.1.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm with exactly this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("token_auth", &self.token_auth)
            .field("redirect_uri", &self.redirect_uri)
            .field("groups_claim", &self.groups_claim)
            .field("scopes", &self.scopes)
            .field("algorithms", &self.algorithms)
            .field("confirmed_jwks_uri", &self.confirmed_jwks_uri)
            .finish_non_exhaustive()
    }
}
