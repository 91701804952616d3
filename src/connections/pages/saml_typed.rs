//! What was typed about a SAML connection, and what is wrong with it.

use super::desk::Desk;
use crate::access::Role;
use crate::connections::model::{is_slug, suggested_slug};
use crate::connections::saml::actions::Wanted;
use crate::connections::saml::{Proposal, SamlSettings, binding_of, fetch};
use crate::connections::{Connection, Settings};
use crate::outbound::Outbound;
use crate::saml::{AttributeNames, Certificate, check_sign_on_address, read_provider_metadata};
use crate::store::time::Timestamp;
use crate::web::{FieldErrors, Posted};

/// The longest entity id and address, in characters.
const LONGEST: usize = 1_024;
/// The longest name of an attribute, in characters.
const LONGEST_ATTRIBUTE: usize = 200;
/// More certificates than any provider has in use at once.
const MOST: usize = 20;

/// A connection as it is.
pub struct Known {
    pub connection: Connection,
    pub saml: SamlSettings,
    pub certificates: Vec<Certificate>,
}

/// What stands in the form.
#[derive(Clone, Default)]
pub struct Typed {
    pub name: String,
    pub slug: String,
    pub default_role: String,
    pub default_team: String,
    pub domains: Vec<String>,
    pub version: i64,
    /// Where the provider's settings come from: `url`, `metadata`, `hand`, `later`.
    pub how: String,
    pub metadata_url: String,
    pub metadata: String,
    pub entity_id: String,
    pub sso_url: String,
    pub binding: String,
    pub certificates: String,
    /// The fingerprints of the certificates that stay.
    pub keep: Vec<String>,
    pub sign_requests: bool,
    pub idp_initiated: bool,
    pub allow_cbc: bool,
    pub attributes: AttributeNames,
}

/// What it comes to.
pub struct Read {
    pub settings: Settings,
    pub saml: SamlSettings,
    pub certificates: Vec<Certificate>,
}

impl Read {
    /// As the verbs take it.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted {
            settings: &self.settings,
            saml: &self.saml,
            certificates: &self.certificates,
        }
    }
}

impl Typed {
    /// Of whoever looks after the provider alone, the rest stays as it is.
    pub fn of_desk(self, desk: &Desk, known: &Self) -> Self {
        if !desk.frame.guest {
            return self;
        }
        Self {
            name: known.name.clone(),
            slug: known.slug.clone(),
            ..self.but_for_people(known)
        }
    }

    /// Whom the connection lets in and what they get stays as it is.
    pub fn but_for_people(self, known: &Self) -> Self {
        Self {
            default_role: known.default_role.clone(),
            default_team: known.default_team.clone(),
            domains: known.domains.clone(),
            ..self
        }
    }

    /// The fields as they were sent.
    pub fn of(form: &Posted) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        let mut domains = form.all("domain");
        domains.sort();
        domains.dedup();
        Self {
            name: text("name"),
            slug: match form.text("slug") {
                "" => suggested_slug(form.text("name")),
                slug => slug.to_owned(),
            },
            default_role: text("default_role"),
            default_team: text("default_team"),
            domains,
            version: form.version(),
            how: text("how"),
            metadata_url: text("metadata_url"),
            metadata: text("metadata"),
            entity_id: text("entity_id"),
            sso_url: text("sso_url"),
            binding: text("binding"),
            certificates: text("certificates"),
            keep: form.all("keep"),
            sign_requests: form.has("sign_requests"),
            idp_initiated: form.has("idp_initiated"),
            allow_cbc: form.has("allow_cbc"),
            attributes: AttributeNames {
                email: text("attribute_email"),
                given_name: text("attribute_given_name"),
                family_name: text("attribute_family_name"),
                name: text("attribute_name"),
                groups: text("attribute_groups"),
            },
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            name: self.name.clone(),
            slug: self.slug.clone(),
            scopes: String::new(),
            groups_claim: String::new(),
            default_role: Role::parse(&self.default_role).unwrap_or(Role::Owner),
            default_team: Some(self.default_team.clone()).filter(|team| !team.is_empty()),
            ..Settings::default()
        }
    }

    /// The settings without what the provider tells about itself.
    fn options(&self) -> SamlSettings {
        SamlSettings {
            sign_requests: self.sign_requests,
            idp_initiated: self.idp_initiated,
            allow_cbc: self.allow_cbc,
            attributes: self.attributes.clone(),
            ..SamlSettings::default()
        }
    }
}

/// Reads what was typed. A metadata address of a new connection is fetched.
///
/// # Errors
/// What is wrong, field by field.
pub async fn read(
    typed: &Typed,
    outbound: &Outbound,
    known: Option<&Known>,
    now: Timestamp,
) -> Result<Read, FieldErrors> {
    let mut errors = wrong_names(typed);
    let provider = match (known, typed.how.as_str()) {
        (Some(known), _) => by_hand(typed, outbound, &known.certificates, !known.connection.is_on()),
        (None, "hand") => by_hand(typed, outbound, &[], false),
        (None, "later") => Ok((typed.options(), Vec::new())),
        (None, "metadata") => by_file(typed, outbound, now),
        (None, _) => by_address(typed, outbound, now).await,
    };
    match provider {
        Ok((saml, certificates)) => {
            let settings = typed.settings();
            errors.into_result(Read {
                settings,
                saml,
                certificates,
            })
        }
        Err(wrong) => {
            for (field, sentence) in wrong.all() {
                errors.add(field, sentence.clone());
            }
            Err(errors)
        }
    }
}

