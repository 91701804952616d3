//! The operator's pages: who runs the installation sees its organizations, its health, and what it does by itself.
//!
//! The operator sees how many people an organization has, and never who they are. What the operator changes there
//! (whether it is on, seats, answering for a domain) stands in that organization's audit log under the operator's own name.

mod health;
mod mail;
mod organizations;
mod queries;
mod turning;

use actix_web::web;

use crate::session::Operator;
use crate::web::{Flash, Theme};

/// The routes of the operator.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/operator", web::get().to(health::show))
        .route("/operator/mail", web::get().to(mail::show))
        .route("/operator/mail/test", web::post().to(mail::test))
        .route("/operator/mail/again", web::post().to(mail::again))
        .route("/operator/organizations", web::get().to(organizations::list))
        .route("/operator/organizations/{id}", web::get().to(organizations::one))
        .route(
            "/operator/organizations/{id}/seats",
            web::post().to(organizations::set_seats),
        )
        .service(
            web::resource("/operator/organizations/{id}/state")
                .route(web::get().to(turning::ask))
                .route(web::post().to(turning::turn)),
        )
        .service(
            web::resource("/operator/organizations/{id}/domains/{domain}/vouch")
                .route(web::get().to(organizations::ask_to_vouch))
                .route(web::post().to(organizations::vouch)),
        );
}

/// What stands around each of the operator's pages.
struct Desk {
    name: String,
    theme: Theme,
    form_token: String,
    flash: Option<Flash>,
    here: &'static str,
}

impl Desk {
    fn of(operator: &Operator, here: &'static str) -> Self {
        Self {
            name: operator.name.clone(),
            theme: operator.theme,
            form_token: operator.form_token.clone(),
            flash: operator.flash.clone(),
            here,
        }
    }

    fn is_at(&self, word: &str) -> bool {
        self.here == word
    }

    /// Word, path and title of each page.
    fn nav() -> [(&'static str, &'static str, &'static str); 3] {
        [
            ("health", "/operator", "Health"),
            ("organizations", "/operator/organizations", "Organizations"),
            ("mail", "/operator/mail", "Mail"),
        ]
    }
}
