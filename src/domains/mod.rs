//! Domains: the right-hand sides of addresses that an organization answers for. A domain counts once it
//! is verified, by its TXT record or by the operator's word, and by one organization at most.

pub mod actions;
mod model;
mod pages;
mod queries;

pub use model::{Domain, Standing, is_public_mail};
pub use queries::{find, find_by_name, list};

use actix_web::web;

/// The page of domains.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/domains")
            .get(pages::list)
            .post(pages::add),
    );
}
