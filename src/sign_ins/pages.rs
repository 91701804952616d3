//! The record of sign-ins: the list, and one with its trace.

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::model::key_of;
use super::queries::{self, Wanted};
use super::{Outcome, SignIn, as_reference, cut};
use crate::access::EmailAddress;
use crate::session::{Admin, Frame};
use crate::store::text::tame;
use crate::store::{Conn, DbError};
use crate::web::paging::base;
use crate::web::{Choice, Page, Paging, Problem, Site, Slice};

/// What the list is filtered by, as the address says it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    reference: String,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Template)]
#[template(path = "sign_ins/list.html")]
pub struct List {
    frame: Frame,
    is_failures: bool,
    outcomes: Vec<Choice>,
    connections: Vec<Choice>,
    page: Slice<SignIn>,
    caption: String,
    base: String,
    is_filtered: bool,
    is_narrowed: bool,
    email: String,
    reference: String,
}

#[derive(Template)]
#[template(path = "sign_ins/one.html")]
pub struct One {
    frame: Frame,
    sign_in: SignIn,
}

impl Filter {
    fn outcome(&self) -> Option<Outcome> {
        Outcome::parse(&self.outcome)
    }

    fn connection(&self) -> Option<String> {
        (!self.connection.is_empty()).then(|| tame(&self.connection, 100))
    }

    /// Whether something else than the outcome is asked for.
    fn is_narrowed(&self) -> bool {
        self.connection().is_some() || self.person().is_some() || self.reference().is_some()
    }

    /// By what the person is known whose address was typed; what is no address is nobody's.
    fn person(&self) -> Option<String> {
        let typed = self.email.trim();
        (!typed.is_empty())
            .then(|| EmailAddress::parse(typed).map_or_else(|_| "nobody".to_owned(), |email| key_of(&email)))
    }

    /// The reference that was typed, as it is stored; what is no reference is looked for as it is.
    fn reference(&self) -> Option<String> {
        let typed = self.reference.trim();
        (!typed.is_empty()).then(|| as_reference(typed).unwrap_or_else(|| tame(typed, 20)))
    }

    /// The rows of one page.
    pub fn rows(&self, conn: &mut Conn, organization: &str, paging: &Paging) -> Result<Vec<SignIn>, DbError> {
        let connection = self.connection();
        let (reference, person) = (self.reference(), self.person());
        let wanted = Wanted {
            outcome: self.outcome(),
            connection: connection.as_deref(),
            reference: reference.as_deref(),
            person: person.as_deref(),
        };
        queries::page(conn, organization, &wanted, paging)
    }

    /// The address of the list so filtered, to which a page's key is added.
    fn base(&self) -> String {
        let outcome = self.outcome().map_or("", Outcome::as_str);
        base(&[
            ("outcome", outcome),
            ("connection", &self.connection),
            ("email", &self.email),
            ("reference", &self.reference),
        ])
    }

    fn outcomes(&self) -> Vec<Choice> {
        let all = Outcome::ALL.map(|one| Choice::new(one.as_str(), one.title(), &self.outcome));
        std::iter::once(Choice::new("", "Any", &self.outcome))
            .chain(all)
            .collect()
    }

    fn connections(&self, all: &[(String, String)]) -> Vec<Choice> {
        let all = all
            .iter()
            .map(|(id, name)| Choice::new(id, &cut(name, 60), &self.connection));
        std::iter::once(Choice::new("", "Any", &self.connection))
            .chain(all)
            .collect()
    }

    fn caption(&self, count: usize, connections: &[(String, String)]) -> String {
        let what = match self.outcome() {
            None => "Sign-ins, however they ended",
            Some(Outcome::Admitted) => "Sign-ins that were admitted",
            Some(Outcome::Denied) => "Sign-ins that were denied",
            Some(Outcome::Rejected) => "Technical failures",
        };
        let through = connections
            .iter()
            .find(|(id, _)| *id == self.connection)
            .map(|(_, name)| format!(", through {}", cut(name, 80)))
            .unwrap_or_default();
        let of = match self.email.trim() {
            "" => String::new(),
            email => format!(", of {}", tame(email, 80)),
        };
        let reference = match self.reference() {
            Some(reference) => format!(", reference {reference}"),
            None => String::new(),
        };
        format!("{what}{of}{through}{reference}: {count} on this page, newest first")
    }
}

/// `/orgs/{org}/sign-ins`.
pub async fn list(
    admin: Admin,
    site: web::Data<Site>,
    filter: web::Query<Filter>,
) -> Result<Page<List>, Problem> {
    let organization = admin.organization.clone();
    let asked = filter.clone();
    let (rows, connections) = site
        .store
        .reading(move |conn| -> Result<_, DbError> {
            let rows = asked.rows(conn, &organization, &asked.paging)?;
            Ok((rows, queries::connections(conn, &organization)?))
        })
        .await
        .map_err(Problem::from)?;
    let page = Slice::cut(rows, &filter.paging, |row| Paging::moment_key(row.at, &row.id));
    Ok(Page::new(List {
        frame: admin.frame("sign-ins"),
        is_failures: filter.outcome() == Some(Outcome::Rejected),
        outcomes: filter.outcomes(),
        caption: filter.caption(page.rows.len(), &connections),
        base: filter.base(),
        is_filtered: filter.outcome().is_some() || filter.is_narrowed(),
        is_narrowed: filter.is_narrowed(),
        email: filter.email.clone(),
        reference: filter.reference.clone(),
        connections: filter.connections(&connections),
        page,
    }))
}

/// `/orgs/{org}/sign-ins/{id}`.
pub async fn one(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<Page<One>, Problem> {
    let organization = admin.organization.clone();
    let (_, id) = path.into_inner();
    let sign_in = site
        .store
        .reading(move |conn| queries::find(conn, &organization, &id))
        .await
        .map_err(Problem::from)?
        .ok_or(Problem::NotFound)?;
    Ok(Page::new(One {
        frame: admin.frame("sign-ins"),
        sign_in,
    }))
}
