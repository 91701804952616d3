//! Sign-in by OpenID Connect: the relying party of the authorization code flow with PKCE.
//!
//! [`Oidc::authorization_url`] sends the browser to the provider; [`Oidc::verify`] judges what it brings
//! back and forgets the protocol: from an [`Identity`] on, nobody asks how it came about. What is pure lies
//! in the files beside this one; here is the order in which they are asked, and what is fetched meanwhile.
//! Nothing here writes anything, and tokens are dropped when the function returns.

mod attempt;
mod cache;
mod callback;
mod claims;
mod discovery;
mod error;
mod exchange;
mod json;
mod keys;
mod settings;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use crate::access::Identity;
use crate::outbound::Outbound;

pub use attempt::Attempt;
use cache::{Cached, Want};
pub use callback::{Answer, Callback};
use claims::Missing;
use discovery::Metadata;
use error::shown;
pub use error::{Check, OidcError, Whose};
use exchange::Tokens;
use keys::KeySet;
pub use settings::{Algorithm, Settings, TokenAuth};
use token::{Expected, IdToken, Unverified};

/// How long everything between the callback and the identity may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How many providers are remembered; more are forgotten all at once.
const MOST_PROVIDERS: usize = 1000;

/// The relying party, with what providers published lately. Cloning is cheap and shares it.
#[derive(Clone, Debug)]
pub struct Oidc {
    outbound: Outbound,
    providers: Arc<Lock<HashMap<String, Arc<Mutex<Provider>>>>>,
}

/// What one provider published. It is locked while something is fetched, so that many sign-ins at once
/// fetch it once.
#[derive(Debug, Default)]
struct Provider {
    metadata: Cached<Metadata>,
    keys: Cached<KeySet>,
    /// Where the keys came from.
    keys_address: Option<Url>,
}

/// A person whom the provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who it is.
    pub identity: Identity,
    /// What it was concluded from.
    pub evidence: Evidence,
    /// Where the keys were by which it was judged.
    pub jwks_uri: String,
    /// When the person proved themselves (`auth_time`), in Unix seconds, if the provider says so.
    pub authenticated_at: Option<i64>,
    /// The claims of the ID token.
    pub id_token: Map<String, Value>,
    /// The claims of the userinfo, where it was asked.
    pub userinfo: Option<Map<String, Value>>,
}

/// What the sign-in record keeps of the provider's message; nothing in it lets anybody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The `kid` of the key that signed the ID token, if it named one.
    pub key_id: Option<String>,
    /// The algorithm of the signature.
    pub algorithm: &'static str,
    /// When the ID token was issued, in Unix seconds.
    pub issued_at: i64,
    /// When it expires, in Unix seconds.
    pub expires_at: i64,
    /// The claims that came from the userinfo, because the ID token had none.
    pub from_userinfo: Vec<String>,
    /// Why the userinfo was left out, if it was asked in vain.
    pub userinfo_error: Option<String>,
    /// The claims that the provider keeps at another address, which is not asked.
    pub not_fetched: Vec<String>,
}

/// What a connection's test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where the keys are, to be kept as [`Settings::confirmed_jwks_uri`].
    pub jwks_uri: String,
    /// How many usable keys there are.
    pub keys: usize,
}

