//! A switch at a set time, or one that makes itself back: what a form of a switch asks besides, and taking it back.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::Here;
use crate::audit::Actor;
use crate::connections::plans::{self, LATEST, Plan, State, actions};
use crate::connections::{self, Connection};
use crate::session::{Frame, Owner};
use crate::store::time::Timestamp;
use crate::web::{Flash, Page, Posted, Problem, zone};

/// The most people that a form takes.
const MOST: i64 = 1_000_000;

/// What the form asks besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    /// When; none for now.
    pub at: Option<Timestamp>,
    /// It makes itself back where more people than these are denied within an hour.
    pub most_denied: Option<i64>,
}

impl Planned {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn of(form: &Posted, now: Timestamp) -> Result<Self, String> {
        Ok(Self {
            at: when(form.text("when"), now)?,
            most_denied: most(form.text("most_denied"))?,
        })
    }

    /// Whether nothing is asked besides.
    pub fn is_nothing(self) -> bool {
        self.at.is_none() && self.most_denied.is_none()
    }
}

fn when(text: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match zone::moment(text) {
        None => Err("Write the time with its day, such as 2026-11-30 18:00, or leave it empty.".to_owned()),
        Some(at) if at <= now => Err("That time is over. Choose a later one, or leave it empty.".to_owned()),
        Some(at) if at > now + LATEST => {
            Err("A switch can be planned at most 90 days ahead. Choose an earlier time.".to_owned())
        }
        at => Ok(at),
    }
}

fn most(text: &str) -> Result<Option<i64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<i64>() {
        Ok(people) if (0..=MOST).contains(&people) => Ok(Some(people)),
        _ => Err(
            "Write how many people may be denied as a whole number, or leave it empty to let nothing switch itself back."
                .to_owned(),
        ),
    }
}

#[derive(Template)]
#[template(path = "previews/cancel.html")]
pub struct Cancel {
    frame: Frame,
    connection: Connection,
    plan: Plan,
}

/// Organization, connection and plan of a path.
type Ids = web::Path<(String, String, String)>;

/// `GET /orgs/{org}/connections/{id}/plans/{key}/cancel`
pub async fn ask_to_cancel(owner: Owner, site: Here, path: Ids) -> Result<Page<Cancel>, Problem> {
    let (_, connection, plan) = path.into_inner();
    let organization = owner.organization.clone();
    let (connection, plan) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let known = connections::find_in(conn, &organization, &connection)?.ok_or(Problem::NotFound)?;
            let plan = plans::find(conn, &organization, &plan)?;
            let plan = plan.filter(|plan| plan.connection == known.id);
            Ok((known, plan.ok_or(Problem::NotFound)?))
        })
        .await?;
    if !plan.state.is_open() {
        return Err(Problem::Conflict(
            "Nothing is left to cancel: see on the page of the connection what became of it.".to_owned(),
        ));
    }
    Ok(Page::new(Cancel {
        frame: owner.frame("connections"),
        connection,
        plan,
    }))
}

/// `POST /orgs/{org}/connections/{id}/plans/{key}/cancel`
pub async fn cancel(owner: Owner, site: Here, path: Ids, _form: Posted) -> Result<HttpResponse, Problem> {
    let (_, connection, plan) = path.into_inner();
    let (now, actor, organization) = (site.now(), Actor::from(&*owner), owner.organization.clone());
    let done = site
        .store
        .writing_in(&owner.organization, move |conn| {
            actions::cancel(conn, now, &actor, &organization, &plan)
        })
        .await?;
    let path = owner.path(&format!("/connections/{connection}"));
    Ok(Flash::good(done.told).redirect(&site, &path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::time::DAY;

    #[test]
    fn what_is_asked_besides_is_read_or_told_why_not() {
        let now = 1_795_459_860_000; // 23 November 2026, 18:51
        let read =
            |when: &str, most: &str| Planned::of(&Posted::of(&[("when", when), ("most_denied", most)]), now);
        assert!(read("", "").unwrap().is_nothing());
        let both = read("2026-11-24T18:51", "5").unwrap();
        assert_eq!((both.at, both.most_denied), (Some(now + DAY), Some(5)));
        assert!(read("2026-11-23T18:51", "").unwrap_err().contains("over"));
        assert!(read("2027-11-23T18:51", "").unwrap_err().contains("90 days"));
        assert!(read("tomorrow", "").unwrap_err().contains("2026-11-30 18:00"));
        for wrong in ["-1", "many", "1000001", "1.5"] {
            assert!(read("", wrong).is_err(), "{wrong}");
        }
    }
}
