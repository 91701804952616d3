//! The provider's description of itself (OpenID Connect Discovery 1.0).

use serde_json::{Map, Value};
use url::Url;

use super::error::{Check, OidcError, shown};
use super::json;
use super::settings::{Settings, TokenAuth};
use crate::outbound::{Answer, Outbound};

/// What is used of the discovery document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 §3).
    pub(super) names_issuer_in_response: bool,
    /// Basic unless only another way is offered; that is also the default (Discovery §3).
    pub(super) token_auth: TokenAuth,
    /// The algorithms that it signs ID tokens with, if it says so.
    pub(super) algorithms: Option<Vec<String>>,
}

/// Fetches and judges the document of this issuer.
pub(super) async fn fetch(outbound: &Outbound, issuer: &str) -> Result<Metadata, OidcError> {
    let address = address(issuer)?;
    let what = "The provider's discovery document could not be fetched";
    let answer = outbound
        .get(&address, "application/json", None)
        .await
        .map_err(|error| OidcError::outbound(Check::Discovery, what, &error))?;
    parse(outbound, issuer, &address, &answer)
}

/// Discovery §4.1: a slash at the end of the issuer is taken off first.
fn address(issuer: &str) -> Result<Url, OidcError> {
    let wrong = || {
        let sentence = "The issuer of the connection is not an address such as https://idp.example/tenant. \
                        Copy it from the provider.";
        OidcError::new(Check::Settings, sentence)
    };
    if issuer.contains(['?', '#']) {
        return Err(wrong());
    }
    let text = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    Url::parse(&text).ok().filter(Url::has_host).ok_or_else(wrong)
}

fn parse(outbound: &Outbound, issuer: &str, address: &Url, answer: &Answer) -> Result<Metadata, OidcError> {
    let unusable = |why: String| {
        let sentence = format!("The discovery document at {address} can't be used: {why}. Check the issuer.");
        OidcError::new(Check::Discovery, sentence)
    };
    if answer.status != 200 {
        return Err(unusable(format!("the provider answered {}", answer.status)));
    }
    let document = json::object(&answer.body).map_err(unusable)?;
    same_issuer(issuer, &document)?;
    let endpoint = |name: &str| endpoint(outbound, address, &document, name).map_err(unusable);
    let required = |name: &str| endpoint(name)?.ok_or_else(|| unusable(format!("it names no {name}")));
    Ok(Metadata {
        authorization_endpoint: required("authorization_endpoint")?,
        token_endpoint: required("token_endpoint")?,
        jwks_uri: required("jwks_uri")?,
        userinfo_endpoint: endpoint("userinfo_endpoint")?,
        names_issuer_in_response: document.get("authorization_response_iss_parameter_supported")
            == Some(&Value::Bool(true)),
        token_auth: token_auth(&document).map_err(unusable)?,
        algorithms: words(&document, "id_token_signing_alg_values_supported"),
    })
}

/// Discovery §4.3: exactly the issuer that was asked for.
fn same_issuer(expected: &str, document: &Map<String, Value>) -> Result<(), OidcError> {
    let found = json::text(document, "issuer").unwrap_or_default();
    if found == expected {
        return Ok(());
    }
    let remedy = if found.contains('{') {
        "This is the template of an application for many tenants, which is not supported: \
         use the issuer of your own tenant, with its identifier in the address"
    } else {
        "Copy the issuer exactly as the provider writes it, with or without the slash at the end"
    };
    let sentence = format!(
        "The provider says that its issuer is “{}”, and this connection expects “{expected}”. {remedy}.",
        shown(found)
    );
    Err(OidcError::new(Check::DiscoveryIssuerMismatch, sentence))
}

