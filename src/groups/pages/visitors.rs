//! The people whom a table of groups will meet at their next sign-in: those of the connection's latest
//! sign-ins, each with the groups of the last one.

use std::collections::{BTreeMap, BTreeSet};

use super::forecast::Visitor;
use super::queries;
use crate::access::{HeldRole, Role};
use crate::connections::Connection;
use crate::store::{Conn, Result};

/// How many sign-ins are looked at.
const MOST: i64 = 5_000;

/// Loads them, by name. Whoever sent no groups last time is not among them: nothing would change for them.
pub fn visitors(conn: &mut Conn, connection: &Connection) -> Result<Vec<Visitor>> {
    let mut groups: BTreeMap<String, Option<Vec<String>>> = BTreeMap::new();
    for (account, json) in queries::latest_groups(conn, connection, MOST)? {
        groups
            .entry(account)
            .or_insert_with(|| serde_json::from_str(&json).unwrap_or_default());
    }
    let accounts: Vec<&String> = groups.keys().collect();
    let members = queries::members_of(conn, &connection.organization, &accounts)?;
    let mut given: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (member, team) in queries::given(conn, &connection.id)? {
        given.entry(member).or_default().insert(team);
    }
    Ok(members
        .into_iter()
        .filter_map(|member| {
            Some(Visitor {
                groups: groups.get_mut(&member.account)?.take()?,
                name: if member.name.is_empty() {
                    member.email
                } else {
                    member.name
                },
                held: HeldRole {
                    role: Role::parse(&member.role).unwrap_or(Role::Member),
                    by_mapping: member.role_given_by == connection.id,
                },
                teams: given.remove(&member.id).unwrap_or_default(),
            })
        })
        .collect())
}
