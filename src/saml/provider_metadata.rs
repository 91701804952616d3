//! What a provider tells about itself (SAML Metadata §2.4.3). It sets a connection up; after that, nothing in
//! it counts before a person has confirmed it.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::Certificate;
use super::names::{DS, SAMLP};
use super::xml::{self, Element};

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// The largest text that is read, in bytes.
const LARGEST: usize = 1024 * 1024;
/// The longest entity id (SAML Core §8.3.6) and address, in characters.
const LONGEST: usize = 1_024;

/// How a request goes to the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Binding {
    /// In the query of a redirect (SAML Bindings §3.4).
    #[default]
    Redirect,
    /// In a form that posts itself (§3.5).
    Post,
}

/// A provider as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// Its entity id.
    pub entity_id: String,
    /// Its sign-on address for the binding.
    pub sso_url: String,
    /// HTTP-Redirect where it has that, else HTTP-POST.
    pub sso_binding: Binding,
    /// Its signing certificates; never none.
    pub certificates: Vec<Certificate>,
    /// Whether it refuses requests that are not signed.
    pub wants_signed_requests: bool,
    /// Until when this holds, in Unix milliseconds.
    pub valid_until: Option<i64>,
}

type Found<'e, 'a> = Vec<(&'e Element<'a>, Option<i64>)>;

/// Reads the metadata of an identity provider. Of several in one file it takes the one that is called
/// `wanted`. `now` is in Unix milliseconds.
///
/// # Errors
/// A sentence for the person who fetched or pasted it.
pub fn read_provider_metadata(xml: &str, wanted: Option<&str>, now: i64) -> Result<ProviderMetadata, String> {
    let xml = xml.trim_start_matches('\u{feff}').trim();
    if xml.is_empty() {
        return Err("There is no metadata: the text is empty.".to_owned());
    }
    if xml.len() > LARGEST {
        return Err(
            "The metadata is larger than 1 MB. Use the file of this one provider, not of a federation."
                .to_owned(),
        );
    }
    if !xml.starts_with('<') {
        return Err(
            "This is no XML. Use the provider’s SAML metadata, a file that begins with “<”.".to_owned(),
        );
    }
    let root = xml::parse(xml).map_err(|why| format!("The metadata is not read. {why}"))?;
    read_root(&root, wanted, now)
}

fn read_root(root: &Element<'_>, wanted: Option<&str>, now: i64) -> Result<ProviderMetadata, String> {
    let mut found = Vec::new();
    gather(root, None, &mut found)?;
    if found.is_empty() {
        return Err(format!(
            "This is no SAML metadata: it begins with “{}”. {}",
            root.local.chars().take(60).collect::<String>(),
            "Look for “federation metadata” or “SAML metadata” at the provider."
        ));
    }
    let (entity, until) = chosen(&found, wanted)?;
    read_entity(entity, until, now)
}

/// The descriptors of a file with the moment until which what holds them is valid.
fn gather<'e, 'a>(
    element: &'e Element<'a>,
    until: Option<i64>,
    found: &mut Found<'e, 'a>,
) -> Result<(), String> {
    let until = earlier(until, valid_until(element)?);
    if element.is(METADATA, "EntityDescriptor") {
        found.push((element, until));
    } else if element.is(METADATA, "EntitiesDescriptor") {
        for child in element.elements() {
            gather(child, until, found)?;
        }
    }
    Ok(())
}