/// Behind an `https` issuer every endpoint is `https` too; `http` is for allowed networks only.
fn endpoint(
    outbound: &Outbound,
    issuer: &Url,
    document: &Map<String, Value>,
    name: &str,
) -> Result<Option<Url>, String> {
    let Some(value) = document.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let wrong = || format!("its {name} is not an address");
    let url = value
        .as_str()
        .and_then(|text| Url::parse(text).ok())
        .ok_or_else(wrong)?;
    if url.fragment().is_some() {
        return Err(wrong());
    }
    if issuer.scheme() == "https" && url.scheme() != "https" {
        return Err(format!("its {name} does not begin with https://"));
    }
    outbound
        .check_url(&url)
        .map_err(|error| format!("its {name} is refused ({error})"))?;
    Ok(Some(url))
}

fn token_auth(document: &Map<String, Value>) -> Result<TokenAuth, String> {
    let Some(offered) = words(document, "token_endpoint_auth_methods_supported") else {
        return Ok(TokenAuth::Basic);
    };
    [TokenAuth::Basic, TokenAuth::Post]
        .into_iter()
        .find(|way| offered.iter().any(|name| name == way.as_str()))
        .ok_or_else(|| {
            "it takes the client secret in no way that is supported (client_secret_basic, client_secret_post)"
                .to_owned()
        })
}

