//! What a list shows of the members that were found.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;

use crate::members::model::{Managed, Membership};
use crate::members::queries::{MemberRow, Person, membership};
use crate::store::schema::{accounts as people, connections, members, scim_users};
use crate::store::{Conn, Result, rows_of_many};

/// A member with what the list shows beside.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The member.
    pub member: Membership,
    /// The name, folded.
    pub name_key: String,
    /// The username of the account.
    pub username: String,
    /// How a directory knows the person, if one does.
    pub managed: Option<Managed>,
}

/// How a directory knows somebody: the connection's name, whether it still writes, the user name, and whether it took
/// the person over.
type KnownAs = (Option<String>, Option<bool>, Option<String>, Option<bool>);

/// The members with these ids, in the order of the ids.
pub fn rows(conn: &mut Conn, ids: &[String]) -> Result<Vec<Listed>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = members::table
        .inner_join(people::table)
        .left_join(scim_users::table.on(scim_users::member_id.eq(members::id.nullable())))
        .left_join(
            connections::table.on(connections::id
                .nullable()
                .eq(scim_users::connection_id.nullable())),
        )
        .filter(members::id.eq_any(ids))
        .select((
            // The columns alone: with `as_select` it would be a statement of one database.
            <MemberRow as Selectable<Pg>>::construct_selection(),
            <Person as Selectable<Pg>>::construct_selection(),
            people::name_key,
            people::username,
            (
                connections::name.nullable(),
                connections::scim.nullable(),
                scim_users::user_name.nullable(),
                scim_users::adopted.nullable(),
            ),
        ));
    let found: Vec<(MemberRow, Person, String, String, KnownAs)> = rows_of_many(conn, wanted)?;
    let mut by_id: HashMap<String, Listed> = HashMap::with_capacity(found.len());
    for (row, person, name_key, username, known) in found {
        let member = membership((row, person));
        let listed = Listed {
            managed: managed(&member.id, known),
            member,
            name_key,
            username,
        };
        by_id.insert(listed.member.id.clone(), listed);
    }
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

fn managed(member: &str, known: KnownAs) -> Option<Managed> {
    let (Some(connection), Some(is_synchronised), Some(user_name), Some(adopted)) = known else {
        return None;
    };
    Some(Managed {
        member: member.to_owned(),
        connection,
        is_synchronised,
        user_name,
        adopted,
    })
}
