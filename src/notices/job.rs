//! Looking what is to be told, and telling it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::events::Notice;
use super::warnings::{self, Due, Warning};
use super::{digest, events, letters, queries};
use crate::access::{EmailAddress, Role};
use crate::accounts;
use crate::audit::{self, Happened};
use crate::denied;
use crate::invitations;
use crate::mail::{self, Letter, Post};
use crate::members;
use crate::orgs::{self, Organization};
use crate::store::time::{DAY, MINUTE, Timestamp};
use crate::store::{Conn, DbError, Result, id};
use crate::web::{Problem, Site};

/// How often it is looked.
const PAUSE: Duration = Duration::from_mins(1);
/// How many entries of the audit log, and how many invitations, are taken up at once.
const BATCH: i64 = 500;
/// How far before the last entry the log is read again: a transaction that began earlier may end later.
const OVERLAP: i64 = 5 * MINUTE;
/// For how long it is remembered what was told.
const REMEMBERED: i64 = 400 * DAY;

/// What was told of the audit log is remembered under this word.
const EVENT: &str = "event";

/// Looks again and again, until the server stops.
pub async fn for_ever(site: Site) {
    loop {
        tokio::time::sleep(PAUSE).await;
        match look(&site).await {
            Ok(0) => {}
            Ok(letters) => tracing::debug!(letters, "notices queued"),
            Err(problem) => tracing::warn!(%problem, "notices could not be queued"),
        }
    }
}

/// Queues every letter that is due now. Answers how many those are: none where no mail is sent from here.
///
/// # Errors
/// When the database refuses.
pub async fn look(site: &Site) -> std::result::Result<usize, Problem> {
    let post = Post::of(site);
    if !post.is_configured() {
        return Ok(0);
    }
    let looked = async {
        let security = security(site, &post).await?;
        let warnings = warn(site, &post).await?;
        let digests = digests(site, &post).await?;
        let reminders = remind(site, &post).await?;
        let now = site.now();
        site.store
            .writing(move |conn| queries::forget_before(conn, now - REMEMBERED))
            .await?;
        Ok::<_, DbError>(security + warnings + digests + reminders)
    };
    looked.await.map_err(Problem::from)
}

/// The organization, its owners or whoever else is told, and the letter to each.
fn write_to(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &str,
    least: Role,
    letter: impl Fn(&EmailAddress, &Organization) -> Letter,
) -> Result<usize> {
    let Some(organization) = orgs::find(conn, organization)? else {
        return Ok(0);
    };
    let to = mail::actions::addresses(conn, &organization.id, least)?;
    let letters: Vec<Letter> = to.iter().map(|to| letter(to, &organization)).collect();
    mail::actions::queue_many(conn, now, post, &letters)
}

async fn warn(site: &Site, post: &Post) -> Result<usize> {
    let now = site.now();
    let due = site
        .store
        .reading(move |conn| -> Result<Due> {
            let facts = queries::facts(conn, now)?;
            Ok(warnings::due(&facts, &queries::warned(conn)?, now))
        })
        .await?;
    let mut by_organization: BTreeMap<String, (Vec<Warning>, Vec<String>)> = BTreeMap::new();
    for warning in due.tell {
        let place = by_organization.entry(warning.organization.clone()).or_default();
        place.0.push(warning);
    }
    for (organization, key) in due.forget {
        by_organization.entry(organization).or_default().1.push(key);
    }
    let mut queued = 0;
    for (organization, (tell, forget)) in by_organization {
        let (post, own) = (post.clone(), organization.clone());
        queued += site
            .store
            .writing_in(&organization, move |conn| {
                warn_one(conn, now, &post, &own, tell, &forget)
            })
            .await?;
    }
    Ok(queued)
}

fn warn_one(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &str,
    tell: Vec<Warning>,
    forget: &[String],
) -> Result<usize> {
    queries::forget(conn, organization, forget)?;
    let mut fresh = Vec::new();
    for warning in tell {
        // Another server may have told it since it was looked.
        if queries::remember(conn, now, organization, "warning", &warning.key)? {
            fresh.push(warning);
        }
    }
    if fresh.is_empty() {
        return Ok(0);
    }
    write_to(conn, now, post, organization, Role::Owner, |to, organization| {
        letters::warnings(to, organization, &fresh)
    })
}

async fn security(site: &Site, post: &Post) -> Result<usize> {
    let (start, upto) = site.store.reading(queries::read_up_to).await?;
    let mut after = if upto.is_empty() {
        // What happened before there was mail is no news.
        id::new_id()
    } else {
        id::earlier(&upto, OVERLAP).max(start)
    };
    let (mut last, mut queued) = (after.clone(), 0);
    loop {
        let start = after.clone();
        let (read, due) = site.store.reading(move |conn| unread(conn, &start)).await?;
        for due in due {
            queued += tell(site, post, due).await?;
        }
        let Some(newest) = read else { break };
        last.clone_from(&newest);
        after = newest;
    }
    site.store
        .writing(move |conn| {
            queries::set_start(conn, &last)?;
            queries::set_read_up_to(conn, &last)
        })
        .await?;
    Ok(queued)
}

/// An entry of the log that is to be told.
enum Told {
    /// The owners of this organization.
    Owners(String, Notice),
    /// The person whose account it is, and the address that the account had before.
    Person(Notice, Option<String>),
    /// The member of this organization, if they asked to be let in.
    Asker(String),
}

