//! Denied sign-ins: the administrators' queue, one row per person who was turned away. The attempts
//! themselves are sign-ins; a denial is what they have in common, and what became of it.

pub mod actions;
mod acting;
mod export;
mod filter;
pub mod letters;
mod many;
mod model;
mod pages;
mod queries;
mod remedy;
mod suggest;

use actix_web::web;

pub use model::{Denial, State};
pub use queries::{addresses, find};

/// The pages of the queue: the list, the list as a file, one denial, and what can be done with it.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/orgs/{org}/denied", web::get().to(pages::list))
        // Words stand before ids.
        .service(
            web::resource("/orgs/{org}/denied/dismiss")
                .route(web::get().to(many::ask_to_dismiss))
                .route(web::post().to(many::dismiss)),
        )
        .route("/orgs/{org}/denied.csv", web::get().to(export::csv))
        .route("/orgs/{org}/denied/{id}", web::get().to(pages::one))
        .route("/orgs/{org}/denied/{id}/assign", web::post().to(acting::assign))
        .route("/orgs/{org}/denied/{id}/notes", web::post().to(acting::note))
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
