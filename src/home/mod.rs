//! Home: what needs somebody now, and a picture of the last 30 days. Each thing that needs somebody is a
//! sentence with the link that settles it; where nothing is wrong, nothing is shown but that.
//!
//! The page asks two questions of the database, however many people and sign-ins there are: one for everything
//! that may need somebody, one for the counts of the days.

mod needs;
mod pages;
mod picture;
mod queries;

use actix_web::web;

/// The first page of an organization.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/orgs/{org}", web::get().to(pages::home));
}
