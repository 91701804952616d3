//! The same provider by SAML 2.0: it takes a request at `/saml/sso`, by a redirect or by a form, asks whom to
//! be, and has the browser post a signed response to the application.

mod pages;
mod request;
mod response;

use actix_web::web::{self, ServiceConfig};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::model::Provider;
use super::signing::SigningError;

/// An application that may send people here by SAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its entity id.
    pub entity_id: String,
    /// Where responses go: its assertion consumer service.
    pub acs_url: String,
}

#[derive(Template)]
#[template(path = "demo/metadata.xml")]
struct Metadata {
    entity_id: String,
    sso_url: String,
    certificate: String,
}

impl Provider {
    /// The name of this provider in SAML: the address of its metadata.
    pub fn entity_id(&self) -> String {
        format!("{}/saml/metadata", self.issuer())
    }

    /// What applications are set up from (SAML Metadata §2.4.3).
    ///
    /// # Errors
    /// When it can't be written.
    pub fn metadata(&self) -> Result<String, SigningError> {
        let metadata = Metadata {
            entity_id: self.entity_id(),
            sso_url: format!("{}/saml/sso", self.issuer()),
            certificate: STANDARD.encode(&self.saml_key().certificate),
        };
        metadata.render().map_err(|error| SigningError(error.to_string()))
    }
}

/// The routes below `/saml`.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/onwards.js", web::get().to(pages::script))
        .route("/saml/metadata", web::get().to(pages::metadata))
        .route("/saml/choose", web::post().to(pages::chosen))
        .service(
            web::resource("/saml/sso")
                .route(web::get().to(pages::by_redirect))
                .route(web::post().to(pages::by_form)),
        );
}
