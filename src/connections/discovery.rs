//! A look at the provider before people are sent to it: does it describe itself, and by this issuer?

use serde_json::Value;
use url::Url;

use super::model::issuer_address;
use crate::outbound::{Answer, Outbound};

/// What every provider has to name.
const ENDPOINTS: [&str; 3] = ["authorization_endpoint", "token_endpoint", "jwks_uri"];

/// Reads the provider's description of itself (OpenID Connect Discovery 1.0 §4).
///
/// # Errors
/// A sentence that says what is wrong and what to do.
pub(super) async fn look(outbound: &Outbound, issuer: &str) -> Result<(), String> {
    issuer_address(issuer).map_err(str::to_owned)?;
    // §4.1: a slash at the end is taken off first.
    let address = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let url = Url::parse(&address).map_err(|error| format!("{address} is no address: {error}."))?;
    let answer = outbound
        .get(&url, "application/json", None)
        .await
        .map_err(|error| error.to_string())?;
    judge(issuer, &address, &answer)?
        .iter()
        .try_for_each(|endpoint| outbound.check_url(endpoint).map_err(|error| error.to_string()))
}

/// The endpoints, if this is the description of the issuer.
fn judge(issuer: &str, address: &str, answer: &Answer) -> Result<Vec<Url>, String> {
    if answer.status != 200 {
        return Err(format!(
            "{address} answered {} instead of 200. Check the issuer.",
            answer.status
        ));
    }
    let document: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| format!("{address} is not the JSON of a provider ({error}). Check the issuer."))?;
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("issuer") != issuer {
        let found: String = text("issuer")
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        return Err(format!(
            "The provider calls itself “{found}”, this connection calls it “{issuer}”. Copy the issuer exactly \
             as the provider writes it, with or without the slash at the end."
        ));
    }
    let endpoint = |name: &&str| {
        Url::parse(text(name)).map_err(|error| format!("{address} names no usable {name} ({error})."))
    };
    ENDPOINTS.iter().map(endpoint).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://idp.example/t";

    fn judged(status: u16, body: &str) -> Result<Vec<Url>, String> {
        let answer = Answer {
            status,
            content_type: None,
            body: body.as_bytes().to_vec(),
        };
        judge(
            ISSUER,
            "https://idp.example/t/.well-known/openid-configuration",
            &answer,
        )
    }

    #[test]
    fn the_description_is_of_exactly_this_issuer() {
        let document = |issuer: &str| {
            json!({
                "issuer": issuer, "authorization_endpoint": "https://idp.example/a",
                "token_endpoint": "https://idp.example/t", "jwks_uri": "https://idp.example/k",
            })
            .to_string()
        };
        assert_eq!(judged(200, &document(ISSUER)).map(|found| found.len()), Ok(3));
        let slash = judged(200, &document("https://idp.example/t/")).unwrap_err();
        assert!(slash.contains("with or without the slash"), "{slash}");
    }

    #[test]
    fn what_is_no_description_is_said_plainly() {
        assert!(judged(404, "").unwrap_err().contains("404"));
        assert!(judged(200, "<html>").unwrap_err().contains("not the JSON"));
        let bare = json!({ "issuer": ISSUER }).to_string();
        assert!(judged(200, &bare).unwrap_err().contains("authorization_endpoint"));
    }
}
