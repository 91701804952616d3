//! Provisioning by the directory: the SCIM 2.0 server of a connection, its tokens, its log, and what its
//! requests do to people and teams.

use actix_web::web::ServiceConfig;

/// The pages of provisioning.
pub fn routes(_cfg: &mut ServiceConfig) {}

/// The SCIM server. It knows tokens, not sessions, and stands outside of what reads the session's cookie.
pub fn scim_routes(_cfg: &mut ServiceConfig) {}