fn words(document: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let list = document.get(name)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

impl Metadata {
    /// How the secret is sent: as the connection says, else as the provider offers.
    pub(super) fn token_auth_for(&self, settings: &Settings) -> TokenAuth {
        match settings.token_auth {
            TokenAuth::Auto => self.token_auth,
            chosen => chosen,
        }
    }

    /// The key set must stay where an administrator saw it.
    pub(super) fn confirm(&self, settings: &Settings) -> Result<(), OidcError> {
        match &settings.confirmed_jwks_uri {
            Some(confirmed) if confirmed != self.jwks_uri.as_str() => {
                let sentence = format!(
                    "The provider now publishes its keys at “{}” instead of “{confirmed}”. Ask the \
                     provider whether that is right; then an owner confirms it on the connection's page, under “Keys”.",
                    shown(self.jwks_uri.as_str())
                );
                Err(OidcError::new(Check::DiscoveryChanged, sentence))
            }
            _ => Ok(()),
        }
    }

    /// At least one algorithm must be common, or no ID token will ever pass.
    pub(super) fn fits(&self, settings: &Settings) -> Result<(), OidcError> {
        let Some(offered) = &self.algorithms else {
            return Ok(());
        };
        if settings
            .algorithms
            .iter()
            .any(|ours| offered.iter().any(|theirs| theirs == ours.as_str()))
        {
            return Ok(());
        }
        let ours: Vec<_> = settings
            .algorithms
            .iter()
            .map(|algorithm| algorithm.as_str())
            .collect();
        let sentence = format!(
            "The provider signs ID tokens with {}, and this connection accepts {}. Choose one of these at \
             the provider.",
            shown(&offered.join(", ")),
            ours.join(", ")
        );
        Err(OidcError::new(Check::Algorithm, sentence).blame(super::Whose::Ours))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::outbound::Network;

    const ISSUER: &str = "https://idp.example/t";

    fn document() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://idp.example/t/authorize?a=b",
            "token_endpoint": "https://idp.example/t/token",
            "jwks_uri": "https://keys.example/t",
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut document = document();
        document[name] = value;
        document
    }

    fn read(issuer: &str, document: &Value) -> Result<Metadata, OidcError> {
        let network: Network = "127.0.0.1".parse().unwrap();
        let answer = Answer {
            status: 200,
            content_type: None,
            body: document.to_string().into_bytes(),
        };
        parse(
            &Outbound::new(vec![network]).unwrap(),
            issuer,
            &address(issuer).unwrap(),
            &answer,
        )
    }

    #[test]
    fn the_document_lies_under_the_issuer_s_path() {
        for (issuer, expected) in [
            (
                "https://idp.example",
                "https://idp.example/.well-known/openid-configuration",
            ),
            (
                "https://idp.example/t/",
                "https://idp.example/t/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(address(issuer).unwrap().as_str(), expected);
        }
        for bad in [
            "",
            "idp.example",
            "https://idp.example/?a",
            "https://idp.example/#a",
            "mailto:a@b.example",
        ] {
            assert_eq!(address(bad).unwrap_err().check, Check::Settings, "{bad}");
        }
    }

    #[test]
    fn a_plain_document_is_read_with_the_defaults_of_the_standard() {
        let metadata = read(ISSUER, &document()).unwrap();
        assert_eq!(metadata.token_auth, TokenAuth::Basic);
        assert!(!metadata.names_issuer_in_response && metadata.userinfo_endpoint.is_none());
    }

    /// OIDC-040.
    #[test]
    fn the_issuer_is_compared_exactly() {
        for (issuer, found) in [
            (ISSUER, json!("https://idp.example/t/")),
            (ISSUER, json!("https://IDP.example/t")),
            (ISSUER, json!("https://evil.example")),
            (ISSUER, json!(["https://idp.example/t"])),
            (ISSUER, json!("https://login.example/{tenantid}/v2.0")),
        ] {
            let error = read(issuer, &with("issuer", found.clone())).unwrap_err();
            assert_eq!(error.check, Check::DiscoveryIssuerMismatch, "{found}");
            assert_eq!(
                error.sentence.contains("tenant,"),
                found.to_string().contains('{'),
                "{}",
                error.sentence
            );
        }
    }

    /// OIDC-041.
    #[test]
    fn endpoints_must_be_https_and_within_reach() {
        for (name, value) in [
            ("token_endpoint", json!("http://idp.example/token")),
            ("token_endpoint", json!("http://127.0.0.1/token")),
            ("jwks_uri", json!("https://169.254.169.254/keys")),
            ("userinfo_endpoint", json!("https://10.0.0.1/userinfo")),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            ("authorization_endpoint", json!("https://idp.example/a#b")),
            ("jwks_uri", json!(7)),
            ("jwks_uri", Value::Null),
        ] {
            let error = read(ISSUER, &with(name, value.clone())).unwrap_err();
            assert_eq!(error.check, Check::Discovery, "{value}");
            assert!(error.sentence.contains(name), "{}", error.sentence);
        }
    }

    #[test]
    fn basic_is_preferred_and_post_is_taken_where_only_that_is_offered() {
        let name = "token_endpoint_auth_methods_supported";
        let offered = |list: Value| read(ISSUER, &with(name, list)).map(|metadata| metadata.token_auth);
        assert_eq!(
            offered(json!(["client_secret_post", "client_secret_basic"])),
            Ok(TokenAuth::Basic)
        );
        assert_eq!(
            offered(json!(["private_key_jwt", "client_secret_post"])),
            Ok(TokenAuth::Post)
        );
        assert_eq!(
            offered(json!(["private_key_jwt"])).unwrap_err().check,
            Check::Discovery
        );
    }

    /// OIDC-043.
    #[test]
    fn another_key_set_than_the_confirmed_one_is_not_taken_over() {
        let metadata = read(ISSUER, &document()).unwrap();
        let mut settings = Settings::new(ISSUER, "c", "s", "https://us.example/cb");
        assert_eq!(metadata.confirm(&settings), Ok(()));
        settings.confirmed_jwks_uri = Some("https://keys.example/t".to_owned());
        assert_eq!(metadata.confirm(&settings), Ok(()));
        settings.confirmed_jwks_uri = Some("https://keys.example/old".to_owned());
        assert_eq!(
            metadata.confirm(&settings).unwrap_err().check,
            Check::DiscoveryChanged
        );
    }

    #[test]
    fn a_provider_without_a_common_algorithm_is_named() {
        let metadata = |list| read(ISSUER, &with("id_token_signing_alg_values_supported", list)).unwrap();
        let settings = Settings::new(ISSUER, "c", "s", "https://us.example/cb");
        assert_eq!(metadata(json!(["HS256", "ES256"])).fits(&settings), Ok(()));
        assert_eq!(
            metadata(json!(["HS256", "none"]))
                .fits(&settings)
                .unwrap_err()
                .check,
            Check::Algorithm
        );
    }
}
