//! An identity provider that costs little: its answers to the product are made of bytes, and its ID tokens are signed
//! with P-256, as real ones may be. What the product makes of them is what it makes of any.

use std::collections::HashMap;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The provider's name of the product.
pub const CLIENT: &str = "vestibule";

struct Provider {
    issuer: String,
    key: EcdsaKeyPair,
}

/// Serves for ever, on this listener.
pub async fn serve(listener: std::net::TcpListener) {
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let provider = std::rc::Rc::new(Provider {
        issuer: format!("http://{address}"),
        key,
    });
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let provider = std::rc::Rc::clone(&provider);
        tokio::task::spawn_local(async move { converse(&provider, stream).await });
    }
}

async fn converse(provider: &Provider, mut stream: TcpStream) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        let text = String::from_utf8(buffer[..head].to_vec()).ok()?;
        let length = super::header(&text, "content-length").map_or(0, |length| length.parse().unwrap());
        while buffer.len() < head + length {
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
        let body = String::from_utf8(buffer[head..head + length].to_vec()).ok()?;
        buffer.drain(..head + length);
        let target = text.split(' ').nth(1)?;
        stream
            .write_all(provider.answer(target, &body).as_bytes())
            .await
            .ok()?;
    }
}

impl Provider {
    fn answer(&self, target: &str, body: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let issuer = &self.issuer;
        match path {
            "/.well-known/openid-configuration" => ok(&json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/jwks"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            })),
            "/jwks" => {
                let point = self.key.public_key().as_ref();
                ok(&json!({"keys": [{
                    "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "k",
                    "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
                }]}))
            }
            "/authorize" => authorize(query),
            "/token" => self.token(body),
            other => panic!("the provider knows no {other}"),
        }
    }

    /// The code names the person and repeats the nonce: nothing is to be kept.
    fn token(&self, body: &str) -> String {
        let code = &fields(body)["code"];
        let (person, nonce) = code.split_once('.').unwrap();
        // Who is called so comes from a domain that nobody has verified.
        let domain = if person.starts_with('x') {
            "other.example"
        } else {
            "acme.example"
        };
        let now = vestibule::store::time::now() / 1_000;
        let claims = json!({
            "iss": self.issuer, "sub": person, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
            "email": format!("{person}@{domain}"), "email_verified": true, "name": format!("Person {person}"),
            "given_name": "Person", "family_name": person, "groups": ["everyone"],
        });
        let header = r#"{"alg":"ES256","kid":"k","typ":"JWT"}"#;
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
        ok(&json!({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token}))
    }
}

/// Sends whoever the browser says it is (a parameter of the bench's) back at once.
fn authorize(query: &str) -> String {
    let asked = fields(query);
    let person = asked.get("person").map_or("p0", String::as_str);
    let back = format!(
        "{}?code={person}.{}&state={}",
        asked["redirect_uri"], asked["nonce"], asked["state"]
    );
    format!("HTTP/1.1 303 See Other\r\nLocation: {back}\r\nContent-Length: 0\r\n\r\n")
}

fn fields(query: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn ok(body: &serde_json::Value) -> String {
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=3600\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
