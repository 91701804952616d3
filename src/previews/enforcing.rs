//! Whom enforcement takes the password from. It is no rule of entry: it is asked at the password's door.

use std::collections::HashSet;

use super::line::{Basis, Kind, Line};
use super::preview::Preview;
use super::queries;
use super::replay::Progress;
use crate::break_glass;
use crate::connections;
use crate::store::Conn;
use crate::store::time::Timestamp;
use crate::web::Problem;

/// How many rows are read at once.
const BATCH: i64 = 1_000;

/// Finds those who could use no password any longer, or could again.
pub(super) fn replay(
    conn: &mut Conn,
    organization: &str,
    connection: &str,
    on: bool,
    since: Timestamp,
    progress: &Progress,
    preview: &mut Preview,
) -> Result<(), Problem> {
    let connection = connections::find_in(conn, organization, connection)?.ok_or(Problem::NotFound)?;
    let others = queries::enforced_elsewhere(conn, &connection)?;
    let mut domains = queries::verified_domains(conn, &connection.id)?;
    domains.retain(|domain| !others.contains(domain));
    // What is not on is not enforced either.
    if domains.is_empty() || connection.enforce == on || !connection.is_on() {
        return Ok(());
    }
    let mut owners = break_glass::owners(conn, organization)?;
    owners.retain(|owner| owner.is_keeper);
    let with_password = owners.iter().filter(|owner| owner.has_password);
    preview.keepers = with_password.map(|owner| owner.name.clone()).collect();
    let keepers: HashSet<String> = owners.into_iter().map(|owner| owner.account).collect();
    let mut after = String::new();
    loop {
        let rows = queries::with_password(conn, organization, &domains, &after, BATCH)?;
        let Some((last, ..)) = rows.last() else {
            return Ok(());
        };
        after.clone_from(last);
        let ids: Vec<&str> = rows.iter().map(|(account, ..)| account.as_str()).collect();
        let seen: HashSet<String> = queries::seen_of(conn, &connection, &ids, since)?
            .into_iter()
            .flatten()
            .collect();
        progress.add(rows.len());
        for (account, email, name) in rows {
            preview.people += 1;
            if keepers.contains(&account) {
                continue;
            }
            let password = "Signs in by a password, or by single sign-on".to_owned();
            let by = format!("Signs in by {} alone", connection.name);
            let (kind, before, after) = match (on, seen.contains(&account)) {
                (true, true) => (Kind::NoPassword, password, by),
                (true, false) => (Kind::NoPasswordUnseen, password, by),
                (false, _) => (Kind::Password, by, password),
            };
            preview.lines.push(Line {
                kind,
                name,
                email_key: email.to_ascii_lowercase(),
                email,
                before,
                after,
                basis: Basis::Member,
                connection: connection.name.clone(),
            });
        }
    }
}
