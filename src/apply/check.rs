//! Is each value of the file fit for what it says? All that can be judged without the database.

mod saml;

use std::collections::BTreeMap;

use toml::Spanned;

use super::form::{
    ConnectionForm, DomainForm, Form, InvitationForm, MappingForm, OrganizationForm, OwnerForm,
};
use super::model::{
    Connection, Description, Domain, Fault, Invitation, Mapping, Organization, Owner, Place, Said, Saml,
    Secret,
};
use super::secrets::Outside;
use crate::access::{DomainName, EmailAddress, Role};
use crate::connections::{Protocol, State};
use crate::{accounts, orgs};

/// The longest text that a column takes, in characters.
const LONGEST: usize = 500;

/// Judges the whole form.
///
/// # Errors
/// Every mistake in it, from the top.
pub fn check(text: &str, form: Form, outside: &Outside<'_>) -> Result<Description, Vec<Fault>> {
    let mut reader = Reader {
        text,
        outside,
        faults: Vec::new(),
    };
    let organizations: Vec<Organization> = form
        .organization
        .into_iter()
        .map(|form| reader.organization(form))
        .collect();
    reader.no_slug_twice(organizations.iter().map(|organization| &organization.slug));
    reader.one_password_each(&organizations);
    if reader.faults.is_empty() {
        return Ok(Description { organizations });
    }
    reader.faults.sort_by_key(|fault| fault.place.line);
    Err(reader.faults)
}

