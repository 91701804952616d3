//! A connection as the file describes it: its settings, its domains, its table of groups, its switches.

use super::actions::team_id;
use super::model::{Connection as Described, Said};
use super::saml;
use super::work::{At as _, Halt, Work, refuse};
use crate::access::MappedGroup;
use crate::connections::{self, Connection, Protocol, Settings, State, secret_place};
use crate::orgs::Organization;
use crate::{domains, groups};

/// Makes the connection or changes what differs; people can come by it once all the rest is in its place.
pub fn connection(work: &mut Work<'_>, organization: &Organization, said: &Described) -> Result<(), Halt> {
    let known = connections::find_by_slugs(work.conn, &organization.slug, &said.slug.value)?;
    let mut settings = wanted(said, known.as_ref());
    if let Some(name) = &said.default_team {
        let is_named = !name.value.is_empty();
        settings.default_team = is_named.then(|| team_id(work, organization, name)).transpose()?;
    }
    if let Some(known) = &known {
        same_protocol(known, said)?;
    }
    let connection = match (known, &said.saml) {
        (known, Some(described)) => saml::bring_about(work, organization, said, described, &settings, known)?,
        (None, None) => create(work, organization, said, settings)?,
        (Some(known), None) => change(work, organization, said, &known, settings)?,
    };
    for name in &said.domains {
        domain(work, organization, &connection, name)?;
    }
    mapping(work, organization, &connection, said)?;
    switches(work, organization, &connection, said)
}

/// What is linked by one protocol is nobody by the other, so that a connection keeps its own.
fn same_protocol(known: &Connection, said: &Described) -> Result<(), Halt> {
    let protocol = match said.saml {
        Some(_) => Protocol::Saml,
        None => Protocol::Oidc,
    };
    if known.protocol == protocol {
        return Ok(());
    }
    let sentence = format!(
        "This connection speaks {} and keeps doing so. Give the other one a slug of its own.",
        known.protocol.title()
    );
    refuse(&said.slug.place, sentence)
}

fn create(
    work: &mut Work<'_>,
    organization: &Organization,
    said: &Described,
    mut settings: Settings,
) -> Result<Connection, Halt> {
    settings.client_secret = said.client_secret.as_ref().map(|secret| secret.0.clone());
    let (now, sealer, id) = (work.now, &work.site.sealer, &organization.id);
    let made = connections::actions::create(work.conn, now, &work.actor, sealer, id, &settings)
        .at(&said.slug.place)?;
    work.did(&organization.slug, &format!("connection {} created", made.slug));
    Ok(made)
}

fn change(
    work: &mut Work<'_>,
    organization: &Organization,
    said: &Described,
    known: &Connection,
    mut settings: Settings,
) -> Result<Connection, Halt> {
    settings.client_secret = secret_to_set(work, said, known);
    let (now, sealer) = (work.now, &work.site.sealer);
    let changed = connections::actions::change(work.conn, now, &work.actor, sealer, known, &settings)
        .at(&said.issuer.place)?;
    for what in differences(&Settings::from(known), &settings) {
        did(work, organization, known, &what);
    }
    Ok(changed)
}

/// What the file says, and what it does not say as it is now or begins.
fn wanted(said: &Described, known: Option<&Connection>) -> Settings {
    let begins = || Settings {
        name: said.slug.value.clone(),
        ..Settings::default()
    };
    let now = known.map_or_else(begins, Settings::from);
    Settings {
        slug: said.slug.value.clone(),
        issuer: said.issuer.value.clone(),
        client_id: said.client_id.clone(),
        client_secret: None,
        name: said.name.clone().unwrap_or(now.name),
        scopes: said.scopes.clone().unwrap_or(now.scopes),
        groups_claim: said.groups_claim.clone().unwrap_or(now.groups_claim),
        default_role: said.default_role.unwrap_or(now.default_role),
        default_team: now.default_team,
    }
}

/// The file's secret, unless it is the one there is. A new issuer gets it anew, because no old secret is
/// ever sent to another server.
fn secret_to_set(work: &Work<'_>, said: &Described, known: &Connection) -> Option<String> {
    let given = said.client_secret.as_ref()?;
    // One that was sealed with another key can't be opened, and is replaced.
    let old = work
        .site
        .sealer
        .open(&secret_place(&known.id), &known.client_secret_sealed);
    let is_the_same = old.is_ok_and(|old| old == given.0) && known.issuer == said.issuer.value;
    (!is_the_same).then(|| given.0.clone())
}

