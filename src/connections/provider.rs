//! What a connection knows of its provider, apart from its name and its people: the part that is drafted, tested and
//! swapped. Our own keys are not in it: they stay.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::model::{Connection, Protocol, Settings};
use super::saml::{Difference, SamlSettings, binding_of, binding_title, certificate_differences};
use crate::saml::{AttributeNames, Certificate};
use crate::store::id;

/// The provider's settings of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderSettings {
    /// Of a provider that speaks OpenID Connect.
    Oidc(OidcSettings),
    /// Of a provider that speaks SAML, with its signing certificates.
    Saml(SamlSettings, Vec<Certificate>),
}

/// The provider's settings of an OIDC connection.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OidcSettings {
    /// The issuer, exactly as the provider writes it.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// Our secret at the provider, sealed for [`super::secret_place`]; empty for a public client.
    pub client_secret_sealed: String,
    /// What is asked for, separated by spaces.
    pub scopes: String,
    /// The claim that holds the groups; empty where none is read.
    pub groups_claim: String,
}

/// Without the secret, sealed as it is.
impl std::fmt::Debug for OidcSettings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OidcSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl From<&Connection> for OidcSettings {
    fn from(connection: &Connection) -> Self {
        Self {
            issuer: connection.issuer.clone(),
            client_id: connection.client_id.clone(),
            client_secret_sealed: connection.client_secret_sealed.clone(),
            scopes: connection.scopes.clone(),
            groups_claim: connection.groups_claim.clone(),
        }
    }
}

impl OidcSettings {
    /// What was typed, with this secret.
    pub fn typed(settings: &Settings, client_secret_sealed: String) -> Self {
        Self {
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            client_secret_sealed,
            scopes: settings.scopes.clone(),
            groups_claim: settings.groups_claim.clone(),
        }
    }
}

impl ProviderSettings {
    /// As the database keeps them, without the secret.
    pub(super) fn written(&self) -> String {
        let mut all = self.told();
        if let (Self::Saml(_, certificates), Value::Object(fields)) = (self, &mut all) {
            let ders: Vec<String> = certificates.iter().map(Certificate::base64).collect();
            fields.insert("certificates".to_owned(), json!(ders));
        }
        all.to_string()
    }

    /// Reads them back; none where that is not what was written.
    pub(super) fn parse(protocol: Protocol, text: &str, client_secret_sealed: String) -> Option<Self> {
        let kept: Value = serde_json::from_str(text).ok()?;
        match protocol {
            Protocol::Oidc => oidc(&kept, client_secret_sealed).map(Self::Oidc),
            Protocol::Saml => saml(&kept),
        }
    }

    /// The sealed secret; empty where there is none.
    pub(super) fn secret(&self) -> &str {
        match self {
            Self::Oidc(oidc) => &oidc.client_secret_sealed,
            Self::Saml(..) => "",
        }
    }

    /// What tells these settings from others, the secret included.
    pub fn print(&self) -> String {
        id::hash_token(&format!("{}\n{}", self.written(), self.secret()))
    }

    /// Whether nothing differs, in whatever order certificates stand.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.differences(other).is_empty()
    }

    /// What the audit log keeps: everything but the secret.
    pub(super) fn told(&self) -> Value {
        match self {
            Self::Oidc(oidc) => json!({
                "issuer": oidc.issuer, "client_id": oidc.client_id, "scopes": oidc.scopes,
                "groups_claim": oidc.groups_claim,
            }),
            Self::Saml(settings, certificates) => settings.told(certificates),
        }
    }

    /// What is missing before anybody can sign in; nothing, if the answer is `None`.
    pub fn missing(&self) -> Option<&'static str> {
        match self {
            Self::Oidc(oidc) if oidc.issuer.is_empty() => Some("The provider’s issuer is missing."),
            Self::Oidc(oidc) if oidc.client_id.is_empty() => Some("The client id is missing."),
            Self::Oidc(_) => None,
            Self::Saml(settings, certificates) => settings.missing(certificates),
        }
    }

    /// The provider's own name: what the subjects of its people belong to.
    pub fn issuer(&self) -> &str {
        match self {
            Self::Oidc(oidc) => &oidc.issuer,
            Self::Saml(settings, _) => &settings.entity_id,
        }
    }

    /// The connection as it would be with these settings.
    #[must_use]
    pub fn over(&self, connection: &Connection) -> Connection {
        match self.clone() {
            Self::Oidc(oidc) => Connection {
                issuer: oidc.issuer,
                client_id: oidc.client_id,
                client_secret_sealed: oidc.client_secret_sealed,
                scopes: oidc.scopes,
                groups_claim: oidc.groups_claim,
                ..connection.clone()
            },
            Self::Saml(..) => connection.clone(),
        }
    }

    /// What differs if these become `after`. A secret shows only as changed.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let mut found: Vec<Difference> = self
            .texts()
            .into_iter()
            .zip(after.texts())
            .filter(|((_, before), (_, after))| before != after)
            .map(|((what, before), (_, after))| Difference { what, before, after })
            .collect();
        if self.secret() != after.secret() {
            found.push(Difference {
                what: "Client secret",
                before: kept(self.secret()),
                after: newly_kept(after.secret()),
            });
        }
        if let (Self::Saml(_, before), Self::Saml(_, after)) = (self, after) {
            found.extend(certificate_differences(before, after));
        }
        found
    }

    fn texts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Oidc(oidc) => [
                ("Issuer", &oidc.issuer),
                ("Client id", &oidc.client_id),
                ("Scopes", &oidc.scopes),
                ("Groups claim", &oidc.groups_claim),
            ]
            .map(|(what, text)| (what, text.clone()))
            .to_vec(),
            Self::Saml(settings, _) => saml_texts(settings),
        }
    }
}

