//! Groups of an identity provider and the teams and roles that they stand for: one table per connection.
//!
//! One writer at a time (behaviour §1.1 step 6): with just-in-time provisioning on and SCIM off the groups of
//! a sign-in, with SCIM on the directory's groups alone ([`actions::sync_member`], [`actions::sync_all`]). A
//! line that met a group of the directory follows that group's id, whatever it is called later.

pub mod actions;
mod model;
mod pages;
mod queries;
mod sync;

pub use model::{Changes, Line, People, TeamChange};
pub use pages::typed;
pub use queries::{lines, mapping};

use actix_web::web;

use crate::access::{Convention, NamedTeam, team_key};
use crate::orgs::Organization;
use crate::store::{Conn, Result};
use crate::teams;

/// The page of groups.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/connections/{id}/groups")
            .get(pages::edit)
            .post(pages::change),
    );
}

/// The name convention for somebody with these groups; none where the organization did not turn it on, or
/// no groups were sent.
///
/// # Errors
/// When the database refuses.
pub fn convention(
    conn: &mut Conn,
    organization: &Organization,
    groups: Option<&[String]>,
) -> Result<Option<Convention>> {
    let Some(groups) = groups.filter(|_| organization.settings.group_convention) else {
        return Ok(None);
    };
    let named = NamedTeam::all(&organization.slug, groups);
    let keys: Vec<String> = named.map(|team| team_key(&team.name)).collect();
    let known = if keys.is_empty() {
        Vec::new()
    } else {
        teams::by_keys(conn, &organization.id, &keys)?
    };
    Ok(Some(Convention {
        organization: organization.slug.clone(),
        teams: known.into_iter().collect(),
    }))
}