impl Oidc {
    /// A relying party that has asked nobody yet.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self {
            outbound,
            providers: Arc::default(),
        }
    }

    /// Where to send the browser. `now` is in Unix milliseconds, here and below.
    ///
    /// # Errors
    /// When the provider's discovery document can't be had or used.
    pub async fn authorization_url(
        &self,
        settings: &Settings,
        attempt: &Attempt,
        login_hint: Option<&str>,
        now: i64,
    ) -> Result<Url, OidcError> {
        let work = self.metadata(settings, now);
        let metadata = within(TIME_LIMIT, work).await?;
        Ok(attempt.authorization_url(settings, &metadata.authorization_endpoint, login_hint))
    }

    /// The test of a connection that is being saved: asks the provider now, whatever is remembered. The
    /// issuer must match, the endpoints must be allowed, and there must be a key that can be used. A
    /// changed key set address is found, not refused.
    ///
    /// # Errors
    /// Says what has to be corrected.
    pub async fn check(&self, settings: &Settings, now: i64) -> Result<Checked, OidcError> {
        within(TIME_LIMIT, async {
            let provider = self.provider(&settings.issuer);
            let mut provider = provider.lock().await;
            let metadata = provider
                .metadata(&self.outbound, &settings.issuer, Want::Now, now)
                .await?;
            metadata.fits(settings)?;
            let keys = provider
                .keys(&self.outbound, &metadata.jwks_uri, Want::Now, now)
                .await?;
            Ok(Checked {
                jwks_uri: metadata.jwks_uri.to_string(),
                keys: keys.len(),
            })
        })
        .await
    }

    /// Judges the provider's answer to this attempt. The caller has made sure that the attempt is this
    /// browser's, is not too old and is used once.
    ///
    /// # Errors
    /// The first check that failed. Nothing has happened then but requests to the provider.
    pub async fn verify(
        &self,
        settings: &Settings,
        attempt: &Attempt,
        callback: &Callback,
        connection_id: &str,
        now: i64,
    ) -> Result<Verified, OidcError> {
        within(
            TIME_LIMIT,
            self.judge(settings, attempt, callback, connection_id, now),
        )
        .await
    }

    async fn judge(
        &self,
        settings: &Settings,
        attempt: &Attempt,
        callback: &Callback,
        connection_id: &str,
        now: i64,
    ) -> Result<Verified, OidcError> {
        let code = callback.code(settings, attempt)?;
        let metadata = self.metadata(settings, now).await?;
        callback.require_issuer(settings, &metadata)?;
        let tokens = exchange::redeem(&self.outbound, settings, &metadata, attempt, code).await?;
        let unverified = Unverified::parse(&tokens.id_token, &settings.algorithms)?;
        let claims = self.signed_claims(settings, &metadata, &unverified, now).await?;
        let token = token::check(
            claims,
            &Expected::of(settings, attempt, &tokens, &unverified),
            now,
        )?;
        let (userinfo, userinfo_error) = self.userinfo(settings, &metadata, &tokens, &token).await?;
        let (issuer, groups) = (&settings.issuer, &settings.groups_claim);
        let (identity, from_userinfo) =
            claims::identity(connection_id, issuer, groups, &token, userinfo.as_ref())?;
        let evidence = Evidence {
            key_id: unverified.key_id.as_deref().map(shown),
            algorithm: unverified.algorithm.as_str(),
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            from_userinfo,
            userinfo_error,
            not_fetched: claims::elsewhere(&token.claims),
        };
        Ok(Verified {
            identity,
            evidence,
            jwks_uri: metadata.jwks_uri.to_string(),
            authenticated_at: token.claims.get("auth_time").and_then(json::seconds),
            id_token: token.claims,
            userinfo,
        })
    }

    /// A key that is not known, or does not fit, may be newer than ours: then the keys are fetched again,
    /// once a minute at most.
    async fn signed_claims(
        &self,
        settings: &Settings,
        metadata: &Metadata,
        token: &Unverified<'_>,
        now: i64,
    ) -> Result<Map<String, Value>, OidcError> {
        let provider = self.provider(&settings.issuer);
        let keys = provider
            .lock()
            .await
            .keys(&self.outbound, &metadata.jwks_uri, Want::Fresh, now)
            .await?;
        let error = match token.verify(&keys) {
            Err(error) if matches!(error.check, Check::KeyUnknown | Check::Signature) => error,
            judged => return judged,
        };
        let newer = provider
            .lock()
            .await
            .keys(&self.outbound, &metadata.jwks_uri, Want::Newer, now)
            .await?;
        if Arc::ptr_eq(&keys, &newer) {
            return Err(error);
        }
        token.verify(&newer)
    }

    /// The userinfo, if it is needed and there is any, or why not. Without an address it is essential.
    async fn userinfo(
        &self,
        settings: &Settings,
        metadata: &Metadata,
        tokens: &Tokens,
        token: &IdToken,
    ) -> Result<(Option<Map<String, Value>>, Option<String>), OidcError> {
        let missing = Missing::of(&token.claims, &settings.groups_claim);
        let (Some(address), Some(access_token)) = (&metadata.userinfo_endpoint, &tokens.access_token) else {
            return Ok((None, None));
        };
        if !missing.any() {
            return Ok((None, None));
        }
        match exchange::userinfo(&self.outbound, address, access_token, &token.subject).await {
            Ok(claims) => Ok((Some(claims), None)),
            Err(error) if missing.email || error.check == Check::UserinfoSubject => Err(error),
            Err(error) => Ok((None, Some(error.sentence))),
        }
    }

    /// What is remembered may be older than what was confirmed by way of another server: then it is fetched again, once a
    /// minute at most.
    async fn metadata(&self, settings: &Settings, now: i64) -> Result<Arc<Metadata>, OidcError> {
        let provider = self.provider(&settings.issuer);
        let mut provider = provider.lock().await;
        let known = provider
            .metadata(&self.outbound, &settings.issuer, Want::Fresh, now)
            .await?;
        if known.confirm(settings).is_ok() {
            return Ok(known);
        }
        let newer = provider
            .metadata(&self.outbound, &settings.issuer, Want::Newer, now)
            .await?;
        newer.confirm(settings)?;
        Ok(newer)
    }

    fn provider(&self, issuer: &str) -> Arc<Mutex<Provider>> {
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        if providers.len() >= MOST_PROVIDERS && !providers.contains_key(issuer) {
            providers.clear();
        }
        Arc::clone(providers.entry(issuer.to_owned()).or_default())
    }
}

