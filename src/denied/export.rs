//! The list of denials as a file.

use actix_web::{HttpResponse, web};

use super::filter::Filter;
use super::model::Denial;
use super::queries;
use crate::session::Admin;
use crate::sign_ins;
use crate::store::time::machine;
use crate::store::{Conn, DbError};
use crate::web::paging::PAGE;
use crate::web::{Paging, Site, download};

/// What the file says of each person.
const COLUMNS: [&str; 15] = [
    "email",
    "name",
    "domain",
    "reason",
    "detail",
    "connection",
    "attempts",
    "first",
    "last",
    "reference",
    "state",
    "state_since",
    "state_by",
    "note",
    "asked",
];

/// `/orgs/{org}/denied.csv`: everybody whom the filters leave.
pub async fn csv(admin: Admin, site: web::Data<Site>, filter: web::Query<Filter>) -> HttpResponse {
    let (organization, me) = (admin.organization.clone(), admin.signed.account.clone());
    let mut filter = Filter {
        paging: Paging::default(),
        ..filter.into_inner()
    };
    let mut is_over = false;
    download::csv(&site.store, "denied", &COLUMNS, move |conn| {
        if is_over {
            return Ok(String::new());
        }
        let (rows, more) = some(conn, &organization, &me, &filter)?;
        is_over = !more;
        if let Some(last) = rows.last() {
            filter.paging.after = Paging::moment_key(last.last_at, &last.id);
        }
        let connections = queries::connections(conn, &organization)?;
        Ok(rows.iter().map(|row| line(row, &connections)).collect())
    })
}

/// The next ones, and whether there are more behind them.
fn some(
    conn: &mut Conn,
    organization: &str,
    me: &str,
    filter: &Filter,
) -> Result<(Vec<Denial>, bool), DbError> {
    let named = match filter.reference() {
        Some(reference) => sign_ins::find_by_reference(conn, organization, &reference)?,
        None => None,
    };
    let wanted = filter.wanted(me, named.is_some());
    let one = named.map(|(_, denial)| denial.unwrap_or_default());
    let mut rows = queries::page(conn, organization, &wanted, one.as_deref(), &filter.paging)?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    Ok((rows, more))
}

fn line(denial: &Denial, connections: &[(String, String)]) -> String {
    let connection = connections
        .iter()
        .find(|(id, _)| denial.connection.as_ref() == Some(id));
    download::csv_row(&[
        denial.email.clone(),
        denial.name.clone(),
        denial.domain.clone(),
        denial.reason.clone(),
        denial.detail.clone(),
        connection.map(|(_, name)| name.clone()).unwrap_or_default(),
        denial.attempts.to_string(),
        machine(denial.first_at),
        machine(denial.last_at),
        denial.reference.clone(),
        denial.state.as_str().to_owned(),
        machine(denial.state_at),
        denial.state_by.clone(),
        denial.note.clone(),
        denial.asked.clone(),
    ])
}