/// The one that is wanted, or the only identity provider.
fn chosen<'e, 'a>(
    found: &[(&'e Element<'a>, Option<i64>)],
    wanted: Option<&str>,
) -> Result<(&'e Element<'a>, Option<i64>), String> {
    if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) {
        let named = found
            .iter()
            .find(|(entity, _)| entity.attribute("entityID") == Some(wanted));
        return named.copied().ok_or_else(|| {
            let others: Vec<&str> = found.iter().filter_map(|(entity, _)| entity.attribute("entityID")).collect();
            let others: String = others.join("”, “").chars().take(300).collect();
            format!(
                "This is the metadata of another provider: it describes “{others}”, and this connection knows its \
                 provider as “{wanted}”."
            )
        });
    }
    let providers: Vec<_> = found
        .iter()
        .filter(|(entity, _)| role(entity).is_some())
        .collect();
    match (providers.as_slice(), found) {
        ([one], _) => Ok(**one),
        ([], [one]) => Ok(*one),
        ([], _) => Err("None of the services in this file is an identity provider.".to_owned()),
        (several, _) => Err(format!(
            "This file describes {} identity providers. Use the metadata of the one that is meant.",
            several.len()
        )),
    }
}

fn read_entity(entity: &Element<'_>, until: Option<i64>, now: i64) -> Result<ProviderMetadata, String> {
    let entity_id = entity.attribute("entityID").unwrap_or_default().trim();
    if entity_id.is_empty() || entity_id.chars().count() > LONGEST {
        return Err("The metadata does not name its provider: it has no entityID.".to_owned());
    }
    let role = role(entity).ok_or_else(|| {
        if entity.named(METADATA, "SPSSODescriptor").next().is_some() {
            "This is the metadata of a service provider, perhaps our own. Use the identity provider’s."
                .to_owned()
        } else {
            format!("“{entity_id}” is no identity provider that speaks SAML 2.0.")
        }
    })?;
    let until = earlier(until, valid_until(role)?);
    if until.is_some_and(|until| until <= now) {
        return Err("The metadata has expired (validUntil). Get a fresh copy from the provider.".to_owned());
    }
    let (sso_url, sso_binding) = sign_on(role)?;
    Ok(ProviderMetadata {
        entity_id: entity_id.to_owned(),
        sso_url,
        sso_binding,
        certificates: certificates(role)?,
        wants_signed_requests: matches!(role.attribute("WantAuthnRequestsSigned"), Some("true" | "1")),
        valid_until: until,
    })
}

/// The part that describes an identity provider of SAML 2.0.
fn role<'e, 'a>(entity: &'e Element<'a>) -> Option<&'e Element<'a>> {
    entity.named(METADATA, "IDPSSODescriptor").find(|role| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_whitespace().any(|protocol| protocol == SAMLP)
    })
}

/// Where requests go: by HTTP-Redirect if it can be, because then a person sees no form.
fn sign_on(role: &Element<'_>) -> Result<(String, Binding), String> {
    let at = |name: &str| {
        role.named(METADATA, "SingleSignOnService")
            .find(|service| service.attribute("Binding") == Some(name))
            .and_then(|service| service.attribute("Location"))
    };
    let redirect = at("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect");
    let post = at("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
    let (location, binding) = match (redirect, post) {
        (Some(location), _) => (location, Binding::Redirect),
        (None, Some(location)) => (location, Binding::Post),
        (None, None) => {
            return Err(
                "The metadata names no sign-on address for HTTP-Redirect or HTTP-POST (SingleSignOnService)."
                    .to_owned(),
            );
        }
    };
    check_sign_on_address(location.trim())?;
    Ok((location.trim().to_owned(), binding))
}

/// Whether people can be sent to this address: an absolute one by `https` or `http`, without password and
/// fragment.
///
/// # Errors
/// A sentence.
pub fn check_sign_on_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(Url::has_host);
    let url = url
        .ok_or("The sign-on address is none. Copy it from the provider, such as https://idp.example/sso.")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("The sign-on address has to begin with https://.".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(
            "The sign-on address holds a password or a #. Copy it exactly from the provider.".to_owned(),
        );
    }
    if text.chars().count() > LONGEST {
        return Err(format!("A sign-on address has at most {LONGEST} characters."));
    }
    Ok(url)
}

