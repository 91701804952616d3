//! SQL of people who are no members. Each query answers a page, in the order of the addresses.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::Person;
use crate::store::schema::{accounts, invitations, members, organizations};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};
use crate::web::Paging;

type Row = (String, String, String, Timestamp, Option<Timestamp>);

fn people(rows: Vec<Row>) -> Vec<Person> {
    rows.into_iter()
        .map(|(email, key, name, since, removed_at)| Person {
            email,
            key,
            name,
            since,
            removed_at,
        })
        .collect()
}

/// Narrows a query to those of the domain who are active and have no invitation that waits, cut to a page.
macro_rules! page {
    ($query:expr, $organization:expr, $domain:expr, $paging:expr) => {{
        let invited = invitations::table
            .filter(invitations::organization_id.eq($organization))
            .filter(invitations::email_key.eq(accounts::email_key))
            .filter(invitations::state.eq("pending"));
        let query = $query
            .filter(accounts::email_domain.eq($domain))
            .filter(accounts::state.eq("active"))
            .filter(not(exists(invited)))
            .limit(Paging::limit())
            .into_boxed();
        let key = $paging.key().map(str::to_owned);
        match (key, $paging.is_backwards()) {
            (Some(key), true) => query
                .filter(accounts::email_key.lt(key))
                .order(accounts::email_key.desc()),
            (Some(key), false) => query
                .filter(accounts::email_key.gt(key))
                .order(accounts::email_key.asc()),
            (None, _) => query.order(accounts::email_key.asc()),
        }
    }};
}

/// Accounts that were never let in anywhere.
pub fn never_let_in(
    conn: &mut Conn,
    organization: &str,
    domain: &str,
    paging: &Paging,
) -> Result<Vec<Person>> {
    let here = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::account_id.eq(accounts::id));
    let strangers = accounts::table
        .filter(accounts::admitted_at.is_null())
        .filter(not(exists(here)))
        .select((
            accounts::email,
            accounts::email_key,
            accounts::full_name,
            accounts::created_at,
            None::<Timestamp>.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::BigInt>>(),
        ));
    let rows: Vec<Row> = page!(strangers, organization, domain, paging).load(conn)?;
    Ok(people(rows))
}

/// Those who were removed from the organization.
pub fn removed(conn: &mut Conn, organization: &str, domain: &str, paging: &Paging) -> Result<Vec<Person>> {
    let removed = accounts::table
        .inner_join(members::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("removed"))
        .select((
            accounts::email,
            accounts::email_key,
            accounts::full_name,
            accounts::created_at,
            members::state_changed_at.nullable(),
        ));
    let rows: Vec<Row> = page!(removed, organization, domain, paging).load(conn)?;
    Ok(people(rows))
}

/// Members of other organizations. Where there is no other, nothing is searched.
pub fn elsewhere(conn: &mut Conn, organization: &str, domain: &str, paging: &Paging) -> Result<Vec<Person>> {
    let another = organizations::table.filter(organizations::id.ne(organization));
    let (here, there) = diesel::alias!(members as here, members as there);
    let of_ours = here
        .filter(here.field(members::organization_id).eq(organization))
        .filter(here.field(members::account_id).eq(accounts::id));
    let elsewhere = there
        .filter(there.field(members::organization_id).ne(organization))
        .filter(there.field(members::account_id).eq(accounts::id));
    let others = accounts::table
        .filter(exists(another))
        .filter(accounts::admitted_at.is_not_null())
        .filter(not(exists(of_ours)))
        .filter(exists(elsewhere))
        .select((
            accounts::email,
            accounts::email_key,
            accounts::full_name,
            accounts::created_at,
            None::<Timestamp>.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::BigInt>>(),
        ));
    let rows: Vec<Row> = page!(others, organization, domain, paging).load(conn)?;
    Ok(people(rows))
}
