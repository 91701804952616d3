//! Letters: what the product tells people by mail.
//!
//! A letter is queued in the transaction of what it tells (`actions::queue`), so that both happen or neither does.
//! The worker sends what is due, tries again with growing pauses, and gives up after three days; several servers
//! may do so at once. Without SMTP in the settings nothing is queued: ask [`Post::is_configured`], and offer the
//! link to copy instead.
//!
//! **A new kind of letter** takes a line in [`Kind`] and one function that writes it:
//!
//! ```ignore
//! let post = Post::of(&site);                      // before the transaction; cheap to clone
//! let letter = Letter::new(Kind::PasswordReset, &account.email, "Choose a new password")
//!     .about("account", &account.id)               // so that its state can be found, and the letter withdrawn
//!     .useful_until(now + 15 * MINUTE)             // after that it is not sent any more
//!     .say("Somebody, probably you, asked for a new password.")
//!     .act("Choose a new password", &format!("/password/{token}"))
//!     .because("You get this because you have an account here.");
//! mail::actions::queue(conn, now, &post, &letter)?;
//! ```
//!
//! The two templates in `templates/mail/` make HTML and plain text of it. All text is disarmed on its way in
//! ([`disarm`]): whatever somebody called themselves, it is neither markup nor a link. A link is always a path of
//! ours; it stands in the body alone, which is sealed in the database and blanked once it is sent. A letter of an
//! organization is `.of(organization_id, name)` and carries its name; one without is the installation's own.

pub mod actions;
mod disarm;
mod letter;
mod model;
mod pages;
mod post;
mod queries;
mod settings;
mod smtp;
mod worker;

pub use disarm::disarm;
pub use letter::{Kind, Letter};
pub use model::{Mailed, State};
pub use post::Post;
pub use queries::{Kept, Server, Tally, about, given_up, server, settings, since, states, tally};
pub use settings::{Requests, Settings};
pub use worker::Worker;

use actix_web::web;

/// An organization's page of its mail.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/mail")
            .route(web::get().to(pages::page))
            .route(web::post().to(pages::change)),
    )
    .route("/orgs/{org}/mail/again", web::post().to(pages::again));
}
