//! What the provider has the browser post to us (SAML Bindings §3.5.4): an ordinary form, which anybody can
//! send from anywhere.

use actix_web::http::StatusCode;
use actix_web::web::Bytes;

use crate::saml::SamlError;
use crate::web::Problem;

/// The fields of the form.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    /// The message, in Base64.
    pub response: String,
    /// What we sent along with the request, or empty.
    pub relay_state: String,
}

/// The body, if it came whole and is not too large.
pub fn body(body: Result<Bytes, actix_web::Error>) -> Result<Bytes, Problem> {
    body.map_err(|error| {
        if error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::TooLarge("An answer of a sign-in service has at most 1 MB.".to_owned())
        } else {
            Problem::Invalid(format!("The answer did not arrive whole: {error}."))
        }
    })
}

/// Reads the form. Each field comes once, so that nobody else reads another one than we do.
pub fn read(content_type: &str, body: &[u8]) -> Result<Form, SamlError> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(refusal(
            "The response did not come as a form. The identity provider has to use the HTTP-POST binding.",
        ));
    }
    let fields: Vec<_> = url::form_urlencoded::parse(body).collect();
    let field = |wanted: &str| -> Result<Option<String>, SamlError> {
        let mut values = fields
            .iter()
            .filter(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone().into_owned());
        let first = values.next();
        if values.next().is_some() {
            return Err(refusal(
                "The form holds one field twice. The identity provider, or somebody between it and us, made it wrong.",
            ));
        }
        Ok(first)
    };
    let response = field("SAMLResponse")?.filter(|text| !text.is_empty());
    Ok(Form {
        response: response.ok_or_else(|| {
            refusal("The form holds no SAMLResponse. The address takes responses of an identity provider, and nothing else.")
        })?,
        relay_state: field("RelayState")?.unwrap_or_default(),
    })
}

fn refusal(sentence: &str) -> SamlError {
    SamlError {
        check: "form",
        sentence: sentence.to_owned(),
        status: 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "application/x-www-form-urlencoded; charset=utf-8";

    #[test]
    fn a_form_has_a_response_and_perhaps_a_relay_state() {
        let form = read(KIND, b"SAMLResponse=a%2Bb&RelayState=x+y&other=1").unwrap();
        assert_eq!(
            (form.response.as_str(), form.relay_state.as_str()),
            ("a+b", "x y")
        );
        assert_eq!(read(KIND, b"SAMLResponse=a").unwrap().relay_state, "");
    }

    /// SAML-070.
    #[test]
    fn what_is_ambiguous_or_no_form_is_refused() {
        for body in [
            "",
            "SAMLResponse=",
            "SAMLResponse=a&SAMLResponse=a",
            "SAMLResponse=a&RelayState=&RelayState=x",
        ] {
            assert_eq!(read(KIND, body.as_bytes()).unwrap_err().check, "form", "{body}");
        }
        for kind in [
            "",
            "application/json",
            "multipart/form-data; boundary=x",
            "text/plain",
        ] {
            assert_eq!(read(kind, b"SAMLResponse=a").unwrap_err().status, 400, "{kind}");
        }
    }
}
