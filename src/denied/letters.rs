//! Letters about people who were turned away: to administrators that somebody asks, to the person what became of it.

use super::model::Denial;
use super::{actions, queries};
use crate::access::{EmailAddress, Role};
use crate::mail::{self, Kind, Letter, Post, Requests};
use crate::orgs::Organization;
use crate::store::time::{HOUR, Timestamp};
use crate::store::{Conn, Result};

/// How many requests of an organization are written about within an hour. The pages show all of them.
const AN_HOUR: i64 = 20;

/// Tells the administrators that this person asks to be let in, where the organization wants that at once. Answers how
/// many letters those are.
///
/// # Errors
/// When the database refuses.
pub fn asked(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &Organization,
    denial: &Denial,
) -> Result<usize> {
    if !post.is_configured() || mail::settings(conn, &organization.id)?.requests != Requests::Now {
        return Ok(0);
    }
    let to = mail::actions::addresses(conn, &organization.id, Role::Admin)?;
    let of_late = mail::since(conn, &organization.id, Kind::Request, now - HOUR)?;
    let most = AN_HOUR * i64::try_from(to.len()).unwrap_or(i64::MAX).max(1);
    if of_late >= most {
        return Ok(0);
    }
    let letters: Vec<Letter> = to.iter().map(|to| request(to, organization, denial)).collect();
    mail::actions::queue_many(conn, now, post, &letters)
}

fn request(to: &EmailAddress, organization: &Organization, denial: &Denial) -> Letter {
    let (name, person) = (&organization.settings.name, denial.person());
    let letter = Letter::new(
        Kind::Request,
        to,
        &format!("{person} asks to be let in to {name}"),
    )
    .of(&organization.id, name)
    .about("denial", &denial.id)
    .say(format!(
        "{person} signed in, was denied, and asks to be let in to {name}."
    ));
    let letter = match EmailAddress::parse(&denial.email) {
        Ok(address) => letter.address("Address", &address),
        Err(_) => letter.fact("Address", &denial.email),
    };
    let letter = if denial.name.is_empty() {
        letter
    } else {
        letter.fact("Name", &denial.name)
    };
    letter
        .fact("Denied", &times(denial.attempts))
        .quote(&denial.asked)
        .act("See why, and answer", &page(organization, denial))
        .because(&format!(
            "You get this because you look after {name}. An owner chooses under Mail when you are told."
        ))
}

fn times(attempts: i64) -> String {
    match attempts {
        1 => "once".to_owned(),
        some => format!("{some} times"),
    }
}

/// The page of a denial.
pub fn page(organization: &Organization, denial: &Denial) -> String {
    format!("/orgs/{}/denied/{}", organization.slug, denial.id)
}

/// Tells those of these people who asked that an administrator let their denials be. The denials are as they were before:
/// whose request was answered already, by an admission or a no, is not told of another.
///
/// # Errors
/// When the database refuses.
pub fn dismissed(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &Organization,
    before: &[Denial],
) -> Result<usize> {
    let told = before
        .iter()
        .filter_map(|denial| Some(dismissal(&whom_to_tell(denial)?, organization, denial)));
    let letters: Vec<Letter> = told.collect();
    mail::actions::queue_many(conn, now, post, &letters)
}

fn dismissal(to: &EmailAddress, organization: &Organization, denial: &Denial) -> Letter {
    let name = &organization.settings.name;
    let letter = Letter::new(Kind::Outcome, to, &format!("Your request to be let in to {name}"))
        .of(&organization.id, name)
        .about("denial", &denial.id)
        .say(format!(
            "You asked to be let in to {name}. An administrator looked at it and did not let you in."
        ));
    let letter = if organization.settings.contact.is_empty() {
        letter
    } else {
        letter.fact("Whom to ask", &organization.settings.contact)
    };
    letter.because("You get this because you asked, after you signed in with this address.")
}

/// Tells the person of this address (folded) who asked that they may come again, since their membership is active. It is told
/// once for each request. Answers how many letters that are.
///
/// # Errors
/// When the database refuses.
pub fn reactivated(
    conn: &mut Conn,
    now: Timestamp,
    post: &Post,
    organization: &Organization,
    email_key: &str,
) -> Result<usize> {
    let name = &organization.settings.name;
    let mut told = 0;
    for denial in queries::of_addresses(conn, &organization.id, &[email_key])? {
        let Some(to) = whom_to_tell(&denial) else {
            continue;
        };
        actions::answered(conn, now, &denial)?;
        let letter = Letter::new(Kind::Outcome, &to, &format!("You can sign in to {name} again"))
            .of(&organization.id, name)
            .about("denial", &denial.id)
            .say(format!(
                "You asked to be let in to {name}. You are an active member again: sign in as you did before."
            ))
            .act("Sign in", "/sign-in")
            .because("You get this because you asked, after you signed in with this address.");
        told += usize::from(mail::actions::queue(conn, now, post, &letter)?.is_some());
    }
    Ok(told)
}

/// The address of the person who waits for an answer, if it was proven at the sign-in: otherwise it may be somebody else's.
pub(super) fn whom_to_tell(denial: &Denial) -> Option<EmailAddress> {
    if !denial.is_asking() || denial.is_unproven() {
        return None;
    }
    EmailAddress::parse(&denial.email).ok()
}
