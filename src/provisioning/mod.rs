//! Provisioning by the directory: the SCIM 2.0 server of a connection, its tokens, its log, and what its
//! requests do to people and teams.

mod body;
mod bulk;
mod discovery;
mod everything;
pub mod groups;
pub mod guard;
pub mod hands;
pub mod log;
mod pages;
mod queries;
pub mod rate;
pub mod request;
pub mod route;
mod server;
pub mod tokens;
pub mod users;

use actix_web::web::ServiceConfig;

use crate::store::time::{HOUR, Timestamp};
use crate::store::{Conn, Result};

/// Where directories find the SCIM server, below the site's address.
pub const BASE: &str = "/scim/v2";

pub use pages::routes;

/// The SCIM server. It knows tokens, not sessions, and stands outside of what reads the session's cookie.
pub fn scim_routes(cfg: &mut ServiceConfig) {
    cfg.configure(server::routes);
}

/// Takes away some of what has had its time; answers how many rows that were.
///
/// # Errors
/// When the database refuses.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    Ok(log::queries::sweep(conn, now - log::KEPT)? + guard::sweep(conn, now - 2 * HOUR)?)
}
