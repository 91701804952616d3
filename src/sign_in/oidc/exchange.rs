//! The two requests of a sign-in: the code for tokens (RFC 6749 §4.1.3), and the userinfo (OpenID Connect
//! Core §5.3).

use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::Attempt;
use super::discovery::Metadata;
use super::error::{Check, OidcError, Whose, shown};
use super::json;
use super::settings::{Settings, TokenAuth};
use crate::outbound::{Answer, Outbound};

/// What the token endpoint gave. Nothing of it is kept or logged.
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: Option<String>,
}

/// Redeems the code, once.
pub(super) async fn redeem(
    outbound: &Outbound,
    settings: &Settings,
    metadata: &Metadata,
    attempt: &Attempt,
    code: &str,
) -> Result<Tokens, OidcError> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", settings.redirect_uri.as_str()),
        ("code_verifier", attempt.verifier.as_str()),
    ];
    let (user, password) = (encoded(&settings.client_id), encoded(&settings.client_secret));
    let basic = match metadata.token_auth_for(settings) {
        TokenAuth::Post => {
            form.push(("client_id", &settings.client_id));
            form.push(("client_secret", &settings.client_secret));
            None
        }
        TokenAuth::Basic | TokenAuth::Auto => Some((user.as_str(), password.as_str())),
    };
    let what = "The provider's token endpoint gave no usable answer";
    let answer = outbound
        .post_form(&metadata.token_endpoint, basic, &form)
        .await
        .map_err(|error| OidcError::outbound(Check::TokenEndpoint, what, &error))?;
    tokens(&answer)
}

/// RFC 6749 §2.3.1: identifier and secret are form-encoded before they become Basic authentication.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn tokens(answer: &Answer) -> Result<Tokens, OidcError> {
    let members = json::object(&answer.body);
    if answer.status != 200 {
        let error = members
            .as_ref()
            .ok()
            .and_then(|members| json::text(members, "error"));
        return Err(refused(answer.status, error));
    }
    let unusable = |why: &str| {
        let sentence =
            format!("The answer of the provider's token endpoint can't be used: {why}. Tell the provider.");
        OidcError::new(Check::TokenEndpoint, sentence)
    };
    let members = members.map_err(|why| unusable(&why))?;
    let id_token = json::text(&members, "id_token").ok_or_else(|| unusable("there is no ID token in it"))?;
    let bearer = json::text(&members, "token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let access_token = json::text(&members, "access_token").filter(|_| bearer);
    Ok(Tokens {
        id_token: id_token.to_owned(),
        access_token: access_token.map(str::to_owned),
    })
}

/// RFC 6749 §5.2.
fn refused(status: u16, error: Option<&str>) -> OidcError {
    match error {
        Some("invalid_grant") => OidcError::new(
            Check::Code,
            "The provider did not accept the code of this sign-in: it was used before, is too old, or belongs \
             to another sign-in. Start the sign-in again.",
        ),
        Some("invalid_client" | "unauthorized_client") => OidcError::new(
            Check::TokenEndpoint,
            "The provider did not accept the client identifier and secret of the connection. Enter the secret \
             again, or make a new one at the provider.",
        )
        .blame(Whose::Ours),
        error => {
            let said = error.map(|error| format!(" with “{}”", shown(error))).unwrap_or_default();
            let sentence = format!("The provider's token endpoint answered {status}{said}. Try again later.");
            OidcError::new(Check::TokenEndpoint, sentence)
        }
    }
}

/// The claims about the person who signed in.
///
/// # Errors
/// `userinfo_subject` when they are about somebody else, which always rejects. Anything else means that
/// there are none, and is for the caller to judge.
pub(super) async fn userinfo(
    outbound: &Outbound,
    address: &Url,
    access_token: &str,
    subject: &str,
) -> Result<Map<String, Value>, OidcError> {
    let what = "The provider's userinfo could not be fetched";
    let answer = outbound
        .get(address, "application/json", Some(access_token))
        .await
        .map_err(|error| OidcError::outbound(Check::Userinfo, what, &error))?;
    about(subject, &answer)
}

/// §5.3.2: the `sub` must be there and be the same.
fn about(subject: &str, answer: &Answer) -> Result<Map<String, Value>, OidcError> {
    let unusable = |why: &str| {
        let sentence = format!(
            "The provider's userinfo can't be used: {why}. Put the e-mail address into the ID token, or tell the \
             provider."
        );
        OidcError::new(Check::Userinfo, sentence)
    };
    if answer.status != 200 {
        return Err(unusable(&format!("the provider answered {}", answer.status)));
    }
    if answer.content_type.as_deref() == Some("application/jwt") {
        return Err(unusable("it is signed or encrypted, which is not supported"));
    }
    let members = json::object(&answer.body).map_err(|why| unusable(&why))?;
    if json::text(&members, "sub") != Some(subject) {
        let sentence =
            "The provider's userinfo is about another person than the ID token. Tell the provider.";
        return Err(OidcError::new(Check::UserinfoSubject, sentence));
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            content_type: Some("application/json".to_owned()),
            body: body.as_bytes().to_vec(),
        }
    }

    /// OIDC-033.
    #[test]
    fn the_secret_is_form_encoded() {
        assert_eq!(encoded("a:b%c d+é"), "a%3Ab%25c+d%2B%C3%A9");
    }

    #[test]
    fn tokens_are_read_and_other_answers_are_named() {
        let good = tokens(&answer(
            200,
            r#"{"id_token":"i","access_token":"a","token_type":"bearer"}"#,
        ))
        .ok()
        .unwrap();
        assert_eq!(
            (good.id_token.as_str(), good.access_token.as_deref()),
            ("i", Some("a"))
        );
        let mac = tokens(&answer(
            200,
            r#"{"id_token":"i","access_token":"a","token_type":"mac"}"#,
        ))
        .ok()
        .unwrap();
        assert_eq!(mac.access_token, None);
        for (status, body, check, http) in [
            (200, "<html>", Check::TokenEndpoint, 502),
            (200, r#"{"access_token":"a"}"#, Check::TokenEndpoint, 502),
            (200, r#"{"id_token":7}"#, Check::TokenEndpoint, 502),
            (
                200,
                r#"{"id_token":"a","id_token":"b"}"#,
                Check::TokenEndpoint,
                502,
            ),
            (500, "oops", Check::TokenEndpoint, 502),
            (400, r#"{"error":"invalid_grant"}"#, Check::Code, 403),
            (401, r#"{"error":"invalid_client"}"#, Check::TokenEndpoint, 502),
        ] {
            let error = tokens(&answer(status, body)).err().unwrap();
            assert_eq!(
                (error.check, error.http_status()),
                (check, http),
                "{status} {body}"
            );
        }
    }

    /// OIDC-035.
    #[test]
    fn userinfo_about_somebody_else_is_told_from_none() {
        assert!(about("s", &answer(200, r#"{"sub":"s","email":"a@b.example"}"#)).is_ok());
        for (status, body, check) in [
            (200, r#"{"sub":"t"}"#, Check::UserinfoSubject),
            (200, r#"{"email":"a@b.example"}"#, Check::UserinfoSubject),
            (200, "<html>", Check::Userinfo),
            (401, r#"{"sub":"s"}"#, Check::Userinfo),
        ] {
            assert_eq!(
                about("s", &answer(status, body)).unwrap_err().check,
                check,
                "{body}"
            );
        }
    }
}