fn kept(secret: &str) -> String {
    if secret.is_empty() { "" } else { "kept sealed" }.to_owned()
}

fn newly_kept(secret: &str) -> String {
    if secret.is_empty() {
        ""
    } else {
        "another one, kept sealed"
    }
    .to_owned()
}

fn saml_texts(settings: &SamlSettings) -> Vec<(&'static str, String)> {
    let names = &settings.attributes;
    let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
    vec![
        ("Entity id", settings.entity_id.clone()),
        ("Sign-on address", settings.sso_url.clone()),
        ("Binding", binding_title(settings.binding).to_owned()),
        ("Metadata address", settings.metadata_url.clone()),
        ("Requests are signed", yes(settings.sign_requests)),
        ("Sign-ins may begin at the provider", yes(settings.idp_initiated)),
        ("AES-CBC is opened", yes(settings.allow_cbc)),
        ("Attribute of the e-mail", names.email.clone()),
        ("Attribute of the given name", names.given_name.clone()),
        ("Attribute of the family name", names.family_name.clone()),
        ("Attribute of the whole name", names.name.clone()),
        ("Attribute of the groups", names.groups.clone()),
    ]
}

fn text(kept: &Value, name: &str) -> Option<String> {
    kept.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn oidc(kept: &Value, client_secret_sealed: String) -> Option<OidcSettings> {
    Some(OidcSettings {
        issuer: text(kept, "issuer")?,
        client_id: text(kept, "client_id")?,
        scopes: text(kept, "scopes")?,
        groups_claim: text(kept, "groups_claim")?,
        client_secret_sealed,
    })
}

fn saml(kept: &Value) -> Option<ProviderSettings> {
    let is = |name: &str| kept.get(name).and_then(Value::as_bool);
    let names = kept.get("attributes")?;
    let settings = SamlSettings {
        entity_id: text(kept, "entity_id")?,
        sso_url: text(kept, "sso_url")?,
        binding: binding_of(&text(kept, "sso_binding")?),
        sign_requests: is("sign_requests")?,
        idp_initiated: is("idp_initiated")?,
        allow_cbc: is("allow_cbc")?,
        attributes: AttributeNames {
            email: text(names, "email")?,
            given_name: text(names, "given_name")?,
            family_name: text(names, "family_name")?,
            name: text(names, "name")?,
            groups: text(names, "groups")?,
        },
        metadata_url: text(kept, "metadata_url")?,
    };
    let ders = kept.get("certificates")?.as_array()?.iter();
    let certificates = ders.map(|der| Certificate::from_der(STANDARD.decode(der.as_str()?).ok()?).ok());
    Some(ProviderSettings::Saml(
        settings,
        certificates.collect::<Option<_>>()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::{Binding, SpKey};

    const NOW: i64 = 1_795_459_867_123;

    fn certificate() -> Certificate {
        Certificate::from_der(SpKey::generate("idp", NOW).unwrap().certificate).unwrap()
    }

    fn oidc(issuer: &str, secret: &str) -> ProviderSettings {
        ProviderSettings::Oidc(OidcSettings {
            issuer: issuer.to_owned(),
            client_id: "door".to_owned(),
            client_secret_sealed: secret.to_owned(),
            scopes: "openid".to_owned(),
            groups_claim: "groups".to_owned(),
        })
    }

    fn saml(certificates: Vec<Certificate>) -> ProviderSettings {
        let settings = SamlSettings {
            entity_id: "idp".to_owned(),
            sso_url: "https://idp.example/sso".to_owned(),
            binding: Binding::Post,
            idp_initiated: true,
            attributes: AttributeNames {
                groups: "memberOf".to_owned(),
                ..AttributeNames::default()
            },
            ..SamlSettings::default()
        };
        ProviderSettings::Saml(settings, certificates)
    }

    #[test]
    fn settings_are_read_back_as_they_were() {
        let one = oidc("https://idp.example", "sealed");
        let back = ProviderSettings::parse(Protocol::Oidc, &one.written(), "sealed".to_owned());
        assert_eq!(back.as_ref().map(ProviderSettings::print), Some(one.print()));
        assert_eq!(back, Some(one));
        let other = saml(vec![certificate(), certificate()]);
        assert_eq!(
            ProviderSettings::parse(Protocol::Saml, &other.written(), String::new()),
            Some(other)
        );
        assert_eq!(ProviderSettings::parse(Protocol::Saml, "{}", String::new()), None);
    }

    #[test]
    fn another_secret_is_another_print_and_shows_nowhere() {
        let (one, other) = (oidc("i", "sealed-1"), oidc("i", "sealed-2"));
        assert_ne!(one.print(), other.print());
        let found = one.differences(&other);
        assert_eq!(found.len(), 1);
        assert!(!format!("{found:?} {one:?} {}", one.told()).contains("sealed-"));
    }

    #[test]
    fn differences_name_what_would_change() {
        let (old, new) = (certificate(), certificate());
        let whats = |before: &ProviderSettings, after: &ProviderSettings| {
            let found = before.differences(after);
            found.iter().map(|one| one.what).collect::<Vec<_>>()
        };
        let before = saml(vec![old]);
        assert_eq!(whats(&before, &before), Vec::<&str>::new());
        assert_eq!(
            whats(&before, &saml(vec![new])),
            ["Certificate, no longer trusted", "Certificate, newly trusted"]
        );
        assert_eq!(whats(&oidc("a", "s"), &oidc("b", "s")), ["Issuer"]);
    }
}
