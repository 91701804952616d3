//! From the browser's first click to the session or the refusal.
//!
//! `door` sends the browser out and takes it back, by the protocol of the connection: `by_oidc`, where `oidc` judges
//! the provider's message, or `saml`. `flow` loads, decides and applies in one transaction (what a decision does
//! lies in `effects`, its record in `record`); `refused` is the page of those who stay outside. Owners and guests may also come by `password`; `setup` makes
//! the first owner; `guest` lets an invitation's link do what it may.

mod by_oidc;
mod door;
mod drill;
mod effects;
mod flow;
mod foreseen;
mod forgot;
mod guest;
mod half;
mod known;
mod letters;
pub mod oidc;
mod pages;
mod password;
mod proof;
mod provider_keys;
mod queries;
mod record;
mod refused;
mod reset;
mod saml;
mod second;
mod setup;
mod standing;
mod still_you;
mod sweep;
mod testing;
mod throttle;

use actix_web::web::{self, ServiceConfig};

pub use flow::{Arrival, Once, Passage, admit};
pub use foreseen::{Foreseen, foresee};
pub use letters::told as told_by_mail;
pub use password::{fits as password_fits, hash as hash_password};
pub use reset::{begin_for as begin_reset, link as reset_link};
pub use setup::{NewOwner, give_password, link_for_empty, make_owner, trust_password};
pub use standing::{Ground, Here, Otherwise, Person};
pub use sweep::{sweep, sweep_for_ever};

/// The routes of the front door.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/", web::get().to(pages::start))
        .route("/sign-in", web::get().to(pages::address))
        .route("/sign-in", web::post().to(pages::by_address))
        .route("/sign-in/password", web::post().to(pages::by_password))
        .route("/sign-in/forgot", web::get().to(forgot::ask))
        .route("/sign-in/forgot", web::post().to(forgot::send))
        .route("/sign-in/second", web::get().to(second::ask))
        .route("/sign-in/second", web::post().to(second::answer))
        .route("/sign-in/passkey", web::post().to(second::by_passkey))
        .route("/sign-in/passkey/ask", web::post().to(second::ask_passkey))
        .route("/sign-in/refused/{reference}", web::get().to(refused::refused))
        .route("/sign-in/refused/{reference}/ask", web::post().to(refused::ask))
        .route("/sign-in/oidc/{id}/callback", web::get().to(by_oidc::returned))
        .route("/sign-in/saml/{id}/metadata", web::get().to(saml::metadata))
        .route("/sign-in/saml/{id}/acs", web::post().to(saml::returned))
        .route("/sign-in/{org}/{connection}", web::get().to(door::start))
        .route(
            "/orgs/{org}/connections/{id}/test/start",
            web::get().to(testing::start),
        )
        .service(
            web::resource("/orgs/{org}/connections/{id}/provider-keys")
                .route(web::get().to(provider_keys::ask))
                .route(web::post().to(provider_keys::confirm)),
        )
        .route("/connect/test/start", web::get().to(testing::start_by_link))
        .route("/invitation/accept", web::get().to(guest::show))
        .route("/invitation/accept", web::post().to(guest::accept))
        .route("/reset/{token}", web::get().to(reset::follow))
        .route("/reset", web::get().to(reset::show))
        .route("/reset", web::post().to(reset::set))
        .route("/still-you", web::get().to(still_you::ask))
        .route("/still-you", web::post().to(still_you::answer))
        .service(web::resource("/still-you/passkey").route(web::post().to(still_you::ask_passkey)))
        .route("/still-you/{form}", web::get().to(still_you::kept))
        .service(
            web::resource("/orgs/{org}/break-glass/drill")
                .route(web::get().to(drill::ask))
                .route(web::post().to(drill::tried)),
        )
        .route("/sign-out", web::post().to(pages::sign_out))
        .route("/theme", web::post().to(pages::theme))
        .route("/set-up/{token}", web::get().to(setup::follow))
        .route("/set-up", web::get().to(setup::show))
        .route("/set-up", web::post().to(setup::set_up));
}
