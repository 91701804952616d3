//! Connections: an organization's single sign-on to one identity provider, and the two switches that
//! say how people arrive by it: just-in-time provisioning and SCIM.

pub mod actions;
mod discovery;
mod model;
mod pages;
mod provider;
mod queries;
pub mod saml;
pub mod testing;
pub mod versions;

pub use model::{Connection, Protocol, Settings, State, policy, secret_place};
pub use provider::{OidcSettings, ProviderSettings};
pub use queries::{domain_standing, find, find_by_slugs, find_in, for_domain, list};

use actix_web::web;

/// The pages of connections.
pub fn routes(cfg: &mut web::ServiceConfig) {
    let at = |path: &str| web::resource(format!("/orgs/{{org}}/connections{path}"));
    cfg.service(at("").get(pages::list))
        .service(at("/new").get(pages::new).post(pages::create))
        .service(at("/new/saml").get(pages::new_saml).post(pages::create_saml))
        .service(at("/{id}").get(pages::show))
        .service(at("/{id}/edit").get(pages::edit).post(pages::change))
        .service(
            at("/{id}/metadata")
                .get(pages::metadata)
                .post(pages::change_metadata),
        )
        .service(at("/{id}/keys").get(pages::keys).post(pages::change_keys))
        .service(at("/{id}/state").get(pages::state).post(pages::set_state))
        .service(at("/{id}/jit").get(pages::jit).post(pages::set_jit))
        .service(at("/{id}/scim").get(pages::scim).post(pages::set_scim));
}
