//! Accounts: people on the whole installation. An account is not access; membership is.

mod model;
mod pages;
mod passwords;
mod queries;
pub mod actions;

pub use model::Account;
pub use passwords::{MAX_PASSWORD, MIN_PASSWORD, check_policy, hash, verify};
pub use queries::{count, find, find_by_email, find_by_identity, identity_count};

use actix_web::web::{self, ServiceConfig};

/// The routes of a person's own account.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/account", web::get().to(pages::show))
        .route("/account/username", web::post().to(pages::choose_username))
        .route("/account/password", web::post().to(pages::change_password))
        .route("/account/sessions/{id}/end", web::post().to(pages::end_session))
        .route(
            "/account/sign-out-everywhere",
            web::post().to(pages::sign_out_everywhere),
        );
}
