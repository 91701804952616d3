//! My account: who one is here, how one signs in and where one is signed in, the organizations one belongs to and
//! those that invite.
//!
//! Whoever came by one organization's provider is told nothing of the person's other organizations, and accepts
//! nothing for them: that provider speaks for its own organization only.

mod leave;
mod pages;
mod password;
mod queries;
mod sessions;

use actix_web::web::{self, ServiceConfig};

/// The routes of a person's own account.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/account", web::get().to(pages::show))
        .route("/account/name", web::post().to(pages::choose_name))
        .route("/account/username", web::post().to(pages::choose_username))
        .route("/account/password", web::post().to(password::change))
        .route(
            "/account/sessions/end-others",
            web::post().to(sessions::end_others),
        )
        .route("/account/sessions/{id}/end", web::post().to(sessions::end))
        .route(
            "/account/sign-out-everywhere",
            web::post().to(sessions::sign_out_everywhere),
        )
        .route("/account/zone", web::post().to(pages::choose_zone))
        .route("/account/invitations/{id}/accept", web::post().to(pages::accept))
        .route(
            "/account/invitations/{id}/decline",
            web::post().to(pages::decline),
        )
        .service(
            web::resource("/account/organizations/{org}/leave")
                .route(web::get().to(leave::explain))
                .route(web::post().to(leave::leave)),
        );
}