type Provider = Result<(SamlSettings, Vec<Certificate>), FieldErrors>;

async fn by_address(typed: &Typed, outbound: &Outbound, now: Timestamp) -> Provider {
    let wrong = |sentence| FieldErrors::one("metadata_url", sentence);
    check_metadata_url(&typed.metadata_url, outbound).map_err(wrong)?;
    let told = fetch(outbound, &typed.metadata_url, None, now)
        .await
        .map_err(wrong)?;
    let proposal = Proposal::from(told);
    check_address(&proposal.sso_url, outbound).map_err(wrong)?;
    let saml = SamlSettings {
        metadata_url: typed.metadata_url.clone(),
        ..proposal.applied_to(&typed.options())
    };
    Ok((saml, proposal.certificates))
}

fn by_file(typed: &Typed, outbound: &Outbound, now: Timestamp) -> Provider {
    let wrong = |sentence| FieldErrors::one("metadata", sentence);
    let proposal = Proposal::from(read_provider_metadata(&typed.metadata, None, now).map_err(wrong)?);
    check_address(&proposal.sso_url, outbound).map_err(wrong)?;
    Ok((proposal.applied_to(&typed.options()), proposal.certificates))
}

/// What stands in the fields; while it is a draft, some may be empty.
fn by_hand(typed: &Typed, outbound: &Outbound, known: &[Certificate], may_lack: bool) -> Provider {
    let mut errors = FieldErrors::default();
    let longest = typed.entity_id.chars().count() > LONGEST;
    if longest || (typed.entity_id.is_empty() && !may_lack) {
        errors.add(
            "entity_id",
            "Copy the entity id (issuer) from the provider, exactly as it is written there.",
        );
    }
    if !(typed.sso_url.is_empty() && may_lack)
        && let Err(sentence) = check_address(&typed.sso_url, outbound)
    {
        errors.add("sso_url", sentence);
    }
    let stays = |one: &&Certificate| typed.keep.contains(&one.fingerprint);
    let mut certificates: Vec<Certificate> = known.iter().filter(stays).cloned().collect();
    let may_lack = may_lack || !certificates.is_empty();
    if !(typed.certificates.is_empty() && may_lack) {
        match Certificate::read_all(&typed.certificates) {
            Ok(more) => certificates.extend(more),
            Err(sentence) => errors.add("certificates", sentence),
        }
    }
    if certificates.len() > MOST {
        errors.add(
            "certificates",
            format!("At most {MOST} certificates fit. Take old ones away."),
        );
    }
    if !typed.metadata_url.is_empty()
        && let Err(sentence) = check_metadata_url(&typed.metadata_url, outbound)
    {
        errors.add("metadata_url", sentence);
    }
    let saml = SamlSettings {
        entity_id: typed.entity_id.clone(),
        sso_url: typed.sso_url.clone(),
        binding: binding_of(&typed.binding),
        metadata_url: typed.metadata_url.clone(),
        ..typed.options()
    };
    errors.into_result((saml, certificates))
}

fn wrong_names(typed: &Typed) -> FieldErrors {
    let mut errors = FieldErrors::default();
    if !(1..=100).contains(&typed.name.chars().count()) {
        errors.add("name", "Write a name of 1 to 100 characters.");
    }
    // Without a name there is nothing to make it from, and the name's own error says so.
    let has_neither = typed.slug.is_empty() && typed.name.is_empty();
    if !is_slug(&typed.slug) && !has_neither {
        errors.add(
            "slug",
            "Use 1 to 40 lower-case letters, digits and hyphens, such as okta.",
        );
    }
    if typed.settings().default_role == Role::Owner {
        errors.add(
            "default_role",
            "Choose member or admin. No connection makes owners.",
        );
    }
    let names = &typed.attributes;
    for (field, name) in [
        ("attribute_email", &names.email),
        ("attribute_given_name", &names.given_name),
        ("attribute_family_name", &names.family_name),
        ("attribute_name", &names.name),
        ("attribute_groups", &names.groups),
    ] {
        if name.chars().count() > LONGEST_ATTRIBUTE {
            errors.add(field, format!("Write at most {LONGEST_ATTRIBUTE} characters."));
        }
    }
    errors
}

/// Browsers go there, not we; but nobody is sent over an open line except where the operator allowed it.
fn check_address(text: &str, outbound: &Outbound) -> Result<(), String> {
    let url = check_sign_on_address(text)?;
    if url.scheme() == "http" {
        outbound.check_url(&url).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn check_metadata_url(text: &str, outbound: &Outbound) -> Result<(), String> {
    if text.chars().count() > LONGEST {
        return Err(format!("An address has at most {LONGEST} characters."));
    }
    let url = url::Url::parse(text).ok().filter(url::Url::has_host);
    let url =
        url.ok_or("Copy the metadata address from the provider, such as https://idp.example/metadata.")?;
    outbound.check_url(&url).map_err(|error| error.to_string())
}