/// Reads one value after the other and notes what is wrong. What it answers `None` for is noted.
struct Reader<'a> {
    text: &'a str,
    outside: &'a Outside<'a>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn organization(&mut self, form: OrganizationForm) -> Organization {
        self.settings(&form);
        let slug = self.slug(&form.slug, "organization.slug");
        let said = Organization {
            name: form.name.into_inner().trim().to_owned(),
            contact: form.contact.map(|contact| contact.into_inner().trim().to_owned()),
            seats: form.seats.map(Spanned::into_inner),
            invitation_days: form.invitation_days.map(Spanned::into_inner),
            guests: form.guests,
            group_convention: form.group_convention,
            teams: form
                .teams
                .iter()
                .map(|team| self.said(team, "organization.teams"))
                .collect(),
            owners: form.owner.iter().filter_map(|owner| self.owner(owner)).collect(),
            domains: form
                .domain
                .into_iter()
                .filter_map(|domain| self.domain(&domain))
                .collect(),
            connections: form
                .connection
                .into_iter()
                .filter_map(|one| self.connection(one))
                .collect(),
            invitations: form
                .invitation
                .into_iter()
                .filter_map(|one| self.invitation(&one))
                .collect(),
            slug,
        };
        self.no_slug_twice(said.connections.iter().map(|connection| &connection.slug));
        said
    }

    /// The rules of the settings page.
    fn settings(&mut self, form: &OrganizationForm) {
        let defaults = orgs::Settings::named(form.name.get_ref().trim());
        let settings = orgs::Settings {
            contact: form
                .contact
                .as_ref()
                .map_or("", |contact| contact.get_ref())
                .to_owned(),
            seats: form.seats.as_ref().map(|seats| *seats.get_ref()),
            invitation_days: form
                .invitation_days
                .as_ref()
                .map_or(defaults.invitation_days, |days| *days.get_ref()),
            ..defaults
        };
        let offset = |field: &str| match field {
            "contact" => form.contact.as_ref().map(start),
            "seats" => form.seats.as_ref().map(start),
            "invitation_days" => form.invitation_days.as_ref().map(start),
            _ => Some(start(&form.name)),
        };
        for (field, sentence) in settings.check().all() {
            let place = Place::at(
                self.text,
                offset(field).unwrap_or_default(),
                &format!("organization.{field}"),
            );
            self.note(place, sentence);
        }
    }

    fn owner(&mut self, form: &OwnerForm) -> Option<Owner> {
        let field = "organization.owner.password";
        let password = self.secret(form.password_env.as_ref(), form.password_file.as_ref(), field);
        let email = self.email(&form.email, "organization.owner.email")?;
        if let Some(password) = &password
            && let Err(sentence) = accounts::check_policy(&password.value.0, email.value.as_str())
        {
            self.note(password.place.clone(), &sentence);
        }
        let name = form
            .name
            .as_ref()
            .map(|name| self.short(name, "organization.owner.name"));
        Some(Owner {
            email,
            name: name.unwrap_or_default(),
            password: password.map(|said| said.value),
        })
    }

    fn domain(&mut self, form: &DomainForm) -> Option<Domain> {
        let name = self.domain_name(&form.name, "organization.domain.name")?;
        Some(Domain {
            name,
            vouched: form.vouched,
        })
    }

    fn connection(&mut self, form: ConnectionForm) -> Option<Connection> {
        let protocol = self.protocol(&form)?;
        let slug = self.slug(&form.slug, "organization.connection.slug");
        let provider = self.provider(&form, protocol, &slug);
        let field = "organization.connection.client_secret";
        let secret = self.secret(
            form.client_secret_env.as_ref(),
            form.client_secret_file.as_ref(),
            field,
        );
        let (issuer, client_id, saml) = provider?;
        let optional = |reader: &mut Self, value: &Option<Spanned<String>>, key: &str| {
            value
                .as_ref()
                .map(|value| reader.short(value, &format!("organization.connection.{key}")))
        };
        Some(Connection {
            name: optional(self, &form.name, "name"),
            saml,
            client_id,
            client_secret: secret.map(|said| said.value),
            domains: form
                .domains
                .iter()
                .filter_map(|name| self.domain_name(name, "organization.connection.domains"))
                .collect(),
            jit: form.jit,
            scim: form.scim,
            enforce: form.enforce,
            default_role: self
                .lesser_role(form.default_role.as_ref(), "organization.connection.default_role"),
            default_team: form
                .default_team
                .as_ref()
                .map(|team| self.said(team, "organization.connection.default_team")),
            groups_claim: optional(self, &form.groups_claim, "groups_claim"),
            scopes: optional(self, &form.scopes, "scopes"),
            state: self.state(form.state.as_ref()),
            mapping: form
                .mapping
                .map(|lines| lines.iter().map(|line| self.mapping(line)).collect()),
            slug,
            issuer,
        })
    }

    fn protocol(&mut self, form: &ConnectionForm) -> Option<Protocol> {
        let place = self.place(start(&form.protocol), "organization.connection.protocol");
        let word = form.protocol.get_ref();
        let Some(protocol) = Protocol::parse(word) else {
            let sentence = format!("“{word}” is no protocol. Write \"oidc\" or \"saml\".");
            return self.fault(place, &sentence);
        };
        Some(protocol)
    }

    /// Issuer and client id of an OIDC provider, or what is said about a SAML one.
    fn provider(
        &mut self,
        form: &ConnectionForm,
        protocol: Protocol,
        slug: &Said<String>,
    ) -> Option<(Said<String>, String, Option<Saml>)> {
        if protocol == Protocol::Saml {
            let none = Said {
                value: String::new(),
                place: slug.place.clone(),
            };
            return self.saml(form).map(|saml| (none, String::new(), Some(saml)));
        }
        self.nothing_of_saml(form);
        let issuer = self.needed(form, form.issuer.as_ref(), "issuer");
        let client_id = self.needed(form, form.client_id.as_ref(), "client_id");
        let (issuer, client_id) = (issuer?, client_id?);
        self.issuer(&issuer);
        Some((issuer, client_id.value, None))
    }

    fn nothing_of_saml(&mut self, form: &ConnectionForm) {
        let foreign = [
            ("metadata_file", form.metadata_file.as_ref().map(start)),
            ("metadata_url", form.metadata_url.as_ref().map(start)),
            ("entity_id", form.entity_id.as_ref().map(start)),
            ("sso_url", form.sso_url.as_ref().map(start)),
            ("certificates", form.certificates.as_ref().map(start)),
            ("attributes", form.attributes.as_ref().map(start)),
            ("idp_initiated", form.idp_initiated.as_ref().map(start)),
        ];
        for (key, offset) in foreign {
            if let Some(offset) = offset {
                let place = self.place(offset, &format!("organization.connection.{key}"));
                self.note(
                    place,
                    "This belongs to a SAML connection. An OpenID Connect one has no such setting.",
                );
            }
        }
    }

    /// A key that a connection of its protocol can't be without.
    fn needed(
        &mut self,
        form: &ConnectionForm,
        value: Option<&Spanned<String>>,
        key: &str,
    ) -> Option<Said<String>> {
        let field = format!("organization.connection.{key}");
        let Some(value) = value else {
            let place = self.place(start(&form.slug), &field);
            return self.fault(
                place,
                &format!("The connection “{}” needs it.", form.slug.get_ref()),
            );
        };
        let said = Said {
            value: self.short(value, &field),
            place: self.place(start(value), &field),
        };
        if said.value.is_empty() {
            return self.fault(said.place, "Don’t leave it empty.");
        }
        Some(said)
    }

    /// OpenID Connect Discovery 1.0 §4.1: an address with neither query nor fragment. Whether the server
    /// may reach it is judged when it does.
    fn issuer(&mut self, said: &Said<String>) {
        let is_fine = url::Url::parse(&said.value)
            .is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        if !is_fine || said.value.contains(['?', '#']) {
            let sentence = "Copy the issuer from the provider: an address such as https://idp.example/tenant, \
                            without question mark and #.";
            self.note(said.place.clone(), sentence);
        }
    }

    fn lesser_role(&mut self, word: Option<&Spanned<String>>, field: &str) -> Option<Role> {
        let place = self.place(start(word?), field);
        match Role::parse(word?.get_ref()) {
            Some(Role::Owner) => self.fault(
                place,
                "No connection makes owners. Write \"member\" or \"admin\".",
            ),
            Some(role) => Some(role),
            None => self.fault(place, "Write \"member\" or \"admin\"."),
        }
    }

    fn state(&mut self, word: Option<&Spanned<String>>) -> Option<State> {
        let place = self.place(start(word?), "organization.connection.state");
        match State::parse(word?.get_ref()) {
            Some(state) => Some(state),
            None => self.fault(place, "Write \"draft\", \"on\" or \"off\"."),
        }
    }

    fn mapping(&mut self, form: &MappingForm) -> Mapping {
        let field = "organization.connection.mapping.group";
        let group = form.group.get_ref().clone();
        if group.is_empty() || group.chars().count() > LONGEST {
            let place = self.place(start(&form.group), field);
            self.note(place, "Write the group as the provider sends it.");
        }
        Mapping {
            group,
            team: self.said(&form.team, "organization.connection.mapping.team"),
            role: self
                .lesser_role(form.role.as_ref(), "organization.connection.mapping.role")
                .unwrap_or(Role::Member),
        }
    }

    fn invitation(&mut self, form: &InvitationForm) -> Option<Invitation> {
        let role = form.role.as_ref().and_then(|word| {
            let place = self.place(start(word), "organization.invitation.role");
            let role = Role::parse(word.get_ref());
            if role.is_none() {
                self.note(place, "Write \"member\", \"admin\" or \"owner\".");
            }
            role
        });
        let teams = form.teams.as_ref();
        Some(Invitation {
            email: self.email(&form.email, "organization.invitation.email")?,
            role,
            teams: teams.map(|teams| {
                teams
                    .iter()
                    .map(|team| self.said(team, "organization.invitation.teams"))
                    .collect()
            }),
        })
    }

    /// A secret by one way at most.
    fn secret(
        &mut self,
        variable: Option<&Spanned<String>>,
        file: Option<&Spanned<String>>,
        field: &str,
    ) -> Option<Said<Secret>> {
        let (found, place) = match (variable, file) {
            (None, None) => return None,
            (Some(variable), None) => (
                self.outside.variable(variable.get_ref()),
                self.place(start(variable), &format!("{field}_env")),
            ),
            (None, Some(file)) => (
                self.outside.file(file.get_ref()),
                self.place(start(file), &format!("{field}_file")),
            ),
            (Some(_), Some(file)) => {
                let place = self.place(start(file), &format!("{field}_file"));
                return self.fault(
                    place,
                    "It stands beside one by environment variable. Keep one of the two.",
                );
            }
        };
        match found {
            Ok(value) => Some(Said { value, place }),
            Err(sentence) => self.fault(place, &sentence),
        }
    }

    fn email(&mut self, text: &Spanned<String>, field: &str) -> Option<Said<EmailAddress>> {
        let place = self.place(start(text), field);
        match EmailAddress::parse(text.get_ref()) {
            Ok(value) => Some(Said { value, place }),
            Err(error) => self.fault(place, &error.to_string()),
        }
    }

    fn domain_name(&mut self, text: &Spanned<String>, field: &str) -> Option<Said<DomainName>> {
        let place = self.place(start(text), field);
        match DomainName::parse(text.get_ref()) {
            Ok(value) => Some(Said { value, place }),
            Err(error) => self.fault(place, &error.to_string()),
        }
    }

    fn slug(&mut self, text: &Spanned<String>, field: &str) -> Said<String> {
        let said = self.said(text, field);
        if let Err(sentence) = orgs::check_slug(&said.value) {
            self.note(said.place.clone(), &sentence);
        }
        said
    }

    /// A text that fits a column.
    fn short(&mut self, text: &Spanned<String>, field: &str) -> String {
        let value = text.get_ref().trim();
        if value.chars().count() > LONGEST || value.chars().any(char::is_control) {
            let place = self.place(start(text), field);
            self.note(place, &format!("Write one line of at most {LONGEST} characters."));
        }
        value.to_owned()
    }

    fn said(&self, text: &Spanned<String>, field: &str) -> Said<String> {
        Said {
            value: text.get_ref().clone(),
            place: self.place(start(text), field),
        }
    }

    fn no_slug_twice<'s>(&mut self, slugs: impl Iterator<Item = &'s Said<String>>) {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for slug in slugs {
            if let Some(line) = first.insert(&slug.value, slug.place.line) {
                let sentence = format!(
                    "“{}” stands in line {line} already. Each has a slug of its own.",
                    slug.value
                );
                self.note(slug.place.clone(), &sentence);
            }
        }
    }

    /// A person has one password on the whole installation.
    fn one_password_each(&mut self, organizations: &[Organization]) {
        let mut first: BTreeMap<&str, (&Secret, usize)> = BTreeMap::new();
        for owner in organizations.iter().flat_map(|organization| &organization.owners) {
            let Some(password) = &owner.password else { continue };
            let line = owner.email.place.line;
            let (other, other_line) = *first.entry(owner.email.value.key()).or_insert((password, line));
            if other != password {
                let sentence =
                    format!("This owner has another password in line {other_line}. A person has one.");
                self.note(owner.email.place.clone(), &sentence);
            }
        }
    }

    fn place(&self, offset: usize, field: &str) -> Place {
        Place::at(self.text, offset, field)
    }

    /// Notes what is wrong; there is no value then.
    fn fault<T>(&mut self, place: Place, sentence: &str) -> Option<T> {
        self.note(place, sentence);
        None
    }

    fn note(&mut self, place: Place, sentence: &str) {
        self.faults.push(Fault {
            place,
            sentence: sentence.to_owned(),
        });
    }
}

fn start<T>(value: &Spanned<T>) -> usize {
    value.span().start
}