/// The certificates of the keys that may sign: those without a use sign too. One that can't be read is left
/// out while another can.
fn certificates(role: &Element<'_>) -> Result<Vec<Certificate>, String> {
    let mut found: Vec<Certificate> = Vec::new();
    let mut wrong = None;
    let signing = role
        .named(METADATA, "KeyDescriptor")
        .filter(|key| matches!(key.attribute("use"), None | Some("signing")));
    for text in signing.flat_map(certificate_texts) {
        match Certificate::read_all(&text) {
            Ok(read) => found.extend(read),
            Err(sentence) => wrong = wrong.or(Some(sentence)),
        }
    }
    found.dedup_by(|one, other| one.der == other.der);
    match (found.is_empty(), wrong) {
        (false, _) => Ok(found),
        (true, Some(sentence)) => Err(format!(
            "The signing certificate in the metadata can’t be used. {sentence}"
        )),
        (true, None) => {
            Err("The metadata holds no signing certificate (KeyDescriptor with X509Certificate).".to_owned())
        }
    }
}

/// Of each chain the first, which holds the key (XML Signature §4.5.4).
fn certificate_texts(key: &Element<'_>) -> Vec<String> {
    key.named(DS, "KeyInfo")
        .flat_map(|info| info.named(DS, "X509Data"))
        .filter_map(|chain| chain.named(DS, "X509Certificate").next()?.text())
        .collect()
}

