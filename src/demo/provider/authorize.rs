//! What an application asks for at `/authorize`, judged (OpenID Connect Core §3.1.2, RFC 7636, RFC 9207).

use url::Url;

use super::model::Client;
use super::parameters::Parameters;

/// An authorization request that can be granted.
#[derive(Debug)]
pub(super) struct Request {
    pub client: String,
    pub redirect_uri: String,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub challenge: String,
    pub login_hint: Option<String>,
}

/// An authorization request that cannot be granted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not certain where the person came from: say so here and send them nowhere.
    Here(&'static str),
    /// The application is known: tell it, at this address.
    Back(String),
}

impl Request {
    /// Judges the request in `query`.
    pub fn read(query: &str, clients: &[Client], issuer: &str) -> Result<Self, Refusal> {
        let asked = Parameters::read(query).ok_or(Refusal::Here("The request says one thing twice."))?;
        let (client, redirect_uri) = origin(&asked, clients)?;
        let request = Self {
            client,
            redirect_uri,
            state: asked.get("state").map(str::to_owned),
            nonce: asked.get("nonce").map(str::to_owned),
            challenge: asked.get("code_challenge").unwrap_or_default().to_owned(),
            login_hint: asked.get("login_hint").map(str::to_owned),
        };
        match fault(&asked) {
            Some((error, description)) => Err(Refusal::Back(request.refused(issuer, error, description))),
            None => Ok(request),
        }
    }

    /// Where the person goes with a code.
    pub fn granted(&self, issuer: &str, code: &str) -> String {
        self.answer(&[("code", code), ("iss", issuer)])
    }

    /// Where the person goes without one.
    pub fn refused(&self, issuer: &str, error: &str, description: &str) -> String {
        self.answer(&[
            ("error", error),
            ("error_description", description),
            ("iss", issuer),
        ])
    }

    /// Where the answer goes, as a source for the page's `form-action`: Chromium judges by it not only
    /// the form but also the redirect that answers the form.
    pub fn origin(&self) -> String {
        Url::parse(&self.redirect_uri)
            .map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
    }

    fn answer(&self, parameters: &[(&str, &str)]) -> String {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return self.redirect_uri.clone();
        };
        url.query_pairs_mut()
            .extend_pairs(parameters)
            .extend_pairs(self.state.as_deref().map(|state| ("state", state)));
        url.into()
    }
}

/// Which application asks, and where it wants the answer.
fn origin(asked: &Parameters, clients: &[Client]) -> Result<(String, String), Refusal> {
    let client = asked
        .get("client_id")
        .and_then(|id| clients.iter().find(|client| client.id == id));
    let client = client.ok_or(Refusal::Here(
        "No application of this client_id is registered here.",
    ))?;
    let redirect_uri = asked
        .get("redirect_uri")
        .filter(|uri| client.redirect_uris.iter().any(|known| known == uri));
    let redirect_uri = redirect_uri.ok_or(Refusal::Here(
        "The application may not have its answer at this redirect_uri.",
    ))?;
    Ok((client.id.clone(), redirect_uri.to_owned()))
}

/// What is wrong with a request whose sender is known.
fn fault(asked: &Parameters) -> Option<(&'static str, &'static str)> {
    let scopes = asked.get("scope").unwrap_or_default();
    if asked.get("request").is_some() {
        Some(("request_not_supported", "Send the parameters themselves."))
    } else if asked.get("request_uri").is_some() {
        Some(("request_uri_not_supported", "Send the parameters themselves."))
    } else if asked.get("response_type") != Some("code") {
        Some((
            "unsupported_response_type",
            "Only response_type=code is answered.",
        ))
    } else if asked.get("response_mode").is_some_and(|mode| mode != "query") {
        Some(("invalid_request", "Only response_mode=query is answered."))
    } else if !scopes.split(' ').any(|scope| scope == "openid") {
        Some(("invalid_scope", "The scope must contain openid."))
    } else if asked.get("code_challenge_method") != Some("S256") || !is_s256(asked.get("code_challenge")) {
        Some(("invalid_request", "PKCE with S256 is required."))
    } else if asked.get("prompt") == Some("none") {
        Some(("login_required", "Nobody is ever signed in here already."))
    } else {
        None
    }
}

/// A SHA-256 in base64url without padding has 43 characters (RFC 7636 §4.2).
fn is_s256(challenge: Option<&str>) -> bool {
    challenge.is_some_and(|text| {
        text.len() == 43
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "http://127.0.0.1:9000";
    const GOOD: &str = "client_id=app&redirect_uri=http%3A%2F%2Fapp.example%2Fback&response_type=code&scope=openid+email\
        &state=a%26b&nonce=n&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(query: &str) -> Result<Request, Refusal> {
        let client = Client {
            id: "app".into(),
            secret: "secret".into(),
            redirect_uris: vec!["http://app.example/back".into()],
        };
        Request::read(query, &[client], ISSUER)
    }

    #[test]
    fn a_good_request_is_answered_with_code_issuer_and_state() {
        let request = read(GOOD).unwrap();
        let to = request.granted(ISSUER, "c0de");
        assert_eq!(
            to,
            "http://app.example/back?code=c0de&iss=http%3A%2F%2F127.0.0.1%3A9000&state=a%26b"
        );
        assert_eq!(request.origin(), "http://app.example");
    }

    #[test]
    fn an_uncertain_sender_gets_nobody_sent_to() {
        for (from, to) in [
            ("client_id=app", "client_id=another"),
            ("client_id=app&", ""),
            ("%2Fback", "%2Fback%2F"),
            ("%2Fback", "%2Fback%3Fx=1"),
            ("app.example", "APP.example"),
            ("nonce=n", "state=again"),
        ] {
            let query = GOOD.replacen(from, to, 1);
            assert!(matches!(read(&query), Err(Refusal::Here(_))), "{query}");
        }
    }

    #[test]
    fn a_known_sender_is_told_what_is_wrong() {
        for (from, to, error) in [
            (
                "response_type=code",
                "response_type=id_token",
                "unsupported_response_type",
            ),
            ("scope=openid+email", "scope=email", "invalid_scope"),
            ("S256", "plain", "invalid_request"),
            ("-cM", "", "invalid_request"),
            ("nonce=n", "nonce=n&prompt=none", "login_required"),
            ("nonce=n", "request=x", "request_not_supported"),
            ("nonce=n", "request_uri=x", "request_uri_not_supported"),
            ("nonce=n", "response_mode=fragment", "invalid_request"),
        ] {
            let Err(Refusal::Back(to)) = read(&GOOD.replacen(from, to, 1)) else {
                panic!("{to} was not refused");
            };
            assert!(
                to.starts_with(&format!("http://app.example/back?error={error}&")),
                "{to}"
            );
            assert!(
                to.ends_with("&iss=http%3A%2F%2F127.0.0.1%3A9000&state=a%26b"),
                "{to}"
            );
        }
    }
}
