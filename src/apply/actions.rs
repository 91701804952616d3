//! Comparing a description with what there is, and doing what is left to do.

use std::collections::BTreeSet;
use std::path::Path;

use super::connection;
use super::model::{ApplyError, Description, Domain, Invitation, Organization as Described, Owner, Said};
use super::work::{At as _, Halt, Report, Work, refuse};
use crate::access::{InvitationStanding, Role};
use crate::accounts::{self, Account};
use crate::audit::Actor;
use crate::mail::Post;
use crate::members;
use crate::orgs::{self, Organization, Settings};
use crate::sign_in::{self, NewOwner};
use crate::web::{Problem, Site};
use crate::{domains, invitations, teams};

/// Brings about what the file describes, in one transaction, and answers a line for each thing that it
/// did. With `dry_run` the transaction is rolled back. `path` only names the file in errors.
///
/// # Errors
/// What can't be, with file, line and field; or that the database refused. Nothing has changed then.
pub fn perform(
    site: &Site,
    path: &Path,
    description: &Description,
    dry_run: bool,
) -> Result<Vec<String>, ApplyError> {
    let outcome = site.store.write(|conn| {
        let mut work = Work {
            conn,
            site,
            now: site.now(),
            actor: Actor::operator(),
            dry_run,
            report: Report::default(),
        };
        hold(&mut work, description)?;
        for said in &description.organizations {
            organization(&mut work, said)?;
        }
        if dry_run {
            Err(Halt::Rehearsed(work.report))
        } else {
            Ok(work.report)
        }
    });
    match outcome {
        Ok(report) | Err(Halt::Rehearsed(report)) => Ok(told(report, dry_run)),
        Err(Halt::Fault(fault)) => Err(ApplyError::file(path, vec![fault])),
        Err(Halt::Ours(problem)) => Err(ApplyError::Other(format!("Nothing was changed: {problem}"))),
    }
}

fn told(report: Report, dry_run: bool) -> Vec<String> {
    let mut lines = report.lines;
    if report.changes == 0 {
        lines.push("Nothing to change.".to_owned());
    } else if dry_run {
        lines.insert(
            0,
            "This is a dry run. It would do the following; nothing was changed.".to_owned(),
        );
    }
    lines
}

/// Takes the locks of the organizations that are there already, always in the same order.
fn hold(work: &mut Work<'_>, description: &Description) -> Result<(), Halt> {
    let mut ids = BTreeSet::new();
    for said in &description.organizations {
        ids.extend(orgs::find_by_slug(work.conn, &said.slug.value)?.map(|organization| organization.id));
    }
    for id in ids {
        work.conn.lock_organization(&id)?;
    }
    Ok(())
}

fn organization(work: &mut Work<'_>, said: &Described) -> Result<(), Halt> {
    let organization = settings(work, said)?;
    for name in &said.teams {
        team(work, &organization, name)?;
    }
    for said in &said.owners {
        owner(work, &organization, said)?;
    }
    for said in &said.domains {
        domain(work, &organization, said)?;
    }
    for said in &said.connections {
        connection::connection(work, &organization, said)?;
    }
    for said in &said.invitations {
        invitation(work, &organization, said)?;
    }
    Ok(())
}

fn settings(work: &mut Work<'_>, said: &Described) -> Result<Organization, Halt> {
    let slug = &said.slug;
    let Some(known) = orgs::find_by_slug(work.conn, &slug.value)? else {
        let settings = wanted(said, &Settings::named(&said.name));
        let made =
            orgs::actions::create(work.conn, work.now, &work.actor, &slug.value, settings).at(&slug.place)?;
        work.did(&slug.value, "organization created");
        return Ok(made);
    };
    let settings = wanted(said, &known.settings);
    orgs::actions::change(work.conn, work.now, &work.actor, &known, &settings, known.version)
        .at(&slug.place)?;
    for line in differences(&known.settings, &settings) {
        work.did(&slug.value, &line);
    }
    orgs::find(work.conn, &known.id)?.ok_or(Halt::Ours(Problem::NotFound))
}

