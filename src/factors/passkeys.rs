//! Passkeys (`WebAuthn`): the questions that an authenticator signs, and what is believed of its answers.
//!
//! The user is always verified by the authenticator, so that a passkey alone is two factors. Attestation is not asked
//! for. A counter that goes back refuses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::{Host, Url};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::accounts::Account;
use crate::web::{Problem, Site};

/// What a signed answer is for. An answer to one is none to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A passkey is added.
    Add,
    /// Somebody signs in by it alone.
    SignIn,
    /// It is the second factor after a password.
    Second,
    /// Somebody who is signed in shows that it is them.
    StillYou,
}

impl Purpose {
    /// The word in the database.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::SignIn => "sign_in",
            Self::Second => "second",
            Self::StillYou => "still_you",
        }
    }
}

/// A question for an authenticator.
#[derive(Debug)]
pub struct Asked {
    /// What the browser's script hands to it.
    pub options: Value,
    /// By what the browser is known when it answers; goes into a cookie.
    pub key: String,
}

/// Whether browsers can use passkeys here: their names are bound to the name of a host, and an address is none.
pub fn can_be_used(site: &Site) -> bool {
    origin(site).is_ok_and(|url| matches!(url.host(), Some(Host::Domain(_))))
}

fn origin(site: &Site) -> Result<Url, Problem> {
    Url::parse(site.config.public_url.origin()).map_err(Problem::internal)
}

fn webauthn(site: &Site) -> Result<Webauthn, Problem> {
    if !can_be_used(site) {
        return Err(Problem::NotFound);
    }
    let origin = origin(site)?;
    let host = origin.host_str().unwrap_or_default().to_owned();
    WebauthnBuilder::new(&host, &origin)
        .map(|builder| builder.rp_name("Vestibule"))
        .and_then(WebauthnBuilder::build)
        .map_err(Problem::internal)
}

fn written(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(Problem::internal)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(Problem::internal)
}

fn keys(stored: &[String]) -> Result<Vec<Passkey>, Problem> {
    stored.iter().map(|text| read(text)).collect()
}

/// The name of a credential in the database.
pub(super) fn name_of(credential: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(credential)
}

/// Options and state of a question to add a passkey; those that are there already are no answer.
pub(super) fn ask_to_add(
    site: &Site,
    account: &Account,
    stored: &[String],
) -> Result<(Value, String), Problem> {
    let handle = Uuid::parse_str(&account.id).map_err(Problem::internal)?;
    let known = keys(stored)?.iter().map(|key| key.cred_id().clone()).collect();
    let (options, state) = webauthn(site)?
        .start_passkey_registration(handle, &account.email, account.shown_name(), Some(known))
        .map_err(Problem::internal)?;
    let mut options = serde_json::to_value(options).map_err(Problem::internal)?;
    if let Some(wish) = options.pointer_mut("/publicKey/authenticatorSelection/residentKey") {
        // So that it can be found without an address, where the authenticator has room for that.
        *wish = json!("preferred");
    }
    Ok((options, written(&state)?))
}

/// Options and state of a question that one of these keys may answer; any of this installation's, if none are named.
pub(super) fn ask(site: &Site, stored: Option<&[String]>) -> Result<(Value, String), Problem> {
    let (mut options, state) = webauthn(site)?
        .start_discoverable_authentication()
        .map_err(Problem::internal)?;
    // The person presses a button; nothing waits in a field.
    options.mediation = None;
    let mut options = serde_json::to_value(options).map_err(Problem::internal)?;
    if let Some(stored) = stored {
        let known = keys(stored)?;
        let allowed = known
            .iter()
            .map(|key| json!({"type": "public-key", "id": name_of(key.cred_id())}));
        let allowed: Vec<Value> = allowed.collect();
        if let Some(Value::Object(members)) = options.pointer_mut("/publicKey") {
            members.insert("allowCredentials".to_owned(), json!(allowed));
        }
    }
    Ok((options, written(&state)?))
}

/// Why an answer is not believed, in a sentence for its person.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It can't be read, was made elsewhere or for another question, or its signature is wrong.
    Wrong,
    /// The counter went back: the key may have been copied.
    WentBack,
}

impl From<WebauthnError> for Unfit {
    fn from(error: WebauthnError) -> Self {
        tracing::info!(%error, "the answer of a passkey is not believed");
        match error {
            WebauthnError::CredentialPossibleCompromise => Self::WentBack,
            _ => Self::Wrong,
        }
    }
}

/// Name and key (as JSON) of a passkey that answered the question to add one.
pub(super) fn added(
    site: &Site,
    state: &str,
    answer: &str,
) -> Result<Result<(String, String), Unfit>, Problem> {
    let state: PasskeyRegistration = read(state)?;
    let Ok(answer) = serde_json::from_str::<RegisterPublicKeyCredential>(answer) else {
        return Ok(Err(Unfit::Wrong));
    };
    match webauthn(site)?.finish_passkey_registration(&answer, &state) {
        Ok(key) => Ok(Ok((name_of(key.cred_id()), written(&key)?))),
        Err(error) => Ok(Err(error.into())),
    }
}

/// The name of the credential that answered, and whose it says it is; none if the answer can't be read.
pub(super) fn answered(answer: &str) -> Option<(String, Option<String>)> {
    let answer: PublicKeyCredential = serde_json::from_str(answer).ok()?;
    let whose = answer
        .get_user_unique_id()
        .and_then(|bytes| Uuid::from_slice(bytes).ok())
        .map(|id| id.simple().to_string());
    Some((name_of(answer.get_credential_id()), whose))
}

/// Whether the page that asked stood inside another site's. (The library looks at this when a passkey is made, and not
/// when it is used.)
fn is_framed(answer: &PublicKeyCredential) -> bool {
    let said: Result<Value, _> = serde_json::from_slice(&answer.response.client_data_json);
    said.is_ok_and(|said| said.get("crossOrigin") == Some(&Value::Bool(true)))
}

/// The key as it is after this answer. It is judged by the key as it is stored now, so that of two answers with one
/// counter the second is refused.
pub(super) fn judge(
    site: &Site,
    state: &str,
    stored: &str,
    answer: &str,
) -> Result<Result<String, Unfit>, Problem> {
    let mut key: Passkey = read(stored)?;
    let Ok(answer) = serde_json::from_str::<PublicKeyCredential>(answer) else {
        return Ok(Err(Unfit::Wrong));
    };
    if is_framed(&answer) {
        return Ok(Err(Unfit::Wrong));
    }
    let state: DiscoverableAuthentication = read(state)?;
    let judged =
        webauthn(site)?.finish_discoverable_authentication_v2(&answer, state, DiscoverableKey::from(&key));
    match judged {
        Ok(result) if result.user_verified() => {
            key.update_credential(&result);
            Ok(Ok(written(&key)?))
        }
        Ok(_) => Ok(Err(Unfit::Wrong)),
        Err(error) => Ok(Err(error.into())),
    }
}