fn differences(before: &Settings, after: &Settings) -> Vec<String> {
    let pairs = [
        ("name", before.name.as_str(), after.name.as_str()),
        ("issuer", &before.issuer, &after.issuer),
        ("client id", &before.client_id, &after.client_id),
        ("scopes", &before.scopes, &after.scopes),
        ("groups claim", &before.groups_claim, &after.groups_claim),
        (
            "default role",
            before.default_role.as_str(),
            after.default_role.as_str(),
        ),
    ];
    let mut lines: Vec<String> = pairs
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| format!("{what} changed from “{before}” to “{after}”"))
        .collect();
    if before.default_team != after.default_team {
        lines.push("default team changed".to_owned());
    }
    if after.client_secret.is_some() {
        lines.push("client secret changed".to_owned());
    }
    lines
}

fn domain(
    work: &mut Work<'_>,
    organization: &Organization,
    connection: &Connection,
    name: &Said<crate::access::DomainName>,
) -> Result<(), Halt> {
    let Said { value: name, place } = name;
    let Some(domain) = domains::find_by_name(work.conn, &organization.id, name.as_str())? else {
        let sentence = format!(
            "{} has no domain {name}. Write an [[organization.domain]] for it.",
            organization.slug
        );
        return refuse(place, sentence);
    };
    let is_new =
        connections::actions::attach_domain(work.conn, work.now, &work.actor, connection, &domain.id)
            .at(place)?;
    if is_new {
        did(work, organization, connection, &format!("domain {name} attached"));
    }
    Ok(())
}

/// The one list that the file replaces.
fn mapping(
    work: &mut Work<'_>,
    organization: &Organization,
    connection: &Connection,
    said: &Described,
) -> Result<(), Halt> {
    let Some(lines) = &said.mapping else { return Ok(()) };
    let mut table = Vec::with_capacity(lines.len());
    for line in lines {
        table.push(MappedGroup {
            group: line.group.clone(),
            team: team_id(work, organization, &line.team)?,
            role: line.role,
        });
    }
    if groups::actions::set(work.conn, work.now, &work.actor, connection, &table).at(&said.slug.place)? {
        let count = match table.len() {
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        };
        did(
            work,
            organization,
            connection,
            &format!("table of groups set ({count})"),
        );
    }
    Ok(())
}

fn switches(
    work: &mut Work<'_>,
    organization: &Organization,
    known: &Connection,
    said: &Described,
) -> Result<(), Halt> {
    use connections::actions::{set_enforce, set_jit, set_scim, set_state};
    let (now, actor, place) = (work.now, work.actor.clone(), &said.slug.place);
    let mut after = known.clone();
    if let Some(on) = said.jit {
        after = set_jit(work.conn, now, &actor, &after, on).at(place)?;
    }
    if let Some(on) = said.scim {
        after = set_scim(work.conn, now, &actor, &after, on).at(place)?;
    }
    if let Some(on) = said.enforce {
        after = set_enforce(work.conn, now, &actor, &after, on).at(place)?;
    }
    if let Some(state) = said.state {
        after = set_state(work.conn, now, &actor, &after, state).at(place)?;
    }
    for what in switched(known, &after) {
        did(work, organization, known, &what);
    }
    Ok(())
}

fn switched(before: &Connection, after: &Connection) -> Vec<String> {
    let turned = |on: bool| if on { "turned on" } else { "turned off" };
    let switches = [
        ("just-in-time provisioning", before.jit, after.jit),
        ("SCIM", before.scim, after.scim),
        ("enforcement", before.enforce, after.enforce),
    ];
    let mut lines: Vec<String> = switches
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, _, on)| format!("{what} {}", turned(on)))
        .collect();
    if before.state != after.state {
        lines.push(match after.state {
            State::On => "turned on".to_owned(),
            State::Off => "turned off".to_owned(),
            State::Draft => "made a draft again".to_owned(),
        });
    }
    lines
}

fn did(work: &mut Work<'_>, organization: &Organization, connection: &Connection, what: &str) {
    work.did(
        &organization.slug,
        &format!("connection {}: {what}", connection.slug),
    );
}
