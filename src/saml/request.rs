//! The request that sends a person to the provider (SAML Core §3.4.1), by HTTP-Redirect (SAML Bindings
//! §3.4) or HTTP-POST (§3.5).

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use url::Url;
use url::form_urlencoded::Serializer;

use super::written::escaped;
use super::{SpKey, instant, sign_element};

/// The signature algorithm of our requests (RFC 6931 §2.3.2).
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnRequest {
    /// At least 128 random bits after a `_`: an id of XML does not begin with a digit.
    pub id: String,
    /// When it is made, in Unix milliseconds.
    pub issued_at: i64,
    /// Our entity id.
    pub issuer: String,
    /// Where the response is to go.
    pub acs_url: String,
    /// Where it is sent: the provider's sign-on address for the binding.
    pub destination: String,
    /// Whether the person has to prove anew who they are.
    pub force_authn: bool,
}

/// What the self-posting form carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostForm {
    /// Where it goes.
    pub action: String,
    /// The field `SAMLRequest`.
    pub saml_request: String,
    /// The field `RelayState`.
    pub relay_state: String,
}

/// An id for a request, of 20 random bytes.
pub fn request_id(random: &[u8; 20]) -> String {
    use std::fmt::Write as _;
    random.iter().fold(String::from("_"), |mut id, byte| {
        // Writing to a String does not fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

impl AuthnRequest {
    /// The request as XML, unsigned.
    pub fn xml(&self) -> String {
        let force = if self.force_authn {
            r#" ForceAuthn="true""#
        } else {
            ""
        };
        format!(
            r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="{at}" Destination="{to}"{force} ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" AssertionConsumerServiceURL="{acs}"><saml:Issuer>{issuer}</saml:Issuer><samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>"#,
            id = escaped(&self.id),
            at = instant::write(self.issued_at),
            to = escaped(&self.destination),
            acs = escaped(&self.acs_url),
            issuer = escaped(&self.issuer),
        )
    }

    /// The address to send the browser to. With a key, the query is signed (SAML Bindings §3.4.4.1).
    ///
    /// # Errors
    /// When the destination is no address, or the key can't be used.
    pub fn redirect_url(&self, relay_state: &str, key: Option<&SpKey>) -> Result<String, String> {
        let mut url = Url::parse(&self.destination)
            .map_err(|error| format!("{} is no address: {error}", self.destination))?;
        let message = STANDARD.encode(deflated(&self.xml())?);
        let mut query = Serializer::new(String::new());
        query.append_pair("SAMLRequest", &message);
        if !relay_state.is_empty() {
            query.append_pair("RelayState", relay_state);
        }
        if key.is_some() {
            query.append_pair("SigAlg", RSA_SHA256);
        }
        let mut query = query.finish();
        if let Some(key) = key {
            let signature = STANDARD.encode(key.sign(query.as_bytes())?);
            query.push('&');
            query.push_str(
                &Serializer::new(String::new())
                    .append_pair("Signature", &signature)
                    .finish(),
            );
        }
        let whole = match url.query().filter(|theirs| !theirs.is_empty()) {
            Some(theirs) => format!("{theirs}&{query}"),
            None => query,
        };
        url.set_query(Some(&whole));
        Ok(url.into())
    }

    /// The fields of a form that posts itself to the provider.
    ///
    /// # Errors
    /// When the key can't be used.
    pub fn post_form(&self, relay_state: &str, key: Option<&SpKey>) -> Result<PostForm, String> {
        let xml = match key {
            Some(key) => sign_element(&self.xml(), &self.id, &key.private, None)?,
            None => self.xml(),
        };
        Ok(PostForm {
            action: self.destination.clone(),
            saml_request: STANDARD.encode(xml),
            relay_state: relay_state.to_owned(),
        })
    }
}

/// Raw DEFLATE (RFC 1951), without a head of zlib.
fn deflated(text: &str) -> Result<Vec<u8>, String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish())
        .map_err(|error| format!("the request can’t be packed: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;
    use crate::saml::Certificate;

    fn request() -> AuthnRequest {
        AuthnRequest {
            id: request_id(&[0xa5; 20]),
            issued_at: 1_795_459_867_123,
            issuer: "https://sp.example/sign-in/saml/1/metadata".to_owned(),
            acs_url: "https://sp.example/sign-in/saml/1/acs".to_owned(),
            destination: "https://idp.example/sso?tenant=a&x=%20y".to_owned(),
            force_authn: false,
        }
    }

    fn unpacked(query: &str) -> String {
        let (_, message) = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "SAMLRequest")
            .unwrap();
        let bytes = STANDARD.decode(message.as_bytes()).unwrap();
        let mut xml = String::new();
        flate2::read::DeflateDecoder::new(bytes.as_slice())
            .read_to_string(&mut xml)
            .unwrap();
        xml
    }

    /// SAML-069.
    #[test]
    fn the_request_says_who_asks_and_where_the_answer_goes() {
        let xml = request().xml();
        for part in [
            r#"ID="_a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5""#,
            r#"IssueInstant="2026-11-23T18:51:07Z""#,
            r#"Destination="https://idp.example/sso?tenant=a&amp;x=%20y""#,
            r#"AssertionConsumerServiceURL="https://sp.example/sign-in/saml/1/acs""#,
            "<saml:Issuer>https://sp.example/sign-in/saml/1/metadata</saml:Issuer>",
        ] {
            assert!(xml.contains(part), "{part}: {xml}");
        }
        assert!(!xml.contains("ForceAuthn"));
        let forced = AuthnRequest {
            force_authn: true,
            ..request()
        };
        assert!(forced.xml().contains(r#" ForceAuthn="true""#));
    }

    /// SAML-068.
    #[test]
    fn markup_in_an_address_stays_text() {
        let hostile = AuthnRequest {
            issuer: "\"><evil a='&".to_owned(),
            ..request()
        };
        assert!(hostile.xml().contains("&quot;&gt;&lt;evil a=&#39;&amp;"));
    }

    #[test]
    fn a_redirect_carries_the_packed_request_after_the_providers_own_query() {
        let address = request().redirect_url("relay/state+1", None).unwrap();
        let url = Url::parse(&address).unwrap();
        let query = url.query().unwrap();
        assert!(query.starts_with("tenant=a&x=%20y&SAMLRequest="), "{query}");
        assert!(query.ends_with("&RelayState=relay%2Fstate%2B1"), "{query}");
        assert_eq!(unpacked(query), request().xml());
        assert!(!query.contains("Signature"));
    }

    /// SAML-069.
    #[test]
    fn a_signed_redirect_is_verified_over_its_own_bytes() {
        let key = SpKey::generate("sp", 1_795_459_867_123).unwrap();
        let address = request().redirect_url("r", Some(&key)).unwrap();
        let query = Url::parse(&address).unwrap().query().unwrap().to_owned();
        let ours = query.split_once("x=%20y&").unwrap().1;
        let (signed, signature) = ours.split_once("&Signature=").unwrap();
        assert!(signed.contains("&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256"));
        let signature = url::form_urlencoded::parse(format!("s={signature}").as_bytes())
            .next()
            .unwrap()
            .1
            .into_owned();
        let spki = Certificate::from_der(key.certificate.clone()).unwrap().spki;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki)
            .verify(signed.as_bytes(), &STANDARD.decode(signature).unwrap())
            .unwrap();
    }

    #[test]
    fn a_signed_form_carries_the_signature_behind_the_issuer() {
        let key = SpKey::generate("sp", 1_795_459_867_123).unwrap();
        let form = request().post_form("r", Some(&key)).unwrap();
        let xml = String::from_utf8(STANDARD.decode(form.saml_request).unwrap()).unwrap();
        let (before, after) = xml.split_once("</saml:Issuer><").unwrap();
        assert!(
            after.starts_with("ds:Signature") || after.starts_with("Signature"),
            "{after}"
        );
        assert!(before.contains(&request().id) && after.contains("rsa-sha256"));
        assert!(
            xml.ends_with("<samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>"),
            "{xml}"
        );
    }

    #[test]
    fn a_form_carries_the_request_as_it_is() {
        let form = request().post_form("r", None).unwrap();
        assert_eq!(
            STANDARD.decode(&form.saml_request).unwrap(),
            request().xml().as_bytes()
        );
        assert_eq!(
            (form.action, form.relay_state),
            (request().destination, "r".to_owned())
        );
    }
}
