//! What we tell a provider about ourselves (SAML Metadata §2.4.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ServiceProvider;
use super::written::escaped;

/// The ways of hiding an assertion that we open, best first.
const ENCRYPTION: [&str; 3] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

/// The names that we like a person to be given, best first (SAML Core §8.3).
const NAMES: [&str; 2] = [
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
];

/// The metadata of a service provider. `published` are the certificates (DER) of the keys that the provider
/// should know by now, the current one first; a retired key opens old messages and is told to nobody.
pub fn service_provider_metadata(
    ours: &ServiceProvider,
    published: &[Vec<u8>],
    signs_requests: bool,
) -> String {
    let keys: String = published.iter().map(|certificate| key(certificate)).collect();
    let names = NAMES
        .map(|name| format!("    <md:NameIDFormat>{name}</md:NameIDFormat>\n"))
        .concat();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{entity_id}">
  <md:SPSSODescriptor AuthnRequestsSigned="{signs_requests}" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
{keys}{names}    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{acs}" index="0" isDefault="true"/>
  </md:SPSSODescriptor>
</md:EntityDescriptor>
"#,
        entity_id = escaped(&ours.entity_id),
        acs = escaped(&ours.acs_url),
    )
}

/// One key, for both of its uses.
fn key(certificate: &[u8]) -> String {
    let info = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        STANDARD.encode(certificate)
    );
    let methods = ENCRYPTION
        .map(|method| format!(r#"<md:EncryptionMethod Algorithm="{method}"/>"#))
        .concat();
    format!(
        "    <md:KeyDescriptor use=\"signing\">{info}</md:KeyDescriptor>\n    \
         <md:KeyDescriptor use=\"encryption\">{info}{methods}</md:KeyDescriptor>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SAML-071.
    #[test]
    fn the_metadata_names_the_address_and_both_keys() {
        let ours = ServiceProvider {
            entity_id: "https://sp.example/sign-in/saml/1/metadata?a&b".to_owned(),
            acs_url: "https://sp.example/sign-in/saml/1/acs".to_owned(),
            keys: Vec::new(),
        };
        let xml = service_provider_metadata(&ours, &[vec![1; 3], vec![2; 3]], true);
        for part in [
            r#"entityID="https://sp.example/sign-in/saml/1/metadata?a&amp;b""#,
            r#"WantAssertionsSigned="true""#,
            r#"AuthnRequestsSigned="true""#,
            r#"Location="https://sp.example/sign-in/saml/1/acs""#,
            "<ds:X509Certificate>AQEB<",
            "<ds:X509Certificate>AgIC<",
            r#"use="signing""#,
            r#"use="encryption""#,
        ] {
            assert!(xml.contains(part), "{part}: {xml}");
        }
        assert!(service_provider_metadata(&ours, &[], false).contains(r#"AuthnRequestsSigned="false""#));
    }
}
