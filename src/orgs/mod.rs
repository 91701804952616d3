//! Organizations: what people are let into, and their settings.

mod everybody;
mod model;
mod queries;
pub mod actions;
mod pages;

pub use model::{Organization, Settings, check_slug};
pub use queries::{all, count, find, find_by_slug};

use actix_web::web;

/// The organization's own pages.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/settings")
            .get(pages::settings)
            .post(pages::change_settings),
    )
    .service(
        web::resource("/orgs/{org}/sign-out-everybody")
            .get(everybody::explain)
            .post(everybody::sign_out),
    );
}
