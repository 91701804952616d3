//! My account: who one is here, how one signs in and where one is signed in, the organizations one belongs to and
//! those that invite.
//!
//! Whoever came by one organization's provider is told nothing of the person's other organizations, and accepts
//! nothing for them: that provider speaks for its own organization only.

mod factors;
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
        .route("/account/app", web::get().to(factors::offer_app))
        .route("/account/app", web::post().to(factors::add_app))
        .route("/account/app/remove", web::get().to(factors::explain_app_removal))
        .route("/account/app/remove", web::post().to(factors::remove_app))
        .route(
            "/account/recovery-codes",
            web::get().to(factors::explain_new_codes),
        )
        .route("/account/recovery-codes", web::post().to(factors::new_codes))
        .route("/account/passkeys", web::get().to(factors::passkeys))
        .route("/account/passkeys", web::post().to(factors::add_passkey))
        .route("/account/passkeys/ask", web::post().to(factors::ask_passkey))
        .route(
            "/account/passkeys/{id}/remove",
            web::get().to(factors::explain_passkey_removal),
        )
        .route(
            "/account/passkeys/{id}/remove",
            web::post().to(factors::remove_passkey),
        )
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
