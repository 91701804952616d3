//! The record of sign-ins as a file.

use actix_web::{HttpResponse, web};

use super::SignIn;
use super::pages::Filter;
use crate::session::Admin;
use crate::store::time::machine;
use crate::web::paging::PAGE;
use crate::web::{Paging, Site, download};

/// What the file says of each attempt.
const COLUMNS: [&str; 12] = [
    "at",
    "outcome",
    "reason",
    "detail",
    "email",
    "name",
    "connection",
    "protocol",
    "subject",
    "reference",
    "ip",
    "browser",
];

/// `/orgs/{org}/sign-ins.csv`: every attempt that the filters leave.
pub async fn csv(admin: Admin, site: web::Data<Site>, filter: web::Query<Filter>) -> HttpResponse {
    let organization = admin.organization.clone();
    let (mut paging, mut is_over) = (Paging::default(), false);
    download::csv(&site.store, "sign-ins", &COLUMNS, move |conn| {
        if is_over {
            return Ok(String::new());
        }
        let mut rows = filter.rows(conn, &organization, &paging)?;
        is_over = rows.len() <= PAGE;
        rows.truncate(PAGE);
        if let Some(last) = rows.last() {
            paging.after = Paging::moment_key(last.at, &last.id);
        }
        Ok(rows.iter().map(line).collect())
    })
}

fn line(row: &SignIn) -> String {
    download::csv_row(&[
        machine(row.at),
        row.outcome.as_str().to_owned(),
        row.reason.clone(),
        row.detail.clone(),
        row.email.clone(),
        row.name.clone(),
        row.connection_name.clone(),
        row.protocol.clone(),
        row.subject.clone(),
        row.reference.clone(),
        row.ip.clone(),
        row.user_agent.clone(),
    ])
}