fn wanted(said: &Described, now: &Settings) -> Settings {
    Settings {
        name: said.name.clone(),
        contact: said.contact.clone().unwrap_or_else(|| now.contact.clone()),
        seats: said.seats,
        invitation_days: said.invitation_days.unwrap_or(now.invitation_days),
        guests: said.guests.unwrap_or(now.guests),
        group_convention: said.group_convention.unwrap_or(now.group_convention),
        ..now.clone()
    }
}

fn differences(before: &Settings, after: &Settings) -> Vec<String> {
    let seats = |settings: &Settings| {
        settings
            .seats
            .map_or("no limit".to_owned(), |seats| seats.to_string())
    };
    let days = |settings: &Settings| format!("{} days", settings.invitation_days);
    let guests = |settings: &Settings| if settings.guests { "yes" } else { "no" }.to_owned();
    let convention = |settings: &Settings| if settings.group_convention { "on" } else { "off" }.to_owned();
    let pairs = [
        ("group convention", convention(before), convention(after)),
        ("name", before.name.clone(), after.name.clone()),
        ("contact", before.contact.clone(), after.contact.clone()),
        ("seats", seats(before), seats(after)),
        ("invitation lifetime", days(before), days(after)),
        ("guests", guests(before), guests(after)),
    ];
    let differing = pairs.into_iter().filter(|(_, before, after)| before != after);
    differing
        .map(|(what, before, after)| format!("{what} changed from “{before}” to “{after}”"))
        .collect()
}

fn team(work: &mut Work<'_>, organization: &Organization, name: &Said<String>) -> Result<(), Halt> {
    if teams::find_by_name(work.conn, &organization.id, &name.value)?.is_some() {
        return Ok(());
    }
    teams::actions::create(work.conn, work.now, &work.actor, &organization.id, &name.value).at(&name.place)?;
    work.did(&organization.slug, &format!("team {} created", name.value));
    Ok(())
}

/// The id of a team that the file names, which is there by now unless the file forgot it.
pub(super) fn team_id(
    work: &mut Work<'_>,
    organization: &Organization,
    name: &Said<String>,
) -> Result<String, Halt> {
    match teams::find_by_name(work.conn, &organization.id, &name.value)? {
        Some(team) => Ok(team.id),
        None => refuse(
            &name.place,
            format!(
                "{} has no team “{}”. Write it into teams.",
                organization.slug, name.value
            ),
        ),
    }
}

/// Whoever was deactivated or removed stays so: that was done in the pages, on purpose, and a file that is
/// applied every night must not undo it.
fn owner(work: &mut Work<'_>, organization: &Organization, said: &Owner) -> Result<(), Halt> {
    let email = &said.email.value;
    let account = accounts::find_by_email(work.conn, email)?;
    let member = match &account {
        Some(account) => members::find_by_account(work.conn, &organization.id, &account.id)?,
        None => None,
    };
    let left = match (&account, &member) {
        (Some(account), _) if !account.is_active => Some(members::State::Deactivated),
        (_, Some(member)) if member.state != members::State::Active => Some(member.state),
        _ => None,
    };
    if let Some(state) = left {
        let sentence = format!("{email} was left {}, and is no owner", state.as_str());
        work.remark(&organization.slug, &sentence);
        return Ok(());
    }
    let account = match account {
        Some(account) if member.is_some_and(|member| member.role == Role::Owner) => account,
        _ => made_owner(work, organization, said)?,
    };
    password(work, organization, said, &account)
}

fn made_owner(work: &mut Work<'_>, organization: &Organization, said: &Owner) -> Result<Account, Halt> {
    let Said { value: email, place } = &said.email;
    let new = NewOwner {
        slug: &organization.slug,
        organization_name: &organization.settings.name,
        email,
        name: &said.name,
        password_hash: None,
        operator: false,
    };
    let (_, account) = sign_in::make_owner(work.conn, work.now, &work.actor, &new).at(place)?;
    let (organization, slug) = (&organization.id, &organization.slug);
    invitations::actions::close_pending(work.conn, work.now, &work.actor, organization, email.key())?;
    work.did(slug, &format!("{email} made an owner"));
    Ok(account)
}