/// The id of the last entry that was read, if there was one; and the entries that are to be told.
type Read = (Option<String>, Vec<(Happened, Told)>);

fn unread(conn: &mut Conn, after: &str) -> Result<Read> {
    let entries = audit::since(conn, after, &events::ACTIONS, BATCH)?;
    let last = entries.last().map(|entry| entry.id.clone());
    let mut due = Vec::new();
    for entry in entries {
        if let Some((notice, before)) = events::personal(&entry) {
            if !queries::is_person_told(conn, &entry.id)? {
                due.push((entry, Told::Person(notice, before)));
            }
        } else if let (events::REACTIVATED, Some(organization)) =
            (entry.action.as_str(), entry.organization.clone())
        {
            if !queries::is_told(conn, &organization, EVENT, &entry.id)? {
                due.push((entry, Told::Asker(organization)));
            }
        } else if let (Some(notice), Some(organization)) =
            (events::notice(&entry), entry.organization.clone())
            && !queries::is_told(conn, &organization, EVENT, &entry.id)?
        {
            due.push((entry, Told::Owners(organization, notice)));
        }
    }
    Ok((last, due))
}

async fn tell(site: &Site, post: &Post, (entry, told): (Happened, Told)) -> Result<usize> {
    let (post, now) = (post.clone(), site.now());
    match told {
        Told::Owners(organization, notice) => {
            let own = organization.clone();
            site.store
                .writing_in(&organization, move |conn| {
                    if !queries::remember(conn, now, &own, EVENT, &entry.id)? {
                        return Ok(0);
                    }
                    write_to(conn, now, &post, &own, Role::Owner, |to, organization| {
                        letters::security(to, organization, &notice)
                    })
                })
                .await
        }
        Told::Asker(organization) => {
            let own = organization.clone();
            site.store
                .writing_in(&organization, move |conn| {
                    tell_asker(conn, now, &post, &own, &entry)
                })
                .await
        }
        Told::Person(notice, before) => {
            site.store
                .writing(move |conn| tell_person(conn, now, &post, &entry, &notice, before))
                .await
        }
    }
}

/// Somebody who was deactivated asked to be let in, and is active again.
fn tell_asker(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &str,
    entry: &Happened,
) -> Result<usize> {
    if !queries::remember(conn, now, organization, EVENT, &entry.id)? {
        return Ok(0);
    }
    let member = members::find(conn, organization, &entry.subject_id)?;
    let (Some(member), Some(organization)) = (
        member.filter(|member| member.state == members::State::Active),
        orgs::find(conn, organization)?,
    ) else {
        return Ok(0);
    };
    denied::letters::reactivated(conn, now, post, &organization, &member.email_key)
}

/// To the address that the account has, and to the one that it had: whoever took an account over is not the only one
/// who is told.
fn tell_person(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    entry: &Happened,
    notice: &Notice,
    before: Option<String>,
) -> Result<usize> {
    if !queries::remember_person(conn, now, &entry.id)? {
        return Ok(0);
    }
    let account = accounts::find(conn, &entry.subject_id)?;
    let to: BTreeSet<String> = account
        .map(|account| account.email)
        .into_iter()
        .chain(before)
        .collect();
    let letters: Vec<Letter> = to
        .iter()
        .filter_map(|to| EmailAddress::parse(to).ok())
        .map(|to| letters::personal(&to, &entry.subject_id, notice))
        .collect();
    mail::actions::queue_many(conn, now, post, &letters)
}

async fn digests(site: &Site, post: &Post) -> Result<usize> {
    let now = site.now();
    let Some(day) = digest::day(now) else {
        return Ok(0);
    };
    let organizations = site
        .store
        .reading(move |conn| queries::to_digest(conn, day))
        .await?;
    let mut queued = 0;
    for organization in organizations {
        let (post, own) = (post.clone(), organization.clone());
        queued += site
            .store
            .writing_in(&organization, move |conn| digest_one(conn, now, &post, &own, day))
            .await?;
    }
    Ok(queued)
}

fn digest_one(conn: &mut Conn, now: Timestamp, post: &Post, organization: &str, day: i64) -> Result<usize> {
    if !queries::remember(conn, now, organization, "digest", &day.to_string())? {
        return Ok(0);
    }
    let settings = mail::settings(conn, organization)?;
    let tells_requests = settings.requests == mail::Requests::Daily;
    if !settings.digest && !tells_requests {
        return Ok(0);
    }
    let (people, all) = queries::denied_on(conn, organization, day, tells_requests, !settings.digest)?;
    if all == 0 {
        return Ok(0);
    }
    write_to(conn, now, post, organization, Role::Admin, |to, organization| {
        letters::digest(to, organization, &people, all)
    })
}

async fn remind(site: &Site, post: &Post) -> Result<usize> {
    let now = site.now();
    let due = site
        .store
        .reading(move |conn| invitations::letters::due(conn, now, BATCH))
        .await?;
    let mut by_organization: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (organization, invitation) in due {
        by_organization.entry(organization).or_default().push(invitation);
    }
    let mut queued = 0;
    for (organization, ids) in by_organization {
        let (post, own) = (post.clone(), organization.clone());
        queued += site
            .store
            .writing_in(&organization, move |conn| {
                invitations::letters::remind(conn, now, &post, &own, &ids)
            })
            .await?;
    }
    Ok(queued)
}
