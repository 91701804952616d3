//! People one could invite: accounts with an address of a verified domain who are no members. They were
//! turned away here, were removed, or belong elsewhere on this installation; where, is not told.

mod queries;

use actix_web::web;
use askama::Template;

use super::{Domain, queries as domains};
use crate::session::{Admin, Frame};
use crate::store::time::Timestamp;
use crate::store::{self, Conn};
use crate::web::{Page, Paging, Problem, Site, Slice};

/// Somebody who is not a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The address.
    email: String,
    /// The address as it is compared and sorted.
    key: String,
    /// The name, or empty.
    name: String,
    /// When the account was made.
    since: Timestamp,
    /// When the person was removed from this organization, if so.
    removed_at: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "domains/people.html")]
pub(super) struct People {
    frame: Frame,
    domain: Domain,
    page: Slice<Person>,
}

impl People {
    fn caption(&self) -> String {
        let count = self.page.rows.len();
        let more = if self.page.next.is_some() || self.page.previous.is_some() {
            " on this page"
        } else {
            ""
        };
        let people = if count == 1 { "person" } else { "people" };
        format!("{count} {people}{more}, by address")
    }
}

/// `GET /orgs/{org}/domains/{id}/people`
pub(super) async fn list(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
    paging: web::Query<Paging>,
) -> Result<Page<People>, Problem> {
    let (organization, (_, id), paging) =
        (admin.organization.clone(), path.into_inner(), paging.into_inner());
    let (domain, page) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let domain = domains::find(conn, &organization, &id)?.ok_or(Problem::NotFound)?;
            let rows = if domain.lets_in_newcomers() {
                found(conn, &organization, &domain.name, &paging)?
            } else {
                Vec::new()
            };
            Ok((domain, Slice::cut(rows, &paging, |person| person.key.clone())))
        })
        .await?;
    Ok(Page::new(People {
        frame: admin.frame("domains"),
        domain,
        page,
    }))
}

/// Each kind is found by an index of its own, in the list's order; together they are one list.
fn found(conn: &mut Conn, organization: &str, domain: &str, paging: &Paging) -> store::Result<Vec<Person>> {
    let mut people = queries::never_let_in(conn, organization, domain, paging)?;
    people.extend(queries::removed(conn, organization, domain, paging)?);
    people.extend(queries::elsewhere(conn, organization, domain, paging)?);
    people.sort_by(|one, two| one.key.cmp(&two.key));
    people.dedup_by(|one, two| one.key == two.key);
    if paging.is_backwards() {
        people.reverse();
    }
    people.truncate(usize::try_from(Paging::limit()).unwrap_or(usize::MAX));
    Ok(people)
}
