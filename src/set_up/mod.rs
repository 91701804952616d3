//! Setting an organization up as a path: domain, connection, test, turning on, who may come in. The page says where one
//! stands, and the home page leads there until it is done.

mod model;
mod pages;
mod queries;

pub use model::{Path, Step};
pub use queries::path;

use actix_web::web;

/// The page of the path.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/orgs/{org}/set-up", web::get().to(pages::show));
}
