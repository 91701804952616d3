//! The identity provider of the demo: a small, honest one on a port of its own, by OpenID Connect and by
//! SAML (`saml`).
//!
//! The product speaks to it as to any provider and has no shortcut for it. Where others
//! ask for a password, this one asks whom to be: `GET /authorize` shows one button per [`Person`], and
//! the same address takes the answer as `POST` with the form field `person`, from a browser or from a
//! script, without cookies. It keeps everything in memory and signs with a key made at its start.

mod authorize;
mod grants;
mod model;
mod pages;
mod parameters;
mod people;
mod saml;
mod signing;
mod token;
#[cfg(test)]
mod tests;

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};

pub use model::{Client, Person, Provider};
pub use people::people;
pub use saml::Application;
pub use signing::SigningError;

/// Everything the provider answers, to be given to [`App::configure`].
pub fn configure(provider: &Provider) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let provider = provider.clone();
    move |config| {
        config
            .app_data(web::Data::new(provider.clone()))
            .route("/", web::get().to(pages::home))
            .route("/app.css", web::get().to(pages::stylesheet))
            .route("/favicon.ico", web::get().to(pages::no_icon))
            .route(
                "/.well-known/openid-configuration",
                web::get().to(pages::discovery),
            )
            .route("/jwks", web::get().to(pages::jwks))
            .configure(saml::routes)
            .service(
                web::resource("/authorize")
                    .route(web::get().to(pages::choose))
                    .route(web::post().to(pages::chosen)),
            )
            .route("/token", web::post().to(token::token))
            .service(
                web::resource("/userinfo")
                    .route(web::get().to(token::userinfo))
                    .route(web::post().to(token::userinfo)),
            );
    }
}

/// Serves `provider` on `listener` until the returned server is stopped. Signals are left to the caller.
///
/// # Errors
/// When the listener cannot be used.
pub fn run(provider: &Provider, listener: TcpListener) -> std::io::Result<Server> {
    let configure = configure(provider);
    let server = HttpServer::new(move || App::new().configure(configure.clone()))
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
