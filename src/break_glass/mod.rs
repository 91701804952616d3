//! Break glass: owners who may still come by password when an organization asks single sign-on of everybody, so that a
//! provider that is down or wrong shuts nobody out for good.
//!
//! They are named; while nobody is, the first owner is one. A named owner never comes by single sign-on, and no
//! directory changes them. Each use is told to all owners; a drill shows that the way is still open.

pub mod actions;
mod model;
mod pages;
mod queries;

use actix_web::web::{self, ServiceConfig};

pub use model::{DRILL_EVERY, Keeper};
pub use queries::{is_named, is_named_anywhere, named, owners};

/// The routes of the owners for emergencies.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/break-glass")
            .route(web::get().to(pages::show))
            .route(web::post().to(pages::name)),
    );
}