fn password(
    work: &mut Work<'_>,
    organization: &Organization,
    said: &Owner,
    account: &Account,
) -> Result<(), Halt> {
    let Some(password) = &said.password else {
        return Ok(());
    };
    if accounts::verify(&password.0, account.password_hash.as_deref()) {
        return sign_in::trust_password(work.conn, work.now, &work.actor, account).at(&said.email.place);
    }
    let hash = accounts::hash(&password.0).map_err(|error| Halt::Ours(Problem::Internal(error)))?;
    sign_in::give_password(work.conn, work.now, &work.actor, account, &hash).at(&said.email.place)?;
    work.did(&organization.slug, &format!("password of {} set", account.email));
    Ok(())
}

fn domain(work: &mut Work<'_>, organization: &Organization, said: &Domain) -> Result<(), Halt> {
    let Said { value: name, place } = &said.name;
    let id = match domains::find_by_name(work.conn, &organization.id, name.as_str())? {
        Some(known) => known.id,
        None => added(work, organization, said)?,
    };
    if said.vouched
        && domains::actions::vouch(work.conn, work.now, &work.actor, &organization.id, &id).at(place)?
    {
        work.did(&organization.slug, &format!("domain {name} vouched for"));
    }
    Ok(())
}

fn added(work: &mut Work<'_>, organization: &Organization, said: &Domain) -> Result<String, Halt> {
    let Said { value: name, place } = &said.name;
    let id = domains::actions::add(work.conn, work.now, &work.actor, &organization.id, name).at(place)?;
    let waits = match domains::find(work.conn, &organization.id, &id)? {
        Some(domain) if !said.vouched && !work.dry_run => {
            format!(
                ", waiting for its TXT record {} with {}",
                domain.record_name(),
                domain.record_value()
            )
        }
        _ => String::new(),
    };
    work.did(&organization.slug, &format!("domain {name} added{waits}"));
    Ok(id)
}

fn invitation(work: &mut Work<'_>, organization: &Organization, said: &Invitation) -> Result<(), Halt> {
    let email = &said.email;
    if let Some(account) = accounts::find_by_email(work.conn, &email.value)?
        && let Some(member) = members::find_by_account(work.conn, &organization.id, &account.id)?
        && member.state != members::State::Removed
    {
        return Ok(());
    }
    let mut wanted = BTreeSet::new();
    for name in said.teams.iter().flatten() {
        wanted.insert(team_id(work, organization, name)?);
    }
    let keys = [email.value.key().to_owned()];
    let found = invitations::standing(work.conn, work.now, &organization.id, &keys, None)?;
    let (role, teams) = match found.standing {
        InvitationStanding::Pending { role, teams, .. } => {
            let known: BTreeSet<String> = teams.into_iter().collect();
            let next = (
                said.role.unwrap_or(role),
                said.teams.as_ref().map_or(known.clone(), |_| wanted),
            );
            if (role, &known) == (next.0, &next.1) {
                return Ok(());
            }
            let ids: Vec<String> = found.id.into_iter().collect();
            let organization = &organization.id;
            invitations::actions::revoke(work.conn, work.now, &work.actor, Role::Owner, organization, &ids)
                .at(&email.place)?;
            next
        }
        _ => (said.role.unwrap_or(Role::Member), wanted),
    };
    let new = invitations::New {
        email: email.value.clone(),
        role,
        teams: teams.into_iter().collect(),
    };
    invite(work, organization, said, new)
}

fn invite(
    work: &mut Work<'_>,
    organization: &Organization,
    said: &Invitation,
    new: invitations::New,
) -> Result<(), Halt> {
    let sent = invitations::actions::invite(
        work.conn,
        work.now,
        &work.actor,
        Role::Owner,
        organization,
        &[new],
    )
    .at(&said.email.place)?;
    invitations::letters::send(work.conn, work.now, &Post::of(work.site), organization, &sent)
        .map_err(Problem::from)
        .at(&said.email.place)?;
    for one in sent {
        let link = if work.dry_run {
            "a link, shown when it is done".to_owned()
        } else {
            work.site.url(&format!("/invitation/{}", one.token))
        };
        work.did(
            &organization.slug,
            &format!("invitation for {}: {link}", one.email),
        );
    }
    Ok(())
}
