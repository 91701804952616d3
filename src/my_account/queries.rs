//! SQL of what belongs to one account.

use diesel::prelude::*;

use crate::access::Role;
use crate::store::schema::{connections, identities, invitations, members, organizations};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// An organization that the person is an active member of.
#[derive(Debug, Clone)]
pub struct Belonging {
    /// The organization as paths name it.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What the person may do there.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

/// An identity by which the person signs in.
#[derive(Debug, Clone)]
pub struct Method {
    /// The connection's name.
    pub connection: String,
    /// The organization's name.
    pub organization: String,
    /// Since when it is linked.
    pub since: Timestamp,
    /// Whether the connection is on.
    pub is_on: bool,
}

/// An invitation that waits for the person.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// The organization's id.
    pub organization: String,
    /// The organization as paths name it.
    pub slug: String,
    /// The organization's name.
    pub name: String,
    /// The role that it gives.
    pub role: Role,
    /// Who invited, empty for the command line.
    pub invited_by: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether the organization has guests, who come by password.
    pub guests: bool,
}

fn role(word: &str) -> Role {
    // The table's CHECK knows no other words.
    Role::parse(word).unwrap_or(Role::Member)
}

/// The organizations of the account that its session opens, by name: `own`, or those that its password opens.
pub fn organizations(conn: &mut Conn, account: &str, own: Option<&str>) -> Result<Vec<Belonging>> {
    let mut query = members::table
        .inner_join(organizations::table)
        .filter(members::account_id.eq(account))
        .filter(members::state.eq("active"))
        .into_boxed();
    query = match own {
        Some(own) => query.filter(organizations::id.eq(own)),
        None => query.filter(members::by_password),
    };
    let rows: Vec<(String, String, String, Timestamp)> = query
        .order(organizations::name)
        .select((
            organizations::slug,
            organizations::name,
            members::role,
            members::joined_at,
        ))
        .load(conn)?;
    let belongings = rows.into_iter().map(|(slug, name, word, since)| Belonging {
        slug,
        name,
        role: role(&word),
        since,
    });
    Ok(belongings.collect())
}

/// The identities of the account, by organization and connection; only those of `own`, if one is given.
pub fn methods(conn: &mut Conn, account: &str, own: Option<&str>) -> Result<Vec<Method>> {
    let mut query = identities::table
        .inner_join(connections::table.inner_join(organizations::table))
        .filter(identities::account_id.eq(account))
        .into_boxed();
    if let Some(own) = own {
        query = query.filter(organizations::id.eq(own));
    }
    let rows: Vec<(String, String, Timestamp, String)> = query
        .order((organizations::name, connections::name))
        .select((
            connections::name,
            organizations::name,
            identities::linked_at,
            connections::state,
        ))
        .load(conn)?;
    let methods = rows
        .into_iter()
        .map(|(connection, organization, since, state)| Method {
            connection,
            organization,
            since,
            is_on: state == "on",
        });
    Ok(methods.collect())
}

/// The invitations that wait for this address (folded), those that end first before the others.
pub fn waiting(conn: &mut Conn, email_key: &str, now: Timestamp) -> Result<Vec<Waiting>> {
    type Row = (String, String, String, String, String, String, Timestamp, bool);
    let rows: Vec<Row> = invitations::table
        .inner_join(organizations::table)
        .filter(invitations::email_key.eq(email_key))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(now))
        .filter(organizations::state.eq("on"))
        .order(invitations::expires_at)
        .limit(20)
        .select((
            invitations::id,
            organizations::id,
            organizations::slug,
            organizations::name,
            invitations::role,
            invitations::invited_by_name,
            invitations::expires_at,
            organizations::guests,
        ))
        .load(conn)?;
    let waiting = rows.into_iter().map(
        |(id, organization, slug, name, word, invited_by, expires_at, guests)| Waiting {
            id,
            organization,
            slug,
            name,
            role: role(&word),
            invited_by,
            expires_at,
            guests,
        },
    );
    Ok(waiting.collect())
}

/// The organization of an invitation that waits for this address (folded).
pub fn waiting_at(conn: &mut Conn, email_key: &str, id: &str) -> Result<Option<String>> {
    invitations::table
        .filter(invitations::id.eq(id))
        .filter(invitations::email_key.eq(email_key))
        .filter(invitations::state.eq("pending"))
        .select(invitations::organization_id)
        .first(conn)
        .optional()
}
