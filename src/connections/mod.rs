//! Connections: an organization's single sign-on to one identity provider, and the two switches that
//! say how people arrive by it: just-in-time provisioning and SCIM.

pub mod actions;
mod discovery;
mod guides;
pub mod links;
mod model;
mod pages;
pub mod plans;
mod provider;
mod queries;
pub mod saml;
pub mod testing;
pub mod versions;

pub use model::{Connection, Protocol, Settings, StandingDomain, State, policy, secret_place};
pub use provider::{OidcSettings, ProviderSettings};
pub use queries::{
    attached, domain_standing, domain_standings, find, find_at_door, find_by_slugs, find_by_token, find_in,
    for_domain, list, vouching,
};

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
        .service(at("/{id}/test").get(pages::test))
        .service(at("/{id}/tests/{test}").get(pages::test_found))
        .service(at("/{id}/draft").get(pages::draft).post(pages::settle))
        .service(at("/{id}/previous").get(pages::previous).post(pages::take_back))
        .service(at("/{id}/enforce").get(pages::enforce).post(pages::set_enforce))
        .service(at("/{id}/guides").get(pages::guides))
        .service(at("/{id}/guides/{provider}").get(pages::guide))
        .service(at("/{id}/links").get(pages::links).post(pages::make_link))
        .service(
            at("/{id}/links/{key}/revoke")
                .get(pages::ask_to_revoke)
                .post(pages::revoke_link),
        )
        .service(at("/{id}/keys").get(pages::keys).post(pages::change_keys))
        .service(at("/{id}/state").get(pages::state).post(pages::set_state))
        .service(at("/{id}/delete").get(pages::deletion).post(pages::delete));
    cfg.configure(guests_routes);
}

/// The pages of whoever holds a set-up link.
fn guests_routes(cfg: &mut web::ServiceConfig) {
    use pages::guest;
    cfg.route("/connect/open/{token}", web::get().to(guest::open))
        .route("/connect/begin", web::get().to(guest::begin))
        .route("/connect/begin", web::post().to(guest::take))
        .route("/connect", web::get().to(guest::show))
        .route("/connect/edit", web::get().to(guest::edit))
        .route("/connect/edit", web::post().to(guest::change))
        .route("/connect/metadata", web::get().to(guest::metadata))
        .route("/connect/metadata", web::post().to(guest::change_metadata))
        .route("/connect/draft", web::get().to(guest::draft))
        .route("/connect/draft", web::post().to(guest::settle))
        .route("/connect/test", web::get().to(guest::test))
        .route("/connect/tests/{test}", web::get().to(guest::found))
        .route("/connect/guides", web::get().to(guest::guides))
        .route("/connect/guides/{provider}", web::get().to(guest::guide))
        .route("/connect/state", web::get().to(guest::state))
        .route("/connect/state", web::post().to(guest::turn_on))
        .route("/connect/leave", web::post().to(guest::leave));
}
