//! The list of invitations, and one invitation.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::letters;
use super::model::{Invitation, State};
use super::queries::{self, Wanted};
use crate::mail::{self, Mailed, Post, State as MailState};
use crate::session::{Admin, Frame};
use crate::store::time::{Timestamp, machine};
use crate::store::{Conn, DbError};
use crate::web::{Page, Paging, Problem, Site, Slice, download, paging};

/// What the address of the list asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
}

/// The page of many.
#[derive(Template)]
#[template(path = "invitations/list.html")]
pub(super) struct List {
    frame: Frame,
    page: Slice<Invitation>,
    /// How many there are; nothing where that is not counted.
    total: Option<i64>,
    mail: HashMap<String, Mailed>,
    address: String,
    state: Option<State>,
    base: String,
    is_mailing: bool,
    now: Timestamp,
}

impl List {
    /// How a button begins that makes fresh links.
    fn resend(&self) -> &'static str {
        if self.is_mailing {
            "Resend"
        } else {
            "Fresh links for"
        }
    }

    fn is_filtered(&self) -> bool {
        self.state.is_some() || !self.address.is_empty()
    }

    /// The address of a page about all that match.
    fn all(&self, act: &str) -> String {
        let state = self.state.map_or("", State::as_str);
        let query = paging::base(&[
            ("all", "yes"),
            ("q", &self.address),
            ("state", state),
            ("filters", self.base.trim_matches(['?', '&'])),
        ]);
        self.frame
            .path(&format!("/invitations/{act}{}", query.trim_end_matches('&')))
    }

    /// The address of the same as a file.
    fn file(&self) -> String {
        let query = self.base.trim_end_matches(['&', '?']);
        self.frame.path(&format!("/invitations.csv{query}"))
    }

    fn is_state(&self, word: &str) -> bool {
        self.state.is_some_and(|state| state.as_str() == word)
    }

    fn caption(&self) -> String {
        let state = self.state.map_or("", State::as_str);
        let noun = match (self.total, state) {
            (Some(1), "") => "invitation".to_owned(),
            (Some(1), state) => format!("{state} invitation"),
            (_, "") => "invitations".to_owned(),
            (_, state) => format!("{state} invitations"),
        };
        let of = if self.address.is_empty() {
            String::new()
        } else {
            format!(" for addresses that begin with “{}”", self.address)
        };
        let total = match self.total {
            Some(total) => total.to_string(),
            None => "more than 1,000".to_owned(),
        };
        let order = if self.state == Some(State::Expired) {
            "last expired first"
        } else {
            "newest first"
        };
        format!("{} of {total} {noun}{of}, {order}", self.page.rows.len())
    }
}

/// `GET /orgs/{org}/invitations`.
pub(super) async fn list(
    admin: Admin,
    site: web::Data<Site>,
    filter: web::Query<Filter>,
) -> Result<Page<List>, Problem> {
    let (organization, now) = (admin.organization.clone(), site.now());
    let Filter {
        q,
        state,
        after,
        before,
    } = filter.into_inner();
    let (wanted, paging) = (Wanted::of(&q, &state), Paging { after, before });
    let asked = wanted.clone();
    let (total, page, mail) = site
        .store
        .reading(move |conn| {
            let (page, total) = queries::page(conn, &organization, now, &asked, &paging)?;
            let ids: Vec<&str> = page.rows.iter().map(|one| one.id.as_str()).collect();
            let mail = mail::states(conn, &organization, letters::ABOUT, &ids)?;
            Ok::<_, DbError>((total, page, mail))
        })
        .await?;
    Ok(Page::new(List {
        base: paging::base(&[
            ("q", &wanted.address),
            ("state", wanted.state.map_or("", State::as_str)),
        ]),
        frame: admin.frame("invitations"),
        page,
        mail,
        total,
        is_mailing: Post::of(&site).is_configured(),
        address: wanted.address,
        state: wanted.state,
        now,
    }))
}

/// What the file says of each invitation.
const COLUMNS: [&str; 11] = [
    "email",
    "role",
    "teams",
    "state",
    "invited",
    "invited_by",
    "sent",
    "expires",
    "settled",
    "mail",
    "mail_reason",
];

/// `GET /orgs/{org}/invitations.csv`: all that the filter leaves, in the order of the page.
pub(super) async fn csv(admin: Admin, site: web::Data<Site>, filter: web::Query<Filter>) -> HttpResponse {
    let (organization, now) = (admin.organization.clone(), site.now());
    let wanted = Wanted::of(&filter.q, &filter.state);
    let mut next = Some(String::new());
    download::csv(&site.store, "invitations", &COLUMNS, move |conn| {
        let Some(after) = next.take() else {
            return Ok(String::new());
        };
        let (rows, last) = queries::some(conn, &organization, now, &wanted, after, download::ROWS)?;
        next = last;
        lines(conn, &organization, now, &rows)
    })
}

fn lines(
    conn: &mut Conn,
    organization: &str,
    now: Timestamp,
    rows: &[Invitation],
) -> Result<String, DbError> {
    let ids: Vec<&str> = rows.iter().map(|one| one.id.as_str()).collect();
    let mail = mail::states(conn, organization, letters::ABOUT, &ids)?;
    let line = |one: &Invitation| {
        let mailed = mail.get(&one.id);
        let teams: Vec<&str> = one.teams.iter().map(|team| team.name.as_str()).collect();
        download::csv_row(&[
            one.email.clone(),
            one.role.to_string(),
            teams.join("; "),
            one.state(now).as_str().to_owned(),
            machine(one.created_at),
            one.invited_by_name.clone(),
            machine(one.sent_at),
            machine(one.expires_at),
            one.settled_at.map(machine).unwrap_or_default(),
            mailed.map_or("", |mailed| mailed.state.as_str()).to_owned(),
            mailed.map(|mailed| mailed.reason.clone()).unwrap_or_default(),
        ])
    };
    Ok(rows.iter().map(line).collect())
}

/// The page of one.
#[derive(Template)]
#[template(path = "invitations/one.html")]
pub(super) struct One {
    frame: Frame,
    invitation: Invitation,
    state: State,
    /// When it left the pending state; shown only if it did.
    settled_at: Timestamp,
    mail: Option<Mailed>,
    is_mailing: bool,
    may_act: bool,
}

/// `GET /orgs/{org}/invitations/{id}`.
pub(super) async fn one(
    admin: Admin,
    site: web::Data<Site>,
    path: web::Path<(String, String)>,
) -> Result<Page<One>, Problem> {
    let (organization, (_, id)) = (admin.organization.clone(), path.into_inner());
    let (found, mail) = site
        .store
        .reading(move |conn| {
            let mail = mail::about(conn, &organization, letters::ABOUT, &id)?;
            Ok::<_, DbError>((queries::find(conn, &organization, &id)?, mail))
        })
        .await?;
    let invitation = found.ok_or(Problem::NotFound)?;
    Ok(Page::new(One {
        frame: admin.frame("invitations"),
        state: invitation.state(site.now()),
        settled_at: invitation.settled_at.unwrap_or_default(),
        mail,
        is_mailing: Post::of(&site).is_configured(),
        may_act: admin.role.may_grant(invitation.role),
        invitation,
    }))
}
