//! The dry run: what would happen if this person came now, by a page, by JSON, and by `vestibule explain`.
//! It asks what sign-in asks, and writes nothing.

mod actions;
mod changed;
mod model;
mod pages;

use actix_web::web;

pub use actions::explain;
pub use model::{Changes, Explained, Mapped, Question, Seats};

/// The page, and the same as JSON.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/dry-run")
            .get(pages::ask)
            .post(pages::answer),
    )
    .route("/orgs/{org}/dry-run/json", web::post().to(pages::json));
}
