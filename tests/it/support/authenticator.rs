//! An authenticator in software (`WebAuthn` Level 3): makes passkeys by ES256, signs what it is asked, and does it wrong
//! where a test wants that.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule::store::id;

/// The user is present and was verified.
const PRESENT_AND_VERIFIED: u8 = 0b0000_0101;

/// A device with one passkey.
pub struct Authenticator {
    key: EcdsaKeyPair,
    credential: Vec<u8>,
    user: Vec<u8>,
    /// Where it believes to be.
    pub origin: String,
    /// The name of the host that its passkey is for.
    pub host: String,
    /// What its counter says next.
    pub counter: u32,
    /// The flags of its answers.
    pub flags: u8,
    /// Whether the page was inside another site's.
    pub cross_origin: bool,
}

impl Authenticator {
    /// A new one, at this address.
    pub fn at(origin: &str) -> Self {
        let host = url::Url::parse(origin).unwrap().host_str().unwrap().to_owned();
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential: id::random_bytes::<32>().to_vec(),
            user: Vec::new(),
            origin: origin.to_owned(),
            host,
            counter: 1,
            flags: PRESENT_AND_VERIFIED,
            cross_origin: false,
        }
    }

    /// The answer to a question to make a passkey.
    pub fn make(&mut self, options: &Value) -> String {
        let asked = &options["publicKey"];
        self.user = URL_SAFE_NO_PAD
            .decode(asked["user"]["id"].as_str().unwrap())
            .unwrap();
        let client = self.client_data("webauthn.create", asked);
        let mut data = self.authenticator_data(self.flags | 0b0100_0000);
        self.counter += 1;
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend(&self.credential);
        data.extend(self.public_key());
        let mut attestation = vec![0xa3];
        attestation.extend(text("fmt"));
        attestation.extend(text("none"));
        attestation.extend(text("attStmt"));
        attestation.push(0xa0);
        attestation.extend(text("authData"));
        attestation.extend(bytes(&data));
        self.credential(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "attestationObject": URL_SAFE_NO_PAD.encode(attestation),
        }))
    }

    /// The answer to a question to sign.
    pub fn sign(&mut self, options: &Value) -> String {
        let client = self.client_data("webauthn.get", &options["publicKey"]);
        let data = self.authenticator_data(self.flags);
        self.counter += 1;
        let mut signed = data.clone();
        signed.extend(digest(&SHA256, client.as_bytes()).as_ref());
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.credential(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "userHandle": URL_SAFE_NO_PAD.encode(&self.user),
        }))
    }

    fn credential(&self, response: &Value) -> String {
        let id = URL_SAFE_NO_PAD.encode(&self.credential);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response, "extensions": {}})
            .to_string()
    }

    fn client_data(&self, kind: &str, asked: &Value) -> String {
        json!({
            "type": kind,
            "challenge": asked["challenge"],
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        })
        .to_string()
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.host.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The public key as COSE has it (RFC 9053 §7.1.1).
    fn public_key(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21];
        key.extend(bytes(&point[1..33]));
        key.push(0x22);
        key.extend(bytes(&point[33..65]));
        key
    }
}

/// A text of CBOR (RFC 8949), shorter than 24 bytes.
fn text(text: &str) -> Vec<u8> {
    let mut all = vec![0x60 + u8::try_from(text.len()).unwrap()];
    all.extend(text.bytes());
    all
}

/// Bytes of CBOR, shorter than 64 KiB.
fn bytes(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let mut all = match u8::try_from(length) {
        Ok(short) => vec![0x58, short],
        Err(_) => vec![0x59, length.to_be_bytes()[0], length.to_be_bytes()[1]],
    };
    all.extend(content);
    all
}
