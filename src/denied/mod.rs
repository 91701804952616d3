//! Denied sign-ins: the administrators' queue, one row per person who was turned away. The attempts
//! themselves are sign-ins; a denial is what they have in common, and what became of it.

pub mod actions;
mod acting;
mod filter;
mod model;
mod pages;
mod queries;
mod remedy;

use actix_web::web;

pub use model::{Denial, State};
pub use queries::find;

/// The pages of the queue: the list, one denial, and what can be done with it.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/orgs/{org}/denied", web::get().to(pages::list))
        .route("/orgs/{org}/denied/{id}", web::get().to(pages::one))
        .service(
            web::resource("/orgs/{org}/denied/{id}/dismiss")
                .route(web::get().to(acting::ask_to_dismiss))
                .route(web::post().to(acting::dismiss)),
        )
        .service(
            web::resource("/orgs/{org}/denied/{id}/reopen")
                .route(web::get().to(acting::ask_to_reopen))
                .route(web::post().to(acting::reopen)),
        );
}