impl Provider {
    async fn metadata(
        &mut self,
        outbound: &Outbound,
        issuer: &str,
        want: Want,
        now: i64,
    ) -> Result<Arc<Metadata>, OidcError> {
        self.metadata
            .get(want, now, discovery::fetch(outbound, issuer))
            .await
    }

    async fn keys(
        &mut self,
        outbound: &Outbound,
        address: &Url,
        want: Want,
        now: i64,
    ) -> Result<Arc<KeySet>, OidcError> {
        if self.keys_address.as_ref() != Some(address) {
            self.keys = Cached::default();
            self.keys_address = Some(address.clone());
        }
        self.keys.get(want, now, keys::fetch(outbound, address)).await
    }
}

/// Judges an ID token by itself: what [`Oidc::verify`] concludes from it where nothing has to be fetched. `keys` is the
/// provider's key set (RFC 7517 §5), `now` in Unix milliseconds.
///
/// # Errors
/// The first check that failed.
pub fn read_id_token(
    settings: &Settings,
    nonce: &str,
    keys: &[u8],
    token: &str,
    now: i64,
) -> Result<Identity, OidcError> {
    let keys = KeySet::parse(keys).map_err(|why| OidcError::new(Check::Keys, why))?;
    let unverified = Unverified::parse(token, &settings.algorithms)?;
    let claims = unverified.verify(&keys)?;
    let expected = Expected {
        issuer: &settings.issuer,
        client_id: &settings.client_id,
        nonce,
        access_token: None,
        algorithm: unverified.algorithm,
    };
    let token = token::check(claims, &expected, now)?;
    claims::identity("", &settings.issuer, &settings.groups_claim, &token, None).map(|(identity, _)| identity)
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, OidcError>>,
) -> Result<T, OidcError> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_elapsed| {
            let sentence = format!(
                "The provider took longer than {} seconds. Try again later.",
                limit.as_secs()
            );
            Err(OidcError::new(Check::ProviderTimedOut, sentence))
        })
}

#[cfg(test)]
mod tests;