fn valid_until(element: &Element<'_>) -> Result<Option<i64>, String> {
    let Some(text) = element.attribute("validUntil") else {
        return Ok(None);
    };
    let text = text.trim();
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339))
        .map_err(|error| format!("The metadata’s validUntil is no time ({error})."))?;
    Ok(Some(moment.unix_timestamp().saturating_mul(1_000)))
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::SpKey;

    const NOW: i64 = 1_795_459_867_123;

    fn certificate() -> String {
        Certificate::from_der(SpKey::generate("idp", NOW).unwrap().certificate)
            .unwrap()
            .base64()
    }

    fn key(using: &str, certificate: &str) -> String {
        format!(
            "<KeyDescriptor{using}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n {certificate}\n</ds:X509Certificate>\
             </ds:X509Data></ds:KeyInfo></KeyDescriptor>"
        )
    }

    fn service(binding: &str) -> String {
        format!(
            "<SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{binding}\" \
             Location=\"https://idp.example/{binding}?a=1&amp;b\"/>"
        )
    }

    fn entity(id: &str, more: &str, inner: &str) -> String {
        format!(
            "<EntityDescriptor xmlns=\"{METADATA}\" xmlns:ds=\"{DS}\" entityID=\"{id}\"{more}>\
             <IDPSSODescriptor protocolSupportEnumeration=\"urn:x {SAMLP}\" WantAuthnRequestsSigned=\"true\">\
             {inner}</IDPSSODescriptor></EntityDescriptor>"
        )
    }

    fn usual(id: &str, more: &str) -> String {
        entity(
            id,
            more,
            &format!("{}{}", key("", &certificate()), service("Redirect")),
        )
    }

    fn read(xml: &str) -> Result<ProviderMetadata, String> {
        read_provider_metadata(xml, None, NOW)
    }

    /// SAML-060.
    #[test]
    fn every_signing_key_counts_and_the_redirect_comes_first() {
        let (old, new, hidden) = (certificate(), certificate(), certificate());
        let inner = [
            key(" use=\"signing\"", &old),
            key(" use=\"encryption\"", &hidden),
            key("", &new),
            service("POST"),
            service("Redirect"),
        ]
        .concat();
        let xml = format!(
            "<?xml version=\"1.0\"?>\n<!-- idp -->{}",
            entity("https://idp.example", "", &inner)
        );
        let found = read(&xml).unwrap();
        assert_eq!(
            (found.entity_id.as_str(), found.sso_binding),
            ("https://idp.example", Binding::Redirect)
        );
        assert_eq!(found.sso_url, "https://idp.example/Redirect?a=1&b");
        let keys: Vec<String> = found.certificates.iter().map(Certificate::base64).collect();
        assert_eq!(keys, [old, new]);
        assert!(found.wants_signed_requests && found.valid_until.is_none());
        let post = entity(
            "a",
            "",
            &format!("{}{}", key("", &certificate()), service("POST")),
        );
        assert_eq!(read(&post).unwrap().sso_binding, Binding::Post);
    }

    /// SAML-060.
    #[test]
    fn what_has_expired_is_refused() {
        let until = |text: &str| usual("a", &format!(" validUntil=\"{text}\""));
        assert!(
            read(&until("2026-11-23T18:51:07Z"))
                .unwrap_err()
                .contains("expired")
        );
        assert_eq!(
            read(&until("2026-11-24T00:00:00.5Z")).unwrap().valid_until,
            Some(1_795_478_400_000)
        );
        assert!(read(&until("2026-11-24T00:00:00")).is_ok());
        assert!(read(&until("soon")).unwrap_err().contains("validUntil"));
        let several = format!(
            "<EntitiesDescriptor xmlns=\"{METADATA}\" validUntil=\"2020-01-01T00:00:00Z\">{}</EntitiesDescriptor>",
            usual("a", "")
        );
        assert!(read(&several).unwrap_err().contains("expired"));
    }

    /// UPL-008.
    #[test]
    fn a_file_of_several_is_read_for_the_one_that_is_meant() {
        let file =
            |inner: &str| format!("<EntitiesDescriptor xmlns=\"{METADATA}\">{inner}</EntitiesDescriptor>");
        let service_provider = format!(
            "<EntityDescriptor xmlns=\"{METADATA}\" entityID=\"sp\"><SPSSODescriptor/></EntityDescriptor>"
        );
        let one = file(&format!("{service_provider}{}", file(&usual("a", ""))));
        assert_eq!(read(&one).unwrap().entity_id, "a");
        let two = file(&[usual("a", ""), usual("b", "")].concat());
        assert!(read(&two).unwrap_err().contains("2 identity providers"));
        assert_eq!(
            read_provider_metadata(&two, Some("b"), NOW).unwrap().entity_id,
            "b"
        );
        let other = read_provider_metadata(&two, Some("c"), NOW).unwrap_err();
        assert!(other.contains("“a”, “b”") && other.contains("“c”"), "{other}");
        assert!(read(&service_provider).unwrap_err().contains("service provider"));
    }

    /// SAML-061, UPL-008.
    #[test]
    fn what_is_no_metadata_is_said_plainly() {
        let good = usual("a", "");
        let bad_key = entity("a", "", &format!("{}{}", key("", "AAAA"), service("Redirect")));
        let table = [
            ("", "empty"),
            ("{}", "no XML"),
            ("<html></html>", "“html”"),
            ("<a><b></a>", "not read"),
            (&format!("<!DOCTYPE a [<!ENTITY x \"y\">]>{good}"), "DOCTYPE"),
            (&"<".repeat(LARGEST + 1), "1 MB"),
            (&good.replace("entityID=\"a\"", "entityID=\"\""), "entityID"),
            (
                &good.replace(SAMLP, "urn:oasis:names:tc:SAML:1.1:protocol"),
                "SAML 2.0",
            ),
            (&good.replace("SingleSignOnService", "Other"), "sign-on address"),
            (&good.replace("https://idp", "javascript://idp"), "https://"),
            (&good.replace("KeyDescriptor", "Other"), "no signing certificate"),
            (
                &good.replace("<KeyDescriptor>", "<KeyDescriptor use=\"encryption\">"),
                "no signing certificate",
            ),
            (&bad_key, "can’t be used"),
        ];
        for (xml, expected) in table {
            let sentence = read(xml).unwrap_err();
            assert!(sentence.contains(expected), "{expected}: {sentence}");
        }
    }

    /// SAML-035, UPL-008.
    #[test]
    fn deep_or_wide_metadata_is_no_panic() {
        let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        assert!(read(&deep).is_err());
        let many: Vec<String> = (0..50_000).map(|at| format!(" a{at}=\"\"")).collect();
        let wide = format!("<a{}/>", many.concat());
        assert!(read(&wide).is_err());
    }
}
