//! Teams: parts of one organization. Somebody is in a team while any source says so: by hand, an
//! invitation, a connection's default, its group mapping, SCIM. Each source takes away only what it gave.

pub mod actions;
mod model;
mod pages;
mod queries;

pub use model::{Belonging, Source, Team, fault_of, tidy};
pub use queries::{
    by_keys, find, find_by_name, give, leave_all, list, mapped, mapped_of, names_of, of_member, take_mapped,
    with_sources,
};

use actix_web::web;

/// The pages of teams.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/orgs/{org}/teams").get(pages::list))
        .service(
            web::resource("/orgs/{org}/teams/new")
                .get(pages::new)
                .post(pages::create),
        )
        .service(
            web::resource("/orgs/{org}/teams/{id}/rename")
                .get(pages::renaming)
                .post(pages::rename),
        )
        .service(
            web::resource("/orgs/{org}/teams/{id}/delete")
                .get(pages::deleting)
                .post(pages::delete),
        )
        .service(web::resource("/orgs/{org}/teams/{id}/people").post(pages::add))
        .service(web::resource("/orgs/{org}/teams/{id}/people/{member}/take-out").post(pages::take_out));
}
