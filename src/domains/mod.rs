//! Domains: the right-hand sides of addresses that an organization answers for. A domain counts once it
//! is verified, by its TXT record or by the operator's word, and by one organization at most.
//!
//! The record is looked up when somebody asks and by itself (`check`). Where it goes missing nothing changes for
//! seven days, and then only that nobody new is let in by it; when it is found again, all is as it was.

pub mod actions;
pub mod check;
mod model;
mod one;
mod pages;
mod people;
mod public_mail;
mod queries;

pub use model::{Domain, Finding, Look, PATIENCE, Standing};
pub use public_mail::is_public_mail;
pub use queries::{connections_of, find, find_by_name, list, members_of, troubled};

use actix_web::web;

/// The pages of domains; removing one lies among the previews.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/domains")
            .get(pages::list)
            .post(pages::add),
    )
    .route("/orgs/{org}/domains/{id}", web::get().to(one::show))
    .route("/orgs/{org}/domains/{id}/check", web::post().to(one::check))
    .route("/orgs/{org}/domains/{id}/people", web::get().to(people::list));
}
